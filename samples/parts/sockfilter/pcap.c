// SPDX-License-Identifier: GPL-2.0
/*
 * What libpcap does here: write files in its format, with times in ns, and
 * compile expressions. Its names clash with those of libbpf: no other file
 * includes its header.
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
 * "-w -": the file takes the place of stdout, and what would have gone there,
 * the ready line and the summary, goes to stderr.
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
 * @path: its name, or "-": stdout
 * @snaplen: most bytes of a packet
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
	/* The header goes out now: a reader in a pipe waits for it. */
	return pcap_out_flush();
}

/* The first error: it may come in the middle of a packet, long before the buffer is flushed. */
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
			/* ns, as the header of the file says. */
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
 * pcap_out_flush() - write out what is in the buffer
 *
 * Return: 0, or a negative errno, which was printed, once. EPIPE was not: nobody
 * reads any more, which ends the sample but is no failure.
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
 * pcap_out_close() - end the file
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

/* "ip broadcast" needs the netmask. With several interfaces there is not one: @ifname is NULL. */
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
 * @ifname: interface whose netmask counts, or NULL
 * @insns: the program; free() it
 * @n: its length
 * @why: what is wrong with the expression
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
			/* The same, by the kernel's name for it. */
			memcpy(*insns, prog.bf_insns, prog.bf_len * sizeof(**insns));
			*n = prog.bf_len;
			err = 0;
		}
		pcap_freecode(&prog);
	}
	pcap_close(dead);
	return err;
}
