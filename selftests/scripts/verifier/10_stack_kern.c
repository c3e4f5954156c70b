// SPDX-License-Identifier: GPL-2.0
/*
 * Two functions each have a buffer that fits on the stack. Together the two
 * buffers do not fit.
 *
 * message: combined stack size of 2 calls is
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef MENDED
#define WINDOW	128
#else
#define WINDOW	320
#endif

/* Returns the last byte of the window at @offset, or -1. */
static __noinline int last_byte(struct xdp_md *ctx, __u32 offset)
{
	__u8 window[WINDOW];

	if (bpf_xdp_load_bytes(ctx, offset, window, sizeof(window)))
		return -1;
	return window[WINDOW - 1];
}

SEC("xdp")
int stack(struct xdp_md *ctx)
{
	__u8 window[WINDOW];

	if (bpf_xdp_load_bytes(ctx, 0, window, sizeof(window)))
		return XDP_PASS;
	return window[WINDOW - 1] == last_byte(ctx, WINDOW) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
