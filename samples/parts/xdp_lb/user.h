/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of the control program of xdp_lb:
 *
 *	xdp_lb_user.c	the commands
 *	cmd/options.c the options
 *	config/config.h	the configuration, from YAML or the command line
 *	ring/ring.c	Maglev consistent hashing
 *	nexthop/nexthop.c	MAC addresses, from the kernel's routes and neighbours
 *	nexthop/room.c	room for neighbours in the kernel's table
 *	health/health.c	health checks
 *	state/state.c	the pinned maps
 *	state/apply.c	brings the maps into line with a configuration
 *	state/attach.c	the mode, and the program on its interfaces
 *	state/iface.c	interfaces that go and come again
 *	check/guard.c	services that would cut this host off
 *	check/check.c	what would make packets vanish
 *	check/ports.c	ports of source addresses
 *	cmd/show.c	show, stats, conns, ring
 *
 * Errors are printed where they are found (pr_err(), pr_hint()), and returned as
 * negative errno. Ports are in host byte order unless they are __be16.
 */
#ifndef _SAMPLES_XDP_LB_USER_H
#define _SAMPLES_XDP_LB_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <net/if.h>
#include "xdp_lb.h"
#include "parts/xdp_lb/config/config.h"
#include "parts/xdp_lb/ring/ring.h"

/* --- next hops (nexthop/nexthop.c) ------------------------------------------- */

/**
 * struct lb_nexthop - the way to an address
 * @ifindex: interface, 0: there is no route
 * @resolved: @dmac is known
 * @dmac: MAC address of the backend, or of the gateway
 * @smac: MAC address of the interface
 * @src: address that this host would use as source (the route's preferred one)
 * @mtu: of the route, else of the interface
 * @gateway: @dmac is the MAC address of a gateway
 * @via: whose it is: the gateway's address, or the address itself
 */
struct lb_nexthop {
	unsigned int ifindex;
	bool resolved;
	__u8 dmac[6];
	__u8 smac[6];
	struct lb_addr src;
	unsigned int mtu;
	bool gateway;
	struct lb_addr via;
};

/**
 * struct lb_room - neighbours and the kernel's table of them, of one family
 * @needed: neighbours on the ways to the backends of a configuration
 * @others: entries that are in the table besides
 * @most: how many there may be, of all network namespaces together
 */
struct lb_room {
	unsigned int needed;
	unsigned int others;
	unsigned int most;
};

struct lb_nexthops;

/*
 * Opens rtnetlink sockets (libmnl) in the current network namespace, one for
 * requests and one for news of neighbours, routes, addresses and links.
 * lb_nexthops_fd() is readable when something changed; lb_nexthops_read() drains
 * it and returns 1 if a next hop may have changed, 0 if not, or a negative errno;
 * after ENOBUFS (lost news) it returns 1. lb_nexthops_get() asks the kernel (RTM_GETROUTE,
 * RTM_GETNEIGH); if the neighbour is not known, it asks the kernel to resolve it
 * and to keep it so (NTF_EXT_MANAGED where the kernel has it, else NTF_USE), so that it
 * stays known when the control program is dead. Returns 0, or -ENETUNREACH (no route),
 * -EADDRNOTAVAIL (an address of this host), -EOPNOTSUPP (no Ethernet), ...
 * lb_nexthops_route() looks for no neighbour. After lb_nexthops_look() the kernel
 * keeps nothing for us, and errors are not printed. lb_nexthops_close() leaves what the
 * kernel keeps; lb_nexthops_forget() removes it, also the one that a killed process has left.
 */
int lb_nexthops_open(struct lb_nexthops **hops);
int lb_nexthops_fd(const struct lb_nexthops *hops);
int lb_nexthops_read(struct lb_nexthops *hops);
int lb_nexthops_get(struct lb_nexthops *hops, const struct lb_addr *addr,
		    struct lb_nexthop *hop);
int lb_nexthops_route(struct lb_nexthops *hops, const struct lb_addr *addr,
		      struct lb_nexthop *hop);
void lb_nexthops_tell(struct lb_nexthops *hops);
int lb_room_read(const struct lb_conf *conf, struct lb_nexthops *hops, int family,
		 struct lb_room *room);
int lb_room_refuse(const struct lb_conf *conf, struct lb_nexthops *hops);
void lb_nexthops_look(struct lb_nexthops *hops);
int lb_nexthops_forget(struct lb_nexthops *hops);
void lb_nexthops_close(struct lb_nexthops *hops);

/* First global address of a family (4 or 6) on an interface: LB_NAT's source; -ENOENT. */
int lb_iface_addr(struct lb_nexthops *hops, unsigned int ifindex, int family,
		  struct lb_addr *addr);

/* All addresses of a family: struct lb_host_addrs is in nexthop/netlink.h. */
struct lb_host_addrs;
int lb_iface_addrs(struct lb_nexthops *hops, int family, struct lb_host_addrs *addrs);

/* --- health (health/health.c) ------------------------------------------------ */

/**
 * struct lb_target - what is checked
 * @backend: its index in lb_backends
 * @addr: address
 * @port: port to connect to
 * @check: how
 * @up: state to begin with: it stays until @check.rise or @check.fall say else
 */
struct lb_target {
	__u32 backend;
	struct lb_addr addr;
	__u16 port;
	struct lb_check check;
	bool up;
};

struct lb_health;

/*
 * @why: of a failure: "connection refused", "HTTP status 503", "no answer in 1000 ms";
 * "" if @up. It may call lb_health_set(), but not lb_health_close().
 */
typedef void (*lb_health_fn)(void *ctx, __u32 backend, bool up, const char *why);

/*
 * One thread: connects and GETs go through libcurl's multi interface and its
 * socket callbacks into one epoll fd with a timerfd, both behind lb_health_fd(),
 * which is readable when lb_health_run() has something to do. Checks are spread over
 * their interval. lb_health_set() takes the whole list; targets that were there
 * before (same backend, address, port, check) go on where they are, with the state
 * they have, not @up; checks of those that are gone are aborted without a call of
 * fn. LB_CHECK_NONE never calls fn. While this host is unable to ask (no files or
 * memory left), nobody goes down; that is printed.
 */
int lb_health_open(struct lb_health **health, lb_health_fn fn, void *ctx);
int lb_health_set(struct lb_health *health, const struct lb_target *targets, unsigned int n);
int lb_health_fd(const struct lb_health *health);
int lb_health_run(struct lb_health *health);
void lb_health_close(struct lb_health *health);

/* --- what would cut this host off (check/guard.c) ---------------------------- */

struct lb_netlink;

const char *lb_takes_ssh(const struct lb_conf *conf, const struct lb_vip_conf *vip);
unsigned int lb_takes_own(struct lb_netlink *nl, const struct lb_vip_conf *vip);
int lb_guard(const struct lb_conf *conf);

/* --- what would make packets vanish (xdp_lb_check*.c) ----------- */

/* Prints findings, as rows or JSON; returns the number of bad ones or a negative errno. */
int lb_host_check(const struct lb_conf *conf, enum lb_mode mode, bool json);

/* What "mode: auto" stands for, and why; another mode is returned as it is. */
enum lb_mode lb_choose_mode(const struct lb_conf *conf, char *why, size_t size);

#endif /* _SAMPLES_XDP_LB_USER_H */
