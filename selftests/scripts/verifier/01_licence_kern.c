// SPDX-License-Identifier: GPL-2.0
/*
 * A program without a licence calls a helper that is only for GPL programs.
 *
 * message: cannot call GPL-restricted function from non-GPL compatible program
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int licence(struct xdp_md *ctx)
{
	bpf_printk("a frame came in");
	return XDP_PASS;
}

#ifdef MENDED
char _license[] SEC("license") = "GPL";
#endif
