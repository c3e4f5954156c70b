// SPDX-License-Identifier: GPL-2.0
/* Exercise 9: the counts of each protocol, on each CPU, are those of the packets sent. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include "course.h"

enum {
	PROTOCOLS = 256,
	CPUS_MAX = 4,
	PACKETS = 150,
	/* So many packets at the beginning are looked at one by one. */
	ONE_BY_ONE = 20,
};

/**
 * struct counts - what the map should say
 * @fd: the learner's map
 * @n_cpus: number of CPUs that the machine may have: so many numbers has an entry
 * @n_used: number of CPUs on which the program runs
 * @used: these CPUs
 * @want: the right numbers
 */
struct counts {
	int fd;
	int n_cpus;
	int n_used;
	int used[CPUS_MAX];
	__u64 want[CPUS_MAX][PROTOCOLS];
};

/* An ordinary array would lose counts, but seldom enough to hide it from a check that counts. */
static bool check_map(struct course *course, struct counts *counts)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	counts->fd = course_map(course, "counts");
	if (counts->fd < 0 || bpf_map_get_info_by_fd(counts->fd, &info, &len))
		return false;
	if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY)
		course_wrong(course,
			     "the map counts is of another type: if two CPUs add to one number, they lose packets\n"
			     "    BPF_MAP_TYPE_PERCPU_ARRAY has a number for each CPU");
	else if (info.key_size != 4 || info.value_size != 8)
		course_wrong(course,
			     "the map counts has keys of %u bytes and values of %u: they should be __u32 and __u64",
			     info.key_size, info.value_size);
	else if (info.max_entries != PROTOCOLS)
		course_wrong(course,
			     "the map counts has %u entries: a protocol has 8 bits, so there are 256",
			     info.max_entries);
	return !course->wrong;
}

static bool run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/* All CPUs that this process can have, even if it was started on one of them only. */
static void find_cpus(struct counts *counts)
{
	int cpu;

	counts->n_cpus = libbpf_num_possible_cpus();
	for (cpu = 0; cpu < counts->n_cpus && counts->n_used < CPUS_MAX; cpu++)
		if (run_on(cpu))
			counts->used[counts->n_used++] = cpu;
}

/* A random protocol; often one that occurs in life. */
static __u8 protocol(struct course *course, int family)
{
	static const __u8 usual[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	__u8 proto;

	if (course_below(course, 4))
		return usual[course_below(course, sizeof(usual))];
	/* 0: what follows an IPv6 header may be Hop-by-hop options. 255 is reserved. */
	proto = course_below(course, PROTOCOLS);
	return family == 4 && !proto ? IPPROTO_RAW : proto;
}

static void build_random(struct course *course, struct build *pkt, int family, __u8 proto)
{
	build_start(pkt);
	if (family == 4)
		build_ipv4(pkt, 4 * course_below(course, 3));
	else
		build_ipv6(pkt);
	/* Behind the IP header, another protocol number: nothing there is to be counted. */
	build_l4(pkt, proto, 20);
	pkt->data[pkt->l4_at] = IPPROTO_TCP;
	build_payload(pkt, course_below(course, 400));
	build_finish(pkt);
	course_randomize(course, pkt);
}

static __u64 wanted(const struct counts *counts, int cpu, __u32 proto)
{
	int at;

	for (at = 0; at < counts->n_used; at++)
		if (counts->used[at] == cpu)
			return counts->want[at][proto];
	return 0;
}

/* Name the first number that is wrong after the packet @what. */
static void compare(struct course *course, const struct counts *counts, const char *what)
{
	__u64 values[counts->n_cpus], want;
	__u32 proto;
	int cpu;

	for (proto = 0; proto < PROTOCOLS; proto++) {
		if (bpf_map_lookup_elem(counts->fd, &proto, values)) {
			course_wrong(course, "the map counts cannot be read: %s", strerror(errno));
			return;
		}
		for (cpu = 0; cpu < counts->n_cpus; cpu++) {
			want = wanted(counts, cpu, proto);
			if (values[cpu] == want)
				continue;
			course_wrong(course,
				     "after %s, entry %u of CPU %d is %llu, and should be %llu",
				     what, proto, cpu, (unsigned long long)values[cpu],
				     (unsigned long long)want);
			return;
		}
	}
}

/* Kinds of packets: two that are not to be counted, then IPv4 and IPv6 in turns. */
enum { ARP, CUT_OFF, KINDS = 16 };

/* Returns the packet in words. */
static const char *build_kind(struct course *course, struct counts *counts, int at, __u32 kind,
			      struct build *pkt)
{
	int family = kind % 2 ? 6 : 4;
	__u8 proto = protocol(course, family);

	build_random(course, pkt, family, proto);
	switch (kind) {
	case ARP:
		build_put16(pkt, 12, ETH_P_ARP);
		return "an ARP packet";
	case CUT_OFF:
		pkt->len = pkt->ip_at + 40 - 1 - course_below(course, 10);
		return "a packet whose IPv6 header is cut off";
	default:
		counts->want[at][proto]++;
		return family == 4 ? "an IPv4 packet" : "an IPv6 packet";
	}
}

static void run_some(struct course *course, struct counts *counts, int at)
{
	struct build pkt;
	const char *what;
	__u32 i, kind;

	for (i = 0; i < PACKETS && !course->wrong; i++) {
		/* First one of each: what it says about them is easy to understand. */
		kind = i < 4 ? i : course_below(course, KINDS);
		what = build_kind(course, counts, at, kind, &pkt);
		course_expect(course, &pkt, what, XDP_PASS);
		if (i < ONE_BY_ONE && !course->wrong)
			compare(course, counts, what);
	}
}

static void packets(struct course *course)
{
	struct counts counts = {};
	int at;

	if (!check_map(course, &counts))
		return;
	find_cpus(&counts);
	for (at = 0; at < counts.n_used; at++) {
		run_on(counts.used[at]);
		run_some(course, &counts, at);
	}
	if (!course->wrong)
		compare(course, &counts, "all of them");
}

const struct course_exercise exercise = {
	.prog = "count_protocols",
	.rule = "all packets should pass",
	.packets = packets,
};
