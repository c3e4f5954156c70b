// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of bpf_ktime_get_ns(), for loaders: CLOCK_MONOTONIC of the initial time namespace
 * (time_namespaces(7)).
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
 * /proc/self/timens_offsets shows the offsets of the time namespace that children get. After
 * unshare(CLONE_NEWTIME) this is not the caller's own namespace. Before Linux 6.3, execve() did
 * not change that, so "unshare --time" without --fork starts programs in this state.
 */
static bool is_in_namespace_of_children(void)
{
	struct stat own, children;

	return !stat("/proc/self/ns/time", &own) &&
	       !stat("/proc/self/ns/time_for_children", &children) &&
	       own.st_ino == children.st_ino;
}

/* Offset that the time namespace of this process adds to CLOCK_MONOTONIC, in ns. */
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
 * sample_now() - current time on the clock of bpf_ktime_get_ns()
 *
 * In a time namespace, this is not the value of CLOCK_MONOTONIC. Give timers of this process
 * only differences between two times, not the time itself.
 *
 * Return: ns since some moment in the past; the clock stops while the machine is suspended.
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
 * True if somebody has set the time of day since the last call, and on the first call. When
 * CLOCK_REALTIME is set, the kernel cancels the timer, which would otherwise never expire.
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
 * sample_realtime() - convert bpf_ktime_get_ns() to time of day
 * @ns: time from bpf_ktime_get_ns() or sample_now()
 *
 * The offset between the two clocks is read once, and again after the time of day was set.
 * Differences between results therefore are exact.
 *
 * Return: ns since 1970-01-01 00:00 UTC, by the time of day as it is set now.
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
