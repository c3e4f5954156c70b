/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What pktcount_kern.c and pktcount_user.c share. */
#ifndef _SAMPLES_PKTCOUNT_H
#define _SAMPLES_PKTCOUNT_H

#include <linux/types.h>

/**
 * enum pktcount_class - kind of a frame, by the EtherType behind the VLAN tags
 * @PKTCOUNT_IPV4: IPv4, also if the IP packet is malformed
 * @PKTCOUNT_IPV6: IPv6, also if the IP packet is malformed
 * @PKTCOUNT_ARP: ARP
 * @PKTCOUNT_OTHER: everything else, also frames with more than two VLAN tags, and frames that
 *	are too short for their tags
 * @PKTCOUNT_VLAN: with a VLAN tag; such a frame is counted in one of the classes above, too
 * @__PKTCOUNT_CLASS_MAX: number of classes
 *
 * Each frame is in exactly one of the first four classes, so these add up to all packets.
 */
enum pktcount_class {
	PKTCOUNT_IPV4,
	PKTCOUNT_IPV6,
	PKTCOUNT_ARP,
	PKTCOUNT_OTHER,
	PKTCOUNT_VLAN,
	__PKTCOUNT_CLASS_MAX,
};

/**
 * enum pktcount_protocol - what an IP packet carries
 * @PKTCOUNT_TCP: TCP
 * @PKTCOUNT_UDP: UDP
 * @PKTCOUNT_ICMP: ICMP in IPv4
 * @PKTCOUNT_ICMPV6: ICMPv6 in IPv6
 * @PKTCOUNT_IGMP: IGMP in IPv4
 * @PKTCOUNT_SCTP: SCTP
 * @PKTCOUNT_GRE: GRE
 * @PKTCOUNT_ESP: ESP
 * @PKTCOUNT_IPIP: IPv4 or IPv6 in IP
 * @PKTCOUNT_IP_OTHER: any other protocol
 * @PKTCOUNT_FRAGMENT: second or later fragment, without transport header
 * @PKTCOUNT_MALFORMED: the IP header, or that of TCP, UDP, ICMP, ICMPv6 or SCTP,
 *	is cut short or contradicts itself
 * @__PKTCOUNT_PROTOCOL_MAX: number of protocols
 *
 * Each IP packet has exactly one, so all protocols add up to PKTCOUNT_IPV4 + PKTCOUNT_IPV6.
 */
enum pktcount_protocol {
	PKTCOUNT_TCP,
	PKTCOUNT_UDP,
	PKTCOUNT_ICMP,
	PKTCOUNT_ICMPV6,
	PKTCOUNT_IGMP,
	PKTCOUNT_SCTP,
	PKTCOUNT_GRE,
	PKTCOUNT_ESP,
	PKTCOUNT_IPIP,
	PKTCOUNT_IP_OTHER,
	PKTCOUNT_FRAGMENT,
	PKTCOUNT_MALFORMED,
	__PKTCOUNT_PROTOCOL_MAX,
};

/**
 * struct pktcount_cell - one counter
 * @packets: number of packets
 * @bytes: sum of their lengths, from the Ethernet header to the end, without FCS
 */
struct pktcount_cell {
	__u64 packets;
	__u64 bytes;
};

/**
 * struct pktcount_cpu - all counters of one CPU
 * @classes: by enum pktcount_class
 * @protocols: by enum pktcount_protocol
 * @events: packets that --events --sample selected, including @lost
 * @lost: selected packets whose event found the ring buffer full
 * @sources: how often a source address was added to the map of --top; an address that the map
 *	has evicted, and that comes back, counts again
 *
 * All fields must be __u64, because the loader adds up the CPUs word by word.
 */
struct pktcount_cpu {
	struct pktcount_cell classes[__PKTCOUNT_CLASS_MAX];
	struct pktcount_cell protocols[__PKTCOUNT_PROTOCOL_MAX];
	__u64 events;
	__u64 lost;
	__u64 sources;
};

/**
 * struct pktcount_source - key of the map of --top
 * @addr: source address; an IPv4 address as ::ffff:a.b.c.d
 */
struct pktcount_source {
	__be32 addr[4];
};

/**
 * struct pktcount_event - one packet, for --events
 * @ts_ns: bpf_ktime_get_ns()
 * @saddr: source; an IPv4 address as ::ffff:a.b.c.d; zero if there is none
 * @daddr: destination, in the form of @saddr
 * @ifindex: interface on which the packet came in
 * @len: length in bytes, as in struct pktcount_cell
 * @ethertype: EtherType behind VLAN tags, network byte order; zero if cut short
 * @sport: source port of TCP, UDP, SCTP, network byte order; else zero
 * @dport: destination port, in the form of @sport
 * @class: enum pktcount_class, one of the first four
 * @protocol: enum pktcount_protocol, if @class is an IP version
 * @ip_proto: protocol number of the IP header, or of the last IPv6 extension header
 * @vlan: 1 if the frame has a VLAN tag, else 0
 * @has_ip: 1 if @saddr, @daddr and @ip_proto are set, else 0
 * @pad: zero
 */
struct pktcount_event {
	__u64 ts_ns;
	__be32 saddr[4];
	__be32 daddr[4];
	__u32 ifindex;
	__u32 len;
	__be16 ethertype;
	__be16 sport;
	__be16 dport;
	__u8 class;
	__u8 protocol;
	__u8 ip_proto;
	__u8 vlan;
	__u8 has_ip;
	__u8 pad[5];
};

#endif /* _SAMPLES_PKTCOUNT_H */
