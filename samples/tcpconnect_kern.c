// SPDX-License-Identifier: GPL-2.0
/*
 * tcpconnect: who opens TCP connections, to where, and what came of it.
 *
 * An attempt is kept in a map, by the address of its struct sock, until its
 * result is known: that comes in a softirq, where the current process is any.
 * Its states are flags of struct tcpconnect_attempt. The result is the same
 * tracepoint for all back ends, set_state(). Where an attempt begins, and where
 * one ends that fails before SYN_SENT, each back end has a way of its own; the
 * loader loads the programs of one:
 *
 *	kprobe, fentry                         tracepoint
 *
 *	tcp_v4_connect() begins                connect() begins
 *	   | on_entry(): caller, address          | tp_enter(): struct call
 *	   v                                      |
 *	in_call ------- fails: on_return() --+    +-- fails: failed_at_once() --+
 *	   | SYN_SENT: on_syn_sent()         |    | SYN_SENT: begin_at_syn()    |
 *	   v                                 |    |                             |
 *	in_call, syn_sent                    |    |                             |
 *	   | returns 0: on_return()          |    |                             |
 *	   v                                 |    |                             |
 *	syn_sent <---------------------------|----+                             |
 *	   | ESTABLISHED, CLOSE: set_state() |                                  |
 *	   v                                 v                                  v
 *	result: report() <-------------------+----------------------------------+
 *
 * A CLOSE before the call has returned makes it "closed": the result is what the
 * call returns, in on_return() or tp_exit().
 *
 * The kernel may reuse the memory of a socket, so an attempt whose end nobody has seen
 * must not take the result of the next socket there: forget_unseen() says when it goes.
 *
 * The programs are attached in the order of this file and detached in the opposite one:
 * whoever sees a beginning is there while somebody else sees its end.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "parts/tcpconnect/sock.bpf.h"
#include "sock_addr.bpf.h"
#include "tcpconnect.h"

/* Macros in the kernel, so not in its BTF. */
enum {
	AF_UNSPEC = 0,
	ECANCELED = 125,
	SOCKADDR_MAX = 128,
};

const volatile struct tcpconnect_filter filter;
const volatile __u32 backend;
/* __NR_connect, another number on each architecture. */
const volatile long nr_connect;
const volatile bool events = true;
const volatile bool table;
const volatile bool table_sport;
/* The pid namespace whose numbers are shown; 0: that of the machine. */
const volatile __u64 pidns_dev;
const volatile __u64 pidns_ino;

/* A call of connect() that has not returned; its key is the thread. */
struct call {
	__u64 sk;
	__u64 ts_ns;
	__u64 uaddr;
	__s32 len;
	__u32 syn_sent;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct tcpconnect_attempt);
} tcpconnect_pending SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct call);
} tcpconnect_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tcpconnect_row);
	__type(value, struct tcpconnect_cells);
} tcpconnect_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tcpconnect_cgroup SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __TCPCONNECT_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} tcpconnect_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} tcpconnect_events SEC(".maps");

/* Atomic, although each CPU has its own: a softirq may interrupt a program that counts. */
static __always_inline void count(__u32 reason)
{
	__u64 *value = bpf_map_lookup_elem(&tcpconnect_counts, &reason);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* --- what is read from where ------------------------------------------------------ */

/* 0: the caller has no number there. */
static __always_inline __u32 caller_pid(void)
{
	struct bpf_pidns_info info = {};

	if (!pidns_ino)
		return bpf_get_current_pid_tgid() >> 32;
	if (bpf_get_ns_current_pid_tgid(pidns_dev, pidns_ino, &info, sizeof(info)))
		return 0;
	return info.tgid;
}

static __always_inline void get_caller(struct tcpconnect_attempt *attempt,
				       const struct sock *sk)
{
	struct tcpconnect_event *ev = &attempt->ev;

	attempt->task = bpf_get_current_pid_tgid();
	ev->pid = caller_pid();
	ev->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(ev->comm, sizeof(ev->comm));
	ev->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* All that is known from the call itself. */
static __always_inline void get_call(struct tcpconnect_attempt *attempt, const struct sock *sk,
				     const void *uaddr, int len, bool user)
{
	get_caller(attempt, sk);
	if (sock_family(sk) == AF_INET)
		addr_from4(attempt->ev.daddr, 0);
	sock_parse_addr(uaddr, len, user, attempt->ev.daddr, &attempt->ev.dport);
	get_local(&attempt->ev, sk);
}

/* --- the filter --------------------------------------------------------------------- */

static __always_inline bool wanted_port(__be16 port)
{
	__u32 i;

	if (!filter.n_ports)
		return true;
	for (i = 0; i < TCPCONNECT_PORTS_MAX && i < filter.n_ports; i++) {
		if (filter.ports[i] == port)
			return true;
	}
	return false;
}

static __always_inline bool wanted_comm(const char *comm)
{
	int i;

	if (!filter.comm[0])
		return true;
	for (i = 0; i < TCPCONNECT_COMM_LEN; i++) {
		if (filter.comm[i] != comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool wanted(const struct tcpconnect_event *ev)
{
	if (filter.family && filter.family != ev->family)
		return false;
	if (filter.pid && filter.pid != ev->pid)
		return false;
	if (filter.by_uid && filter.uid != ev->uid)
		return false;
	if (filter.netns && filter.netns != ev->netns)
		return false;
	if (filter.by_cgroup && bpf_current_task_under_cgroup(&tcpconnect_cgroup, 0) != 1)
		return false;
	return wanted_port(ev->dport) && wanted_comm(ev->comm);
}

/* --- the result ------------------------------------------------------------------------ */

static __always_inline void tally(const struct tcpconnect_event *ev)
{
	struct tcpconnect_cells zero = {}, *cells;
	struct tcpconnect_row row = {};

	__builtin_memcpy(row.saddr, ev->saddr, sizeof(row.saddr));
	__builtin_memcpy(row.daddr, ev->daddr, sizeof(row.daddr));
	row.dport = ev->dport;
	if (table_sport)
		row.sport = ev->sport;

	cells = bpf_map_lookup_elem(&tcpconnect_table, &row);
	if (!cells) {
		bpf_map_update_elem(&tcpconnect_table, &row, &zero, BPF_NOEXIST);
		cells = bpf_map_lookup_elem(&tcpconnect_table, &row);
	}
	if (!cells) {
		count(TCPCONNECT_NO_ROW);
		return;
	}
	__sync_fetch_and_add(&cells->connects, 1);
	if (ev->ret)
		__sync_fetch_and_add(&cells->failed, 1);
}

static __always_inline void report(struct tcpconnect_event *ev, int ret)
{
	ev->ret = ret;
	ev->lat_ns = bpf_ktime_get_ns() - ev->ts_ns;
	count(ret ? TCPCONNECT_FAILED : TCPCONNECT_OK);
	if (table)
		tally(ev);
	if (events && bpf_ringbuf_output(&tcpconnect_events, ev, sizeof(*ev), 0))
		count(TCPCONNECT_LOST);
}

static __always_inline void finish(__u64 sk, struct tcpconnect_attempt *attempt, int ret)
{
	report(&attempt->ev, ret);
	bpf_map_delete_elem(&tcpconnect_pending, &sk);
}

/* --- from its beginning to its end ------------------------------------------------------ */

/*
 * Another connection begins at this address, which the filter may leave out: if an
 * attempt is still kept here, its end was not seen, and its result is not known.
 */
static __always_inline void forget_unseen(__u64 sk)
{
	if (!bpf_map_delete_elem(&tcpconnect_pending, &sk))
		count(TCPCONNECT_UNSEEN);
}

/* Begin to follow an attempt, if the filter lets it in; forget_unseen() came before. */
static __always_inline bool follow(__u64 sk, const struct tcpconnect_attempt *attempt)
{
	if (!wanted(&attempt->ev)) {
		count(TCPCONNECT_FILTERED);
		return false;
	}
	if (bpf_map_update_elem(&tcpconnect_pending, &sk, attempt, BPF_ANY)) {
		count(TCPCONNECT_UNTRACKED);
		return false;
	}
	return true;
}

/* The call of connect() that the current thread is in, if it is for this socket. */
static __always_inline struct call *current_call(const struct sock *sk)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&tcpconnect_calls, &task);

	return call && call->sk == (__u64)sk ? call : NULL;
}

/* With the tracepoint back end an attempt begins with its SYN. */
static __always_inline void begin_at_syn(const struct sock *sk)
{
	struct tcpconnect_attempt attempt = { .syn_sent = true };
	struct call *call = current_call(sk);

	attempt.ev.ts_ns = call ? call->ts_ns : bpf_ktime_get_ns();
	if (call)
		call->syn_sent = true;
	get_caller(&attempt, sk);
	sock_remote(sk, attempt.ev.daddr, &attempt.ev.dport);
	get_local(&attempt.ev, sk);
	follow((__u64)sk, &attempt);
}

static __always_inline void on_syn_sent(const struct sock *sk)
{
	struct tcpconnect_attempt *attempt;
	__u64 key = (__u64)sk;

	if (backend == TCPCONNECT_TRACEPOINT) {
		forget_unseen(key);
		if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
			begin_at_syn(sk);
		return;
	}
	attempt = bpf_map_lookup_elem(&tcpconnect_pending, &key);
	if (!attempt)
		return;
	/* Else the beginning of this one was not seen. */
	if (!attempt->in_call || attempt->syn_sent ||
	    attempt->task != bpf_get_current_pid_tgid()) {
		forget_unseen(key);
		return;
	}
	attempt->syn_sent = true;
	sock_remote(sk, attempt->ev.daddr, &attempt->ev.dport);
	get_local(&attempt->ev, sk);
}

/*
 * sk_err says why: the kernel sets it before CLOSE when a RST, an ICMP error or
 * the last timeout came. Without it, either connect() itself failed after
 * SYN_SENT, and will return why, or the program has closed the socket.
 */
static __always_inline void on_close(const struct sock *sk, struct tcpconnect_attempt *attempt)
{
	int err = BPF_CORE_READ(sk, sk_err);

	if (attempt->in_call ||
	    (!err && attempt->task == bpf_get_current_pid_tgid() && current_call(sk)))
		attempt->closed = true;
	else
		finish((__u64)sk, attempt, err ? err : ECANCELED);
}

static __always_inline void on_state(const struct sock *sk, int oldstate, int newstate)
{
	struct tcpconnect_attempt *attempt;
	__u64 key = (__u64)sk;

	attempt = bpf_map_lookup_elem(&tcpconnect_pending, &key);
	/* The call is still to fail on its way to SYN_SENT: it returns why. */
	if (!attempt || !attempt->syn_sent || oldstate == newstate)
		return;
	if (!is_opening(oldstate) || !is_its_socket(sk, &attempt->ev)) {
		forget_unseen(key);
		return;
	}
	/* From SYN_SENT to SYN_RECV: both ends have sent a SYN. */
	if (is_opening(newstate))
		return;
	get_local(&attempt->ev, sk);
	if (newstate == TCP_ESTABLISHED)
		finish(key, attempt, 0);
	else
		on_close(sk, attempt);
}

/*
 * A result mostly comes in a softirq, and that may interrupt a thread on whose way
 * set_state() runs, for another socket. The kernel skips a program that runs already on
 * the CPU, and the result would be lost. So there are two programs, one behind the other:
 * while one is interrupted, the other one is free. Else the second finds all done.
 */
SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(set_state_twin, const struct sock *sk, int oldstate, int newstate)
{
	if (newstate != TCP_SYN_SENT)
		on_state(sk, oldstate, newstate);
	return 0;
}

/* SYN_SENT always comes in a thread, which interrupts neither program. */
SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(set_state, const struct sock *sk, int oldstate, int newstate)
{
	if (newstate != TCP_SYN_SENT)
		on_state(sk, oldstate, newstate);
	else if (oldstate == TCP_CLOSE)
		on_syn_sent(sk);
	return 0;
}

/*
 * Called by the loader, through BPF_PROG_TEST_RUN, before it shows what is still
 * pending: the local port is chosen after SYN_SENT. The kernel sets the state behind the
 * tracepoint: what still waits for a result has a socket that waits, too.
 */
SEC("raw_tp")
int refresh(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock *sk = (const void *)ctx->args[0];
	struct tcpconnect_attempt *attempt;
	__u64 key = (__u64)sk;

	attempt = bpf_map_lookup_elem(&tcpconnect_pending, &key);
	if (!attempt || !attempt->syn_sent)
		return 0;
	if (attempt->closed || (is_opening(BPF_CORE_READ(sk, __sk_common.skc_state)) &&
				is_its_socket(sk, &attempt->ev)))
		get_local(&attempt->ev, sk);
	else
		forget_unseen(key);
	return 0;
}

/* --- back ends kprobe and fentry: both ends of tcp_v4_connect() and tcp_v6_connect() */

static __always_inline void on_return(__u64 sk, int ret)
{
	struct tcpconnect_attempt *attempt;

	attempt = bpf_map_lookup_elem(&tcpconnect_pending, &sk);
	/* Another thread's attempt cannot be: the socket is locked meanwhile. */
	if (!attempt || !attempt->in_call)
		return;
	if (ret) {
		finish(sk, attempt, -ret);
		return;
	}
	attempt->in_call = false;
	get_local(&attempt->ev, (const void *)sk);
}

/* tcp_v6_connect() calls tcp_v4_connect() for ::ffff:a.b.c.d: one attempt. */
static __always_inline bool is_nested(const struct sock *sk, __u16 family)
{
	return sock_family(sk) != family;
}

/* A kretprobe has no arguments: the call has kept the socket. */
static __always_inline void on_kretprobe(__u16 family, int ret)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&tcpconnect_calls, &task);

	if (!call || is_nested((const void *)call->sk, family))
		return;
	on_return(call->sk, ret);
	bpf_map_delete_elem(&tcpconnect_calls, &task);
}

static __always_inline bool on_entry(const struct sock *sk, const void *uaddr, int len)
{
	struct tcpconnect_attempt attempt = { .in_call = true };

	forget_unseen((__u64)sk);
	attempt.ev.ts_ns = bpf_ktime_get_ns();
	get_call(&attempt, sk, uaddr, len, false);
	return follow((__u64)sk, &attempt);
}

static __always_inline void on_kprobe(const struct sock *sk, const void *uaddr, int len,
				      __u16 family)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call call = { .sk = (__u64)sk };

	if (is_nested(sk, family))
		return;
	if (on_entry(sk, uaddr, len))
		bpf_map_update_elem(&tcpconnect_calls, &task, &call, BPF_ANY);
	else
		/* Of a call whose return was not seen: this one's return is not for it. */
		bpf_map_delete_elem(&tcpconnect_calls, &task);
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(kretprobe_v4, int ret)
{
	on_kretprobe(AF_INET, ret);
	return 0;
}

SEC("kretprobe/tcp_v6_connect")
int BPF_KRETPROBE(kretprobe_v6, int ret)
{
	on_kretprobe(AF_INET6, ret);
	return 0;
}

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(kprobe_v4, struct sock *sk, struct sockaddr *uaddr, int len)
{
	on_kprobe(sk, uaddr, len, AF_INET);
	return 0;
}

SEC("kprobe/tcp_v6_connect")
int BPF_KPROBE(kprobe_v6, struct sock *sk, struct sockaddr *uaddr, int len)
{
	on_kprobe(sk, uaddr, len, AF_INET6);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(fexit_v4, struct sock *sk, struct sockaddr *uaddr, int len, int ret)
{
	if (!is_nested(sk, AF_INET))
		on_return((__u64)sk, ret);
	return 0;
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(fexit_v6, struct sock *sk, struct sockaddr *uaddr, int len, int ret)
{
	on_return((__u64)sk, ret);
	return 0;
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(fentry_v4, struct sock *sk, struct sockaddr *uaddr, int len)
{
	if (!is_nested(sk, AF_INET))
		on_entry(sk, uaddr, len);
	return 0;
}

SEC("fentry/tcp_v6_connect")
int BPF_PROG(fentry_v6, struct sock *sk, struct sockaddr *uaddr, int len)
{
	on_entry(sk, uaddr, len);
	return 0;
}

/* --- back end tracepoint: what fails before SYN_SENT, from the system call ---------- */

/* The call failed and its socket never was in SYN_SENT. */
static __always_inline void failed_at_once(const struct call *call, int err)
{
	const void *uaddr = (const void *)call->uaddr;
	const struct sock *sk = (const void *)call->sk;
	struct tcpconnect_attempt attempt = {};
	__u16 family;

	/* Not seen by tcp_v4_connect() either: it ends a connection, or is none. */
	if (call->len < (int)sizeof(family) || call->len > SOCKADDR_MAX ||
	    bpf_probe_read_user(&family, sizeof(family), uaddr) || family == AF_UNSPEC)
		return;
	attempt.ev.ts_ns = call->ts_ns;
	get_call(&attempt, sk, uaddr, call->len, true);
	if (wanted(&attempt.ev))
		report(&attempt.ev, err);
	else
		count(TCPCONNECT_FILTERED);
}

SEC("raw_tp/sys_exit")
int BPF_PROG(tp_exit, struct pt_regs *regs, long ret)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&tcpconnect_calls, &task);
	struct tcpconnect_attempt *attempt;
	__u64 sk;

	if (!call)
		return 0;
	sk = call->sk;
	if (!call->syn_sent) {
		if (ret < 0)
			failed_at_once(call, -ret);
	} else {
		attempt = bpf_map_lookup_elem(&tcpconnect_pending, &sk);
		if (attempt && attempt->closed)
			finish(sk, attempt, ret < 0 ? -ret : ECANCELED);
	}
	bpf_map_delete_elem(&tcpconnect_calls, &task);
	return 0;
}

SEC("raw_tp/sys_enter")
int BPF_PROG(tp_enter, struct pt_regs *regs, long nr)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call call = {};

	if (nr != nr_connect)
		return 0;
	call.sk = (__u64)sock_of_fd(PT_REGS_PARM1_CORE_SYSCALL(regs));
	if (!call.sk)
		return 0;
	call.ts_ns = bpf_ktime_get_ns();
	call.uaddr = PT_REGS_PARM2_CORE_SYSCALL(regs);
	call.len = PT_REGS_PARM3_CORE_SYSCALL(regs);
	/* Without room, only what fails at once is not seen. */
	bpf_map_update_elem(&tcpconnect_calls, &task, &call, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
