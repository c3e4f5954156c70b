/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests that make real connections: a network namespace that has only lo, and socket
 * addresses from text.
 */
#ifndef _SELFTESTS_TEST_NET_H
#define _SELFTESTS_TEST_NET_H

#include <sys/socket.h>
#include <linux/types.h>

/*
 * An address that never answers: test_lone_netns() routes it to lo, and the kernel drops
 * packets to it, because it is no local address.
 */
#define HOLE	"198.51.100.1"

/**
 * test_lone_netns() - enter a new network namespace
 *
 * In the namespace lo is up, and HOLE is routed to lo.
 *
 * Return: 0, or a negative errno.
 */
int test_lone_netns(void);

/**
 * fill_addr() - fill a socket address from text
 * @to: socket address to fill
 * @addr: IPv4 or IPv6 address as text
 * @port: port, in host byte order
 *
 * Return: the length of the socket address.
 */
socklen_t fill_addr(struct sockaddr_storage *to, const char *addr, __u16 port);

#endif /* _SELFTESTS_TEST_NET_H */
