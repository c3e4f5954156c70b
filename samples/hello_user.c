// SPDX-License-Identifier: GPL-2.0
/*
 * hello: attach hello_kern.c, and show what it prints into the trace pipe.
 *
 * Every loader has the same steps as main() and its two helpers here: open and load the
 * programs, attach them, wait in a loop, detach them, print a summary, destroy them.
 */
#include <errno.h>
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/trace.h"
#include "lib/xdp.h"
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

static void print_summary(const struct sample_trace *trace)
{
	if (!trace->lines)
		pr_info("no ICMP packet came in: XDP sees what the other end of the wire sends");
	sample_trace_summary(trace);
}

static int attach_and_loop(struct hello_kern *skel, struct sample_trace *trace)
{
	struct sample_loop_ops ops = {
		.fd = trace->fd,
		.readable = sample_trace_show,
		.ctx = trace,
	};
	struct sample_xdp xdp = {};
	int err;

	/* Attach to each interface of -i. The kernel detaches the program if this process dies. */
	err = sample_xdp_attach(&xdp, skel->progs.hello);
	if (err)
		return err;
	pr_info("reading %s/trace_pipe", trace->dir);
	sample_xdp_ready(&xdp);

	/* Runs until Ctrl-C, -d or -c. */
	err = sample_loop_run(&ops);
	sample_xdp_detach(&xdp);
	print_summary(trace);
	return err;
}

static int load_and_run(struct sample_trace *trace)
{
	struct hello_kern *skel;
	int err;

	/* The skeleton hello.skel.h contains hello_kern.o as a struct; bpftool makes it. */
	skel = hello_kern__open_and_load();
	if (!skel)
		return sample_load_failed("hello", -errno);
	err = attach_and_loop(skel, trace);
	hello_kern__destroy(skel);
	return sample_exit_status(err);
}

int main(int argc, char **argv)
{
	struct sample_trace trace;
	int status;

	/* Parse the options, set up signals and messages, enter the network namespace of -n. */
	sample_init(&info, argc, argv);
	if (sample_trace_open(&trace, "Hello*"))
		return SAMPLE_FAILED;
	status = load_and_run(&trace);
	sample_trace_close(&trace);
	return status;
}
