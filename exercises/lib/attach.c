// SPDX-License-Identifier: GPL-2.0
/* Attach the learner's program to interfaces, and answer lines, until standard input ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_packet.h>
#include "course.h"

/* TC: a filter of clsact, which kernels without tcx have, too. */
static int attach_tc(struct bpf_program *prog, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(prog));
	int err = bpf_tc_hook_create(&hook);

	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &opts);
}

static int attach_socket(struct bpf_program *prog, int ifindex)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), prog_fd = bpf_program__fd(prog);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return 0;
}

/* What is attached goes with this process: links and sockets by themselves. */
static int attach(struct bpf_program *prog, int ifindex)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_XDP:
		return bpf_program__attach_xdp(prog, ifindex) ? 0 : -errno;
	case BPF_PROG_TYPE_SCHED_CLS:
		return attach_tc(prog, ifindex);
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return attach_socket(prog, ifindex);
	default:
		return bpf_program__attach(prog) ? 0 : -errno;
	}
}

static int attach_all(struct course *course, char *const *ifnames)
{
	unsigned int ifindex;
	int err;

	for (; *ifnames; ifnames++) {
		ifindex = if_nametoindex(*ifnames);
		err = ifindex ? attach(course->prog, ifindex) : -ENODEV;
		if (err) {
			printf("the program cannot be attached to %s: %s\n", *ifnames,
			       strerror(-err));
			return err;
		}
	}
	return 0;
}

int course_attach(struct course *course, char *const *ifnames)
{
	char line[256];
	int err = attach_all(course, ifnames);

	if (err)
		return err;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!exercise.told) {
			course_print_map(course, line);
			continue;
		}
		exercise.told(course, line);
		puts("done");
	}
	return 0;
}
