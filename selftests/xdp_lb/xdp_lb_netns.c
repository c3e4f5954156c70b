// SPDX-License-Identifier: GPL-2.0
/* Network namespaces for tests of the control program: see xdp_lb_netns.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "xdp_lb_netns.h"

enum {
	/* Room for a small script. */
	COMMAND_MAX = 1024,
};

int write_file(const char *path, const char *text)
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
static int make_netns(void)
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

int sh(const char *fmt, ...)
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

int add_nft(const char *family, const char *hook, const char *rule)
{
	return sh("nft 'add table %s t'; nft 'add chain %s t c { type nat hook %s priority 0; }';"
		  "nft 'add rule %s t c %s'", family, family, hook, family, rule);
}

bool has_nft(void)
{
	return !sh("nft --version") && !add_nft("ip", "postrouting", "masquerade") &&
	       !sh("nft flush ruleset");
}

int in_peer(const struct netns *ns, const char *fmt, ...)
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

pid_t netns_hold_peer(const struct netns *ns)
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

struct lb_addr addr_of(const char *text)
{
	struct lb_addr addr = {};

	if (inet_pton(AF_INET, text, &addr.a[3]) == 1)
		addr.a[2] = htonl(0xffff);
	else
		inet_pton(AF_INET6, text, &addr);
	return addr;
}

int netns_setup(struct netns *ns)
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
