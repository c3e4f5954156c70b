// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/pktcount_kern.c: each packet is counted once, in the right class and
 * protocol, with its length, whichever CPU handles it. All packets pass unchanged.
 */
#include "pktcount_run.h"

/* --- classes and protocols --------------------------------------------------------- */

TEST_F(pktcount, zero_on_start)
{
	struct pktcount_cpu have, zero = {};

	load(_metadata, self);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(0, memcmp(&zero, &have, sizeof(zero)));
}

TEST_F(pktcount, classes)
{
	int family, vlans;

	load(_metadata, self);
	for (vlans = 0; vlans <= 2; vlans++) {
		for (family = 4; family <= 6; family += 2) {
			build_ping(&self->pkt, family, vlans);
			expect(_metadata, self, ip_class(family),
			       family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_ICMPV6);
		}
		build_start(&self->pkt);
		build_vlans(&self->pkt, vlans);
		build_next(&self->pkt, ETH_P_ARP);
		build_payload(&self->pkt, 28);
		build_pad(&self->pkt, 60);
		expect(_metadata, self, PKTCOUNT_ARP, NONE);
		build_next(&self->pkt, ETH_P_LLDP);
		expect(_metadata, self, PKTCOUNT_OTHER, NONE);
		/* A length instead of an EtherType, as in IEEE 802.3. */
		build_next(&self->pkt, 46);
		expect(_metadata, self, PKTCOUNT_OTHER, NONE);
	}
	/* The program does not parse behind a third tag. */
	build_ping(&self->pkt, 4, 3);
	expect(_metadata, self, PKTCOUNT_OTHER, NONE);
}

/* The class of a packet with 20 zero bytes behind the IP header, by its protocol number. */
static int plain_protocol(int family, int proto)
{
	switch (proto) {
	case IPPROTO_GRE:
		return PKTCOUNT_GRE;
	case IPPROTO_ESP:
		return PKTCOUNT_ESP;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return PKTCOUNT_IPIP;
	case IPPROTO_UDP:
		return PKTCOUNT_UDP;
	case IPPROTO_SCTP:
		return PKTCOUNT_SCTP;
	case IPPROTO_TCP:
		/* The data offset of the zeroed TCP header is 0. */
		return PKTCOUNT_MALFORMED;
	case IPPROTO_ICMP:
		return family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_IP_OTHER;
	case IPPROTO_IGMP:
		return family == 4 ? PKTCOUNT_IGMP : PKTCOUNT_IP_OTHER;
	case IPPROTO_ICMPV6:
		return family == 6 ? PKTCOUNT_ICMPV6 : PKTCOUNT_IP_OTHER;
	default:
		return PKTCOUNT_IP_OTHER;
	}
}

static bool is_ext(int proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

TEST_F(pktcount, every_protocol)
{
	int family, proto;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (proto = 0; proto < 256; proto++) {
			if (family == 6 && is_ext(proto))
				continue;
			start(self, family, proto % 3);
			build_l4(&self->pkt, proto, 20);
			build_finish(&self->pkt);
			expect(_metadata, self, ip_class(family), plain_protocol(family, proto));
		}
	}
}

TEST_F(pktcount, headers_in_front)
{
	__u32 opt_len;

	load(_metadata, self);
	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, opt_len);
		build_tcp(&self->pkt, opt_len);
		build_finish(&self->pkt);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_TCP);
	}
	start(self, 6, 1);
	build_ext(&self->pkt, IPPROTO_HOPOPTS, 16);
	build_ext(&self->pkt, IPPROTO_ROUTING, 24);
	build_frag6(&self->pkt, 0, 1);
	build_ext(&self->pkt, IPPROTO_AH, 28);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_UDP);
}

/* Only the first fragment has a transport header; later ones are payload. */
TEST_F(pktcount, fragments)
{
	int family;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		start(self, family, 0);
		build_frag(&self->pkt, 0, 1);
		build_udp(&self->pkt);
		build_payload(&self->pkt, 1400);
		build_finish(&self->pkt);
		expect(_metadata, self, ip_class(family), PKTCOUNT_UDP);

		start(self, family, 0);
		build_frag(&self->pkt, 1408, 0);
		build_tcp(&self->pkt, 0);
		build_finish(&self->pkt);
		expect(_metadata, self, ip_class(family), PKTCOUNT_FRAGMENT);
	}
}

/* --- malformed ----------------------------------------------------------------------- */

/* The packet is cut after each byte: it counts as TCP only with a complete TCP header. */
static void cut(struct __test_metadata *_metadata, struct _test_data_pktcount *self, int family)
{
	__u32 len, ip_at = self->pkt.ip_at, l4_end = self->pkt.l4_at + 20;

	for (len = BUILD_MIN; len <= self->pkt.len; len++) {
		if (len < ip_at)
			expect_len(_metadata, self, len, PKTCOUNT_OTHER, NONE);
		else
			expect_len(_metadata, self, len, ip_class(family),
				   len < l4_end ? PKTCOUNT_MALFORMED : PKTCOUNT_TCP);
	}
}

TEST_F(pktcount, cut_short)
{
	int family, vlans;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			start(self, family, vlans);
			build_tcp(&self->pkt, 0);
			build_payload(&self->pkt, 10);
			build_finish(&self->pkt);
			cut(_metadata, self, family);
		}
	}
}

TEST_F(pktcount, bad_ip_header)
{
	__u8 *ip;
	int i;

	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	ip = self->pkt.data + self->pkt.ip_at;
	ip[0] = 0x44;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	ip[0] = 0x65;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	ip[0] = 0x4f;
	build_put16(&self->pkt, self->pkt.ip_at + 2, 59);
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);

	build_ping(&self->pkt, 6, 0);
	self->pkt.data[self->pkt.ip_at] = 0x40;
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_MALFORMED);

	/* More extension headers than the program skips. */
	start(self, 6, 0);
	for (i = 0; i < 7; i++)
		build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_MALFORMED);
}

/* The IP packet is too short for the transport header, although the padded frame is not. */
static void short_transport(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			    int family, __u8 proto, __u32 need, int protocol)
{
	__u32 len;

	for (len = 0; len <= 20; len += len % 4 ? 1 : 3) {
		start(self, family, 0);
		build_l4(&self->pkt, proto, len);
		if (proto == IPPROTO_TCP && len == 20)
			self->pkt.data[self->pkt.l4_at + 12] = 0x50;
		self->pkt.l4_proto = 0;
		build_finish(&self->pkt);
		build_pad(&self->pkt, 100);
		expect(_metadata, self, ip_class(family), len < need ? PKTCOUNT_MALFORMED :
		       protocol);
	}
}

TEST_F(pktcount, bad_transport_header)
{
	int family, words;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		short_transport(_metadata, self, family, IPPROTO_TCP, 20, PKTCOUNT_TCP);
		short_transport(_metadata, self, family, IPPROTO_UDP, 8, PKTCOUNT_UDP);
		short_transport(_metadata, self, family, IPPROTO_SCTP, 12, PKTCOUNT_SCTP);
		short_transport(_metadata, self, family, family == 4 ? IPPROTO_ICMP :
				IPPROTO_ICMPV6, 8, family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_ICMPV6);
		for (words = 0; words <= 15; words++) {
			start(self, family, 0);
			build_tcp(&self->pkt, 20);
			self->pkt.data[self->pkt.l4_at + 12] = words << 4;
			build_finish(&self->pkt);
			expect(_metadata, self, ip_class(family), words < 5 || words > 10 ?
			       PKTCOUNT_MALFORMED : PKTCOUNT_TCP);
		}
	}
}

/* --- lengths, many packets, several CPUs ------------------------------------------------ */

/*
 * The length counts from the Ethernet header to the last byte, padding included, in one
 * buffer or in several.
 */
TEST_F(pktcount, bytes)
{
	static const __u32 payloads[] = { 0, 1, 17, 18, 1472, 3000, 4000, 4096, 8972, 12000 };
	size_t i;

	EXPECT_STREQ("xdp.frags", bpf_program__section_name(self->skel->progs.pktcount));
	load(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(payloads); i++) {
		start(self, 4, i % 2);
		build_udp(&self->pkt);
		build_payload(&self->pkt, payloads[i]);
		build_finish(&self->pkt);
		build_pad(&self->pkt, 60);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_UDP);
	}
}

TEST_F(pktcount, repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 100000);

	load(_metadata, self);
	build_ping(&self->pkt, 6, 1);
	opts.data_in = self->pkt.data;
	opts.data_size_in = self->pkt.len;
	ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(self->skel->progs.pktcount), &opts));
	want(self, 100000, self->pkt.len, PKTCOUNT_IPV6, PKTCOUNT_ICMPV6, true);
}

TEST_F(pktcount, several_cpus)
{
	struct pktcount_cpu have;
	int cpus;

	if (!has_two_cpus())
		SKIP(return, "needs CPU 0 and 1");
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	send_on_two_cpus(_metadata, self, 300000);
	want(self, 600001, self->pkt.len, PKTCOUNT_IPV4, PKTCOUNT_ICMP, false);
	get_counts(_metadata, self, &have, &cpus);
	EXPECT_EQ(2, cpus);
}

TEST_HARNESS_MAIN
