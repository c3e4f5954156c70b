// SPDX-License-Identifier: GPL-2.0
/*
 * pktcount: count packets and bytes in XDP, and let all of them pass.
 *
 *	Ethernet, VLAN tags -> class -> IPv4, IPv6 -> protocol
 *		-> count -> --top: source -> --events: ring buffer -> pass
 *
 * All counters of a CPU are one value of a per-CPU map: a packet costs one lookup for them, and
 * no CPU writes memory that another CPU writes.
 */
#include <asm-generic/errno-base.h>
#include <linux/bpf.h>
#include "pkt_parse.bpf.h"
#include "pktcount.h"

const volatile bool top;
const volatile bool events;
const volatile __u32 sample_every = 1;

/* Number of packets so far, on all CPUs together, for --sample. */
__u64 sampled;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pktcount_cpu);
} pktcount_counts SEC(".maps");

/* LRU: if the map is full, the kernel evicts a source that was not seen for long. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct pktcount_source);
	__type(value, struct pktcount_cell);
} pktcount_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} pktcount_events SEC(".maps");

/*
 * What the headers of a packet say. class is enum pktcount_class. protocol is enum
 * pktcount_protocol, and valid if is_ip is set; ip is valid if has_ip is set.
 */
struct packet {
	struct pkt_ip ip;
	__u64 len;
	__be16 ethertype;
	__be16 sport;
	__be16 dport;
	__u8 class;
	__u8 protocol;
	bool vlan;
	bool is_ip;
	bool has_ip;
};

/* TCP, UDP and SCTP (RFC 9260 section 3.1) begin with the ports. */
struct ports {
	__be16 src;
	__be16 dst;
};

enum {
	SCTP_HEADER = 12,
};

static __always_inline __u8 with_ports(struct packet *pkt, const void *hdr, __u8 protocol)
{
	const struct ports *ports = hdr;

	if (!hdr)
		return PKTCOUNT_MALFORMED;
	pkt->sport = ports->src;
	pkt->dport = ports->dst;
	return protocol;
}

/* Protocols that are counted under their name in only one of the two IP versions. */
static __always_inline __u8 family_protocol(struct pkt_cursor *cur, const struct pkt_ip *ip)
{
	if (ip->v4 && ip->proto == IPPROTO_ICMP)
		return pkt_icmp(cur, ip) ? PKTCOUNT_ICMP : PKTCOUNT_MALFORMED;
	if (ip->v6 && ip->proto == IPPROTO_ICMPV6)
		return pkt_icmp6(cur, ip) ? PKTCOUNT_ICMPV6 : PKTCOUNT_MALFORMED;
	if (ip->v4 && ip->proto == IPPROTO_IGMP)
		return PKTCOUNT_IGMP;
	return PKTCOUNT_IP_OTHER;
}

static __always_inline __u8 find_protocol(struct pkt_cursor *cur, struct packet *pkt)
{
	const struct pkt_ip *ip = &pkt->ip;

	if (ip->frag == PKT_FRAG_LATER)
		return PKTCOUNT_FRAGMENT;
	switch (ip->proto) {
	case IPPROTO_TCP:
		return with_ports(pkt, pkt_tcp(cur, ip), PKTCOUNT_TCP);
	case IPPROTO_UDP:
		return with_ports(pkt, pkt_udp(cur, ip), PKTCOUNT_UDP);
	case IPPROTO_SCTP:
		return with_ports(pkt, pkt_transport(cur, ip, SCTP_HEADER), PKTCOUNT_SCTP);
	case IPPROTO_GRE:
		return PKTCOUNT_GRE;
	case IPPROTO_ESP:
		return PKTCOUNT_ESP;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return PKTCOUNT_IPIP;
	default:
		return family_protocol(cur, ip);
	}
}

static __always_inline void find_class(struct pkt_cursor *cur, struct packet *pkt)
{
	struct ethhdr *eth = cur->pos;

	pkt->class = PKTCOUNT_OTHER;
	if ((void *)(eth + 1) > cur->end)
		return;
	pkt->vlan = pkt_is_vlan(eth->h_proto);
	if (!pkt_eth(cur, &pkt->ethertype)) {
		pkt->ethertype = 0;
		return;
	}
	if (pkt->ethertype == bpf_htons(ETH_P_IP))
		pkt->class = PKTCOUNT_IPV4;
	else if (pkt->ethertype == bpf_htons(ETH_P_IPV6))
		pkt->class = PKTCOUNT_IPV6;
	else if (pkt->ethertype == bpf_htons(ETH_P_ARP))
		pkt->class = PKTCOUNT_ARP;
}

static __always_inline void parse(struct pkt_cursor *cur, struct packet *pkt)
{
	enum pkt_status status;

	find_class(cur, pkt);
	if (pkt->class != PKTCOUNT_IPV4 && pkt->class != PKTCOUNT_IPV6)
		return;
	pkt->is_ip = true;
	pkt->protocol = PKTCOUNT_MALFORMED;
	if (pkt->class == PKTCOUNT_IPV4)
		status = pkt_ipv4(cur, &pkt->ip);
	else
		status = pkt_ipv6(cur, &pkt->ip);
	if (status != PKT_OK)
		return;
	pkt->has_ip = true;
	pkt->protocol = find_protocol(cur, pkt);
}

static __always_inline void add(struct pktcount_cell *cell, __u64 len)
{
	cell->packets++;
	cell->bytes += len;
}

/*
 * Check the index even if the compiler knows that it is in bounds: the verifier does not know.
 * The barrier keeps the compiler from removing the check.
 */
static __always_inline void add_to(struct pktcount_cell *cells, __u32 n, __u32 index, __u64 len)
{
	barrier_var(index);
	if (index < n)
		add(&cells[index], len);
}

static __always_inline void count(struct pktcount_cpu *counts, const struct packet *pkt)
{
	add_to(counts->classes, PKTCOUNT_VLAN, pkt->class, pkt->len);
	if (pkt->vlan)
		add(&counts->classes[PKTCOUNT_VLAN], pkt->len);
	if (pkt->is_ip)
		add_to(counts->protocols, __PKTCOUNT_PROTOCOL_MAX, pkt->protocol, pkt->len);
}

/*
 * Add a new source to the map. If another CPU has just added the source (EEXIST), use that entry.
 * counts->sources also counts a source for which the map has no room, because the loader
 * reports the difference to the entries of the map as missing.
 */
static __always_inline struct pktcount_cell *add_source(struct pktcount_cpu *counts,
							const struct pktcount_source *source)
{
	struct pktcount_cell zero = {};
	/* An int, because before Linux 6.4 the upper 32 bits of the result are undefined. */
	int err = bpf_map_update_elem(&pktcount_sources, source, &zero, BPF_NOEXIST);

	if (err != -EEXIST)
		counts->sources++;
	return bpf_map_lookup_elem(&pktcount_sources, source);
}

static __always_inline void count_source(struct pktcount_cpu *counts,
					 const struct packet *pkt)
{
	struct pktcount_source source;
	struct pktcount_cell *cell;

	if (!top || !pkt->has_ip)
		return;
	pkt_saddr(&pkt->ip, source.addr);
	cell = bpf_map_lookup_elem(&pktcount_sources, &source);
	if (!cell)
		cell = add_source(counts, &source);
	if (cell)
		add(cell, pkt->len);
}

static __always_inline bool is_nth(void)
{
	__u64 nth;

	if (sample_every <= 1)
		return true;
	nth = __sync_fetch_and_add(&sampled, 1) + 1;
	return nth % sample_every == 0;
}

static __always_inline void report(struct xdp_md *ctx, struct pktcount_cpu *counts,
				   const struct packet *pkt)
{
	struct pktcount_event ev = {};

	if (!events || !is_nth())
		return;
	ev.ts_ns = bpf_ktime_get_ns();
	ev.ifindex = ctx->ingress_ifindex;
	ev.len = pkt->len;
	ev.ethertype = pkt->ethertype;
	ev.class = pkt->class;
	ev.protocol = pkt->protocol;
	ev.vlan = pkt->vlan;
	if (pkt->has_ip) {
		ev.has_ip = 1;
		ev.ip_proto = pkt->ip.proto;
		ev.sport = pkt->sport;
		ev.dport = pkt->dport;
		pkt_saddr(&pkt->ip, ev.saddr);
		pkt_daddr(&pkt->ip, ev.daddr);
	}
	counts->events++;
	if (bpf_ringbuf_output(&pktcount_events, &ev, sizeof(ev), 0))
		counts->lost++;
}

SEC("xdp.frags")
int pktcount(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	/* In a jumbo frame, data_end is only the end of the first buffer. */
	struct packet pkt = { .len = bpf_xdp_get_buff_len(ctx) };
	struct pktcount_cpu *counts;
	__u32 zero = 0;

	counts = bpf_map_lookup_elem(&pktcount_counts, &zero);
	if (!counts)
		return XDP_PASS;
	cur.left = pkt.len;
	parse(&cur, &pkt);
	count(counts, &pkt);
	count_source(counts, &pkt);
	report(ctx, counts, &pkt);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
