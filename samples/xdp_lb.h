/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What xdp_lb_kern.c and the control program share: the layout of the pinned maps. A change
 * here that an older program would misread needs a new LB_LAYOUT.
 *
 * All addresses are IPv6 addresses; an IPv4 address is kept as ::ffff:a.b.c.d (RFC 4291
 * section 2.5.5.2). A packet that carries such an address in an IPv6 header is passed on
 * to the stack.
 */
#ifndef _XDP_LB_H
#define _XDP_LB_H

#include <linux/types.h>

#define LB_LAYOUT 6

enum {
	LB_VIPS_MAX = 1024,
	/* Backends of all services together; a backend of two services counts twice. */
	LB_BACKENDS_MAX = 4096,
	LB_SNAT_MAX = 8,
	LB_IFACES_MAX = 16,
	/* Cache lines of a bucket of the flow table; each but the first is a slot. */
	LB_BUCKET_LINES = 8,
	LB_BUCKET_SLOTS = LB_BUCKET_LINES - 1,
	/* Ports in a line of lb_reverse, which are searched together. */
	LB_LINE_PORTS = 8,
	/* Words of the address filter, which has one bit for an address. */
	LB_FILTER_WORDS = 1024,
	LB_NAME_MAX = 32,
	/* The longest IP packet on a wire. */
	LB_MTU_MAX = 65535,
	/* IFNAMSIZ. */
	LB_IFNAME_MAX = 16,
	/* Size of a message that is kept for another process, including the NUL. */
	LB_MESSAGE_KEPT = 512,
	/* Entries of lb_timeouts: enum lb_flow_state, rounded up to a power of two. */
	LB_TIMEOUTS = 16,
};

/*
 * A macro, because an int cannot hold this value: in the enum above, C23 would give all
 * constants a larger type.
 */
#define LB_NO_BACKEND 0xffffffffU

/**
 * enum lb_forward - how packets of a service reach a backend
 * @LB_NAT: source and destination are rewritten; replies come back to this host
 * @LB_DNAT: the destination is rewritten; the backends route replies through this host
 * @LB_DSR: only the MAC addresses are rewritten; the backend has the service's address
 * @LB_IPIP: packets get an outer IP header; the backend has the service's address
 */
enum lb_forward {
	LB_NAT,
	LB_DNAT,
	LB_DSR,
	LB_IPIP,
};

/**
 * struct lb_addr - an IPv6 address, or an IPv4 address as ::ffff:a.b.c.d
 * @a: network byte order
 */
struct lb_addr {
	__be32 a[4];
};

/**
 * struct lb_vip_key - a virtual service
 * @addr: address of the service
 * @port: port, network byte order; 0: any
 * @proto: IPPROTO_TCP, IPPROTO_UDP
 * @marker: 1: the entry is not a service; it has @port 0, and says that some service has
 *	@addr and @proto
 */
struct lb_vip_key {
	struct lb_addr addr;
	__be16 port;
	__u8 proto;
	__u8 marker;
};

/**
 * struct lb_vip - what to do with packets of a service
 * @id: number of the service, index into lb_rings
 * @forward: enum lb_forward
 * @pad: 0
 */
struct lb_vip {
	__u16 id;
	__u8 forward;
	__u8 pad;
};

/**
 * enum lb_backend_state - whether a backend takes connections
 * @LB_BACKEND_UNUSED: the entry is free
 * @LB_BACKEND_UP: the backend keeps its connections, and gets new ones if it is in the ring
 * @LB_BACKEND_DOWN: no new connections; connections that can move to another backend do so
 */
enum lb_backend_state {
	LB_BACKEND_UNUSED,
	LB_BACKEND_UP,
	LB_BACKEND_DOWN,
};

/**
 * struct lb_backend - where packets of a connection go
 * @addr: address of the backend
 * @tunnel_src: LB_IPIP: source address of the outer header
 * @ifindex: interface towards the backend; 0: the next hop is not known (yet)
 * @port: port of the backend, network byte order; 0: the port of the packet
 * @gen: generation; each new backend in this entry gets another one, so that connections of
 *	the backend before do not match
 * @mtu: MTU of the interface, or of the route
 * @state: enum lb_backend_state
 * @pad: 0
 * @dmac: MAC address of the next hop
 * @smac: MAC address of the interface
 * @vip: id of the service that the backend belongs to
 * @pad2: 0
 *
 * One cache line; only the control program writes it.
 */
struct lb_backend {
	struct lb_addr addr;
	struct lb_addr tunnel_src;
	__u32 ifindex;
	__be16 port;
	__u16 gen;
	__u16 mtu;
	__u8 state;
	__u8 pad;
	__u8 dmac[6];
	__u8 smac[6];
	__u16 vip;
	__u8 pad2[6];
};

_Static_assert(sizeof(struct lb_backend) == 64, "a backend is a cache line");

/**
 * struct lb_key - the two ends of a connection
 * @client: the client's address
 * @vip: the service's address
 * @cport: the client's port, network byte order
 * @vport: the service's port, network byte order, never 0
 * @proto: IPPROTO_TCP, IPPROTO_UDP
 * @pad: 0
 */
struct lb_key {
	struct lb_addr client;
	struct lb_addr vip;
	__be16 cport;
	__be16 vport;
	__u8 proto;
	__u8 pad[3];
};

/**
 * struct lb_flow - a connection: one cache line
 * @key: both ends, by which the connection is found
 * @backend: index into lb_backends
 * @gen: generation of the backend
 * @sport: LB_NAT: source port towards the backend, network byte order
 * @snat: LB_NAT: index of the SNAT address
 * @forward: enum lb_forward
 * @iface: index into lb_kern_conf.iface: the interface where the client's packets come in
 * @spilled: 1: the connection is in its second bucket
 * @cmac: MAC address that the client's packets come from, and that replies are sent to
 * @pad: 0
 */
struct lb_flow {
	struct lb_key key;
	__u16 backend;
	__u16 gen;
	__be16 sport;
	__u8 snat;
	__u8 forward;
	__u8 iface;
	__u8 spilled;
	__u8 cmac[6];
	__u8 pad[8];
};

_Static_assert(sizeof(struct lb_flow) == 64, "a connection is a cache line");

/**
 * enum lb_flow_state - state of a slot and its connection
 * @LB_FLOW_FREE: the slot has no connection
 * @LB_FLOW_CLAIMED: a CPU is filling the slot
 * @LB_FLOW_SYN: the client has sent a SYN
 * @LB_FLOW_SYNACK: LB_NAT, LB_DNAT: the backend has answered the SYN
 * @LB_FLOW_ESTABLISHED: the connection is established
 * @LB_FLOW_FIN: one side has sent a FIN
 * @LB_FLOW_RESET: one side has sent a reset
 * @LB_FLOW_UDP: UDP: one packet so far, or packets of one side only
 * @LB_FLOW_UDP_REPLIED: UDP: packets of both sides, or a second one where replies are not seen
 */
enum lb_flow_state {
	LB_FLOW_FREE,
	LB_FLOW_CLAIMED,
	LB_FLOW_SYN,
	LB_FLOW_SYNACK,
	LB_FLOW_ESTABLISHED,
	LB_FLOW_FIN,
	LB_FLOW_RESET,
	LB_FLOW_UDP,
	LB_FLOW_UDP_REPLIED,
	/* private: how many there are */
	__LB_FLOW_STATE_MAX,
};

/*
 * The word of a slot: last use in ticks (32 bits), part of the hash (24), enum
 * lb_flow_state (8). A tick is a power of two of jiffies, about half a second.
 */
#define LB_WORD(last, tag, state) ((__u64)(last) << 32 | (__u64)(tag) << 8 | (state))
#define LB_WORD_LAST(word) ((__u32)((word) >> 32))
#define LB_WORD_TAG(word) ((__u32)(word) >> 8)
#define LB_WORD_STATE(word) ((__u8)(word))

/**
 * struct lb_bucket - slots that are searched together
 * @word: LB_WORD() of the connection in the line of this number; lookups search the words,
 *	and a slot is claimed by its word. Word 0 has the last use of a connection that found
 *	no room here and is in its second bucket
 * @line: the connections, from 1 on; the words are in place of line 0
 *
 * A bucket does not cross a page, so that a packet costs one address translation (TLB
 * miss), which takes longer than loading two cache lines. The number of a slot is the number
 * of its line, counted from the first bucket on.
 */
struct lb_bucket {
	union {
		__u64 word[LB_BUCKET_LINES];
		struct lb_flow line[LB_BUCKET_LINES];
	};
};

_Static_assert(sizeof(__u64) * LB_BUCKET_LINES == sizeof(struct lb_flow),
	       "the words are in place of line 0");

/* Number of buckets for a number of connections. */
#define LB_BUCKETS(connections) (((connections) + LB_BUCKET_SLOTS - 1) / LB_BUCKET_SLOTS)

/**
 * struct lb_ports - ports of one SNAT address
 * @addr: the address
 * @min: first port, host byte order
 * @max: last port, host byte order
 */
struct lb_ports {
	struct lb_addr addr;
	__u16 min;
	__u16 max;
};

/**
 * LB_PORT() - the connection that has a source port
 * @expires: the tick after which it may be given to another connection
 * @slot: the slot of the connection, never 0
 */
#define LB_PORT(expires, slot) ((__u64)(expires) << 32 | (slot))
#define LB_PORT_EXPIRES(entry) ((__u32)((entry) >> 32))
#define LB_PORT_SLOT(entry) ((__u32)(entry))

/**
 * struct lb_port_line - neighbouring ports of a SNAT address: one cache line
 * @port: LB_PORT() of eight ports; the first port is a multiple of eight
 */
struct lb_port_line {
	__u64 port[LB_LINE_PORTS];
};

/* Index into lb_reverse: the line of a port of a SNAT address. */
#define LB_REVERSE_INDEX(snat, is_udp, port) \
	((((snat) * 2 + (is_udp)) << 16 | (port)) / LB_LINE_PORTS)
#define LB_REVERSE_SIZE ((LB_SNAT_MAX << 17) / LB_LINE_PORTS)

/**
 * struct lb_kern_conf - configuration of the program in the kernel; the one entry of
 *	lb_config
 * @seed: seed of all hashes
 * @table_size: slots of a ring, a prime
 * @n_snat: entries of @snat
 * @snat: source addresses of LB_NAT
 * @n_ifaces: entries of @iface
 * @has_dnat: 1: some service is LB_DNAT, so packets from backends must be looked at
 * @iface: interfaces that the program is attached to: index, MAC address, MTU; index 0: the
 *	interface is gone, and the control program waits for one with its name
 */
struct lb_kern_conf {
	__u64 seed;
	__u32 table_size;
	__u32 n_snat;
	__u32 n_ifaces;
	__u32 has_dnat;
	struct lb_ports snat[LB_SNAT_MAX];
	struct lb_iface {
		__u32 ifindex;
		__u8 mac[6];
		__u16 mtu;
	} iface[LB_IFACES_MAX];
};

/**
 * struct lb_addr_filter - addresses that may concern us: services, SNAT addresses, and
 *	backends of LB_DNAT
 * @bit: the bit lb_filter_bit() of each address is set; other addresses may share it
 */
struct lb_addr_filter {
	__u64 bit[LB_FILTER_WORDS];
};

/* Number of the bit of an address: a hash of 16 bits. */
static __always_inline __u32 lb_filter_bit(const struct lb_addr *addr)
{
	__u32 x = (__u32)addr->a[3] ^ (__u32)addr->a[1];

	return (x * 0x9e3779b1U) >> 16;
}

/**
 * lb_filter_add() - let packets from or to an address into the program
 * @filter: value of lb_filter
 * @addr: the address
 */
static __always_inline void lb_filter_add(struct lb_addr_filter *filter,
					  const struct lb_addr *addr)
{
	__u32 bit = lb_filter_bit(addr);

	filter->bit[bit / 64] |= 1ULL << bit % 64;
}

/**
 * struct lb_backend_stats - counters of a backend on one CPU
 * @packets: packets forwarded to the backend
 * @bytes: bytes of these, from the IP header on
 * @connections: connections assigned to the backend
 * @reply_packets: packets of the backend to clients, LB_NAT and LB_DNAT
 * @reply_bytes: bytes of these
 */
struct lb_backend_stats {
	__u64 packets;
	__u64 bytes;
	__u64 connections;
	__u64 reply_packets;
	__u64 reply_bytes;
};

/**
 * enum lb_reason - why a packet was not forwarded; index into lb_reasons
 * @LB_PASS_OTHER: passed: not for a service
 * @LB_PASS_BAD: passed: no well-formed IP packet, or not an Ethernet frame
 * @LB_PASS_TTL: passed: its TTL is used up; the stack answers
 * @LB_PASS_ICMP: passed: ICMP for an address of ours, but not an error about a
 *	connection; the stack answers
 * @LB_DROP_MALFORMED: for a service, but its transport header is cut short or wrong
 * @LB_DROP_UDP6_CHECKSUM: UDP over IPv6 without checksum (RFC 8200 section 8.1)
 * @LB_DROP_FRAGMENT: a later fragment came before the first, which has the ports
 * @LB_DROP_NO_BACKEND: the service has no backend
 * @LB_DROP_NO_NEIGHBOUR: the MAC address of the next hop is not known (yet)
 * @LB_DROP_NO_CONNECTION: LB_NAT, LB_DNAT: no connection, and the packet opens none
 * @LB_DROP_TABLE_FULL: LB_NAT, LB_DNAT: no slot for a connection
 * @LB_DROP_NO_PORT: LB_NAT: no free port of a SNAT address
 * @LB_DROP_BUSY: LB_NAT, LB_DNAT: another CPU is entering the same connection
 * @LB_DROP_TOO_BIG: larger than the MTU of the way out, but its sender lets routers fragment
 *	it, or it is an ICMP error: no answer
 * @LB_DROP_TOO_BIG_LIMIT: larger than the MTU of the way out; the limit of answers is reached
 * @LB_TOO_BIG: larger than the MTU of the way out: answered by the ICMP error
 * @LB_DROP_ERROR: a helper failed
 * @LB_INFO_STATELESS: counted in addition: forwarded by the hash alone, because too many new
 *	connections came or the table was full
 *
 * Each packet is either in lb_stats of a backend or under one reason;
 * LB_INFO_* are counted in addition.
 */
enum lb_reason {
	LB_PASS_OTHER,
	LB_PASS_BAD,
	LB_PASS_TTL,
	LB_PASS_ICMP,
	LB_DROP_MALFORMED,
	LB_DROP_UDP6_CHECKSUM,
	LB_DROP_FRAGMENT,
	LB_DROP_NO_BACKEND,
	LB_DROP_NO_NEIGHBOUR,
	LB_DROP_NO_CONNECTION,
	LB_DROP_TABLE_FULL,
	LB_DROP_NO_PORT,
	LB_DROP_BUSY,
	LB_DROP_TOO_BIG,
	LB_DROP_TOO_BIG_LIMIT,
	LB_TOO_BIG,
	LB_DROP_ERROR,
	LB_INFO_STATELESS,
	/* private: how many there are */
	__LB_REASON_MAX,
};

/**
 * struct lb_frag_key - fragments of one packet
 * @src: source
 * @dst: destination
 * @id: identification, network byte order; 16 bits in IPv4
 * @proto: IPPROTO_TCP, IPPROTO_UDP
 * @pad: 0
 */
struct lb_frag_key {
	struct lb_addr src;
	struct lb_addr dst;
	__be32 id;
	__u8 proto;
	__u8 pad[3];
};

/**
 * struct lb_frag_ports - ports of a packet, from its first fragment
 * @sport: source port, network byte order
 * @dport: destination port, network byte order
 */
struct lb_frag_ports {
	__be16 sport;
	__be16 dport;
};

/* --- used by the control program only; pinned, so that each command finds it --- */

/**
 * struct lb_check - how the health of backends is checked
 * @type: enum lb_check_type
 * @interval_ms: time between two checks
 * @timeout_ms: a check without result after this time has failed
 * @rise: successes in a row that make a backend up
 * @fall: failures in a row that make it down
 * @path: LB_CHECK_HTTP: what to GET
 * @host: LB_CHECK_HTTP: "Host:" of the request; empty: ADDRESS:PORT
 */
struct lb_check {
	__u32 type;
	__u32 interval_ms;
	__u32 timeout_ms;
	__u32 rise;
	__u32 fall;
	char path[108];
	char host[256];
};

/**
 * enum lb_check_type - kinds of checks
 * @LB_CHECK_NONE: always up
 * @LB_CHECK_TCP: connect
 * @LB_CHECK_HTTP: GET, answered by 2xx or 3xx
 */
enum lb_check_type {
	LB_CHECK_NONE,
	LB_CHECK_TCP,
	LB_CHECK_HTTP,
};

/**
 * struct lb_vip_info - a service as it was configured
 * @used: 1: the entry is in use
 * @ring_stale: 1: backends have changed, and the ring has not been rebuilt yet
 * @name: its name
 * @key: address, port, protocol
 * @forward: enum lb_forward
 * @check: health checks
 */
struct lb_vip_info {
	__u16 used;
	__u16 ring_stale;
	char name[LB_NAME_MAX];
	struct lb_vip_key key;
	__u32 forward;
	struct lb_check check;
};

/**
 * struct lb_backend_info - a backend as it was configured, and its present health
 * @name: its name
 * @weight: share of the new connections; 0: none
 * @drained: 1: no new connections, by command
 * @unhealthy: 1: the health check says that the backend is down
 */
struct lb_backend_info {
	char name[LB_NAME_MAX];
	__u32 weight;
	__u32 drained;
	__u32 unhealthy;
};

/**
 * struct lb_attached - an interface that the program is attached to
 * @ifindex: the interface, 0: the entry is free
 * @is_clsact: 1: attached as a filter of the clsact qdisc; 0: a pinned bpf_link holds it
 * @made_qdisc: 1: we created the clsact qdisc
 * @priority: priority of the filter
 * @handle: handle of the filter
 * @prog_id: id of the program in the filter
 */
struct lb_attached {
	__u32 ifindex;
	__u32 is_clsact;
	__u32 made_qdisc;
	__u32 priority;
	__u32 handle;
	__u32 prog_id;
};

/**
 * struct lb_instance_meta - description of an instance; the one entry of lb_meta
 * @layout: LB_LAYOUT
 * @table_size: slots of a ring
 * @connections: slots of the flow table
 * @mode: the hook, LB_MODE_*
 * @tick_us: length of a tick
 * @pid: process of the control program
 * @keep: 1: when the control program ends, packets are forwarded as before
 * @generation: how often a configuration was applied
 * @own_snat: a bit for each entry of lb_kern_conf.snat that was not configured: it is the
 *	interface's own address, and changes with it
 * @gone_snat: a bit for each entry in @own_snat whose address this host has lost
 * @netns: inode number of the network namespace of the instance
 * @reloads: how often the control program has read its file again
 * @reload_err: result of the last time: 0, or an errno
 * @reload_why: error message of the last time, or empty
 * @reload_hint: hint of that message, or empty
 * @path: configuration file; empty: configured on the command line
 * @at: interfaces that the program is attached to
 * @ifnames: configured names of the interfaces, in the order of lb_kern_conf.iface
 */
struct lb_instance_meta {
	__u32 layout;
	__u32 table_size;
	__u32 connections;
	__u32 mode;
	__u32 tick_us;
	__u32 pid;
	__u32 keep;
	__u32 generation;
	__u32 own_snat;
	__u32 gone_snat;
	__u64 netns;
	__u32 reloads;
	__u32 reload_err;
	char reload_why[LB_MESSAGE_KEPT];
	char reload_hint[LB_MESSAGE_KEPT];
	char path[256];
	struct lb_attached at[LB_IFACES_MAX];
	char ifnames[LB_IFACES_MAX][LB_IFNAME_MAX];
};

#endif /* _XDP_LB_H */
