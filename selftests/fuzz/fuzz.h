/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of fuzz_packets share. */
#ifndef _SELFTESTS_FUZZ_FUZZ_H
#define _SELFTESTS_FUZZ_FUZZ_H

#include "test_run.h"
#include "model.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Broadcast address of the network that BUILD_DADDR4 is in. */
#define FUZZ_CAST4	"198.51.100.255"

enum {
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	FUZZ_IFINDEX = 1,
	FUZZ_WORDS_MAX = 64,
	FUZZ_EVENT_MAX = 256,
	/* Counters are compared after so many packets: reading them takes as long as one. */
	FUZZ_BATCH = 256,
	/* XDP sees the first buffer only: no frame here needs a second one. */
	FUZZ_LEN_MAX = 3500,
};

/**
 * enum fuzz_hook - how a program is given a packet
 * @FUZZ_XDP: from its first byte
 * @FUZZ_TC: as an skb
 * @FUZZ_SOCKET: as an skb; a filter cannot change it
 */
enum fuzz_hook {
	FUZZ_XDP,
	FUZZ_TC,
	FUZZ_SOCKET,
};

/**
 * struct fuzz_want - what the model says that a program does with a packet
 * @verdict: it returns
 * @answered: the packet becomes the reply to what it was; else it stays
 * @event_len: length of the event that it tells; 0: none
 * @event: the event; its time, the first word, does not count
 */
struct fuzz_want {
	__u32 verdict;
	bool answered;
	__u32 event_len;
	__u64 event[FUZZ_EVENT_MAX / sizeof(__u64)];
};

struct fuzz_kept;

/**
 * struct fuzz_target - a program, loaded in one way
 * @name: what the user calls it
 * @hook: enum fuzz_hook
 * @load: load it; 0 or negative errno
 * @predict: add to @count and fill @want for a packet
 * @variant: what @load and @predict make of it
 * @reasons: so many counters a long run must have raised, or it has not met all
 * @skel: its skeleton, which goes with the process
 * @prog: the program
 * @counts: map of its counters; NULL: none
 * @n_counts: number of counters, 64 bits each
 * @count: what they must be
 * @matched: of its own, for --every
 * @n_events: of the last packet
 * @event_len: length of the last event
 * @event: its bytes
 * @ring: where events come from
 * @kept: packets since the counters were compared
 * @n_kept: how many
 * @n_run: packets so far
 * @n_refused: of these, too short for BPF_PROG_TEST_RUN
 */
struct fuzz_target {
	const char *name;
	enum fuzz_hook hook;
	int (*load)(struct fuzz_target *t);
	void (*predict)(struct fuzz_target *t, const struct model *m, struct fuzz_want *want);
	int variant;
	__u32 reasons;

	const void *skel;
	const struct bpf_program *prog;
	const struct bpf_map *counts;
	__u32 n_counts;
	__u64 count[FUZZ_WORDS_MAX];
	__u64 matched;

	__u32 n_events;
	__u32 event_len;
	__u8 event[FUZZ_EVENT_MAX];
	struct ring_buffer *ring;

	struct fuzz_kept *kept;
	__u32 n_kept;
	__u64 n_run;
	__u64 n_refused;
};

/* @what: of load_@what() and predict_@what() */
#define FUZZ_TARGET(title, at, what, how, least)			\
	{								\
		.name = title, .hook = at, .load = load_##what,		\
		.predict = predict_##what, .variant = how, .reasons = least,	\
	}

extern struct fuzz_target fuzz_echo_targets[];
extern struct fuzz_target fuzz_count_targets[];

int fuzz_loaded(struct fuzz_target *t, const void *skel, const struct bpf_program *prog,
		const struct bpf_map *counts, const struct bpf_map *events);
int fuzz_own_addresses(const struct bpf_map *map);
bool fuzz_is_own(const __u8 addr[16]);
bool fuzz_is_cast(const struct model *m);
bool fuzz_is_answered(const struct model *m);

int fuzz_one(struct fuzz_target *t, const __u8 *data, __u32 len);
int fuzz_compare_counts(struct fuzz_target *t);
extern const char *fuzz_dir;

void make_seed(__u64 seed);
void make_packet(struct build *pkt);
bool make_shape(struct build *pkt, __u32 n);

#endif /* _SELFTESTS_FUZZ_FUZZ_H */
