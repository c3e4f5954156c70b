/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of the loader: hooks.c attaches and switches hooks,
 * command.c reads commands, show.c prints; path.c puts
 * paths together (path.h).
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
 * @paths: paths that have ended
 * @ends: of them, by enum network_end
 * @connects: attempts to connect
 * @connects_lost: of them, not shown
 */
struct network_totals {
	__u64 paths;
	__u64 ends[__NETWORK_END_MAX];
	__u64 connects;
	__u64 connects_lost;
};

/**
 * struct network_hooks - what is attached
 * @skel: programs and maps
 * @ifindex: interface
 * @ifname: its name
 * @to: position of each switch: enum network_action or NETWORK_OFF
 * @xdp: link, if on
 * @sock: AF_PACKET socket, or -1
 * @tc: link or filter, if on
 * @tc_where: --attach
 * @qdisc: held while TC is switched
 * @addrs: addresses that pingpong answers for, if TC is on
 * @conn: programs of tcpconnect, if on
 * @ring: events of the hooks
 * @conn_ring: events of tcpconnect, if on
 * @paths: told of what is attached
 * @totals: what was shown
 * @epoll_fd: waits for @ring, @conn_ring and @addrs, and for what is added
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
