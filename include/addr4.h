/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * IPv4 addresses in the form of IPv6 addresses, ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). So a
 * map key, a field of an event and a comparison work for both families.
 *
 * For BPF programs, with UAPI headers or with vmlinux.h, and for loaders.
 */
#ifndef _ADDR4_H
#define _ADDR4_H

/* vmlinux.h defines the UAPI types, too, and cannot be included together with UAPI headers. */
#ifndef __VMLINUX_H__
#include <stddef.h>
#include <linux/types.h>
#endif
#ifdef __bpf__
#include <bpf/bpf_helpers.h>
#endif
#include <stdbool.h>
#include <bpf/bpf_endian.h>

/**
 * addr_from4() - convert an IPv4 address to ::ffff:a.b.c.d
 * @to: takes the address, network byte order
 * @addr: IPv4 address, network byte order
 */
static __always_inline void addr_from4(__be32 to[4], __be32 addr)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = addr;
}

/**
 * addr_is4() - whether an address is an IPv4 address
 * @addr: address, network byte order
 *
 * Return: true for ::ffff:a.b.c.d.
 */
static __always_inline bool addr_is4(const __be32 addr[4])
{
	return !addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff);
}

#endif /* _ADDR4_H */
