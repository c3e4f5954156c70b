// SPDX-License-Identifier: GPL-2.0
/*
 * hello: say "Hello ping" for each ICMP packet, and let all packets pass.
 *
 * XDP runs in the driver, before the kernel makes an skb of the frame. This is the
 * earliest place where a program can see an incoming packet; XDP does not see outgoing
 * ones. What the program prints goes to the trace pipe, which hello_user.c reads.
 *
 * The program reads a frame from the outside to the inside. Each header tells which
 * header comes next:
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

/* The VLAN tag of IEEE 802.1Q after the MAC addresses; no UAPI header has this struct. */
struct vlan_tag {
	__be16 vlan;
	__be16 proto;
};

/*
 * Headers are in network byte order. bpf_htons() swaps the constants, at compile time, so that
 * no byte of the packet has to be swapped.
 */
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
	 * its headers, and the program must not read memory behind data_end. So the
	 * verifier refuses a program that reads a byte of the packet without a
	 * comparison like this one before. Remove one, and see what the verifier says!
	 */
	next = eth + 1;
	if (next > data_end)
		return false;
	proto = eth->h_proto;

	/* The limit of 2 is necessary: the verifier must be able to see that a loop ends. */
	for (i = 0; i < 2 && is_vlan(proto); i++) {
		tag = next;
		next = tag + 1;
		if (next > data_end)
			return false;
		proto = tag->proto;
	}

	/*
	 * The IP header names the protocol of the next header. IP options may come
	 * before that header, but this program does not read so far.
	 */
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
 * The section name tells libbpf the program's type. "frags" says that the program can handle
 * frames in more than one buffer (jumbo frames): the headers are in the first buffer, between
 * data and data_end. Without "frags", the kernel refuses to attach the program to an interface
 * with an MTU that needs several buffers.
 */
SEC("xdp.frags")
int hello(struct xdp_md *ctx)
{
	/* struct xdp_md declares both as 32-bit numbers, but the kernel makes them pointers. */
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (is_icmp(data, data_end))
		bpf_printk("Hello ping");

	/* Pass the packet to the stack. Others return XDP_DROP, XDP_TX or XDP_REDIRECT. */
	return XDP_PASS;
}

/* The kernel allows bpf_printk() only to programs with a license compatible with the GPL. */
char _license[] SEC("license") = "GPL";
