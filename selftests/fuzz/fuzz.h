/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations that the parts of fuzz_packets share. */
#ifndef _SELFTESTS_FUZZ_FUZZ_H
#define _SELFTESTS_FUZZ_FUZZ_H

#include "test_run.h"
#include "model.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Broadcast address of the network of BUILD_DADDR4. */
#define FUZZ_CAST4	"198.51.100.255"

enum {
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	FUZZ_IFINDEX = 1,
	FUZZ_WORDS_MAX = 64,
	FUZZ_EVENT_MAX = 256,
	/* Counters are compared after this many packets: reading them takes as long as a packet. */
	FUZZ_BATCH = 256,
	/* XDP programs read the first buffer only. Frames up to this length need no second one. */
	FUZZ_LEN_MAX = 3500,
};

/**
 * enum fuzz_hook - hook of a program, which decides how the program gets a packet
 * @FUZZ_XDP: as an XDP buffer
 * @FUZZ_TC: as an skb
 * @FUZZ_SOCKET: as an skb, which a socket filter cannot change
 */
enum fuzz_hook {
	FUZZ_XDP,
	FUZZ_TC,
	FUZZ_SOCKET,
};

/**
 * struct fuzz_want - what a program must do with a packet, according to the model
 * @verdict: return value of the program
 * @answered: the program turns the packet into its reply; otherwise the packet stays unchanged
 * @event_len: length of the event that the program sends, in bytes; 0: no event
 * @event: the event; its first word, the time, is not compared
 */
struct fuzz_want {
	__u32 verdict;
	bool answered;
	__u32 event_len;
	__u64 event[FUZZ_EVENT_MAX / sizeof(__u64)];
};

struct fuzz_kept;

/**
 * struct fuzz_target - a program, loaded with certain options
 * @name: name on the command line of fuzz_packets
 * @hook: enum fuzz_hook
 * @load: loads the program; returns 0 or a negative errno
 * @predict: fills @want for a packet, and adds the packet to @count
 * @variant: selects the options in @load and @predict
 * @reasons: number of counters that a long run must have raised; otherwise its packets were not
 *	varied enough
 * @skel: skeleton of the program; stays open until the process ends
 * @prog: the program
 * @counts: map of its counters; NULL: none
 * @n_counts: number of counters, 64 bits each
 * @count: expected values of the counters
 * @matched: number of matching packets so far, for --every of ping
 * @n_events: number of events for the last packet
 * @event_len: length of the last event, in bytes
 * @event: the last event
 * @ring: reader of the events
 * @kept: packets since the counters were last compared
 * @n_kept: number of packets in @kept
 * @n_run: number of packets so far
 * @n_refused: number of packets that were too short for BPF_PROG_TEST_RUN
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

/*
 * Initialises a target; its functions are load_@what() and predict_@what(). @how is its variant,
 * @least its reasons.
 */
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
