// SPDX-License-Identifier: GPL-2.0
/* Read what an instance has counted; give it as numbers, as words, and as JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/net.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	NONE = -1,
};

/**
 * struct report - the counters at one moment
 * @ts_ns: sample_now(); 0: not read yet
 * @stats: counters of each backend
 * @reasons: counters by enum lb_reason
 * @usage: the flow table
 * @first: the first backend of each service, or NONE
 * @next: the backend that follows each backend of a service, or NONE
 */
struct report {
	__u64 ts_ns;
	struct lb_backend_stats stats[LB_BACKENDS_MAX];
	__u64 reasons[__LB_REASON_MAX];
	struct lb_usage usage;
	int first[LB_VIPS_MAX];
	int next[LB_BACKENDS_MAX];
};

/* The last report and the one before: rates are made of the difference. */
static struct report now, then;

static const struct {
	const char *name;
	const char *what;
} reasons[__LB_REASON_MAX] = {
	[LB_PASS_OTHER] = { "pass_other", "passed: not for a service" },
	[LB_PASS_BAD] = { "pass_bad", "passed: no well-formed IP packet" },
	[LB_PASS_TTL] = { "pass_ttl", "passed: TTL spent, this host answers" },
	[LB_PASS_ICMP] = { "pass_icmp", "passed: ICMP, but no error about a connection" },
	[LB_DROP_MALFORMED] = { "malformed", "dropped: TCP or UDP header cut short or false" },
	[LB_DROP_UDP6_CHECKSUM] = { "udp6_checksum",
				    "dropped: UDP over IPv6 without checksum" },
	[LB_DROP_FRAGMENT] = { "fragment", "dropped: fragment that came before the first one" },
	[LB_DROP_NO_BACKEND] = { "no_backend", "dropped: no backend takes new connections" },
	[LB_DROP_NO_NEIGHBOUR] = { "no_neighbour",
				   "dropped: MAC address of the next hop not known" },
	[LB_DROP_NO_CONNECTION] = { "no_connection",
				    "dropped: of no known connection, and opens none" },
	[LB_DROP_TABLE_FULL] = { "table_full", "dropped: no room in the flow table" },
	[LB_DROP_NO_PORT] = { "no_port", "dropped: no free port of a SNAT address" },
	[LB_DROP_BUSY] = { "busy", "dropped: another CPU enters the same connection" },
	[LB_DROP_TOO_BIG] = { "too_big", "dropped: too big for the way out" },
	[LB_DROP_TOO_BIG_LIMIT] = { "too_big_limit",
				    "dropped: too big for the way out, over the limit" },
	[LB_TOO_BIG] = { "too_big_answered", "answered with the MTU: too big for the way out" },
	[LB_DROP_ERROR] = { "error", "dropped: a helper of the kernel failed" },
	[LB_INFO_STATELESS] = { "stateless", "forwarded, but not remembered in the flow table" },
};

/* --- reading ---------------------------------------------------------------------------- */

/* Read the values of all CPUs, @n numbers of 64 bits each, and add them up. */
static int read_percpu(int fd, __u32 key, __u64 *values, __u64 *sums, unsigned int n)
{
	unsigned int cpu, i, n_cpus = libbpf_num_possible_cpus();

	if (bpf_map_lookup_elem(fd, &key, values))
		return -errno;
	memset(sums, 0, n * sizeof(*sums));
	for (cpu = 0; cpu < n_cpus; cpu++) {
		for (i = 0; i < n; i++)
			sums[i] += values[cpu * n + i];
	}
	return 0;
}

static int read_counters(const struct lb_state *state, struct report *report)
{
	const unsigned int n = sizeof(struct lb_backend_stats) / sizeof(__u64);
	__u64 *values = calloc(libbpf_num_possible_cpus(), sizeof(struct lb_backend_stats));
	int err = values ? 0 : -ENOMEM;
	__u32 i;

	for (i = 0; i < LB_BACKENDS_MAX && !err; i++) {
		if (state->backends[i].state != LB_BACKEND_UNUSED)
			err = read_percpu(state->stats_fd, i, values,
					  (__u64 *)&report->stats[i], n);
	}
	for (i = 0; i < __LB_REASON_MAX && !err; i++)
		err = read_percpu(state->reasons_fd, i, values, &report->reasons[i], 1);
	free(values);
	if (err)
		pr_err("failed to read the counters: %s", strerror(-err));
	return err;
}

/* The backends of each service, so that nobody has to look through all of them. */
static void link_backends(const struct lb_state *state, struct report *report)
{
	int i;

	for (i = 0; i < LB_VIPS_MAX; i++)
		report->first[i] = NONE;
	for (i = LB_BACKENDS_MAX - 1; i >= 0; i--) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED || backend->vip >= LB_VIPS_MAX)
			continue;
		report->next[i] = report->first[backend->vip];
		report->first[backend->vip] = i;
	}
}

/**
 * lb_read_report() - read all that is counted; the report before is kept for rates
 * @state: the instance
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_read_report(const struct lb_state *state)
{
	int err;

	then = now;
	now.ts_ns = sample_now();
	link_backends(state, &now);
	err = read_counters(state, &now);
	return err ?: lb_read_usage(state, &now.usage);
}

/**
 * lb_next_backend() - go through the backends of a service
 * @vip: number of the service
 * @backend: index of a backend, -1: begin
 *
 * Return: index of the next one, -1: there is no more.
 */
int lb_next_backend(unsigned int vip, int backend)
{
	return backend == NONE ? now.first[vip] : now.next[backend];
}

/**
 * lb_has_rates() - whether two reports have been read, so that there are rates
 *
 * Return: true if so.
 */
bool lb_has_rates(void)
{
	return sample.interval_ns && then.ts_ns;
}

/* Change in a second. A smaller value is of a new backend in this entry, which began at 0. */
static double rate(__u64 value, __u64 before)
{
	return (value < before ? value : value - before) / ((now.ts_ns - then.ts_ns) / 1e9);
}

/**
 * lb_backend_row() - what was counted of a backend
 * @i: its index
 *
 * Return: the numbers.
 */
struct lb_table_row lb_backend_row(int i)
{
	struct lb_table_row row = { .stats = now.stats[i], .active = now.usage.active[i] };

	if (lb_has_rates()) {
		row.pps = rate(now.stats[i].packets, then.stats[i].packets);
		row.bps = 8 * rate(now.stats[i].bytes, then.stats[i].bytes);
	}
	return row;
}

/**
 * lb_vip_row() - what was counted of a service
 * @vip: its number
 *
 * Return: the sums of its backends.
 */
struct lb_table_row lb_vip_row(int vip)
{
	struct lb_table_row sum = {}, row;
	int i;

	for (i = now.first[vip]; i != NONE; i = now.next[i]) {
		row = lb_backend_row(i);
		sum.stats.packets += row.stats.packets;
		sum.stats.bytes += row.stats.bytes;
		sum.stats.connections += row.stats.connections;
		sum.stats.reply_packets += row.stats.reply_packets;
		sum.stats.reply_bytes += row.stats.reply_bytes;
		sum.active += row.active;
		sum.pps += row.pps;
		sum.bps += row.bps;
	}
	return sum;
}

/**
 * lb_reason_count() - packets that were not forwarded for a reason
 * @reason: enum lb_reason
 * @name: takes its name
 * @what: takes its description
 *
 * Return: how many.
 */
__u64 lb_reason_count(unsigned int reason, const char **name, const char **what)
{
	*name = reasons[reason].name;
	*what = reasons[reason].what;
	return now.reasons[reason];
}

/**
 * lb_report_usage() - the flow table when the report was read
 *
 * Return: the counts.
 */
const struct lb_usage *lb_report_usage(void)
{
	return &now.usage;
}

/* --- words ------------------------------------------------------------------------------ */

/**
 * lb_backend_state_name() - state of a backend in a word
 * @info: the backend
 *
 * Return: "up", "down" or "drained"; a backend that is down and drained is "down".
 */
const char *lb_backend_state_name(const struct lb_backend_info *info)
{
	if (info->unhealthy)
		return "down";
	return info->drained ? "drained" : "up";
}

/**
 * lb_backend_text() - state of a backend, and all that keeps packets from it
 * @state: the instance
 * @backend: its index
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *lb_backend_text(const struct lb_state *state, int backend,
			    char buf[LB_STATE_TEXT])
{
	const struct lb_backend_info *info = &state->backend_infos[backend];
	bool down = info->unhealthy, drained = info->drained;

	snprintf(buf, LB_STATE_TEXT, "%s%s%s%s",
		 info->weight || down || drained ? lb_backend_state_name(info) : "weight 0",
		 down && drained ? ", drained" : "",
		 !info->weight && (down || drained) ? ", weight 0" : "",
		 state->backends[backend].ifindex ? "" : ", no neighbour");
	return buf;
}

/**
 * lb_print_vip() - print name, address, and forwarding mode of a service
 * @info: the service
 *
 * Services of the command line are named by their address: it is printed once.
 */
void lb_print_vip(const struct lb_vip_info *info)
{
	char buf[LB_VIP_TEXT];

	lb_vip_text(&info->key, buf);
	if (!strcmp(buf, info->name))
		printf("%s, %s", buf, lb_forward_name(info->forward));
	else
		printf("%s: %s, %s", info->name, buf, lb_forward_name(info->forward));
}

/* --- as JSON ------------------------------------------------------------------------------ */

static void row_json(json_writer_t *json, const struct lb_table_row *row)
{
	jsonw_uint_field(json, "packets", row->stats.packets);
	jsonw_uint_field(json, "bytes", row->stats.bytes);
	jsonw_uint_field(json, "connections", row->stats.connections);
	jsonw_uint_field(json, "active", row->active);
	jsonw_uint_field(json, "reply_packets", row->stats.reply_packets);
	jsonw_uint_field(json, "reply_bytes", row->stats.reply_bytes);
	if (!lb_has_rates())
		return;
	jsonw_float_field_fmt(json, "pps", "%.1f", row->pps);
	jsonw_float_field_fmt(json, "bps", "%.1f", row->bps);
}

static void backend_json(json_writer_t *json, const struct lb_state *state, int i,
			 lb_json_fn *fn)
{
	const struct lb_backend *backend = &state->backends[i];
	struct lb_table_row row = lb_backend_row(i);
	char buf[INET6_ADDRSTRLEN];

	jsonw_start_object(json);
	jsonw_string_field(json, "name", state->backend_infos[i].name);
	jsonw_string_field(json, "address", sample_addr(backend->addr.a, buf));
	jsonw_uint_field(json, "port", ntohs(backend->port));
	jsonw_uint_field(json, "weight", state->backend_infos[i].weight);
	jsonw_string_field(json, "state", lb_backend_state_name(&state->backend_infos[i]));
	if (fn)
		fn(json, state, i);
	row_json(json, &row);
	jsonw_end_object(json);
}

static void vip_json(json_writer_t *json, const struct lb_state *state, int vip,
		     lb_json_fn *vip_fn, lb_json_fn *backend_fn)
{
	const struct lb_vip_info *info = &state->vip_infos[vip];
	struct lb_table_row row = lb_vip_row(vip);
	char buf[INET6_ADDRSTRLEN];
	int i;

	jsonw_start_object(json);
	jsonw_string_field(json, "name", info->name);
	jsonw_string_field(json, "address", sample_addr(info->key.addr.a, buf));
	jsonw_uint_field(json, "port", ntohs(info->key.port));
	jsonw_string_field(json, "protocol", info->key.proto == IPPROTO_UDP ? "udp" : "tcp");
	jsonw_string_field(json, "forward", lb_forward_name(info->forward));
	if (vip_fn)
		vip_fn(json, state, vip);
	row_json(json, &row);
	jsonw_name(json, "backends");
	jsonw_start_array(json);
	for (i = now.first[vip]; i != NONE; i = now.next[i])
		backend_json(json, state, i, backend_fn);
	jsonw_end_array(json);
	jsonw_end_object(json);
}

static void table_json(json_writer_t *json, const struct lb_state *state)
{
	unsigned int i;

	jsonw_name(json, "table");
	jsonw_start_object(json);
	jsonw_uint_field(json, "size", lb_n_slots(state));
	jsonw_uint_field(json, "used", now.usage.used);
	jsonw_name(json, "states");
	jsonw_start_object(json);
	for (i = LB_FLOW_SYN; i < __LB_FLOW_STATE_MAX; i++)
		jsonw_uint_field(json, lb_flow_state_name(i), now.usage.states[i]);
	jsonw_end_object(json);
	jsonw_end_object(json);
}

/**
 * lb_report_json() - write what was read, as fields of an object
 * @json: is within that object
 * @state: the instance
 * @vip_fn: writes more fields of a service, may be NULL
 * @backend_fn: writes more fields of a backend, may be NULL
 */
void lb_report_json(json_writer_t *json, const struct lb_state *state, lb_json_fn *vip_fn,
		    lb_json_fn *backend_fn)
{
	unsigned int i;

	jsonw_name(json, "vips");
	jsonw_start_array(json);
	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (state->vip_infos[i].used)
			vip_json(json, state, i, vip_fn, backend_fn);
	}
	jsonw_end_array(json);
	jsonw_name(json, "reasons");
	jsonw_start_object(json);
	for (i = 0; i < __LB_REASON_MAX; i++)
		jsonw_uint_field(json, reasons[i].name, now.reasons[i]);
	jsonw_end_object(json);
	table_json(json, state);
	jsonw_uint_field(json, "ts_ns", sample_realtime(now.ts_ns));
}
