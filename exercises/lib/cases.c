// SPDX-License-Identifier: GPL-2.0
/* Run the learner's program on packets, and compare what it does with what it should do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pkt_cls.h>
#include "course.h"

static const char *const xdp_verdicts[] = {
	[XDP_ABORTED] = "ended with XDP_ABORTED",
	[XDP_DROP] = "was dropped",
	[XDP_PASS] = "was passed",
	[XDP_TX] = "was sent back",
	[XDP_REDIRECT] = "was redirected",
};

static const char *const tc_verdicts[] = {
	[TC_ACT_OK] = "was passed",
	[TC_ACT_SHOT] = "was dropped",
	[TC_ACT_REDIRECT] = "was redirected",
};

/* What became of a packet, as the verb of a sentence. */
static const char *verdict_text(const struct course *course, __u32 verdict, char *text, size_t size)
{
	enum bpf_prog_type type = bpf_program__type(course->prog);

	if (type == BPF_PROG_TYPE_XDP && verdict <= XDP_REDIRECT)
		return xdp_verdicts[verdict];
	if (type == BPF_PROG_TYPE_SCHED_CLS && (int)verdict == TC_ACT_UNSPEC)
		return tc_verdicts[TC_ACT_OK];
	if (type == BPF_PROG_TYPE_SCHED_CLS && verdict <= TC_ACT_REDIRECT && tc_verdicts[verdict])
		return tc_verdicts[verdict];
	snprintf(text, size, "got the verdict %d", (int)verdict);
	return text;
}

/*
 * A verdict of the other hook is told where its number has no good meaning here: XDP_PASS and
 * TC_ACT_SHOT are both 2, for example, and nobody can know which one was written.
 */
static const char *wrong_hook(const struct course *course, __u32 verdict)
{
	enum bpf_prog_type type = bpf_program__type(course->prog);

	if (type == BPF_PROG_TYPE_SCHED_CLS && verdict == XDP_DROP)
		return "1 is XDP_DROP; a TC program says TC_ACT_SHOT";
	if (type == BPF_PROG_TYPE_SCHED_CLS && verdict == XDP_TX)
		return "3 is XDP_TX; a TC program returns what bpf_redirect() returns";
	if (type == BPF_PROG_TYPE_SCHED_CLS && verdict == XDP_REDIRECT)
		return "4 is XDP_REDIRECT; a TC program returns what bpf_redirect() returns";
	if (type == BPF_PROG_TYPE_XDP && verdict == TC_ACT_REDIRECT)
		return "7 is TC_ACT_REDIRECT; an XDP program says XDP_REDIRECT";
	if (type == BPF_PROG_TYPE_XDP && (int)verdict == TC_ACT_UNSPEC)
		return "-1 is TC_ACT_UNSPEC; an XDP program says XDP_PASS";
	return NULL;
}

/* TC_ACT_UNSPEC lets the next filter decide; without another one, the packet passes. */
static bool same_verdict(const struct course *course, __u32 got, __u32 want)
{
	char a[32], b[32];

	return !strcmp(verdict_text(course, got, a, sizeof(a)),
		       verdict_text(course, want, b, sizeof(b)));
}

__u32 course_below(struct course *course, __u32 n)
{
	return test_below(&course->rand, n);
}

static void random_bytes(struct course *course, struct build *pkt, __u32 at, __u32 n)
{
	while (n--)
		pkt->data[at++] = test_rand(&course->rand);
}

/* 10.0.0.0/8 and fd00::/8: private addresses. */
static void random_addresses(struct course *course, struct build *pkt)
{
	__u32 size = pkt->family == 4 ? 4 : 16, at = pkt->ip_at + (pkt->family == 4 ? 12 : 8);
	__u32 i;

	for (i = 0; i < 2; i++, at += size) {
		random_bytes(course, pkt, at, size);
		pkt->data[at] = pkt->family == 4 ? 10 : 0xfd;
	}
}

void course_randomize(struct course *course, struct build *pkt)
{
	random_bytes(course, pkt, 1, 5);
	random_bytes(course, pkt, 7, 5);
	if (!pkt->family)
		return;
	random_addresses(course, pkt);
	/* TTL or hop limit: at least 32, so that it does not matter. */
	pkt->data[pkt->ip_at + (pkt->family == 4 ? 8 : 7)] = 32 + course_below(course, 200);
	if (pkt->l4_at && (pkt->l4_proto == IPPROTO_TCP || pkt->l4_proto == IPPROTO_UDP)) {
		build_put16(pkt, pkt->l4_at, 1024 + course_below(course, 60000));
		build_put16(pkt, pkt->l4_at + 2, 1024 + course_below(course, 60000));
	} else if (pkt->l4_at && pkt->len >= pkt->l4_at + 8) {
		random_bytes(course, pkt, pkt->l4_at + 4, 4);
	}
	build_checksums(pkt);
}

void course_ping(struct course *course, struct build *pkt, int family, int vlans)
{
	build_start(pkt);
	build_vlans(pkt, vlans);
	build_ip(pkt, family);
	build_echo(pkt);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
}

bool course_run(struct course *course, const struct build *pkt, struct test_out *out)
{
	int err = test_run(course->prog, pkt->data, pkt->len, out);

	if (!err)
		return true;
	course_wrong(course, "the kernel could not run the program: %s", strerror(-err));
	return false;
}

/* Offset of the first byte in which the packets differ. */
static __u32 first_difference(const struct test_out *out, const struct build *want)
{
	__u32 at = 0, len = out->len < want->len ? out->len : want->len;

	while (at < len && out->data[at] == want->data[at])
		at++;
	return at;
}

/* Compare the packet that the program has left with the right one; true if it is right. */
static bool check_bytes(struct course *course, const struct test_out *out,
			const struct build *want, const char *what, bool may_change)
{
	__u32 at = first_difference(out, want);

	if (out->len == want->len && at == want->len)
		return true;
	if (out->len != want->len)
		course_wrong(course, "%s has %u bytes afterwards, and should have %u", what,
			     out->len, want->len);
	else if (may_change)
		course_wrong(course, "%s: byte %u (%s) is %02x afterwards, and should be %02x",
			     what, at, course_header(want, at), out->data[at], want->data[at]);
	else
		course_wrong(course, "%s: byte %u (%s) was %02x, and is %02x: it should not change",
			     what, at, course_header(want, at), want->data[at], out->data[at]);
	course_show(want, out->data, out->len, at, 1);
	return false;
}

/* Say that the verdict is a wrong one, with what may help to see why. */
static void wrong_verdict(struct course *course, const struct build *pkt, const char *what,
			  __u32 verdict, const struct course *set)
{
	const char *hook = wrong_hook(course, verdict);
	char text[32];

	course_wrong(course, "%s %s: %s", what, verdict_text(course, verdict, text, sizeof(text)),
		     exercise.rule);
	if (hook)
		printf("    %s\n", hook);
	course_show(pkt, pkt->data, pkt->len, set->mark, set->mark_len);
	if (set->hint)
		printf("    %s\n", set->hint);
}

static void expect(struct course *course, const struct build *pkt, const struct build *want,
		   const char *what, __u32 verdict)
{
	/* What the case has set, for this packet only. */
	struct course set = *course;
	struct test_out out;

	course->mark = 0;
	course->hint = NULL;
	if (course_enough(course) || !course_run(course, pkt, &out))
		return;
	if (same_verdict(course, out.verdict, verdict))
		check_bytes(course, &out, want, what, want != pkt);
	else
		wrong_verdict(course, pkt, what, out.verdict, &set);
}

void course_expect(struct course *course, const struct build *pkt, const char *what,
		   __u32 verdict)
{
	expect(course, pkt, pkt, what, verdict);
}

void course_expect_packet(struct course *course, const struct build *pkt,
			  const struct build *want, const char *what, __u32 verdict)
{
	expect(course, pkt, want, what, verdict);
}

static void shuffle(struct course *course, unsigned int *order, unsigned int n)
{
	unsigned int i, j, swap;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		j = course_below(course, i);
		swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/* Try one case. Return what there is to say about it, to be freed; NULL: no memory for it. */
static char *try_case(struct course *course, const struct course_case *one)
{
	FILE *said = stdout;
	struct build pkt;
	char *text = NULL;
	size_t size;

	/* The sentences wait for those of simpler cases. */
	stdout = open_memstream(&text, &size);
	if (stdout) {
		one->build(course, &pkt);
		course_expect(course, &pkt, one->what, one->verdict);
		fclose(stdout);
	}
	stdout = said;
	return text;
}

static void try_cases(struct course *course, const struct course_case *cases, unsigned int n)
{
	unsigned int order[n], i, before = course->wrong;
	char *said[n];

	shuffle(course, order, n);
	for (i = 0; i < n; i++) {
		said[order[i]] = try_case(course, &cases[order[i]]);
		course->wrong = before;
	}
	for (i = 0; i < n; i++) {
		if (!said[i])
			course_wrong(course, "the check has no memory");
		else if (*said[i] && !course_enough(course))
			course_wrong(course, "%.*s", (int)strlen(said[i]) - 1, said[i]);
		free(said[i]);
	}
}

void course_cases(struct course *course, const struct course_case *cases, unsigned int n)
{
	unsigned int try;

	/* The first round has tried every case: the others only change the numbers. */
	for (try = 0; try < COURSE_TRIES && !course->wrong; try++)
		try_cases(course, cases, n);
}

/* Newer kernels refuse to test a TC program on an skb without a whole IP header (EINVAL). */
static __u32 shortest(const struct course *course, const struct build *pkt)
{
	__u32 ip_len = pkt->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (bpf_program__type(course->prog) == BPF_PROG_TYPE_SCHED_CLS && pkt->family)
		return pkt->ip_at + ip_len;
	return BUILD_MIN;
}

void course_truncated(struct course *course, const struct build *pkt, const char *what,
		      __u32 verdict)
{
	struct build part = *pkt;
	char text[128];

	for (part.len = shortest(course, pkt); part.len < pkt->len && !course_enough(course);
	     part.len++) {
		snprintf(text, sizeof(text), "%s that is cut off after %u bytes", what, part.len);
		course_expect(course, &part, text, verdict);
	}
}

int course_map(struct course *course, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(course->obj, name);

	if (fd < 0)
		course_wrong(course, "the program has no map named %s", name);
	return fd;
}
