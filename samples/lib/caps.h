/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Capabilities: what they are needed for, and which of them this process lacks. Nothing here
 * prints, because scripts/doctor/ uses it, too; lib/refused.c prints the messages.
 */
#ifndef _SAMPLES_SAMPLE_CAPS_H
#define _SAMPLES_SAMPLE_CAPS_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * enum sample_need - what capabilities are needed for
 * @SAMPLE_NEED_BPF: make maps and load programs: CAP_BPF
 * @SAMPLE_NEED_NET: load XDP and TC programs: CAP_NET_ADMIN
 * @SAMPLE_NEED_PERFMON: load programs that trace, or that add a variable to a packet
 *	pointer: CAP_PERFMON
 * @SAMPLE_NEED_NETLINK: change qdiscs and neighbours: CAP_NET_ADMIN; here the kernel does
 *	not accept CAP_SYS_ADMIN instead
 * @SAMPLE_NEED_PACKETS: open a packet socket: CAP_NET_RAW
 * @SAMPLE_NEED_FILES: use files and directories of other users, mostly of root:
 *	CAP_DAC_OVERRIDE
 * @SAMPLE_NEED_SIGNALS: signal a process of another user: CAP_KILL
 * @SAMPLE_NEED_ADMIN: enter a network namespace, mount, get a map by its id: CAP_SYS_ADMIN
 * @SAMPLE_NEED_PROC: read /proc/PID of another user's process: CAP_SYS_PTRACE
 * @SAMPLE_NEED_LOAD: all that bpf(2) may require: the first three
 */
enum sample_need {
	SAMPLE_NEED_BPF = 1 << 0,
	SAMPLE_NEED_NET = 1 << 1,
	SAMPLE_NEED_PERFMON = 1 << 2,
	SAMPLE_NEED_NETLINK = 1 << 3,
	SAMPLE_NEED_PACKETS = 1 << 4,
	SAMPLE_NEED_FILES = 1 << 5,
	SAMPLE_NEED_SIGNALS = 1 << 6,
	SAMPLE_NEED_ADMIN = 1 << 7,
	SAMPLE_NEED_PROC = 1 << 8,
	SAMPLE_NEED_LOAD = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
};

enum {
	SAMPLE_CAPS_LEN = 256,
};

bool sample_has_cap(unsigned int cap);
__u64 sample_caps_needed(unsigned int needs);
__u64 sample_caps_missing(unsigned int needs);
__u64 sample_caps_held(void);
const char *sample_caps_join(__u64 caps, const char *before, const char *sep, const char *last,
			     char buf[SAMPLE_CAPS_LEN]);
const char *sample_caps_text(__u64 caps, char buf[SAMPLE_CAPS_LEN]);
bool sample_in_user_namespace(void);

#endif /* _SAMPLES_SAMPLE_CAPS_H */
