// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of include/pkt_parse.bpf.h: IPv6, its extension headers and its fragments.
 */
#include "pkt_parse_run.h"

/* Each kind with each length: 8 to 2048 bytes, AH 8 to 1028 in steps of 4. */
TEST_F(parse, ipv6_ext_lengths)
{
	struct parsed want;
	unsigned int i;
	__u32 n, len;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (n = 0; n < 256; n++) {
			len = 8 + n * (ext_protos[i] == IPPROTO_AH ? 4 : 8);
			if (ext_protos[i] == IPPROTO_FRAGMENT)
				len = 8;
			start_ipv6(&self->pkt);
			build_ext(&self->pkt, ext_protos[i], len);
			/* In a fragment header this byte is reserved. */
			self->pkt.data[54 + 1] = n;
			build_udp(&self->pkt);
			build_payload(&self->pkt, 8);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			EXPECT_EQ(54 + len, want.net_end);
			EXPECT_EQ(16, want.len);
			expect(_metadata, self, &want);
		}
	}
}

/* Each kind alone, cut short everywhere. */
TEST_F(parse, ipv6_ext_cut)
{
	struct parsed want;
	unsigned int i;
	int l4;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (l4 = 0; l4 < N_L4; l4++) {
			start_ipv6(&self->pkt);
			build_ext(&self->pkt, ext_protos[i],
				  ext_protos[i] == IPPROTO_FRAGMENT ? 8 : 24);
			add_l4(&self->pkt, l4);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			expect_cut(_metadata, self, &want);
		}
	}
}

/* payload_len counts extension headers: one that reaches beyond it is BAD. */
TEST_F(parse, ipv6_ext_beyond_payload_len)
{
	struct build *pkt = &self->pkt;
	struct parsed want, full;
	unsigned int i;
	__u32 len, ext_len;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		ext_len = ext_protos[i] == IPPROTO_FRAGMENT ? 8 : 24;
		start_ipv6(pkt);
		build_ext(pkt, ext_protos[i], ext_len);
		build_udp(pkt);
		build_payload(pkt, 40);
		build_finish(pkt);
		full = want_built(pkt);
		for (len = 0; len <= 100; len++) {
			build_put16(pkt, pkt->ip_at + 4, len);
			if (len < ext_len) {
				expect_status(_metadata, self, BAD);
				continue;
			}
			want = full;
			want.len = len - ext_len;
			if (want.len < 8)
				want_no_l4(&want);
			expect(_metadata, self, &want);
		}
	}
}

/* An extension header that says it is longer than the frame. */
TEST_F(parse, ipv6_ext_beyond_frame)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ext_protos) - 1; i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, ext_protos[i], 16);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		build_put16(&self->pkt, 14 + 4, 0xffff);
		self->pkt.data[54 + 1] = 20;
		expect_status(_metadata, self, BAD);
		self->pkt.data[54 + 1] = 255;
		expect_status(_metadata, self, BAD);
	}
}

/* payload_len without extension headers: padding, and more than the frame. */
TEST_F(parse, ipv6_payload_len)
{
	struct parsed want, full;
	__u32 len;
	int l4;

	for (l4 = 0; l4 < N_L4; l4++) {
		start_ipv6(&self->pkt);
		add_l4(&self->pkt, l4);
		build_finish(&self->pkt);
		full = want_built(&self->pkt);
		build_pad(&self->pkt, 128);
		for (len = 0; len <= 200; len++) {
			build_put16(&self->pkt, 14 + 4, len);
			want = full;
			want.len = len;
			if (len < want.l4_end - want.l4_at)
				want_no_l4(&want);
			expect(_metadata, self, &want);
		}
	}
}

static void add_exts(struct build *pkt, int n, __u8 proto)
{
	while (n--)
		build_ext(pkt, proto, 8);
}

TEST_F(parse, ipv6_six_ext)
{
	struct parsed want;
	unsigned int i;
	int n;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (n = 0; n <= EXT_MAX + 2; n++) {
			start_ipv6(&self->pkt);
			add_exts(&self->pkt, n, ext_protos[i]);
			build_echo(&self->pkt);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			if (n > EXT_MAX)
				expect_status(_metadata, self, BAD);
			else
				expect(_metadata, self, &want);
		}
	}
}

/* ESP and "no next header" end the walk, as does what is unknown. */
TEST_F(parse, ipv6_walk_ends)
{
	static const __u8 ends[] = { IPPROTO_ESP, IPPROTO_NONE, IPPROTO_MH, 139, 140, 253 };
	struct parsed want;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
		build_l4(&self->pkt, ends[i], 8);
		self->pkt.data[self->pkt.l4_at] = IPPROTO_UDP;
		build_payload(&self->pkt, 16);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		want_no_l4(&want);
		expect(_metadata, self, &want);
	}
}

/* Offset, two reserved bits, M: each single bit, and all of the low byte. */
TEST_F(parse, ipv6_fragments)
{
	struct parsed want, full;
	__u32 field;

	start_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 0);
	build_tcp(&self->pkt, 0);
	build_finish(&self->pkt);
	full = want_built(&self->pkt);
	for (field = 0; field <= 0xffff; field = field < 0x100 ? field + 1 : field << 1) {
		build_put16(&self->pkt, 54 + 2, field);
		want = full;
		if (field & 0xfff8) {
			want.frag = FRAG_LATER;
			want_no_l4(&want);
		} else if (field & 1) {
			want.frag = FRAG_FIRST;
		}
		expect(_metadata, self, &want);
	}
}

/* What follows the fragment header of a later fragment is payload. */
TEST_F(parse, ipv6_later_fragment_not_walked)
{
	struct parsed want;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, IPPROTO_HOPOPTS, 8);
		build_frag6(&self->pkt, 1232, i % 2);
		build_ext(&self->pkt, ext_protos[i], 8);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		want = (struct parsed){
			.status = OK, .version = 6, .proto = ext_protos[i],
			.frag = FRAG_LATER, .len = 16, .ip_at = 14, .net_end = 70,
		};
		expect_cut(_metadata, self, &want);
	}
}

/* Also when the fragment header is the last one that is looked at. */
TEST_F(parse, ipv6_later_fragment_sixth)
{
	struct parsed want;

	start_ipv6(&self->pkt);
	add_exts(&self->pkt, EXT_MAX - 1, IPPROTO_DSTOPTS);
	build_frag6(&self->pkt, 8, 0);
	build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	want = (struct parsed){
		.status = OK, .version = 6, .proto = IPPROTO_DSTOPTS,
		.frag = FRAG_LATER, .len = 16, .ip_at = 14, .net_end = 54 + 8 * EXT_MAX,
	};
	expect(_metadata, self, &want);
}

/* In a first fragment the chain goes on, and its header is there. */
TEST_F(parse, ipv6_first_fragment_walked)
{
	struct parsed want;

	start_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 1);
	build_ext(&self->pkt, IPPROTO_DSTOPTS, 16);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	want = want_built(&self->pkt);
	want.frag = FRAG_FIRST;
	expect_cut(_metadata, self, &want);
}

/* A fragment stays one, whatever a second fragment header says. */
TEST_F(parse, ipv6_two_fragment_headers)
{
	struct parsed want;
	int first, second;

	for (first = 0; first < 2; first++) {
		for (second = 0; second < 2; second++) {
			start_ipv6(&self->pkt);
			build_frag6(&self->pkt, 0, first);
			build_frag6(&self->pkt, 0, second);
			build_udp(&self->pkt);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			want.frag = first || second ? FRAG_FIRST : FRAG_NONE;
			expect(_metadata, self, &want);
		}
	}
}

TEST_HARNESS_MAIN
