// SPDX-License-Identifier: GPL-2.0
/* Predicts what programs about echo requests do: hello, pass, ping, tc. */
#include <linux/pkt_cls.h>
#include "echo_event.h"
#include "fuzz.h"
#include "own_addr.h"
#include "ping.h"
#include "tc.h"
#include "hello.skel.h"
#include "pass.skel.h"
#include "ping.skel.h"
#include "tc.skel.h"

enum {
	/* Variants of ping. */
	PING_ALL,
	PING_SOME,
	EVERY = 3,
};

/* --- addresses of the interface --------------------------------------------------- */

static int set_own(const struct bpf_map *map, const char *addr, __u32 kind)
{
	struct own_addr key = { .ifindex = FUZZ_IFINDEX };

	inet_pton(AF_INET6, addr, key.addr);
	return bpf_map__update_elem(map, &key, sizeof(key), &kind, sizeof(kind), BPF_ANY);
}

int fuzz_own_addresses(const struct bpf_map *map)
{
	return set_own(map, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST) ?:
	       set_own(map, BUILD_DADDR6, OWN_ADDR_UNICAST) ?:
	       set_own(map, "::ffff:" FUZZ_CAST4, OWN_ADDR_BROADCAST);
}

static bool is_addr(const __u8 addr[16], const char *text)
{
	__u8 other[16];

	inet_pton(AF_INET6, text, other);
	return !memcmp(addr, other, 16);
}

bool fuzz_is_own(const __u8 addr[16])
{
	return is_addr(addr, "::ffff:" BUILD_DADDR4) || is_addr(addr, BUILD_DADDR6);
}

bool fuzz_is_cast(const struct model *m)
{
	return !model_is_unicast(m) || is_addr(m->src, "::ffff:" FUZZ_CAST4) ||
	       is_addr(m->dst, "::ffff:" FUZZ_CAST4);
}

static bool is_whole(const struct model *m)
{
	return m->l4_at + m->l4_len <= m->len;
}

/* True if the frame is for the MAC address of "lo", which is all zero. */
static bool is_for_host(const struct model *m)
{
	static const __u8 lo[ETH_ALEN];

	return !memcmp(m->data, lo, ETH_ALEN);
}

bool fuzz_is_answered(const struct model *m)
{
	return model_is_echo(m) && m->frag == MODEL_WHOLE && is_whole(m) && !fuzz_is_cast(m) &&
	       is_for_host(m) && fuzz_is_own(m->dst);
}

/* --- hello, pass -------------------------------------------------------------------- */

static int load_hello(struct fuzz_target *t)
{
	struct hello_kern *skel = hello_kern__open_and_load();

	return skel ? fuzz_loaded(t, skel, skel->progs.hello, NULL, NULL) : -errno;
}

static int load_pass(struct fuzz_target *t)
{
	struct pass_kern *skel = pass_kern__open_and_load();

	return skel ? fuzz_loaded(t, skel, skel->progs.pass, NULL, NULL) : -errno;
}

static void predict_pass(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	want->verdict = XDP_PASS;
}

#define predict_hello predict_pass

/* --- ping ----------------------------------------------------------------------------- */

static int load_ping(struct fuzz_target *t)
{
	struct ping_kern *skel = ping_kern__open();

	if (!skel)
		return -errno;
	if (t->variant == PING_SOME) {
		/* 192.0.2.0/24 */
		skel->rodata->src_prefix = (struct ping_prefix) {
			.addr = { 0, 0, htonl(0xffff), htonl(0xc0000200) },
			.mask = { ~0, ~0, ~0, htonl(0xffffff00) },
			.family = 4,
		};
		skel->rodata->every = EVERY;
	}
	return ping_kern__load(skel) ?: fuzz_loaded(t, skel, skel->progs.ping,
						    skel->maps.ping_counts,
						    skel->maps.ping_events);
}

static __u32 ping_reason(struct fuzz_target *t, const struct model *m)
{
	static const __u8 net[] = { 192, 0, 2 };

	if (m->status == MODEL_BAD)
		return PING_PASS_BAD;
	if (m->status == MODEL_NOT_IP)
		return PING_PASS_NOT_IP;
	if (!model_is_echo(m))
		return PING_PASS_NO_ECHO;
	if (t->variant == PING_ALL)
		return PING_DROP_ECHO;
	if (m->family != 4 || memcmp(m->src + 12, net, sizeof(net)))
		return PING_PASS_FILTER;
	return ++t->matched % EVERY ? PING_PASS_EVERY : PING_DROP_ECHO;
}

static void tell_ping(const struct model *m, struct fuzz_want *want, __u8 reason)
{
	const __u8 *icmp = m->data + m->l4_at;
	struct ping_event *ev = (void *)want->event;

	want->event_len = sizeof(*ev);
	memcpy(ev->saddr, m->src, 16);
	memcpy(ev->daddr, m->dst, 16);
	ev->ifindex = FUZZ_IFINDEX;
	memcpy(&ev->id, icmp + 4, 2);
	memcpy(&ev->seq, icmp + 6, 2);
	ev->family = m->family;
	ev->reason = reason;
}

static void predict_ping(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	__u32 reason = ping_reason(t, m);

	want->verdict = reason == PING_DROP_ECHO ? XDP_DROP : XDP_PASS;
	t->count[reason]++;
	if (reason == PING_DROP_ECHO || reason == PING_PASS_EVERY)
		tell_ping(m, want, reason);
}

/* --- tc -------------------------------------------------------------------------------- */

enum {
	/* The variants of tc are those of enum tc_action, and this one: pingpong with --any. */
	TC_PINGPONG_ANY = TC_PINGPONG + 1,
};

static int load_tc(struct fuzz_target *t)
{
	struct tc_kern *skel = tc_kern__open();

	if (!skel)
		return -errno;
	skel->rodata->any = t->variant == TC_PINGPONG_ANY;
	skel->rodata->action = skel->rodata->any ? TC_PINGPONG : t->variant;
	return tc_kern__load(skel) ?:
	       fuzz_own_addresses(skel->maps.own_addrs) ?:
	       fuzz_loaded(t, skel, skel->progs.netbpf_tc, skel->maps.tc_counts,
			   skel->maps.tc_events);
}

static __u32 why_not_answered(const struct fuzz_target *t, const struct model *m)
{
	if (m->frag != MODEL_WHOLE)
		return TC_PASS_FRAGMENT;
	if (!is_whole(m))
		return TC_PASS_CUT;
	if (fuzz_is_cast(m))
		return TC_PASS_CAST;
	if (!is_for_host(m) || (t->variant == TC_PINGPONG && !fuzz_is_own(m->dst)))
		return TC_PASS_NOT_OWN;
	return TC_ANSWER;
}

static __u32 tc_reason(const struct fuzz_target *t, const struct model *m)
{
	if (t->variant == TC_DROP)
		return model_is_echo(m) ? TC_DROP_ECHO : TC_DROP_OTHER;
	if (m->status == MODEL_BAD)
		return TC_PASS_BAD;
	if (m->status == MODEL_NOT_IP)
		return TC_PASS_NOT_IP;
	if (!model_is_echo(m))
		return TC_PASS_NO_ECHO;
	if (t->variant == TC_DROP_PING)
		return TC_DROP_ECHO;
	return why_not_answered(t, m);
}

static void tell_echo(const struct model *m, struct fuzz_want *want, __u8 reason, __u8 verdict)
{
	const __u8 *icmp = m->data + m->l4_at;
	struct echo_event *ev = (void *)want->event;

	want->event_len = sizeof(*ev);
	memcpy(ev->saddr, m->src, 16);
	memcpy(ev->daddr, m->dst, 16);
	ev->ifindex = FUZZ_IFINDEX;
	memcpy(&ev->id, icmp + 4, 2);
	memcpy(&ev->seq, icmp + 6, 2);
	ev->family = m->family;
	ev->reason = reason;
	ev->verdict = verdict;
}

static void predict_tc(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	__u32 reason = tc_reason(t, m);
	__u8 told = ECHO_PASS;

	want->verdict = TC_ACT_UNSPEC;
	if (reason == TC_DROP_ECHO || reason == TC_DROP_OTHER) {
		want->verdict = TC_ACT_SHOT;
		told = ECHO_DROP;
	} else if (reason == TC_ANSWER) {
		want->verdict = TC_ACT_REDIRECT;
		want->answered = true;
		told = ECHO_ANSWER;
	}
	t->count[reason]++;
	if (model_is_echo(m))
		tell_echo(m, want, reason, told);
}

struct fuzz_target fuzz_echo_targets[] = {
	FUZZ_TARGET("hello", FUZZ_XDP, hello, 0, 0),
	FUZZ_TARGET("pass", FUZZ_XDP, pass, 0, 0),
	FUZZ_TARGET("ping", FUZZ_XDP, ping, PING_ALL, 4),
	FUZZ_TARGET("ping-filter", FUZZ_XDP, ping, PING_SOME, 6),
	FUZZ_TARGET("tc-drop", FUZZ_TC, tc, TC_DROP, 2),
	FUZZ_TARGET("tc-ping", FUZZ_TC, tc, TC_DROP_PING, 4),
	FUZZ_TARGET("tc-pingpong", FUZZ_TC, tc, TC_PINGPONG, 8),
	FUZZ_TARGET("tc-any", FUZZ_TC, tc, TC_PINGPONG_ANY, 8),
	{}
};
