// SPDX-License-Identifier: GPL-2.0
/*
 * pktcount: attach pktcount_kern.c, show its counters, or each packet with --events.
 *
 * In each interval, and at the end: read_snapshot() -> print_text() or print_json().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/top.h"
#include "lib/xdp.h"
#include "pktcount.h"
#include "pktcount.skel.h"

enum {
	TOP_MAX = 1000,
	SOURCES_MAX = 1 << 20,
};

#define INTERVAL_NS 1000000000ULL

static struct {
	bool per_cpu;
	bool events;
	bool once;
	bool watch;
	__u64 top;
	__u64 sources;
	__u64 every;
} config;

static const struct sample_option options[] = {
	{ 'e', "per-cpu", NULL, "what each CPU counted, too", parse_flag, &config.per_cpu, 0, 0 },
	{ 0, "top", "N", "the N sources of most IP packets", parse_uint, &config.top, 1, TOP_MAX },
	{ 0, "sources", "N", "sources that --top can tell apart, 16384 if not given", parse_uint,
	  &config.sources, 1, SOURCES_MAX },
	{ 0, "events", NULL, "a line for each packet; tables only if -I is given", parse_flag,
	  &config.events, 0, 0 },
	{ 0, "sample", "N", "events: only each Nth packet", parse_uint, &config.every, 1,
	  UINT32_MAX },
	{ 0, "once", NULL, "one table after one interval, then end", parse_flag, &config.once,
	  0, 0 },
	{ 0, "watch", NULL, "draw each table over the one before", parse_flag, &config.watch,
	  0, 0 },
	{ 'I', "interval", "SEC", "a table each SEC seconds (default 1)", parse_seconds,
	  &sample.interval_ns, 0, 0 },
	{ 'c', "count", "N", "stop after N tables; with --events after N events", parse_uint,
	  &sample.count, 1, UINT64_MAX },
	{}
};

static const struct sample_info info = {
	.name = "pktcount",
	.summary = "Count packets and bytes in XDP, by protocol and by source; all of them pass.",
	.examples =
"  @ -i eth0                       a table each second\n"
"  @ -i eth0 --top 10 --watch      who sends most, on one screen\n"
"  @ -i eth0 -I 5 --once -j        count 5 seconds, one JSON object\n"
"  @ -i eth0 --events --sample 100 show each 100th packet\n"
"  @ -n netbpf-pair-host -i eth0   in the lab (@lab up)\n",
	.options = options,
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_MODE,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
};

static const char * const classes[__PKTCOUNT_CLASS_MAX] = {
	[PKTCOUNT_IPV4] = "ipv4",
	[PKTCOUNT_IPV6] = "ipv6",
	[PKTCOUNT_ARP] = "arp",
	[PKTCOUNT_OTHER] = "other",
	[PKTCOUNT_VLAN] = "vlan",
};

static const char * const protocols[__PKTCOUNT_PROTOCOL_MAX] = {
	[PKTCOUNT_TCP] = "tcp",
	[PKTCOUNT_UDP] = "udp",
	[PKTCOUNT_ICMP] = "icmp",
	[PKTCOUNT_ICMPV6] = "icmpv6",
	[PKTCOUNT_IGMP] = "igmp",
	[PKTCOUNT_SCTP] = "sctp",
	[PKTCOUNT_GRE] = "gre",
	[PKTCOUNT_ESP] = "esp",
	[PKTCOUNT_IPIP] = "ipip",
	[PKTCOUNT_IP_OTHER] = "other",
	[PKTCOUNT_FRAGMENT] = "fragment",
	[PKTCOUNT_MALFORMED] = "malformed",
};

/* The counters at one moment: of each CPU (cpus), their sum (sum), and of all packets (all). */
struct snapshot {
	__u64 ts_ns;
	struct pktcount_cpu *cpus;
	struct pktcount_cpu sum;
	struct pktcount_cell all;
};

struct run {
	struct pktcount_kern *skel;
	struct ring_buffer *ring;
	unsigned int n_cpus;
	__u64 start_ns;
	/* Rates are computed from the differences between these two snapshots. */
	struct snapshot then;
	struct snapshot now;
	struct sample_top top;
};

/* --- reading the maps ------------------------------------------------------- */

static void add_cell(struct pktcount_cell *to, const struct pktcount_cell *cell)
{
	to->packets += cell->packets;
	to->bytes += cell->bytes;
}

static struct pktcount_cell all_classes(const struct pktcount_cpu *counts)
{
	struct pktcount_cell all = {};
	int i;

	_Static_assert(PKTCOUNT_VLAN + 1 == __PKTCOUNT_CLASS_MAX, "packets have a class before");
	for (i = 0; i < PKTCOUNT_VLAN; i++)
		add_cell(&all, &counts->classes[i]);
	return all;
}

static int read_snapshot(struct run *run)
{
	struct snapshot *now = &run->now;
	__u64 *sum = (__u64 *)&now->sum;
	unsigned int cpu, i;
	__u32 zero = 0;
	int err;

	now->ts_ns = sample_now();
	err = bpf_map_lookup_elem(bpf_map__fd(run->skel->maps.pktcount_counts), &zero, now->cpus);
	if (err) {
		pr_err("failed to read the counters: %s", strerror(-err));
		return err;
	}
	memset(&now->sum, 0, sizeof(now->sum));
	for (cpu = 0; cpu < run->n_cpus; cpu++) {
		for (i = 0; i < sizeof(now->sum) / sizeof(*sum); i++)
			sum[i] += ((__u64 *)&now->cpus[cpu])[i];
	}
	now->all = all_classes(&now->sum);
	return 0;
}

/* Number of sources that the full map has evicted, with their counters, or did not take. */
static __u64 pushed_out(const struct run *run)
{
	__u64 seen = run->now.sum.sources;

	return seen > run->top.n_all ? seen - run->top.n_all : 0;
}

/* --- text --------------------------------------------------------------------- */

/* Rate per second between the two snapshots. */
static double rate(const struct run *run, __u64 now, __u64 then)
{
	return (now - then) / ((run->now.ts_ns - run->then.ts_ns) / 1e9);
}

/* Width of the first column: an IPv6 address may be longer than all other names. */
static int name_width(const struct run *run)
{
	char addr[INET6_ADDRSTRLEN];
	int len, width = 20;
	unsigned int i;

	for (i = 0; i < run->top.n; i++) {
		len = strlen(sample_addr(run->top.at[i].addr, addr));
		width = len > width ? len : width;
	}
	return width;
}

static void print_title(const struct run *run, const char *title)
{
	printf("  %-*s %14s %17s %9s %9s\n", name_width(run), title, "packets", "bytes", "pps",
	       "bit/s");
}

static void print_row(const struct run *run, const char *name, const struct pktcount_cell *now,
		      const struct pktcount_cell *then)
{
	char packets[SAMPLE_SI_LEN], bits[SAMPLE_SI_LEN];

	if (!now->packets)
		return;
	printf("  %-*s %14llu %17llu %9s %9s\n", name_width(run), name, now->packets, now->bytes,
	       sample_si(rate(run, now->packets, then->packets), "", packets),
	       sample_si(8 * rate(run, now->bytes, then->bytes), "", bits));
}

static void print_sources(const struct run *run)
{
	char addr[INET6_ADDRSTRLEN], title[40];
	int width = name_width(run);
	unsigned int i;

	if (!run->top.n)
		return;
	snprintf(title, sizeof(title), "source (%u of %llu)", run->top.n, run->top.n_all);
	printf("  %-*s %14s %17s %9s\n", width, title, "packets", "bytes", "share");
	for (i = 0; i < run->top.n; i++)
		printf("  %-*s %14llu %17llu %8.1f%%\n", width,
		       sample_addr(run->top.at[i].addr, addr), run->top.at[i].packets,
		       run->top.at[i].bytes,
		       100.0 * run->top.at[i].packets / run->now.all.packets);
	if (pushed_out(run))
		printf("  approximate: %llu sources were pushed out; --sources has room for more\n",
		       pushed_out(run));
}

static void print_cpus(const struct run *run)
{
	struct pktcount_cell now, then;
	unsigned int cpu;
	char name[16];

	print_title(run, "cpu");
	for (cpu = 0; cpu < run->n_cpus; cpu++) {
		now = all_classes(&run->now.cpus[cpu]);
		then = all_classes(&run->then.cpus[cpu]);
		snprintf(name, sizeof(name), "%u", cpu);
		print_row(run, name, &now, &then);
	}
}

static void print_text(const struct run *run, const char *event)
{
	const struct snapshot *now = &run->now, *then = &run->then;
	char packets[SAMPLE_SI_LEN], bits[SAMPLE_SI_LEN];
	int i;

	if (config.watch)
		printf("\033[H\033[2J");
	printf("%s: %.1f s, %llu packets, %llu bytes; %spps, %sbit/s", event,
	       (now->ts_ns - run->start_ns) / 1e9, now->all.packets, now->all.bytes,
	       sample_si(rate(run, now->all.packets, then->all.packets), " ", packets),
	       sample_si(8 * rate(run, now->all.bytes, then->all.bytes), " ", bits));
	if (config.events)
		printf("; %llu events, %llu lost", now->sum.events, now->sum.lost);
	printf("\n");
	if (!now->all.packets)
		return;

	print_title(run, "class");
	for (i = 0; i < __PKTCOUNT_CLASS_MAX; i++)
		print_row(run, classes[i], &now->sum.classes[i], &then->sum.classes[i]);
	if (now->sum.classes[PKTCOUNT_IPV4].packets || now->sum.classes[PKTCOUNT_IPV6].packets)
		print_title(run, "protocol");
	for (i = 0; i < __PKTCOUNT_PROTOCOL_MAX; i++)
		print_row(run, protocols[i], &now->sum.protocols[i], &then->sum.protocols[i]);
	print_sources(run);
	if (config.per_cpu)
		print_cpus(run);
}

/* --- JSON ----------------------------------------------------------------------- */

static void json_cell(json_writer_t *json, const struct pktcount_cell *cell)
{
	jsonw_uint_field(json, "packets", cell->packets);
	jsonw_uint_field(json, "bytes", cell->bytes);
}

static void json_cells(json_writer_t *json, const char *name, const char * const *names,
		       const struct pktcount_cell *cells, int n)
{
	int i;

	jsonw_name(json, name);
	jsonw_start_object(json);
	for (i = 0; i < n; i++) {
		jsonw_name(json, names[i]);
		jsonw_start_object(json);
		json_cell(json, &cells[i]);
		jsonw_end_object(json);
	}
	jsonw_end_object(json);
}

static void json_sources(json_writer_t *json, const struct run *run)
{
	char addr[INET6_ADDRSTRLEN];
	unsigned int i;

	jsonw_uint_field(json, "sources", run->top.n_all);
	jsonw_uint_field(json, "sources_pushed_out", pushed_out(run));
	jsonw_name(json, "top");
	jsonw_start_array(json);
	for (i = 0; i < run->top.n; i++) {
		jsonw_start_object(json);
		jsonw_string_field(json, "addr", sample_addr(run->top.at[i].addr, addr));
		jsonw_uint_field(json, "packets", run->top.at[i].packets);
		jsonw_uint_field(json, "bytes", run->top.at[i].bytes);
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
}

static void json_cpus(json_writer_t *json, const struct run *run)
{
	struct pktcount_cell cell;
	unsigned int cpu;

	jsonw_name(json, "cpus");
	jsonw_start_array(json);
	for (cpu = 0; cpu < run->n_cpus; cpu++) {
		cell = all_classes(&run->now.cpus[cpu]);
		jsonw_start_object(json);
		jsonw_uint_field(json, "cpu", cpu);
		json_cell(json, &cell);
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
}

static void print_json(const struct run *run, const char *event)
{
	json_writer_t *json = sample_json_begin(event);
	const struct snapshot *now = &run->now, *then = &run->then;

	json_cell(json, &now->all);
	json_cells(json, "classes", classes, now->sum.classes, __PKTCOUNT_CLASS_MAX);
	json_cells(json, "protocols", protocols, now->sum.protocols, __PKTCOUNT_PROTOCOL_MAX);
	jsonw_float_field_fmt(json, "pps", "%.1f",
			      rate(run, now->all.packets, then->all.packets));
	jsonw_float_field_fmt(json, "bps", "%.1f",
			      8 * rate(run, now->all.bytes, then->all.bytes));
	jsonw_uint_field(json, "ts_ns", sample_realtime(now->ts_ns));
	jsonw_uint_field(json, "duration_ns", now->ts_ns - run->start_ns);
	if (config.events) {
		jsonw_uint_field(json, "events", now->sum.events);
		jsonw_uint_field(json, "lost", now->sum.lost);
	}
	if (config.top)
		json_sources(json, run);
	if (config.per_cpu)
		json_cpus(json, run);
	sample_json_end(json);
}

/* --- one packet: --events ---------------------------------------------------------- */

static bool has_ports(const struct pktcount_event *ev)
{
	return ev->protocol == PKTCOUNT_TCP || ev->protocol == PKTCOUNT_UDP ||
	       ev->protocol == PKTCOUNT_SCTP;
}

static void print_end(const struct pktcount_event *ev, const __be32 addr[4], __be16 port)
{
	char buf[SAMPLE_ENDPOINT_LEN];

	fputs(has_ports(ev) ? sample_endpoint(addr, port, buf) : sample_addr(addr, buf), stdout);
}

static void event_text(const struct pktcount_event *ev)
{
	__u64 ts = sample_realtime(ev->ts_ns);
	time_t seconds = ts / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%06llu %s ", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       ts % 1000000000 / 1000, sample_ifname(ev->ifindex));
	if (ev->has_ip) {
		print_end(ev, ev->saddr, ev->sport);
		printf(" > ");
		print_end(ev, ev->daddr, ev->dport);
		printf(": %s", protocols[ev->protocol]);
		if (ev->protocol == PKTCOUNT_IP_OTHER || ev->protocol == PKTCOUNT_FRAGMENT)
			printf(" (protocol %u)", ev->ip_proto);
	} else if (ev->class == PKTCOUNT_OTHER) {
		printf("ethertype 0x%04x", ntohs(ev->ethertype));
	} else {
		printf("%s%s", classes[ev->class], ev->class == PKTCOUNT_ARP ? "" : " malformed");
	}
	printf(", %u bytes%s\n", ev->len, ev->vlan ? ", vlan" : "");
}

static void event_json(const struct pktcount_event *ev)
{
	json_writer_t *json = sample_json_begin("packet");
	char addr[INET6_ADDRSTRLEN];

	jsonw_uint_field(json, "ts_ns", sample_realtime(ev->ts_ns));
	jsonw_string_field(json, "ifname", sample_ifname(ev->ifindex));
	jsonw_uint_field(json, "len", ev->len);
	jsonw_string_field(json, "class", classes[ev->class]);
	jsonw_bool_field(json, "vlan", ev->vlan);
	jsonw_uint_field(json, "ethertype", ntohs(ev->ethertype));
	if (ev->class == PKTCOUNT_IPV4 || ev->class == PKTCOUNT_IPV6)
		jsonw_string_field(json, "protocol", protocols[ev->protocol]);
	if (ev->has_ip) {
		jsonw_uint_field(json, "ip_proto", ev->ip_proto);
		jsonw_string_field(json, "src", sample_addr(ev->saddr, addr));
		jsonw_string_field(json, "dst", sample_addr(ev->daddr, addr));
	}
	if (ev->has_ip && has_ports(ev)) {
		jsonw_uint_field(json, "sport", ntohs(ev->sport));
		jsonw_uint_field(json, "dport", ntohs(ev->dport));
	}
	sample_json_end(json);
}

static int on_event(void *ctx, void *data, size_t size)
{
	const struct pktcount_event *ev = data;

	if (sample_count_is_full())
		return 0;
	if (!sample.quiet && sample.json)
		event_json(ev);
	else if (!sample.quiet)
		event_text(ev);
	sample_count_reached();
	return 0;
}

static int on_ring(void *ctx)
{
	int n = ring_buffer__consume(((struct run *)ctx)->ring);

	return n < 0 ? n : 0;
}

/* --- the run ------------------------------------------------------------------------ */

static void print(struct run *run, const char *event)
{
	if (read_snapshot(run))
		return;
	if (config.top && sample_top_read(&run->top, run->skel->maps.pktcount_sources))
		return;
	if (sample.json)
		print_json(run, event);
	else
		print_text(run, event);
}

static void on_tick(void *ctx)
{
	struct pktcount_cpu *cpus;
	struct run *run = ctx;

	if (!sample.quiet)
		print(run, "stats");
	if (!config.events)
		sample_count_reached();
	cpus = run->then.cpus;
	run->then = run->now;
	run->now.cpus = cpus;
}

/* The rates in the summary are those of the whole run: set the earlier snapshot to its start. */
static void print_summary(struct run *run)
{
	struct snapshot *then = &run->then;

	memset(then->cpus, 0, run->n_cpus * sizeof(*then->cpus));
	*then = (struct snapshot){ .ts_ns = run->start_ns, .cpus = then->cpus };
	print(run, "summary");
}

static int attach_and_loop(struct run *run)
{
	struct sample_loop_ops ops = { .tick = on_tick, .fd = -1, .readable = on_ring,
				       .ctx = run };
	struct sample_xdp xdp = {};
	int err;

	if (run->ring)
		ops.fd = ring_buffer__epoll_fd(run->ring);
	err = sample_xdp_attach(&xdp, run->skel->progs.pktcount);
	if (err)
		return err;
	run->start_ns = sample_now();
	run->then.ts_ns = run->start_ns;
	sample_xdp_ready(&xdp);
	err = sample_loop_run(&ops);
	sample_xdp_detach(&xdp);
	/* Read events of packets that came between the last read and the detaching. */
	if (run->ring)
		ring_buffer__consume(run->ring);
	print_summary(run);
	return err;
}

/* Set the constants of the program, and do not make maps that no option needs. */
static void configure(struct pktcount_kern *skel)
{
	skel->rodata->top = config.top;
	skel->rodata->events = config.events;
	skel->rodata->sample_every = config.every ? config.every : 1;
	if (config.sources)
		bpf_map__set_max_entries(skel->maps.pktcount_sources, config.sources);
	bpf_map__set_autocreate(skel->maps.pktcount_sources, config.top);
	bpf_map__set_autocreate(skel->maps.pktcount_events, config.events);
}

static int prepare(struct run *run)
{
	int n_cpus = libbpf_num_possible_cpus();

	if (n_cpus < 0)
		return n_cpus;
	run->n_cpus = n_cpus;
	run->now.cpus = calloc(n_cpus, sizeof(*run->now.cpus));
	run->then.cpus = calloc(n_cpus, sizeof(*run->then.cpus));
	if (!run->now.cpus || !run->then.cpus)
		return -ENOMEM;
	if (config.top && sample_top_init(&run->top, config.top))
		return -ENOMEM;
	if (!config.events)
		return 0;
	run->ring = ring_buffer__new(bpf_map__fd(run->skel->maps.pktcount_events), on_event,
				     NULL, NULL);
	return run->ring ? 0 : -errno;
}

static int usage_error(const char *text)
{
	pr_err("%s", text);
	pr_hint_help();
	return SAMPLE_USAGE;
}

/* Check options that depend on each other. */
static int check_options(void)
{
	if (config.every && !config.events)
		return usage_error("--sample is for --events: give both");
	if (config.sources && !config.top)
		return usage_error("--sources is for --top: give both");
	if (config.once && sample.duration_ns)
		return usage_error("--once lasts one interval: give -I SEC instead of -d");
	if (config.watch && (sample.json || config.events || !isatty(STDOUT_FILENO)))
		return usage_error("--watch draws on a terminal, without --json and --events");
	if (!sample.interval_ns && (!config.events || config.once))
		sample.interval_ns = INTERVAL_NS;
	if (config.once) {
		sample.duration_ns = sample.interval_ns;
		sample.interval_ns = 0;
	}
	return SAMPLE_OK;
}

int main(int argc, char **argv)
{
	struct run run = {};
	int err;

	sample_init(&info, argc, argv);
	if (check_options())
		return SAMPLE_USAGE;
	run.skel = pktcount_kern__open();
	if (!run.skel)
		return sample_load_failed("pktcount", -errno);
	configure(run.skel);
	err = pktcount_kern__load(run.skel);
	if (err) {
		pktcount_kern__destroy(run.skel);
		return sample_load_failed("pktcount", err);
	}

	err = prepare(&run);
	if (err)
		pr_err("failed to prepare the counters: %s", strerror(-err));
	else
		err = attach_and_loop(&run);
	ring_buffer__free(run.ring);
	pktcount_kern__destroy(run.skel);
	sample_top_free(&run.top);
	free(run.now.cpus);
	free(run.then.cpus);
	return sample_exit_status(err);
}
