/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of nexthop.c and link.c in samples/parts/xdp_lb/nexthop/, and of the netlink
 * requests that both send. The real kernel answers, in the namespaces of xdp_lb_netns.h.
 */
#ifndef _SELFTESTS_XDP_LB_NEXTHOP_RUN_H
#define _SELFTESTS_XDP_LB_NEXTHOP_RUN_H

#include "test_harness.h"
#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/types.h>
#include <stdbool.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/nexthop/nexthop.h"
#include "parts/xdp_lb/user.h"
#include "test_root.h"
#include "test_wrap.h"
#include "xdp_lb_netns.h"

enum {
	PATIENCE_MS = 5000,
};

/* --- altered netlink answers -------------------------------------------------- */

static unsigned int n_intr;	/* the next so many calls fail with EINTR */
static unsigned int n_cut;	/* the next so many answers are flagged as inconsistent dumps */
static unsigned int n_stray;	/* so many answers to another request come first */
static unsigned int n_recv;

TEST_WRAPS(mnl_socket_recvfrom);

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	struct nlmsghdr *nh = buf;
	ssize_t len;

	n_recv++;
	if (n_intr) {
		n_intr--;
		errno = EINTR;
		return -1;
	}
	if (n_stray) {
		n_stray--;
		*nh = (struct nlmsghdr){ .nlmsg_len = sizeof(*nh) + 4, .nlmsg_seq = 12345,
					 .nlmsg_type = NLMSG_ERROR };
		memset(nh + 1, 0xff, 4);
		return nh->nlmsg_len;
	}
	len = __real_mnl_socket_recvfrom(nl, buf, size);
	if (n_cut && len > 0) {
		n_cut--;
		nh->nlmsg_flags |= NLM_F_DUMP_INTR;
	}
	return len;
}

/* --- neighbours ---------------------------------------------------------------- */

/* State of the neighbour table for lb_neigh_table_read(); most = 0: ask the kernel. */
static struct lb_neigh_table test_table;
static unsigned int n_room = UINT_MAX;	/* calls of lb_neigh_find() before -ENOBUFS */

TEST_WRAPS(lb_neigh_find);

int __wrap_lb_neigh_find(struct sample_netlink *nl, const struct lb_neigh *neigh, bool keep)
{
	if (!n_room)
		return -ENOBUFS;
	n_room--;
	return __real_lb_neigh_find(nl, neigh, keep);
}

TEST_WRAPS(lb_neigh_table_read);

int __wrap_lb_neigh_table_read(struct sample_netlink *nl, int family, struct lb_neigh_table *table)
{
	if (!test_table.most)
		return __real_lb_neigh_table_read(nl, family, table);
	*table = test_table;
	return 0;
}

/* --- namespaces --------------------------------------------------------------- */

FIXTURE(nexthop)
{
	struct netns ns;
	struct lb_nexthops *hops;
	struct lb_nexthop hop;
};

FIXTURE_SETUP(nexthop)
{
	if (test_lacks(NEED_NETNS))
		SKIP(return, "%s", test_lacked);
	if (system("ip -V >/dev/null 2>&1"))
		SKIP(return, "ip is not installed");
	ASSERT_EQ(0, netns_setup(&self->ns));
	ASSERT_EQ(0, lb_nexthops_open(&self->hops));
}

FIXTURE_TEARDOWN(nexthop)
{
	lb_nexthops_close(self->hops);
}

static inline long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Wait for netlink events and read them. Returns what lb_nexthops_read() returns. */
static inline int news(struct _test_data_nexthop *self, int ms)
{
	struct pollfd pfd = { .fd = lb_nexthops_fd(self->hops), .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 ? lb_nexthops_read(self->hops) : -ETIMEDOUT;
}

/* Read events until none comes for 200 ms. Returns 1 if a next hop may have changed. */
static inline int settle(struct _test_data_nexthop *self)
{
	int changed = 0, ret;

	for (ret = news(self, 200); ret >= 0; ret = news(self, 200))
		changed |= ret;
	return changed;
}

/* Wait for an event that may change a next hop, then read all events that follow. */
static inline bool wait_change(struct _test_data_nexthop *self)
{
	long end = now_ms() + PATIENCE_MS;
	int changed = 0;

	while (changed != 1 && now_ms() < end)
		changed = news(self, end - now_ms());
	settle(self);
	return changed == 1;
}

static inline int get(struct _test_data_nexthop *self, const char *text)
{
	struct lb_addr addr = addr_of(text);

	int err = lb_nexthops_get(self->hops, &addr, &self->hop);

	lb_nexthops_tell(self->hops);
	return err;
}

static inline bool has_mac(const struct _test_data_nexthop *self, const char *mac)
{
	char text[18];
	const __u8 *m = self->hop.dmac;

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	return self->hop.resolved && !strcmp(text, mac);
}

/*
 * Wait until the next hop has this MAC address. Like the control program, ask again after
 * each event that may change a next hop.
 */
static inline bool wait_mac(struct _test_data_nexthop *self, const char *text, const char *mac)
{
	long end = now_ms() + PATIENCE_MS;
	int changed = 1;

	while (now_ms() < end) {
		if (changed == 1 && get(self, text))
			return false;
		if (has_mac(self, mac))
			return true;
		changed = news(self, end - now_ms());
	}
	return false;
}

static inline bool neigh_shows(const char *addr, const char *word)
{
	return !sh("ip neigh show nud all to %s | grep -qw -- '%s'", addr, word);
}

#define MAC0 "02:00:00:00:00:02"
#define MAC1 "02:00:00:00:01:02"
static const __u8 smac0[6] = { 2, 0, 0, 0, 0, 1 }, smac1[6] = { 2, 0, 0, 0, 1, 1 };

#endif /* _SELFTESTS_XDP_LB_NEXTHOP_RUN_H */
