/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What tcpconnect_kern.c and its loaders share. */
#ifndef _SAMPLES_TCPCONNECT_H
#define _SAMPLES_TCPCONNECT_H

/* vmlinux.h has these types too, and does not go along with UAPI headers. */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	TCPCONNECT_COMM_LEN = 16,
	TCPCONNECT_PORTS_MAX = 64,
};

/**
 * enum tcpconnect_backend - how the kernel is watched, in the order of trying
 * @TCPCONNECT_KPROBE: kprobe and kretprobe on tcp_v4_connect(), tcp_v6_connect()
 * @TCPCONNECT_FENTRY: fentry and fexit programs on the same
 * @TCPCONNECT_TRACEPOINT: tracepoint sock:inet_sock_set_state, CLOSE to SYN_SENT;
 *	sys_enter and sys_exit for what fails before that
 * @__TCPCONNECT_BACKEND_MAX: number of back ends
 */
enum tcpconnect_backend {
	TCPCONNECT_KPROBE,
	TCPCONNECT_FENTRY,
	TCPCONNECT_TRACEPOINT,
	__TCPCONNECT_BACKEND_MAX,
};

/**
 * enum tcpconnect_count - what became of an attempt, and what was lost
 * @TCPCONNECT_FILTERED: the filter left it out
 * @TCPCONNECT_OK: established
 * @TCPCONNECT_FAILED: failed, at once or later
 * @TCPCONNECT_UNTRACKED: not followed, for want of room in the map of attempts
 * @TCPCONNECT_UNSEEN: followed, but its end was not seen: its result is not known
 * @TCPCONNECT_LOST: results that found the ring buffer full, which are counted
 *	as TCPCONNECT_OK or TCPCONNECT_FAILED too
 * @TCPCONNECT_NO_ROW: results that found the count table full, likewise
 * @__TCPCONNECT_COUNT_MAX: number of counters
 */
enum tcpconnect_count {
	TCPCONNECT_FILTERED,
	TCPCONNECT_OK,
	TCPCONNECT_FAILED,
	TCPCONNECT_UNTRACKED,
	TCPCONNECT_UNSEEN,
	TCPCONNECT_LOST,
	TCPCONNECT_NO_ROW,
	__TCPCONNECT_COUNT_MAX,
};

/**
 * struct tcpconnect_event - an attempt to connect
 * @ts_ns: when connect() was called, bpf_ktime_get_ns()
 * @lat_ns: from then until the result
 * @saddr: local address, IPv4 as ::ffff:a.b.c.d; zero if it was never chosen
 * @daddr: remote address, likewise
 * @pid: process that called connect(), by its number in the pid namespace of the
 *	loader; 0: it has none there
 * @uid: its user
 * @netns: inode number of the network namespace of the socket
 * @ret: 0: established, else the errno
 * @sport: local port, network byte order; 0 if it was never chosen
 * @dport: remote port, network byte order
 * @family: 4 or 6: what goes over the wire, so 4 for ::ffff:a.b.c.d
 * @pad: zero
 * @comm: name of the thread that called connect()
 */
struct tcpconnect_event {
	__u64 ts_ns;
	__u64 lat_ns;
	__be32 saddr[4];
	__be32 daddr[4];
	__u32 pid;
	__u32 uid;
	__u32 netns;
	__s32 ret;
	__be16 sport;
	__be16 dport;
	__u8 family;
	__u8 pad[3];
	char comm[TCPCONNECT_COMM_LEN];
};

/**
 * struct tcpconnect_attempt - an attempt without result yet; its key is the
 *	address of the struct sock
 * @ev: what is known so far
 * @task: bpf_get_current_pid_tgid() of the caller
 * @in_call: the caller is inside tcp_v4_connect() or tcp_v6_connect()
 * @syn_sent: the socket was in SYN_SENT, so it has addresses
 * @closed: it was closed inside the call, whose return value says why
 * @pad: zero
 */
struct tcpconnect_attempt {
	struct tcpconnect_event ev;
	__u64 task;
	__u8 in_call;
	__u8 syn_sent;
	__u8 closed;
	__u8 pad[5];
};

/**
 * struct tcpconnect_filter - attempts to show; all zero: every one
 * @pid: process, 0: any
 * @uid: user, if @by_uid
 * @netns: inode number of the network namespace, 0: any
 * @n_ports: entries of @ports, 0: any port
 * @ports: remote ports, network byte order
 * @comm: name, padded with zeroes; empty: any
 * @family: 4 or 6, 0: both
 * @by_uid: @uid counts
 * @by_cgroup: the caller must be in the cgroup in tcpconnect_cgroup, or below
 * @pad: zero
 */
struct tcpconnect_filter {
	__u32 pid;
	__u32 uid;
	__u32 netns;
	__u32 n_ports;
	__be16 ports[TCPCONNECT_PORTS_MAX];
	char comm[TCPCONNECT_COMM_LEN];
	__u8 family;
	__u8 by_uid;
	__u8 by_cgroup;
	__u8 pad;
};

/**
 * struct tcpconnect_row - key of a line of the count table
 * @saddr: local address
 * @daddr: remote address
 * @sport: local port, 0 if local ports are not told apart
 * @dport: remote port
 */
struct tcpconnect_row {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
};

/**
 * struct tcpconnect_cells - the rest of a line of the count table
 * @connects: attempts with a result
 * @failed: those of them that failed
 */
struct tcpconnect_cells {
	__u64 connects;
	__u64 failed;
};

#endif /* _SAMPLES_TCPCONNECT_H */
