// SPDX-License-Identifier: GPL-2.0
/*
 * hello: say "Hello ping" for each ICMP packet, and let all packets pass.
 *
 * XDP runs in the driver, before the kernel makes an skb of the frame: the
 * earliest place to see a packet, and only on its way in. What the program
 * prints goes to the trace pipe, which hello_user.c shows.
 *
 * A frame is read from the outside to the inside. Each header tells what
 * comes next:
 *
 *	Ethernet, at most two VLAN tags -> IPv4 or IPv6 -> ICMP or ICMPv6
 *
 * Between IPv6 and ICMPv6 there may be extension headers. This program does
 * not look through them; ping_kern.c does, by include/pkt_cursor.bpf.h.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* What IEEE 802.1Q puts behind the MAC addresses; no UAPI header has it. */
struct vlan_tag {
	__be16 vlan;
	__be16 proto;
};

/* Packets are in network byte order: the constant is swapped, at compile time. */
static __always_inline bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool is_icmp(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct vlan_tag *tag;
	struct ipv6hdr *ip6h;
	struct iphdr *iph;
	void *next;
	__be16 proto;
	int i;

	/*
	 * "eth + 1" is the first byte behind the header. A frame may be shorter than
	 * its headers, and what lies behind data_end is not ours to read. So the
	 * verifier refuses to load a program that reads a byte of the packet without
	 * a comparison like this one in front of it. Leave one out and see!
	 */
	next = eth + 1;
	if (next > data_end)
		return false;
	proto = eth->h_proto;

	/* The verifier walks through each round: it must see that a loop ends. */
	for (i = 0; i < 2 && is_vlan(proto); i++) {
		tag = next;
		next = tag + 1;
		if (next > data_end)
			return false;
		proto = tag->proto;
	}

	/* The header tells the protocol behind it. IP options may stand between them. */
	if (proto == bpf_htons(ETH_P_IP)) {
		iph = next;
		if ((void *)(iph + 1) > data_end)
			return false;
		return iph->protocol == IPPROTO_ICMP;
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		ip6h = next;
		if ((void *)(ip6h + 1) > data_end)
			return false;
		return ip6h->nexthdr == IPPROTO_ICMPV6;
	}
	return false;
}

/*
 * The section tells libbpf the program's type. "frags": frames that take more than
 * one buffer (jumbo frames) are welcome, too; data to data_end is the first buffer,
 * where the headers are. Without it the kernel refuses to attach to an interface
 * with such frames.
 */
SEC("xdp.frags")
int hello(struct xdp_md *ctx)
{
	/* Declared as 32-bit numbers; in the kernel both are pointers. */
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (is_icmp(data, data_end))
		bpf_printk("Hello ping");

	/* On to the kernel's stack. The others: XDP_DROP, XDP_TX, XDP_REDIRECT. */
	return XDP_PASS;
}

/* The kernel lends bpf_printk() to programs under the GPL only. */
char _license[] SEC("license") = "GPL";
