// SPDX-License-Identifier: GPL-2.0
/*
 * Receive packets by an AF_PACKET socket with a ring of blocks (TPACKET_V3) in shared memory. The
 * kernel fills the blocks, and this process reads them, without a system call for each packet
 * (Documentation/networking/packet_mmap.rst of the kernel).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "parts/sockfilter/ring.h"

enum {
	/* A block must hold the longest packet with its header. */
	BLOCK_MAX = 512 * 1024,
	/* After this many ms, the kernel hands over a block that is not full. */
	BLOCK_TIMEOUT_MS = 50,
	/* The kernel only checks this value: in TPACKET_V3, each packet has its own length. */
	FRAME_SIZE = 2048,
	VLAN_TAG_LEN = 4,
	DRAIN_MS = 1000,
};

static int set_option(int fd, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_PACKET, option, value, len) ? -errno : 0;
}

static void explain_ring(const struct ring *ring, int err)
{
	pr_err("failed to make a ring of %u KiB: %s", ring->block_size / 1024 * ring->n_blocks,
	       strerror(-err));
	if (err == -ENOMEM)
		pr_hint("a smaller one: -B KIB");
}

static int map_ring(struct ring *ring, __u32 size)
{
	int version = TPACKET_V3, reserve = VLAN_TAG_LEN, err;
	struct tpacket_req3 req = {};

	ring->block_size = BLOCK_MAX;
	while (ring->block_size > (__u32)getpagesize() && ring->block_size > size / 4)
		ring->block_size /= 2;
	ring->n_blocks = size / ring->block_size;
	req.tp_block_size = ring->block_size;
	req.tp_block_nr = ring->n_blocks;
	req.tp_frame_size = FRAME_SIZE;
	req.tp_frame_nr = ring->block_size / FRAME_SIZE * ring->n_blocks;
	req.tp_retire_blk_tov = BLOCK_TIMEOUT_MS;

	err = set_option(ring->fd, PACKET_VERSION, &version, sizeof(version));
	if (err)
		goto fail;
	/* Reserve room in front of each packet for insert_tag(). */
	err = set_option(ring->fd, PACKET_RESERVE, &reserve, sizeof(reserve));
	if (err)
		goto fail;
	err = set_option(ring->fd, PACKET_RX_RING, &req, sizeof(req));
	if (err)
		goto fail;
	ring->map = mmap(NULL, (size_t)ring->block_size * ring->n_blocks,
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->map == MAP_FAILED) {
		err = -errno;
		ring->map = NULL;
		goto fail;
	}
	return 0;

fail:
	explain_ring(ring, err);
	return err;
}

/* Check that the interface is up, and that its frames start with an Ethernet header. */
static int check_interface(const struct ring *ring)
{
	struct ifreq req = {};
	int err = 0;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ring->ifname);
	if (ioctl(ring->fd, SIOCGIFHWADDR, &req))
		err = -errno;
	if (!err && req.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    req.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK) {
		pr_err("failed to listen on %s: its link layer is not Ethernet", ring->ifname);
		pr_hint("tcpdump -i %s", ring->ifname);
		return -EOPNOTSUPP;
	}
	if (!err && ioctl(ring->fd, SIOCGIFFLAGS, &req))
		err = -errno;
	if (!err && !(req.ifr_flags & IFF_UP)) {
		pr_err("failed to listen on %s: it is down", ring->ifname);
		pr_hint("ip link set dev %s up", ring->ifname);
		return -ENETDOWN;
	}
	if (err)
		pr_err("failed to listen on %s: %s", ring->ifname, strerror(-err));
	return err;
}

static int open_socket(struct ring *ring)
{
	int err;

	/* With protocol 0, the socket gets no packets until bind() sets another protocol. */
	ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (ring->fd >= 0)
		return check_interface(ring);
	err = -errno;
	if (!sample_refused(err, SAMPLE_NEED_PACKETS, "open a packet socket"))
		pr_err("failed to open a packet socket: %s", strerror(-err));
	return err;
}

/* Attach the filter before bind(), so that no unfiltered packet gets into the ring. */
static int attach_and_bind(const struct ring *ring, int prog_fd)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ring->ifindex,
	};
	int err = 0;

	if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd))) {
		err = -errno;
		pr_err("failed to attach the filter to the socket: %s", strerror(-err));
		return err;
	}
	if (bind(ring->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		pr_err("failed to listen on %s: %s", ring->ifname, strerror(-err));
	}
	return err;
}

/**
 * ring_open() - open a socket with the filter and a ring on one interface
 * @ring: filled; call ring_close() also after an error
 * @ifname: name or index of the interface
 * @size: size of the ring in bytes
 * @snaplen: maximum number of bytes of a packet that ring_read() passes on
 * @prog_fd: the filter, a BPF program
 *
 * Return: 0, or a negative errno, which was printed.
 */
int ring_open(struct ring *ring, const char *ifname, __u32 size, __u32 snaplen, int prog_fd)
{
	int err;

	ring->fd = -1;
	ring->snaplen = snaplen;
	ring->ifindex = sample_ifindex(ifname);
	if (!ring->ifindex)
		return -ENODEV;
	snprintf(ring->ifname, sizeof(ring->ifname), "%s", sample_ifname(ring->ifindex));

	err = sample_iface_follow(ring->ifindex, NULL, ring);
	if (err)
		return err;
	err = open_socket(ring);
	if (err)
		return err;
	err = map_ring(ring, size);
	if (err)
		return err;
	return attach_and_bind(ring, prog_fd);
}

/*
 * The kernel has removed the outer VLAN tag from the frame. Put it back after the two MAC
 * addresses: move them forward into the room that PACKET_RESERVE has left.
 */
static void insert_tag(struct packet *pkt, __u8 *data, const struct tpacket3_hdr *hdr)
{
	__u16 tpid = ETH_P_8021Q;

	pkt->len += VLAN_TAG_LEN;
	if (pkt->caplen < 2 * ETH_ALEN)
		return;
	if (hdr->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tpid = hdr->hv1.tp_vlan_tpid;
	data -= VLAN_TAG_LEN;
	memmove(data, data + VLAN_TAG_LEN, 2 * ETH_ALEN);
	data[2 * ETH_ALEN] = tpid >> 8;
	data[2 * ETH_ALEN + 1] = tpid & 0xff;
	data[2 * ETH_ALEN + 2] = hdr->hv1.tp_vlan_tci >> 8;
	data[2 * ETH_ALEN + 3] = hdr->hv1.tp_vlan_tci & 0xff;
	pkt->data = data;
	pkt->caplen += VLAN_TAG_LEN;
}

static bool hand_on(const struct ring *ring, struct tpacket3_hdr *hdr, packet_fn fn, void *ctx)
{
	const struct sockaddr_ll *addr = (void *)((__u8 *)hdr + TPACKET_ALIGN(sizeof(*hdr)));
	__u8 *data = (__u8 *)hdr + hdr->tp_mac;
	struct packet pkt = {
		.data = data,
		.caplen = hdr->tp_snaplen,
		.len = hdr->tp_len,
		.ts_ns = hdr->tp_sec * 1000000000ULL + hdr->tp_nsec,
		.ifindex = ring->ifindex,
		.outgoing = addr->sll_pkttype == PACKET_OUTGOING,
	};

	if (hdr->tp_status & TP_STATUS_VLAN_VALID)
		insert_tag(&pkt, data, hdr);
	if (pkt.caplen > ring->snaplen)
		pkt.caplen = ring->snaplen;
	return fn(ctx, &pkt);
}

static bool read_block(struct ring *ring, const struct tpacket_block_desc *block, packet_fn fn,
		       void *ctx)
{
	__u8 *at = (__u8 *)block + block->hdr.bh1.offset_to_first_pkt;
	__u32 i;

	for (i = 0; i < block->hdr.bh1.num_pkts; i++) {
		struct tpacket3_hdr *hdr = (void *)at;

		ring->taken++;
		if (!hand_on(ring, hdr, fn, ctx))
			return false;
		at += hdr->tp_next_offset;
	}
	return true;
}

/**
 * ring_read() - read the packets that are in the ring
 * @ring: the ring
 * @fn: called for each packet
 * @ctx: argument for @fn
 *
 * Reads each block at most once, so that signals and timers are handled even under a flood.
 *
 * Return: false if @fn returned false.
 */
bool ring_read(struct ring *ring, packet_fn fn, void *ctx)
{
	bool more = true;
	__u32 i;

	for (i = 0; i < ring->n_blocks && more; i++) {
		struct tpacket_block_desc *block =
			(void *)(ring->map + (size_t)ring->next * ring->block_size);
		__u32 *status = &block->hdr.bh1.block_status;

		if (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		more = read_block(ring, block, fn, ctx);
		__atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		ring->next = (ring->next + 1) % ring->n_blocks;
	}
	return more;
}

/**
 * ring_stop() - let no more packets into the ring
 * @ring: the ring; packets in it stay
 *
 * The kernel replaces the filter in one step by a filter that refuses all packets.
 */
void ring_stop(struct ring *ring)
{
	struct sock_filter nothing[] = { { .code = BPF_RET | BPF_K, .k = 0 } };
	struct sock_fprog prog = { .len = ARRAY_SIZE(nothing), .filter = nothing };

	if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		pr_err("failed to stop on %s: %s", ring->ifname, strerror(errno));
	ring_stats(ring);
}

static __u64 now_ms(void)
{
	return sample_now() / 1000000;
}

/**
 * ring_drain() - read the remaining packets, after ring_stop()
 * @ring: the ring
 * @fn: called for each packet
 * @ctx: argument for @fn
 *
 * The kernel hands over the last block only after BLOCK_TIMEOUT_MS, so wait until all packets
 * that the filter let in, and that were not dropped, have been read.
 */
void ring_drain(struct ring *ring, packet_fn fn, void *ctx)
{
	struct pollfd pfd = { .fd = ring->fd, .events = POLLIN };
	__u64 end = now_ms() + DRAIN_MS;

	while (ring_read(ring, fn, ctx) && ring->taken + ring->dropped < ring->received &&
	       now_ms() < end)
		poll(&pfd, 1, BLOCK_TIMEOUT_MS);
}

/**
 * ring_stats() - update the counters of the ring
 * @ring: the ring
 *
 * The kernel resets its counters when they are read, so their values are added up here.
 */
void ring_stats(struct ring *ring)
{
	struct tpacket_stats_v3 stats = {};
	socklen_t len = sizeof(stats);

	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		return;
	ring->received += stats.tp_packets;
	ring->dropped += stats.tp_drops;
}

/**
 * ring_check() - read and print a pending error of the socket, such as "Network is down"
 * @ring: the ring; the pending error is cleared
 *
 * The sample goes on: if the interface comes up again, so do packets. Nothing is printed if the
 * interface is gone: lib/iface.c does that.
 */
void ring_check(const struct ring *ring)
{
	char name[IF_NAMESIZE];
	int err = 0;
	socklen_t len = sizeof(err);

	if (!getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &err, &len) && err &&
	    if_indextoname(ring->ifindex, name))
		pr_info("%s: %s", ring->ifname, strerror(err));
}

/**
 * ring_close() - unmap the ring and close the socket
 * @ring: the ring
 */
void ring_close(struct ring *ring)
{
	sample_iface_unfollow(ring);
	if (ring->map)
		munmap(ring->map, (size_t)ring->block_size * ring->n_blocks);
	if (ring->fd >= 0)
		close(ring->fd);
	ring->map = NULL;
	ring->fd = -1;
}
