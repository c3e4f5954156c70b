// SPDX-License-Identifier: GPL-2.0
/* Exercise 4: drop IPv4 echo requests, and nothing else. */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("xdp")
int drop_ping(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	/* TODO: is this IPv4, is that ICMP, and is this an echo request? Then drop it. */
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
