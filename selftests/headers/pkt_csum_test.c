// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of include/pkt_csum.bpf.h, compiled for BPF and for this machine:
 * checksums updated for a change against checksums computed anew.
 */
#include "test_harness.h"
#include "test_root.h"
#include "test_run.h"
#include "pkt_csum.bpf.h"
#include "pkt_csum_test.h"
#ifndef TEST_NATIVE
#include "pkt_csum.skel.h"
#endif

#define ROUNDS	20000

/* Where carries happen, and where zero has two faces. */
static const __u16 corners[] = {
	0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff, 0x8000, 0x8001, 0xff00, 0xfffe, 0xffff,
};

#define N_CORNERS ARRAY_SIZE(corners)

FIXTURE(csum)
{
	struct pkt_csum_kern *skel;
	struct build pkt;
	struct test_out out;
};

FIXTURE_VARIANT(csum)
{
	bool bpf;
};

FIXTURE_VARIANT_ADD(csum, native) { .bpf = false };
FIXTURE_VARIANT_ADD(csum, bpf) { .bpf = true };

FIXTURE_SETUP(csum)
{
	if (!variant->bpf)
		return;
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = test_load(pkt_csum_kern);
	ASSERT_NE(NULL, self->skel);
}

FIXTURE_TEARDOWN(csum)
{
	test_unload(pkt_csum_kern, self->skel);
}

static __sum16 update_native(const struct update *up)
{
	__sum16 check = up->check;
	__be16 from, to;
	__u32 diff = 0;
	__u32 i;

	for (i = 0; i < up->n; i++) {
		const struct change *change = &up->change[i];

		if (change->bytes == 2) {
			memcpy(&from, change->from, sizeof(from));
			memcpy(&to, change->to, sizeof(to));
			diff = pkt_csum_diff2(diff, from, to);
		} else if (change->bytes == 4) {
			diff = pkt_csum_diff4(diff, change->from[0], change->to[0]);
		} else {
			diff = pkt_csum_diff16(diff, change->from, change->to);
		}
	}
	if (up->udp)
		pkt_csum_apply_udp(&check, diff);
	else
		pkt_csum_apply(&check, diff);
	return check;
}

static __sum16 update_bpf(struct __test_metadata *_metadata, struct _test_data_csum *self,
			  const struct update *up)
{
	static const __u8 packet[64];

	test_var(self->skel, sum_args) = *up;
	ASSERT_EQ(0, test_run(test_prog(self->skel, csum_numbers), packet, sizeof(packet),
			      &self->out));
	return test_var(self->skel, sum_args).check;
}

static __sum16 update(struct __test_metadata *_metadata, struct _test_data_csum *self,
		      const struct update *up)
{
	return self->skel ? update_bpf(_metadata, self, up) : update_native(up);
}

/* A change of the 16-bit word @from to @to, all in network byte order. */
static void one_change2(struct update *up, __u16 check, __u16 from, __u16 to)
{
	memset(up, 0, sizeof(*up));
	up->n = 1;
	up->check = htons(check);
	up->change[0].bytes = 2;
	from = htons(from);
	to = htons(to);
	memcpy(up->change[0].from, &from, 2);
	memcpy(up->change[0].to, &to, 2);
}

static __u16 add(__u16 a, __u16 b)
{
	__u32 sum = a + b;

	return sum > 0xffff ? sum - 0xffff : sum;
}

/*
 * Each corner in each place. The rest of the message is one word that fits; it
 * is never zero, as in a message with a version or a protocol it cannot be.
 */
TEST_F(csum, corners)
{
	__u16 check, from, to, rest, got, want;
	struct update up;
	unsigned int i;

	for (i = 0; i < N_CORNERS * N_CORNERS * N_CORNERS; i++) {
		check = corners[i % N_CORNERS];
		from = corners[i / N_CORNERS % N_CORNERS];
		to = corners[i / N_CORNERS / N_CORNERS];
		rest = add((__u16)~check, (__u16)~from);
		if (!rest)
			rest = 0xffff;
		ASSERT_EQ(0xffff, add(add(rest, from), check));

		one_change2(&up, check, from, to);
		got = ntohs(update(_metadata, self, &up));
		EXPECT_EQ(0xffff, add(add(rest, to), got));
		/* No sender of such a message writes 0xffff. */
		want = ~add(rest, to);
		if (check == 0xffff)
			continue;
		EXPECT_EQ(want, got)
			TH_LOG("check %04x from %04x to %04x", check, from, to);
	}
}

/* A change to the same value is none. */
TEST_F(csum, no_change)
{
	struct update up;
	unsigned int i;

	for (i = 0; i < N_CORNERS * N_CORNERS; i++) {
		__u16 check = corners[i % N_CORNERS], word = corners[i / N_CORNERS];

		if (check == 0xffff)
			continue;
		one_change2(&up, check, word, word);
		EXPECT_EQ(check, ntohs(update(_metadata, self, &up)));
		up.udp = true;
		EXPECT_EQ(check, ntohs(update(_metadata, self, &up)));
	}
}

/* A message of 16-bit words and its checksum, apart. */
struct message {
	__u16 word[40];
	__u16 check;
};

static __u16 random_word(__u64 *rnd)
{
	if (test_below(rnd, 3))
		return test_rand(rnd);
	return htons(corners[test_below(rnd, N_CORNERS)]);
}

static __u16 message_check(const struct message *msg)
{
	return htons((__u16)~build_sum(msg->word, sizeof(msg->word), 0));
}

static void random_message(struct message *msg, __u64 *rnd)
{
	unsigned int i, zero = test_below(rnd, 4) ? 0 : 38;

	/* One word is never zero and stays. */
	msg->word[0] = htons(0x4500);
	for (i = 1; i < ARRAY_SIZE(msg->word); i++)
		msg->word[i] = i <= zero ? 0 : random_word(rnd);
	msg->check = message_check(msg);
}

/* 1 to 8 changes of the message; as they may overlap, one after the other. */
static void random_changes(struct message *msg, struct update *up, __u64 *rnd)
{
	static const __u32 sizes[] = { 2, 4, 16 };
	struct change *change;
	__u32 i, k, at;

	memset(up, 0, sizeof(*up));
	up->check = msg->check;
	up->n = 1 + test_below(rnd, CHANGES_MAX);
	for (i = 0; i < up->n; i++) {
		change = &up->change[i];
		change->bytes = sizes[test_below(rnd, 3)];
		at = 1 + test_below(rnd, ARRAY_SIZE(msg->word) - change->bytes / 2);
		memcpy(change->from, &msg->word[at], change->bytes);
		for (k = 0; k < change->bytes / 2; k++)
			msg->word[at + k] = random_word(rnd);
		memcpy(change->to, &msg->word[at], change->bytes);
	}
}

TEST_F(csum, random)
{
	__u64 rnd = test_seed();
	struct message msg;
	struct update up;
	__sum16 got;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		random_message(&msg, &rnd);
		random_changes(&msg, &up, &rnd);
		got = update(_metadata, self, &up);
		ASSERT_EQ(message_check(&msg), got)
			TH_LOG("round %d, %u changes", i, up.n);
	}
}

/* UDP: as above, but the checksum is never 0, and 0 stays. */
TEST_F(csum, random_udp)
{
	__u64 rnd = test_seed();
	struct message msg;
	struct update up;
	__u16 want;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		random_message(&msg, &rnd);
		if (!msg.check)
			msg.check = 0xffff;
		random_changes(&msg, &up, &rnd);
		/* Make each fourth come out as 0: the last word is what is missing. */
		if (i % 4 == 0 && up.n < CHANGES_MAX) {
			struct change *change = &up.change[up.n++];
			__u16 *last = &msg.word[ARRAY_SIZE(msg.word) - 1];

			change->bytes = 2;
			memcpy(change->from, last, 2);
			*last = 0;
			*last = message_check(&msg);
			memcpy(change->to, last, 2);
			ASSERT_EQ(0, message_check(&msg));
		}
		up.udp = true;
		want = message_check(&msg);
		ASSERT_EQ(want ? want : 0xffff, update(_metadata, self, &up))
			TH_LOG("round %d, %u changes", i, up.n);
		up.check = 0;
		ASSERT_EQ(0, update(_metadata, self, &up));
	}
}

static void swap_bytes(void *data, __u32 len)
{
	__u8 *byte = data, first;
	__u32 i;

	for (i = 0; i < len; i += 2) {
		first = byte[i];
		byte[i] = byte[i + 1];
		byte[i + 1] = first;
	}
}

/* The other byte order: all words swapped give the swapped checksum. */
TEST_F(csum, byte_order)
{
	__u64 rnd = test_seed();
	struct message msg;
	struct update up;
	__sum16 plain;
	__u32 k;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		random_message(&msg, &rnd);
		random_changes(&msg, &up, &rnd);
		up.udp = i & 1;
		plain = update(_metadata, self, &up);

		swap_bytes(&up.check, sizeof(up.check));
		for (k = 0; k < up.n; k++) {
			swap_bytes(up.change[k].from, sizeof(up.change[k].from));
			swap_bytes(up.change[k].to, sizeof(up.change[k].to));
		}
		swap_bytes(&plain, sizeof(plain));
		ASSERT_EQ(plain, update(_metadata, self, &up));
	}
}

/* A change of 16 bytes is four of 4 bytes is eight of 2 bytes. */
TEST_F(csum, widths_agree)
{
	struct update wide, mid, narrow;
	__u64 rnd = test_seed();
	__sum16 want;
	int i, k;

	for (i = 0; i < ROUNDS / 4; i++) {
		__u16 from[8], to[8];

		for (k = 0; k < 8; k++) {
			from[k] = random_word(&rnd);
			to[k] = random_word(&rnd);
		}
		memset(&wide, 0, sizeof(wide));
		wide.check = random_word(&rnd);
		mid = wide;
		narrow = wide;
		wide.n = 1;
		wide.change[0].bytes = 16;
		memcpy(wide.change[0].from, from, 16);
		memcpy(wide.change[0].to, to, 16);
		for (mid.n = 0; mid.n < 4; mid.n++) {
			mid.change[mid.n].bytes = 4;
			memcpy(mid.change[mid.n].from, &from[mid.n * 2], 4);
			memcpy(mid.change[mid.n].to, &to[mid.n * 2], 4);
		}
		for (narrow.n = 0; narrow.n < 8; narrow.n++) {
			narrow.change[narrow.n].bytes = 2;
			memcpy(narrow.change[narrow.n].from, &from[narrow.n], 2);
			memcpy(narrow.change[narrow.n].to, &to[narrow.n], 2);
		}
		want = update(_metadata, self, &wide);
		ASSERT_EQ(want, update(_metadata, self, &mid));
		ASSERT_EQ(want, update(_metadata, self, &narrow));
	}
}

/* A sum takes 32767 changes, as its comment promises. */
TEST(most_changes)
{
	__sum16 check = htons(0x1234);
	__u32 diff = 0;
	int i;

	for (i = 0; i < 32767; i++)
		diff = pkt_csum_diff2(diff, 0x0000, 0xffff);
	EXPECT_LT(0xfff00000, diff);
	pkt_csum_apply(&check, diff);
	/* Each change adds zero, in its other face. */
	EXPECT_EQ(htons(0x1234), check);
}

TEST(fold)
{
	static const __u32 sums[] = {
		0, 1, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x1ffff, 0xfffeffff, 0xffff0000,
		0xffff0001, 0xfffffffe, 0xffffffff, 0x7ffff, 0x8000ffff,
	};
	__u64 rnd = test_seed();
	unsigned int i;
	__u32 sum;

	for (i = 0; i < ROUNDS; i++) {
		sum = i < ARRAY_SIZE(sums) ? sums[i] : test_rand(&rnd);
		EXPECT_EQ(sum ? (sum - 1) % 0xffff + 1 : 0, pkt_csum_fold(sum))
			TH_LOG("sum %08x", sum);
	}
}

/* --- packets ---------------------------------------------------------------------- */

FIXTURE(packet)
{
	struct pkt_csum_kern *skel;
	struct build pkt;
	struct test_out out;
	__u64 rnd;
};

FIXTURE_VARIANT(packet)
{
	int family;
	__u8 proto;
};

FIXTURE_VARIANT_ADD(packet, ipv4_udp) { .family = 4, .proto = IPPROTO_UDP };
FIXTURE_VARIANT_ADD(packet, ipv4_tcp) { .family = 4, .proto = IPPROTO_TCP };
FIXTURE_VARIANT_ADD(packet, ipv4_icmp) { .family = 4, .proto = IPPROTO_ICMP };
FIXTURE_VARIANT_ADD(packet, ipv6_udp) { .family = 6, .proto = IPPROTO_UDP };
FIXTURE_VARIANT_ADD(packet, ipv6_tcp) { .family = 6, .proto = IPPROTO_TCP };
FIXTURE_VARIANT_ADD(packet, ipv6_icmp6) { .family = 6, .proto = IPPROTO_ICMPV6 };

FIXTURE_SETUP(packet)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = test_load(pkt_csum_kern);
	ASSERT_NE(NULL, self->skel);
	self->rnd = test_seed();
}

FIXTURE_TEARDOWN(packet)
{
	test_unload(pkt_csum_kern, self->skel);
}

static void random_bytes(__u64 *rnd, void *to, __u32 len)
{
	__u8 *byte = to;

	while (len--)
		*byte++ = test_below(rnd, 8) ? test_rand(rnd) : test_below(rnd, 2) * 0xff;
}

static void random_targets(struct _test_data_packet *self)
{
	random_bytes(&self->rnd, test_var(self->skel, new_saddr), 16);
	random_bytes(&self->rnd, test_var(self->skel, new_daddr), 16);
	random_bytes(&self->rnd, &test_var(self->skel, new_sport), 2);
	random_bytes(&self->rnd, &test_var(self->skel, new_dport), 2);
}

static void random_packet(struct build *pkt, int family, __u8 proto, __u64 *rnd)
{
	__u32 at, len = test_below(rnd, 100);

	build_start(pkt);
	build_vlans(pkt, test_below(rnd, 3));
	if (family == 4)
		build_ipv4(pkt, 4 * test_below(rnd, 11));
	else
		build_ipv6(pkt);
	random_bytes(rnd, pkt->data + pkt->ip_at + (family == 4 ? 12 : 8),
		     family == 4 ? 8 : 32);
	if (proto == IPPROTO_UDP)
		build_udp(pkt);
	else if (proto == IPPROTO_TCP)
		build_tcp(pkt, 4 * test_below(rnd, 11));
	else
		build_echo(pkt);
	at = build_grow(pkt, len);
	random_bytes(rnd, pkt->data + at, len);
	build_finish(pkt);
}

/* The change as the program makes it; checksums stay as they were. */
static void replace(struct build *pkt, const struct pkt_csum_kern *skel)
{
	__u32 addr_len = pkt->family == 4 ? 4 : 16;
	__u8 *addr = pkt->data + pkt->ip_at + (pkt->family == 4 ? 12 : 8);
	__u8 *l4 = pkt->data + pkt->l4_at;

	memcpy(addr, test_var(skel, new_saddr), addr_len);
	memcpy(addr + addr_len, test_var(skel, new_daddr), addr_len);
	if (pkt->l4_proto == IPPROTO_ICMP) {
		memcpy(l4 + 4, &test_var(skel, new_sport), 2);
	} else if (pkt->l4_proto != IPPROTO_ICMPV6) {
		memcpy(l4, &test_var(skel, new_sport), 2);
		memcpy(l4 + 2, &test_var(skel, new_dport), 2);
	}
}

/* One packet, which UDP over IPv4 may send without checksum: so it stays. */
static void rewrite_one(struct __test_metadata *_metadata, struct _test_data_packet *self,
			bool no_check, __u32 trailer)
{
	struct build *pkt = &self->pkt;
	__u32 len = pkt->len;

	random_targets(self);
	if (no_check)
		build_put16(pkt, build_check_at(pkt), 0);
	build_pad(pkt, len + trailer);
	ASSERT_EQ(0, test_run(test_prog(self->skel, csum_rewrite), pkt->data, pkt->len,
			      &self->out));
	ASSERT_EQ(XDP_TX, self->out.verdict);

	replace(pkt, self->skel);
	/* The trailer is in no sum. */
	pkt->len = len;
	build_checksums(pkt);
	pkt->len = len + trailer;
	if (no_check)
		build_put16(pkt, build_check_at(pkt), 0);
	ASSERT_TRUE(test_unchanged(&self->out, pkt->data, pkt->len)) {
		build_dump(self->out.data, self->out.len);
		build_dump(pkt->data, pkt->len);
	}
}

/* Each packet comes out as if it had been made with the new values. */
TEST_F(packet, rewrite)
{
	bool may_lack = variant->family == 4 && variant->proto == IPPROTO_UDP;
	int i;

	for (i = 0; i < ROUNDS / 4; i++) {
		random_packet(&self->pkt, variant->family, variant->proto, &self->rnd);
		rewrite_one(_metadata, self, may_lack && i % 4 == 3, i % 2 * 7);
	}
}

TEST_HARNESS_MAIN
