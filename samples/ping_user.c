// SPDX-License-Identifier: GPL-2.0
/* ping: attach ping_kern.c, show each echo request and what became of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "echo_event.h"
#include "lib/caps.h"
#include "lib/echo.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/stats.h"
#include "lib/xdp.h"
#include "ping.h"
#include "ping.skel.h"

static struct {
	bool pass;
	__u64 every;
	struct ping_prefix src;
	struct ping_prefix dst;
} config = { .every = 1 };

static int parse_action(const struct sample_option *opt, const char *arg)
{
	if (strcmp(arg, "drop") && strcmp(arg, "pass"))
		return sample_bad_arg(opt, arg, "drop or pass");
	config.pass = !strcmp(arg, "pass");
	return 0;
}

static int parse_prefix(const struct sample_option *opt, const char *arg)
{
	struct ping_prefix *prefix = opt->dst;

	if (sample_parse_prefix(arg, prefix->addr, prefix->mask))
		return sample_bad_arg(opt, arg, "ADDRESS or ADDRESS/LENGTH, IPv4 or IPv6");
	prefix->family = sample_prefix_family(arg);
	return 0;
}

static const struct sample_option options[] = {
	{ 'a', "action", "ACTION", "drop (default) or pass: only report", parse_action,
	  NULL, 0, 0 },
	{ 0, "src", "PREFIX", "only requests from these addresses", parse_prefix,
	  &config.src, 0, 0 },
	{ 0, "dst", "PREFIX", "only requests to these addresses", parse_prefix,
	  &config.dst, 0, 0 },
	{ 0, "every", "N", "act on each Nth request, let the others pass", parse_uint,
	  &config.every, 1, UINT32_MAX },
	{}
};

static const struct sample_info info = {
	.name = "ping",
	.summary = "Drop ICMP and ICMPv6 echo requests in XDP, or only report them.",
	.examples =
"  @ -i eth0                         drop pings\n"
"  @ -i eth0 -a pass -j | jq .       report them, drop none\n"
"  @ -i eth0 --src 10.0.0.0/8 -d 60  drop those from 10/8, for one minute\n"
"  @ -i eth0 --every 2               drop each second one\n"
"  @ -n netbpf-pair-host -i eth0     in the lab (@lab up)\n",
	.options = options,
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_MODE | SAMPLE_OPT_COUNT |
		  SAMPLE_OPT_INTERVAL | SAMPLE_OPT_FORCE,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
};

/* Names of the counters in the summary, by enum ping_count. */
static const char * const reasons[__PING_COUNT_MAX] = {
	[PING_PASS_NOT_IP] = "not_ip",
	[PING_PASS_BAD] = "malformed",
	[PING_PASS_NO_ECHO] = "no_echo_request",
	[PING_PASS_FILTER] = "filtered_out",
	[PING_PASS_EVERY] = "not_nth",
	[PING_PASS_ACTION] = "action_pass",
	[PING_DROP_ECHO] = "echo_request",
	[PING_LOST] = "lost_events",
};

static void counts_text(const char *event, const __u64 *n, __u64 seen, __u64 matched)
{
	printf("%s: %llu packets seen, %llu matched: %llu dropped, %llu passed; %llu events lost\n",
	       event, seen, matched, n[PING_DROP_ECHO], seen - n[PING_DROP_ECHO],
	       n[PING_LOST]);
	if (seen != n[PING_DROP_ECHO])
		sample_stats_text("passed", n, reasons, PING_PASS_NOT_IP, PING_PASS_ACTION);
}

static void counts_json(const char *event, const __u64 *n, __u64 seen, __u64 matched)
{
	json_writer_t *json = sample_json_begin(event);

	jsonw_uint_field(json, "seen", seen);
	jsonw_uint_field(json, "matched", matched);
	jsonw_uint_field(json, "dropped", n[PING_DROP_ECHO]);
	jsonw_uint_field(json, "passed", seen - n[PING_DROP_ECHO]);
	jsonw_uint_field(json, "lost", n[PING_LOST]);
	sample_stats_json(json, n, reasons, PING_LOST);
	sample_json_end(json);
}

static void print_counts(const struct ping_kern *skel, const char *event)
{
	__u64 n[__PING_COUNT_MAX], seen = 0, matched;
	int i;

	if (sample_stats_read(skel->maps.ping_counts, n, __PING_COUNT_MAX))
		return;
	_Static_assert(PING_LOST + 1 == __PING_COUNT_MAX, "packets are counted before it");
	for (i = 0; i < PING_LOST; i++)
		seen += n[i];
	matched = n[PING_PASS_EVERY] + n[PING_PASS_ACTION] + n[PING_DROP_ECHO];
	if (sample.json)
		counts_json(event, n, seen, matched);
	else
		counts_text(event, n, seen, matched);
}

struct run {
	struct ping_kern *skel;
	struct ring_buffer *ring;
};

/* Convert the event, because lib/echo.c, which prints echo requests, expects struct echo_event. */
static int on_event(void *ctx, void *data, size_t size)
{
	const struct ping_event *from = data;
	struct echo_event ev = {
		.ts_ns = from->ts_ns,
		.ifindex = from->ifindex,
		.id = from->id,
		.seq = from->seq,
		.family = from->family,
		.verdict = from->reason == PING_DROP_ECHO ? ECHO_DROP : ECHO_PASS,
	};

	memcpy(ev.saddr, from->saddr, sizeof(ev.saddr));
	memcpy(ev.daddr, from->daddr, sizeof(ev.daddr));
	return sample_echo_event(ctx, &ev, sizeof(ev));
}

static int on_ring(void *ctx)
{
	int n = ring_buffer__consume(((struct run *)ctx)->ring);

	return n < 0 ? n : 0;
}

static void on_tick(void *ctx)
{
	print_counts(((struct run *)ctx)->skel, "stats");
}

static void configure(struct ping_kern *skel)
{
	skel->rodata->drop = !config.pass;
	skel->rodata->every = config.every;
	skel->rodata->events = !sample.quiet || sample.count;
	memcpy((void *)&skel->rodata->src_prefix, &config.src, sizeof(config.src));
	memcpy((void *)&skel->rodata->dst_prefix, &config.dst, sizeof(config.dst));
}

static int attach_and_loop(struct run *run)
{
	struct sample_loop_ops ops = { .tick = on_tick, .readable = on_ring, .ctx = run };
	struct sample_xdp xdp = {};
	int err;

	run->ring = ring_buffer__new(bpf_map__fd(run->skel->maps.ping_events), on_event,
				     NULL, NULL);
	if (!run->ring) {
		pr_err("failed to make the ring buffer: %s", strerror(errno));
		return -errno;
	}
	ops.fd = ring_buffer__epoll_fd(run->ring);

	err = sample_xdp_attach(&xdp, run->skel->progs.ping);
	if (!err) {
		sample_xdp_ready(&xdp);
		err = sample_loop_run(&ops);
		sample_xdp_detach(&xdp);
		/* Read events of packets that came between the last read and the detaching. */
		ring_buffer__consume(run->ring);
		print_counts(run->skel, "summary");
	}
	ring_buffer__free(run->ring);
	return err;
}

int main(int argc, char **argv)
{
	struct run run = {};
	int err;

	sample_init(&info, argc, argv);
	if (!config.pass && sample_refuse_ssh())
		return SAMPLE_FAILED;

	run.skel = ping_kern__open();
	if (!run.skel)
		return sample_load_failed("ping", -errno);
	configure(run.skel);
	err = ping_kern__load(run.skel);
	if (err) {
		ping_kern__destroy(run.skel);
		return sample_load_failed("ping", err);
	}

	err = attach_and_loop(&run);
	ping_kern__destroy(run.skel);
	return sample_exit_status(err);
}
