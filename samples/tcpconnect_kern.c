// SPDX-License-Identifier: GPL-2.0
/*
 * tcpconnect: which processes open TCP connections, to which addresses, and with which result.
 *
 * The result mostly comes in a softirq, when the current process is not the caller. So the
 * programs keep an attempt in a map, by the address of its struct sock, until the result is
 * known. The states of an attempt are flags of struct tcpconnect_attempt. All back ends get
 * the result from the same tracepoint, in set_state(). The back ends differ in how they notice
 * the start of an attempt, and the end of an attempt that fails before SYN_SENT. The loader
 * loads the programs of one back end:
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
 * If the socket is closed before the call has returned, the attempt becomes "closed". Then
 * on_return() or tp_exit() takes the return value of the call as the result.
 *
 * The kernel may reuse the memory of a struct sock. If no program saw the end of an attempt, the
 * attempt must not get the result of the next socket at the same address: forget_unseen()
 * removes such an attempt.
 *
 * The loader attaches the programs in the order of this file, and detaches them in the reverse
 * order. So while a program that sees attempts start is attached, the programs that see
 * their ends are attached, too.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "parts/tcpconnect/sock.bpf.h"
#include "sock_addr.bpf.h"
#include "tcpconnect.h"

/* These are macros in the kernel, so BTF and vmlinux.h do not have them. */
enum {
	AF_UNSPEC = 0,
	ECANCELED = 125,
	SOCKADDR_MAX = 128,
};

const volatile struct tcpconnect_filter filter;
const volatile __u32 backend;
/* __NR_connect, which depends on the architecture. */
const volatile long nr_connect;
const volatile bool events = true;
const volatile bool table;
const volatile bool table_sport;
/* Device and inode of the pid namespace whose pids are reported; 0: the initial one. */
const volatile __u64 pidns_dev;
const volatile __u64 pidns_ino;

/* A call of connect() that has not returned; the map key is bpf_get_current_pid_tgid(). */
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

/*
 * Although each CPU has its own counters, they need atomic operations: a softirq may interrupt a
 * program while it counts, and run another program that counts.
 */
static __always_inline void count(__u32 reason)
{
	__u64 *value = bpf_map_lookup_elem(&tcpconnect_counts, &reason);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* --- reading the caller and the arguments ------------------------------------------ */

/* Pid of the caller in the pid namespace of the loader; 0 if it has none there. */
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

/* Fill in all that is known at the start of the call: caller, remote address and port. */
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

/* --- an attempt from its start to its end ------------------------------------------------ */

/*
 * Remove a stale attempt: the struct sock @sk now belongs to another connection, or to another
 * attempt. If the map still has an attempt for @sk, no program saw its end, and its result is
 * not known. Called before the filter: a new attempt that the filter excludes also shows that
 * the old one is over.
 */
static __always_inline void forget_unseen(__u64 sk)
{
	if (!bpf_map_delete_elem(&tcpconnect_pending, &sk))
		count(TCPCONNECT_UNSEEN);
}

/* Begin to follow an attempt, unless the filter excludes it. Call forget_unseen() before. */
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

/* The connect() that the current thread is executing, if that is for this socket; else NULL. */
static __always_inline struct call *current_call(const struct sock *sk)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&tcpconnect_calls, &task);

	return call && call->sk == (__u64)sk ? call : NULL;
}

/* With the tracepoint back end, an attempt begins when its socket enters SYN_SENT. */
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
	/* If the attempt is not the one of this SYN, no program saw the start of this one. */
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
 * The socket was closed before it was established. After a RST, an ICMP error or the last
 * timeout, the kernel sets sk_err before CLOSE. If sk_err is 0, either connect() itself fails
 * after SYN_SENT, and will return the error, or the process has closed the socket.
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
	/* Not in SYN_SENT yet: if the call fails, its return value will be the result. */
	if (!attempt || !attempt->syn_sent || oldstate == newstate)
		return;
	if (!is_opening(oldstate) || !is_its_socket(sk, &attempt->ev)) {
		forget_unseen(key);
		return;
	}
	/* From SYN_SENT to SYN_RECV (simultaneous open): no result yet. */
	if (is_opening(newstate))
		return;
	get_local(&attempt->ev, sk);
	if (newstate == TCP_ESTABLISHED)
		finish(key, attempt, 0);
	else
		on_close(sk, attempt);
}

/*
 * A result mostly comes in a softirq. The softirq may interrupt a thread that is just running
 * set_state(), for another socket. The kernel does not run a program that is already running on
 * the same CPU, so the result would be lost. Therefore two programs are attached to the
 * tracepoint: while one of them is interrupted, the other one can run. If neither is
 * interrupted, the second one finds that the first one has done all.
 */
SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(set_state_twin, const struct sock *sk, int oldstate, int newstate)
{
	if (newstate != TCP_SYN_SENT)
		on_state(sk, oldstate, newstate);
	return 0;
}

/*
 * Only this program handles SYN_SENT: a socket enters SYN_SENT in a thread, which cannot interrupt
 * a program, so one program is enough.
 */
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
 * The loader calls this program by BPF_PROG_TEST_RUN, for each attempt that is still pending,
 * before it shows these attempts: the kernel chooses the local port only after SYN_SENT. The
 * tracepoint fires before the kernel changes the state of the socket. So if an attempt is
 * pending, its socket must still be opening; if it is not, no program saw the end.
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
	/* The attempt is that of this thread: the socket is locked during the call. */
	if (!attempt || !attempt->in_call)
		return;
	if (ret) {
		finish(sk, attempt, -ret);
		return;
	}
	attempt->in_call = false;
	get_local(&attempt->ev, (const void *)sk);
}

/*
 * tcp_v6_connect() calls tcp_v4_connect() for ::ffff:a.b.c.d. True for the inner call, which must
 * not count as a second attempt.
 */
static __always_inline bool is_nested(const struct sock *sk, __u16 family)
{
	return sock_family(sk) != family;
}

/* A kretprobe does not get the arguments: on_kprobe() has kept the socket in a map. */
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
		/* Or on_kretprobe() would take an old entry of this thread for this call. */
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

/* --- back end tracepoint: system calls, for attempts that fail before SYN_SENT ------- */

/* The call failed, and its socket never was in SYN_SENT. */
static __always_inline void failed_at_once(const struct call *call, int err)
{
	const void *uaddr = (const void *)call->uaddr;
	const struct sock *sk = (const void *)call->sk;
	struct tcpconnect_attempt attempt = {};
	__u16 family;

	/*
	 * No attempt, and the other back ends do not see it either: AF_UNSPEC ends a connection,
	 * and for a bad address or length, connect() fails before it gets to TCP.
	 */
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
	/* If the map is full, only attempts that fail before SYN_SENT are missed. */
	bpf_map_update_elem(&tcpconnect_calls, &task, &call, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
