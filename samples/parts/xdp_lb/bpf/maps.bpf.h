/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps of the load balancer. All but lb_frags and lb_rates are pinned, and outlive the
 * control program. A packet of an established connection finds its way in plain arrays: the
 * verifier turns such a lookup into inline code without a call.
 */
#ifndef _XDP_LB_MAPS_BPF_H
#define _XDP_LB_MAPS_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "xdp_lb.h"

/* Buckets of the flow table. */
const volatile __u32 lb_n_buckets = LB_BUCKETS(1024);
/* A tick is 1 << lb_tick_shift jiffies. */
const volatile __u32 lb_tick_shift = 7;
/* A connection that is idle for more ticks than this is over; by enum lb_flow_state. */
const volatile __u32 lb_timeouts[LB_TIMEOUTS];
/*
 * Limits for each CPU in each tick: connections that enter the flow table in the modes dsr
 * and ipip, and ICMP errors that are sent.
 */
const volatile __u32 lb_flow_limit = 50000;
const volatile __u32 lb_icmp_limit = 100;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_kern_conf);
} lb_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_addr_filter);
} lb_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LB_VIPS_MAX);
	__type(key, struct lb_vip_key);
	__type(value, struct lb_vip);
} lb_vips SEC(".maps");

/* LB_DNAT: address, port and protocol of a backend -> its service. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_BACKENDS_MAX);
	__type(key, struct lb_vip_key);
	__type(value, struct lb_vip_key);
} lb_dnat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_BACKENDS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_backend);
} lb_backends SEC(".maps");

struct lb_ring {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65537);
	__type(key, __u32);
	__type(value, __u32);
};

/* Index: the number of a service. The control program replaces a ring as a whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_VIPS_MAX);
	__type(key, __u32);
	__array(values, struct lb_ring);
} lb_rings SEC(".maps");

/* BPF_F_MMAPABLE makes the array begin at a page, so that its entries are cache lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_BUCKETS(1024));
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_bucket);
} lb_buckets SEC(".maps");

/*
 * LB_REVERSE_INDEX() -> eight ports, each with its connection and the tick until which it
 * is taken. So a search for a free port reads this line only, and no connection. A
 * connection that is in use moves the tick on. An entry may outlive its connection: readers
 * check that the slot is in use, and that struct lb_flow in the slot names the port.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_REVERSE_SIZE);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_port_line);
} lb_reverse SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct lb_frag_key);
	__type(value, struct lb_frag_ports);
} lb_frags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct lb_backend_stats);
} lb_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __LB_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} lb_reasons SEC(".maps");

/**
 * struct lb_rate - how far a CPU has used up its limits in the current tick, about half a second
 * @tick: number of the tick; in another tick the counters start again
 * @flows: attempts to enter a connection of LB_DSR or LB_IPIP in the flow table: lb_flow_limit
 * @icmps: attempts to send an ICMP error: lb_icmp_limit
 */
struct lb_rate {
	__u32 tick;
	__u32 flows;
	__u32 icmps;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_rate);
} lb_rates SEC(".maps");

/* Only the control program uses the maps below. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_instance_meta);
} lb_meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_VIPS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_vip_info);
} lb_vip_infos SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_BACKENDS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_backend_info);
} lb_backend_infos SEC(".maps");

/* --- counters ------------------------------------------------------------------ */

static __always_inline void lb_count(__u32 reason)
{
	__u64 *value = bpf_map_lookup_elem(&lb_reasons, &reason);

	if (value)
		(*value)++;
}

static __always_inline void lb_account(__u32 backend, __u32 bytes, bool reply)
{
	struct lb_backend_stats *stats = bpf_map_lookup_elem(&lb_stats, &backend);

	if (!stats)
		return;
	if (reply) {
		stats->reply_packets++;
		stats->reply_bytes += bytes;
	} else {
		stats->packets++;
		stats->bytes += bytes;
	}
}

static __always_inline void lb_account_connection(__u32 backend)
{
	struct lb_backend_stats *stats = bpf_map_lookup_elem(&lb_stats, &backend);

	if (stats)
		stats->connections++;
}

/* --- time ------------------------------------------------------------------------ */

static __always_inline __u32 lb_now(void)
{
	return bpf_jiffies64() >> lb_tick_shift;
}

/* This CPU's counters of the current tick. */
static __always_inline struct lb_rate *lb_this_tick(__u32 now)
{
	struct lb_rate *rate;
	__u32 zero = 0;

	rate = bpf_map_lookup_elem(&lb_rates, &zero);
	if (rate && rate->tick != now) {
		rate->tick = now;
		rate->flows = 0;
		rate->icmps = 0;
	}
	return rate;
}

#endif /* _XDP_LB_MAPS_BPF_H */
