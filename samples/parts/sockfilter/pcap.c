// SPDX-License-Identifier: GPL-2.0
/*
 * All uses of libpcap: write pcap files, with times in ns, and compile expressions. Only this
 * file includes pcap.h, because its names clash with those of libbpf's headers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pcap.h>
#include <linux/filter.h>
#include <linux/types.h>
#include "lib/log.h"
#include "lib/output.h"
#include "parts/sockfilter/user.h"

enum {
	OUT_BUFFER = 1024 * 1024,
};

static struct {
	const char *path;
	FILE *file;
	pcap_dumper_t *dumper;
	pcap_t *dead;
	int write_err;
	int err;
} out;

/*
 * For "-w -": write the pcap file to the stdout of the process, and redirect our own text on
 * stdout, the ready line and the summary, to stderr.
 */
static FILE *take_stdout(void)
{
	int err, fd = dup(STDOUT_FILENO);
	FILE *file;

	if (fd < 0)
		return NULL;
	file = fdopen(fd, "w");
	if (file && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		return file;
	err = errno;
	if (file)
		fclose(file);
	else
		close(fd);
	errno = err;
	return NULL;
}

static int out_failed(const char *what, int err)
{
	pr_err("failed to %s %s: %s", what, out.path, strerror(err));
	if (out.file)
		sample_hint_file(fileno(out.file), err);
	return -err;
}

/**
 * pcap_out_open() - start a pcap file
 * @path: path of the file, or "-" for stdout
 * @snaplen: maximum number of bytes of a packet
 *
 * Return: 0, or a negative errno, which was printed.
 */
int pcap_out_open(const char *path, __u32 snaplen)
{
	bool is_stdout = !strcmp(path, "-");

	out.path = is_stdout ? "stdout" : path;
	if (is_stdout && isatty(STDOUT_FILENO)) {
		pr_err("failed to write to stdout: a terminal is no place for binary data");
		pr_hint("-w FILE, or -w - | tcpdump -r -");
		return -EINVAL;
	}
	out.file = is_stdout ? take_stdout() : fopen(path, "we");
	if (!out.file)
		return out_failed("open", errno);
	setvbuf(out.file, NULL, _IOFBF, OUT_BUFFER);
	errno = 0;
	out.dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, snaplen,
							PCAP_TSTAMP_PRECISION_NANO);
	if (out.dead)
		out.dumper = pcap_dump_fopen(out.dead, out.file);
	if (!out.dumper)
		return out_failed("write", errno ?: ENOMEM);
	/* Write the file header now: a program that reads the pipe waits for it. */
	return pcap_out_flush();
}

/* Keep the first error: stdio may write, and fail, long before pcap_out_flush(). */
static void keep_error(void)
{
	if (!out.write_err && ferror(out.file))
		out.write_err = errno ?: EIO;
}

/**
 * pcap_out_write() - add a packet
 * @pkt: the packet
 */
void pcap_out_write(const struct packet *pkt)
{
	struct pcap_pkthdr hdr = {
		.ts = {
			.tv_sec = pkt->ts_ns / 1000000000,
			/* The file header says that this field has ns. */
			.tv_usec = pkt->ts_ns % 1000000000,
		},
		.caplen = pkt->caplen,
		.len = pkt->len,
	};

	errno = 0;
	pcap_dump((unsigned char *)out.dumper, &hdr, pkt->data);
	keep_error();
}

/**
 * pcap_out_flush() - write out the buffer
 *
 * Return: 0, or a negative errno, which was printed once. -EPIPE was not printed: the reader has
 * closed the pipe, which ends the sample but is no failure.
 */
int pcap_out_flush(void)
{
	if (!out.dumper || out.err)
		return out.err;
	errno = 0;
	pcap_dump_flush(out.dumper);
	keep_error();
	if (out.write_err)
		out.err = out.write_err == EPIPE ? -EPIPE : out_failed("write", out.write_err);
	return out.err;
}

/**
 * pcap_out_close() - write out the buffer and close the file
 *
 * Return: 0, or a negative errno, which was printed.
 */
int pcap_out_close(void)
{
	int err = pcap_out_flush();

	if (out.dumper)
		pcap_dump_close(out.dumper);
	else if (out.file)
		fclose(out.file);
	if (out.dead)
		pcap_close(out.dead);
	memset(&out, 0, sizeof(out));
	return err == -EPIPE ? 0 : err;
}

/* Netmask for the expression "ip broadcast". @ifname is NULL if there are several interfaces. */
static bpf_u_int32 netmask(const char *ifname)
{
	char why[PCAP_ERRBUF_SIZE];
	bpf_u_int32 net, mask;

	if (!ifname || pcap_lookupnet(ifname, &net, &mask, why))
		return PCAP_NETMASK_UNKNOWN;
	return mask;
}

/**
 * pcap_out_expr() - compile an expression into classic BPF
 * @text: expression of tcpdump, see pcap-filter(7)
 * @snaplen: what the program returns for a packet that it matches
 * @ifname: interface whose netmask "ip broadcast" uses, or NULL
 * @insns: takes the program; the caller must free() it
 * @n: takes the number of instructions
 * @why: takes a message if the expression is wrong
 * @size: size of @why
 *
 * Return: 0, -EINVAL: see @why, or -ENOMEM.
 */
int pcap_out_expr(const char *text, __u32 snaplen, const char *ifname,
		  struct sock_filter **insns, unsigned int *n, char *why, size_t size)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, snaplen);
	struct bpf_program prog = {};
	int err = -ENOMEM;

	if (!dead)
		return err;
	if (pcap_compile(dead, &prog, text, 1, netmask(ifname))) {
		snprintf(why, size, "%s", pcap_geterr(dead));
		err = -EINVAL;
	} else {
		*insns = calloc(prog.bf_len, sizeof(**insns));
		if (*insns) {
			/* struct bpf_insn of libpcap has the same layout as struct sock_filter. */
			memcpy(*insns, prog.bf_insns, prog.bf_len * sizeof(**insns));
			*n = prog.bf_len;
			err = 0;
		}
		pcap_freecode(&prog);
	}
	pcap_close(dead);
	return err;
}
