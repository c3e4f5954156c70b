/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by bench_packet_kern.c and bench_packet.c. */
#ifndef _SELFTESTS_BENCH_PACKET_H
#define _SELFTESTS_BENCH_PACKET_H

enum {
	/*
	 * Bytes at the start of a packet that are written again before each run. They include
	 * everything that a program changes in the packets of bench_packet.c, and are no more
	 * than the shortest of these packets has.
	 */
	BENCH_PACKET_HEAD = 64,
};

#endif /* _SELFTESTS_BENCH_PACKET_H */
