// SPDX-License-Identifier: GPL-2.0
/*
 * sockfilter: attach sockfilter_kern.c to a packet socket, and show the copies of packets that the
 * socket gets, or write them to a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/stats.h"
#include "lib/util.h"
#include "sockfilter.h"
#include "parts/sockfilter/ring.h"
#include "parts/sockfilter/user.h"
#include "sockfilter.skel.h"

enum {
	SNAPLEN_MAX = 262144,
	RING_KIB = 16384,
	STDOUT_BUFFER = 64 * 1024,
};

static struct {
	struct sock_match match;
	bool proto_given;
	bool in;
	bool out;
	const char *file;
	bool print;
	__u64 snaplen;
	__u64 ring_kib;
	__u64 port;
	bool trace;
	struct show show;
} config = { .match.proto = IPPROTO_TCP, .in = true, .out = true, .ring_kib = RING_KIB };

static int parse_direction(const struct sample_option *opt, const char *arg)
{
	if (strcmp(arg, "in") && strcmp(arg, "out") && strcmp(arg, "inout"))
		return sample_bad_arg(opt, arg, "in, out or inout");
	config.in = strcmp(arg, "out");
	config.out = strcmp(arg, "in");
	return 0;
}

static int parse_proto(const struct sample_option *opt, const char *arg)
{
	static const struct {
		const char *name;
		__u8 proto;
	} protos[] = {
		{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP },
		{ "all", 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		if (strcmp(arg, protos[i].name))
			continue;
		config.match.proto = protos[i].proto;
		config.proto_given = true;
		return 0;
	}
	return sample_bad_arg(opt, arg, "tcp, udp, icmp or all");
}

static int parse_host(const struct sample_option *opt, const char *arg)
{
	if (sample_parse_prefix(arg, config.match.addr, config.match.mask))
		return sample_bad_arg(opt, arg, "ADDRESS or ADDRESS/LENGTH, IPv4 or IPv6");
	config.match.family = sample_prefix_family(arg);
	return 0;
}

static int parse_file(const struct sample_option *opt, const char *arg)
{
	if (!*arg)
		return sample_bad_arg(opt, "''", "the name of a file");
	config.file = arg;
	return 0;
}

static int parse_more(const struct sample_option *opt, const char *arg)
{
	(*(__u32 *)opt->dst)++;
	return 0;
}

static const struct sample_option options[] = {
	{ 0, "proto", "PROTO", "tcp (default without EXPRESSION), udp, icmp or all",
	  parse_proto, NULL, 0, 0 },
	{ 0, "host", "PREFIX", "only packets from or to these addresses", parse_host,
	  NULL, 0, 0 },
	{ 0, "port", "N", "only packets from or to this port", parse_uint,
	  &config.port, 1, UINT16_MAX },
	{ 'Q', "direction", "DIR", "in, out or inout (default)", parse_direction, NULL, 0, 0 },
	{ 'w', "write", "FILE", "write pcap to FILE, - is stdout, and print no packets",
	  parse_file, NULL, 0, 0 },
	{ 0, "print", NULL, "print packets also with -w", parse_flag, &config.print, 0, 0 },
	{ 's', "snaplen", "BYTES", "copy at most so much of a packet (default 0: 262144)",
	  parse_uint, &config.snaplen, 0, SNAPLEN_MAX },
	{ 'B', "buffer", "KIB", "size of the ring of each interface (default 16384)",
	  parse_uint, &config.ring_kib, 64, 1024 * 1024 },
	{ 'e', "link", NULL, "print the Ethernet header too", parse_flag,
	  &config.show.link, 0, 0 },
	{ 'x', "hex", NULL, "dump in hex; twice: with the Ethernet header", parse_more,
	  &config.show.hex, 0, 0 },
	{ 'X', "hex-ascii", NULL, "dump in hex and ASCII; twice: likewise", parse_more,
	  &config.show.hex_ascii, 0, 0 },
	{ 'A', "ascii", NULL, "dump in ASCII; twice: likewise", parse_more,
	  &config.show.ascii, 0, 0 },
	{ 0, "trace", NULL, "tell of each TCP and ICMP packet the filter meets", parse_flag,
	  &config.trace, 0, 0 },
	{}
};

static const struct sample_info info = {
	.name = "sockfilter",
	.summary =
"Copy packets to user space by a BPF socket filter: show them, or write them to a file.\n"
"EXPRESSION is one of tcpdump (pcap-filter(7)); it runs in the kernel too.",
	.examples =
"  @ -i eth0                          show TCP packets\n"
"  @ -i eth0 --proto icmp -j | jq .   pings, as JSON\n"
"  @ -i eth0 --host 10.0.0.0/8 --port 443 -w https.pcap\n"
"  @ -i eth0 'arp or (udp and port 53)'\n"
"  @ -i eth0 -w - | tcpdump -r -      let tcpdump decode them\n"
"  @ -n netbpf-pair-host -i eth0      in the lab (@lab up)\n",
	.options = options,
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_COUNT | SAMPLE_OPT_INTERVAL,
	.operands = "EXPRESSION",
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_PACKETS,
};

struct run {
	struct sockfilter_kern *skel;
	struct ring rings[SAMPLE_IFACE_MAX];
	unsigned int n_rings;
	struct ring_buffer *events;
	int epoll_fd;
	struct totals totals;
	bool full;
	int err;
};

/* --- counters ------------------------------------------------------------------- */

static bool get_totals(struct run *run)
{
	struct totals *t = &run->totals;
	unsigned int i;

	t->seen = 0;
	t->received = 0;
	t->dropped = 0;
	if (sample_stats_read(run->skel->maps.sockf_counts, t->n, __SOCKFILTER_COUNT_MAX))
		return false;
	_Static_assert(SOCKFILTER_SKIP_DIRECTION + 1 == SOCKFILTER_TCP, "verdicts come first");
	for (i = 0; i <= SOCKFILTER_SKIP_DIRECTION; i++)
		t->seen += t->n[i];
	for (i = 0; i < run->n_rings; i++) {
		ring_stats(&run->rings[i]);
		t->received += run->rings[i].received;
		t->dropped += run->rings[i].dropped;
	}
	/*
	 * The translated expression has no counters. Of the packets that matched all options,
	 * those that the socket did not receive did not match the expression.
	 */
	t->n[SOCK_MATCHED] -= t->n[SOCK_MATCHED] < t->received ? t->n[SOCK_MATCHED] : t->received;
	return true;
}

static void print_totals(struct run *run, const char *event)
{
	if (!get_totals(run))
		return;
	show_totals(event, &run->totals);
	fflush(stdout);
}

/* --- packets -------------------------------------------------------------------- */

static const char *ifname_of(const struct run *run, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < run->n_rings; i++) {
		if (run->rings[i].ifindex == ifindex)
			return run->rings[i].ifname;
	}
	return "?";
}

static void show_packet(const struct run *run, const struct packet *pkt)
{
	const char *ifname = ifname_of(run, pkt->ifindex);
	struct decoded dec;

	decode(&dec, pkt);
	if (sample.json)
		show_json(&dec, &config.show, ifname);
	else
		show_text(stdout, &dec, &config.show, ifname);
}

static bool on_packet(void *ctx, const struct packet *pkt)
{
	struct run *run = ctx;

	if (run->full)
		return false;
	run->totals.captured++;
	if (config.file)
		pcap_out_write(pkt);
	if (!sample.quiet && (!config.file || config.print))
		show_packet(run, pkt);
	run->full = sample_count_reached();
	return !run->full;
}

static int on_event(void *ctx, void *data, size_t size)
{
	const struct sockfilter_event *ev = data;

	show_trace(ev, ifname_of(ctx, ev->ifindex));
	return 0;
}

/* --- event loop ----------------------------------------------------------------- */

/* Write out the buffered output after a batch of packets. */
static void flush(struct run *run)
{
	int err;

	fflush(stdout);
	err = pcap_out_flush();
	if (!err)
		return;
	/* EPIPE: the reader of the pipe has ended, which is no failure. */
	if (err != -EPIPE)
		run->err = err;
	run->full = true;
	sample_loop_stop();
}

static int on_readable(void *ctx)
{
	struct run *run = ctx;
	unsigned int i;

	if (run->events)
		ring_buffer__consume(run->events);
	for (i = 0; i < run->n_rings; i++) {
		ring_read(&run->rings[i], on_packet, run);
		ring_check(&run->rings[i]);
	}
	flush(run);
	return 0;
}

static void on_tick(void *ctx)
{
	print_totals(ctx, "stats");
}

static int watch(struct run *run, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int watch_all(struct run *run)
{
	unsigned int i;
	int err = 0;

	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll_fd < 0)
		err = -errno;
	for (i = 0; i < run->n_rings && !err; i++)
		err = watch(run, run->rings[i].fd);
	if (config.trace && !err) {
		run->events = ring_buffer__new(bpf_map__fd(run->skel->maps.sockf_events),
					       on_event, run, NULL);
		err = run->events ? watch(run, ring_buffer__epoll_fd(run->events)) : -errno;
	}
	if (err)
		pr_err("failed to prepare waiting for packets: %s", strerror(-err));
	return err;
}

/* --- set-up --------------------------------------------------------------------- */

static int open_rings(struct run *run)
{
	int err = 0;

	while (run->n_rings < sample.n_ifnames && !err) {
		struct ring *ring = &run->rings[run->n_rings];

		err = ring_open(ring, sample.ifnames[run->n_rings++], config.ring_kib * 1024,
				config.snaplen, bpf_program__fd(run->skel->progs.sockfilter));
	}
	return err;
}

static void ready_json(const struct run *run)
{
	json_writer_t *json = sample_json_begin("ready");
	unsigned int i;

	jsonw_string_field(json, "tool", sample.info->name);
	jsonw_name(json, "attached");
	jsonw_start_array(json);
	for (i = 0; i < run->n_rings; i++) {
		jsonw_start_object(json);
		jsonw_string_field(json, "ifname", run->rings[i].ifname);
		jsonw_uint_field(json, "ifindex", run->rings[i].ifindex);
		jsonw_string_field(json, "hook", "socket");
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	sample_json_end(json);
}

static void tell_ready(const struct run *run)
{
	unsigned int i;

	pr_info("copy only: traffic is not changed");
	if (sample.json) {
		ready_json(run);
	} else {
		printf("ready:");
		for (i = 0; i < run->n_rings; i++)
			printf("%s %s (socket filter)", i ? "," : "", run->rings[i].ifname);
		printf("\n");
	}
	fflush(stdout);
}

/* Let no more packets into the rings, then read what is left in them. */
static void stop(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->n_rings; i++)
		ring_stop(&run->rings[i]);
	for (i = 0; i < run->n_rings && !run->full; i++)
		ring_drain(&run->rings[i], on_packet, run);
	if (run->events)
		ring_buffer__consume(run->events);
	flush(run);
}

static int listen_and_loop(struct run *run)
{
	struct sample_loop_ops ops = { .tick = on_tick, .readable = on_readable, .ctx = run };
	unsigned int i;
	int err, close_err;

	err = open_rings(run);
	if (err)
		goto close_rings;
	err = watch_all(run);
	if (err)
		goto close_rings;
	if (config.file)
		err = pcap_out_open(config.file, config.snaplen);
	if (err)
		goto close_rings;
	ops.fd = run->epoll_fd;
	tell_ready(run);
	err = sample_loop_run(&ops);
	stop(run);
	print_totals(run, "summary");

close_rings:
	close_err = config.file ? pcap_out_close() : 0;
	for (i = 0; i < run->n_rings; i++)
		ring_close(&run->rings[i]);
	ring_buffer__free(run->events);
	if (run->epoll_fd >= 0)
		close(run->epoll_fd);
	return err ? err : run->err ? run->err : close_err;
}

static void configure(struct sockfilter_kern *skel)
{
	memcpy((void *)&skel->rodata->match, &config.match, sizeof(config.match));
	skel->rodata->snaplen = config.snaplen;
	skel->rodata->take_in = config.in;
	skel->rodata->take_out = config.out;
	skel->rodata->expression = sample.operands[0];
	skel->rodata->trace = config.trace;
}

/* --- main --------------------------------------------------------------------------- */

/* Print an error of the command line and @hint; without @hint, refer to --help. */
static int usage(const char *text, const char *hint)
{
	pr_err("%s", text);
	if (hint)
		pr_hint("%s", hint);
	else
		pr_hint_help();
	return SAMPLE_USAGE;
}

/* Users of tcpdump know "-i any": explain that it does not exist here. */
static int check_any(void)
{
	unsigned int i;

	for (i = 0; i < sample.n_ifnames; i++) {
		if (!strcmp(sample.ifnames[i], "any") && !if_nametoindex("any"))
			return usage("-i any: there is no such interface here",
				     "give each one: -i eth0 -i lo");
	}
	return SAMPLE_OK;
}

static int check_options(void)
{
	const struct show *show = &config.show;

	if (!!show->hex + !!show->hex_ascii + !!show->ascii > 1)
		return usage("-x, -X and -A exclude each other", NULL);
	if (config.match.proto == IPPROTO_ICMP && config.port)
		return usage("--port: ICMP has no ports", "--proto tcp, udp or all");
	if (config.print && !config.file)
		return usage("--print is for -w: without, packets are printed anyway", NULL);
	/* With the default --proto tcp, the expression "arp" would match no packet. */
	if (sample.operands[0] && !config.proto_given)
		config.match.proto = 0;
	config.match.port = config.port;
	if (!config.snaplen)
		config.snaplen = SNAPLEN_MAX;
	config.show.ifname = sample.n_ifnames > 1;
	config.trace = config.trace && !sample.quiet;
	return check_any();
}

static int load_and_run(struct run *run, const struct sock_filter *classic, unsigned int n)
{
	int err;

	run->skel = sockfilter_kern__open();
	if (!run->skel)
		return sample_load_failed("sockfilter", -errno);
	configure(run->skel);
	err = sockfilter_kern__load(run->skel);
	if (err) {
		sockfilter_kern__destroy(run->skel);
		return sample_load_failed("sockfilter", err);
	}
	if (classic)
		err = expr_load(bpf_map__fd(run->skel->maps.sockf_exprs), classic, n);
	if (!err)
		err = listen_and_loop(run);
	sockfilter_kern__destroy(run->skel);
	return sample_exit_status(err);
}

int main(int argc, char **argv)
{
	struct run run = { .epoll_fd = -1 };
	struct sock_filter *classic = NULL;
	unsigned int n = 0;
	int status;

	sample_init(&info, argc, argv);
	/* Buffer the output of a batch of packets; flush() writes it out. */
	setvbuf(stdout, NULL, _IOFBF, STDOUT_BUFFER);
	status = check_options();
	if (status == SAMPLE_OK && sample.operands[0])
		status = expr_compile(config.snaplen, &classic, &n);
	if (status == SAMPLE_OK)
		status = load_and_run(&run, classic, n);
	free(classic);
	return status;
}
