/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Packets from the kernel, see ring.c. */
#ifndef _SAMPLES_SOCKFILTER_RING_H
#define _SAMPLES_SOCKFILTER_RING_H

#include <net/if.h>
#include "parts/sockfilter/user.h"

/**
 * struct ring - a socket on one interface, and its ring of blocks (TPACKET_V3)
 * @fd: AF_PACKET socket, -1: none
 * @ifindex: interface
 * @ifname: its name
 * @map: the blocks
 * @block_size: size of one
 * @n_blocks: how many
 * @next: block that the kernel fills next
 * @snaplen: most bytes to hand on of a packet
 * @taken: packets read from it
 * @received: packets that the filter let through, dropped ones included
 * @dropped: of these, how many found the ring full
 */
struct ring {
	int fd;
	unsigned int ifindex;
	char ifname[IF_NAMESIZE];
	__u8 *map;
	__u32 block_size;
	__u32 n_blocks;
	__u32 next;
	__u32 snaplen;
	__u64 taken;
	__u64 received;
	__u64 dropped;
};

/* Takes a packet; false: no more are wanted. */
typedef bool (*packet_fn)(void *ctx, const struct packet *pkt);

int ring_open(struct ring *ring, const char *ifname, __u32 size, __u32 snaplen, int prog_fd);
bool ring_read(struct ring *ring, packet_fn fn, void *ctx);
void ring_stop(struct ring *ring);
void ring_drain(struct ring *ring, packet_fn fn, void *ctx);
void ring_stats(struct ring *ring);
void ring_check(const struct ring *ring);
void ring_close(struct ring *ring);

#endif /* _SAMPLES_SOCKFILTER_RING_H */
