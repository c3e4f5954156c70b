// SPDX-License-Identifier: GPL-2.0
/* Exercise 17: who calls connect() for TCP over IPv4, and with which result. */
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

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int oldstate, int newstate)
{
	/*
	 * TODO: when the state becomes TCP_SYN_SENT, the current process is calling
	 * connect(): keep who it is, and the destination, in the map. When it becomes
	 * TCP_ESTABLISHED or TCP_CLOSE, send what you have kept, with the result.
	 */
	return 0;
}

char _license[] SEC("license") = "GPL";
