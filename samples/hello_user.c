// SPDX-License-Identifier: GPL-2.0
/*
 * hello: attach hello_kern.c, and show what it prints into the trace pipe.
 *
 * The kernel writes such a line for each bpf_printk():
 *
 *	ping-4711    [001] ..s2.  8236.153121: bpf_trace_printk: Hello ping
 *
 * task and pid of whatever ran on that CPU, the CPU, flags, seconds since boot,
 * the text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sample.h"
#include "hello.skel.h"

static const struct sample_info info = {
	.name = "hello",
	.summary = "Print \"Hello ping\" for each ICMP packet, from XDP, and let all packets pass.",
	.examples =
"  @                      loopback; in a second terminal: ping 127.0.0.1\n"
"  @ -i eth0 -c 10        stop after 10 packets\n"
"  @ -n netbpf-pair-host -i eth0   in the lab (@lab up)\n",
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_MODE | SAMPLE_OPT_COUNT,
	.default_iface = "lo",
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_PERFMON,
};

#define PRINTK_MARK ": bpf_trace_printk: "

/* A line of the trace pipe that may have come in pieces. */
struct reader {
	struct sample_trace trace;
	char line[512];
	size_t len;
	__u64 lines;
	__u64 lost;
};

/* The number in front of the text, 0 if there is none: "...  8236.153121". */
static double parse_time(const char *head)
{
	const char *space = strrchr(head, ' ');

	return space ? strtod(space, NULL) : 0;
}

static unsigned int parse_cpu(const char *head)
{
	const char *bracket = strchr(head, '[');

	return bracket ? strtoul(bracket + 1, NULL, 10) : 0;
}

static void show_json(char *line, char *text)
{
	json_writer_t *json;

	*text = '\0';
	json = sample_json_begin("trace");
	jsonw_uint_field(json, "ts_ns", sample_realtime(parse_time(line) * 1e9));
	jsonw_uint_field(json, "cpu", parse_cpu(line));
	jsonw_string_field(json, "text", text + strlen(PRINTK_MARK));
	sample_json_end(json);
}

/* "CPU:1 [LOST 12 EVENTS]": the trace buffer was full. */
static void count_lost(struct reader *reader)
{
	const char *mark = strstr(reader->line, "[LOST ");

	if (mark)
		reader->lost += strtoull(mark + strlen("[LOST "), NULL, 10);
}

/* A whole line; true if it is the last that is wanted. */
static bool show(struct reader *reader)
{
	char *text;

	reader->line[reader->len] = '\0';
	reader->len = 0;
	text = strstr(reader->line, PRINTK_MARK);
	if (!text) {
		count_lost(reader);
		return false;
	}
	reader->lines++;
	if (sample.json && !sample.quiet)
		show_json(reader->line, text);
	else if (!sample.quiet)
		puts(reader->line);
	return sample_count_reached();
}

static int on_trace(void *ctx)
{
	struct reader *reader = ctx;
	char buf[4096];
	ssize_t i, n;

	n = read(reader->trace.fd, buf, sizeof(buf));
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (reader->len < sizeof(reader->line) - 1)
				reader->line[reader->len++] = buf[i];
			continue;
		}
		if (show(reader))
			break;
	}
	return 0;
}

static void print_summary(const struct reader *reader)
{
	json_writer_t *json;

	if (!reader->lines)
		pr_info("no ICMP packet came in: XDP sees what the other end of the wire sends");
	if (!sample.json) {
		printf("summary: %llu lines traced, %llu lost\n", reader->lines, reader->lost);
		return;
	}
	json = sample_json_begin("summary");
	jsonw_uint_field(json, "lines", reader->lines);
	jsonw_uint_field(json, "lost", reader->lost);
	sample_json_end(json);
}

static int attach_and_loop(struct hello_kern *skel, struct reader *reader)
{
	struct sample_loop_ops ops = { .readable = on_trace, .fd = reader->trace.fd,
				       .ctx = reader };
	struct sample_xdp xdp = {};
	int err;

	err = sample_xdp_attach(&xdp, skel->progs.hello);
	if (err)
		return err;
	pr_info("reading %s/trace_pipe", reader->trace.dir);
	sample_xdp_ready(&xdp);
	err = sample_loop_run(&ops);
	sample_xdp_detach(&xdp);
	print_summary(reader);
	return err;
}

static int load_and_run(struct reader *reader)
{
	struct hello_kern *skel;
	int err;

	skel = hello_kern__open_and_load();
	if (!skel)
		return sample_load_failed("hello", -errno);
	err = attach_and_loop(skel, reader);
	hello_kern__destroy(skel);
	return sample_exit_status(err);
}

int main(int argc, char **argv)
{
	struct reader reader = {};
	int status;

	sample_init(&info, argc, argv);
	if (sample_trace_open(&reader.trace, "Hello*"))
		return SAMPLE_FAILED;
	status = load_and_run(&reader);
	sample_trace_close(&reader.trace);
	return status;
}
