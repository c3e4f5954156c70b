/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The load balancer under test: it is loaded once for all tests of a program and emptied
 * before each test. Functions add services and backends, and read counters. All tests run
 * in XDP and in TC.
 *
 * Time stands still: a tick is 2^33 jiffies. Tests do not wait, they age connections.
 */
#ifndef _SELFTESTS_XDP_LB_BUILD_H
#define _SELFTESTS_XDP_LB_BUILD_H

#include <linux/pkt_cls.h>
#include "test_root.h"
#include "test_run.h"
#include "xdp_lb_oracle.h"
#include "parts/xdp_lb/bpf/hash.h"
#include "xdp_lb.skel.h"

enum {
	LB_TEST_SLOTS = 1 << 17,
	LB_TEST_RING = 251,
	LB_TEST_BACKENDS = 128,
	LB_TEST_VIPS = 64,
	LB_TEST_IN = 1,		/* ingress interface: "lo", which BPF_PROG_TEST_RUN uses */
	LB_TEST_OUT = 77,
	LB_TEST_TICK_SHIFT = 33,
	LB_TEST_FLOW_LIMIT = 1 << 30,
	LB_TEST_ICMP_LIMIT = 1 << 20,
	LB_TEST_PORT_MIN = 20000,
	LB_TEST_PORT_MAX = 60999,
	LB_TEST_MTU = 1500,
	NOWHERE = -1,
};

/* Timeouts in ticks. The values are what a real configuration has in seconds, more or less. */
extern const __u32 lb_test_timeouts[LB_TIMEOUTS];

extern const __u8 lb_mac_in[ETH_ALEN];
extern const __u8 lb_mac_out[ETH_ALEN];
extern const __u8 lb_mac_router[ETH_ALEN];

/*
 * struct lb_maps - the maps of the program, mapped into memory
 */
struct lb_maps {
	struct lb_kern_conf *config;
	struct lb_addr_filter *filter;
	struct lb_backend *backends;
	struct lb_bucket *buckets;
	struct lb_port_line *reverse;
};

extern struct xdp_lb_kern *lb_skel;
extern struct lb_maps lb_maps;
/* All slot numbers are below lb_slots: lb_n_buckets times LB_BUCKET_LINES. */
extern __u32 lb_slots, lb_ring_size;

/*
 * The ring of each service. Rings are made once and then filled anew: to replace a ring, the
 * kernel waits for an RCU grace period.
 */
extern int lb_rings[LB_TEST_VIPS];

/* --- loading ------------------------------------------------------------------------- */

int lb_new_ring(__u32 size);

void *lb_map_mem(const struct bpf_map *map);

/* Load the program. Where it cannot be loaded for lack of rights, the tests skip. */
void lb_load_or_exit(__u32 connections, __u32 ring_size, __u32 tick_shift);

/* --- emptying ------------------------------------------------------------------------ */

void lb_empty_flows(void);

void lb_empty(void);

/* --- the fixture --------------------------------------------------------------------- */

/**
 * struct service - a service under test
 * @key: address, port, protocol
 * @id: number of the service, index into lb_rings
 * @forward: enum lb_forward
 * @family: of its address: 4, 6
 * @first: index of its first backend
 * @n: number of its backends
 */
struct service {
	struct lb_vip_key key;
	__u16 id;
	__u8 forward;
	__u8 family;
	__u32 first;
	__u32 n;
};

/* Data of the fixture, which is in xdp_lb_fixture.h. */
FIXTURE_DATA(lb) {
	const struct bpf_program *prog;
	struct lb_maps maps;
	struct build pkt;
	struct test_out out;
	__u32 n_vips;
	__u32 n_backends;
	__u32 gso_size;		/* in TC: segment size of GSO packets; 0: no GSO */
	__u64 seen;		/* packets given to the program */
	__u64 reasons[__LB_REASON_MAX];
	struct lb_backend_stats stats[LB_TEST_BACKENDS];
	int reason;		/* why the last packet was not forwarded; NOWHERE: it was */
	int backend;		/* backend that the last packet went to or came from */
	bool reply;		/* the last packet came from @backend */
	__u32 bytes;		/* bytes that were counted for the last packet */
	__u32 info;		/* how often the last packet counted as LB_INFO_STATELESS */
};

/* What the harness hands to a test; most functions here pass it on. */
#define LB_ARGS struct __test_metadata *_metadata, struct _test_data_lb *self

static inline bool lb_is_tc(const struct _test_data_lb *self)
{
	return self->prog == lb_skel->progs.tc_lb;
}

/* --- counters ------------------------------------------------------------------------- */

void lb_read_reasons(LB_ARGS, __u64 *reasons);

void lb_read_stats(LB_ARGS, struct lb_backend_stats *stats);

/* --- tables --------------------------------------------------------------------------- */

struct lb_addr lb_test_addr(const char *text);

/* The @n-th address after the one in @text. */
struct lb_addr lb_addr_n(const char *text, __u32 n);

struct lb_addr lb_client(int family, __u32 n);

struct lb_addr lb_snat(int family, __u32 n);

struct lb_addr lb_test_vip(int family, __u32 n);

void lb_add_filter(struct _test_data_lb *self, const struct lb_addr *addr);

void lb_add_snat(struct _test_data_lb *self, struct lb_addr addr, __u16 min, __u16 max);

/* One source address of each family. */
void lb_add_snats(struct _test_data_lb *self);

/* Fill a ring with the backends @first to @first + @n - 1 in turn; @n 0: with no backend. */
void lb_fill_ring(LB_ARGS, int ring, __u32 first, __u32 n);

void lb_set_ring(LB_ARGS, __u32 vip, __u32 first, __u32 n);

/* Replace the ring of a service by another map, as user space does. */
void lb_replace_ring(LB_ARGS, __u32 vip, int ring);

void lb_put_vip(LB_ARGS, const struct lb_vip_key *key, __u16 id, __u8 forward);

/**
 * struct kind - a kind of service
 * @forward: enum lb_forward
 * @family: family of the service's address: 4, 6
 * @behind: family of its backends; differs from @family in LB_IPIP alone
 * @proto: IPPROTO_TCP, IPPROTO_UDP
 */
struct kind {
	__u8 forward;
	__u8 family;
	__u8 behind;
	__u8 proto;
};

/* All kinds. The last entry has no @family. */
extern const struct kind lb_kinds[];

static inline bool lb_translates(__u8 forward)
{
	return forward == LB_NAT || forward == LB_DNAT;
}

/*
 * lb_add_service() - add a service with an address of its own
 * @port: its port; 0: any
 * @to: port of its backends; 0: the port of the packet
 * @n: number of its backends, which are all new
 */
struct service lb_add_service(LB_ARGS, struct kind kind, __u16 port, __u16 to, __u32 n);

/* Add a service for most tests: port 80, and backend port 8080 where ports can change. */
struct service lb_add(LB_ARGS, struct kind kind, __u32 n);

/* Add a service with @n backends that sends all new connections to the first one. */
struct service lb_add_first(LB_ARGS, struct kind kind, __u32 n);

#endif /* _SELFTESTS_XDP_LB_BUILD_H */
