/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds packets for the tests, from the outermost header inwards:
 *
 *	build_start(&pkt);
 *	build_vlan(&pkt, ETH_P_8021Q);
 *	build_ipv4(&pkt, 0);
 *	build_icmp(&pkt, ICMP_ECHO, 0);
 *	build_payload(&pkt, 56);
 *	build_finish(&pkt);
 *
 * Each header writes its own protocol number into the header before it. build_finish()
 * sets lengths and checksums. A test that wants a wrong field overwrites it afterwards.
 */
#ifndef _SELFTESTS_PKT_BUILD_H
#define _SELFTESTS_PKT_BUILD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>

enum {
	/* Room for packets larger than a page, which have fragments in XDP. */
	BUILD_MAX = 12288,
	/* BPF_PROG_TEST_RUN of XDP and tc programs refuses shorter packets with EINVAL. */
	BUILD_MIN = ETH_HLEN,
};

#define BUILD_SADDR4	"192.0.2.1"
#define BUILD_DADDR4	"198.51.100.2"
#define BUILD_SADDR6	"2001:db8:1::1"
#define BUILD_DADDR6	"2001:db8:2::2"

/* Fields of the echo header, and ports; all in host byte order. */
#define BUILD_ID	0x1234
#define BUILD_SEQ	0x5678
#define BUILD_SPORT	40000
#define BUILD_DPORT	443

/*
 * Bytes in front of a packet. With them the IP header, behind the 14 bytes of Ethernet, is
 * aligned to 4 bytes. Some machines, and the sanitizer, accept only aligned access.
 */
#define BUILD_ALIGN	2

/**
 * struct build - a packet that is being built
 * @pad: see BUILD_ALIGN
 * @data: bytes of the packet, from the Ethernet header
 * @len: number of bytes so far
 * @next_at: offset of the field that takes the protocol number of the next header
 * @next_len: length of that field, in bytes
 * @ip_at: offset of the IP header, 0: none yet
 * @l4_at: offset of the transport header, 0: none yet
 * @family: 4 or 6, 0: no IP header yet
 * @l4_proto: protocol of the transport header
 */
struct build {
	__u8 pad[BUILD_ALIGN];
	__u8 data[BUILD_MAX];
	__u32 len;
	__u32 next_at;
	__u32 next_len;
	__u32 ip_at;
	__u32 l4_at;
	__u8 family;
	__u8 l4_proto;
};

static inline void build_put16(struct build *pkt, __u32 at, __u16 value)
{
	pkt->data[at] = value >> 8;
	pkt->data[at + 1] = value & 0xff;
}

static inline __u16 build_get16(const struct build *pkt, __u32 at)
{
	return pkt->data[at] << 8 | pkt->data[at + 1];
}

/* Appends @len zero bytes to the packet; returns their offset. */
__u32 build_grow(struct build *pkt, __u32 len);

void build_next(struct build *pkt, __u16 number);

/* Starts a packet with an Ethernet header; the next header sets the EtherType. */
void build_start(struct build *pkt);

void build_vlan(struct build *pkt, __u16 tpid);

/* Adds @n VLAN tags, all 802.1Q; of several tags the outermost is 802.1ad. */
void build_vlans(struct build *pkt, int n);

/* @opt_len: bytes of options, a multiple of 4 up to 40; they are all NOPs. */
void build_ipv4(struct build *pkt, __u32 opt_len);

void build_ipv6(struct build *pkt);

/* IPv4 without options, or IPv6. */
void build_ip(struct build *pkt, int family);

/*
 * Adds an IPv6 extension header of @len bytes. Its length field counts units of 8 bytes;
 * that of AH counts units of 4 (RFC 4302).
 */
void build_ext(struct build *pkt, __u8 proto, __u32 len);

/* @offset: in bytes, a multiple of 8. @more: more fragments follow. */
void build_frag6(struct build *pkt, __u32 offset, int more);

/* Makes a packet with an IPv4 header a fragment; arguments as for build_frag6(). */
void build_frag4(struct build *pkt, __u32 offset, int more);

/* Makes the packet a fragment, whichever IP header it has. */
void build_frag(struct build *pkt, __u32 offset, int more);

__u32 build_l4(struct build *pkt, __u8 proto, __u32 len);

/* @proto: ICMP or ICMPv6. It need not match the IP header: ICMPv6 in IPv4 is a test, too. */
void build_icmp_as(struct build *pkt, __u8 proto, __u8 type, __u8 code);

/* An echo request of the packet's family. */
void build_echo(struct build *pkt);

void build_udp(struct build *pkt);

/* @opt_len: bytes of options, a multiple of 4 up to 40; they are all NOPs. */
void build_tcp(struct build *pkt, __u32 opt_len);

void build_payload(struct build *pkt, __u32 len);

/* Pads the frame to @frame_len bytes. Not with zeros, which could pass for payload. */
void build_pad(struct build *pkt, __u32 frame_len);

/*
 * Checksum of RFC 1071, byte by byte: slow but obviously right, because tests compare the
 * checksums of the BPF code with it. Returns the one's complement sum in host byte order,
 * not inverted.
 */
__u16 build_sum(const void *data, __u32 len, __u32 sum);

/* Offset of the transport checksum in the packet; 0 if there is none. */
__u32 build_check_at(const struct build *pkt);

/* Sets the checksums for the present content of the packet. */
void build_checksums(struct build *pkt);

/* Sets lengths and checksums. Only padding may be added afterwards. */
void build_finish(struct build *pkt);

/* Builds an echo request with @vlans tags, the packet that most tests start from. */
void build_ping(struct build *pkt, int family, int vlans);

/* Prints the packet as a KTAP diagnostic, for a bug report. */
void build_dump(const void *data, __u32 len);

#endif /* _SELFTESTS_PKT_BUILD_H */
