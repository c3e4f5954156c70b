// SPDX-License-Identifier: GPL-2.0
/*
 * For the tests: foreign programs that push or pop a VLAN tag before our programs see the
 * frame. In XDP this moves the start of the frame.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_ID		7
#define TAG_LEN		4

struct tagged {
	__u8 macs[2 * ETH_ALEN];
	__be16 proto;
	__be16 tci;
};

static __always_inline int load(struct xdp_md *ctx, struct tagged *frame)
{
	struct tagged *data = (void *)(long)ctx->data;

	if ((void *)(data + 1) > (void *)(long)ctx->data_end)
		return -1;
	*frame = *data;
	return 0;
}

SEC("xdp.frags")
int push(struct xdp_md *ctx)
{
	struct tagged frame, *data;

	if (load(ctx, &frame) || bpf_xdp_adjust_head(ctx, -TAG_LEN))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	if ((void *)(data + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	frame.proto = bpf_htons(ETH_P_8021Q);
	frame.tci = bpf_htons(VLAN_ID);
	*data = frame;
	return XDP_PASS;
}

SEC("xdp.frags")
int pop(struct xdp_md *ctx)
{
	struct tagged frame;
	void *data;

	if (load(ctx, &frame) || frame.proto != bpf_htons(ETH_P_8021Q))
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, TAG_LEN))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	if (data + sizeof(frame.macs) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(data, frame.macs, sizeof(frame.macs));
	return XDP_PASS;
}

/* Pushes a tag to outgoing packets, in place of a VLAN device on the sender. */
SEC("tc")
int push_out(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN_ID) ? TC_ACT_SHOT :
	       TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
