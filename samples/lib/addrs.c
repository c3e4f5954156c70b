// SPDX-License-Identifier: GPL-2.0
/*
 * Keep the addresses of interfaces in a BPF map (include/own_addr.h) up to date. After each
 * rtnetlink message about an address, all addresses are read again: a lost message then does
 * no harm.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include "addr4.h"
#include "own_addr.h"
#include "lib/addrs.h"
#include "lib/log.h"
#include "lib/netlink.h"
#include "lib/util.h"

/* What the map should contain. */
struct wanted {
	const struct sample_addrs *addrs;
	unsigned int n;
	unsigned int n_own;
	struct {
		struct own_addr key;
		__u32 kind;
	} at[OWN_ADDR_MAX];
	bool too_many;
};

static bool is_watched(const struct sample_addrs *addrs, __u32 ifindex)
{
	unsigned int i;

	for (i = 0; i < addrs->n; i++) {
		if (addrs->ifindex[i] == ifindex)
			return true;
	}
	return false;
}

static void want(struct wanted *wanted, __u32 ifindex, int family, const void *addr, __u32 kind)
{
	struct own_addr *key;
	__be32 v4;

	if (wanted->n == OWN_ADDR_MAX) {
		wanted->too_many = true;
		return;
	}
	key = &wanted->at[wanted->n].key;
	key->ifindex = ifindex;
	if (family == AF_INET6) {
		memcpy(key->addr, addr, sizeof(key->addr));
	} else {
		memcpy(&v4, addr, sizeof(v4));
		addr_from4(key->addr, v4);
	}
	wanted->at[wanted->n++].kind = kind;
}

/*
 * The kernel treats two addresses as broadcast: the one that was configured with the address,
 * and the last address of the network.
 */
static void want_broadcast(struct wanted *wanted, const struct ifaddrmsg *ifa,
			   const struct nlattr *set, const void *local)
{
	__be32 addr;

	if (set)
		want(wanted, ifa->ifa_index, AF_INET, mnl_attr_get_payload(set),
		     OWN_ADDR_BROADCAST);
	if (ifa->ifa_prefixlen > 30)
		return;
	memcpy(&addr, local, sizeof(addr));
	addr |= htonl(0xffffffffU >> ifa->ifa_prefixlen);
	want(wanted, ifa->ifa_index, AF_INET, &addr, OWN_ADDR_BROADCAST);
}

/* False until duplicate address detection has shown that no other host has the address. */
static bool is_usable(const struct ifaddrmsg *ifa, const struct nlattr *flags_attr)
{
	__u32 flags = flags_attr ? sample_netlink_u32(flags_attr) : ifa->ifa_flags;

	if (flags & IFA_F_DADFAILED)
		return false;
	return !(flags & IFA_F_TENTATIVE) || flags & IFA_F_OPTIMISTIC;
}

static int on_addr(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[IFA_MAX + 1], *local;
	const struct ifaddrmsg *ifa;
	struct wanted *wanted = ctx;

	if (!nh) {
		wanted->n = 0;
		wanted->n_own = 0;
		wanted->too_many = false;
		return 0;
	}
	ifa = mnl_nlmsg_get_payload(nh);
	if (nh->nlmsg_type != RTM_NEWADDR || !is_watched(wanted->addrs, ifa->ifa_index) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	sample_netlink_attrs(nh, sizeof(*ifa), attrs, IFA_MAX + 1);
	/* On a point-to-point link, IFA_ADDRESS is the peer's address. */
	local = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (!local || !is_usable(ifa, attrs[IFA_FLAGS]))
		return 0;
	if (ifa->ifa_family == AF_INET)
		want_broadcast(wanted, ifa, attrs[IFA_BROADCAST],
			       mnl_attr_get_payload(local));
	want(wanted, ifa->ifa_index, ifa->ifa_family, mnl_attr_get_payload(local),
	     OWN_ADDR_UNICAST);
	wanted->n_own += ifa->ifa_scope != RT_SCOPE_LINK;
	return 0;
}

static bool is_wanted(const struct wanted *wanted, const struct own_addr *key)
{
	unsigned int i;

	for (i = 0; i < wanted->n; i++) {
		if (!memcmp(&wanted->at[i].key, key, sizeof(*key)))
			return true;
	}
	return false;
}

static void remove_others(int map_fd, const struct wanted *wanted)
{
	struct own_addr key, next;
	bool more;

	more = !bpf_map_get_next_key(map_fd, NULL, &next);
	while (more) {
		key = next;
		/* Get the next key first: after a deleted key, the kernel starts over. */
		more = !bpf_map_get_next_key(map_fd, &key, &next);
		if (!is_wanted(wanted, &key))
			bpf_map_delete_elem(map_fd, &key);
	}
}

/*
 * Unicast last: an address of the interface that is also the broadcast address of a network
 * counts as unicast.
 */
static int write_map(int map_fd, const struct wanted *wanted)
{
	__u32 kinds[] = { OWN_ADDR_BROADCAST, OWN_ADDR_UNICAST };
	unsigned int k, i;
	int err = 0;

	remove_others(map_fd, wanted);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < wanted->n && !err; i++) {
			if (wanted->at[i].kind == kinds[k])
				err = bpf_map_update_elem(map_fd, &wanted->at[i].key,
							  &kinds[k], BPF_ANY);
		}
	}
	return err;
}

static int read_all(struct sample_addrs *addrs)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	struct wanted *wanted = calloc(1, sizeof(*wanted));
	int err;

	if (!wanted)
		return -ENOMEM;
	wanted->addrs = addrs;
	err = sample_netlink_dump(RTM_GETADDR, &ifa, sizeof(ifa), on_addr, wanted);
	if (!err)
		err = write_map(addrs->map_fd, wanted);
	if (err)
		pr_err("failed to read the addresses of the interfaces: %s", strerror(-err));
	if (!err && wanted->too_many)
		pr_info("more than %d addresses: the others are not looked at", OWN_ADDR_MAX);
	addrs->n_own = wanted->n_own;
	free(wanted);
	return err;
}

/**
 * sample_addrs_open() - put the addresses of interfaces into a map
 * @addrs: filled; the caller polls .fd
 * @map: hash map, struct own_addr to enum own_addr_kind
 * @ifindex: indices of the interfaces
 * @n: number of interfaces, at most SAMPLE_IFACE_MAX
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_addrs_open(struct sample_addrs *addrs, const struct bpf_map *map,
		      const unsigned int *ifindex, unsigned int n)
{
	int err;

	addrs->map_fd = bpf_map__fd(map);
	addrs->n = n;
	memcpy(addrs->ifindex, ifindex, n * sizeof(*ifindex));
	/* Subscribe before the first read, so that no change in between is missed. */
	err = sample_netlink_listen(&addrs->news, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	addrs->fd = err ? -1 : mnl_socket_get_fd(addrs->news.sock);
	if (err) {
		pr_err("failed to watch the addresses of the interfaces: %s", strerror(-err));
		return err;
	}
	err = read_all(addrs);
	if (err)
		sample_addrs_close(addrs);
	return err;
}

static int on_news(const struct nlmsghdr *nh, void *ctx)
{
	*(bool *)ctx = true;
	return 0;
}

/**
 * sample_addrs_update() - update the map if addresses have changed; does not block
 * @addrs: from sample_addrs_open()
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_addrs_update(struct sample_addrs *addrs)
{
	bool changed = false;

	if (sample_netlink_news(&addrs->news, on_news, &changed))
		changed = true;
	return changed ? read_all(addrs) : 0;
}

/**
 * sample_addrs_close() - stop watching the addresses
 * @addrs: from sample_addrs_open()
 */
void sample_addrs_close(struct sample_addrs *addrs)
{
	sample_netlink_close(&addrs->news);
	addrs->fd = -1;
}
