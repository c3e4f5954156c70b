/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What tcpconnect_kern.c and its loaders share. */
#ifndef _SAMPLES_TCPCONNECT_H
#define _SAMPLES_TCPCONNECT_H

/* vmlinux.h defines these types, too, and cannot be included together with UAPI headers. */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	TCPCONNECT_COMM_LEN = 16,
	TCPCONNECT_PORTS_MAX = 64,
};

/**
 * enum tcpconnect_backend - how to notice the start of an attempt, in the order of preference
 * @TCPCONNECT_KPROBE: kprobes and kretprobes on tcp_v4_connect() and tcp_v6_connect()
 * @TCPCONNECT_FENTRY: fentry and fexit programs on tcp_v4_connect() and tcp_v6_connect()
 * @TCPCONNECT_TRACEPOINT: tracepoint sock:inet_sock_set_state, from CLOSE to SYN_SENT; and
 *	sys_enter and sys_exit for attempts that fail before SYN_SENT
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
 * @TCPCONNECT_FILTERED: the filter excluded the attempt
 * @TCPCONNECT_OK: established
 * @TCPCONNECT_FAILED: failed, at once or later
 * @TCPCONNECT_UNTRACKED: not followed, because the map of attempts was full
 * @TCPCONNECT_UNSEEN: followed, but no program saw the end, so the result is not known
 * @TCPCONNECT_LOST: results that found the ring buffer full; also counted as TCPCONNECT_OK or
 *	TCPCONNECT_FAILED
 * @TCPCONNECT_NO_ROW: results that found the count table full; also counted as TCPCONNECT_OK or
 *	TCPCONNECT_FAILED
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
 * @lat_ns: time from @ts_ns to the result
 * @saddr: local address, IPv4 as ::ffff:a.b.c.d; zero if the kernel never chose one
 * @daddr: remote address, in the form of @saddr
 * @pid: process that called connect(), by its pid in the pid namespace of the loader; 0 if the
 *	process has no pid there
 * @uid: user of this process
 * @netns: inode number of the network namespace of the socket
 * @ret: 0: established, else the errno
 * @sport: local port, network byte order; 0 if the kernel never chose one
 * @dport: remote port, network byte order
 * @family: 4 or 6: IP version of the packets, so 4 for ::ffff:a.b.c.d
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
 * struct tcpconnect_attempt - an attempt that has no result yet; the map key is the address of
 *	its struct sock
 * @ev: what is known so far
 * @task: bpf_get_current_pid_tgid() of the caller
 * @in_call: the caller is inside tcp_v4_connect() or tcp_v6_connect()
 * @syn_sent: the socket has been in SYN_SENT, so its addresses are known
 * @closed: the socket was closed before the call returned; the return value will be the result
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
 * struct tcpconnect_filter - attempts to show; all zero: all attempts
 * @pid: process, 0: any
 * @uid: user, if @by_uid is set
 * @netns: inode number of the network namespace, 0: any
 * @n_ports: entries of @ports, 0: any port
 * @ports: remote ports, network byte order
 * @comm: name of the calling thread, padded with zeroes; empty: any
 * @family: 4 or 6, 0: both
 * @by_uid: compare @uid, for which 0 is a valid value (root)
 * @by_cgroup: the caller must be in the cgroup of the map tcpconnect_cgroup, or below
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
 * struct tcpconnect_row - key of a row of the count table
 * @saddr: local address
 * @daddr: remote address
 * @sport: local port, network byte order; 0 if one row counts all local ports
 * @dport: remote port, network byte order
 */
struct tcpconnect_row {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
};

/**
 * struct tcpconnect_cells - counters of a row of the count table
 * @connects: attempts that have a result, including @failed
 * @failed: attempts that failed
 */
struct tcpconnect_cells {
	__u64 connects;
	__u64 failed;
};

#endif /* _SAMPLES_TCPCONNECT_H */
