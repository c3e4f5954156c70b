// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the cost of a packet in the program of each sample, for "scripts/bench.sh -p packet";
 * not a test. xdp_lb_bench.c measures xdp_lb.
 *
 * In each round every program gets each of its packets, after the two floors have got the same
 * packet. The output are lines for scripts/bench/report.sh: one for each value of each round.
 * To add a program, add a line to subjects[]; to add a packet, add one to enum packet and
 * packet_names[].
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include "bench_packet.h"
#include "own_addr.h"
#include "pkt_build.h"
#include "tc.h"
#include "network.h"
#include "ping.h"
#include "sockfilter.h"
#include "tcpconnect.h"
#include "xdp_lb.h"
#include "bench_packet.skel.h"
#include "hello.skel.h"
#include "network.skel.h"
#include "pass.skel.h"
#include "ping.skel.h"
#include "pktcount.skel.h"
#include "sockfilter.skel.h"
#include "tc.skel.h"
#include "tcpconnect.skel.h"
#include "xdp_lb.skel.h"

enum {
	PACKETS = 100000,
	/* Fewer than a ring buffer has room for: a lost event would cost less. */
	PACKETS_EVENTS = 2000,
	PACKETS_PRINTED = 500,
	BATCHES = 20,
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	LO = 1,
	ROUNDS_MAX = 1000,
	SNAPLEN = 4321,
};

/* --- packets ----------------------------------------------------------------------------- */

enum packet {
	TCP4, TCP6, TCP_VLAN, UDP4, PING4, PING6, PING_VLAN, ARP, __PACKET_MAX,
};

static const char * const packet_names[__PACKET_MAX] = {
	[TCP4] = "TCP", [TCP6] = "TCP, IPv6", [TCP_VLAN] = "TCP, VLAN",
	[UDP4] = "UDP", [PING4] = "echo request", [PING6] = "echo request, IPv6",
	[PING_VLAN] = "echo request, VLAN", [ARP] = "ARP",
};

static void build_arp(struct build *pkt)
{
	build_start(pkt);
	build_next(pkt, ETH_P_ARP);
	build_grow(pkt, 28);
	build_pad(pkt, BENCH_PACKET_HEAD);
}

static void build_packet(struct build *pkt, enum packet which)
{
	bool vlan = which == TCP_VLAN || which == PING_VLAN;
	int family = which == TCP6 || which == PING6 ? 6 : 4;

	if (which == ARP) {
		build_arp(pkt);
		return;
	}
	build_start(pkt);
	build_vlans(pkt, vlan);
	build_ip(pkt, family);
	if (which == UDP4)
		build_udp(pkt);
	else if (which >= PING4)
		build_echo(pkt);
	else
		build_tcp(pkt, 0);
	build_payload(pkt, 56);
	build_finish(pkt);
	/* The MAC address of "lo", all zero: tc answers only frames for this host. */
	memset(pkt->data, 0, ETH_ALEN);
}

/* --- programs ---------------------------------------------------------------------------- */

enum hook { XDP, TC, SOCKET, __HOOK_MAX };

static const char * const hook_names[__HOOK_MAX] = { "xdp", "tc", "socket" };

/**
 * struct subject - a program that is measured, with its options
 * @name: the command line of the sample
 * @hook: enum hook
 * @load: loads the program, sets @prog and @ring
 * @packets: packets that the program gets, bits of enum packet
 * @hits: packets that get @verdict, bits of enum packet
 * @verdict: return value for the packets in @hits, and for no other packet
 * @prog: the program
 * @ring: ring buffer map of its events, NULL if it sends none
 * @events: reader of @ring
 */
struct subject {
	const char *name;
	enum hook hook;
	void (*load)(struct subject *subject);
	unsigned int packets;
	unsigned int hits;
	__u32 verdict;
	const struct bpf_program *prog;
	const struct bpf_map *ring;
	struct ring_buffer *events;
};

/* Loaded objects stay until the process ends. */
#define OPEN(name) ({						\
	struct name##_kern *__skel = name##_kern__open();	\
								\
	if (!__skel)						\
		err(1, "failed to open %s", #name);		\
	__skel;							\
})

#define LOAD(name, skel) ({					\
	if (name##_kern__load(skel))				\
		errx(1, "failed to load %s", #name);		\
})

static void load_pass(struct subject *subject)
{
	struct pass_kern *skel = OPEN(pass);

	LOAD(pass, skel);
	subject->prog = skel->progs.pass;
}

static void load_hello(struct subject *subject)
{
	struct hello_kern *skel = OPEN(hello);

	LOAD(hello, skel);
	subject->prog = skel->progs.hello;
}

static void load_ping_with(struct subject *subject, bool events)
{
	struct ping_kern *skel = OPEN(ping);

	skel->rodata->events = events;
	LOAD(ping, skel);
	subject->prog = skel->progs.ping;
	if (events)
		subject->ring = skel->maps.ping_events;
}

static void load_ping(struct subject *subject)
{
	load_ping_with(subject, false);
}

static void load_ping_events(struct subject *subject)
{
	load_ping_with(subject, true);
}

static void load_pktcount_with(struct subject *subject, bool top, bool events)
{
	struct pktcount_kern *skel = OPEN(pktcount);

	skel->rodata->top = top;
	skel->rodata->events = events;
	LOAD(pktcount, skel);
	subject->prog = skel->progs.pktcount;
	if (events)
		subject->ring = skel->maps.pktcount_events;
}

static void load_pktcount(struct subject *subject)
{
	load_pktcount_with(subject, false, false);
}

static void load_pktcount_top(struct subject *subject)
{
	load_pktcount_with(subject, true, false);
}

static void load_pktcount_events(struct subject *subject)
{
	load_pktcount_with(subject, false, true);
}

static void own(const struct bpf_map *map, const char *addr)
{
	struct own_addr key = { .ifindex = LO };
	__u32 kind = OWN_ADDR_UNICAST;

	if (inet_pton(AF_INET6, addr, key.addr) != 1 ||
	    bpf_map__update_elem(map, &key, sizeof(key), &kind, sizeof(kind), BPF_ANY))
		err(1, "failed to set an address");
}

/* Makes the destination addresses of the packets addresses of this host. */
static void own_both(const struct bpf_map *map)
{
	own(map, "::ffff:" BUILD_DADDR4);
	own(map, BUILD_DADDR6);
}

static void load_tc_with(struct subject *subject, enum tc_action action, bool events)
{
	struct tc_kern *skel = OPEN(tc);

	skel->rodata->action = action;
	skel->rodata->events = events;
	LOAD(tc, skel);
	own_both(skel->maps.own_addrs);
	subject->prog = skel->progs.netbpf_tc;
	if (events)
		subject->ring = skel->maps.tc_events;
}

static void load_tc_drop(struct subject *subject)
{
	load_tc_with(subject, TC_DROP_PING, false);
}

static void load_tc_pingpong(struct subject *subject)
{
	load_tc_with(subject, TC_PINGPONG, false);
}

static void load_tc_events(struct subject *subject)
{
	load_tc_with(subject, TC_PINGPONG, true);
}

static void load_sockfilter_with(struct subject *subject, __u16 port)
{
	struct sockfilter_kern *skel = OPEN(sockfilter);

	skel->rodata->snaplen = SNAPLEN;
	skel->rodata->match.proto = IPPROTO_TCP;
	skel->rodata->match.port = port;
	LOAD(sockfilter, skel);
	subject->prog = skel->progs.sockfilter;
}

static void load_sockfilter(struct subject *subject)
{
	load_sockfilter_with(subject, 0);
}

static void load_sockfilter_port(struct subject *subject)
{
	load_sockfilter_with(subject, BUILD_DPORT);
}

/* Three subjects share one object, which has a program for each hook. */
static void load_network(struct subject *subject)
{
	static struct network_kern *skel;

	if (!skel) {
		skel = OPEN(network);
		skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
		skel->bss->tc_action = NETWORK_ACTION_PINGPONG;
		LOAD(network, skel);
		own_both(skel->maps.own_addrs);
	}
	subject->ring = skel->maps.net_events;
	subject->prog = subject->hook == XDP ? skel->progs.net_xdp :
			subject->hook == TC ? skel->progs.net_tc : skel->progs.net_sock;
}

/*
 * tcpconnect and xdp_lb are only weighed: tcpconnect gets no packets, and xdp_lb_bench.c
 * measures xdp_lb.
 */
static void load_tcpconnect(struct subject *subject)
{
	struct tcpconnect_kern *skel = OPEN(tcpconnect);
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.set_state);
	LOAD(tcpconnect, skel);
	subject->prog = skel->progs.set_state;
}

static void load_xdp_lb(struct subject *subject)
{
	struct xdp_lb_kern *skel = OPEN(xdp_lb);

	LOAD(xdp_lb, skel);
	subject->prog = subject->hook == XDP ? skel->progs.xdp_lb : skel->progs.tc_lb;
}

#define P(packet) (1 << (packet))

#define PINGS (P(PING4) | P(PING6) | P(PING_VLAN))
#define TCPS (P(TCP4) | P(TCP6) | P(TCP_VLAN))
#define ALL (PINGS | TCPS | P(UDP4) | P(ARP))

#define SUBJECT(n, h, l, p, m, v) \
	{ .name = n, .hook = h, .load = l, .packets = p, .hits = m, .verdict = v }

static struct subject subjects[] = {
	SUBJECT("pass", XDP, load_pass, P(TCP4), ALL, XDP_PASS),
	SUBJECT("hello", XDP, load_hello, P(TCP4) | P(PING4), ALL, XDP_PASS),
	SUBJECT("ping -q", XDP, load_ping, PINGS | P(TCP4) | P(TCP6) | P(ARP), PINGS, XDP_DROP),
	SUBJECT("ping", XDP, load_ping_events, P(PING4), PINGS, XDP_DROP),
	SUBJECT("pktcount", XDP, load_pktcount, TCPS | P(UDP4) | P(PING4) | P(ARP), ALL, XDP_PASS),
	SUBJECT("pktcount --top", XDP, load_pktcount_top, P(TCP4) | P(TCP6), ALL, XDP_PASS),
	SUBJECT("pktcount --events", XDP, load_pktcount_events, P(TCP4), ALL, XDP_PASS),
	SUBJECT("network, XDP", XDP, load_network, P(PING4) | P(TCP4), PINGS, XDP_DROP),
	SUBJECT("tc drop-ping -q", TC, load_tc_drop, P(PING4) | P(PING6) | P(TCP4), PINGS,
		TC_ACT_SHOT),
	SUBJECT("tc pingpong -q", TC, load_tc_pingpong, PINGS | P(TCP4) | P(ARP), PINGS,
		TC_ACT_REDIRECT),
	SUBJECT("tc pingpong", TC, load_tc_events, P(PING4), PINGS, TC_ACT_REDIRECT),
	SUBJECT("network, TC", TC, load_network, P(PING4) | P(TCP4), PINGS, TC_ACT_REDIRECT),
	SUBJECT("sockfilter", SOCKET, load_sockfilter, TCPS | P(UDP4), TCPS, SNAPLEN),
	SUBJECT("sockfilter --port", SOCKET, load_sockfilter_port, TCPS, TCPS, SNAPLEN),
	SUBJECT("network, socket", SOCKET, load_network, P(TCP4), ALL, 0),
	SUBJECT("tcpconnect, set_state", XDP, load_tcpconnect, 0, 0, 0),
	SUBJECT("xdp_lb", XDP, load_xdp_lb, 0, 0, 0),
	SUBJECT("xdp_lb, TC", TC, load_xdp_lb, 0, 0, 0),
};

/* --- measuring --------------------------------------------------------------------------- */

static struct bench_packet_kern *bench;
static struct build pkt;
static __u8 frame[ETH_HLEN + BUILD_MAX];
static __u32 verdict;	/* return value for the last packet */

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/*
 * Returns the file descriptor of the program to run: @prog for a socket filter, otherwise the
 * front program, which then calls @prog.
 */
static int entry(enum hook hook, const struct bpf_program *prog)
{
	const struct bpf_map *map = hook == XDP ? bench->maps.bench_xdp_target :
						  bench->maps.bench_tc_target;
	int fd = bpf_program__fd(prog);
	__u32 zero = 0;

	if (hook == SOCKET)
		return fd;
	if (bpf_map__update_elem(map, &zero, sizeof(zero), &fd, sizeof(fd), 0))
		err(1, "failed to put %s behind the front program", bpf_program__name(prog));
	return bpf_program__fd(hook == XDP ? bench->progs.bench_xdp : bench->progs.bench_tc);
}

/* Runs the program @n times; returns the CPU time per packet in ns. */
static double time_packets(enum hook hook, const struct bpf_program *prog, __u32 n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .repeat = n);
	/* BPF_PROG_TEST_RUN removes an Ethernet header before a socket filter: add one more. */
	__u32 extra = hook == SOCKET ? ETH_HLEN : 0;
	int fd = entry(hook, prog);
	double start;

	opts.data_size_in = extra + pkt.len;
	memcpy(frame + extra, pkt.data, pkt.len);
	memcpy(bench->bss->bench_head, pkt.data, BENCH_PACKET_HEAD);
	start = now_ns();
	if (bpf_prog_test_run_opts(fd, &opts))
		err(1, "failed to run %s", bpf_program__name(prog));
	verdict = opts.retval;
	return (now_ns() - start) / n;
}

/* Checks that the program did what the table in the report will claim. */
static void check_verdict(const struct subject *subject, enum packet packet)
{
	bool hit = subject->hits & P(packet);
	bool said = verdict == subject->verdict;

	if (hit != said)
		errx(1, "%s gave %u to this packet: %s", subject->name, verdict,
		     packet_names[packet]);
}

static int drop_event(void *ctx, void *data, size_t size)
{
	return 0;
}

static const struct bpf_program *floor_of(enum hook hook, bool parse)
{
	const struct bpf_program *floors[__HOOK_MAX][2] = {
		{ bench->progs.bench_xdp_return, bench->progs.bench_xdp_parse },
		{ bench->progs.bench_tc_return, bench->progs.bench_tc_parse },
		{ bench->progs.bench_sock_return, bench->progs.bench_sock_parse },
	};

	return floors[hook][parse];
}

static void tell_sample(const struct subject *subject, const char *floor, enum packet packet,
			double ns)
{
	printf("sample\tpacket.%s.%s\t%s: %s\t%.2f\n", hook_names[subject->hook], floor,
	       subject->name, packet_names[packet], ns);
}

/*
 * Measures one packet, and both floors with the same packet. Events are read between batches.
 * Nobody reads what hello prints here, but other readers of the trace may get these lines, so
 * hello runs only a few times.
 */
static void measure(const struct subject *subject, enum packet packet)
{
	bool prints = subject->load == load_hello && packet == PING4;
	__u32 i, n = subject->ring ? PACKETS_EVENTS : prints ? PACKETS_PRINTED : PACKETS;
	__u32 batches = n == PACKETS ? 1 : BATCHES;
	double at_once = 0, parsed = 0, ns = 0;

	build_packet(&pkt, packet);
	time_packets(subject->hook, floor_of(subject->hook, false), PACKETS_EVENTS);
	for (i = 0; i < batches; i++) {
		at_once += time_packets(subject->hook, floor_of(subject->hook, false), n);
		parsed += time_packets(subject->hook, floor_of(subject->hook, true), n);
		ns += time_packets(subject->hook, subject->prog, n);
		check_verdict(subject, packet);
		if (subject->events)
			ring_buffer__consume(subject->events);
	}
	tell_sample(subject, "return", packet, (ns - at_once) / batches);
	tell_sample(subject, "parse", packet, (ns - parsed) / batches);
}

static void tell_fact(const struct subject *subject, const char *key, __u64 value)
{
	printf("fact\tpacket.size\t%s\t%s\t%llu\n", subject->name, key,
	       (unsigned long long)value);
}

/* Prints the size of the program, and how many instructions the verifier has processed. */
static void weigh(const struct subject *subject)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_prog_get_info_by_fd(bpf_program__fd(subject->prog), &info, &len))
		err(1, "failed to ask about %s", subject->name);
	tell_fact(subject, "instructions", info.xlated_prog_len / sizeof(struct bpf_insn));
	tell_fact(subject, "machine_code_bytes", info.jited_prog_len);
	tell_fact(subject, "verified_instructions", info.verified_insns);
}

static void load_all(void)
{
	struct subject *subject;

	bench = OPEN(bench_packet);
	LOAD(bench_packet, bench);
	for (subject = subjects; subject < subjects + sizeof(subjects) / sizeof(*subjects);
	     subject++) {
		subject->load(subject);
		weigh(subject);
		if (!subject->ring)
			continue;
		subject->events = ring_buffer__new(bpf_map__fd(subject->ring), drop_event,
						   NULL, NULL);
		if (!subject->events)
			err(1, "failed to read the events of %s", subject->name);
	}
}

static void measure_all(void)
{
	const struct subject *subject;
	enum packet packet;

	for (subject = subjects; subject < subjects + sizeof(subjects) / sizeof(*subjects);
	     subject++) {
		for (packet = 0; packet < __PACKET_MAX; packet++) {
			if (subject->packets & P(packet))
				measure(subject, packet);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long i, rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (!rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "Usage: bench_packet ROUNDS\n");
		return 2;
	}
	load_all();
	for (i = 1; i <= rounds; i++) {
		fprintf(stderr, "progress round %lu of %lu\n", i, rounds);
		measure_all();
	}
	return 0;
}
