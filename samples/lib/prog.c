// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel tells of a program, whoever loaded it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "lib/prog.h"

/**
 * sample_prog_name() - the name of a program
 * @id: of the program
 * @name: takes it; "?": it has none, is gone, or may not be looked at
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
