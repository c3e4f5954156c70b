/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What xdp_lb should make of a packet, computed without the program's own headers for
 * packets and checksums: bytes at offsets, written from the RFCs.
 *
 * Checksums are never updated incrementally here. The sum over all bytes that a checksum
 * covers, with the checksum, must be the same before and after the change: 0xffff for a
 * correct packet. This also holds if only a part of these bytes is in the frame (fragments,
 * quoted packets). A wrong packet keeps its wrong sum, and must not become right on the way.
 */
#ifndef _SELFTESTS_XDP_LB_ORACLE_H
#define _SELFTESTS_XDP_LB_ORACLE_H

#include <stdbool.h>
#include <string.h>
#include "pkt_build.h"
#include "xdp_lb.h"

/**
 * struct look - where things are in a packet
 * @l3: offset of the IP header
 * @l4: offset of the transport layer, behind IP options and extension headers
 * @end: offset of the end of the packet by its IP header, at most the end of the frame
 * @l4_len: bytes of the transport layer by the IP header; the frame may have fewer
 * @family: 4, 6
 * @proto: protocol of the transport layer
 * @later: the packet is a fragment, but not the first one
 * @frag: the packet is a fragment
 * @frag_id: identification of a fragment
 */
struct look {
	__u32 l3;
	__u32 l4;
	__u32 end;
	__u32 l4_len;
	__u8 family;
	__u8 proto;
	bool later;
	bool frag;
	__u32 frag_id;
};

static inline __u16 look16(const __u8 *data, __u32 at)
{
	return data[at] << 8 | data[at + 1];
}

static inline void put16(__u8 *data, __u32 at, __u16 value)
{
	data[at] = value >> 8;
	data[at + 1] = value & 0xff;
}

/* Parse an IP packet of either family at offset @at. */
bool look_at_ip(const __u8 *data, __u32 at, __u32 len, struct look *look);

/* Parse a frame; false if it has no whole IP header. */
bool look_at(const __u8 *data, __u32 len, struct look *look);

/* --- fields ------------------------------------------------------------------------- */

static inline __u32 look_saddr_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 12 : 8);
}

static inline __u32 look_daddr_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 16 : 24);
}

static inline __u32 look_ttl_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 8 : 7);
}

struct lb_addr look_addr(const __u8 *data, const struct look *look, __u32 at);

static inline bool same_addr(const struct lb_addr *a, const struct lb_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool look_is4(const struct lb_addr *addr)
{
	return !addr->a[0] && !addr->a[1] && addr->a[2] == htonl(0xffff);
}

/* Bytes of the transport layer that are in the frame. */
__u32 look_l4_there(const struct look *look);

bool look_has_ports(const struct look *look);

/* One's complement sum over the IPv4 header: 0xffff if its checksum is right. */
__u16 look_ip_sum(const __u8 *data, const struct look *look);

/* --- changes ------------------------------------------------------------------------ */

/**
 * struct want - how a packet must change
 * @saddr: new source address; NULL: unchanged
 * @daddr: new destination address; NULL: unchanged
 * @sport: new source port, host byte order; 0: unchanged
 * @dport: new destination port, host byte order; 0: unchanged
 * @ttl: by how much the TTL decreases
 */
struct want {
	const struct lb_addr *saddr;
	const struct lb_addr *daddr;
	__u16 sport;
	__u16 dport;
	__u8 ttl;
};

/* Change an IP packet, and set its checksums so that the sums stay what they were. */
void want_apply(__u8 *data, const struct look *look, const struct want *want);

/*
 * Apply @outer to an ICMP error and @inner to the packet that the error quotes. A quoted TCP
 * checksum stays: it is behind the 8 bytes of the transport layer that an error must quote.
 */
bool want_error(__u8 *data, const struct look *look, const struct want *outer,
		const struct want *inner);

void want_macs(__u8 *data, const __u8 *dmac, const __u8 *smac);

/* --- whole packets ------------------------------------------------------------------- */

/*
 * True if the IP checksum and the transport checksum of a packet are right. Only a whole
 * packet has all that a transport checksum covers: that of a fragment is not looked at.
 */
bool sums_are_right(const __u8 *data, __u32 len);

/* Offset of the first difference between two frames, or -1 if there is none. */
int frame_diff(const __u8 *got, __u32 got_len, const __u8 *want, __u32 want_len);

#endif /* _SELFTESTS_XDP_LB_ORACLE_H */
