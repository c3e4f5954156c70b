// SPDX-License-Identifier: GPL-2.0
/*
 * The event loop: one epoll waits for signals (signalfd), timers (timerfd), changes of
 * interfaces, and the file descriptor of the sample. sample_loop_init() blocks the signals, so
 * they interrupt no system call: there is no handler and no EINTR.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/output.h"
#include "lib/util.h"

static int signal_fd = -1;
static bool stopped;
static __u64 events_seen;

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	/* "ping | head -1": when head exits, detach everything before the sample exits. */
	sigaddset(set, SIGPIPE);
}

/**
 * sample_loop_init() - make signals end the loop instead of the process
 *
 * Call this before you attach anything, so that a signal cannot leave it behind.
 *
 * Return: 0 or a negative errno, which was printed.
 */
int sample_loop_init(void)
{
	sigset_t set;
	int err;

	stop_signals(&set);
	if (!sigprocmask(SIG_BLOCK, &set, NULL))
		signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0) {
		err = -errno;
		pr_err("failed to prepare signals: %s", strerror(-err));
		return err;
	}
	return 0;
}

/**
 * sample_loop_stop() - end the loop after the current callback
 */
void sample_loop_stop(void)
{
	stopped = true;
}

/**
 * sample_loop_stopped() - whether the loop is about to end
 *
 * Return: true after a signal, -d, -c or sample_loop_stop().
 */
bool sample_loop_stopped(void)
{
	return stopped;
}

/**
 * sample_count_reached() - count an event against -c
 *
 * Call this once for each event that was printed. After the event number -c, the loop ends.
 *
 * Return: true if no more events are wanted.
 */
bool sample_count_reached(void)
{
	if (!sample.count || ++events_seen < sample.count)
		return false;
	sample_loop_stop();
	return true;
}

/**
 * sample_count_is_full() - whether as many events were printed as -c allows
 *
 * When the loop ends, a ring buffer may still have events. After a signal or -d, print them;
 * if this function returns true, do not.
 *
 * Return: true if -c was given, and that number is reached.
 */
bool sample_count_is_full(void)
{
	return sample.count && events_seen >= sample.count;
}

/* Unblock the signals: if cleaning up should hang, a second signal kills the process. */
static void on_signal(void)
{
	sigset_t set;

	sample_loop_stop();
	stop_signals(&set);
	sigdelset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void read_signal(const struct sample_loop_ops *ops)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP && ops->hangup) {
		ops->hangup(ops->ctx);
		return;
	}
	if (info.ssi_signo == SIGPIPE)
		sample_reader_left();
	on_signal();
}

/* Make a timerfd; *fd is -1 if ns is 0. */
static int make_timer(__u64 ns, bool repeat, int *fd)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 },
	};

	*fd = -1;
	if (!ns)
		return 0;
	if (repeat)
		when.it_interval = when.it_value;
	*fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*fd < 0 || timerfd_settime(*fd, 0, &when, NULL))
		return -errno;
	return 0;
}

static int watch(int epoll_fd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return 0;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int dispatch(const struct sample_loop_ops *ops, int fd, int end_fd, int tick_fd)
{
	__u64 expired;

	if (fd == signal_fd) {
		read_signal(ops);
	} else if (fd == end_fd) {
		sample_loop_stop();
	} else if (fd == tick_fd) {
		if (read(fd, &expired, sizeof(expired)) == sizeof(expired) && ops->tick)
			ops->tick(ops->ctx);
	} else if (fd == sample_iface_fd()) {
		sample_iface_read();
		if (sample_iface_status())
			sample_loop_stop();
	} else if (!stopped) {
		return ops->readable(ops->ctx);
	}
	return 0;
}

static int wait_and_dispatch(const struct sample_loop_ops *ops, int epoll_fd, int end_fd,
			     int tick_fd)
{
	struct epoll_event ev[5];
	int i, n, err = 0;

	while (!stopped && !err) {
		sample_output_check();
		n = epoll_wait(epoll_fd, ev, ARRAY_SIZE(ev), -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n && !err; i++)
			err = dispatch(ops, ev[i].data.fd, end_fd, tick_fd);
	}
	return err;
}

static int watch_all(const struct sample_loop_ops *ops, int epoll_fd, int end_fd, int tick_fd)
{
	const int fds[] = { signal_fd, end_fd, tick_fd, ops->fd, sample_iface_fd() };
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		err = watch(epoll_fd, fds[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * sample_loop_run() - wait for events until a signal, -d, -c, an error, or until the last
 *	watched interface is gone (lib/iface.c)
 * @ops: the sample's callbacks
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_loop_run(const struct sample_loop_ops *ops)
{
	int epoll_fd, end_fd = -1, tick_fd = -1;
	int err = 0;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0) {
		err = -errno;
		goto out;
	}
	err = make_timer(sample.duration_ns, false, &end_fd);
	if (err)
		goto close_fds;
	err = make_timer(sample.interval_ns, true, &tick_fd);
	if (err)
		goto close_fds;
	err = watch_all(ops, epoll_fd, end_fd, tick_fd);
	if (!err)
		err = wait_and_dispatch(ops, epoll_fd, end_fd, tick_fd);

close_fds:
	if (tick_fd >= 0)
		close(tick_fd);
	if (end_fd >= 0)
		close(end_fd);
	close(epoll_fd);
out:
	if (err)
		pr_err("failed to wait for events: %s", strerror(-err));
	return err ? err : sample_iface_status();
}
