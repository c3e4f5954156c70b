// SPDX-License-Identifier: GPL-2.0
/*
 * wait_save DIR: wait until a file in DIR is saved, then exit. Editors write into the file or
 * rename another file to its name: both count. "ready" on stdout: watching has begun.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static int is_source(const struct inotify_event *event)
{
	const char *dot = event->len ? strrchr(event->name, '.') : NULL;

	return dot && !strcmp(dot, ".c");
}

int main(int argc, char **argv)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buf;
	const struct inotify_event *event;
	int fd = inotify_init1(IN_CLOEXEC);
	ssize_t n, at;

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
	while ((n = read(fd, &buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += sizeof(*event) + event->len) {
			event = (const void *)(buf.bytes + at);
			if (is_source(event))
				return 0;
		}
	}
	return 1;
}
