/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets of connections through the load balancer. Each byte of what comes out is compared
 * with what xdp_lb_oracle.h expects.
 */
#ifndef _SELFTESTS_XDP_LB_PACKET_H
#define _SELFTESTS_XDP_LB_PACKET_H

#include "xdp_lb_build.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16,
};

enum {
	LB_SHAPES = 11,
};

/**
 * struct conn - a connection, as its two ends know it
 * @vip: its service
 * @client: address of the client
 * @cport: port of the client, host byte order
 * @vport: port of the service, host byte order
 * @mac: source MAC address of the client's packets
 * @backend: index of its backend; NOWHERE: not known yet
 * @source: source address that the backend sees; 0: not known yet
 * @sport: source port that the backend sees, host byte order; 0: not known yet
 */
struct conn {
	struct service vip;
	struct lb_addr client;
	__u16 cport;
	__u16 vport;
	__u8 mac[ETH_ALEN];
	int backend;
	struct lb_addr source;
	__u16 sport;
};

/**
 * struct shape - what headers and sizes a packet has
 * @vlans: number of VLAN tags
 * @ip_opts: IPv4: bytes of options
 * @ext: IPv6: the packet has extension headers
 * @tcp_opts: TCP: bytes of options
 * @payload: bytes of payload
 * @pad: least length of the frame
 * @ttl: TTL or hop limit; 0: 64
 */
struct shape {
	int vlans;
	__u32 ip_opts;
	bool ext;
	__u32 tcp_opts;
	__u32 payload;
	__u32 pad;
	__u8 ttl;
};

extern const struct shape lb_shapes[LB_SHAPES];

struct conn lb_conn_n(const struct service *vip, __u32 n);

/* --- building ------------------------------------------------------------------------ */

/*
 * struct ends - addresses and ports of a packet
 */
struct ends {
	struct lb_addr src;
	struct lb_addr dst;
	__u16 sport;
	__u16 dport;
	__u8 proto;
	__u8 family;
};

void lb_put_ends(struct build *pkt, const struct ends *ends);

void lb_build_net(struct build *pkt, const struct ends *ends, const struct shape *shape);

void lb_build_transport(struct build *pkt, const struct ends *ends, __u8 flags,
			const struct shape *shape);

void lb_build(struct build *pkt, const struct ends *ends, __u8 flags, const struct shape *shape);

struct ends lb_request_ends(const struct conn *conn);

/* The ends of a reply: the backend answers the source address and port that it has seen. */
struct ends lb_reply_ends(const struct _test_data_lb *self, const struct conn *conn);

void lb_build_request(struct _test_data_lb *self, const struct conn *conn, __u8 flags,
		      const struct shape *shape);

void lb_build_reply(struct _test_data_lb *self, const struct conn *conn, __u8 flags,
		    const struct shape *shape);

/* --- running ------------------------------------------------------------------------- */

/* Run the program. In TC, @gso_size makes the packet one that the kernel will segment. */
int lb_run_packet(struct _test_data_lb *self);

/* Send one packet. It is counted, but nothing is checked. */
void lb_send(LB_ARGS);

/* Run one packet: exactly one counter must change, and the verdict must match it. */
void lb_run(LB_ARGS);

/* Run one packet, which must not be forwarded, for this reason. */
void lb_run_stopped(LB_ARGS, enum lb_reason reason);

/* Pretend that in this tick so many connections were entered and ICMP errors were sent. */
void lb_set_rates(LB_ARGS, __u32 flows, __u32 icmps);

/* --- comparing ----------------------------------------------------------------------- */

void lb_compare(LB_ARGS, const __u8 *want, __u32 len);

/* The output must be the input with these MAC addresses and, if there is one, @want. */
void lb_compare_changed(LB_ARGS, const struct want *want, const __u8 *dmac, const __u8 *smac);

void lb_check_tunnel(LB_ARGS, const struct lb_backend *backend);

/* Check that the packet in self->pkt went to the backend of its connection. */
void lb_check_forwarded(LB_ARGS, struct conn *conn);

/* Check that the packet in self->pkt, a reply, went to the client. */
void lb_check_replied(LB_ARGS, const struct conn *conn);

void lb_request(LB_ARGS, struct conn *conn, __u8 flags, const struct shape *shape);

void lb_reply(LB_ARGS, const struct conn *conn, __u8 flags, const struct shape *shape);

/* Open a connection: handshake, or UDP request. Replies only if they pass the balancer. */
void lb_open(LB_ARGS, struct conn *conn);

#endif /* _SELFTESTS_XDP_LB_PACKET_H */
