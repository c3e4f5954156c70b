// SPDX-License-Identifier: GPL-2.0
/*
 * The program writes a read-only field of the context.
 *
 * message: invalid bpf_context access
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define KEPT	64

SEC("tc")
int context(struct __sk_buff *skb)
{
	if (skb->len <= KEPT)
		return TC_ACT_OK;
#ifdef MENDED
	if (bpf_skb_change_tail(skb, KEPT, 0))
		return TC_ACT_SHOT;
#else
	skb->len = KEPT;
#endif
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
