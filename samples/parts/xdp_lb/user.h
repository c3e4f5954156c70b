/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of the control program of xdp_lb:
 *
 *	xdp_lb_user.c	the commands
 *	cmd/options.c	the options
 *	config/config.h	the configuration, from YAML or the command line
 *	ring/ring.c	Maglev consistent hashing
 *	nexthop/nexthop.c	MAC addresses, from the kernel's routes and neighbours
 *	nexthop/room.c	room for neighbours in the kernel's table
 *	health/health.c	health checks
 *	state/state.c	the pinned maps
 *	state/apply.c	brings the maps into line with a configuration
 *	state/attach.c	attaches the program to its interfaces
 *	state/iface.c	interfaces that disappear and come back
 *	check/guard.c	services that would cut this host off
 *	check/check.c	what would make packets vanish
 *	check/iface.c	which mode "mode: auto" stands for
 *	check/ports.c	ports of source addresses
 *	cmd/show.h	show, stats, conns, ring
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
 * @ifindex: interface that packets leave by, 0: there is no route
 * @resolved: @dmac is known
 * @dmac: MAC address of the backend, or of the gateway
 * @smac: MAC address of the interface
 * @src: address that this host would use as source (the route's preferred one)
 * @mtu: MTU of the route, else of the interface
 * @gateway: @dmac is the MAC address of a gateway
 * @via: address of the neighbour that has @dmac: the gateway, or the backend itself
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
 * struct lb_room - room for a configuration's neighbours in the kernel's table, for one family
 * @needed: neighbours on the ways to the backends of the configuration
 * @others: other entries that are in the table
 * @most: largest number of entries, for all network namespaces together
 */
struct lb_room {
	unsigned int needed;
	unsigned int others;
	unsigned int most;
};

struct lb_nexthops;

/*
 * lb_nexthops_open() opens two rtnetlink sockets (libmnl) in the current network namespace:
 * one for requests, and one for news of neighbours, routes, addresses and links.
 *
 * lb_nexthops_fd() is readable when something has changed. lb_nexthops_read() drains the
 * news. It returns 1 if a next hop may have changed, 0 if not, or a negative errno; after
 * ENOBUFS (lost news) it returns 1.
 *
 * lb_nexthops_get() asks the kernel for the route and the neighbour (RTM_GETROUTE,
 * RTM_GETNEIGH). If the neighbour is not known, it asks the kernel to resolve the neighbour
 * and to keep it resolved (NTF_EXT_MANAGED), so that the neighbour stays known when the
 * control program is dead. A kernel before 5.16 only resolves it once (NTF_USE). Returns 0,
 * or -ENETUNREACH (no route), -EADDRNOTAVAIL (an address of this host), -EOPNOTSUPP (no
 * Ethernet), ... lb_nexthops_tell() prints the errors.
 *
 * lb_nexthops_route() only asks for the route. After lb_nexthops_look(), lb_nexthops_get()
 * does not make the kernel keep neighbours, and no error is printed. lb_nexthops_close()
 * leaves the neighbours that the kernel keeps for us; lb_nexthops_forget() removes them, and
 * also those that a killed process has left.
 */
int lb_nexthops_open(struct lb_nexthops **hops);
int lb_nexthops_fd(const struct lb_nexthops *hops);
int lb_nexthops_read(struct lb_nexthops *hops);
int lb_nexthops_get(struct lb_nexthops *hops, const struct lb_addr *addr,
		    struct lb_nexthop *hop);
int lb_nexthops_route(struct lb_nexthops *hops, const struct lb_addr *addr,
		      struct lb_nexthop *hop);
bool lb_nexthops_lose_redirects(struct lb_nexthops *hops, unsigned int ifindex);
void lb_nexthops_tell(struct lb_nexthops *hops);
int lb_room_read(const struct lb_conf *conf, struct lb_nexthops *hops, int family,
		 struct lb_room *room);
int lb_room_refuse(const struct lb_conf *conf, struct lb_nexthops *hops);
void lb_nexthops_look(struct lb_nexthops *hops);
int lb_nexthops_forget(struct lb_nexthops *hops);
void lb_nexthops_close(struct lb_nexthops *hops);

/* Get the first global address of a family (4 or 6) on an interface; -ENOENT: there is none. */
int lb_iface_addr(struct lb_nexthops *hops, unsigned int ifindex, int family,
		  struct lb_addr *addr);

/* Get all addresses of this host, of one family. struct lb_host_addrs: nexthop/addr.h. */
struct lb_host_addrs;
int lb_iface_addrs(struct lb_nexthops *hops, int family, struct lb_host_addrs *addrs);

/* --- health (health/health.c) ------------------------------------------------ */

/**
 * struct lb_target - a backend that is checked
 * @backend: its index in lb_backends
 * @addr: its address
 * @port: port to connect to
 * @check: how to check the backend
 * @up: initial state; changes after @check.rise successes or @check.fall failures in a row
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
 * Called when a backend goes up or down. @why: reason of a failure: "connection refused",
 * "HTTP status 503", "no answer in 1000 ms"; "" if @up. The function may call
 * lb_health_set(), but not lb_health_close().
 */
typedef void (*lb_health_fn)(void *ctx, __u32 backend, bool up, const char *why);

/*
 * The checks run in the thread of the caller. Connects and GETs go through libcurl's multi
 * interface. The sockets of libcurl and a timerfd are in one epoll fd, lb_health_fd(), which
 * is readable when lb_health_run() has something to do. Checks are spread over their
 * interval.
 *
 * lb_health_set() takes the whole list of targets. A target that was there before (same
 * backend, address, port, check) keeps its state: @up is ignored. Checks of targets that are
 * no longer in the list are aborted without a call of fn. fn is never called for a target
 * with LB_CHECK_NONE. While this host is unable to check (no files or memory left), no
 * backend goes down, and an error is printed.
 */
int lb_health_open(struct lb_health **health, lb_health_fn fn, void *ctx);
int lb_health_set(struct lb_health *health, const struct lb_target *targets, unsigned int n);
int lb_health_fd(const struct lb_health *health);
int lb_health_run(struct lb_health *health);
void lb_health_close(struct lb_health *health);

/* --- what would cut this host off (check/guard.c) ---------------------------- */

struct sample_netlink;

const char *lb_takes_ssh(const struct lb_conf *conf, const struct lb_vip_conf *vip);
unsigned int lb_sending_iface(struct sample_netlink *nl, const struct lb_addr *addr);
unsigned int lb_takes_own(struct sample_netlink *nl, const struct lb_vip_conf *vip);
int lb_guard(const struct lb_conf *conf);

/* --- what would make packets vanish (check/check.c, check/iface.c) ----------- */

/* Print findings, as rows or JSON. Returns the number of bad ones, or a negative errno. */
int lb_host_check(const struct lb_conf *conf, enum lb_mode mode, bool json);

/* What "mode: auto" stands for on this host, and why. Any other mode is returned as it is. */
enum lb_mode lb_choose_mode(const struct lb_conf *conf, char *why, size_t size);

#endif /* _SAMPLES_XDP_LB_USER_H */
