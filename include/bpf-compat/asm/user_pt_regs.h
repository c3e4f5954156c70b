/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The registers at the entry of a function as UAPI lays them out, for a
 * vmlinux.h that was made on a machine of another kind and does not have them.
 */
#ifndef _BPF_COMPAT_USER_PT_REGS_H
#define _BPF_COMPAT_USER_PT_REGS_H

#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#elif defined(__TARGET_ARCH_s390)
/* A typedef, as in the kernel: CO-RE looks for it by that name. */
typedef struct { __u64 args[1]; struct { __u64 mask, addr; } psw; __u64 gprs[16]; } user_pt_regs;
#endif

#endif /* _BPF_COMPAT_USER_PT_REGS_H */
