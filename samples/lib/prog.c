// SPDX-License-Identifier: GPL-2.0
/*
 * Information about loaded BPF programs, also about those of other processes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "lib/prog.h"

/**
 * sample_prog_name() - name of a BPF program
 * @id: id of the program
 * @name: takes the name; "?" if the program has none, is gone, or this process lacks the right
 *	to see it
 */
void sample_prog_name(__u32 id, char name[SAMPLE_PROG_NAME])
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, SAMPLE_PROG_NAME, "?");
	if (fd < 0)
		return;
	if (!bpf_prog_get_info_by_fd(fd, &info, &len) && info.name[0])
		memcpy(name, info.name, SAMPLE_PROG_NAME);
	close(fd);
}
