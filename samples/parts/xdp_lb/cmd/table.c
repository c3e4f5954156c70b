// SPDX-License-Identifier: GPL-2.0
/*
 * Read the flow table in place, while packets change it: a slot counts if its word is the same
 * before and after its key was read, and if the two agree.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include "addr4.h"
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "parts/xdp_lb/bpf/hash.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	/* A slot that changes each time it is read is left out. */
	READ_TRIES = 4,
};

/* --- time of the flow table --------------------------------------------------------------- */

/**
 * lb_flow_timeout() - after which time a connection without packets is over
 * @flow_state: enum lb_flow_state
 *
 * The times of TCP states are those of RFC 5382 and IPVS.
 *
 * Return: seconds.
 */
__u32 lb_flow_timeout(unsigned int flow_state)
{
	static const __u32 seconds[__LB_FLOW_STATE_MAX] = {
		[LB_FLOW_CLAIMED] = 5,
		[LB_FLOW_SYN] = 5,
		[LB_FLOW_SYNACK] = 5,
		[LB_FLOW_ESTABLISHED] = 2 * 3600 + 240,
		[LB_FLOW_FIN] = 60,
		[LB_FLOW_RESET] = 60,
		[LB_FLOW_UDP] = 30,
		[LB_FLOW_UDP_REPLIED] = 180,
	};

	return flow_state < ARRAY_SIZE(seconds) ? seconds[flow_state] : 0;
}

/**
 * lb_flow_state_name() - a state for output
 * @flow_state: enum lb_flow_state
 *
 * Return: its name.
 */
const char *lb_flow_state_name(unsigned int flow_state)
{
	static const char * const names[__LB_FLOW_STATE_MAX] = {
		[LB_FLOW_FREE] = "free",
		[LB_FLOW_CLAIMED] = "claimed",
		[LB_FLOW_SYN] = "syn",
		[LB_FLOW_SYNACK] = "synack",
		[LB_FLOW_ESTABLISHED] = "established",
		[LB_FLOW_FIN] = "fin",
		[LB_FLOW_RESET] = "reset",
		[LB_FLOW_UDP] = "udp",
		[LB_FLOW_UDP_REPLIED] = "udp_replied",
	};

	return flow_state < ARRAY_SIZE(names) ? names[flow_state] : "?";
}

/**
 * lb_hz() - jiffies in a second
 *
 * The resolution of the coarse clocks is a jiffy.
 *
 * Return: CONFIG_HZ of this kernel.
 */
__u32 lb_hz(void)
{
	struct timespec jiffy = {};

	clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
	return jiffy.tv_nsec ? (1000000000 + jiffy.tv_nsec / 2) / jiffy.tv_nsec : 0;
}

/**
 * lb_tick_shift() - length of a tick in jiffies, from lb_instance_meta.tick_us
 * @tick_us: length of a tick
 * @hz: jiffies in a second, 0: unknown
 *
 * Return: n, if a tick is 1 << n jiffies; -1: it is no power of two of jiffies.
 */
int lb_tick_shift(__u32 tick_us, __u32 hz)
{
	int shift;

	for (shift = 0; hz && shift < 16; shift++) {
		if ((1000000ULL << shift) / hz == tick_us)
			return shift;
	}
	return -1;
}

/*
 * Only a BPF program can read jiffies: run one that returns them, as ticks. Its program type
 * needs no capability but CAP_BPF.
 */
static int run_clock(int shift, __u32 *now)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = shift },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char packet[64] = {};
	static int fd = -1;
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = packet,
		.data_size_in = sizeof(packet),
		.data_out = packet,
		.data_size_out = sizeof(packet),
	};

	if (fd < 0)
		fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "lb_ticks", "GPL", insns,
				   ARRAY_SIZE(insns), NULL);
	if (fd < 0 || bpf_prog_test_run_opts(fd, &opts))
		return -errno;
	*now = opts.retval;
	return 0;
}

/**
 * lb_read_clock() - read the time that the program in the kernel goes by
 * @state: the instance
 * @clock: result
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_read_clock(const struct lb_state *state, struct lb_clock *clock)
{
	__u32 hz = lb_hz();
	int shift = lb_tick_shift(state->meta->tick_us, hz);
	int err = shift < 0 ? -EPROTO : run_clock(shift, &clock->now);
	unsigned int i;

	if (err) {
		if (sample_refused(err, SAMPLE_NEED_BPF, "read the clock"))
			return -EPERM;
		pr_err("failed to read the clock: %s", strerror(-err));
		return err;
	}
	clock->tick_us = state->meta->tick_us;
	for (i = 0; i < __LB_FLOW_STATE_MAX; i++)
		clock->timeouts[i] = (__u64)lb_flow_timeout(i) * hz >> shift;
	return 0;
}

/**
 * lb_flow_idle() - how long a connection had no packet
 * @clock: the present time
 * @word: word of its slot
 *
 * Return: ticks; 0 if there was one since the clock was read.
 */
__u32 lb_flow_idle(const struct lb_clock *clock, __u64 word)
{
	__s32 age = clock->now - LB_WORD_LAST(word);

	return age < 0 ? 0 : age;
}

/**
 * lb_flow_is_over() - whether a connection had no packet for so long that it is over
 * @clock: the present time
 * @word: word of its slot
 *
 * Return: true if so.
 */
bool lb_flow_is_over(const struct lb_clock *clock, __u64 word)
{
	__u8 flow_state = LB_WORD_STATE(word);

	return flow_state >= __LB_FLOW_STATE_MAX ||
	       lb_flow_idle(clock, word) > clock->timeouts[flow_state];
}

/* --- the flow table --------------------------------------------------------------------- */

static __u64 read_word(const struct lb_state *state, __u32 slot)
{
	const struct lb_bucket *bucket = &state->buckets[slot / LB_BUCKET_LINES];

	return __atomic_load_n(&bucket->word[slot % LB_BUCKET_LINES], __ATOMIC_ACQUIRE);
}

static const struct lb_flow *flow_at(const struct lb_state *state, __u32 slot)
{
	return &state->buckets[slot / LB_BUCKET_LINES].line[slot % LB_BUCKET_LINES];
}

/**
 * lb_end_of_slots() - where to stop when reading all slots
 * @state: the instance
 *
 * Line 0 of a bucket is no slot, but is counted: it holds the words, that is the state, tag and
 * last use of each slot of the bucket. Its own state reads as LB_FLOW_FREE.
 *
 * Return: the number behind that of the last slot.
 */
__u32 lb_end_of_slots(const struct lb_state *state)
{
	return LB_BUCKETS(state->meta->connections) * LB_BUCKET_LINES;
}

/**
 * lb_n_slots() - how many connections the table takes
 * @state: the instance
 *
 * Return: what the configuration asks for, rounded up to whole buckets.
 */
__u32 lb_n_slots(const struct lb_state *state)
{
	return LB_BUCKETS(state->meta->connections) * LB_BUCKET_SLOTS;
}

/* True if the tag fits the key. A key that was read while it changed does not fit. */
static bool has_tag(const struct lb_state *state, const struct lb_flow *flow, __u64 word)
{
	__u64 hash = lb_hash(&flow->key, addr_is4(flow->key.vip.a), state->conf->seed);

	return lb_hash_tag(hash) == LB_WORD_TAG(word);
}

/**
 * lb_read_flow() - the connection in a slot
 * @state: the instance
 * @slot: less than lb_end_of_slots()
 * @flow: takes the connection
 * @word: takes the word of the slot
 *
 * Return: true if the slot has a connection, which may be over.
 */
bool lb_read_flow(const struct lb_state *state, __u32 slot, struct lb_flow *flow, __u64 *word)
{
	unsigned int try;

	for (try = 0; try < READ_TRIES; try++) {
		*word = read_word(state, slot);
		_Static_assert(LB_FLOW_CLAIMED + 1 == LB_FLOW_SYN, "connections begin with it");
		if (LB_WORD_STATE(*word) < LB_FLOW_SYN)
			return false;
		*flow = *flow_at(state, slot);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		/* Compare tag and state only: the last use may change meanwhile. */
		if ((__u32)read_word(state, slot) == (__u32)*word &&
		    has_tag(state, flow, *word))
			return true;
	}
	return false;
}

/**
 * lb_flow_backend() - the backend of a connection
 * @state: the instance
 * @flow: the connection
 *
 * Return: its index, or -1: the backend is gone.
 */
int lb_flow_backend(const struct lb_state *state, const struct lb_flow *flow)
{
	const struct lb_backend *backend = &state->backends[flow->backend % LB_BACKENDS_MAX];

	if (flow->backend >= LB_BACKENDS_MAX || backend->state == LB_BACKEND_UNUSED ||
	    backend->gen != flow->gen)
		return -1;
	return flow->backend;
}

/**
 * lb_read_usage() - count the connections
 * @state: the instance
 * @usage: takes the counts
 *
 * A connection that is over is not counted, although it stays until another takes its slot.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_read_usage(const struct lb_state *state, struct lb_usage *usage)
{
	struct lb_clock clock;
	__u8 flow_state;
	__u64 word;
	__u32 slot;
	int err, i;

	memset(usage, 0, sizeof(*usage));
	err = lb_read_clock(state, &clock);
	for (slot = 0; !err && slot < lb_end_of_slots(state); slot++) {
		word = read_word(state, slot);
		flow_state = LB_WORD_STATE(word);
		if (flow_state < LB_FLOW_SYN || lb_flow_is_over(&clock, word))
			continue;
		usage->used++;
		usage->states[flow_state]++;
		if (flow_state == LB_FLOW_FIN || flow_state == LB_FLOW_RESET)
			continue;
		i = lb_flow_backend(state, flow_at(state, slot));
		if (i >= 0)
			usage->active[i]++;
	}
	return err;
}
