// SPDX-License-Identifier: GPL-2.0
/* Runs a packet through a program and compares all results with the model. */
#include <errno.h>
#include <stdlib.h>
#include "fuzz.h"

/**
 * struct fuzz_kept - a packet that is kept until the counters were compared
 * @len: length of the packet
 * @data: bytes of the packet
 */
struct fuzz_kept {
	__u32 len;
	__u8 data[FUZZ_LEN_MAX];
};

const char *fuzz_dir = ".";

/*
 * From NETBPF_FUZZ_WRONG: which result to falsify, as if the program were broken. fuzz.sh checks
 * that the comparison then fails.
 */
static const char *wrong;

static bool is_wrong(const char *how)
{
	return wrong && !strcmp(wrong, how);
}

/* --- loading ------------------------------------------------------------------------------ */

static int take_event(void *ctx, void *data, size_t size)
{
	struct fuzz_target *t = ctx;

	t->n_events++;
	t->event_len = size - is_wrong("event");
	memcpy(t->event, data, size < FUZZ_EVENT_MAX ? size : FUZZ_EVENT_MAX);
	return 0;
}

/*
 * Each load() calls this with its skeleton, which stays open until the process ends. Returns 0 or
 * a negative errno.
 */
int fuzz_loaded(struct fuzz_target *t, const void *skel, const struct bpf_program *prog,
		const struct bpf_map *counts, const struct bpf_map *events)
{
	t->skel = skel;
	wrong = getenv("NETBPF_FUZZ_WRONG");
	t->prog = prog;
	t->counts = counts;
	if (counts)
		t->n_counts = bpf_map__max_entries(counts) * bpf_map__value_size(counts) /
			      sizeof(__u64);
	t->kept = calloc(FUZZ_BATCH, sizeof(*t->kept));
	if (!t->kept || t->n_counts > FUZZ_WORDS_MAX)
		return -ENOMEM;
	if (!events)
		return 0;
	t->ring = ring_buffer__new(bpf_map__fd(events), take_event, t, NULL);
	return t->ring ? 0 : -errno;
}

/* --- telling -------------------------------------------------------------------------------- */

static void put_pcap(FILE *file, const __u8 *data, __u32 len)
{
	const __u32 header[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };
	const __u32 record[] = { 0, 0, len, len };

	fwrite(header, sizeof(header), 1, file);
	fwrite(record, sizeof(record), 1, file);
	fwrite(data, len, 1, file);
}

/* Reports a failing packet: as hex, as a pcap file, and with the command that runs it again. */
static void tell(const struct fuzz_target *t, const __u8 *data, __u32 len, const char *what)
{
	char path[4096];
	FILE *file;

	printf("not ok %s: packet %llu: %s\n", t->name, (unsigned long long)t->n_run, what);
	build_dump(data, len);
	snprintf(path, sizeof(path), "%s/%s.pcap", fuzz_dir, t->name);
	file = fopen(path, "wb");
	if (!file) {
		printf("# cannot write %s: %s\n", path, strerror(errno));
		return;
	}
	put_pcap(file, data, len);
	fclose(file);
	printf("# again: scripts/fuzz.sh --replay %s %s\n", path, t->name);
}

/* --- one packet ------------------------------------------------------------------------------ */

/* BPF_PROG_TEST_RUN removes an Ethernet header before a socket filter, so add one. */
static int run_socket(const struct fuzz_target *t, const __u8 *data, __u32 len,
		      struct test_out *out)
{
	static __u8 frame[ETH_HLEN + FUZZ_LEN_MAX];
	int err;

	memcpy(frame + ETH_HLEN, data, len);
	err = test_run(t->prog, frame, ETH_HLEN + len, out);
	/*
	 * A filter cannot change the packet. Whether the output has the Ethernet header depends on
	 * the kernel, so do not use it.
	 */
	memcpy(out->data, data, len);
	out->len = len;
	return err;
}

static const char *judge_event(struct fuzz_target *t, const struct fuzz_want *want)
{
	t->n_events = 0;
	if (t->ring && ring_buffer__consume(t->ring) < 0)
		return "its event cannot be read";
	if (t->n_events != !!want->event_len)
		return t->n_events ? "it was told of" : "it was not told of";
	if (!want->event_len)
		return NULL;
	if (t->event_len != want->event_len ||
	    memcmp(t->event + sizeof(__u64), want->event + 1,
		   t->event_len - sizeof(__u64)))
		return "the event tells something else";
	return NULL;
}

static const char *judge(const struct fuzz_target *t, const struct model *m,
			 const struct fuzz_want *want, const struct test_out *out)
{
	static char text[64];

	if (out->verdict != want->verdict) {
		snprintf(text, sizeof(text), "the verdict is %d, not %d", (int)out->verdict,
			 (int)want->verdict);
		return text;
	}
	if (want->answered)
		return model_check_reply(m, out->data, out->len);
	return test_unchanged(out, m->data, m->len) ? NULL : "it was changed";
}

/* Some kernels refuse an skb that is shorter than the IP header of its EtherType. */
static bool may_be_refused(const struct fuzz_target *t, __u32 len)
{
	return t->hook == FUZZ_TC && len < ETH_HLEN + 40;
}

static void be_wrong(struct fuzz_target *t, struct test_out *out)
{
	if (is_wrong("verdict"))
		out->verdict += 100;
	if (is_wrong("byte"))
		out->data[out->len - 1] ^= 1;
	if (is_wrong("counter"))
		t->count[0]++;
}

static const char *run_one(struct fuzz_target *t, const __u8 *data, __u32 len)
{
	static struct test_out out;
	struct fuzz_want want = {};
	const char *what, *event;
	struct model m;
	int err;

	err = t->hook == FUZZ_SOCKET ? run_socket(t, data, len, &out) :
				       test_run(t->prog, data, len, &out);
	if (err == -EINVAL && may_be_refused(t, len)) {
		t->n_refused++;
		return NULL;
	}
	if (err)
		return strerror(-err);
	be_wrong(t, &out);
	model_read(&m, data, len);
	t->predict(t, &m, &want);
	what = judge(t, &m, &want, &out);
	event = judge_event(t, &want);
	return what ?: event;
}

/* --- counters ------------------------------------------------------------------------------- */

static int add_up(const struct fuzz_target *t, __u64 *sum)
{
	__u32 key, words = bpf_map__value_size(t->counts) / sizeof(__u64);
	int n = 0;

	for (key = 0; n >= 0 && key < bpf_map__max_entries(t->counts); key++)
		n = test_sum(t->counts, &key, &sum[key * words]);
	return n < 0 ? n : 0;
}

/* Returns the first counter with a wrong value; -1: all are right. */
static int wrong_counter(struct fuzz_target *t, __u64 *sum)
{
	__u32 i;

	if (!t->counts || add_up(t, sum))
		return t->counts ? 0 : -1;
	for (i = 0; i < t->n_counts; i++) {
		if (sum[i] != t->count[i])
			return i;
	}
	return -1;
}

/* Runs each packet of the batch again, alone, to find the one that is counted wrongly. */
static void find_culprit(struct fuzz_target *t)
{
	__u64 sum[FUZZ_WORDS_MAX];
	char what[64];
	__u32 i;
	int n;

	for (i = 0; i < t->n_kept; i++) {
		if (add_up(t, t->count))
			return;
		run_one(t, t->kept[i].data, t->kept[i].len);
		n = wrong_counter(t, sum);
		if (n < 0)
			continue;
		snprintf(what, sizeof(what), "counter %d is off by %+lld", n,
			 (long long)(sum[n] - t->count[n]));
		tell(t, t->kept[i].data, t->kept[i].len, what);
		return;
	}
	printf("not ok %s: counters do not add up, and no packet alone shows it\n", t->name);
}

/* Compares the counters with the model. Returns 0, or -1 after a message. */
int fuzz_compare_counts(struct fuzz_target *t)
{
	__u64 sum[FUZZ_WORDS_MAX];
	int n = wrong_counter(t, sum);

	if (n >= 0) {
		printf("# %s: counter %d: %llu, not %llu\n", t->name, n, (unsigned long long)sum[n],
		       (unsigned long long)t->count[n]);
		find_culprit(t);
	}
	t->n_kept = 0;
	return n < 0 ? 0 : -1;
}

/*
 * Runs one packet and compares the results; after each batch also compares the counters. Returns
 * 0, or -1 after a message.
 */
int fuzz_one(struct fuzz_target *t, const __u8 *data, __u32 len)
{
	struct fuzz_kept *kept = &t->kept[t->n_kept++];
	const char *what;

	t->n_run++;
	kept->len = len;
	memcpy(kept->data, data, len);
	what = run_one(t, data, len);
	if (what) {
		tell(t, data, len, what);
		return -1;
	}
	return t->n_kept == FUZZ_BATCH ? fuzz_compare_counts(t) : 0;
}
