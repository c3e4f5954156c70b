// SPDX-License-Identifier: GPL-2.0
/* Exercise 10: sources are counted exactly while other sources flood the map. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "course.h"

enum {
	ENTRIES = 1024,
	/* The sources that send much, and the invented ones that send once. */
	TOP = 8,
	FLOOD = 4 * ENTRIES,
	/* The top sources send again after so many others: they are never the oldest. */
	PAUSE = 32,
	/* Helper number of bpf_map_update_elem(); its flags are in register 4. */
	HELPER_UPDATE = 2,
	FLAGS_REGISTER = 4,
	/* The flags of a call are set at most so many instructions before it. */
	LOOK_BACK = 16,
};

/**
 * struct flood - sources, and what they have sent
 * @fd: the learner's map
 * @per_cpu: each entry has a number for each CPU
 * @base: number of the first source
 * @step: odd, so that sources come again only after 2^24 others
 * @sent: packets of each top source
 */
struct flood {
	int fd;
	bool per_cpu;
	__u32 base;
	__u32 step;
	__u32 sent[TOP];
};

static bool check_map(struct course *course, struct flood *flood)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	flood->fd = course_map(course, "sources");
	if (flood->fd < 0 || bpf_map_get_info_by_fd(flood->fd, &info, &len))
		return false;
	flood->per_cpu = info.type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
			 info.type == BPF_MAP_TYPE_PERCPU_HASH;
	if (info.key_size != 4 || info.value_size != 8)
		course_wrong(course,
			     "the map sources has keys of %u bytes and values of %u: they should be __be32 and __u64",
			     info.key_size, info.value_size);
	else if (info.max_entries != ENTRIES)
		course_wrong(course,
			     "the map sources has %u entries: a larger map is only full later; keep %u",
			     info.max_entries, ENTRIES);
	return !course->wrong;
}

static bool is_call(const struct bpf_insn *insn, int helper)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == helper;
}

/* Any atomic instruction on 8 bytes: which one it is, the counts tell. */
static bool is_atomic(const struct bpf_insn *insn)
{
	return insn->code == (BPF_STX | BPF_ATOMIC | BPF_DW);
}

static bool sets_flags(const struct bpf_insn *insn)
{
	__u8 class = BPF_CLASS(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(insn->code) == BPF_MOV &&
	       BPF_SRC(insn->code) == BPF_K && insn->dst_reg == FLAGS_REGISTER;
}

/* True if instruction @at inserts with BPF_ANY. */
static bool overwrites(const struct bpf_insn *insns, size_t at)
{
	size_t back;

	if (!is_call(&insns[at], HELPER_UPDATE))
		return false;
	for (back = 1; back <= LOOK_BACK && back <= at; back++)
		if (sets_flags(&insns[at - back]))
			return insns[at - back].imm == BPF_ANY;
	return false;
}

/*
 * That two CPUs meet is rare, and never happens on a machine with one: so look for both mistakes
 * in the instructions. A per-CPU map has neither.
 */
static void check_instructions(struct course *course, const struct flood *flood)
{
	const struct bpf_insn *insns = bpf_program__insns(course->prog);
	size_t n = bpf_program__insn_cnt(course->prog), i;
	bool atomic = false, any = false;

	for (i = 0; i < n; i++) {
		atomic |= is_atomic(&insns[i]);
		any |= overwrites(insns, i);
	}
	if (flood->per_cpu)
		return;
	if (!atomic)
		course_wrong(course,
			     "there is no atomic addition: if two CPUs add to one count, they lose packets\n"
			     "    __sync_fetch_and_add(value, 1) adds in one step");
	if (any)
		course_wrong(course,
			     "an insertion with BPF_ANY overwrites: perhaps the other CPU has inserted the source in the meantime\n"
			     "    BPF_NOEXIST fails then: add to the entry that is there");
}

/* Number of source @n in 10.0.0.0/8, in network byte order. */
static __be32 source(const struct flood *flood, __u32 n)
{
	return htonl(10 << 24 | ((flood->base + n * flood->step) & 0xffffff));
}

static void build_from(struct course *course, struct build *pkt, __be32 from)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	build_payload(pkt, course_below(course, 30));
	build_finish(pkt);
	course_randomize(course, pkt);
	memcpy(pkt->data + pkt->ip_at + 12, &from, sizeof(from));
	/* The destination is no source: 172.16.0.0/12. */
	pkt->data[pkt->ip_at + 16] = 172;
	build_checksums(pkt);
}

static void send_from(struct course *course, const struct flood *flood, __u32 n)
{
	struct build pkt;

	build_from(course, &pkt, source(flood, n));
	course_expect(course, &pkt, "an IPv4 packet", XDP_PASS);
}

/* Number of packets counted for @key; -1: there is no entry. */
static long long counted(const struct flood *flood, __be32 key)
{
	int n = flood->per_cpu ? libbpf_num_possible_cpus() : 1, i;
	__u64 values[n];
	long long sum = 0;

	if (bpf_map_lookup_elem(flood->fd, &key, values))
		return -1;
	for (i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

static void expect_count(struct course *course, const struct flood *flood, __be32 key, __u32 sent)
{
	long long n = counted(flood, key);
	const __u8 *ip = (const __u8 *)&key;

	if (course_enough(course) || n == sent)
		return;
	if (n < 0)
		course_wrong(course, "%u.%u.%u.%u has sent %u packet%s, and is not in the map",
			     ip[0], ip[1], ip[2], ip[3], sent, sent == 1 ? "" : "s");
	else
		course_wrong(course, "%u.%u.%u.%u has sent %u packet%s, and %lld were counted",
			     ip[0], ip[1], ip[2], ip[3], sent, sent == 1 ? "" : "s", n);
}

/* An empty map, and one packet: whatever is in the map then is the learner's key. */
static void first_packet(struct course *course, const struct flood *flood)
{
	__be32 from = source(flood, TOP + FLOOD), to, key;
	struct build pkt;

	build_from(course, &pkt, from);
	memcpy(&to, pkt.data + pkt.ip_at + 16, sizeof(to));
	course_mark(course, pkt.ip_at + 12, 4);
	course_expect(course, &pkt, "an IPv4 packet", XDP_PASS);
	if (course->wrong)
		return;
	if (bpf_map_get_next_key(flood->fd, NULL, &key))
		course_wrong(course, "after a packet, there is no entry in the map");
	else if (key == to)
		course_wrong(course,
			     "the key in the map is the destination of the packet, not its source");
	else if (key == htonl(from))
		course_wrong(course,
			     "the key in the map has its bytes turned around: use ip->saddr as it is");
	else
		expect_count(course, flood, from, 1);
}

static void not_counted(struct course *course, const struct flood *flood, const struct build *pkt,
			const char *what)
{
	__be32 from;

	course_expect(course, pkt, what, XDP_PASS);
	memcpy(&from, pkt->data + 14 + 12, sizeof(from));
	if (!course->wrong && counted(flood, from) >= 0)
		course_wrong(course, "%s was counted: it has no IPv4 source", what);
}

static void other_packets(struct course *course, const struct flood *flood)
{
	struct build pkt;

	course_ping(course, &pkt, 6, 0);
	not_counted(course, flood, &pkt, "an IPv6 packet");
	build_from(course, &pkt, source(flood, TOP + FLOOD + 1));
	build_put16(&pkt, 12, ETH_P_ARP);
	not_counted(course, flood, &pkt, "an ARP packet");
	build_from(course, &pkt, source(flood, TOP + FLOOD + 2));
	pkt.len = pkt.l4_at - 1 - course_below(course, 4);
	not_counted(course, flood, &pkt, "a packet whose IPv4 header is cut off");
}

static void top_sources(struct course *course, struct flood *flood)
{
	__u32 i, times;

	for (i = 0; i < TOP; i++) {
		times = 1 + course_below(course, 3);
		flood->sent[i] += times;
		while (times--)
			send_from(course, flood, i);
	}
}

static void run_flood(struct course *course, struct flood *flood)
{
	__u32 i;

	/* Twice: who came only once is as old as the flood. */
	top_sources(course, flood);
	for (i = 0; i < FLOOD && !course->wrong; i++) {
		if (i % PAUSE == 0)
			top_sources(course, flood);
		send_from(course, flood, TOP + i);
	}
}

static void after_flood(struct course *course, const struct flood *flood)
{
	__u32 i;

	if (counted(flood, source(flood, TOP + FLOOD - 1)) < 0) {
		course_wrong(course,
			     "after a flood of other sources, a new source is not in the map\n"
			     "    the map was full: an LRU map throws an old entry away");
		return;
	}
	for (i = 0; i < TOP; i++)
		expect_count(course, flood, source(flood, i), flood->sent[i]);
	for (i = 0; i < FLOOD; i++)
		if (counted(flood, source(flood, TOP + i)) >= 0)
			expect_count(course, flood, source(flood, TOP + i), 1);
}

static void packets(struct course *course)
{
	struct flood flood = {
		.base = course_below(course, 1 << 24),
		.step = 1 | course_below(course, 1 << 24),
	};

	if (!check_map(course, &flood))
		return;
	first_packet(course, &flood);
	if (!course->wrong)
		other_packets(course, &flood);
	if (!course->wrong)
		run_flood(course, &flood);
	if (!course->wrong)
		after_flood(course, &flood);
	if (!course->wrong)
		check_instructions(course, &flood);
}

const struct course_exercise exercise = {
	.prog = "top_sources",
	.rule = "all packets should pass",
	.packets = packets,
};
