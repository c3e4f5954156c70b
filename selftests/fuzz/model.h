/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference with which the fuzzed programs are compared: a second parser, written from the
 * RFCs. It shares no code with include/pkt_*.bpf.h, so that a mistake there is not repeated
 * here.
 */
#ifndef _SELFTESTS_FUZZ_MODEL_H
#define _SELFTESTS_FUZZ_MODEL_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * enum model_status - kind of a frame
 * @MODEL_BAD: cut short, or its lengths contradict each other, or it has more than two VLAN tags
 *	or six extension headers
 * @MODEL_NOT_IP: not IP
 * @MODEL_IP: IP with complete headers
 */
enum model_status {
	MODEL_BAD,
	MODEL_NOT_IP,
	MODEL_IP,
};

/**
 * enum model_frag - whether a packet is a fragment
 * @MODEL_WHOLE: no fragment
 * @MODEL_FIRST: the first fragment, with the transport header
 * @MODEL_LATER: a later fragment
 */
enum model_frag {
	MODEL_WHOLE,
	MODEL_FIRST,
	MODEL_LATER,
};

/**
 * struct model - a parsed frame
 * @data: bytes of the frame
 * @len: length of the frame
 * @status: enum model_status
 * @type: EtherType behind the tags; 0 if the frame ends before
 * @tagged: there is a tag
 * @family: 4 or 6, if @status is MODEL_IP
 * @proto: protocol of the transport layer
 * @frag: enum model_frag
 * @ip_at: offset of the IP header
 * @l4_at: offset of the transport layer
 * @l4_len: length of the transport layer, from the IP header
 * @src: source address; IPv4 as ::ffff:a.b.c.d
 * @dst: destination address; IPv4 as ::ffff:a.b.c.d
 */
struct model {
	const __u8 *data;
	__u32 len;
	enum model_status status;
	__u16 type;
	bool tagged;
	__u8 family;
	__u8 proto;
	enum model_frag frag;
	__u32 ip_at;
	__u32 l4_at;
	__u32 l4_len;
	__u8 src[16];
	__u8 dst[16];
};

void model_read(struct model *m, const __u8 *data, __u32 len);
bool model_has_l4(const struct model *m, __u32 size);
bool model_has_tcp(const struct model *m);
bool model_is_echo(const struct model *m);
bool model_is_unicast(const struct model *m);
const char *model_check_reply(const struct model *m, const __u8 *out, __u32 out_len);

#endif /* _SELFTESTS_FUZZ_MODEL_H */
