// SPDX-License-Identifier: GPL-2.0
/* answer: the map attempts still holds a connect() after its result */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* A macro in the kernel, so vmlinux.h does not have it; include/sock_addr.bpf.h does. */
#ifndef _SOCK_ADDR_BPF_H
enum { AF_INET = 2 };
#endif

/* connect_user.c has the same struct. */
struct attempt {
	char comm[16];
	__u32 uid;
	__be32 daddr;
	__be16 dport;
	__u16 err;	/* 0: connected */
};

/* The attempts that have no result yet, by the address of their struct sock. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

/* This runs in connect() itself: the current process is the caller. */
static __always_inline void begin(const struct sock *sk)
{
	struct attempt attempt = {};
	__u64 key = (__u64)sk;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	bpf_get_current_comm(attempt.comm, sizeof(attempt.comm));
	attempt.uid = bpf_get_current_uid_gid();
	attempt.daddr = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	attempt.dport = BPF_CORE_READ(sk, __sk_common.skc_dport);
	bpf_map_update_elem(&attempts, &key, &attempt, BPF_ANY);
}

/* This may run anywhere: when a packet comes in, or when a timer expires. */
static __always_inline void end(const struct sock *sk, int state)
{
	struct attempt *attempt;
	__u64 key = (__u64)sk;

	attempt = bpf_map_lookup_elem(&attempts, &key);
	if (!attempt)
		return;
	if (state == TCP_CLOSE)
		attempt->err = BPF_CORE_READ(sk, sk_err);
	/* Closed without an error: the process has given up, and there is no result. */
	if (state == TCP_ESTABLISHED || attempt->err)
		bpf_ringbuf_output(&events, attempt, sizeof(*attempt), 0);
	if (state == TCP_ESTABLISHED)
		bpf_map_delete_elem(&attempts, &key);
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int oldstate, int newstate)
{
	if (newstate == TCP_SYN_SENT)
		begin(sk);
	else if (newstate == TCP_ESTABLISHED || newstate == TCP_CLOSE)
		end(sk, newstate);
	return 0;
}

char _license[] SEC("license") = "GPL";
