// SPDX-License-Identifier: GPL-2.0
/* Load and run BPF programs that are written by hand. */
#include "probe.h"

/* Load a program. Returns its fd. */
int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count,
	 struct bpf_prog_load_opts *opts)
{
	return bpf_prog_load(type, "netbpf_doctor", "GPL", insns, count, opts);
}

/* Load a program that does nothing but return RET. Returns its fd. */
int load_ret(enum bpf_prog_type type, int ret, struct bpf_prog_load_opts *opts)
{
	const struct bpf_insn insns[] = { MOV_IMM(BPF_REG_0, ret), EXIT() };

	return load(type, insns, ARRAY_SIZE(insns), opts);
}

/* Run PROG once on a frame of zeros. Returns its verdict. */
int test_run(int prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char frame[64] = "";
	int err;

	opts.data_in = frame;
	opts.data_size_in = sizeof(frame);
	opts.repeat = 1;
	err = bpf_prog_test_run_opts(prog, &opts);
	return err ? : (int)opts.retval;
}
