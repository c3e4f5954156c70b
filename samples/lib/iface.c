// SPDX-License-Identifier: GPL-2.0
/*
 * Watch, by rtnetlink, the interfaces that a sample is attached to. When an interface is
 * deleted, its programs are gone, too. When it is moved to another network namespace, its
 * programs may still run there, where the sample cannot reach them. An interface that is
 * renamed, set down, or taken out of a bridge is the same interface as before. When its MTU
 * rises, lib/mtu.c says whether that matters.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include "lib/called.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/mtu.h"
#include "lib/netlink.h"
#include "lib/output.h"

enum {
	/* Per interface: one follower for each of up to three programs, and one for the sample. */
	FOLLOWERS_MAX = 4 * SAMPLE_IFACE_MAX,
};

enum reason {
	REMOVED,
	MOVED,
	/* The message was lost, so the reason is not known. */
	GONE,
};

struct follower {
	unsigned int ifindex;
	char ifname[IF_NAMESIZE];
	__u32 mtu;
	sample_iface_fn *gone;
	void *ctx;
};

static struct follower followers[FOLLOWERS_MAX];
static unsigned int n_followers;
static struct sample_netlink links;
static bool none_left;

static int open_links(void)
{
	int err = links.sock ? 0 : sample_netlink_listen(&links, RTMGRP_LINK);

	if (err)
		pr_err("failed to watch the interfaces: %s", strerror(-err));
	return err;
}

/**
 * sample_iface_follow() - watch an interface; the loop reports when it is gone
 * @ifindex: the interface
 * @gone: called once, when the interface is gone; may be NULL
 * @ctx: argument for @gone, and the key for sample_iface_unfollow()
 *
 * Call this before you attach anything to the interface, so that no removal is missed. The
 * loop ends when the last watched interface is gone.
 *
 * Return: 0, or a negative errno, which was printed. -ENODEV: the interface does not exist.
 */
int sample_iface_follow(unsigned int ifindex, sample_iface_fn *gone, void *ctx)
{
	struct follower *at = &followers[n_followers];
	int err = open_links();

	if (err)
		return err;
	if (n_followers == FOLLOWERS_MAX) {
		pr_err("failed to watch the interfaces: %s", strerror(ENOSPC));
		return -ENOSPC;
	}
	if (!if_indextoname(ifindex, at->ifname)) {
		pr_err("failed to find the interface of number %u: it was removed", ifindex);
		return -ENODEV;
	}
	at->ifindex = ifindex;
	at->mtu = sample_mtu_read(at->ifname);
	at->gone = gone;
	at->ctx = ctx;
	n_followers++;
	return 0;
}

/**
 * sample_iface_unfollow() - stop watching all interfaces that were followed with a @ctx
 * @ctx: the argument of sample_iface_follow()
 */
void sample_iface_unfollow(const void *ctx)
{
	unsigned int i = 0;

	while (i < n_followers) {
		if (followers[i].ctx == ctx)
			followers[i] = followers[--n_followers];
		else
			i++;
	}
}

/* --- one is gone ---------------------------------------------------------------- */

static void tell(const struct follower *who, enum reason why)
{
	static const char * const texts[] = {
		[REMOVED] = "the interface was removed",
		[MOVED] = "the interface was moved to another network namespace",
		[GONE] = "the interface is gone",
	};
	static const char * const names[] = {
		[REMOVED] = "removed", [MOVED] = "moved", [GONE] = "gone",
	};
	json_writer_t *json;

	pr_err("failed to go on with %s: %s", who->ifname, texts[why]);
	if (!sample.json)
		return;
	json = sample_json_begin("interface");
	jsonw_string_field(json, "ifname", who->ifname);
	jsonw_uint_field(json, "ifindex", who->ifindex);
	jsonw_string_field(json, "state", "gone");
	jsonw_string_field(json, "reason", names[why]);
	sample_json_end(json);
}

/* Take the followers off the list before their callbacks run, which may change the list. */
static unsigned int take(unsigned int ifindex, struct follower *taken)
{
	unsigned int i = 0, n = 0;

	while (i < n_followers) {
		if (followers[i].ifindex == ifindex) {
			taken[n++] = followers[i];
			followers[i] = followers[--n_followers];
		} else {
			i++;
		}
	}
	return n;
}

static void lose(unsigned int ifindex, enum reason why)
{
	struct follower taken[FOLLOWERS_MAX];
	unsigned int i, n = take(ifindex, taken);
	bool wait = false;

	if (!n)
		return;
	tell(&taken[0], why);
	for (i = 0; i < n; i++) {
		if (taken[i].gone && taken[i].gone(taken[i].ctx, ifindex))
			wait = true;
	}
	if (why == MOVED && !wait)
		pr_hint("ip netns list; then: %s -n NAME -i %s", sample_called(),
			taken[0].ifname);
	none_left = !n_followers && !wait;
}

/* --- rtnetlink ------------------------------------------------------------------ */

/* Several programs of a sample may follow one interface: the first one tells. */
static void follow_mtu(unsigned int ifindex, const struct nlattr **attrs)
{
	struct follower *first = NULL;
	unsigned int i;

	for (i = 0; i < n_followers; i++) {
		if (followers[i].ifindex != ifindex)
			continue;
		if (!first) {
			first = &followers[i];
			sample_mtu_follow(ifindex, first->ifname, &first->mtu, attrs);
		}
		followers[i].mtu = first->mtu;
	}
}

/*
 * RTM_DELLINK with the family AF_BRIDGE does not mean that the interface is gone: a port has
 * left its bridge.
 */
static void on_message(const struct nlmsghdr *nh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nh);
	const struct nlattr *attrs[IFLA_MAX + 1];

	if (mnl_nlmsg_get_payload_len(nh) < sizeof(*ifi) || ifi->ifi_family != AF_UNSPEC)
		return;
	sample_netlink_attrs(nh, sizeof(*ifi), attrs, IFLA_MAX + 1);
	if (nh->nlmsg_type == RTM_DELLINK)
		lose(ifi->ifi_index, attrs[IFLA_NEW_NETNSID] ? MOVED : REMOVED);
	else if (nh->nlmsg_type == RTM_NEWLINK)
		follow_mtu(ifi->ifi_index, attrs);
}

/* Messages were lost: check which of the watched interfaces still exist. */
static void look(void)
{
	char name[IF_NAMESIZE];
	unsigned int i = 0;

	while (i < n_followers) {
		if (if_indextoname(followers[i].ifindex, name)) {
			i++;
			continue;
		}
		lose(followers[i].ifindex, GONE);
		i = 0;
	}
}

static int on_news(const struct nlmsghdr *nh, void *ctx)
{
	if (nh)
		on_message(nh);
	else
		look();
	return 0;
}

/**
 * sample_iface_fd() - file descriptor to poll for changes of interfaces
 *
 * Return: a file descriptor; when it is readable, call sample_iface_read(). -1 if no interface
 * was ever followed.
 */
int sample_iface_fd(void)
{
	return links.sock ? mnl_socket_get_fd(links.sock) : -1;
}

/**
 * sample_iface_read() - read messages about interfaces, and call @gone of those that are gone
 */
void sample_iface_read(void)
{
	sample_netlink_news(&links, on_news, NULL);
}

/**
 * sample_iface_status() - whether any watched interface is left
 *
 * Return: 0, or -ENODEV: the last watched interface is gone, which was printed.
 */
int sample_iface_status(void)
{
	return none_left ? -ENODEV : 0;
}
