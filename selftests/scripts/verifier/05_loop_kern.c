// SPDX-License-Identifier: GPL-2.0
/*
 * The verifier cannot see the end of a loop: it has as many steps as there are
 * zero bytes at the start of the packet.
 *
 * message: The sequence of 8193 jumps is too complex
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define STEPS	64

__u64 zeroes;

SEC("xdp")
int loop(struct xdp_md *ctx)
{
	__u8 *end = (void *)(long)ctx->data_end;
	__u8 *p = (void *)(long)ctx->data;
#ifdef MENDED
	__u32 i;

	for (i = 0; i < STEPS && p + 1 <= end && !*p; i++)
		p++;
#else
	while (p + 1 <= end && !*p)
		p++;
#endif
	zeroes += p - (__u8 *)(long)ctx->data;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
