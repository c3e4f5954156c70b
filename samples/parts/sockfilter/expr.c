// SPDX-License-Identifier: GPL-2.0
/*
 * Translate a tcpdump expression into an eBPF program. libpcap compiles the expression into a
 * classic BPF program, but a socket has only one filter, which is sockfilter_kern.c already. So
 * this file translates the classic program into eBPF, instruction by instruction, as the kernel
 * does with a classic filter. sockfilter_kern.c ends with a tail call to the translation.
 *
 * Registers: A is R0, X is R7, M[i] is on the stack. R6 is the context, as LD_ABS and LD_IND
 * require. R8 and R9 are scratch registers. A load beyond the end of the packet by LD_ABS or
 * LD_IND ends the program with 0, as in classic BPF.
 *
 * libpcap expects the VLAN tag in the frame, but the kernel keeps the outer tag outside of the
 * frame, in __sk_buff.vlan_tci. So there are two translations. In the one for tagged packets,
 * loads from the offsets 12 to 15 return the tag, and loads from later offsets use an offset
 * that is 4 lower.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include "parts/sockfilter/user.h"

enum {
	REG_A = BPF_REG_0,
	REG_X = BPF_REG_7,
	REG_CTX = BPF_REG_6,
	REG_T = BPF_REG_8,
	REG_U = BPF_REG_9,
	/* Offset of a VLAN tag in a frame, and its length. */
	TAG_AT = 12,
	TAG_LEN = 4,
	TAG_END = TAG_AT + TAG_LEN,
	/* Upper limit of eBPF instructions per classic instruction. */
	INSNS_MAX_EACH = 40,
	PROLOGUE_MAX = 24,
};

/**
 * struct xlat - state of a translation
 * @from: classic program
 * @n_from: number of classic instructions
 * @tagged: translate for packets whose VLAN tag is in __sk_buff.vlan_tci
 * @insns: eBPF program
 * @n: number of eBPF instructions so far
 * @start: for each classic instruction, the index of its first eBPF instruction; after the last
 *	one, the index of the end, which returns 0
 * @target: for each eBPF instruction that jumps to a classic one, the index of that classic
 *	instruction plus 1; 0 for all others
 * @pc: index of the classic instruction that is being translated
 * @uses_end: some instruction jumps to the end
 */
struct xlat {
	const struct sock_filter *from;
	unsigned int n_from;
	bool tagged;
	struct bpf_insn *insns;
	unsigned int n;
	unsigned int *start;
	unsigned int *target;
	unsigned int pc;
	bool uses_end;
};

static void put(struct xlat *x, __u8 code, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	x->insns[x->n++] = (struct bpf_insn) {
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

/* Classic BPF computes with 32 bits. */
static void put_alu(struct xlat *x, __u8 op, __u8 dst, __s32 imm)
{
	put(x, BPF_ALU | op | BPF_K, dst, 0, 0, imm);
}

static void put_alu_reg(struct xlat *x, __u8 op, __u8 dst, __u8 src)
{
	put(x, BPF_ALU | op | BPF_X, dst, src, 0, 0);
}

/* Put a jump to the translation of the classic instruction @to; fix_jumps() sets the offset. */
static void put_jump(struct xlat *x, __u8 code, __u8 dst, __u8 src, __s32 imm, unsigned int to)
{
	x->target[x->n] = to + 1;
	put(x, code, dst, src, 0, imm);
}

static void put_jump_end(struct xlat *x, __u8 code, __u8 dst, __s32 imm)
{
	x->uses_end = true;
	put_jump(x, code, dst, 0, imm, x->n_from);
}

/*
 * Always jump to the end, but by a conditional jump (A >= 0, unsigned): the verifier would refuse
 * the code after an unconditional jump as unreachable.
 */
static void put_end(struct xlat *x)
{
	put_jump_end(x, BPF_JMP32 | BPF_JGE | BPF_K, REG_A, 0);
}

/* Put a jump within the translation of one instruction; skip_to_here() sets its offset. */
static unsigned int put_skip(struct xlat *x, __u8 code, __u8 dst, __s32 imm)
{
	put(x, code, dst, 0, 0, imm);
	return x->n - 1;
}

static void skip_to_here(struct xlat *x, unsigned int jump)
{
	x->insns[jump].off = x->n - jump - 1;
}

static unsigned int size_of(__u16 code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	default:
		return 4;
	}
}

/* dst = (EtherType of the tag) << 16 | TCI: the tag in the frame, read as a big-endian word. */
static void put_tag(struct xlat *x, __u8 dst, __u8 scratch)
{
	put(x, BPF_LDX | BPF_MEM | BPF_W, dst, REG_CTX, offsetof(struct __sk_buff, vlan_proto), 0);
	put(x, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, 16);
	put(x, BPF_LDX | BPF_MEM | BPF_W, scratch, REG_CTX, offsetof(struct __sk_buff, vlan_tci),
	    0);
	put_alu(x, BPF_LSH, dst, 16);
	put_alu_reg(x, BPF_OR, dst, scratch);
}

/* A = packet[at], if some of the bytes are in the tag: put the value together byte by byte. */
static void put_load_tag(struct xlat *x, __u32 at, unsigned int size)
{
	__u32 off;

	put_alu(x, BPF_MOV, REG_T, 0);
	for (off = at; off < at + size; off++) {
		if (off >= TAG_AT && off < TAG_END) {
			put_tag(x, REG_A, REG_U);
			put_alu(x, BPF_RSH, REG_A, 8 * (TAG_END - 1 - off));
			put_alu(x, BPF_AND, REG_A, 0xff);
		} else {
			put(x, BPF_LD | BPF_ABS | BPF_B, 0, 0, 0,
			    off < TAG_AT ? off : off - TAG_LEN);
		}
		put_alu(x, BPF_LSH, REG_T, 8);
		put_alu_reg(x, BPF_OR, REG_T, REG_A);
	}
	put_alu_reg(x, BPF_MOV, REG_A, REG_T);
}

/* A = packet[k] */
static void put_abs(struct xlat *x, __u16 code, __u32 k)
{
	unsigned int size = size_of(code);

	/* The kernel treats negative offsets as special, libpcap as beyond the packet. */
	if (k > INT_MAX - TAG_LEN)
		put_end(x);
	else if (!x->tagged || k + size <= TAG_AT)
		put(x, BPF_LD | BPF_ABS | BPF_SIZE(code), 0, 0, 0, k);
	else if (k >= TAG_END)
		put(x, BPF_LD | BPF_ABS | BPF_SIZE(code), 0, 0, 0, k - TAG_LEN);
	else
		put_load_tag(x, k, size);
}

/*
 * A = packet[T], for tagged packets. A load that is only partly in the tag ends the program, as
 * at the end of the packet: no useful expression computes such an offset.
 */
static void put_ind_tagged(struct xlat *x, __u16 code)
{
	unsigned int size = size_of(code), before, in_tag, done[2];

	before = put_skip(x, BPF_JMP32 | BPF_JLT | BPF_K, REG_T, TAG_END);
	put(x, BPF_LD | BPF_IND | BPF_SIZE(code), 0, REG_T, 0, -TAG_LEN);
	done[0] = put_skip(x, BPF_JMP | BPF_JA, 0, 0);

	skip_to_here(x, before);
	in_tag = put_skip(x, BPF_JMP32 | BPF_JGE | BPF_K, REG_T, TAG_AT);
	put_jump_end(x, BPF_JMP32 | BPF_JGT | BPF_K, REG_T, TAG_AT - size);
	put(x, BPF_LD | BPF_IND | BPF_SIZE(code), 0, REG_T, 0, 0);
	done[1] = put_skip(x, BPF_JMP | BPF_JA, 0, 0);

	skip_to_here(x, in_tag);
	put_jump_end(x, BPF_JMP32 | BPF_JGT | BPF_K, REG_T, TAG_END - size);
	put_tag(x, REG_A, REG_U);
	/* Drop the bytes of the tag after the load: shift right 8 * (TAG_END - size - T) bits. */
	put_alu(x, BPF_MOV, REG_U, TAG_END - size);
	put_alu_reg(x, BPF_SUB, REG_U, REG_T);
	put_alu(x, BPF_LSH, REG_U, 3);
	put_alu_reg(x, BPF_RSH, REG_A, REG_U);
	if (size < 4)
		put_alu(x, BPF_AND, REG_A, (1 << 8 * size) - 1);
	skip_to_here(x, done[0]);
	skip_to_here(x, done[1]);
}

/* A = packet[X + k] */
static void put_ind(struct xlat *x, __u16 code, __u32 k)
{
	if (k > INT_MAX) {
		put_end(x);
		return;
	}
	/* If X + k overflows or is negative as an int, the load is outside of the packet. */
	put_jump_end(x, BPF_JMP32 | BPF_JGT | BPF_K, REG_X, INT_MAX - k);
	put_alu_reg(x, BPF_MOV, REG_T, REG_X);
	put_alu(x, BPF_ADD, REG_T, k);
	if (x->tagged)
		put_ind_tagged(x, code);
	else
		put(x, BPF_LD | BPF_IND | BPF_SIZE(code), 0, REG_T, 0, 0);
}

static void put_len(struct xlat *x, __u8 dst)
{
	put(x, BPF_LDX | BPF_MEM | BPF_W, dst, REG_CTX, offsetof(struct __sk_buff, len), 0);
	if (x->tagged)
		put_alu(x, BPF_ADD, dst, TAG_LEN);
}

static __s16 stack_of(__u32 k)
{
	return -(__s16)(4 * (k + 1));
}

/* X = 4 * (packet[k] & 15), the length of an IPv4 header, without a change of A. */
static void put_msh(struct xlat *x, __u32 k)
{
	/* Save A on the stack, below M[]: put_abs() may use both scratch registers. */
	put(x, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, REG_A, stack_of(BPF_MEMWORDS), 0);
	put_abs(x, BPF_LD | BPF_B, k);
	put_alu(x, BPF_AND, REG_A, 0xf);
	put_alu(x, BPF_LSH, REG_A, 2);
	put_alu_reg(x, BPF_MOV, REG_X, REG_A);
	put(x, BPF_LDX | BPF_MEM | BPF_W, REG_A, BPF_REG_10, stack_of(BPF_MEMWORDS), 0);
}

static int load(struct xlat *x, const struct sock_filter *f)
{
	__u8 dst = BPF_CLASS(f->code) == BPF_LD ? REG_A : REG_X;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM:
		put_alu(x, BPF_MOV, dst, f->k);
		return 0;
	case BPF_MEM:
		if (f->k >= BPF_MEMWORDS)
			return -EINVAL;
		put(x, BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_10, stack_of(f->k), 0);
		return 0;
	case BPF_LEN:
		put_len(x, dst);
		return 0;
	case BPF_ABS:
		put_abs(x, f->code, f->k);
		return dst == REG_A ? 0 : -EINVAL;
	case BPF_IND:
		put_ind(x, f->code, f->k);
		return dst == REG_A ? 0 : -EINVAL;
	case BPF_MSH:
		put_msh(x, f->k);
		return dst == REG_X ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* In classic BPF, a shift by 32 bits or more gives 0; eBPF would shift by the count modulo 32. */
static void shift(struct xlat *x, const struct sock_filter *f, __u8 op)
{
	unsigned int small, done;

	if (BPF_SRC(f->code) == BPF_K) {
		put_alu(x, f->k < 32 ? op : BPF_MOV, REG_A, f->k < 32 ? f->k : 0);
		return;
	}
	small = put_skip(x, BPF_JMP32 | BPF_JLT | BPF_K, REG_X, 32);
	put_alu(x, BPF_MOV, REG_A, 0);
	done = put_skip(x, BPF_JMP | BPF_JA, 0, 0);
	skip_to_here(x, small);
	put_alu_reg(x, op, REG_A, REG_X);
	skip_to_here(x, done);
}

/* Division by zero ends the program with 0: the packet does not match. */
static void divide(struct xlat *x, const struct sock_filter *f, __u8 op)
{
	if (BPF_SRC(f->code) == BPF_X) {
		put_jump_end(x, BPF_JMP32 | BPF_JEQ | BPF_K, REG_X, 0);
		put_alu_reg(x, op, REG_A, REG_X);
	} else if (f->k) {
		put_alu(x, op, REG_A, f->k);
	} else {
		put_end(x);
	}
}

static int alu(struct xlat *x, const struct sock_filter *f)
{
	__u8 op = BPF_OP(f->code);

	switch (op) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		if (BPF_SRC(f->code) == BPF_X)
			put_alu_reg(x, op, REG_A, REG_X);
		else
			put_alu(x, op, REG_A, f->k);
		return 0;
	case BPF_LSH:
	case BPF_RSH:
		shift(x, f, op);
		return 0;
	case BPF_DIV:
	case BPF_MOD:
		divide(x, f, op);
		return 0;
	case BPF_NEG:
		put_alu(x, BPF_NEG, REG_A, 0);
		return 0;
	default:
		return -EINVAL;
	}
}

static int jump(struct xlat *x, const struct sock_filter *f)
{
	unsigned int next = x->pc + 1, room = x->n_from - next;
	__u8 op = BPF_OP(f->code);

	if (op == BPF_JA) {
		if (f->k >= room)
			return -EINVAL;
		put_jump(x, BPF_JMP | BPF_JA, 0, 0, 0, next + f->k);
		return 0;
	}
	if (op != BPF_JEQ && op != BPF_JGT && op != BPF_JGE && op != BPF_JSET)
		return -EINVAL;
	if (f->jt >= room || f->jf >= room)
		return -EINVAL;
	if (BPF_SRC(f->code) == BPF_X)
		put_jump(x, BPF_JMP32 | op | BPF_X, REG_A, REG_X, 0, next + f->jt);
	else
		put_jump(x, BPF_JMP32 | op | BPF_K, REG_A, 0, f->k, next + f->jt);
	if (f->jf)
		put_jump(x, BPF_JMP | BPF_JA, 0, 0, 0, next + f->jf);
	return 0;
}

static int store(struct xlat *x, const struct sock_filter *f)
{
	if (f->k >= BPF_MEMWORDS)
		return -EINVAL;
	put(x, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10,
	    BPF_CLASS(f->code) == BPF_ST ? REG_A : REG_X, stack_of(f->k), 0);
	return 0;
}

static int translate_one(struct xlat *x, const struct sock_filter *f)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load(x, f);
	case BPF_ST:
	case BPF_STX:
		return store(x, f);
	case BPF_ALU:
		return alu(x, f);
	case BPF_JMP:
		return jump(x, f);
	case BPF_RET:
		if (BPF_RVAL(f->code) != BPF_A)
			put_alu(x, BPF_MOV, REG_A, f->k);
		put(x, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return 0;
	default:	/* BPF_MISC: TAX, TXA */
		if (BPF_MISCOP(f->code) == BPF_TAX)
			put_alu_reg(x, BPF_MOV, REG_X, REG_A);
		else
			put_alu_reg(x, BPF_MOV, REG_A, REG_X);
		return 0;
	}
}

/* Keep the context in R6, and set A, X and M[] to 0, as classic BPF expects. */
static void prologue(struct xlat *x)
{
	int i;

	put(x, BPF_ALU64 | BPF_MOV | BPF_X, REG_CTX, BPF_REG_1, 0, 0);
	put_alu(x, BPF_MOV, REG_A, 0);
	put_alu(x, BPF_MOV, REG_X, 0);
	for (i = 0; i < BPF_MEMWORDS; i++)
		put(x, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, stack_of(i), 0);
}

static int fix_jumps(struct xlat *x)
{
	unsigned int i;
	long off;

	for (i = 0; i < x->n; i++) {
		if (!x->target[i])
			continue;
		off = (long)x->start[x->target[i] - 1] - i - 1;
		if (off > SHRT_MAX)
			return -E2BIG;
		x->insns[i].off = off;
	}
	return 0;
}

static int translate(struct xlat *x)
{
	int err = 0;

	prologue(x);
	for (x->pc = 0; x->pc < x->n_from && !err; x->pc++) {
		x->start[x->pc] = x->n;
		err = translate_one(x, &x->from[x->pc]);
	}
	x->start[x->n_from] = x->n;
	if (x->uses_end) {
		put_alu(x, BPF_MOV, REG_A, 0);
		put(x, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	}
	return err ? err : fix_jumps(x);
}

/**
 * expr_translate() - translate classic BPF into eBPF, for a tail call from a socket filter
 * @from: classic program of libpcap; must not have unreachable code
 * @n_from: number of classic instructions
 * @tagged: translate for packets whose VLAN tag is in __sk_buff.vlan_tci
 * @insns: takes the eBPF program; the caller must free() it
 * @n: takes the number of eBPF instructions
 *
 * Return: 0, -ENOMEM, -EINVAL: not a valid classic program, or -E2BIG: a jump is too long for
 * eBPF.
 */
int expr_translate(const struct sock_filter *from, unsigned int n_from, bool tagged,
		   struct bpf_insn **insns, unsigned int *n)
{
	struct xlat x = { .from = from, .n_from = n_from, .tagged = tagged };
	size_t max = PROLOGUE_MAX + (size_t)INSNS_MAX_EACH * n_from;
	int err = -ENOMEM;

	x.insns = calloc(max, sizeof(*x.insns));
	x.start = calloc(n_from + 1, sizeof(*x.start));
	x.target = calloc(max, sizeof(*x.target));
	if (x.insns && x.start && x.target)
		err = translate(&x);
	free(x.start);
	free(x.target);
	if (err) {
		free(x.insns);
		return err;
	}
	*insns = x.insns;
	*n = x.n;
	return 0;
}
