// SPDX-License-Identifier: GPL-2.0
/* answer: a UDP datagram without a checksum: byte 40 (UDP) is */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* 192.0.2.1 */
#define NEW_DEST bpf_htonl(0xc0000201)

/* RFC 1624, equation 3, HC' = ~(~HC + ~m + m'), for the two words of an address. */
static __always_inline __u16 update(__u16 check, __u32 from, __u32 to)
{
	__u32 sum = (__u16)~check;

	sum += (__u16)~(from >> 16) + (__u16)~from;
	sum += (to >> 16) + (to & 0xffff);
	/* Add the carries, twice: the first time may give another carry. */
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void update_udp(struct udphdr *udp, __u32 from, __u32 to)
{
	/* Zero means that there is no checksum; one that becomes zero is sent as 0xffff. */
	udp->check = update(udp->check, from, to) ?: 0xffff;
}

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip;
	struct tcphdr *tcp;
	struct udphdr *udp;
	__u32 from, to = NEW_DEST;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->ihl != 5)
		return XDP_PASS;

	from = ip->daddr;
	ip->daddr = to;
	ip->check = update(ip->check, from, to);
	/* A later fragment has no transport header. */
	if (ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	tcp = (void *)(ip + 1);
	udp = (void *)(ip + 1);
	if (ip->protocol == IPPROTO_TCP && (void *)(tcp + 1) <= data_end)
		tcp->check = update(tcp->check, from, to);
	else if (ip->protocol == IPPROTO_UDP && (void *)(udp + 1) <= data_end)
		update_udp(udp, from, to);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
