// SPDX-License-Identifier: GPL-2.0
/*
 * The program reserves space in a ring buffer. On one path it returns without
 * submitting or discarding this space.
 *
 * message: Unreleased reference
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int reference(struct xdp_md *ctx)
{
	__u32 len = ctx->data_end - ctx->data;
	__u32 *event;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return XDP_PASS;
	if (len < 64) {
#ifdef MENDED
		bpf_ringbuf_discard(event, 0);
#endif
		return XDP_PASS;
	}
	*event = len;
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
