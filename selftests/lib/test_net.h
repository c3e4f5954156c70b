/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests that make real connections: a network namespace that has only lo, and socket
 * addresses from text.
 */
#ifndef _SELFTESTS_TEST_NET_H
#define _SELFTESTS_TEST_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/types.h>

/*
 * An address that never answers: test_lone_netns() routes it to lo, and the kernel drops
 * packets to it, because it is no local address.
 */
#define HOLE	"198.51.100.1"

static inline int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		err = -errno;
	ifr.ifr_flags |= IFF_UP;
	if (!err && ioctl(fd, SIOCSIFFLAGS, &ifr))
		err = -errno;
	close(fd);
	return err;
}

/**
 * test_lone_netns() - enter a new network namespace
 *
 * In the namespace lo is up, and HOLE is routed to lo.
 *
 * Return: 0, or a negative errno.
 */
static inline int test_lone_netns(void)
{
	int err;

	if (unshare(CLONE_NEWNET))
		return -errno;
	err = loopback_up();
	if (err)
		return err;
	return system("ip route add " HOLE " dev lo") ? -EIO : 0;
}

/**
 * fill_addr() - fill a socket address from text
 * @to: socket address to fill
 * @addr: IPv4 or IPv6 address as text
 * @port: port, in host byte order
 *
 * Return: the length of the socket address.
 */
static inline socklen_t fill_addr(struct sockaddr_storage *to, const char *addr, __u16 port)
{
	struct sockaddr_in6 *v6 = (void *)to;
	struct sockaddr_in *v4 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, addr, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

#endif /* _SELFTESTS_TEST_NET_H */
