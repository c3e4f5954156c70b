// SPDX-License-Identifier: GPL-2.0
/* Exercise 1: let each frame pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* TODO: say here that the function below is an XDP program. */
int pass(struct xdp_md *ctx)
{
	/* TODO: return the verdict that lets the frame pass. */
	return 0;
}

char _license[] SEC("license") = "GPL";
