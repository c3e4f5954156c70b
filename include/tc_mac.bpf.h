/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Restore the Ethernet header of an skb in TC ingress, after generic XDP has hidden it.
 *
 * Generic XDP copies an skb that has too little headroom before it runs a program; every skb from
 * a veth peer has too little. Since Linux 6.9, the copy lacks skb->mac_len, because
 * skb_pp_cow_data() does not set it. TC steps back by mac_len bytes, so that programs see the
 * frame from the Ethernet header on. With mac_len 0, they see the packet from the IP header on.
 */
#ifndef _TC_MAC_BPF_H
#define _TC_MAC_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

/* u16 at a time: clang would emit memcmp(), which BPF lacks. */
static __always_inline bool tc_mac_equal(const __u16 *a, const __u16 *b)
{
	__u16 diff = 0;
	int i;

	for (i = 0; i < ETH_HLEN / 2; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

/**
 * tc_mac_restore() - make the packet begin with its Ethernet header
 * @skb: packet of an interface with Ethernet headers; pointers into it that were taken before are
 *	invalid afterwards
 *
 * A hidden Ethernet header is still in memory in front of the packet. If the packet does not begin
 * with its Ethernet header, put that header back, which also sets skb->mac_len. Otherwise change
 * nothing.
 */
static __always_inline void tc_mac_restore(struct __sk_buff *skb)
{
	__u16 mac[ETH_HLEN / 2], first[ETH_HLEN / 2];

	if (bpf_skb_load_bytes_relative(skb, 0, mac, sizeof(mac), BPF_HDR_START_MAC) ||
	    bpf_skb_load_bytes(skb, 0, first, sizeof(first)))
		return;
	if (tc_mac_equal(mac, first))
		return;
	if (!bpf_skb_change_head(skb, sizeof(mac), 0))
		bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0);
}

#endif /* _TC_MAC_BPF_H */
