// SPDX-License-Identifier: GPL-2.0
/* Which capabilities this process has, which ones it needs, and their names. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include "lib/util.h"
#include "lib/caps.h"

/* Inode of the initial user namespace: PROC_USER_INIT_INO in the kernel's proc_ns.h. */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU

/* In the order of messages. @admin: the kernel accepts CAP_SYS_ADMIN instead of @cap. */
static const struct {
	enum sample_need need;
	unsigned int cap;
	const char *name;
	bool admin;
} table[] = {
	{ SAMPLE_NEED_BPF, CAP_BPF, "BPF", true },
	{ SAMPLE_NEED_NET, CAP_NET_ADMIN, "NET_ADMIN", true },
	{ SAMPLE_NEED_NETLINK, CAP_NET_ADMIN, "NET_ADMIN", false },
	{ SAMPLE_NEED_PERFMON, CAP_PERFMON, "PERFMON", true },
	{ SAMPLE_NEED_PACKETS, CAP_NET_RAW, "NET_RAW", false },
	{ SAMPLE_NEED_FILES, CAP_DAC_OVERRIDE, "DAC_OVERRIDE", false },
	{ SAMPLE_NEED_SIGNALS, CAP_KILL, "KILL", false },
	{ SAMPLE_NEED_ADMIN, CAP_SYS_ADMIN, "SYS_ADMIN", false },
	{ SAMPLE_NEED_PROC, CAP_SYS_PTRACE, "SYS_PTRACE", false },
};

/**
 * sample_has_cap() - whether this process has a capability
 * @cap: a capability of capabilities(7), such as CAP_SYS_ADMIN
 *
 * Return: true if the capability is in the effective set, or if capget(2) fails.
 */
bool sample_has_cap(unsigned int cap)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &hdr, data))
		return true;
	return data[cap / 32].effective & (1U << (cap % 32));
}

static __u64 caps_of(unsigned int needs, bool admin)
{
	__u64 caps = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (needs & table[i].need && !(admin && table[i].admin))
			caps |= 1ULL << table[i].cap;
	}
	return caps;
}

/**
 * sample_caps_needed() - capabilities that a process needs for something
 * @needs: bits of enum sample_need
 *
 * Return: capabilities, as bits 1 << CAP_*.
 */
__u64 sample_caps_needed(unsigned int needs)
{
	return caps_of(needs, needs & SAMPLE_NEED_ADMIN);
}

/**
 * sample_caps_held() - capabilities that this process has
 *
 * Return: capabilities, as bits 1 << CAP_*; only those that an enum sample_need stands for.
 */
__u64 sample_caps_held(void)
{
	__u64 caps = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (sample_has_cap(table[i].cap))
			caps |= 1ULL << table[i].cap;
	}
	return caps;
}

/**
 * sample_caps_missing() - capabilities that this process needs but does not have
 * @needs: bits of enum sample_need
 *
 * Return: capabilities, as bits 1 << CAP_*.
 */
__u64 sample_caps_missing(unsigned int needs)
{
	bool admin = needs & SAMPLE_NEED_ADMIN || sample_has_cap(CAP_SYS_ADMIN);

	return caps_of(needs, admin) & ~sample_caps_held();
}

/**
 * sample_caps_join() - write the names of capabilities, with any separators
 * @caps: capabilities, as bits 1 << CAP_*
 * @before: text in front of each name
 * @sep: text between two names
 * @last: text in front of the last name, if it is not the first
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *sample_caps_join(__u64 caps, const char *before, const char *sep, const char *last,
			     char buf[SAMPLE_CAPS_LEN])
{
	const char *between = "";
	size_t len = 0;
	unsigned int i;

	*buf = '\0';
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (!(caps & (1ULL << table[i].cap)))
			continue;
		caps &= ~(1ULL << table[i].cap);
		if (len)
			between = caps ? sep : last;
		len += snprintf(buf + len, SAMPLE_CAPS_LEN - len, "%s%s%s", between, before,
				table[i].name);
	}
	return buf;
}

/**
 * sample_caps_text() - write the names of capabilities for a message
 * @caps: capabilities, as bits 1 << CAP_*
 * @buf: takes the text
 *
 * Return: @buf, for example "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON".
 */
const char *sample_caps_text(__u64 caps, char buf[SAMPLE_CAPS_LEN])
{
	return sample_caps_join(caps, "CAP_", ", ", " and ", buf);
}

/**
 * sample_in_user_namespace() - whether this process is outside of the initial user namespace
 *
 * Capabilities of another user namespace do not help with bpf(2), which wants them in the
 * initial one.
 *
 * Return: true if the process is in another user namespace.
 */
bool sample_in_user_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != FIRST_USER_NAMESPACE;
}
