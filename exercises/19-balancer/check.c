// SPDX-License-Identifier: GPL-2.0
/* Exercise 19: connections keep their backends, whatever happens to the list of backends. */
#include "balance.h"

static struct balance balance;

static void packets(struct course *course)
{
	int try;

	for (try = 0; try < COURSE_TRIES && !course->wrong; try++) {
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
	.prog = "balancer",
	.rule = "every packet should be passed: the stack forwards it to where it goes",
	.packets = packets,
	.typical = typical,
	.told = told,
};
