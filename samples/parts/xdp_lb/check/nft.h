/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Rules of nftables that give out ports of this host's addresses. */
#ifndef _SAMPLES_XDP_LB_NFT_H
#define _SAMPLES_XDP_LB_NFT_H

#include <stdbool.h>
#include "xdp_lb.h"

enum {
	LB_NFT_TEXT = 80,
};

/**
 * struct lb_nft_rule - a rule of nftables that changes the source of connections
 * @family: family of its table: NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET: both
 * @table: name of its table
 * @chain: name of its chain
 * @masquerade: the new source is the address of the interface that packets leave by
 * @has_addr: not @masquerade: the new source is an address from @first to @last; false: it
 *	is not known which
 * @first: first address
 * @last: last address
 * @min: first port, host byte order
 * @max: last port, host byte order
 */
struct lb_nft_rule {
	unsigned int family;
	const char *table;
	const char *chain;
	bool masquerade;
	bool has_addr;
	struct lb_addr first;
	struct lb_addr last;
	__u16 min;
	__u16 max;
};

/* @rule and its texts are valid during the call. */
typedef void lb_nft_fn(void *ctx, const struct lb_nft_rule *rule);

int lb_nft_rules(lb_nft_fn *fn, void *ctx);
bool lb_nft_shares(const struct lb_nft_rule *rule, const struct lb_ports *ports, bool own);
const char *lb_nft_text(const struct lb_nft_rule *rule, char buf[LB_NFT_TEXT]);
bool lb_iptables_has_nat(int family);

#endif /* _SAMPLES_XDP_LB_NFT_H */
