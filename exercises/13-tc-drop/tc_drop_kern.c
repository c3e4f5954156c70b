// SPDX-License-Identifier: GPL-2.0
/* Exercise 13: drop UDP datagrams to the ports 4000 to 4999, in TC. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("tc")
int tc_drop(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return TC_ACT_UNSPEC;
	/* TODO: drop it if it is an IPv4 UDP datagram to one of the ports 4000 to 4999. */
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
