// SPDX-License-Identifier: GPL-2.0
/*
 * The program reads memory of the kernel through a pointer, as C code of the kernel would.
 *
 * message: invalid mem access 'scalar'
 */
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Of these structs of the kernel, the program needs only this much. */
struct sock_common {
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(kernel, const struct sock *sk)
{
#ifdef MENDED
	unsigned short family = BPF_CORE_READ(sk, __sk_common.skc_family);
#else
	unsigned short family = sk->__sk_common.skc_family;
#endif

	bpf_printk("family %u", family);
	return 0;
}

char _license[] SEC("license") = "GPL";
