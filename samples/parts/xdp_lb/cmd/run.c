// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb run": the control program. Packets are forwarded without it; it follows
 * the next hops and the health of the backends, and applies configurations.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <net/if.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/native.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "lib/xdp.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/state/iface.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/health/probe.h"
#include "parts/xdp_lb/state/state.h"
#include "xdp_lb.skel.h"

enum {
	READY_WAIT_MS = 3000,
	/*
	 * Time to the next look at next hops: while one is not known, and else, for changes
	 * that no message reports.
	 */
	RETRY_MS = 250,
	REFRESH_MS = 10000,
	/* Changes of health that are applied together. */
	CHANGES_MAX = 256,
};

/**
 * struct change - a backend goes up or down
 * @backend: its index
 * @up: true: up, false: down
 * @why: reason, if it goes down
 */
struct change {
	__u32 backend;
	bool up;
	char why[LB_WHY_MAX];
};

struct run {
	struct lb_state state;
	struct lb_conf conf;
	struct lb_nexthops *hops;
	struct lb_health *health;
	struct xdp_lb_kern *skel;
	struct lb_ifaces ifaces;
	enum lb_mode mode;
	bool adopted;
	bool complete;
	int epoll_fd;
	int timer_fd;
	unsigned int dead_end;	/* the interface that tell_dead_end() has printed, or 0 */
	unsigned int n_changes;
	struct change changes[CHANGES_MAX];
};

/* --- messages ------------------------------------------------------------------------ */

static void tell_ready(const struct run *run)
{
	json_writer_t *json;
	unsigned int i;

	if (sample.json) {
		json = sample_json_begin("ready");
		jsonw_string_field(json, "tool", sample.info->name);
		jsonw_string_field(json, "name", run->conf.name);
		jsonw_string_field(json, "mode", lb_mode_name(run->mode));
		jsonw_bool_field(json, "adopted", run->adopted);
		jsonw_name(json, "interfaces");
		jsonw_start_array(json);
		for (i = 0; i < run->conf.n_ifnames; i++)
			jsonw_string(json, run->conf.ifnames[i]);
		jsonw_end_array(json);
		jsonw_uint_field(json, "vips", run->conf.n_vips);
		sample_json_end(json);
		return;
	}
	printf("ready: instance %s on", run->conf.name);
	for (i = 0; i < run->conf.n_ifnames; i++)
		printf("%s %s", i ? "," : "", run->conf.ifnames[i]);
	printf(" (%s), %u service%s%s\n", lb_mode_name(run->mode), run->conf.n_vips,
	       run->conf.n_vips == 1 ? "" : "s", run->adopted ? ", adopted" : "");
	fflush(stdout);
}

static void tell_health(const struct run *run, const struct change *change)
{
	unsigned int id = run->state.backends[change->backend].vip;
	const struct lb_vip_info *vip = &run->state.vip_infos[id];
	const char *name = run->state.backend_infos[change->backend].name;
	json_writer_t *json;

	if (sample.json) {
		json = sample_json_begin("health");
		jsonw_string_field(json, "vip", vip->name);
		jsonw_string_field(json, "backend", name);
		jsonw_string_field(json, "state", change->up ? "up" : "down");
		if (!change->up)
			jsonw_string_field(json, "reason", change->why);
		sample_json_end(json);
	} else if (!sample.quiet) {
		printf("%s: backend %s is %s%s%s\n", vip->name, name,
		       change->up ? "up" : "down", change->up ? "" : ": ",
		       change->up ? "" : change->why);
		fflush(stdout);
	}
}

/* --- health --------------------------------------------------------------------------- */

static bool any_healthy(const struct lb_state *state, unsigned int vip)
{
	unsigned int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (state->backends[i].state != LB_BACKEND_UNUSED &&
		    state->backends[i].vip == vip && !state->backend_infos[i].unhealthy)
			return true;
	}
	return false;
}

/*
 * Apply changes of health. A host that dies takes down all backends on it: their services get
 * new rings together, which takes hardly longer than a single ring.
 */
static void apply_changes(struct run *run)
{
	unsigned int i, vip;

	lb_state_lock(&run->state);
	for (i = 0; i < run->n_changes; i++)
		lb_set_health(&run->state, run->changes[i].backend, run->changes[i].up);
	lb_build_rings(&run->state);
	lb_state_unlock(&run->state);
	for (i = 0; i < run->n_changes; i++) {
		tell_health(run, &run->changes[i]);
		vip = run->state.backends[run->changes[i].backend].vip;
		if (!any_healthy(&run->state, vip))
			pr_info("%s: all backends are down: new connections go to all of them",
				run->state.vip_infos[vip].name);
	}
	run->n_changes = 0;
}

static void on_health(void *ctx, __u32 backend, bool up, const char *why)
{
	struct run *run = ctx;
	struct change *change = &run->changes[run->n_changes++];

	change->backend = backend;
	change->up = up;
	snprintf(change->why, sizeof(change->why), "%s", why);
	if (run->n_changes == CHANGES_MAX)
		apply_changes(run);
}

static void check_health(struct run *run)
{
	lb_health_run(run->health);
	if (run->n_changes)
		apply_changes(run);
}

/* Have all backends checked whose service has a check. */
static int set_targets(struct run *run)
{
	struct lb_target *targets = calloc(LB_BACKENDS_MAX, sizeof(*targets));
	const struct lb_state *state = &run->state;
	unsigned int i, n = 0;
	int err = -ENOMEM;

	for (i = 0; targets && i < LB_BACKENDS_MAX; i++) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED ||
		    state->vip_infos[backend->vip].check.type == LB_CHECK_NONE)
			continue;
		targets[n].backend = i;
		targets[n].addr = backend->addr;
		targets[n].port = ntohs(backend->port);
		targets[n].check = state->vip_infos[backend->vip].check;
		targets[n].up = !state->backend_infos[i].unhealthy;
		n++;
	}
	if (targets)
		err = lb_health_set(run->health, targets, n);
	if (err)
		pr_err("failed to set up health checks: %s", strerror(-err));
	free(targets);
	return err;
}

/* --- next hops ------------------------------------------------------------------------ */

static void set_timer(const struct run *run)
{
	unsigned int ms = run->complete ? REFRESH_MS : RETRY_MS;
	struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L },
	};

	timerfd_settime(run->timer_fd, 0, &when, NULL);
}

static bool is_attached(const struct lb_state *state, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < state->conf->n_ifaces; i++) {
		if (state->conf->iface[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* Find an interface that backends are behind, and that drops what native XDP redirects to it. */
static unsigned int find_dead_end(const struct run *run)
{
	const struct lb_backend *backends = run->state.backends;
	unsigned int i, ifindex, last = 0;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		ifindex = backends[i].state == LB_BACKEND_UNUSED ? 0 : backends[i].ifindex;
		if (!ifindex || ifindex == last || is_attached(&run->state, ifindex))
			continue;
		last = ifindex;
		if (lb_nexthops_lose_redirects(run->hops, last))
			return last;
	}
	return 0;
}

/*
 * Routes may change while we run: when the interface becomes a port of a bridge, backends are
 * behind the bridge. Health checks do not notice, because they do not pass our program.
 */
static void tell_dead_end(struct run *run)
{
	unsigned int ifindex = run->mode == LB_MODE_NATIVE ? find_dead_end(run) : 0;

	if (ifindex && ifindex != run->dead_end) {
		pr_err("failed to forward to backends behind %s: it drops what native XDP redirects to it",
		       sample_ifname(ifindex));
		pr_hint("mode: tc, in a new instance");
	}
	run->dead_end = ifindex;
}

static void follow_nexthops(struct run *run)
{
	lb_state_lock(&run->state);
	lb_follow_ifaces(&run->state);
	lb_follow_snat(&run->state, &run->conf, run->hops);
	run->complete = lb_follow_nexthops(&run->state, run->hops, -1);
	lb_state_unlock(&run->state);
	tell_dead_end(run);
	set_timer(run);
}

/* Wait a while for the neighbours: the ready line says that packets are forwarded. */
static void wait_for_nexthops(struct run *run)
{
	unsigned int waited;

	follow_nexthops(run);
	for (waited = 0; !run->complete && waited < READY_WAIT_MS; waited += 50) {
		usleep(50 * 1000);
		follow_nexthops(run);
	}
	if (!run->complete)
		pr_info("not all backends have been found on the network yet: see %s show",
			sample_called());
}

/* --- configurations ------------------------------------------------------------------- */

/* If a service has lost its check, all its backends count as healthy. */
static int forget_health(struct run *run)
{
	struct lb_state *state = &run->state;
	unsigned int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (state->backends[i].state != LB_BACKEND_UNUSED &&
		    state->vip_infos[state->backends[i].vip].check.type == LB_CHECK_NONE)
			lb_set_health(state, i, true);
	}
	return lb_build_rings(state);
}

static int apply(struct run *run, const struct lb_conf *conf)
{
	int err;

	lb_state_lock(&run->state);
	err = lb_apply(&run->state, conf, run->hops);
	if (!err)
		err = forget_health(run);
	lb_state_unlock(&run->state);
	return err ?: set_targets(run);
}

/* Refuse a file that changes what only a new instance can have, before anything is applied. */
static int check_reload(const struct run *run, const struct lb_conf *conf)
{
	const char *what = NULL;

	if (strcmp(conf->name, run->conf.name))
		what = "name";
	else if (conf->table_size != run->conf.table_size)
		what = "table_size";
	else if (conf->connections != run->conf.connections)
		what = "connections";
	else if (conf->seed != run->conf.seed)
		what = "seed";
	else if (conf->mode != run->conf.mode)
		what = "mode";
	if (!what)
		return 0;
	pr_err("failed to reload %s: another %s needs a new instance", run->state.meta->path,
	       what);
	pr_hint("%s stop --name %s, then run it again", sample_called(), run->conf.name);
	return -EINVAL;
}

static int read_again(struct run *run)
{
	struct lb_conf conf;
	int err;

	if (!*run->state.meta->path) {
		pr_err("failed to reload: the services were given on the command line");
		pr_hint("%s run -c lb.yaml", sample_called());
		return -EINVAL;
	}
	err = lb_conf_read(&conf, run->state.meta->path);
	if (err)
		return err;
	lb_override(&conf);
	err = check_reload(run, &conf);
	if (err)
		goto free_conf;
	err = apply(run, &conf);
	if (err)
		goto free_conf;
	err = lb_ifaces_attach(&run->ifaces, &conf);
	if (err)
		goto free_conf;
	lb_conf_free(&run->conf);
	run->conf = conf;
	return 0;

free_conf:
	lb_conf_free(&conf);
	return err;
}

/* SIGHUP: "xdp_lb reload" on another terminal waits for the result, and prints it. */
static void on_hangup(void *ctx)
{
	struct run *run = ctx;
	struct lb_instance_meta *meta = run->state.meta;
	int err;

	sample_log_keep(meta->reload_why, meta->reload_hint, LB_MESSAGE_KEPT);
	err = read_again(run);
	sample_log_keep(NULL, NULL, 0);
	meta->reload_err = -err;
	__atomic_store_n(&meta->reloads, meta->reloads + 1, __ATOMIC_RELEASE);
	if (err)
		return;
	follow_nexthops(run);
	pr_info("reloaded %s: %u service%s", meta->path, run->conf.n_vips,
		run->conf.n_vips == 1 ? "" : "s");
}

/* --- the loop ------------------------------------------------------------------------- */

static int on_readable(void *ctx)
{
	struct run *run = ctx;
	struct epoll_event ev[4];
	bool changed = false;
	__u64 expired;
	int i, n;

	n = epoll_wait(run->epoll_fd, ev, ARRAY_SIZE(ev), 0);
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == lb_health_fd(run->health))
			check_health(run);
		else if (ev[i].data.fd == lb_nexthops_fd(run->hops))
			changed = lb_nexthops_read(run->hops) || changed;
		else if (read(run->timer_fd, &expired, sizeof(expired)) > 0)
			changed = true;
	}
	if (changed) {
		lb_ifaces_look(&run->ifaces);
		follow_nexthops(run);
	}
	return 0;
}

static void on_tick(void *ctx)
{
	struct run *run = ctx;

	lb_show_stats(&run->state, "stats");
}

static int watch(const struct run *run, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int watch_all(struct run *run)
{
	int err = 0;

	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->epoll_fd < 0 || run->timer_fd < 0) {
		err = -errno;
		goto fail;
	}
	err = watch(run, run->timer_fd);
	if (err)
		goto fail;
	err = watch(run, lb_health_fd(run->health));
	if (err)
		goto fail;
	err = watch(run, lb_nexthops_fd(run->hops));
	if (err)
		goto fail;
	return 0;

fail:
	pr_err("failed to wait for events: %s", strerror(-err));
	return err;
}

/* --- from beginning to end --------------------------------------------------------------- */

/* "auto" chose native XDP from what the kernel tells. Take TC if a driver refuses it. */
static void try_native(struct run *run, char *why, size_t size)
{
	char reason[SAMPLE_REASON_LEN];
	unsigned int i, ifindex;

	for (i = 0; i < run->conf.n_ifnames && run->mode == LB_MODE_NATIVE; i++) {
		ifindex = if_nametoindex(run->conf.ifnames[i]);
		if (!ifindex || !sample_native_refused(ifindex, reason))
			continue;
		run->mode = LB_MODE_TC;
		snprintf(why, size, "%s: %s", run->conf.ifnames[i], reason);
	}
}

static int choose_mode(struct run *run)
{
	char why[256] = "";

	run->mode = lb_choose_mode(&run->conf, why, sizeof(why));
	if (run->conf.mode != LB_MODE_AUTO)
		return 0;
	try_native(run, why, sizeof(why));
	pr_info("mode %s: %s", lb_mode_name(run->mode), why);
	return 0;
}

static void on_iface_gone(void *ctx)
{
	follow_nexthops(ctx);
}

/* A driver may refuse XDP although try_native() has found nothing: tell the way out. */
static int attach(struct run *run)
{
	int err;

	run->ifaces = (struct lb_ifaces){ .state = &run->state, .skel = run->skel,
		.mode = run->mode, .changed = on_iface_gone, .ctx = run };
	err = lb_ifaces_attach(&run->ifaces, &run->conf);
	if (err == -EOPNOTSUPP && run->conf.mode == LB_MODE_AUTO)
		pr_hint("give --mode tc, or mode: tc in the file");
	return err;
}

/* Refuse without this capability: packets would flow only until MAC addresses go stale. */
static int check_caps(void)
{
	if (sample_caps_missing(SAMPLE_NEED_NETLINK) &&
	    sample_refused(-EPERM, SAMPLE_NEED_NETLINK, "keep neighbours up to date"))
		return -EPERM;
	return 0;
}

/* Make the directory of the instance, and keep other control programs out of it. */
static int claim(struct run *run)
{
	int err = lb_state_make_dir(&run->state, run->conf.name);

	if (err)
		return err;
	return lb_state_lock_run(&run->state);
}

static int open_all(struct run *run)
{
	int err;

	err = claim(run);
	/* Until lb_load() has set it: if an instance is there, close_all() must not remove it. */
	run->adopted = lb_state_exists(run->conf.name);
	if (err)
		return err;
	err = check_caps();
	if (err)
		return err;
	err = choose_mode(run);
	if (err)
		return err;
	err = lb_load(&run->state, &run->conf, run->mode, &run->skel, &run->adopted);
	if (err)
		return err;
	err = lb_nexthops_open(&run->hops);
	if (err)
		return err;
	err = lb_health_open(&run->health, on_health, run);
	if (err)
		return err;
	return watch_all(run);
}

static void describe(struct run *run, const char *path)
{
	struct lb_instance_meta *meta = run->state.meta;
	char *full = path ? realpath(path, NULL) : NULL;

	meta->pid = getpid();
	meta->netns = lb_own_netns();
	/* "xdp_lb stop" may change this. */
	meta->keep = lb_options.keep;
	snprintf(meta->path, sizeof(meta->path), "%s", full ? full : "");
	free(full);
}

static int work(struct run *run, const char *path)
{
	struct sample_loop_ops ops = { .tick = on_tick, .readable = on_readable,
				       .hangup = on_hangup, .ctx = run };
	int err;

	describe(run, path);
	lb_wait_for_snat(&run->state, &run->conf, run->hops);
	err = apply(run, &run->conf);
	if (err)
		return err;
	lb_tell_nft(&run->state);
	wait_for_nexthops(run);
	err = attach(run);
	if (err)
		return err;
	tell_ready(run);
	ops.fd = run->epoll_fd;
	err = sample_loop_run(&ops);
	lb_show_stats(&run->state, "summary");
	return err;
}

/* If run fails to start, it does not remove an instance that it has adopted. */
static void close_all(struct run *run, bool began)
{
	bool keep = began ? run->state.meta->keep : run->adopted;

	if (run->health)
		lb_health_close(run->health);
	if (!keep && run->state.meta)
		lb_detach_all(&run->state);
	if (run->hops) {
		if (!keep)
			lb_nexthops_forget(run->hops);
		lb_nexthops_close(run->hops);
	}
	xdp_lb_kern__destroy(run->skel);
	if (!keep && run->state.run_fd >= 0)
		lb_state_remove(&run->state);
	if (run->epoll_fd >= 0)
		close(run->epoll_fd);
	if (run->timer_fd >= 0)
		close(run->timer_fd);
	lb_state_close(&run->state);
}

/**
 * lb_run() - xdp_lb run
 * @conf: configuration; is freed
 * @path: file of the configuration, NULL: it is from the command line
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_run(const struct lb_conf *conf, const char *path)
{
	struct run run = { .conf = *conf, .epoll_fd = -1, .timer_fd = -1 };
	int err;

	run.state.run_fd = -1;
	run.state.dir_fd = -1;
	err = open_all(&run);
	if (!err)
		err = work(&run, path);
	close_all(&run, !err);
	lb_conf_free(&run.conf);
	return err;
}
