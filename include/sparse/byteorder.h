/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * sparse reads this file before each source file (scripts/Makefile.check); no compiler reads it.
 * htons() and the other macros of libbpf and libc take and return plain integers. With them,
 * sparse would complain about correct code, and would not find where htons() is missing. So this
 * file redefines them with the types __be16 and __be32.
 */
#ifndef _SPARSE_BYTEORDER_H
#define _SPARSE_BYTEORDER_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>

#define bpf_to_be(bits, x)	((__force __be##bits)__builtin_bswap##bits(x))

static inline __u16 bpf_from_be16(__be16 x)
{
	return __builtin_bswap16((__force __u16)x);
}

static inline __u32 bpf_from_be32(__be32 x)
{
	return __builtin_bswap32((__force __u32)x);
}

static inline __u64 bpf_from_be64(__be64 x)
{
	return __builtin_bswap64((__force __u64)x);
}

#undef bpf_htons
#undef bpf_htonl
#undef bpf_cpu_to_be64
#undef bpf_ntohs
#undef bpf_ntohl
#undef bpf_be64_to_cpu
#define bpf_htons(x)		bpf_to_be(16, x)
#define bpf_htonl(x)		bpf_to_be(32, x)
#define bpf_cpu_to_be64(x)	bpf_to_be(64, x)
#define bpf_ntohs(x)		bpf_from_be16(x)
#define bpf_ntohl(x)		bpf_from_be32(x)
#define bpf_be64_to_cpu(x)	bpf_from_be64(x)

#ifndef __bpf__
#include <stdint.h>
#include <sys/socket.h>

/* Declare the addresses and ports in <netinet/in.h> as big-endian: it uses plain integers. */
#define uint16_t __be16
#define uint32_t __be32
#include <netinet/in.h>
#undef uint16_t
#undef uint32_t

#undef htons
#undef htonl
#undef ntohs
#undef ntohl
#define htons(x)		bpf_to_be(16, x)
#define htonl(x)		bpf_to_be(32, x)
#define ntohs(x)		bpf_from_be16(x)
#define ntohl(x)		bpf_from_be32(x)
#endif

#endif /* _SPARSE_BYTEORDER_H */
