/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What tcpconnect reads from a socket: addresses, ports, network namespace and TCP state. */
#ifndef _SAMPLES_TCPCONNECT_SOCK_BPF_H
#define _SAMPLES_TCPCONNECT_SOCK_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "addr4.h"
#include "sock_addr.bpf.h"
#include "tcpconnect.h"

/* These are macros in the kernel, so BTF and vmlinux.h do not have them. */
enum {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
};

/*
 * Read the local address and port, as far as the kernel has chosen them. The remote address in
 * @ev is set already and tells the family.
 */
static __always_inline void get_local(struct tcpconnect_event *ev, const struct sock *sk)
{
	sock_local(sk, ev->saddr, &ev->sport);
	ev->family = addr_is4(ev->daddr) ? 4 : 6;
	/* An IPv6 socket that connects to ::ffff:a.b.c.d may have :: as the local address. */
	if (ev->family == 4 && !addr_is4(ev->saddr))
		addr_from4(ev->saddr, 0);
}

/* True while the handshake of connect() is under way. */
static __always_inline bool is_opening(int state)
{
	return state == TCP_SYN_SENT || state == TCP_SYN_RECV;
}

/*
 * False if @sk is not the socket of the attempt, because the kernel has reused its memory for
 * another one. The local address cannot be compared: the kernel may choose or change it after
 * SYN_SENT.
 */
static __always_inline bool is_its_socket(const struct sock *sk,
					  const struct tcpconnect_event *ev)
{
	__be32 daddr[4] = {};
	__be16 dport;

	if (BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != ev->netns)
		return false;
	sock_remote(sk, daddr, &dport);
	return dport == ev->dport && daddr[0] == ev->daddr[0] && daddr[1] == ev->daddr[1] &&
	       daddr[2] == ev->daddr[2] && daddr[3] == ev->daddr[3];
}

/* The struct sock of a file descriptor; NULL unless connect() on it begins a TCP attempt. */
static __always_inline const struct sock *sock_of_fd(unsigned int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **slot, *file = NULL;
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	slot = BPF_CORE_READ(fdt, fd) + fd;
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	family = sock_family(sk);
	if ((family != AF_INET && family != AF_INET6) ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return NULL;
	/* In any other state, connect() fails with EISCONN or EALREADY: no new attempt. */
	if (BPF_CORE_READ(socket, state) != SS_UNCONNECTED ||
	    BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		return NULL;
	return sk;
}

#endif /* _SAMPLES_TCPCONNECT_SOCK_BPF_H */
