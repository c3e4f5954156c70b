// SPDX-License-Identifier: GPL-2.0
/*
 * The judge of an exercise: loads the learner's object and tries it. scripts/learn.sh calls it
 * once for each stage.
 */
#include <stdio.h>
#include <string.h>
#include "course.h"

enum { RIGHT, WRONG, BROKEN, NOTHING, REPEAT = 200000, ROUNDS = 5 };

static int load(const char *path, bool any)
{
	struct course course;
	bool loaded = course_load(&course, path, any);

	course_unload(&course);
	return loaded ? RIGHT : WRONG;
}

static int packets(const char *path)
{
	struct course course;
	int status = WRONG;

	if (!exercise.packets)
		return NOTHING;
	if (course_load(&course, path, false)) {
		course.rand = test_seed();
		exercise.packets(&course);
		status = course.wrong ? WRONG : RIGHT;
	}
	course_unload(&course);
	return status;
}

/* Nanoseconds a packet; 0 if the kernel cannot tell. */
static __u32 measure(const struct bpf_program *prog, const struct build *pkt)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = pkt->data, .data_size_in = pkt->len,
		    .repeat = REPEAT);

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) ? 0 : opts.duration;
}

/* Compare with the solution: alternate, and take the lowest figure of each. */
static int cost(const char *path, const char *solution)
{
	struct course course[2];
	__u32 best[2] = { 0, 0 }, ns;
	struct build pkt;
	int i, round;

	if (!course_load(&course[0], path, false) || !course_load(&course[1], solution, false))
		return BROKEN;
	if (exercise.typical)
		exercise.typical(&course[0], &pkt);
	else
		course_ping(&course[0], &pkt, 4, 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 2; i++) {
			ns = measure(course[i].prog, &pkt);
			if (!best[i] || ns < best[i])
				best[i] = ns;
		}
	}
	if (best[0] && best[1])
		printf("%u ns a packet; the solution needs %u ns\n", best[0], best[1]);
	course_unload(&course[0]);
	course_unload(&course[1]);
	return best[0] && best[1] ? RIGHT : NOTHING;
}

static int attach(const char *path, char *const *ifnames)
{
	struct course course;
	int err = -1;

	if (course_load(&course, path, false))
		err = course_attach(&course, ifnames);
	course_unload(&course);
	return err ? BROKEN : RIGHT;
}

static int usage(void)
{
	fprintf(stderr, "Usage: judge load OBJECT\n"
		"       judge packets OBJECT\n"
		"       judge cost OBJECT SOLUTION\n"
		"       judge attach OBJECT INTERFACE...   until standard input ends\n"
		"       judge map PID NAME                 print a map that the process has open\n"
		"       judge explain OBJECT               any object: why is it refused?\n\n"
		"Exit status: 0 right, 1 wrong (the reason is on standard output), 2 not judged, 3 nothing to judge.\n");
	return BROKEN;
}

int main(int argc, char **argv)
{
	const char *stage = argc > 1 ? argv[1] : "";

	if (argc == 3 && !strcmp(stage, "load"))
		return load(argv[2], false);
	if (argc == 3 && !strcmp(stage, "explain"))
		return load(argv[2], true);
	if (argc == 3 && !strcmp(stage, "packets"))
		return packets(argv[2]);
	if (argc == 4 && !strcmp(stage, "map"))
		return course_print_map_of(argv[2], argv[3]) ? RIGHT : WRONG;
	if (argc == 4 && !strcmp(stage, "cost"))
		return cost(argv[2], argv[3]);
	if (argc >= 4 && !strcmp(stage, "attach"))
		return attach(argv[2], argv + 3);
	return usage();
}
