// SPDX-License-Identifier: GPL-2.0
/*
 * Finds out what this kernel can do by trying it: load a program of
 * each type, attach it at each kind of hook, run it, take it away again.
 *
 *	doctor_probe		probe the kernel
 *	doctor_probe -i IF	XDP side of one interface
 *	doctor_probe -a		the same, one line for each interface but lo
 *	doctor_probe -m NAME	bpffs or tracefs: is it mounted, or can samples mount it
 *
 * Prints a line on stdout for each result, which doctor.sh reads:
 *
 *	name <TAB> ok|warn|fail <TAB> text <TAB> cure
 *
 * All attaching happens in a network namespace of its own that ends with the
 * process. tracefs and securityfs, where nobody mounted them, are mounted in
 * a mount namespace of its own. Interfaces of the host are only read.
 */
#include <bpf/btf.h>

#include "probe.h"

static void probe_kernel(void)
{
	const char *tracefs = probe_tracefs();
	struct btf *btf = probe_load();

	probe_printk(tracefs);
	probe_tracing(btf, tracefs);
	probe_attach();
	btf__free(btf);
}

int main(int argc, char **argv)
{
	/* No messages of libbpf: it guesses at causes, and often wrong (ulimit -l). */
	libbpf_set_print(NULL);
	if (argc == 3 && !strcmp(argv[1], "-i")) {
		probe_interface(argv[2]);
	} else if (argc == 2 && !strcmp(argv[1], "-a")) {
		probe_interfaces();
	} else if (argc == 1) {
		probe_kernel();
	} else if (argc != 3 || strcmp(argv[1], "-m") || !probe_mount(argv[2])) {
		fprintf(stderr, "Usage: doctor_probe [-a | -i IF | -m bpffs | -m tracefs]\n");
		return 2;
	}
	return 0;
}
