/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Receive packets by an AF_PACKET socket with a ring, see ring.c. */
#ifndef _SAMPLES_SOCKFILTER_RING_H
#define _SAMPLES_SOCKFILTER_RING_H

#include <net/if.h>
#include "parts/sockfilter/user.h"

/**
 * struct ring - a socket on one interface, and its ring of blocks (TPACKET_V3)
 * @fd: AF_PACKET socket, or -1
 * @ifindex: index of the interface
 * @ifname: name of the interface
 * @map: memory of the blocks
 * @block_size: size of a block in bytes
 * @n_blocks: number of blocks
 * @next: index of the block to read next
 * @snaplen: maximum number of bytes of a packet that ring_read() passes on
 * @taken: packets read from the ring
 * @received: packets that the filter let through, including @dropped
 * @dropped: packets that the filter let through, but that found the ring full
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

/* Called with a packet, which is valid only during the call. Returns false to stop reading. */
typedef bool (*packet_fn)(void *ctx, const struct packet *pkt);

int ring_open(struct ring *ring, const char *ifname, __u32 size, __u32 snaplen, int prog_fd);
bool ring_read(struct ring *ring, packet_fn fn, void *ctx);
void ring_stop(struct ring *ring);
void ring_drain(struct ring *ring, packet_fn fn, void *ctx);
void ring_stats(struct ring *ring);
void ring_check(const struct ring *ring);
void ring_close(struct ring *ring);

#endif /* _SAMPLES_SOCKFILTER_RING_H */
