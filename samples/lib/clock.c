// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of BPF programs, bpf_ktime_get_ns(): CLOCK_MONOTONIC as it is outside of all
 * time namespaces (time_namespaces(7)). It is the clock of the loaders, too.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <stdbool.h>
#include "lib/clock.h"

#define NS_PER_SEC 1000000000LL

static __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/*
 * The file tells of the namespace that children get. Only behind unshare() is that another
 * one: before Linux 6.3 also in a program that "unshare --time" without --fork has started,
 * which has stayed outside.
 */
static bool is_in_namespace_of_children(void)
{
	struct stat own, children;

	return !stat("/proc/self/ns/time", &own) &&
	       !stat("/proc/self/ns/time_for_children", &children) &&
	       own.st_ino == children.st_ino;
}

/* What the time namespace adds to CLOCK_MONOTONIC, in ns. */
static __s64 read_offset(void)
{
	long long sec, ns;
	FILE *file;
	int n;

	if (!is_in_namespace_of_children())
		return 0;
	file = fopen("/proc/self/timens_offsets", "re");
	if (!file)
		return 0;
	n = fscanf(file, "monotonic %lld %lld", &sec, &ns);
	fclose(file);
	return n == 2 ? sec * NS_PER_SEC + ns : 0;
}

/**
 * sample_now() - the time, as bpf_ktime_get_ns() tells it
 *
 * In a time namespace CLOCK_MONOTONIC is another time: for timers of this process only
 * differences between two times are good.
 *
 * Return: ns since some moment in the past; it stands still while the machine sleeps.
 */
__u64 sample_now(void)
{
	static __s64 offset;
	static bool is_known;

	if (!is_known)
		offset = read_offset();
	is_known = true;
	return clock_ns(CLOCK_MONOTONIC) - offset;
}

/*
 * The time of day was set since the last call, or this is the first one. It is an alarm at
 * the end of all time that tells: the kernel cancels it when the clock makes a step.
 */
static bool clock_was_set(void)
{
	const struct itimerspec end = { .it_value.tv_sec = LONG_MAX };
	static int fd = -1;
	__u64 expired;

	if (fd >= 0)
		return read(fd, &expired, sizeof(expired)) < 0 && errno == ECANCELED;
	fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0)
		timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &end, NULL);
	return true;
}

/**
 * sample_realtime() - bpf_ktime_get_ns() as time of day
 * @ns: of bpf_ktime_get_ns() or sample_now()
 *
 * Return: ns since 1970-01-01 00:00 UTC, by the clock as it is set now; while nobody sets
 * it, times differ by what passed between them.
 */
__u64 sample_realtime(__u64 ns)
{
	static __u64 offset;
	__u64 now;

	if (clock_was_set()) {
		now = sample_now();
		offset = clock_ns(CLOCK_REALTIME) - now;
	}
	return ns + offset;
}
