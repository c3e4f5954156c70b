// SPDX-License-Identifier: GPL-2.0
/* answer: there are more events than UDP datagrams */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* ring_user.c has the same struct. */
struct event {
	__be32 saddr;
	__be16 sport;
	__u16 len;	/* of the datagram with its header, host byte order */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void count_lost(void)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&lost, &key);

	if (value)
		(*value)++;
}

SEC("xdp")
int ring(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct udphdr *udp;
	struct event *ev;
	struct iphdr *ip;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->ihl != 5)
		return XDP_PASS;
	udp = (void *)(ip + 1);
	if ((void *)(udp + 1) > data_end || ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;

	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev) {
		count_lost();
		return XDP_PASS;
	}
	ev->saddr = ip->saddr;
	ev->sport = udp->source;
	ev->len = bpf_ntohs(udp->len);
	bpf_ringbuf_submit(ev, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
