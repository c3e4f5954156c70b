/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Update an internet checksum for the words that change, instead of computing it anew: RFC 1624
 * equation 3, HC' = ~(~HC + ~m + m').
 *
 * All values are in network byte order, as in the packet. Nothing here swaps bytes: a one's
 * complement sum of words in network byte order has the right bytes on every CPU (RFC 1071
 * section 2 (B)).
 *
 * The header uses no BPF helper and builds on the host too.
 */
#ifndef _PKT_CSUM_BPF_H
#define _PKT_CSUM_BPF_H

#include <linux/types.h>

/**
 * pkt_csum_fold() - fold a sum of 16-bit words into 16 bits
 * @sum: sum of at most 2^16 words
 *
 * Folds twice, because the first fold may carry: 0xffff + 0xffff gives 0x1fffe.
 *
 * Return: the sum in one's complement, not inverted.
 */
static __always_inline __u16 pkt_csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/**
 * pkt_csum_diff2() - add the change of one 16-bit word to a sum
 * @sum: sum so far; start with 0
 * @from: old value of the word
 * @to: new value of the word
 *
 * A sum may have at most 32767 changes: more might overflow in pkt_csum_apply().
 *
 * Return: the new sum, for pkt_csum_apply().
 */
static __always_inline __u32 pkt_csum_diff2(__u32 sum, __be16 from, __be16 to)
{
	return sum + (__u16)~(__u16)from + (__u16)to;
}

/**
 * pkt_csum_diff4() - add the change of a 32-bit word to a sum
 * @sum: sum so far; start with 0
 * @from: old value of the word
 * @to: new value of the word
 *
 * Return: the new sum, for pkt_csum_apply().
 */
static __always_inline __u32 pkt_csum_diff4(__u32 sum, __be32 from, __be32 to)
{
	sum = pkt_csum_diff2(sum, (__be16)((__u32)from >> 16), (__be16)((__u32)to >> 16));
	return pkt_csum_diff2(sum, (__be16)(__u32)from, (__be16)(__u32)to);
}

/**
 * pkt_csum_diff16() - add the change of an IPv6 address to a sum
 * @sum: sum so far; start with 0
 * @from: old address
 * @to: new address
 *
 * Return: the new sum, for pkt_csum_apply().
 */
static __always_inline __u32 pkt_csum_diff16(__u32 sum, const __be32 from[4],
					     const __be32 to[4])
{
	sum = pkt_csum_diff4(sum, from[0], to[0]);
	sum = pkt_csum_diff4(sum, from[1], to[1]);
	sum = pkt_csum_diff4(sum, from[2], to[2]);
	return pkt_csum_diff4(sum, from[3], to[3]);
}

/**
 * pkt_csum_apply() - update the checksum of an IPv4, ICMP or TCP header
 * @check: checksum in the header
 * @diff: sum of the changes of the words that the checksum covers
 */
static __always_inline void pkt_csum_apply(__sum16 *check, __u32 diff)
{
	__u32 sum = (__u16)~(__u16)*check;

	/* No overflow: 32767 changes add at most 0xfffe0001. */
	*check = (__sum16)~pkt_csum_fold(sum + diff);
}

/**
 * pkt_csum_apply_udp() - update the checksum of a UDP header
 * @check: checksum in the header
 * @diff: sum of the changes of the words that the checksum covers
 *
 * A checksum of zero means that the sender computed none (RFC 768): zero stays zero. If the
 * updated checksum is zero, write 0xffff instead.
 */
static __always_inline void pkt_csum_apply_udp(__sum16 *check, __u32 diff)
{
	if (!*check)
		return;
	pkt_csum_apply(check, diff);
	if (!*check)
		*check = (__sum16)0xffff;
}

#endif /* _PKT_CSUM_BPF_H */
