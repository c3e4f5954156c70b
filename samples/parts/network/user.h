/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of the loader: hooks.c attaches and switches hooks, command.c parses commands,
 * show.c prints; path.c puts paths together (path.h).
 */
#ifndef _SAMPLES_NETWORK_USER_H
#define _SAMPLES_NETWORK_USER_H

#include "parts/network/command.h"
#include "parts/network/path.h"
#include "lib/addrs.h"
#include "lib/tc.h"
#include "lib/xdp.h"
#include "lib/connect.h"

struct network_kern;
struct ring_buffer;

/* --- hooks.c ---------------------------------------------------------------- */

/**
 * struct network_totals - sums for the summary
 * @paths: number of paths that have ended
 * @ends: how many of these paths had each enum network_end
 * @connects: attempts to connect that were shown
 * @connects_lost: attempts to connect that found the ring buffer full
 */
struct network_totals {
	__u64 paths;
	__u64 ends[__NETWORK_END_MAX];
	__u64 connects;
	__u64 connects_lost;
};

/**
 * struct network_hooks - the hooks of an interface, and what is attached to them
 * @skel: programs and maps
 * @ifindex: index of the interface
 * @ifname: name of the interface
 * @to: position of each switch: enum network_action or NETWORK_OFF
 * @xdp: the attached XDP program, if xdp is on
 * @sock: AF_PACKET socket with the filter, or -1
 * @tc: the attached TC program, if tc is on
 * @tc_where: value of --attach
 * @qdisc: clsact qdisc, kept while tc is switched off and on
 * @addrs: addresses for which pingpong answers, if tc is on
 * @conn: programs of tcpconnect, if tcpconnect is on
 * @ring: ring buffer with events of the hooks
 * @conn_ring: ring buffer with events of tcpconnect, if tcpconnect is on
 * @paths: open paths, which get the events
 * @totals: sums for the summary
 * @epoll_fd: waits for @ring, @conn_ring and @addrs; the sample may add more
 */
struct network_hooks {
	struct network_kern *skel;
	unsigned int ifindex;
	char ifname[IF_NAMESIZE];
	int to[__NETWORK_SWITCH_MAX];
	struct sample_xdp xdp;
	int sock;
	struct sample_tc tc;
	enum sample_tc_hook tc_where;
	struct sample_tc_at qdisc;
	struct sample_addrs addrs;
	struct sample_connect conn;
	struct ring_buffer *ring;
	struct ring_buffer *conn_ring;
	struct network_paths *paths;
	struct network_totals totals;
	int epoll_fd;
};

int network_hooks_open(struct network_hooks *hooks, struct network_paths *paths);
int network_switch(struct network_hooks *hooks, int hook, int to);
int network_consume(struct network_hooks *hooks);
__u64 network_lost(const struct network_hooks *hooks);
void network_hooks_off(struct network_hooks *hooks);
void network_hooks_close(struct network_hooks *hooks);

/* --- show.c ------------------------------------------------------------------- */

void network_show_path(const struct network_hooks *hooks, const struct network_path *path);
void network_show_connect(const struct tcpconnect_event *ev);
void network_show_state(const struct network_hooks *hooks, const char *event);
void network_show_switched(const struct network_hooks *hooks, int hook, int from);
void network_show_totals(const struct network_hooks *hooks, const char *event);

#endif /* _SAMPLES_NETWORK_USER_H */
