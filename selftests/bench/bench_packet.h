/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by bench_packet_kern.c and bench_packet.c. */
#ifndef _SELFTESTS_BENCH_PACKET_H
#define _SELFTESTS_BENCH_PACKET_H

enum {
	/*
	 * Bytes that are made anew for each packet: all that a program changes of
	 * those in bench_packet.c, and no more than the shortest of them has.
	 */
	BENCH_PACKET_HEAD = 64,
};

#endif /* _SELFTESTS_BENCH_PACKET_H */
