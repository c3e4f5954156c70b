/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the control program of xdp_lb: two network namespaces of the test's
 * own, joined by two veth pairs n0 - p0 and n1 - p1. Commands run in the first;
 * the second has the neighbours that answer.
 */
#ifndef _SELFTESTS_XDP_LB_NETNS_H
#define _SELFTESTS_XDP_LB_NETNS_H

#include <stdbool.h>
#include <sys/types.h>
#include "test_messages.h"
#include "xdp_lb.h"

/**
 * struct netns - the two namespaces
 * @own: file descriptor of the namespace that the test runs in
 * @peer: file descriptor of the other namespace
 */
struct netns {
	int own;
	int peer;
};

/* Write to a file of /proc/sys. Returns 0 or a negative errno. */
int write_file(const char *path, const char *text);

/* Run a shell script, which ends at the first command that fails. */
__printf(1, 2) int sh(const char *fmt, ...);

/* Add an nftables NAT rule in a chain of its own: chain c of table t, at this hook. */
int add_nft(const char *family, const char *hook, const char *rule);

/* True if nft is installed and the kernel supports the NAT rules of the tests. */
bool has_nft(void);

/* Run a shell script in the peer's namespace. */
__printf(2, 3) int in_peer(const struct netns *ns, const char *fmt, ...);

/* Start a process in the peer's namespace: its pid names that namespace. -1 on failure. */
pid_t netns_hold_peer(const struct netns *ns);

struct lb_addr addr_of(const char *text);

/* Even with nodad, a kernel worker adds the local route of an IPv6 address a moment later. */
#define WAIT_LOCAL6(addr) \
	"until ip -6 route show table local " addr " | grep -q .; do sleep 0.01; done;"

/* nI has 10.0.I.1, fd00:I::1 and 02:00:00:00:0I:01; on pI, each of them ends in 2. */
int netns_setup(struct netns *ns);

#endif /* _SELFTESTS_XDP_LB_NETNS_H */
