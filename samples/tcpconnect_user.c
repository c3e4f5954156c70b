// SPDX-License-Identifier: GPL-2.0
/* tcpconnect: attach tcpconnect_kern.c, show which processes connect to which addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/util.h"
#include "lib/connect.h"

static struct {
	bool seconds;
	bool clock;
	bool uid;
	bool lport;
	bool sport;
	bool v4;
	bool v6;
	bool table;
	__u64 pid;
	struct sample_connect_config connect;
} config = { .connect.backend = SAMPLE_CONNECT_AUTO };

/* Start of the column TIME(s), bpf_ktime_get_ns(). */
static __u64 start_ns;

/* --- options ------------------------------------------------------------------------- */

static int parse_uid(const struct sample_option *opt, const char *arg)
{
	struct sample_option number = *opt;
	__u64 uid;
	int err;

	number.dst = &uid;
	err = parse_uint(&number, arg);
	if (err)
		return err;
	config.connect.filter.uid = uid;
	config.connect.filter.by_uid = true;
	return 0;
}

/* Parse PORT[,PORT]...; a second -P adds its ports to those of the first. */
static int parse_ports(const struct sample_option *opt, const char *arg)
{
	struct tcpconnect_filter *filter = &config.connect.filter;
	const char *want = "ports from 1 to 65535, separated by commas";
	const char *text = arg;
	unsigned long port;
	char *end;

	do {
		port = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
		if (!port || port > 65535 || (*end && *end != ','))
			return sample_bad_arg(opt, arg, want);
		if (filter->n_ports == TCPCONNECT_PORTS_MAX)
			return sample_bad_arg(opt, arg, "possible: at most 64 ports");
		filter->ports[filter->n_ports++] = htons(port);
		text = end + 1;
	} while (*end);
	return 0;
}

/* The kernel keeps only 15 bytes of the name of a thread, so compare no more. */
static int parse_comm(const struct sample_option *opt, const char *arg)
{
	char *comm = config.connect.filter.comm;

	if (!*arg)
		return sample_bad_arg(opt, "''", "the name of a program");
	memset(comm, 0, TCPCONNECT_COMM_LEN);
	memcpy(comm, arg, strnlen(arg, TCPCONNECT_COMM_LEN - 1));
	return 0;
}

static int parse_cgroup(const struct sample_option *opt, const char *arg)
{
	if (!*arg)
		return sample_bad_arg(opt, "''", "the directory of a cgroup");
	config.connect.cgroup = arg;
	return 0;
}

static int parse_backend(const struct sample_option *opt, const char *arg)
{
	if (sample_connect_parse_backend(arg, &config.connect.backend))
		return sample_bad_arg(opt, arg, "auto, kprobe, fentry or tracepoint");
	return 0;
}

static const struct sample_option options[] = {
	{ '4', "ipv4", NULL, "only IPv4", parse_flag, &config.v4, 0, 0 },
	{ '6', "ipv6", NULL, "only IPv6", parse_flag, &config.v6, 0, 0 },
	{ 'p', "pid", "PID", "only this process", parse_uint, &config.pid, 1, INT32_MAX },
	{ 'u', "uid", "UID", "only this user", parse_uid, NULL, 0, UINT32_MAX },
	{ 'P', "port", "LIST", "only to these ports: 80,443", parse_ports, NULL, 0, 0 },
	{ 0, "comm", "NAME", "only programs of this name", parse_comm, NULL, 0, 0 },
	{ 0, "cgroup", "PATH", "only from this cgroup (v2) and those below it", parse_cgroup,
	  NULL, 0, 0 },
	{ 't', "timestamp", NULL, "column TIME(s): seconds since the start", parse_flag,
	  &config.seconds, 0, 0 },
	{ 'T', "time", NULL, "column TIME: time of day", parse_flag, &config.clock, 0, 0 },
	{ 'U', "print-uid", NULL, "column UID", parse_flag, &config.uid, 0, 0 },
	{ 'L', "lport", NULL, "column LPORT: local port, after SADDR", parse_flag,
	  &config.lport, 0, 0 },
	{ 's', "source-port", NULL, "column SPORT: local port, before DPORT", parse_flag,
	  &config.sport, 0, 0 },
	{ 'c', "count", NULL, "no lines, but a table of connections per destination",
	  parse_flag, &config.table, 0, 0 },
	{ 0, "limit", "N", "stop after N results", parse_uint, &sample.count, 1, UINT64_MAX },
	{ 0, "backend", "NAME", "auto (default), kprobe, fentry or tracepoint", parse_backend,
	  NULL, 0, 0 },
	{}
};

static const struct sample_info info = {
	.name = "tcpconnect",
	.summary = "Show who opens TCP connections, to where, and what came of it.\n"
		   "Outgoing ones only; with -n, only those of that network namespace.",
	.examples =
"  @                      every attempt of this machine, as it ends\n"
"  @ -t -U -P 80,443      to the web, with time and user\n"
"  @ --comm curl -j | jq .\n"
"  @ -c -I 10             who talks to whom how often, each 10 seconds\n"
"  @ --cgroup /sys/fs/cgroup/system.slice\n"
"  @ -n netbpf-pair-host  in the lab (@lab up)\n",
	.options = options,
	.common = SAMPLE_OPT_INTERVAL,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON,
};

/* --- one line for each attempt ------------------------------------------------------- */

static void put_seconds(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	__u64 ms = ev->ts_ns > start_ns ? (ev->ts_ns - start_ns) / 1000000 : 0;

	snprintf(buf, size, "%llu.%03llu", ms / 1000, ms % 1000);
}

static void put_clock(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	time_t now = sample_realtime(ev->ts_ns) / 1000000000;
	struct tm tm;

	strftime(buf, size, "%H:%M:%S", localtime_r(&now, &tm));
}

static void put_uid(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ev->uid);
}

static void put_pid(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ev->pid);
}

static void put_comm(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	sample_connect_comm(ev, buf);
}

static void put_family(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ev->family);
}

static void put_saddr(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	sample_addr(ev->saddr, buf);
}

static void put_sport(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ntohs(ev->sport));
}

static void put_daddr(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	sample_addr(ev->daddr, buf);
}

static void put_dport(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ntohs(ev->dport));
}

static void put_ret(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%s", sample_connect_ret(ev->ret));
}

static void put_lat(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%llu", ev->lat_ns / 1000);
}

static void put_netns(const struct tcpconnect_event *ev, char *buf, size_t size)
{
	snprintf(buf, size, "%u", ev->netns);
}

enum {
	/* Placeholder: addr_width() returns the width, which depends on -4 and -6. */
	ADDR_WIDTH = 0,
	ADDR_WIDTH_V4 = 15,
	ADDR_WIDTH_V6 = 39,
};

/* width: length of the longest value; shown: NULL for a column that is always shown. */
static const struct column {
	const char *name;
	int width;
	void (*put)(const struct tcpconnect_event *ev, char *buf, size_t size);
	const bool *shown;
} columns[] = {
	{ "TIME", 8, put_clock, &config.clock },
	{ "TIME(s)", 9, put_seconds, &config.seconds },
	{ "UID", 10, put_uid, &config.uid },
	{ "PID", 7, put_pid, NULL },
	{ "COMM", TCPCONNECT_COMM_LEN - 1, put_comm, NULL },
	{ "IP", 2, put_family, NULL },
	{ "SADDR", ADDR_WIDTH, put_saddr, NULL },
	{ "LPORT", 5, put_sport, &config.lport },
	{ "DADDR", ADDR_WIDTH, put_daddr, NULL },
	{ "SPORT", 5, put_sport, &config.sport },
	{ "DPORT", 5, put_dport, NULL },
	{ "RET", 13, put_ret, NULL },
	{ "LAT(us)", 9, put_lat, NULL },
	{ "NETNS", 10, put_netns, NULL },
};

/* Wide enough for every address, so that the columns are always aligned. */
static int addr_width(void)
{
	return config.v4 && !config.v6 ? ADDR_WIDTH_V4 : ADDR_WIDTH_V6;
}

/* Print the line of an attempt, or without @ev the header. The last column is not padded. */
static void print_line(const struct tcpconnect_event *ev)
{
	char buf[INET6_ADDRSTRLEN];
	unsigned int i;
	int width;

	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if (columns[i].shown && !*columns[i].shown)
			continue;
		snprintf(buf, sizeof(buf), "%s", columns[i].name);
		if (ev)
			columns[i].put(ev, buf, sizeof(buf));
		width = columns[i].width == ADDR_WIDTH ? addr_width() : columns[i].width;
		if (i < ARRAY_SIZE(columns) - 1)
			printf("%-*s ", width, buf);
		else
			printf("%s\n", buf);
	}
}

static void show(void *ctx, const struct tcpconnect_event *ev)
{
	if (sample.quiet || config.table || sample_count_is_full())
		return;
	if (sample.json)
		sample_connect_json(ev);
	else
		print_line(ev);
}

static int on_event(void *ctx, void *data, size_t size)
{
	show(ctx, data);
	sample_count_reached();
	return 0;
}

/* --- the count table ------------------------------------------------------------------ */

struct line {
	struct tcpconnect_row row;
	struct tcpconnect_cells cells;
};

static int by_connects(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->cells.connects != y->cells.connects)
		return x->cells.connects < y->cells.connects ? 1 : -1;
	return memcmp(&x->row, &y->row, sizeof(x->row));
}

static void table_header(void)
{
	printf("%-*s ", addr_width(), "LADDR");
	if (config.lport || config.sport)
		printf("%-5s ", "LPORT");
	printf("%-*s %-5s %10s %10s\n", addr_width(), "RADDR", "RPORT", "CONNECTS", "FAILED");
}

static void line_text(const struct line *line)
{
	char addr[INET6_ADDRSTRLEN];

	printf("%-*s ", addr_width(), sample_addr(line->row.saddr, addr));
	if (config.lport || config.sport)
		printf("%-5u ", ntohs(line->row.sport));
	printf("%-*s %-5u %10llu %10llu\n", addr_width(), sample_addr(line->row.daddr, addr),
	       ntohs(line->row.dport), line->cells.connects, line->cells.failed);
}

static void line_json(const struct line *line)
{
	json_writer_t *json = sample_json_begin("count");
	char addr[INET6_ADDRSTRLEN];

	jsonw_string_field(json, "saddr", sample_addr(line->row.saddr, addr));
	if (config.lport || config.sport)
		jsonw_uint_field(json, "sport", ntohs(line->row.sport));
	jsonw_string_field(json, "daddr", sample_addr(line->row.daddr, addr));
	jsonw_uint_field(json, "dport", ntohs(line->row.dport));
	jsonw_uint_field(json, "connects", line->cells.connects);
	jsonw_uint_field(json, "failed", line->cells.failed);
	sample_json_end(json);
}

static void print_table(const struct sample_connect *conn)
{
	const struct bpf_map *map = sample_connect_table(conn);
	__u32 i, n = 0, max = bpf_map__max_entries(map);
	struct tcpconnect_row key, *prev = NULL;
	int fd = bpf_map__fd(map);
	struct line *lines;

	lines = calloc(max, sizeof(*lines));
	if (!lines) {
		pr_err("failed to sort the table: %s", strerror(ENOMEM));
		return;
	}
	for (; n < max && !bpf_map_get_next_key(fd, prev, &key); prev = &key) {
		lines[n].row = key;
		if (!bpf_map_lookup_elem(fd, &key, &lines[n].cells))
			n++;
	}
	qsort(lines, n, sizeof(*lines), by_connects);
	if (!sample.json)
		table_header();
	for (i = 0; i < n; i++) {
		if (sample.json)
			line_json(&lines[i]);
		else
			line_text(&lines[i]);
	}
	free(lines);
}

/* --- counters ---------------------------------------------------------------------------- */

static void counts_text(const char *event, const __u64 *n, __u64 attempts, __u64 pending)
{
	printf("%s: %llu attempts: %llu established, %llu failed, %llu pending", event, attempts,
	       n[TCPCONNECT_OK], n[TCPCONNECT_FAILED], pending);
	printf(", %llu not followed; %llu filtered out; %llu events lost\n",
	       n[TCPCONNECT_UNTRACKED], n[TCPCONNECT_FILTERED], n[TCPCONNECT_LOST]);
	if (n[TCPCONNECT_UNSEEN])
		printf("  %llu of them ended unseen: their results are not known\n",
		       n[TCPCONNECT_UNSEEN]);
	if (n[TCPCONNECT_NO_ROW])
		printf("  %llu of them are not in the table: it is full\n",
		       n[TCPCONNECT_NO_ROW]);
}

static void counts_json(const char *event, const __u64 *n, __u64 attempts, __u64 pending)
{
	json_writer_t *json = sample_json_begin(event);

	jsonw_uint_field(json, "attempts", attempts);
	jsonw_uint_field(json, "ok", n[TCPCONNECT_OK]);
	jsonw_uint_field(json, "failed", n[TCPCONNECT_FAILED]);
	jsonw_uint_field(json, "pending", pending);
	jsonw_uint_field(json, "not_followed", n[TCPCONNECT_UNTRACKED]);
	jsonw_uint_field(json, "ended_unseen", n[TCPCONNECT_UNSEEN]);
	jsonw_uint_field(json, "filtered_out", n[TCPCONNECT_FILTERED]);
	jsonw_uint_field(json, "lost", n[TCPCONNECT_LOST]);
	jsonw_uint_field(json, "not_in_table", n[TCPCONNECT_NO_ROW]);
	sample_json_end(json);
}

static void print_counts(const struct sample_connect *conn, const char *event)
{
	__u64 n[__TCPCONNECT_COUNT_MAX], attempts, pending;

	if (sample_connect_counts(conn, n))
		return;
	pending = sample_connect_n_pending(conn);
	attempts = n[TCPCONNECT_OK] + n[TCPCONNECT_FAILED] + n[TCPCONNECT_UNTRACKED] +
		   n[TCPCONNECT_UNSEEN] + pending;
	if (sample.json)
		counts_json(event, n, attempts, pending);
	else
		counts_text(event, n, attempts, pending);
}

/* --- run -------------------------------------------------------------------------------------- */

struct run {
	struct sample_connect conn;
	struct ring_buffer *ring;
};

static int on_ring(void *ctx)
{
	int n = ring_buffer__consume(((struct run *)ctx)->ring);

	return n < 0 ? n : 0;
}

static void on_tick(void *ctx)
{
	const struct run *run = ctx;

	if (config.table)
		print_table(&run->conn);
	print_counts(&run->conn, "stats");
}

static void ready_json(const char *backend, const char * const *hook)
{
	json_writer_t *json = sample_json_begin("ready");

	jsonw_string_field(json, "tool", sample.info->name);
	jsonw_string_field(json, "backend", backend);
	jsonw_name(json, "hooks");
	jsonw_start_array(json);
	for (; *hook; hook++)
		jsonw_string(json, *hook);
	jsonw_end_array(json);
	sample_json_end(json);
}

static void print_ready(const struct sample_connect *conn)
{
	const char * const *hook = sample_connect_hooks(conn->backend);
	const char *backend = sample_connect_backend(conn->backend);
	const char *sep = "";

	if (sample.json) {
		ready_json(backend, hook);
		return;
	}
	printf("ready: outgoing TCP connections (%s on ", backend);
	for (; *hook; hook++, sep = ", ")
		printf("%s%s", sep, *hook);
	printf(")\n");
	if (!sample.quiet && !config.table)
		print_line(NULL);
}

/*
 * Set what to trace. sample_init() has entered the network namespace of -n, so the current
 * namespace is the one to filter by.
 */
static int configure(void)
{
	struct sample_connect_config *connect = &config.connect;
	struct stat ns;

	if (sample.netns) {
		if (stat("/proc/thread-self/ns/net", &ns)) {
			pr_err("failed to find the network namespace: %s", strerror(errno));
			return -errno;
		}
		connect->filter.netns = ns.st_ino;
	}
	if (config.v4 != config.v6)
		connect->filter.family = config.v4 ? 4 : 6;
	connect->filter.pid = config.pid;
	connect->events = (!sample.quiet && !config.table) || sample.count;
	connect->table = config.table;
	connect->table_sport = config.lport || config.sport;
	return 0;
}

static int loop(struct run *run)
{
	struct sample_loop_ops ops = { .tick = on_tick, .readable = on_ring, .ctx = run };
	int err;

	run->ring = ring_buffer__new(sample_connect_events(&run->conn), on_event, NULL, NULL);
	if (!run->ring) {
		pr_err("failed to make the ring buffer: %s", strerror(errno));
		return -errno;
	}
	ops.fd = ring_buffer__epoll_fd(run->ring);
	start_ns = sample_now();

	print_ready(&run->conn);
	err = sample_loop_run(&ops);
	sample_connect_stop(&run->conn);
	/* Read results that came between the last read and the detaching. */
	ring_buffer__consume(run->ring);
	if (config.table)
		print_table(&run->conn);
	else
		sample_connect_pending(&run->conn, show, NULL);
	print_counts(&run->conn, "summary");
	ring_buffer__free(run->ring);
	return err;
}

int main(int argc, char **argv)
{
	struct run run = {};
	int err;

	sample_init(&info, argc, argv);
	err = configure();
	if (!err)
		err = sample_connect_attach(&run.conn, &config.connect);
	if (!err)
		err = loop(&run);
	sample_connect_close(&run.conn);
	return sample_exit_status(err);
}
