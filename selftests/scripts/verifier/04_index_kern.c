// SPDX-License-Identifier: GPL-2.0
/*
 * The program uses a byte of the packet as the index of an array that is shorter.
 *
 * message: invalid access to map value
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SLOTS	16

/* Like all global variables, this array is in a map. */
__u64 first_bytes[SLOTS];

SEC("xdp")
int slots(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;
	__u32 i;

	if (data + 1 > end)
		return XDP_PASS;
	i = *data;
#ifdef MENDED
	if (i >= SLOTS)
		return XDP_PASS;
#endif
	first_bytes[i]++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
