// SPDX-License-Identifier: GPL-2.0
/* answer: a segment from another backend than the connection's: byte */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "pkt_csum.bpf.h"

/* One service, and @n backends on the same port. The check fills both maps. */
struct service {
	__be32 addr;
	__be16 port;
	__u16 n;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct service);
} service SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __be32);
} backends SEC(".maps");

/* @zero: the key of a map has no bytes that are not written. */
struct client {
	__be32 addr;
	__be16 port;
	__u16 zero;
};

/* Which backend each client is connected to. The oldest make room for new ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct client);
	__type(value, __be32);
} connections SEC(".maps");

/* The backend for a new connection: the same as long as the backends are the same. */
static __always_inline __be32 *choose(const struct service *to, const struct client *client)
{
	__u64 hash = ((__u64)client->addr << 16 | client->port) * 0x9e3779b97f4a7c15ULL;
	__u32 i = (hash >> 32) % to->n;

	return bpf_map_lookup_elem(&backends, &i);
}

/* Both checksums cover the addresses. */
static __always_inline void rewrite(struct iphdr *ip, struct tcphdr *tcp, __be32 *addr, __be32 to)
{
	__u32 diff = pkt_csum_diff4(0, *addr, to);

	pkt_csum_apply(&ip->check, diff);
	pkt_csum_apply(&tcp->check, diff);
	*addr = to;
}

static __always_inline void to_backend(const struct service *to, struct iphdr *ip,
				       struct tcphdr *tcp)
{
	struct client client = { .addr = ip->saddr, .port = tcp->source };
	__be32 *backend;

	if (tcp->syn) {
		backend = choose(to, &client);
		if (backend)
			bpf_map_update_elem(&connections, &client, backend, BPF_ANY);
	} else {
		backend = bpf_map_lookup_elem(&connections, &client);
	}
	if (backend)
		rewrite(ip, tcp, &ip->daddr, *backend);
}

static __always_inline void to_client(const struct service *from, struct iphdr *ip,
				      struct tcphdr *tcp)
{
	struct client client = { .addr = ip->daddr, .port = tcp->dest };
	__be32 *backend = bpf_map_lookup_elem(&connections, &client);

	if (backend)
		rewrite(ip, tcp, &ip->saddr, from->addr);
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct service *ours;
	struct ethhdr *eth = data;
	struct tcphdr *tcp;
	struct iphdr *ip;
	__u32 zero = 0;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_TCP || ip->ihl != 5)
		return XDP_PASS;
	if (ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	tcp = (void *)(ip + 1);
	ours = bpf_map_lookup_elem(&service, &zero);
	if ((void *)(tcp + 1) > data_end || !ours || !ours->n)
		return XDP_PASS;

	if (ip->daddr == ours->addr && tcp->dest == ours->port)
		to_backend(ours, ip, tcp);
	else if (tcp->source == ours->port)
		to_client(ours, ip, tcp);
	/* The stack of this host forwards the packet to where it goes now. */
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
