/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of "xdp_lb check":
 *
 *	check/check.c	the whole check, and backends
 *	check/rows.c	prints findings
 *	check/addr.c	addresses of services, and those that nat sends from
 *	check/share.c	what other instances and nftables use, too
 *	check/iface.c	interfaces, and which mode is the one for them
 *	check/hooks.c	programs that get packets before ours
 */
#ifndef _SAMPLES_XDP_LB_CHECK_H
#define _SAMPLES_XDP_LB_CHECK_H

#include <stdbool.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/user.h"

enum {
	LB_WAYS_MAX = 64,
	LB_ROW_MAX = 512,
};

/**
 * enum lb_status - how bad a finding is
 * @LB_OK: as it should be
 * @LB_WARN: may make packets vanish, or could not be checked
 * @LB_FAIL: makes packets vanish
 */
enum lb_status {
	LB_OK,
	LB_WARN,
	LB_FAIL,
	/* private: how many there are */
	__LB_STATUS_MAX,
};

/**
 * struct lb_way - an interface that backends are behind
 * @ifindex: the interface
 * @replies: replies of these backends come back through the balancer
 */
struct lb_way {
	unsigned int ifindex;
	bool replies;
};

/**
 * struct lb_checker - state of a run of lb_host_check()
 * @conf: configuration that is checked
 * @mode: the hook
 * @json: print rows as JSON
 * @hops: for questions about next hops
 * @nl: socket for other questions
 * @group: heading of the rows that follow
 * @told_group: heading that was printed last
 * @n: number of rows of each status
 * @ways: interfaces that backends are behind
 * @n_ways: number of entries of @ways
 * @has_room: the kernel's table has room for the neighbours
 * @own: addresses that nat sends from if "snat" is not configured
 * @n_own: number of entries of @own
 */
struct lb_checker {
	const struct lb_conf *conf;
	enum lb_mode mode;
	bool json;
	struct lb_nexthops *hops;
	struct sample_netlink nl;
	char group[80];
	char told_group[80];
	unsigned int n[__LB_STATUS_MAX];
	struct lb_way ways[LB_WAYS_MAX];
	unsigned int n_ways;
	bool has_room;
	struct lb_addr own[2];
	unsigned int n_own;
};

__printf(2, 3) void lb_group(struct lb_checker *c, const char *fmt, ...);
__printf(4, 5) void lb_row(struct lb_checker *c, enum lb_status status, const char *name,
			   const char *fmt, ...);
void lb_rows_end(const struct lb_checker *c);
void lb_check_vip_addr(struct lb_checker *c, const struct lb_vip_conf *vip);
void lb_check_sources(struct lb_checker *c);
void lb_check_instances(struct lb_checker *c);
void lb_check_nft(struct lb_checker *c);
void lb_check_iface(struct lb_checker *c, const char *name);
void lb_check_way(struct lb_checker *c, const struct lb_way *way);
void lb_check_mtus(struct lb_checker *c, const struct lb_vip_conf *vip, const char *backend,
		   unsigned int mtu);
void lb_check_hooks(struct lb_checker *c, unsigned int ifindex);
bool lb_is_iface(const struct lb_conf *conf, unsigned int ifindex);

#endif /* _SAMPLES_XDP_LB_CHECK_H */
