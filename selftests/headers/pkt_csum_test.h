/* SPDX-License-Identifier: GPL-2.0 */
/* What pkt_csum_kern.c and pkt_csum_test.c share. */
#ifndef _SELFTESTS_PKT_CSUM_TEST_H
#define _SELFTESTS_PKT_CSUM_TEST_H

#include <linux/bpf.h>

#define CHANGES_MAX 8

/**
 * struct change - a change of a message
 * @bytes: how many: 2, 4 or 16, the latter two in whole words
 * @from: what was there
 * @to: what is there now
 */
struct change {
	__u32 bytes;
	__be32 from[4];
	__be32 to[4];
};

/**
 * struct update - changes of a message, one after the other, for its checksum
 * @n: number of changes
 * @udp: it is a checksum of UDP
 * @check: the checksum
 * @change: the changes
 */
struct update {
	__u32 n;
	__u32 udp;
	__sum16 check;
	struct change change[CHANGES_MAX];
};

/* csum_numbers() updates sum_args.check. */
extern struct update sum_args;
int csum_numbers(struct xdp_md *ctx);

/* csum_rewrite() puts these into packets; IPv4 uses the first word of an address. */
extern __be32 new_saddr[4];
extern __be32 new_daddr[4];
extern __be16 new_sport;
extern __be16 new_dport;
int csum_rewrite(struct xdp_md *ctx);

#endif /* _SELFTESTS_PKT_CSUM_TEST_H */
