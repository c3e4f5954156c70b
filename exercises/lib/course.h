/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the check of an exercise consists of. check.c of each exercise describes the packets and
 * the answers; the files in lib/ load the learner's program, run it, and say what is wrong.
 *
 * A check prints its sentences to stdout, one a line. Lines that begin with spaces belong to the
 * sentence before them.
 */
#ifndef _EXERCISES_COURSE_H
#define _EXERCISES_COURSE_H

#include <stdbool.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "pkt_build.h"
#include "test_rand.h"
#include "test_run.h"

enum {
	/* After so many wrong answers, a check stops, unless the exercise has another number. */
	COURSE_WRONG_MAX = 2,
	/* How often each case is tried, with other random numbers each time. */
	COURSE_TRIES = 8,
};

struct course;

/**
 * struct course_exercise - what check.c of an exercise defines
 * @prog: name of the function that the learner writes
 * @type: type of the program, which its SEC() tells; 0: any
 * @rule: what the program should do, as the end of a sentence: "only echo requests may be
 *	dropped"
 * @packets: try the program on packets; NULL: there is nothing to try without a network
 * @typical: build the packet on which the cost is measured; NULL: an IPv4 echo request
 * @wrong_max: a check stops after so many wrong answers; 0: %COURSE_WRONG_MAX
 * @told: do what a line of check.sh says (tell() of live.sh): fill a map, for example; NULL:
 *	nothing is told
 */
struct course_exercise {
	const char *prog;
	enum bpf_prog_type type;
	const char *rule;
	void (*packets)(struct course *course);
	void (*typical)(struct course *course, struct build *pkt);
	unsigned int wrong_max;
	void (*told)(struct course *course, char *line);
};

/* Each check.c defines this one. */
extern const struct course_exercise exercise;

/**
 * struct course - the learner's program, loaded
 * @obj: the object file
 * @prog: the program that exercise.prog names
 * @rand: state of the random numbers: other ones in each run
 * @wrong: number of wrong answers so far
 * @mark: offset of the bytes that decide what the right answer is, to be marked in the dump of
 *	the packet; 0: none. A case sets it with course_mark(); course_expect() clears it.
 * @mark_len: their number
 * @hint: a line to be printed below the packet if its answer is wrong; NULL: none. A case sets it;
 *	course_expect() clears it.
 */
struct course {
	struct bpf_object *obj;
	struct bpf_program *prog;
	__u64 rand;
	unsigned int wrong;
	__u32 mark;
	__u32 mark_len;
	const char *hint;
};

/* The @len bytes at @at of the next packet decide what the right answer is: a whole field. */
static inline void course_mark(struct course *course, __u32 at, __u32 len)
{
	course->mark = at;
	course->mark_len = len;
}

/**
 * struct course_case - a kind of packet, and what must become of it
 * @what: the packet in words, with its article: "an ARP request"
 * @build: build such a packet
 * @verdict: the right verdict: XDP_DROP, TC_ACT_OK and so on
 */
struct course_case {
	const char *what;
	void (*build)(struct course *course, struct build *pkt);
	__u32 verdict;
};

/* --- load.c --------------------------------------------------------------------------- */

/**
 * course_load() - load the learner's object; say why if that fails
 * @course: filled, to be freed with course_unload()
 * @path: the object file
 * @any: the object need not belong to the exercise; then @course has no program to run
 *
 * Return: true if it is loaded.
 */
bool course_load(struct course *course, const char *path, bool any);
void course_unload(struct course *course);

/* --- explain.c ------------------------------------------------------------------------ */

/*
 * Explains the log of the verifier: source line, what the verifier misses, and the cure. @type: of
 * the program that was refused: what a message means may depend on it.
 */
void course_explain(enum bpf_prog_type type, char *log);

/* --- attach.c ------------------------------------------------------------------------- */

/**
 * course_attach() - attach the program to interfaces until standard input ends
 * @course: loaded
 * @ifnames: names of the interfaces, NULL behind the last
 *
 * Prints "ready" once packets reach the program. The hook of XDP programs is the driver, the
 * hook of TC programs ingress (the lab of the check is gone afterwards, with the qdisc).
 * exercise.told() gets each line of standard input, and "done" is printed after it. Without
 * exercise.told(), a line is the name of a map, which is printed (course_print_map()).
 *
 * Return: 0 or a negative errno, which was printed.
 */
int course_attach(struct course *course, char *const *ifnames);

/* --- maps.c --------------------------------------------------------------------------- */

/**
 * course_print_map() - print the entries of a map of the learner, then "end"
 * @course: loaded
 * @name: name of the map; if there is none, nothing but "end" is printed
 *
 * Each entry is a line: the key, then the value, as decimal numbers of 32 bits in the byte order
 * of this machine. An entry of a per-CPU map has the values of all CPUs one after the other.
 */
void course_print_map(const struct course *course, const char *name);

/**
 * course_print_map_of() - print the entries of a map that a process has open
 * @pid: number of the process: the learner's loader
 * @name: name of the map, up to 15 characters
 *
 * Prints the same lines, without "end".
 *
 * Return: true if there is such a map.
 */
bool course_print_map_of(const char *pid, const char *name);

/* --- say.c ---------------------------------------------------------------------------- */

/* Print a sentence about a wrong answer, and count it. */
__printf(2, 3)
void course_wrong(struct course *course, const char *format, ...);

/* True if the check has said enough. Checks with loops of their own ask it. */
static inline bool course_enough(const struct course *course)
{
	return course->wrong >= (exercise.wrong_max ? exercise.wrong_max : COURSE_WRONG_MAX);
}

/**
 * course_show() - print the headers of a packet in hex, one header a line
 * @pkt: the packet as it was built: it tells where the headers are
 * @data: its bytes
 * @len: their number
 * @mark: offset of the bytes in brackets; 0: none
 * @mark_len: their number
 */
void course_show(const struct build *pkt, const __u8 *data, __u32 len, __u32 mark,
		 __u32 mark_len);

/* Name of the header that holds the byte at @at. */
const char *course_header(const struct build *pkt, __u32 at);

/* --- cases.c -------------------------------------------------------------------------- */

__u32 course_below(struct course *course, __u32 n);

/*
 * Give the packet random addresses, ports, identifiers, TTL, and the checksums that belong to
 * them. The addresses are never special ones. Call it after build_finish().
 */
void course_randomize(struct course *course, struct build *pkt);

/* Builds an echo request with @vlans tags and random payload, addresses and identifiers. */
void course_ping(struct course *course, struct build *pkt, int family, int vlans);

/* Run the program on the packet. False, with a sentence, if the kernel cannot run it. */
bool course_run(struct course *course, const struct build *pkt, struct test_out *out);

/**
 * course_expect() - run the program on a packet: it must return @verdict and change nothing
 * @course: loaded
 * @pkt: the packet, finished
 * @what: the packet in words
 * @verdict: the right verdict
 */
void course_expect(struct course *course, const struct build *pkt, const char *what,
		   __u32 verdict);

/**
 * course_expect_packet() - run the program: it must return @verdict and make @want of @pkt
 * @course: loaded
 * @pkt: the packet, finished
 * @want: the right packet afterwards
 * @what: the packet in words
 * @verdict: the right verdict
 */
void course_expect_packet(struct course *course, const struct build *pkt,
			  const struct build *want, const char *what, __u32 verdict);

/*
 * Try all cases COURSE_TRIES times, in random order. The wrong answers are told in the order of the
 * table, so the simplest cases come first in it.
 */
void course_cases(struct course *course, const struct course_case *cases, unsigned int n);

/*
 * Run the program on each beginning of the packet from 14 bytes (TC: from the IP header) to all
 * but one: it must pass, or at least change nothing. @what: the packet in words, "an echo request".
 */
void course_truncated(struct course *course, const struct build *pkt, const char *what,
		      __u32 verdict);

/* File descriptor of a map of the learner; if there is none, -1 and a sentence. */
int course_map(struct course *course, const char *name);

#endif /* _EXERCISES_COURSE_H */
