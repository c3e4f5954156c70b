/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Read the addresses of a struct sock in tracing programs. An IPv4 address is stored as the IPv6
 * address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so that one form serves both families.
 *
 * The functions read kernel structs by CO-RE.
 */
#ifndef _SOCK_ADDR_BPF_H
#define _SOCK_ADDR_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "addr4.h"

/* These are macros in the kernel, so BTF and vmlinux.h do not have them. */
enum {
	AF_INET = 2,
	AF_INET6 = 10,
};

/**
 * sock_family() - family of a socket
 * @sk: socket
 *
 * Return: AF_INET, AF_INET6, ...
 */
static __always_inline __u16 sock_family(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_family);
}

/**
 * sock_local() - local address and port; zero until the kernel or bind() has chosen them
 * @sk: socket of IPv4 or IPv6
 * @addr: takes the address
 * @port: takes the port; inet_sport keeps it even after the socket is closed
 */
static __always_inline void sock_local(const struct sock *sk, __be32 addr[4], __be16 *port)
{
	const struct inet_sock *inet = (const void *)sk;

	*port = BPF_CORE_READ(inet, inet_sport);
	if (sock_family(sk) == AF_INET)
		addr_from4(addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_rcv_saddr))
		BPF_CORE_READ_INTO((struct in6_addr *)addr, sk, __sk_common.skc_v6_rcv_saddr);
}

/**
 * sock_remote() - remote address and port
 * @sk: socket of IPv4 or IPv6, in SYN_SENT or later
 * @addr: takes the address; if the caller connects to 0.0.0.0, the kernel has made it 127.0.0.1
 * @port: takes the port
 */
static __always_inline void sock_remote(const struct sock *sk, __be32 addr[4], __be16 *port)
{
	*port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (sock_family(sk) == AF_INET)
		addr_from4(addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		BPF_CORE_READ_INTO((struct in6_addr *)addr, sk, __sk_common.skc_v6_daddr);
}

/**
 * sock_parse_addr() - read a struct sockaddr_in or sockaddr_in6
 * @uaddr: argument of a system call
 * @len: length of the struct; sin6_scope_id may be missing: the kernel accepts that, too (RFC 2133)
 * @user: @uaddr is in user space; else in the kernel
 * @addr: takes the address; unchanged if @len is too short or the family is another one
 * @port: takes the port; unchanged if @addr is
 */
static __always_inline void sock_parse_addr(const void *uaddr, int len, bool user,
					    __be32 addr[4], __be16 *port)
{
	const int len6 = offsetof(struct sockaddr_in6, sin6_scope_id);
	struct sockaddr_in6 v6 = {};
	struct sockaddr_in *v4 = (void *)&v6;
	int size = len >= len6 ? len6 : sizeof(*v4);

	if (len < (int)sizeof(*v4))
		return;
	if (user)
		bpf_probe_read_user(&v6, size, uaddr);
	else
		bpf_probe_read_kernel(&v6, size, uaddr);
	if (v6.sin6_family == AF_INET) {
		addr_from4(addr, v4->sin_addr.s_addr);
		*port = v4->sin_port;
	} else if (v6.sin6_family == AF_INET6 && len >= len6) {
		__builtin_memcpy(addr, &v6.sin6_addr, sizeof(v6.sin6_addr));
		*port = v6.sin6_port;
	}
}

#endif /* _SOCK_ADDR_BPF_H */
