/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second parser, with which the tests compare include/pkt_parse.bpf.h. It reads bytes at offsets,
 * as the RFCs give them.
 */
#ifndef _SELFTESTS_PKT_PARSE_REF_H
#define _SELFTESTS_PKT_PARSE_REF_H

#include <linux/types.h>
#include "pkt_parse_test.h"

/* As in pkt_parse.bpf.h, which is for BPF programs only. */
enum { OK, NOT_IP, BAD };
enum { FRAG_NONE, FRAG_FIRST, FRAG_LATER };

#define EXT_MAX 6

/* What include/pkt_parse.bpf.h should find in the frame of @n bytes at @p. */
void ref_parse(const __u8 *p, __u32 n, struct parsed *r);

#endif /* _SELFTESTS_PKT_PARSE_REF_H */
