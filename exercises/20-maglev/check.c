// SPDX-License-Identifier: GPL-2.0
/*
 * Exercise 20: the table is shared out evenly, and hardly changes for the backends that stay;
 * packets go where it says.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "balance.h"

/* LISTS: random lists of backends over which the moved slots are averaged. */
enum { SIZE = 65537, LISTS = 6, TRIES = 2 };

/* The value of the learner's map "table". */
struct slot {
	__be32 backend;
	__u32 round;
};

static bool run_fill(struct course *course)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *prog = bpf_object__find_program_by_name(course->obj, "fill");
	int err;

	if (!prog) {
		course_wrong(course, "there is no program named fill in the file");
		return false;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (err || opts.retval)
		course_wrong(course, err ? "fill() could not be run: %s" :
			     "fill() returned 1: not each slot of the table has been taken",
			     strerror(-err));
	return !err && !opts.retval;
}

static struct balance balance = { .changed = run_fill };

static bool read_table(struct course *course, struct slot *table)
{
	struct bpf_map *map = bpf_object__find_map_by_name(course->obj, "table");
	__u32 first, n = SIZE, *keys;
	int err;

	if (!map || bpf_map__max_entries(map) != SIZE ||
	    bpf_map__value_size(map) != sizeof(*table)) {
		course_wrong(course, "the map named table should be as it was given");
		return false;
	}
	keys = calloc(n, sizeof(*keys));
	err = keys ? bpf_map_lookup_batch(bpf_map__fd(map), NULL, &first, keys, table, &n, NULL) :
		     -ENOMEM;
	free(keys);
	if (n == SIZE && (!err || err == -ENOENT))
		return true;
	course_wrong(course, "the table cannot be read: %s", strerror(-err));
	return false;
}

static const char *addr_text(__be32 addr, char text[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &addr, text, INET_ADDRSTRLEN);
}

/* Each slot has a backend of the list, and each backend as many slots as any other. */
static bool check_shares(struct course *course, const struct balance *list,
			 const struct slot *table)
{
	unsigned int i, at, n = list->service.n, counts[BALANCE_MAX] = {};
	char text[INET_ADDRSTRLEN];

	for (at = 0; at < SIZE; at++) {
		for (i = 0; i < n && list->backends[i] != table[at].backend; i++)
			;
		if (i == n) {
			course_wrong(course, table[at].backend ?
				     "slot %u of the table has %s, which is none of the backends" :
				     "slot %u of the table has no backend",
				     at, addr_text(table[at].backend, text));
			return false;
		}
		counts[i]++;
	}
	for (i = 0; i < n; i++) {
		if (abs((int)counts[i] - SIZE / (int)n) <= SIZE / 100 / (int)n)
			continue;
		course_wrong(course, "backend %u of %u (%s) has %u slots: each should have %u",
			     i + 1, n, addr_text(list->backends[i], text), counts[i],
			     SIZE / n);
		return false;
	}
	return true;
}

static bool filled(struct course *course, const struct balance *list, struct slot *table)
{
	return balance_set(course, list) && read_table(course, table) &&
	       check_shares(course, list, table);
}

/**
 * struct moves - what becomes of the slots of those backends that stay
 * @slots: number of their slots, over all lists
 * @moved: how many of them have another backend afterwards
 */
struct moves {
	unsigned int slots;
	unsigned int moved;
};

/* One backend is lost, not the last of the list, and comes back. */
static bool lose_one(struct course *course, struct moves *moves)
{
	static struct slot before[SIZE], after[SIZE];
	struct balance less = balance;
	unsigned int at, lost = course_below(course, balance.service.n - 1);

	balance_lose(&less, lost);
	if (!filled(course, &balance, before) || !filled(course, &less, after))
		return false;
	for (at = 0; at < SIZE; at++) {
		if (before[at].backend == balance.backends[lost])
			continue;
		moves->slots++;
		moves->moved += before[at].backend != after[at].backend;
	}
	if (!filled(course, &balance, after))
		return false;
	for (at = 0; at < SIZE; at++) {
		if (before[at].backend == after[at].backend)
			continue;
		course_wrong(course, "the lost backend is back, but slot %u has changed",
			     at);
		return false;
	}
	return true;
}

static void try_table(struct course *course)
{
	struct moves moves = {};
	double percent;
	int i;

	for (i = 0; i < LISTS; i++) {
		balance_random(course, &balance, 4 + course_below(course, 5));
		if (!lose_one(course, &moves))
			return;
	}
	percent = 100.0 * moves.moved / moves.slots;
	if (percent >= 1)
		course_wrong(course, "losing one moves %.1f %% of the others' slots, not < 1 %%",
			     percent);
}

static void packets(struct course *course)
{
	int try;

	try_table(course);
	for (try = 0; try < TRIES && !course->wrong; try++) {
		balance_random(course, &balance, 4 + course_below(course, 5));
		if (balance_set(course, &balance))
			balance_packets(course, &balance);
	}
	if (!course->wrong)
		balance_spread(course, &balance);
}

static void typical(struct course *course, struct build *pkt)
{
	struct client client = balance_client(course);

	balance_random(course, &balance, 4);
	balance_set(course, &balance);
	balance_syn(course, &balance, &client, pkt);
}

static void told(struct course *course, char *line)
{
	balance_told(course, &balance, line);
}

const struct course_exercise exercise = {
	.prog = "maglev",
	.rule = "every packet should be passed: the stack forwards it to where it goes",
	.packets = packets,
	.typical = typical,
	.told = told,
};
