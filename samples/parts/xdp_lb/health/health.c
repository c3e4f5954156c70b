// SPDX-License-Identifier: GPL-2.0
/*
 * Health checks: when they run, and what their results add up to. libcurl tells which sockets
 * and which timer to wait for. All are in one epoll, so that one thread checks hundreds of
 * backends, and nothing ever waits. health/probe.c has a single check.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <stdbool.h>
#include "lib/clock.h"
#include "lib/log.h"
#include "parts/xdp_lb/health/health.h"

#define NEVER	UINT64_MAX
#define MS	1000000ULL
#define SECOND	1000000000ULL

enum {
	EVENTS_MAX = 64,
};

/* --- libcurl's sockets and timers ---------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct epoll_event ev = { .data.fd = fd };
	struct lb_health *health = ctx;

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(health->epoll_fd, EPOLL_CTL_DEL, fd, &ev);
		return 0;
	}
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(health->epoll_fd, EPOLL_CTL_MOD, fd, &ev) &&
	    epoll_ctl(health->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		lb_probe_of(easy)->local_err = errno;
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct lb_health *health = ctx;

	health->curl_ns = ms < 0 ? NEVER : sample_now() + ms * MS;
	return 0;
}

static int arm_timer(struct lb_health *health)
{
	__u64 ns = health->curl_ns < health->next_ns ? health->curl_ns : health->next_ns;
	__u64 end_ns = lb_endings_next(&health->endings);
	struct itimerspec when = {};
	__u64 now = sample_now();

	ns = end_ns < ns ? end_ns : ns;

	if (ns != NEVER) {
		/* A timer that is set to 0 would never expire. */
		ns = ns > now ? ns - now : 1;
		when.it_value.tv_sec = ns / SECOND;
		when.it_value.tv_nsec = ns % SECOND;
	}
	return timerfd_settime(health->timer_fd, 0, &when, NULL) ? -errno : 0;
}

static void handle_events(struct lb_health *health, const struct epoll_event *ev, int n)
{
	int i, what, running;

	for (i = 0; i < n; i++) {
		/* arm_timer() sets the timer anew; lb_endings_run() handles the other one. */
		if (ev[i].data.fd == health->timer_fd ||
		    ev[i].data.fd == health->endings.epoll_fd)
			continue;
		what = ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
		what |= ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
		what |= ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
		curl_multi_socket_action(health->multi, ev[i].data.fd, what, &running);
	}
}

static void handle_timers(struct lb_health *health)
{
	int running;

	if (health->curl_ns > sample_now())
		return;
	health->curl_ns = NEVER;
	curl_multi_socket_action(health->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* --- checks -------------------------------------------------------------------------- */

/* This host has no memory or no files left: say so once a minute. Checks have no result. */
static void complain(struct lb_health *health, int err)
{
	__u64 now = sample_now();

	if (now < health->complain_ns)
		return;
	health->complain_ns = now + 60 * SECOND;
	pr_err("failed to check backends: %s", strerror(err));
	if (err == EMFILE)
		pr_hint("more open files: ulimit -n %u", 2 * health->n + LB_OTHER_FILES);
}

/* The callback may call lb_health_set(), which may free @watch. */
static void count_result(struct lb_health *health, struct lb_watch *watch, bool good,
			 const char *why)
{
	struct lb_target *target = &watch->target;

	if (good == target->up) {
		watch->against = 0;
		return;
	}
	if (++watch->against < (target->up ? target->check.fall : target->check.rise))
		return;
	watch->against = 0;
	target->up = good;
	health->fn(health->ctx, target->backend, good, why);
}

static void finish_done(struct lb_health *health)
{
	/* typeof, because the name of the struct is CamelCase. */
	typeof(curl_multi_info_read(NULL, NULL)) msg;
	enum lb_verdict verdict;
	char why[LB_WHY_MAX];
	struct lb_watch *watch;
	int left;

	while ((msg = curl_multi_info_read(health->multi, &left))) {
		/* The probe is the first member of a watch. */
		watch = (void *)lb_probe_of(msg->easy_handle);
		verdict = lb_probe_judge(&watch->probe, &watch->target.check, msg->data.result,
					 why);
		lb_probe_stop(&watch->probe, health->multi);
		if (verdict == LB_UNKNOWN && watch->probe.local_err)
			complain(health, watch->probe.local_err);
		else if (verdict != LB_UNKNOWN)
			count_result(health, watch, verdict == LB_GOOD, why);
	}
}

/*
 * Spread @n watches over the interval; @watch is number @i. The first round takes a second at
 * most, so that no backend with a long interval waits to be found down.
 */
static void schedule_first(struct lb_watch *watch, unsigned int i, unsigned int n)
{
	__u64 interval = watch->target.check.interval_ms * MS;
	__u64 now = sample_now();

	watch->grid_ns = now + interval * i / n;
	watch->due_ns = now + (interval < SECOND ? interval : SECOND) * i / n;
}

/* The next place in the grid, half an interval away at least. Missed places are left out. */
static void schedule_next(struct lb_watch *watch, __u64 now)
{
	__u64 interval = watch->target.check.interval_ms * MS;
	__u64 from = now + interval / 2;

	watch->due_ns = watch->grid_ns;
	if (from > watch->grid_ns)
		watch->due_ns += (from - watch->grid_ns + interval - 1) / interval * interval;
}

static void start_due(struct lb_health *health)
{
	__u64 now = sample_now();
	struct lb_watch *watch;
	unsigned int i;

	if (now < health->next_ns)
		return;
	health->next_ns = NEVER;
	for (i = 0; i < health->n; i++) {
		watch = health->watches[i];
		if (watch->due_ns <= now) {
			schedule_next(watch, now);
			/* A check that takes longer than the interval goes on. */
			if (!watch->probe.easy &&
			    lb_probe_start(&watch->probe, health->multi, &health->endings,
					   &watch->target))
				complain(health, ENOMEM);
		}
		if (watch->due_ns < health->next_ns)
			health->next_ns = watch->due_ns;
	}
}

/* --- the list of targets ------------------------------------------------------------- */

static bool is_valid(const struct lb_target *target)
{
	const struct lb_check *check = &target->check;

	if (target->backend >= LB_BACKENDS_MAX || check->type > LB_CHECK_HTTP)
		return false;
	if (check->type == LB_CHECK_NONE)
		return true;
	if (check->type == LB_CHECK_HTTP &&
	    (check->path[0] != '/' || !memchr(check->path, '\0', sizeof(check->path)) ||
	     !memchr(check->host, '\0', sizeof(check->host))))
		return false;
	return target->port && check->interval_ms && check->timeout_ms;
}

static bool is_same(const struct lb_target *a, const struct lb_target *b)
{
	return !memcmp(&a->addr, &b->addr, sizeof(a->addr)) && a->port == b->port &&
	       a->check.type == b->check.type &&
	       a->check.interval_ms == b->check.interval_ms &&
	       a->check.timeout_ms == b->check.timeout_ms &&
	       a->check.rise == b->check.rise && a->check.fall == b->check.fall &&
	       (a->check.type != LB_CHECK_HTTP || (!strcmp(a->check.path, b->check.path) &&
						   !strcmp(a->check.host, b->check.host)));
}

/* Most systems allow a process 1024 open files, and more if it raises the soft limit. */
static void allow_files(unsigned int n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= n)
		return;
	limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Returns how many targets have a check, or -EINVAL. */
static int count_checks(const struct lb_target *targets, unsigned int n)
{
	bool seen[LB_BACKENDS_MAX] = {};
	unsigned int i;
	int count = 0;

	for (i = 0; i < n; i++) {
		if (!is_valid(&targets[i]) || seen[targets[i].backend]) {
			pr_err("failed to check backend %u: its address or check is not valid, or it is there twice",
			       targets[i].backend);
			return -EINVAL;
		}
		seen[targets[i].backend] = true;
		count += targets[i].check.type != LB_CHECK_NONE;
	}
	return count;
}

/*
 * Find a watch for each target with a check: in @old, if the target is the same, or a new one.
 * Returns -ENOMEM if memory runs out; the new ones are freed then.
 */
static int make_watches(const struct lb_target *targets, unsigned int n,
			struct lb_watch * const *old, struct lb_watch **watches)
{
	unsigned int i, count = 0;
	struct lb_watch *watch;

	for (i = 0; i < n; i++) {
		if (targets[i].check.type == LB_CHECK_NONE)
			continue;
		watch = old[targets[i].backend];
		if (!watch || !is_same(&watch->target, &targets[i])) {
			watch = calloc(1, sizeof(*watch));
			if (!watch)
				break;
			watch->target = targets[i];
		}
		watches[count++] = watch;
	}
	if (i == n)
		return 0;
	while (count--) {
		if (watches[count] != old[watches[count]->target.backend])
			free(watches[count]);
	}
	return -ENOMEM;
}

static void free_watch(struct lb_health *health, struct lb_watch *watch)
{
	lb_probe_stop(&watch->probe, health->multi);
	free(watch);
}

/* Make @watches the list of watches. Free watches in @old that are not in @watches. */
static void take_watches(struct lb_health *health, struct lb_watch **old, struct lb_watch **watches,
			 unsigned int n)
{
	unsigned int i;
	__u32 backend;

	for (i = 0; i < n; i++) {
		backend = watches[i]->target.backend;
		if (watches[i] == old[backend])
			old[backend] = NULL;
		else
			schedule_first(watches[i], i, n);
	}
	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (old[i])
			free_watch(health, old[i]);
	}
	free(health->watches);
	health->watches = watches;
	health->n = n;
	/* Have start_due() look at all watches without delay. */
	health->next_ns = n ? 0 : NEVER;
}

/**
 * lb_health_set() - set the list of targets
 * @health: health checks
 * @targets: all targets, each backend once; they are copied
 * @n: number of targets
 *
 * A target that was there before, with the same address, port and check, keeps its state,
 * whatever @targets says, and its checks go on. Checks of other targets are aborted.
 * lb_health_fn may call this function.
 *
 * Return: 0, or a negative errno, which was printed; then all is as it was.
 */
int lb_health_set(struct lb_health *health, const struct lb_target *targets, unsigned int n)
{
	struct lb_watch *old[LB_BACKENDS_MAX] = {};
	struct lb_watch **watches;
	int count, err;
	unsigned int i;

	count = count_checks(targets, n);
	if (count < 0)
		return count;
	for (i = 0; i < health->n; i++)
		old[health->watches[i]->target.backend] = health->watches[i];
	watches = calloc(count + 1, sizeof(*watches));
	err = watches ? make_watches(targets, n, old, watches) : -ENOMEM;
	if (err) {
		pr_err("failed to check backends: %s", strerror(-err));
		free(watches);
		return err;
	}
	take_watches(health, old, watches, count);
	/* For each target, one connection of a check that runs, and one that ends. */
	health->endings.most = count;
	allow_files(2 * count + LB_OTHER_FILES);
	return arm_timer(health);
}

/* --- interface ----------------------------------------------------------------------- */

static int watch_fd(const struct lb_health *health, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(health->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/**
 * lb_health_open() - prepare health checks
 * @health: result
 * @fn: called, by lb_health_run(), when a target goes up or down; it must not call
 *	lb_health_close()
 * @ctx: handed to @fn
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_health_open(struct lb_health **health, lb_health_fn fn, void *ctx)
{
	struct lb_health *h;
	int err = -ENOMEM;

	h = calloc(1, sizeof(*h));
	if (!h || curl_global_init(CURL_GLOBAL_NOTHING))
		goto free_health;
	h->fn = fn;
	h->ctx = ctx;
	lb_endings_open(&h->endings);
	h->curl_ns = NEVER;
	h->next_ns = NEVER;
	h->multi = curl_multi_init();
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->epoll_fd < 0 || h->timer_fd < 0 || h->endings.epoll_fd < 0 ||
	    watch_fd(h, h->timer_fd) || watch_fd(h, h->endings.epoll_fd))
		err = -errno;
	else if (h->multi &&
		 !curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
		 !curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) &&
		 !curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
		 !curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h))
		err = 0;
	if (!err) {
		*health = h;
		return 0;
	}
	lb_health_close(h);
	h = NULL;
free_health:
	free(h);
	pr_err("failed to prepare health checks: %s", strerror(-err));
	return err;
}

/**
 * lb_health_fd() - the file descriptor to wait for
 * @health: health checks
 *
 * Return: a file descriptor, readable when lb_health_run() has something to do.
 */
int lb_health_fd(const struct lb_health *health)
{
	return health->epoll_fd;
}

/**
 * lb_health_run() - handle what has happened, and start checks that are due; does not wait
 * @health: health checks
 *
 * Return: 0 or a negative errno.
 */
int lb_health_run(struct lb_health *health)
{
	struct epoll_event ev[EVENTS_MAX];
	int n;

	n = epoll_wait(health->epoll_fd, ev, EVENTS_MAX, 0);
	if (n < 0 && errno != EINTR)
		return -errno;
	handle_events(health, ev, n);
	start_due(health);
	handle_timers(health);
	finish_done(health);
	lb_endings_run(&health->endings);
	return arm_timer(health);
}

/**
 * lb_health_close() - end all checks
 * @health: health checks; may be NULL
 */
void lb_health_close(struct lb_health *health)
{
	unsigned int i;

	if (!health)
		return;
	for (i = 0; i < health->n; i++)
		free_watch(health, health->watches[i]);
	free(health->watches);
	/* libcurl takes its sockets out of the epoll, so close the epoll after that. */
	curl_multi_cleanup(health->multi);
	lb_endings_close(&health->endings);
	if (health->timer_fd >= 0)
		close(health->timer_fd);
	if (health->epoll_fd >= 0)
		close(health->epoll_fd);
	curl_global_cleanup();
	free(health);
}
