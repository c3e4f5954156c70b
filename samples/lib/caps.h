/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Capabilities: what they are needed for, and which of them this process lacks. Nothing
 * is printed here: scripts/doctor/ asks, too. lib/refused.c tells.
 */
#ifndef _SAMPLES_SAMPLE_CAPS_H
#define _SAMPLES_SAMPLE_CAPS_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * enum sample_need - what capabilities are needed for
 * @SAMPLE_NEED_BPF: make maps and load programs: CAP_BPF
 * @SAMPLE_NEED_NET: load programs of XDP and TC: CAP_NET_ADMIN
 * @SAMPLE_NEED_PERFMON: trace, or move a packet pointer by a length that the packet
 *	tells: CAP_PERFMON
 * @SAMPLE_NEED_NETLINK: change qdiscs and neighbours: CAP_NET_ADMIN
 * @SAMPLE_NEED_PACKETS: open a packet socket: CAP_NET_RAW
 * @SAMPLE_NEED_FILES: files and directories of others, root's above all: CAP_DAC_OVERRIDE
 * @SAMPLE_NEED_SIGNALS: signal a process of another user: CAP_KILL
 * @SAMPLE_NEED_ADMIN: enter a network namespace, mount, get a map by its id: CAP_SYS_ADMIN
 * @SAMPLE_NEED_PROC: look into a process of another user: CAP_SYS_PTRACE
 * @SAMPLE_NEED_LOAD: what bpf(2) may ask for: the first three
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
