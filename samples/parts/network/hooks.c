// SPDX-License-Identifier: GPL-2.0
/*
 * Attach the hooks, and switch each hook while the others go on. The action of a hook is a
 * variable of its BPF program, so one store changes the action, and the hook misses no packet.
 * Only switching a hook off or on again detaches or attaches its program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "lib/addrs.h"
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/refused.h"
#include "lib/stats.h"
#include "lib/tc.h"
#include "lib/xdp.h"
#include "parts/network/user.h"
#include "network.skel.h"

static int watch(struct network_hooks *hooks, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(hooks->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void unwatch(struct network_hooks *hooks, int fd)
{
	epoll_ctl(hooks->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* --- the socket filter ----------------------------------------------------- */

/*
 * Open the socket with protocol 0 and attach the filter before bind(), so that no packet gets
 * past the filter into the socket's queue. Later none does either: the filter returns 0.
 */
static int open_socket(const struct network_hooks *hooks)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = hooks->ifindex,
	};
	int prog = bpf_program__fd(hooks->skel->progs.net_sock);
	int fd, err;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) &&
	    !bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int sock_on(struct network_hooks *hooks)
{
	hooks->sock = open_socket(hooks);
	if (hooks->sock >= 0)
		return 0;
	if (!sample_refused(hooks->sock, SAMPLE_NEED_PACKETS, "open a packet socket"))
		pr_err("failed to attach the socket filter to %s: %s", hooks->ifname,
		       strerror(-hooks->sock));
	return hooks->sock;
}

/* --- TC -------------------------------------------------------------------- */

static int follow_addresses(struct network_hooks *hooks)
{
	int err;

	err = sample_addrs_open(&hooks->addrs, hooks->skel->maps.own_addrs, &hooks->ifindex, 1);
	if (err)
		return err;
	err = watch(hooks, hooks->addrs.fd);
	if (!err)
		return 0;
	pr_err("failed to watch the addresses of %s: %s", hooks->ifname, strerror(-err));
	sample_addrs_close(&hooks->addrs);
	return err;
}

/* Fill the map of addresses before attaching, so that pingpong answers the first ping, too. */
static int tc_on(struct network_hooks *hooks)
{
	int err;

	err = follow_addresses(hooks);
	if (err)
		return err;
	err = sample_tc_attach(&hooks->tc, hooks->skel->progs.net_tc, hooks->tc_where, false);
	if (err) {
		unwatch(hooks, hooks->addrs.fd);
		sample_addrs_close(&hooks->addrs);
	}
	return err;
}

static void tc_off(struct network_hooks *hooks)
{
	sample_tc_detach(&hooks->tc);
	unwatch(hooks, hooks->addrs.fd);
	sample_addrs_close(&hooks->addrs);
}

/* --- tcpconnect ------------------------------------------------------------ */

static void show_connect(void *ctx, const struct tcpconnect_event *ev)
{
	struct network_hooks *hooks = ctx;

	hooks->totals.connects++;
	network_show_connect(ev);
}

static int on_connect(void *ctx, void *data, size_t size)
{
	show_connect(ctx, data);
	return 0;
}

/* Trace connections of this network namespace only: the interface is in it, too. */
static __u32 this_netns(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

static int connect_on(struct network_hooks *hooks)
{
	struct sample_connect_config config = {
		.filter.netns = this_netns(),
		.backend = SAMPLE_CONNECT_AUTO,
		.events = true,
	};
	int err;

	err = sample_connect_attach(&hooks->conn, &config);
	if (err)
		return err;
	hooks->conn_ring = ring_buffer__new(sample_connect_events(&hooks->conn), on_connect,
					    hooks, NULL);
	err = hooks->conn_ring ? watch(hooks, ring_buffer__epoll_fd(hooks->conn_ring)) : -errno;
	if (!err)
		return 0;
	pr_err("failed to make the ring buffer of tcpconnect: %s", strerror(-err));
	ring_buffer__free(hooks->conn_ring);
	hooks->conn_ring = NULL;
	sample_connect_close(&hooks->conn);
	return err;
}

static void connect_off(struct network_hooks *hooks)
{
	__u64 counts[__TCPCONNECT_COUNT_MAX];

	sample_connect_stop(&hooks->conn);
	ring_buffer__consume(hooks->conn_ring);
	sample_connect_pending(&hooks->conn, show_connect, hooks);
	if (!sample_connect_counts(&hooks->conn, counts))
		hooks->totals.connects_lost += counts[TCPCONNECT_LOST];
	unwatch(hooks, ring_buffer__epoll_fd(hooks->conn_ring));
	ring_buffer__free(hooks->conn_ring);
	hooks->conn_ring = NULL;
	sample_connect_close(&hooks->conn);
}

/* --- switching ------------------------------------------------------------- */

static int attach(struct network_hooks *hooks, int hook)
{
	switch (hook) {
	case NETWORK_XDP:
		return sample_xdp_attach(&hooks->xdp, hooks->skel->progs.net_xdp);
	case NETWORK_SOCKFILTER:
		return sock_on(hooks);
	case NETWORK_TC:
		return tc_on(hooks);
	default:
		return connect_on(hooks);
	}
}

static void detach(struct network_hooks *hooks, int hook)
{
	switch (hook) {
	case NETWORK_XDP:
		sample_xdp_detach(&hooks->xdp);
		break;
	case NETWORK_SOCKFILTER:
		close(hooks->sock);
		hooks->sock = -1;
		break;
	case NETWORK_TC:
		tc_off(hooks);
		break;
	default:
		connect_off(hooks);
	}
}

/* The action is one aligned word: a packet gets either the old action or the new one. */
static void set_action(struct network_hooks *hooks, int hook, int to)
{
	if (hook == NETWORK_XDP)
		hooks->skel->bss->xdp_action = to;
	else if (hook == NETWORK_TC)
		hooks->skel->bss->tc_action = to;
}

static int switch_on(struct network_hooks *hooks, int hook)
{
	__u64 begin = sample_now();
	int err;

	err = attach(hooks, hook);
	if (!err && hook < __NETWORK_HOOK_MAX)
		network_paths_on(hooks->paths, hook, begin, sample_now());
	return err;
}

/* Read the hook's last events before network_paths_off(), which ends paths that wait for it. */
static void switch_off(struct network_hooks *hooks, int hook)
{
	detach(hooks, hook);
	network_consume(hooks);
	if (hook < __NETWORK_HOOK_MAX)
		network_paths_off(hooks->paths, hook);
}

static bool drops(int hook, int to)
{
	return to == NETWORK_ACTION_DROP || to == NETWORK_ACTION_DROP_PING;
}

/**
 * network_switch() - switch a hook to another position
 * @hooks: the hooks
 * @hook: enum network_hook or NETWORK_TCPCONNECT
 * @to: enum network_action or NETWORK_OFF
 *
 * Return: 0, or a negative errno, which was printed; then nothing has changed.
 */
int network_switch(struct network_hooks *hooks, int hook, int to)
{
	int from = hooks->to[hook], err = 0;

	if (drops(hook, to) && sample_refuse_ssh())
		return -EPERM;
	if (to != NETWORK_OFF)
		set_action(hooks, hook, to);
	if (from == NETWORK_OFF && to != NETWORK_OFF)
		err = switch_on(hooks, hook);
	else if (from != NETWORK_OFF && to == NETWORK_OFF)
		switch_off(hooks, hook);
	if (!err)
		hooks->to[hook] = to;
	return err;
}

/* --- events and counters --------------------------------------------------- */

static int on_event(void *ctx, void *data, size_t size)
{
	network_paths_event(ctx, data);
	return 0;
}

/**
 * network_consume() - read all events in the ring buffers, and changes of addresses
 * @hooks: the hooks
 *
 * Return: 0 or a negative errno.
 */
int network_consume(struct network_hooks *hooks)
{
	int n = ring_buffer__consume(hooks->ring);

	if (n >= 0 && hooks->conn_ring)
		n = ring_buffer__consume(hooks->conn_ring);
	if (n >= 0 && hooks->addrs.fd >= 0)
		n = sample_addrs_update(&hooks->addrs);
	return n < 0 ? n : 0;
}

/**
 * network_lost() - number of events that found the ring buffer full
 * @hooks: the hooks
 *
 * Return: the number, 0 if it cannot be read.
 */
__u64 network_lost(const struct network_hooks *hooks)
{
	__u64 counts[__NETWORK_COUNT_MAX];

	if (sample_stats_read(hooks->skel->maps.net_counts, counts, __NETWORK_COUNT_MAX))
		return 0;
	return counts[NETWORK_LOST];
}

/* The interface is gone, and its qdisc with it. The loop ends, and main() switches all off. */
static bool on_gone(void *ctx, unsigned int ifindex)
{
	struct network_hooks *hooks = ctx;

	hooks->qdisc.made_qdisc = false;
	return false;
}

/**
 * network_hooks_open() - load the programs, but attach none of them yet
 * @hooks: filled; all zero before, except .tc_where
 * @paths: gets the events
 *
 * Return: 0, or a negative errno, which was printed.
 */
int network_hooks_open(struct network_hooks *hooks, struct network_paths *paths)
{
	int i, err;

	hooks->paths = paths;
	hooks->sock = -1;
	hooks->addrs.fd = -1;
	hooks->epoll_fd = -1;
	for (i = 0; i < __NETWORK_SWITCH_MAX; i++)
		hooks->to[i] = NETWORK_OFF;

	hooks->ifindex = sample_ifindex(sample.ifnames[0]);
	if (!hooks->ifindex)
		return -ENODEV;
	snprintf(hooks->ifname, sizeof(hooks->ifname), "%s", sample_ifname(hooks->ifindex));
	/* Watch the interface even if all hooks are off: without it the sample has to end. */
	err = sample_iface_follow(hooks->ifindex, on_gone, hooks);
	if (err)
		return err;

	hooks->skel = network_kern__open_and_load();
	if (!hooks->skel) {
		err = -errno;
		sample_load_failed("network", err);
		return err;
	}
	hooks->ring = ring_buffer__new(bpf_map__fd(hooks->skel->maps.net_events), on_event,
				       paths, NULL);
	hooks->epoll_fd = hooks->ring ? epoll_create1(EPOLL_CLOEXEC) : -1;
	err = hooks->epoll_fd < 0 ? -errno : watch(hooks, ring_buffer__epoll_fd(hooks->ring));
	if (err) {
		pr_err("failed to make the ring buffer: %s", strerror(-err));
		network_hooks_close(hooks);
		return err;
	}
	sample_tc_hold(&hooks->qdisc, hooks->tc_where, hooks->ifindex);
	return 0;
}

/**
 * network_hooks_off() - switch all hooks off, in the order in which a packet meets them
 * @hooks: the hooks
 */
void network_hooks_off(struct network_hooks *hooks)
{
	int i;

	for (i = 0; i < __NETWORK_SWITCH_MAX; i++) {
		if (hooks->to[i] != NETWORK_OFF)
			network_switch(hooks, i, NETWORK_OFF);
	}
}

/**
 * network_hooks_close() - free everything
 * @hooks: the hooks, all switched off
 */
void network_hooks_close(struct network_hooks *hooks)
{
	sample_iface_unfollow(hooks);
	sample_tc_release(&hooks->qdisc);
	if (hooks->epoll_fd >= 0)
		close(hooks->epoll_fd);
	ring_buffer__free(hooks->ring);
	network_kern__destroy(hooks->skel);
}
