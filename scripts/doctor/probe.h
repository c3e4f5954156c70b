/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of doctor_probe share. Functions that return int return a
 * negative errno when they fail.
 */
#ifndef NETBPF_DOCTOR_PROBE_H
#define NETBPF_DOCTOR_PROBE_H

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/capability.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/caps.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

struct btf;

/* --- probe_row.c --- */

enum status { OK, WARN, FAIL };

void row(const char *name, enum status status, const char *cure,
	 const char *fmt, ...) __printf(4, 5);
bool result(const char *name, int err, enum status bad, const char *cure,
	    const char *good, const char *fmt, ...) __printf(6, 7);
void add_word(char *list, size_t size, const char *separator, const char *word);

void rows_need(unsigned int needs);
const char *from_env(const char *name, const char *otherwise);
const char *cure_of(int err, const char *otherwise);

const char *path(const char *fmt, ...) __printf(1, 2);
ssize_t read_file(const char *name, char *buf, size_t size);
int write_file(const char *name, const char *text);

/* --- probe_prog.c --- */

int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count,
	 struct bpf_prog_load_opts *opts);
int load_ret(enum bpf_prog_type type, int ret, struct bpf_prog_load_opts *opts);
int test_run(int prog);

/* For BPF programs that are written by hand, one instruction after the other. */
#define INSN(c, d, s, o, i) ((struct bpf_insn) {			\
	.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOV_IMM(d, i)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define EXIT()		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* --- probe_link.c --- */

enum xdp_mode { XDP_NATIVE, XDP_GENERIC, XDP_HARDWARE, XDP_MODES };

/**
 * struct link - what the kernel reports about an interface
 * @name: its name
 * @kind: veth, bridge, ...; empty for hardware
 * @mtu: its MTU
 * @peer: ifindex of the other end or the lower device, 0 if there is none
 * @nsid: id of the network namespace that @peer is in, -1 if @peer is in this one
 * @xdp: id of the program in each mode, or 0
 */
struct link {
	char name[IF_NAMESIZE];
	char kind[16];
	__u32 mtu;
	__u32 peer;
	int nsid;
	__u32 xdp[XDP_MODES];
};

int get_link(struct link *link, int ifindex, int nsid);
int find_link(const char *name);
int add_veth(const char *name);

/* --- the probes --- */

struct btf *probe_load(void);
const char *probe_tracefs(void);
void probe_printk(const char *tracefs);
void probe_tracing(const struct btf *btf, const char *tracefs);
void probe_attach(void);
void probe_interface(const char *name);
void probe_interfaces(void);
bool probe_mount(const char *name);

#endif
