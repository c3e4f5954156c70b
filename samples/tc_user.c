// SPDX-License-Identifier: GPL-2.0
/* tc: attach tc_kern.c, show each echo request and what became of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "lib/addrs.h"
#include "lib/caps.h"
#include "lib/echo.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/stats.h"
#include "lib/tc.h"
#include "lib/util.h"
#include "tc.h"
#include "tc.skel.h"

static struct {
	__u32 action;
	bool egress;
	bool any;
	enum sample_tc_hook hook;
} config = { .action = TC_PINGPONG };

static int parse_action(const struct sample_option *opt, const char *arg)
{
	static const char * const names[] = {
		[TC_PASS] = "pass",
		[TC_DROP] = "drop",
		[TC_DROP_PING] = "drop-ping",
		[TC_PINGPONG] = "pingpong",
	};

	for (config.action = 0; config.action < ARRAY_SIZE(names); config.action++) {
		if (!strcmp(arg, names[config.action]))
			return 0;
	}
	return sample_bad_arg(opt, arg, "pass, drop, drop-ping or pingpong");
}

static int parse_direction(const struct sample_option *opt, const char *arg)
{
	config.egress = !strcmp(arg, "egress");
	if (!config.egress && strcmp(arg, "ingress"))
		return sample_bad_arg(opt, arg, "ingress or egress");
	return 0;
}

static int parse_hook(const struct sample_option *opt, const char *arg)
{
	if (!strcmp(arg, "auto"))
		config.hook = SAMPLE_TC_AUTO;
	else if (!strcmp(arg, "tcx"))
		config.hook = SAMPLE_TC_TCX;
	else if (!strcmp(arg, "clsact"))
		config.hook = SAMPLE_TC_CLSACT;
	else
		return sample_bad_arg(opt, arg, "auto, tcx or clsact");
	return 0;
}

static const struct sample_option options[] = {
	{ 'a', "action", "ACTION", "pingpong (default): answer pings; drop-ping, drop: all; pass",
	  parse_action, NULL, 0, 0 },
	{ 'D', "direction", "DIR", "ingress (default) or egress; pingpong is for ingress",
	  parse_direction, NULL, 0, 0 },
	{ 0, "any", NULL, "answer for every address, not for the interface's own",
	  parse_flag, &config.any, 0, 0 },
	{ 0, "attach", "HOOK", "tcx, clsact or auto (default): tcx if the kernel has it",
	  parse_hook, NULL, 0, 0 },
	{}
};

static void find_needs(void)
{
	if (config.hook == SAMPLE_TC_CLSACT)
		sample.needs |= SAMPLE_NEED_NETLINK;
}

static const struct sample_info info = {
	.name = "tc",
	.summary = "Answer ICMP and ICMPv6 echo requests in TC, drop them, or drop all packets.",
	.examples =
"  @ -i eth0                           answer pings before the kernel's stack does\n"
"  @ -i eth0 --any                     for each address that is routed here\n"
"  @ -i eth0 -a drop-ping -d 60        drop pings for one minute\n"
"  @ -i eth0 -a drop -D egress         let nothing out\n"
"  @ -i eth0 -a pass -j | jq .         report pings, change nothing\n"
"  @ -n netbpf-pair-host -i eth0       in the lab (@lab up)\n",
	.options = options,
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_COUNT | SAMPLE_OPT_INTERVAL | SAMPLE_OPT_FORCE,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
	.find_needs = find_needs,
};

/* Names of the counters in the summary, by enum tc_count. */
static const char * const reasons[__TC_COUNT_MAX] = {
	[TC_PASS_NOT_IP] = "not_ip",
	[TC_PASS_BAD] = "malformed",
	[TC_PASS_NO_ECHO] = "no_echo_request",
	[TC_PASS_ACTION] = "action_pass",
	[TC_PASS_FRAGMENT] = "fragment",
	[TC_PASS_CUT] = "cut_short",
	[TC_PASS_CAST] = "not_unicast",
	[TC_PASS_NOT_OWN] = "not_own_address",
	[TC_DROP_OTHER] = "other_packet",
	[TC_DROP_ECHO] = "echo_request",
	[TC_ANSWER] = "answered",
	[TC_LOST] = "lost_events",
};

struct totals {
	__u64 reason[__TC_COUNT_MAX];
	__u64 seen;
	__u64 matched;
	__u64 dropped;
	__u64 passed;
};

static int read_totals(const struct bpf_map *map, struct totals *t)
{
	int i, err;

	memset(t, 0, sizeof(*t));
	err = sample_stats_read(map, t->reason, __TC_COUNT_MAX);
	if (err)
		return err;
	_Static_assert(TC_PASS_ACTION < TC_PASS_NOT_OWN && TC_PASS_NOT_OWN + 1 == TC_DROP_OTHER,
		       "TC_PASS_* come first, those of echo requests last");
	for (i = 0; i <= TC_PASS_NOT_OWN; i++)
		t->passed += t->reason[i];
	t->dropped = t->reason[TC_DROP_OTHER] + t->reason[TC_DROP_ECHO];
	t->seen = t->passed + t->dropped + t->reason[TC_ANSWER];
	t->matched = t->reason[TC_DROP_ECHO] + t->reason[TC_ANSWER];
	for (i = TC_PASS_ACTION; i <= TC_PASS_NOT_OWN; i++)
		t->matched += t->reason[i];
	return 0;
}

static void totals_text(const char *event, const struct totals *t)
{
	printf("%s: %llu packets seen, %llu matched: ", event, t->seen, t->matched);
	printf("%llu dropped, %llu answered, %llu passed; %llu events lost\n", t->dropped,
	       t->reason[TC_ANSWER], t->passed, t->reason[TC_LOST]);
	if (t->dropped)
		sample_stats_text("dropped", t->reason, reasons, TC_DROP_OTHER, TC_DROP_ECHO);
	if (t->passed)
		sample_stats_text("passed", t->reason, reasons, TC_PASS_NOT_IP, TC_PASS_NOT_OWN);
}

static void totals_json(const char *event, const struct totals *t)
{
	json_writer_t *json = sample_json_begin(event);

	jsonw_uint_field(json, "seen", t->seen);
	jsonw_uint_field(json, "matched", t->matched);
	jsonw_uint_field(json, "dropped", t->dropped);
	jsonw_uint_field(json, "answered", t->reason[TC_ANSWER]);
	jsonw_uint_field(json, "passed", t->passed);
	jsonw_uint_field(json, "lost", t->reason[TC_LOST]);
	sample_stats_json(json, t->reason, reasons, TC_LOST);
	sample_json_end(json);
}

static void print_totals(const struct tc_kern *skel, const char *event)
{
	struct totals t;

	if (read_totals(skel->maps.tc_counts, &t))
		return;
	if (sample.json)
		totals_json(event, &t);
	else
		totals_text(event, &t);
}

struct run {
	struct tc_kern *skel;
	struct ring_buffer *ring;
	struct sample_tc tc;
	struct sample_addrs addrs;
	int epoll_fd;
	bool told_none;
};

/*
 * Pingpong answers for the addresses of the interface. Say so when there are none, at the start
 * or later: the port of a bond or a bridge loses its addresses, and answers nothing any more.
 */
static void tell_no_address(struct run *run)
{
	bool none = !run->addrs.n_own && !config.any;

	if (none && !run->told_none)
		pr_info("no address there but link-local ones: pings to others are not answered until there is one (or with --any)");
	run->told_none = none;
}

/* There are events, or addresses have changed, or both. */
static int on_readable(void *ctx)
{
	struct run *run = ctx;
	int n = ring_buffer__consume(run->ring);

	if (n >= 0 && run->addrs.fd >= 0) {
		n = sample_addrs_update(&run->addrs);
		tell_no_address(run);
	}
	return n < 0 ? n : 0;
}

static void on_tick(void *ctx)
{
	print_totals(((struct run *)ctx)->skel, "stats");
}

static int watch(struct run *run, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* Make an epoll descriptor for the ring buffer and the addresses: the loop watches only one. */
static int make_fds(struct run *run)
{
	int err;

	run->addrs.fd = -1;
	run->ring = ring_buffer__new(bpf_map__fd(run->skel->maps.tc_events), sample_echo_event,
				     NULL, NULL);
	run->epoll_fd = run->ring ? epoll_create1(EPOLL_CLOEXEC) : -1;
	err = run->epoll_fd < 0 ? -errno : watch(run, ring_buffer__epoll_fd(run->ring));
	if (err)
		pr_err("failed to make the ring buffer: %s", strerror(-err));
	return err;
}

/* Fill the map of addresses for which pingpong answers, and watch for changes. */
static int follow_addresses(struct run *run)
{
	unsigned int i, ifindex[SAMPLE_IFACE_MAX];
	int err;

	if (config.action != TC_PINGPONG)
		return 0;
	for (i = 0; i < run->tc.n; i++)
		ifindex[i] = run->tc.at[i].ifindex;
	err = sample_addrs_open(&run->addrs, run->skel->maps.own_addrs, ifindex, run->tc.n);
	if (err)
		return err;
	tell_no_address(run);
	err = watch(run, run->addrs.fd);
	if (err)
		pr_err("failed to watch the addresses of the interfaces: %s", strerror(-err));
	return err;
}

static int attach_and_loop(struct run *run)
{
	struct sample_loop_ops ops = {
		.tick = on_tick, .fd = run->epoll_fd, .readable = on_readable, .ctx = run,
	};
	int err;

	err = sample_tc_attach(&run->tc, run->skel->progs.netbpf_tc, config.hook, config.egress);
	if (err)
		return err;
	err = follow_addresses(run);
	if (!err) {
		sample_tc_ready(&run->tc);
		err = sample_loop_run(&ops);
	}
	sample_tc_detach(&run->tc);
	/* Read events of packets that came between the last read and the detaching. */
	ring_buffer__consume(run->ring);
	print_totals(run->skel, "summary");
	return err;
}

static int run_loaded(struct run *run)
{
	int err;

	err = make_fds(run);
	if (!err)
		err = attach_and_loop(run);
	if (run->addrs.fd >= 0)
		sample_addrs_close(&run->addrs);
	if (run->epoll_fd >= 0)
		close(run->epoll_fd);
	ring_buffer__free(run->ring);
	return err;
}

/* Check options that depend on each other. */
static int check_options(void)
{
	if (config.action == TC_PINGPONG && config.egress)
		pr_err("-D egress: pingpong answers what comes in; with egress give -a pass, drop or drop-ping");
	else if (config.action != TC_PINGPONG && config.any)
		pr_err("--any: only -a pingpong answers");
	else
		return 0;
	pr_hint_help();
	return -EINVAL;
}

static void configure(struct tc_kern *skel)
{
	skel->rodata->action = config.action;
	skel->rodata->any = config.any;
	skel->rodata->events = !sample.quiet || sample.count;
}

int main(int argc, char **argv)
{
	bool drops;
	struct run run = {};
	int err;

	sample_init(&info, argc, argv);
	if (check_options())
		return SAMPLE_USAGE;
	drops = config.action == TC_DROP || config.action == TC_DROP_PING;
	if (drops && sample_refuse_ssh())
		return SAMPLE_FAILED;

	run.skel = tc_kern__open();
	if (!run.skel)
		return sample_load_failed("tc", -errno);
	configure(run.skel);
	err = tc_kern__load(run.skel);
	if (err) {
		tc_kern__destroy(run.skel);
		return sample_load_failed("tc", err);
	}

	err = run_loaded(&run);
	tc_kern__destroy(run.skel);
	return sample_exit_status(err);
}
