// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/network_kern.c: the verdict of each hook for each action, that the packet
 * stays unchanged, and that each packet is counted and causes an event.
 */
#include "test_harness.h"
#include <linux/pkt_cls.h>
#include "own_addr.h"
#include "test_root.h"
#include "test_run.h"
#include "network.h"
#include "network.skel.h"

enum {
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	LO = 1,
	UNSPEC = (__u32)TC_ACT_UNSPEC,
};

FIXTURE(network)
{
	struct network_kern *skel;
	struct ring_buffer *ring;
	struct build pkt;
	struct test_out out;
	__u64 want[__NETWORK_COUNT_MAX];
	__u32 n_events;
	struct network_event ev;
};

static int take_event(void *ctx, void *data, size_t size)
{
	struct _test_data_network *self = ctx;

	if (size != sizeof(self->ev))
		return -E2BIG;
	memcpy(&self->ev, data, size);
	self->n_events++;
	return 0;
}

static int set_own(struct _test_data_network *self, int family, __u32 kind)
{
	struct own_addr key = { .ifindex = LO };

	if (family == 4) {
		key.addr[2] = htonl(0xffff);
		inet_pton(AF_INET, BUILD_DADDR4, &key.addr[3]);
	} else {
		inet_pton(AF_INET6, BUILD_DADDR6, key.addr);
	}
	return bpf_map__update_elem(self->skel->maps.own_addrs, &key, sizeof(key), &kind,
				    sizeof(kind), BPF_ANY);
}

FIXTURE_SETUP(network)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = network_kern__open_and_load();
	ASSERT_NE(NULL, self->skel);
	self->ring = ring_buffer__new(bpf_map__fd(self->skel->maps.net_events), take_event,
				      self, NULL);
	ASSERT_NE(NULL, self->ring);
}

static void check_counts(struct __test_metadata *_metadata, struct _test_data_network *self)
{
	__u64 sum;
	__u32 i;

	for (i = 0; i < __NETWORK_COUNT_MAX; i++) {
		ASSERT_LE(0, test_sum(self->skel->maps.net_counts, &i, &sum));
		EXPECT_EQ(self->want[i], sum)
			TH_LOG("counter %u", i);
	}
}

FIXTURE_TEARDOWN(network)
{
	if (self->ring)
		check_counts(_metadata, self);
	ring_buffer__free(self->ring);
	network_kern__destroy(self->skel);
}

/*
 * Runs the program of @hook on the first @len bytes of the packet. It must return @retval, count
 * @verdict, and send one event about the packet.
 */
static void run_len(struct __test_metadata *_metadata, struct _test_data_network *self,
		    __u32 len, int hook, __u32 retval, __u8 verdict)
{
	struct bpf_program *progs[] = {
		[NETWORK_XDP] = self->skel->progs.net_xdp,
		[NETWORK_TC] = self->skel->progs.net_tc,
	};
	__u32 n = len < NETWORK_HEADERS ? len : NETWORK_HEADERS;

	ASSERT_EQ(0, test_run(progs[hook], self->pkt.data, len, &self->out));
	self->want[NETWORK_SEEN + hook * __NETWORK_VERDICT_MAX + verdict]++;
	EXPECT_EQ(retval, self->out.verdict)
		build_dump(self->pkt.data, len);
	if (verdict != NETWORK_ANSWER)
		EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));

	self->n_events = 0;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	ASSERT_EQ(1, self->n_events);
	EXPECT_EQ(hook, self->ev.hook);
	EXPECT_EQ(verdict, self->ev.verdict);
	EXPECT_EQ(len, self->ev.len);
	EXPECT_EQ(LO, self->ev.ifindex);
	/* The event has the headers of the request, even if the packet is now the reply. */
	ASSERT_EQ(n, self->ev.n_headers);
	EXPECT_EQ(0, memcmp(self->ev.headers, self->pkt.data, n));
}

static void run(struct __test_metadata *_metadata, struct _test_data_network *self, int hook,
		__u32 retval, __u8 verdict)
{
	run_len(_metadata, self, self->pkt.len, hook, retval, verdict);
}

static void build_udp_packet(struct build *pkt, int family)
{
	build_start(pkt);
	build_ip(pkt, family);
	build_udp(pkt);
	build_payload(pkt, 30);
	build_finish(pkt);
}

/* --- XDP ------------------------------------------------------------------- */

TEST_F(network, xdp_pass)
{
	int family, vlans;

	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 3; vlans++) {
			build_ping(&self->pkt, family, vlans);
			run(_metadata, self, NETWORK_XDP, XDP_PASS, NETWORK_PASS);
		}
	}
}

TEST_F(network, xdp_drop_ping)
{
	int family, vlans;

	self->skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_ping(&self->pkt, family, vlans);
			run(_metadata, self, NETWORK_XDP, XDP_DROP, NETWORK_DROP);
		}
		build_udp_packet(&self->pkt, family);
		run(_metadata, self, NETWORK_XDP, XDP_PASS, NETWORK_PASS);
	}
}

/* The action of a running program changes: the next packet gets the new action. */
TEST_F(network, switched_between_two_packets)
{
	int i;

	build_ping(&self->pkt, 4, 0);
	for (i = 0; i < 3; i++) {
		self->skel->bss->xdp_action = NETWORK_ACTION_PASS;
		run(_metadata, self, NETWORK_XDP, XDP_PASS, NETWORK_PASS);
		self->skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
		run(_metadata, self, NETWORK_XDP, XDP_DROP, NETWORK_DROP);
		self->skel->bss->tc_action = NETWORK_ACTION_DROP;
		run(_metadata, self, NETWORK_TC, TC_ACT_SHOT, NETWORK_DROP);
		self->skel->bss->tc_action = NETWORK_ACTION_PASS;
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
	}
}

/* A request is cut after each byte: it counts as one only if the ICMP header is complete. */
TEST_F(network, cut_short)
{
	int family;
	__u32 len;

	self->skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
	self->skel->bss->tc_action = NETWORK_ACTION_DROP_PING;
	for (family = 4; family <= 6; family += 2) {
		build_ping(&self->pkt, family, 0);
		for (len = BUILD_MIN; len <= self->pkt.len; len++) {
			bool echo = len >= self->pkt.l4_at + 8;

			run_len(_metadata, self, len, NETWORK_XDP, echo ? XDP_DROP : XDP_PASS,
				echo ? NETWORK_DROP : NETWORK_PASS);
			/* Newer kernels refuse to test an skb without a whole IP header: EINVAL. */
			if (len < self->pkt.l4_at)
				continue;
			run_len(_metadata, self, len, NETWORK_TC, echo ? TC_ACT_SHOT : UNSPEC,
				echo ? NETWORK_DROP : NETWORK_PASS);
		}
	}
}

TEST_F(network, multi_buffer)
{
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_echo(&self->pkt);
	build_payload(&self->pkt, 8900);
	build_finish(&self->pkt);
	self->skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
	run(_metadata, self, NETWORK_XDP, XDP_DROP, NETWORK_DROP);
	EXPECT_STREQ("xdp.frags", bpf_program__section_name(self->skel->progs.net_xdp));
}

/* --- TC -------------------------------------------------------------------- */

TEST_F(network, tc_pass_and_drop)
{
	int family;

	for (family = 4; family <= 6; family += 2) {
		build_ping(&self->pkt, family, 0);
		self->skel->bss->tc_action = NETWORK_ACTION_PASS;
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
		self->skel->bss->tc_action = NETWORK_ACTION_DROP_PING;
		run(_metadata, self, NETWORK_TC, TC_ACT_SHOT, NETWORK_DROP);
		self->skel->bss->tc_action = NETWORK_ACTION_DROP;
		run(_metadata, self, NETWORK_TC, TC_ACT_SHOT, NETWORK_DROP);

		build_udp_packet(&self->pkt, family);
		run(_metadata, self, NETWORK_TC, TC_ACT_SHOT, NETWORK_DROP);
		self->skel->bss->tc_action = NETWORK_ACTION_DROP_PING;
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
		self->skel->bss->tc_action = NETWORK_ACTION_PINGPONG;
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
	}
}

/* The bytes of the reply are compared in tc_test.c; the code is the same. */
TEST_F(network, tc_pingpong)
{
	int family;

	self->skel->bss->tc_action = NETWORK_ACTION_PINGPONG;
	for (family = 4; family <= 6; family += 2) {
		build_ping(&self->pkt, family, 0);
		/* The address of the loopback device: the frame is for this host. */
		memset(self->pkt.data, 0, ETH_ALEN);
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
		ASSERT_EQ(0, set_own(self, family, OWN_ADDR_UNICAST));
		run(_metadata, self, NETWORK_TC, TC_ACT_REDIRECT, NETWORK_ANSWER);
		EXPECT_EQ(self->pkt.len, self->out.len);
		EXPECT_EQ(family == 4 ? 0 : 129, self->out.data[self->pkt.l4_at]);
		ASSERT_EQ(0, set_own(self, family, OWN_ADDR_BROADCAST));
		run(_metadata, self, NETWORK_TC, UNSPEC, NETWORK_PASS);
	}
}

/* --- the socket filter ----------------------------------------------------- */

/*
 * The filter returns 0: the socket gets no copy. The event is not compared in detail, because
 * BPF_PROG_TEST_RUN gives a socket filter the packet without its Ethernet header.
 */
TEST_F(network, sockfilter)
{
	build_ping(&self->pkt, 4, 0);
	ASSERT_EQ(0, test_run(self->skel->progs.net_sock, self->pkt.data, self->pkt.len,
			      &self->out));
	self->want[NETWORK_SEEN + NETWORK_SOCKFILTER * __NETWORK_VERDICT_MAX + NETWORK_COPY]++;
	EXPECT_EQ(0, self->out.verdict);
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	ASSERT_EQ(1, self->n_events);
	EXPECT_EQ(NETWORK_SOCKFILTER, self->ev.hook);
	EXPECT_EQ(NETWORK_COPY, self->ev.verdict);
}

/* --- events ---------------------------------------------------------------- */

/* With a full ring buffer packets are still dropped and counted, and lost events count. */
TEST_F(network, lost_events)
{
	const __u32 entry = (8 + sizeof(struct network_event) + 7) / 8 * 8;
	/* The kernel never fills the last byte of a ring buffer. */
	__u32 room = (4096 * 1024 - 1) / entry, i;

	self->skel->bss->xdp_action = NETWORK_ACTION_DROP_PING;
	build_ping(&self->pkt, 4, 0);
	for (i = 0; i < room + 50; i++) {
		ASSERT_EQ(0, test_run(self->skel->progs.net_xdp, self->pkt.data, self->pkt.len,
				      &self->out));
		ASSERT_EQ(XDP_DROP, self->out.verdict);
	}
	self->want[NETWORK_SEEN + NETWORK_XDP * __NETWORK_VERDICT_MAX + NETWORK_DROP] = i;
	self->want[NETWORK_LOST] = 50;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	EXPECT_EQ(room, self->n_events);
}

TEST_HARNESS_MAIN
