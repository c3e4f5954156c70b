// SPDX-License-Identifier: GPL-2.0
/* Convert struct lb_addr to the 4 or 16 bytes of netlink attributes, and back. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <stdbool.h>
#include "addr4.h"
#include "parts/xdp_lb/nexthop/family.h"

/**
 * lb_addr_family() - get the family of an address
 * @addr: the address
 *
 * Return: AF_INET or AF_INET6.
 */
int lb_addr_family(const struct lb_addr *addr)
{
	return addr_is4(addr->a) ? AF_INET : AF_INET6;
}

/**
 * lb_addr_bytes() - get the bytes of an address for a netlink attribute
 * @addr: the address
 * @len: filled: 4 for IPv4, 16 for IPv6
 *
 * Return: the first of @len bytes, which are part of @addr.
 */
const void *lb_addr_bytes(const struct lb_addr *addr, size_t *len)
{
	bool is4 = lb_addr_family(addr) == AF_INET;

	*len = is4 ? sizeof(addr->a[3]) : sizeof(*addr);
	return is4 ? &addr->a[3] : &addr->a[0];
}

/**
 * lb_addr_take() - read an address from a netlink attribute
 * @addr: filled; an IPv4 address becomes ::ffff:a.b.c.d
 * @bytes: payload of the attribute
 * @len: length of @bytes: 4 or 16
 *
 * Return: 0; -EINVAL for another length, and @addr is all zero.
 */
int lb_addr_take(struct lb_addr *addr, const void *bytes, size_t len)
{
	__be32 v4;

	memset(addr, 0, sizeof(*addr));
	if (len == sizeof(v4)) {
		memcpy(&v4, bytes, len);
		addr_from4(addr->a, v4);
		return 0;
	}
	if (len != sizeof(*addr))
		return -EINVAL;
	memcpy(addr, bytes, len);
	return 0;
}
