// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how samples/xdp_lb reads its flow table: when a connection is over, what is
 * counted, and that no half-written connection is shown. The table is memory of the test.
 */
#include <net/if.h>
#include "addr4.h"
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "test_harness.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "test_root.h"
#include "test_run.h"
#include "test_wrap.h"
#include "parts/xdp_lb/bpf/hash.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	SLOTS = 64,
	NOW = 0x10,
	ROUNDS = 200000,
	VPORT = 80,
};

static bool refused;

TEST_WRAPS(pr_err);
TEST_WRAPS(sample_refused);

void __wrap_pr_err(const char *fmt, ...)
{
}

bool __wrap_sample_refused(int err, unsigned int needs, const char *fmt, ...)
{
	return refused;
}

FIXTURE(table)
{
	struct lb_state state;
	struct lb_instance_meta meta;
	struct lb_kern_conf conf;
	struct lb_backend backends[LB_BACKENDS_MAX];
	struct lb_bucket *buckets;
	struct lb_clock clock;
	struct lb_flow flow;
	__u64 word;
	bool stop;
};

#define TABLE struct _test_data_table *self

FIXTURE_SETUP(table)
{
	unsigned int i;

	/* As in the map: a bucket does not cross a page. */
	self->buckets = aligned_alloc(sizeof(*self->buckets),
				      LB_BUCKETS(SLOTS) * sizeof(*self->buckets));
	ASSERT_NE(NULL, self->buckets);
	memset(self->buckets, 0, LB_BUCKETS(SLOTS) * sizeof(*self->buckets));
	self->meta.connections = SLOTS;
	self->meta.tick_us = (1000000ULL << 7) / lb_hz();
	self->conf.seed = test_seed();
	self->state.meta = &self->meta;
	self->state.conf = &self->conf;
	self->state.backends = self->backends;
	self->state.buckets = self->buckets;
	self->clock.now = NOW;
	for (i = 0; i < __LB_FLOW_STATE_MAX; i++)
		self->clock.timeouts[i] = 10 * i;
}

FIXTURE_TEARDOWN(table)
{
	free(self->buckets);
}

static __u64 *word_at(TABLE, unsigned int slot)
{
	return &self->buckets[slot / LB_BUCKET_LINES].word[slot % LB_BUCKET_LINES];
}

static struct lb_flow *line_at(TABLE, unsigned int slot)
{
	return &self->buckets[slot / LB_BUCKET_LINES].line[slot % LB_BUCKET_LINES];
}

/* All fields follow from @x, so that a mixture of two connections shows. */
static struct lb_flow make_flow(__u32 x)
{
	struct lb_flow flow = {};

	flow.key.client.a[2] = htonl(0xffff);
	flow.key.client.a[3] = x;
	flow.key.vip.a[2] = htonl(0xffff);
	flow.key.vip.a[3] = ~x;
	flow.key.cport = x;
	flow.key.vport = htons(VPORT);
	flow.key.proto = IPPROTO_TCP;
	flow.backend = x % LB_BACKENDS_MAX;
	flow.gen = x * 7;
	flow.sport = ~x;
	memset(flow.cmac, x, sizeof(flow.cmac));
	return flow;
}

static __u64 make_word(TABLE, const struct lb_flow *flow, __u32 last, __u8 flow_state)
{
	__u64 hash = lb_hash(&flow->key, addr_is4(flow->key.vip.a), self->conf.seed);

	return LB_WORD(last, lb_hash_tag(hash), flow_state);
}

static void put(TABLE, unsigned int slot, __u32 x, __u32 last, __u8 flow_state)
{
	*line_at(self, slot) = make_flow(x);
	*word_at(self, slot) = make_word(self, line_at(self, slot), last, flow_state);
}

static void add_backend(TABLE, __u32 x)
{
	struct lb_flow flow = make_flow(x);

	self->backends[flow.backend].state = LB_BACKEND_UP;
	self->backends[flow.backend].gen = flow.gen;
}

/* --- time ---------------------------------------------------------------------------- */

static __u64 monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/* The jiffies that the kernel reports; 0 if it does not report them. */
static __u64 proc_jiffies(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	unsigned long long jiffies = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "jiffies: %llu", &jiffies) == 1)
			break;
	}
	if (file)
		fclose(file);
	return jiffies;
}

/* Each reading takes time: the jiffies fit both the time between and the time around the two. */
TEST_F(table, hz_is_what_jiffies_run_at)
{
	__u64 around, between, start, jiffies;

	around = monotonic_us();
	start = proc_jiffies();
	between = monotonic_us();
	if (!start)
		SKIP(return, "/proc/timer_list tells no jiffies");
	usleep(300 * 1000);
	between = monotonic_us() - between;
	jiffies = proc_jiffies() - start;
	around = monotonic_us() - around;
	EXPECT_LE(lb_hz() * between, (jiffies + 2) * 1000000);
	EXPECT_GE(lb_hz() * around, (jiffies - 2) * 1000000);
}

TEST_F(table, now_is_jiffies)
{
	__u64 before, after;

	if (test_lacks(SAMPLE_NEED_BPF))
		SKIP(return, "%s", test_lacked);
	before = proc_jiffies() >> 7;
	ASSERT_EQ(0, lb_read_clock(&self->state, &self->clock));
	after = proc_jiffies() >> 7;
	if (!before)
		SKIP(return, "/proc/timer_list tells no jiffies");
	EXPECT_GE(self->clock.now, (__u32)before);
	EXPECT_LE(self->clock.now, (__u32)after);
	EXPECT_EQ(self->meta.tick_us, self->clock.tick_us);
}

/* Timeouts are rounded down to ticks: they are less than a tick shorter than in seconds. */
TEST_F(table, timeouts_are_in_ticks)
{
	unsigned int i;
	__u64 us;

	if (test_lacks(SAMPLE_NEED_BPF))
		SKIP(return, "%s", test_lacked);
	ASSERT_EQ(0, lb_read_clock(&self->state, &self->clock));
	for (i = 0; i < __LB_FLOW_STATE_MAX; i++) {
		us = (__u64)self->clock.timeouts[i] * self->clock.tick_us;
		EXPECT_LE(us, lb_flow_timeout(i) * 1000000ULL);
		EXPECT_GE(us + self->clock.tick_us, lb_flow_timeout(i) * 1000000ULL);
	}
	EXPECT_EQ(7440, lb_flow_timeout(LB_FLOW_ESTABLISHED));
	EXPECT_EQ(0, lb_flow_timeout(__LB_FLOW_STATE_MAX));
}

TEST_F(table, tick_of_each_hz)
{
	static const __u32 hz[] = { 100, 250, 300, 1000 };
	unsigned int i;
	int shift;

	for (i = 0; i < ARRAY_SIZE(hz); i++) {
		for (shift = 0; shift < 12; shift++)
			EXPECT_EQ(shift, lb_tick_shift((1000000ULL << shift) / hz[i], hz[i]));
		EXPECT_EQ(-1, lb_tick_shift(0, hz[i]));
		EXPECT_EQ(-1, lb_tick_shift(512001, hz[i]));
	}
	EXPECT_EQ(-1, lb_tick_shift(512000, 0));
}

TEST_F(table, unknown_tick_is_an_error)
{
	self->meta.tick_us++;
	EXPECT_EQ(-EPROTO, lb_read_clock(&self->state, &self->clock));
	/* For lack of rights, -EPERM. Neither is -EINVAL, which would blame the user's options. */
	refused = true;
	EXPECT_EQ(-EPERM, lb_read_clock(&self->state, &self->clock));
}

TEST_F(table, over_after_the_timeout)
{
	__u32 i, last;

	for (i = LB_FLOW_SYN; i < __LB_FLOW_STATE_MAX; i++) {
		/* Ticks wrap around: the last use was before that, NOW is after. */
		last = NOW - 10 * i;
		EXPECT_FALSE(lb_flow_is_over(&self->clock, LB_WORD(last, 1, i)));
		EXPECT_TRUE(lb_flow_is_over(&self->clock, LB_WORD((__u32)(last - 1), 1, i)));
		EXPECT_EQ(10 * i, lb_flow_idle(&self->clock, LB_WORD(last, 1, i)));
		/* A packet came after the clock was read. */
		EXPECT_FALSE(lb_flow_is_over(&self->clock, LB_WORD(NOW + 1, 1, i)));
		EXPECT_EQ(0, lb_flow_idle(&self->clock, LB_WORD(NOW + 1, 1, i)));
	}
	EXPECT_TRUE(lb_flow_is_over(&self->clock, LB_WORD(NOW, 1, i)));
}

TEST_F(table, names_of_states)
{
	EXPECT_STREQ("syn", lb_flow_state_name(LB_FLOW_SYN));
	EXPECT_STREQ("udp_replied", lb_flow_state_name(LB_FLOW_UDP_REPLIED));
	EXPECT_STREQ("?", lb_flow_state_name(__LB_FLOW_STATE_MAX));
	EXPECT_STREQ("?", lb_flow_state_name(255));
}

/* --- slots ----------------------------------------------------------------------------- */

TEST_F(table, reads_what_is_there)
{
	__u32 i, slot;

	for (i = LB_FLOW_SYN; i < __LB_FLOW_STATE_MAX; i++) {
		slot = LB_BUCKET_SLOTS * i + 1;
		put(self, slot, i, NOW, i);
		ASSERT_TRUE(lb_read_flow(&self->state, slot, &self->flow, &self->word));
		EXPECT_EQ(0, memcmp(&self->flow, line_at(self, slot), sizeof(self->flow)));
		EXPECT_EQ(*word_at(self, slot), self->word);
	}
}

TEST_F(table, ipv6)
{
	struct lb_flow *flow = line_at(self, 3);

	*flow = make_flow(1234);
	flow->key.client.a[0] = htonl(0x20010db8);
	flow->key.vip.a[0] = htonl(0xfd000000);
	*word_at(self, 3) = make_word(self, flow, NOW, LB_FLOW_ESTABLISHED);
	EXPECT_TRUE(lb_read_flow(&self->state, 3, &self->flow, &self->word));
}

TEST_F(table, free_and_claimed_slots_are_empty)
{
	put(self, 1, 1, NOW, LB_FLOW_FREE);
	put(self, 2, 2, NOW, LB_FLOW_CLAIMED);
	EXPECT_FALSE(lb_read_flow(&self->state, 0, &self->flow, &self->word));
	EXPECT_FALSE(lb_read_flow(&self->state, 1, &self->flow, &self->word));
	EXPECT_FALSE(lb_read_flow(&self->state, 2, &self->flow, &self->word));
}

/* If the key does not match the hash in the word, a CPU is just writing the connection. */
TEST_F(table, wrong_key_is_not_shown)
{
	put(self, 1, 1, NOW, LB_FLOW_ESTABLISHED);
	line_at(self, 1)->key.cport ^= htons(1);
	EXPECT_FALSE(lb_read_flow(&self->state, 1, &self->flow, &self->word));
}

/* --- slots that change while they are read ------------------------------------------------- */

/* For read_trapped(): what changes in the middle of lb_read_flow(). */
static struct {
	struct _test_data_table *self;
	void *page;
	void (*change)(struct _test_data_table *self, struct lb_flow *flow);
} trap;

static void on_fault(int sig)
{
	mprotect(trap.page, getpagesize(), PROT_READ | PROT_WRITE);
	trap.change(trap.self, line_at(trap.self, 5));
}

/*
 * Read slot 5 while it changes. The word and the connection are on two pages, unlike in the
 * map: a page fault stops lb_read_flow() between its first look at the word and its look at the
 * connection.
 */
static bool read_trapped(TABLE, void (*change)(TABLE, struct lb_flow *flow))
{
	struct lb_bucket *buckets = self->buckets;
	int page = getpagesize();
	bool found;
	char *mem;

	mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		abort();
	self->buckets = (void *)(mem + page - offsetof(struct lb_bucket, line[5]));
	*self->buckets = *buckets;
	self->state.buckets = self->buckets;
	trap.self = self;
	trap.page = mem + page;
	trap.change = change;
	signal(SIGSEGV, on_fault);
	mprotect(trap.page, page, PROT_NONE);
	found = lb_read_flow(&self->state, 5, &self->flow, &self->word);
	signal(SIGSEGV, SIG_DFL);
	self->buckets = buckets;
	self->state.buckets = buckets;
	munmap(mem, 2 * page);
	return found;
}

static void claim(TABLE, struct lb_flow *flow)
{
	*word_at(self, 5) = LB_WORD(NOW, 0, LB_FLOW_CLAIMED);
	flow->sport = ~flow->sport;
}

TEST_F(table, claimed_while_it_is_read)
{
	put(self, 5, 1, NOW, LB_FLOW_ESTABLISHED);
	EXPECT_FALSE(read_trapped(self, claim));
}

static void replace(TABLE, struct lb_flow *flow)
{
	*flow = make_flow(2);
	*word_at(self, 5) = make_word(self, flow, NOW, LB_FLOW_SYN);
}

TEST_F(table, replaced_while_it_is_read)
{
	struct lb_flow other = make_flow(2);

	put(self, 5, 1, NOW, LB_FLOW_ESTABLISHED);
	EXPECT_TRUE(read_trapped(self, replace));
	EXPECT_EQ(0, memcmp(&other, &self->flow, sizeof(other)));
	EXPECT_EQ(LB_FLOW_SYN, LB_WORD_STATE(self->word));
}

static void touch(TABLE, struct lb_flow *flow)
{
	*word_at(self, 5) = make_word(self, flow, NOW + 1, LB_FLOW_ESTABLISHED);
}

/* If a packet of the connection comes meanwhile, the connection is still shown. */
TEST_F(table, used_while_it_is_read)
{
	put(self, 5, 1, NOW, LB_FLOW_ESTABLISHED);
	EXPECT_TRUE(read_trapped(self, touch));
	EXPECT_EQ(NOW, LB_WORD_LAST(self->word));
}

/* Write as the BPF program does: claim, write, release. The fields behind the key come first. */
static void *write_flows(void *data)
{
	TABLE = data;
	struct lb_flow flow, *at = line_at(self, 5);
	__u32 x;

	for (x = 1; !__atomic_load_n(&self->stop, __ATOMIC_RELAXED); x++) {
		flow = make_flow(x * 0x9e3779b1);
		__atomic_exchange_n(word_at(self, 5), LB_WORD(x, 0, LB_FLOW_CLAIMED),
				    __ATOMIC_SEQ_CST);
		memcpy(&at->backend, &flow.backend,
		       sizeof(flow) - offsetof(struct lb_flow, backend));
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		at->key = flow.key;
		__atomic_exchange_n(word_at(self, 5),
				    make_word(self, &flow, x, LB_FLOW_ESTABLISHED),
				    __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST_F(table, no_mixture_while_it_is_written)
{
	unsigned int i, n = 0, mixed = 0;
	struct lb_flow whole;
	pthread_t writer;

	ASSERT_EQ(0, pthread_create(&writer, NULL, write_flows, self));
	for (i = 0; i < ROUNDS || (!n && i < 100 * ROUNDS); i++) {
		if (!lb_read_flow(&self->state, 5, &self->flow, &self->word))
			continue;
		n++;
		whole = make_flow(self->flow.key.client.a[3]);
		mixed += !!memcmp(&whole, &self->flow, sizeof(whole));
	}
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	EXPECT_LT(0, n);
	EXPECT_EQ(0, mixed);
}

TEST_F(table, backend_that_is_gone)
{
	struct lb_flow flow = make_flow(5);

	EXPECT_EQ(-1, lb_flow_backend(&self->state, &flow));
	add_backend(self, 5);
	EXPECT_EQ(5, lb_flow_backend(&self->state, &flow));
	self->backends[5].state = LB_BACKEND_DOWN;
	EXPECT_EQ(5, lb_flow_backend(&self->state, &flow));
	/* Another backend has this index now. */
	flow.gen++;
	EXPECT_EQ(-1, lb_flow_backend(&self->state, &flow));
	flow.gen--;
	self->backends[5].state = LB_BACKEND_UNUSED;
	EXPECT_EQ(-1, lb_flow_backend(&self->state, &flow));
	flow.backend = LB_BACKENDS_MAX;
	self->backends[0].gen = flow.gen;
	self->backends[0].state = LB_BACKEND_UP;
	EXPECT_EQ(-1, lb_flow_backend(&self->state, &flow));
}

/* --- sums ------------------------------------------------------------------------------- */

TEST_F(table, counts)
{
	struct lb_usage usage;
	__u32 now, i;

	if (test_lacks(SAMPLE_NEED_BPF))
		SKIP(return, "%s", test_lacked);
	ASSERT_EQ(0, lb_read_clock(&self->state, &self->clock));
	now = self->clock.now;
	add_backend(self, 1);
	put(self, 1, 1, now, LB_FLOW_ESTABLISHED);
	put(self, 7, 1, now, LB_FLOW_SYN);
	put(self, 79, 1, now, LB_FLOW_UDP);
	put(self, 9, 1, now, LB_FLOW_FIN);
	put(self, 10, 1, now, LB_FLOW_RESET);
	/* The backend of this connection is gone. */
	put(self, 11, 2, now, LB_FLOW_ESTABLISHED);
	/* A connection that is over, a free slot, and one that a CPU is filling. */
	put(self, 12, 1, now - self->clock.timeouts[LB_FLOW_UDP] - 1, LB_FLOW_UDP);
	put(self, 13, 1, now, LB_FLOW_FREE);
	put(self, 14, 1, now, LB_FLOW_CLAIMED);
	memset(&usage, 0xff, sizeof(usage));
	ASSERT_EQ(0, lb_read_usage(&self->state, &usage));
	EXPECT_EQ(6, usage.used);
	EXPECT_EQ(2, usage.states[LB_FLOW_ESTABLISHED]);
	EXPECT_EQ(0, usage.states[LB_FLOW_CLAIMED]);
	for (i = LB_FLOW_SYN; i < __LB_FLOW_STATE_MAX; i++)
		EXPECT_EQ(i == LB_FLOW_ESTABLISHED ? 2 :
			  i != LB_FLOW_SYNACK && i != LB_FLOW_UDP_REPLIED, usage.states[i]);
	EXPECT_EQ(3, usage.active[1]);
	EXPECT_EQ(0, usage.active[2]);
}

TEST_HARNESS_MAIN
