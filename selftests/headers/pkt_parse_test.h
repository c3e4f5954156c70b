/* SPDX-License-Identifier: GPL-2.0 */
/* What pkt_parse_kern.c and its tests share. */
#ifndef _SELFTESTS_PKT_PARSE_TEST_H
#define _SELFTESTS_PKT_PARSE_TEST_H

#include <linux/bpf.h>

/**
 * struct parsed - what a parser finds; all zero but @status unless that is OK
 * @status: enum pkt_status
 * @version: 4 or 6
 * @proto: of the transport header
 * @frag: enum pkt_frag
 * @len: bytes behind the network layer, as that says
 * @ip_at: where the IP header starts; all places count from the first byte
 * @net_end: where the network layer ends, with options and extension headers
 * @l4: protocol of the transport header that was found, or zero
 * @l4_at: where it starts, or zero
 * @l4_end: where it ends, or zero
 */
struct parsed {
	__u32 status;
	__u32 version;
	__u32 proto;
	__u32 frag;
	__u32 len;
	__u32 ip_at;
	__u32 net_end;
	__u32 l4;
	__u32 l4_at;
	__u32 l4_end;
};

/*
 * Both programs read a packet, keep in result what they found, and add one to runs. whole_len
 * is the length of the frame where its data are only a part of it, else 0.
 */
extern __u32 whole_len;
extern __u32 runs;
extern struct parsed result;
int parse_xdp(struct xdp_md *ctx);
int parse_tc(struct __sk_buff *skb);

#endif /* _SELFTESTS_PKT_PARSE_TEST_H */
