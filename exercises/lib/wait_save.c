// SPDX-License-Identifier: GPL-2.0
/*
 * wait_save DIR: wait until a file in DIR is saved, then exit. Editors write into the file or
 * rename another file to its name: both count. "ready" on stdout: watching has begun. It also ends
 * when nobody reads its stdout any more: whoever waited is gone, however it ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static int is_source(const struct inotify_event *event)
{
	const char *dot = event->len ? strrchr(event->name, '.') : NULL;

	return dot && !strcmp(dot, ".c");
}

/* Wait for events in the directory; false: the reader of stdout is gone. */
static bool wait_event(int fd)
{
	/* POLLERR needs no asking: the other end of the pipe is closed. */
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return !fds[1].revents;
}

/* Read the events that are there; true if one of them is a save. */
static bool saved(int fd)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buf;
	const struct inotify_event *event;
	ssize_t n = read(fd, &buf, sizeof(buf)), at;

	for (at = 0; at < n; at += sizeof(*event) + event->len) {
		event = (const void *)(buf.bytes + at);
		if (is_source(event))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (argc != 2) {
		fprintf(stderr, "Usage: wait_save DIR\n");
		return 2;
	}
	if (fd < 0 || inotify_add_watch(fd, argv[1], IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
		fprintf(stderr, "wait_save: failed to watch %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (wait_event(fd))
		if (saved(fd))
			return 0;
	return 1;
}
