/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the control program of xdp_lb: two network namespaces of the test's
 * own, joined by two veth pairs n0 - p0 and n1 - p1. Commands run in the first;
 * the second has the neighbours that answer. Include test_harness.h first.
 */
#ifndef _SELFTESTS_XDP_LB_NETNS_H
#define _SELFTESTS_XDP_LB_NETNS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "test_messages.h"
#include "xdp_lb.h"

enum {
	/* Room for a small script. */
	COMMAND_MAX = 1024,
};

/**
 * struct netns - the two namespaces
 * @own: file descriptor of the namespace that the test runs in
 * @peer: file descriptor of the other namespace
 */
struct netns {
	int own;
	int peer;
};

/* --- namespaces --------------------------------------------------------------- */

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ok;

	if (fd < 0)
		return -errno;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok ? 0 : -EIO;
}

/*
 * Enter a new namespace and return its file descriptor. IPv6 addresses, also link-local ones,
 * are usable at once, and the kernel announces changes of a MAC address to its neighbours.
 */
static inline int make_netns(void)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		return -1;
	write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	write_file("/proc/sys/net/ipv6/conf/default/dad_transmits", "0");
	write_file("/proc/sys/net/ipv6/conf/default/ndisc_notify", "1");
	write_file("/proc/sys/net/ipv4/conf/default/arp_notify", "1");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd;
}

/* Run a shell script, which ends at the first command that fails. */
__printf(1, 2) static int sh(const char *fmt, ...)
{
	char command[COMMAND_MAX] = "set -e; ";
	size_t len = strlen(command);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	fflush(stdout);
	return system(command);
}

/* Add an nftables NAT rule in a chain of its own: chain c of table t, at this hook. */
static inline int add_nft(const char *family, const char *hook, const char *rule)
{
	return sh("nft 'add table %s t'; nft 'add chain %s t c { type nat hook %s priority 0; }';"
		  "nft 'add rule %s t c %s'", family, family, hook, family, rule);
}

/* True if nft is installed and the kernel supports the NAT rules of the tests. */
static inline bool has_nft(void)
{
	return !sh("nft --version") && !add_nft("ip", "postrouting", "masquerade") &&
	       !sh("nft flush ruleset");
}

/* Run a shell script in the peer's namespace. */
__printf(2, 3) static int in_peer(const struct netns *ns, const char *fmt, ...)
{
	char command[COMMAND_MAX];
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (setns(ns->peer, CLONE_NEWNET))
		return -1;
	err = sh("%s", command);
	return setns(ns->own, CLONE_NEWNET) ? -1 : err;
}

/* Start a process in the peer's namespace: its pid names that namespace. -1 on failure. */
static inline pid_t netns_hold_peer(const struct netns *ns)
{
	int pipes[2];
	char byte;
	pid_t pid;

	if (pipe(pipes))
		return -1;
	pid = fork();
	if (!pid) {
		setns(ns->peer, CLONE_NEWNET);
		if (write(pipes[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	return read(pipes[0], &byte, 1) == 1 ? pid : -1;
}

static struct lb_addr addr_of(const char *text)
{
	struct lb_addr addr = {};

	if (inet_pton(AF_INET, text, &addr.a[3]) == 1)
		addr.a[2] = htonl(0xffff);
	else
		inet_pton(AF_INET6, text, &addr);
	return addr;
}

/* Even with nodad, a kernel worker adds the local route of an IPv6 address a moment later. */
#define WAIT_LOCAL6(addr) \
	"until ip -6 route show table local " addr " | grep -q .; do sleep 0.01; done;"

/* nI has 10.0.I.1, fd00:I::1 and 02:00:00:00:0I:01; on pI, each of them ends in 2. */
static inline int netns_setup(struct netns *ns)
{
	char peer[32];
	int i, err;

	ns->peer = make_netns();
	ns->own = make_netns();
	if (ns->peer < 0 || ns->own < 0)
		return -1;
	snprintf(peer, sizeof(peer), "/proc/%d/fd/%d", getpid(), ns->peer);
	err = sh("ip link set lo up; ip link add n0 type veth peer name p0 netns %s;"
		 "ip link add n1 type veth peer name p1 netns %s", peer, peer);
	for (i = 0; i < 2 && !err; i++) {
		err = sh("ip link set n%d address 02:00:00:00:0%d:01 up;"
			 "ip addr add 10.0.%d.1/24 dev n%d;"
			 "ip addr add fd00:%d::1/64 dev n%d nodad", i, i, i, i, i, i);
		if (err)
			break;
		err = in_peer(ns, "ip link set lo up;"
			      "ip link set p%d address 02:00:00:00:0%d:02 up;"
			      "ip addr add 10.0.%d.2/24 dev p%d;"
			      "ip addr add fd00:%d::2/64 dev p%d nodad;"
			      WAIT_LOCAL6("fd00:%d::2"), i, i, i, i, i, i, i) ?:
		      sh(WAIT_LOCAL6("fd00:%d::1"), i);
	}
	return err;
}

#endif /* _SELFTESTS_XDP_LB_NETNS_H */
