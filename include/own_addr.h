/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Key and value of a hash map with the addresses of interfaces. The loader keeps the map up to
 * date (samples/lib/addrs.c), and the BPF program looks addresses up.
 */
#ifndef _OWN_ADDR_H
#define _OWN_ADDR_H

#include <linux/types.h>

enum {
	/* Size of the map, for all interfaces together. */
	OWN_ADDR_MAX = 4096,
};

/**
 * struct own_addr - key of the map
 * @ifindex: interface
 * @addr: address; an IPv4 address as ::ffff:a.b.c.d
 */
struct own_addr {
	__u32 ifindex;
	__be32 addr[4];
};

/**
 * enum own_addr_kind - value of the map, a __u32
 * @OWN_ADDR_UNICAST: an address of the interface
 * @OWN_ADDR_BROADCAST: the broadcast address of one of its IPv4 networks, and not an address of
 *	the interface
 */
enum own_addr_kind {
	OWN_ADDR_UNICAST = 1,
	OWN_ADDR_BROADCAST = 2,
};

#endif /* _OWN_ADDR_H */
