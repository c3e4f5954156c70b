/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of the loader: ring.c receives packets from the kernel, pcap.c writes them to a file,
 * decode.c decodes their headers, and text.c and json.c print them. stats.c prints counters.
 * expr.c translates a tcpdump expression into eBPF, and expr_load.c loads the translation.
 */
#ifndef _SAMPLES_SOCKFILTER_USER_H
#define _SAMPLES_SOCKFILTER_USER_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>
#include "sockfilter.h"

struct bpf_insn;
struct sock_filter;

/**
 * struct packet - a copy of a packet that the filter let through
 * @data: bytes from the Ethernet header on, with the VLAN tag
 * @caplen: number of bytes in @data
 * @len: length of the whole packet, in bytes
 * @ts_ns: time of the packet, ns since 1970-01-01 00:00 UTC
 * @ifindex: index of the interface
 * @outgoing: this host sent the packet; else it received the packet
 */
struct packet {
	const __u8 *data;
	__u32 caplen;
	__u32 len;
	__u64 ts_ns;
	unsigned int ifindex;
	bool outgoing;
};

/* --- pcap.c ---------------------------------------------------------- */

int pcap_out_open(const char *path, __u32 snaplen);
void pcap_out_write(const struct packet *pkt);
int pcap_out_flush(void);
int pcap_out_close(void);
int pcap_out_expr(const char *text, __u32 snaplen, const char *ifname,
		  struct sock_filter **insns, unsigned int *n, char *why, size_t size);

/* --- expr.c ---------------------------------------------------------- */

int expr_translate(const struct sock_filter *from, unsigned int n_from, bool tagged,
		   struct bpf_insn **insns, unsigned int *n);

/* --- expr_load.c ----------------------------------------------------- */

int expr_compile(__u32 snaplen, struct sock_filter **insns, unsigned int *n);
int expr_load(int map_fd, const struct sock_filter *classic, unsigned int n_classic);

/* --- decode.c -------------------------------------------------------- */

enum {
	DECODED_VLAN_MAX = 4,
	/* Length of a TCP header without options. */
	DECODED_TCP_HLEN = 20,
};

/**
 * struct decoded - the headers of a packet; values in host byte order
 * @pkt: the packet
 * @cut: name of the header in which the captured data end, or NULL
 * @bad: what is wrong with a header, or NULL
 * @n_vlans: number of VLAN tags
 * @tpid: EtherTypes of the VLAN tags, the outermost first
 * @tci: values (TCI) of the VLAN tags
 * @ethertype: EtherType after the VLAN tags
 * @l3: offset of the header after the VLAN tags
 * @family: 4, 6, or 0: not IP
 * @saddr: source, IPv4 as ::ffff:a.b.c.d; network byte order
 * @daddr: destination, in the form of @saddr
 * @proto: protocol of the transport layer
 * @l4: offset of the transport layer
 * @l4_len: length of the transport layer by the IP header; the captured data may be shorter
 * @frag: the packet is a fragment
 * @frag_more: the packet is a fragment, but not the last one
 * @frag_off: offset of the fragment, in bytes
 * @frag_id: identification of the fragment
 * @has_l4: the fields below are set
 * @sport: TCP, UDP: source port
 * @dport: TCP, UDP: destination port
 * @seq: TCP: sequence number. ICMP: sequence number of an echo
 * @ack: TCP: acknowledgment number
 * @flags: TCP: FIN is bit 0, AE is bit 8
 * @window: TCP: window
 * @urgent: TCP: urgent pointer
 * @l4_hlen: length of the transport header
 * @payload: length of the data after the transport header
 * @type: ICMP: type
 * @code: ICMP: code
 * @id: ICMP: identifier of an echo
 */
struct decoded {
	const struct packet *pkt;
	const char *cut;
	const char *bad;
	__u32 n_vlans;
	__u16 tpid[DECODED_VLAN_MAX];
	__u16 tci[DECODED_VLAN_MAX];
	__u16 ethertype;
	__u32 l3;
	__u8 family;
	__be32 saddr[4];
	__be32 daddr[4];
	__u8 proto;
	__u32 l4;
	__u32 l4_len;
	bool frag;
	bool frag_more;
	__u32 frag_off;
	__u32 frag_id;
	bool has_l4;
	__u16 sport;
	__u16 dport;
	__u32 seq;
	__u32 ack;
	__u16 flags;
	__u16 window;
	__u16 urgent;
	__u32 l4_hlen;
	__u32 payload;
	__u8 type;
	__u8 code;
	__u16 id;
};

void decode(struct decoded *dec, const struct packet *pkt);
const __u8 *decoded_bytes(const struct decoded *dec, __u32 off, __u32 len);
const char *decoded_proto(const struct decoded *dec);
void decoded_flags(const struct decoded *dec, char text[16]);

static inline __u16 get16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline __u32 get32(const __u8 *p)
{
	return (__u32)get16(p) << 16 | get16(p + 2);
}

/* --- text.c, json.c --------------------------------------- */

/**
 * struct show - how to print packets
 * @link: -e was given: print the Ethernet header
 * @hex: number of times that -x was given; twice: dump the Ethernet header, too
 * @hex_ascii: number of times that -X was given; twice: dump the Ethernet header, too
 * @ascii: number of times that -A was given; twice: dump the Ethernet header, too
 * @ifname: print the interface in each line, because there are several interfaces
 */
struct show {
	bool link;
	__u32 hex;
	__u32 hex_ascii;
	__u32 ascii;
	bool ifname;
};

void show_text(FILE *to, const struct decoded *dec, const struct show *show,
	       const char *ifname);
void show_json(const struct decoded *dec, const struct show *show, const char *ifname);

/* --- stats.c --------------------------------------------------------- */

/**
 * struct totals - counters for the output
 * @n: counters of the filter; at SOCK_MATCHED, the packets that matched the options but not the
 *	expression
 * @seen: packets that the filter saw
 * @received: packets that the filter let through
 * @dropped: packets that the filter let through, but that found the ring full
 * @captured: packets that were read, at most -c
 */
struct totals {
	__u64 n[__SOCKFILTER_COUNT_MAX];
	__u64 seen;
	__u64 received;
	__u64 dropped;
	__u64 captured;
};

void show_totals(const char *event, const struct totals *t);
void show_trace(const struct sockfilter_event *ev, const char *ifname);

#endif /* _SAMPLES_SOCKFILTER_USER_H */
