// SPDX-License-Identifier: GPL-2.0
/* network: attach all hooks, follow each packet through them, and read commands. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <poll.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/tc.h"
#include "lib/util.h"
#include "parts/network/user.h"
#include "network.skel.h"

enum {
	/* A packet meets all its hooks within microseconds; allow more on a busy machine. */
	DEADLINE_MS = 100,
	LINE_MAX_LEN = 256,
};

#define NS_PER_MS 1000000ULL

static struct {
	int to[__NETWORK_SWITCH_MAX];
	bool chosen;
	enum sample_tc_hook tc_where;
} config = {
	.to = { NETWORK_OFF, NETWORK_OFF, NETWORK_OFF, NETWORK_OFF },
};

/* --- options --------------------------------------------------------------- */

static int parse_hook(const struct sample_option *opt, const char *arg)
{
	int hook = opt->min;

	config.chosen = true;
	if (network_parse_position(hook, arg ? arg : "on", &config.to[hook]))
		return sample_bad_arg(opt, arg, network_positions(hook));
	return 0;
}

static int parse_attach(const struct sample_option *opt, const char *arg)
{
	static const char * const names[] = {
		[SAMPLE_TC_AUTO] = "auto",
		[SAMPLE_TC_TCX] = "tcx",
		[SAMPLE_TC_CLSACT] = "clsact",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(arg, names[i]))
			continue;
		config.tc_where = i;
		return 0;
	}
	return sample_bad_arg(opt, arg, "auto, tcx or clsact");
}

static const struct sample_option options[] = {
	{ 0, "xdp", "ACTION", "XDP: pass, drop-ping or off", parse_hook, NULL, NETWORK_XDP, 0 },
	{ 0, "tc", "ACTION", "TC ingress: pass, drop, drop-ping, pingpong or off", parse_hook,
	  NULL, NETWORK_TC, 0 },
	{ 0, "sockfilter", NULL, "socket filter", parse_hook, NULL, NETWORK_SOCKFILTER, 0 },
	{ 0, "tcpconnect", NULL, "TCP connections that are opened here", parse_hook, NULL,
	  NETWORK_TCPCONNECT, 0 },
	{ 0, "attach", "HOOK", "TC by tcx, clsact or auto (default): tcx if the kernel has it",
	  parse_attach, NULL, 0, 0 },
	{}
};

static void find_needs(void)
{
	if (!config.chosen || config.to[NETWORK_SOCKFILTER] != NETWORK_OFF)
		sample.needs |= SAMPLE_NEED_PACKETS;
	if (config.tc_where == SAMPLE_TC_CLSACT)
		sample.needs |= SAMPLE_NEED_NETLINK;
}

static const struct sample_info info = {
	.name = "network",
	.summary = "Show the path of each packet over all hooks: XDP, socket filter, TC.",
	.examples =
"  @ -i eth0                            all hooks, none interferes\n"
"  @ -i eth0 --xdp pass --tc pingpong   these two; TC answers pings\n"
"  @ -i eth0 --xdp drop-ping --tc pass  what XDP drops, TC never sees\n"
"  @ -i eth0 -j | jq .                  JSON Lines\n"
"  @ -n netbpf-pair-host -i eth0        in the lab (@lab up)\n"
"\n"
"While it runs, on standard input:\n"
"  xdp pass|drop-ping|off                     switch a hook; the others go on\n"
"  tc pass|drop|drop-ping|pingpong|off\n"
"  sockfilter on|off\n"
"  tcpconnect on|off\n"
"  status, help, quit\n",
	.options = options,
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_MODE | SAMPLE_OPT_COUNT |
		  SAMPLE_OPT_INTERVAL | SAMPLE_OPT_FORCE,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
	.find_needs = find_needs,
};

/**
 * struct run - state of this process
 * @hooks: the hooks
 * @paths: open paths of packets
 * @timer: timerfd that fires when open paths may have passed their deadline
 * @timer_set: the timer is armed
 * @is_ready: the ready line was printed
 * @lost: number of lost events at the last look
 * @lossy_until: until this time, a missing event may be a lost one, so paths end as unknown
 * @line: the command line that is being read
 * @line_len: bytes in @line
 * @line_too_long: the line does not fit into @line; skip the rest
 */
struct run {
	struct network_hooks hooks;
	struct network_paths paths;
	int timer;
	bool timer_set;
	bool is_ready;
	__u64 lost;
	__u64 lossy_until;
	char line[LINE_MAX_LEN];
	unsigned int line_len;
	bool line_too_long;
};

/* --- paths ----------------------------------------------------------------- */

static void on_path(void *ctx, const struct network_path *path)
{
	struct run *run = ctx;

	if (sample_count_is_full())
		return;
	run->hooks.totals.paths++;
	run->hooks.totals.ends[path->end]++;
	if (!sample.quiet)
		network_show_path(&run->hooks, path);
	sample_count_reached();
}

static bool lost_lately(struct run *run, __u64 now)
{
	__u64 lost = network_lost(&run->hooks);

	if (lost != run->lost)
		run->lossy_until = now + 3 * DEADLINE_MS * NS_PER_MS;
	run->lost = lost;
	return now < run->lossy_until;
}

static void set_timer(struct run *run)
{
	struct itimerspec when = { .it_value.tv_nsec = (DEADLINE_MS + 10) * NS_PER_MS };

	if (run->timer_set || !run->paths.oldest)
		return;
	run->timer_set = !timerfd_settime(run->timer, 0, &when, NULL);
}

/* Take the time before reading events: then all events older than @now have been read. */
static int take_events(struct run *run)
{
	__u64 now = sample_now(), before = now - DEADLINE_MS * NS_PER_MS;
	int err;

	err = network_consume(&run->hooks);
	if (run->paths.oldest && run->paths.oldest->ts_ns < before)
		network_paths_expire(&run->paths, before, lost_lately(run, now));
	set_timer(run);
	return err;
}

static void on_timer(struct run *run)
{
	__u64 expired;

	if (read(run->timer, &expired, sizeof(expired)) == sizeof(expired))
		run->timer_set = false;
}

/* --- commands -------------------------------------------------------------- */

static void print_commands(void)
{
	int i;

	for (i = 0; i < __NETWORK_SWITCH_MAX; i++)
		fprintf(stderr, "  %s: %s\n", network_hook_name(i), network_positions(i));
	fprintf(stderr, "  status: what is attached, and the sums\n  help: this\n  quit: end\n");
}

static void do_switch(struct run *run, int hook, int to)
{
	int from = run->hooks.to[hook];

	if (!network_switch(&run->hooks, hook, to))
		network_show_switched(&run->hooks, hook, from);
}

static void do_line(struct run *run, char *line)
{
	char why[LINE_MAX_LEN + 64];
	struct network_command cmd;

	if (network_parse_command(&cmd, line, why, sizeof(why))) {
		pr_err("%s", why);
		pr_hint("help tells the commands; nothing was changed");
		return;
	}
	switch (cmd.word) {
	case NETWORK_SWITCH:
		do_switch(run, cmd.hook, cmd.to);
		break;
	case NETWORK_STATUS:
		network_show_state(&run->hooks, "status");
		network_show_totals(&run->hooks, "stats");
		break;
	case NETWORK_HELP:
		print_commands();
		break;
	case NETWORK_QUIT:
		sample_loop_stop();
		break;
	default:
		break;
	}
}

static void end_of_line(struct run *run)
{
	run->line[run->line_len] = '\0';
	run->line_len = 0;
	if (run->line_too_long)
		pr_err("a line of more than %d characters: nothing was changed", LINE_MAX_LEN - 1);
	else
		do_line(run, run->line);
	run->line_too_long = false;
}

static void take_char(struct run *run, char c)
{
	if (c == '\n')
		end_of_line(run);
	else if (run->line_len < LINE_MAX_LEN - 1)
		run->line[run->line_len++] = c ? c : '?';
	else
		run->line_too_long = true;
}

static bool stdin_readable(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/*
 * Read until no input is left: with EPOLLET, epoll reports input only once. The end of the input
 * does not end the program. In the background of a terminal, read() fails with EIO: the input is
 * for the foreground process.
 */
static void on_stdin(struct run *run)
{
	char buf[512];
	ssize_t i, n;

	while (!sample_loop_stopped() && stdin_readable()) {
		n = read(STDIN_FILENO, buf, sizeof(buf));
		if (n < 0)
			return;
		if (!n) {
			epoll_ctl(run->hooks.epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
			if (run->line_len)
				end_of_line(run);
			return;
		}
		for (i = 0; i < n && !sample_loop_stopped(); i++)
			take_char(run, buf[i]);
	}
}

/* --- the loop -------------------------------------------------------------- */

static int on_readable(void *ctx)
{
	struct run *run = ctx;
	struct epoll_event ev[8];
	int i, n;

	n = epoll_wait(run->hooks.epoll_fd, ev, ARRAY_SIZE(ev), 0);
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == STDIN_FILENO)
			on_stdin(run);
		else if (ev[i].data.fd == run->timer)
			on_timer(run);
	}
	return take_events(run);
}

static void on_tick(void *ctx)
{
	struct run *run = ctx;

	network_show_totals(&run->hooks, "stats");
}

/* epoll cannot watch a regular file: read all commands from it now. */
static int watch_stdin(struct run *run)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.fd = STDIN_FILENO };
	struct stat st;

	if (fstat(STDIN_FILENO, &st))
		return 0;
	if (S_ISREG(st.st_mode)) {
		on_stdin(run);
		return 0;
	}
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !isatty(STDIN_FILENO))
		return 0;
	signal(SIGTTIN, SIG_IGN);
	return epoll_ctl(run->hooks.epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &ev) ? -errno : 0;
}

static int watch_timer(struct run *run)
{
	struct epoll_event ev = { .events = EPOLLIN };

	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->timer < 0)
		return -errno;
	ev.data.fd = run->timer;
	return epoll_ctl(run->hooks.epoll_fd, EPOLL_CTL_ADD, run->timer, &ev) ? -errno : 0;
}

/* Attach the last hook first, so that each packet meets all hooks after its first one. */
static int switch_on(struct run *run)
{
	static const int order[] = {
		NETWORK_TCPCONNECT, NETWORK_TC, NETWORK_SOCKFILTER, NETWORK_XDP,
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (config.to[order[i]] == NETWORK_OFF)
			continue;
		err = network_switch(&run->hooks, order[i], config.to[order[i]]);
		/* All hooks are on by default: then go on without tcpconnect if it fails. */
		if (err && (config.chosen || order[i] != NETWORK_TCPCONNECT))
			return err;
	}
	return 0;
}

static int run_loop(struct run *run)
{
	struct sample_loop_ops ops = {
		.tick = on_tick, .fd = run->hooks.epoll_fd, .readable = on_readable, .ctx = run,
	};
	int err;

	err = watch_timer(run);
	if (err)
		pr_err("failed to make a timer: %s", strerror(-err));
	if (!err)
		err = switch_on(run);
	if (err)
		return err;
	network_show_state(&run->hooks, "ready");
	run->is_ready = true;
	err = watch_stdin(run);
	if (err) {
		pr_err("failed to watch standard input: %s", strerror(-err));
		return err;
	}
	return sample_loop_run(&ops);
}

static int run_loaded(struct run *run)
{
	int err = run_loop(run);

	network_hooks_off(&run->hooks);
	/* Read events of packets that came between the last read and the detaching. */
	network_consume(&run->hooks);
	network_paths_expire(&run->paths, UINT64_MAX, lost_lately(run, sample_now()));
	if (run->is_ready)
		network_show_totals(&run->hooks, "summary");
	if (run->timer >= 0)
		close(run->timer);
	return err;
}

/*
 * Check the interface. If no option chooses hooks, switch all of them on, with actions that change
 * no packet.
 */
static enum sample_exit check_options(void)
{
	unsigned int i;

	for (i = 0; i < sample.n_ifnames; i++) {
		if (!sample_ifindex(sample.ifnames[i]))
			return SAMPLE_FAILED;
	}
	if (sample.n_ifnames > 1) {
		pr_err("one interface only: a packet has its path on one");
		pr_hint("start one %s for each interface", sample_called());
		return SAMPLE_USAGE;
	}
	for (i = 0; i < __NETWORK_SWITCH_MAX && !config.chosen; i++)
		config.to[i] = NETWORK_ACTION_PASS;
	return SAMPLE_OK;
}

int main(int argc, char **argv)
{
	static struct run run = { .timer = -1 };
	enum sample_exit status;
	int err;

	sample_init(&info, argc, argv);
	status = check_options();
	if (status)
		return status;
	if (network_paths_init(&run.paths, on_path, &run)) {
		pr_err("failed to get memory for paths: %s", strerror(ENOMEM));
		return SAMPLE_FAILED;
	}
	run.hooks.tc_where = config.tc_where;
	err = network_hooks_open(&run.hooks, &run.paths);
	if (!err) {
		err = run_loaded(&run);
		network_hooks_close(&run.hooks);
	}
	network_paths_free(&run.paths);
	return sample_exit_status(err);
}
