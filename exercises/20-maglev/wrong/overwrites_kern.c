// SPDX-License-Identifier: GPL-2.0
/* answer: of the table has  */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "pkt_csum.bpf.h"

/* Slots of the table: a prime number, so that any step meets all slots. */
#define SIZE 65537

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

/* @next: the slot for which the backend asks next, while the table is filled */
struct backend {
	__be32 addr;
	__u32 next;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* @round: number of the filling in which the slot was given away */
struct slot {
	__be32 backend;
	__u32 round;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZE);
	__type(key, __u32);
	__type(value, struct slot);
} table SEC(".maps");

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

static __always_inline __u32 hash(__u64 value)
{
	value *= 0x9e3779b97f4a7c15ULL;
	value = (value ^ value >> 32) * 0xbf58476d1ce4e5b9ULL;
	return value >> 32;
}

/* --- the table ------------------------------------------------------------------------ */

/**
 * struct filling - the table while it is being filled
 * @round: number of this filling
 * @turn: index of the backend whose turn it is
 * @n: number of backends
 * @taken: number of slots that have been given away
 */
struct filling {
	__u32 round;
	__u32 turn;
	__u32 n;
	__u32 taken;
} filling;

/* The first slot that each backend asks for. */
static long start(__u32 i, void *unused)
{
	struct backend *backend = bpf_map_lookup_elem(&backends, &i);

	if (!backend)
		return 1;
	backend->next = hash(backend->addr) % SIZE;
	return 0;
}

/* How far it is from a slot that the backend asks for to the next one. */
static __always_inline __u32 step(__be32 addr)
{
	return 1 + hash(addr | 1ULL << 32) % (SIZE - 1);
}

/* One backend asks for one slot. Return 1 at the end. */
static long ask(__u32 i, void *unused)
{
	struct backend *backend = bpf_map_lookup_elem(&backends, &filling.turn);
	struct slot *slot;

	if (!backend)
		return 1;
	slot = bpf_map_lookup_elem(&table, &backend->next);
	if (!slot)
		return 1;
	backend->next = (backend->next + step(backend->addr)) % SIZE;
	slot->backend = backend->addr;
	slot->round = filling.round;
	filling.turn = (filling.turn + 1) % filling.n;
	return ++filling.taken == SIZE;
}

/*
 * Fill the table, after the list of backends has changed. A slot keeps its old backend until
 * another one takes it, so that new connections are served meanwhile.
 */
SEC("syscall")
int fill(void *ctx)
{
	struct service *ours;
	__u32 zero = 0;

	ours = bpf_map_lookup_elem(&service, &zero);
	if (!ours)
		return 1;
	filling.n = ours->n;
	filling.turn = 0;
	filling.taken = 0;
	filling.round++;
	bpf_loop(ours->n, start, NULL, 0);
	bpf_loop(1 << 22, ask, NULL, 0);
	return filling.taken != SIZE;
}

/* The backend for a new connection. */
static __always_inline __be32 *choose(const struct client *client)
{
	__u32 i = hash((__u64)client->addr << 16 | client->port) % SIZE;
	struct slot *slot = bpf_map_lookup_elem(&table, &i);

	return slot && slot->backend ? &slot->backend : NULL;
}

/* --- packets, as in exercise 19 ---------------------------------------------------------- */

/* Both checksums cover the addresses. */
static __always_inline void rewrite(struct iphdr *ip, struct tcphdr *tcp, __be32 *addr, __be32 to)
{
	__u32 diff = pkt_csum_diff4(0, *addr, to);

	pkt_csum_apply(&ip->check, diff);
	pkt_csum_apply(&tcp->check, diff);
	*addr = to;
}

static __always_inline void to_backend(struct iphdr *ip, struct tcphdr *tcp)
{
	struct client client = { .addr = ip->saddr, .port = tcp->source };
	__be32 *backend;

	if (tcp->syn) {
		backend = choose(&client);
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

	if (backend && *backend == ip->saddr)
		rewrite(ip, tcp, &ip->saddr, from->addr);
}

SEC("xdp")
int maglev(struct xdp_md *ctx)
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
	if ((void *)(tcp + 1) > data_end || !ours)
		return XDP_PASS;

	if (ip->daddr == ours->addr && tcp->dest == ours->port)
		to_backend(ip, tcp);
	else if (tcp->source == ours->port)
		to_client(ours, ip, tcp);
	/* The stack of this host forwards the packet to where it goes now. */
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
