/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The UAPI struct of the CPU's registers, which programs for kprobes and system calls read. A
 * vmlinux.h that was made on another architecture does not have this struct.
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
/* A typedef, as in the kernel, because CO-RE looks the type up by that name. */
typedef struct { __u64 args[1]; struct { __u64 mask, addr; } psw; __u64 gprs[16]; } user_pt_regs;
#endif

#endif /* _BPF_COMPAT_USER_PT_REGS_H */
