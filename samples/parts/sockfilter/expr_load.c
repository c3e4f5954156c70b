// SPDX-License-Identifier: GPL-2.0
/*
 * The tcpdump expression of the command line: compile it with libpcap, translate it twice
 * (expr.c), and load both translations.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/filter.h>
#include "lib/config.h"
#include "lib/log.h"
#include "parts/sockfilter/user.h"

/* Join the arguments with spaces. */
static char *join_operands(void)
{
	size_t len = 1;
	char *text;
	int i;

	for (i = 0; sample.operands[i]; i++)
		len += strlen(sample.operands[i]) + 1;
	text = calloc(1, len);
	for (i = 0; text && sample.operands[i]; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, sample.operands[i]);
	}
	return text;
}

/**
 * expr_compile() - compile the expression on the command line into classic BPF
 * @snaplen: number of bytes to keep of each packet
 * @insns: takes the program; the caller must free() it
 * @n: takes the number of instructions
 *
 * Return: enum sample_exit; an error was printed. SAMPLE_USAGE for a wrong expression.
 */
int expr_compile(__u32 snaplen, struct sock_filter **insns, unsigned int *n)
{
	const char *ifname = sample.n_ifnames == 1 ? sample.ifnames[0] : NULL;
	char why[256] = "", *text = join_operands();
	int err = -ENOMEM;

	if (text)
		err = pcap_out_expr(text, snaplen, ifname, insns, n, why, sizeof(why));
	if (err == -EINVAL) {
		pr_err("expression '%s': %s", text, why);
		pr_hint("man 7 pcap-filter");
	} else if (err) {
		pr_err("failed to compile the expression: %s", strerror(-err));
	}
	free(text);
	if (!err)
		return SAMPLE_OK;
	return err == -EINVAL ? SAMPLE_USAGE : SAMPLE_FAILED;
}

static int load_translated(int map_fd, __u32 slot, const struct bpf_insn *insns, unsigned int n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	static char log[64 * 1024];
	int fd, err = 0;

	if (sample.verbose) {
		opts.log_buf = log;
		opts.log_size = sizeof(log);
		opts.log_level = 1;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "sockf_expr", "GPL", insns, n, &opts);
	if (fd < 0) {
		fprintf(stderr, "%s", log);
		return fd;
	}
	if (bpf_map_update_elem(map_fd, &slot, &fd, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

/**
 * expr_load() - load both translations of a classic program
 * @map_fd: the program array for the tail calls of the filter
 * @classic: the classic program
 * @n_classic: number of classic instructions
 *
 * Return: 0, or a negative errno, which was printed.
 */
int expr_load(int map_fd, const struct sock_filter *classic, unsigned int n_classic)
{
	struct bpf_insn *insns;
	unsigned int n;
	__u32 slot;
	int err = 0;

	for (slot = 0; slot < __SOCKFILTER_EXPR_MAX && !err; slot++) {
		err = expr_translate(classic, n_classic, slot == SOCKFILTER_EXPR_TAGGED, &insns,
				     &n);
		if (err)
			break;
		err = load_translated(map_fd, slot, insns, n);
		free(insns);
	}
	if (!err)
		return 0;
	if (err == -EINVAL && slot == SOCKFILTER_EXPR_PLAIN) {
		pr_err("failed to load the expression: it has a loop, which no filter in the kernel may have");
		pr_hint("for protochain: --proto, which looks behind extension headers");
		return err;
	}
	pr_err("failed to load the expression, %u instructions: %s", n_classic, strerror(-err));
	pr_hint(err == -E2BIG ? "a shorter expression" :
		"-v shows the messages of the verifier");
	return err;
}
