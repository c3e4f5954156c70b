// SPDX-License-Identifier: GPL-2.0
/* answer: the SEC(...) above pass is a wrong one */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* It lets each frame pass, but after the kernel has made an skb of the frame. */
SEC("tc")
int pass(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
