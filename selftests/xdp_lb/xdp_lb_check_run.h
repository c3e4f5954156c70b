/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of samples/parts/xdp_lb/check/check.c and of the files that it calls, in the
 * namespaces of xdp_lb_netns.h. "check" must find and name each thing that loses packets.
 */
#ifndef _SELFTESTS_XDP_LB_CHECK_RUN_H
#define _SELFTESTS_XDP_LB_CHECK_RUN_H

#include "lib/fs.h"
#include "test_harness.h"
#include <net/if.h>
#include <stdbool.h>
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/state/instances.h"
#include "test_root.h"
#include "test_wrap.h"
#include "xdp_lb_netns.h"
#include "xdp_lb_check_rows.h"

/* --- host state that tests replace, because a namespace does not have its own ---- */

/* State of the neighbour table for lb_neigh_table_read(); most = 0: ask the kernel. */
static struct lb_neigh_table test_table;

TEST_WRAPS(lb_neigh_table_read);

int __wrap_lb_neigh_table_read(struct sample_netlink *nl, int family, struct lb_neigh_table *table)
{
	if (!test_table.most)
		return __real_lb_neigh_table_read(nl, family, table);
	*table = test_table;
	return 0;
}

/* Name of an interface that pretends to be hardware: in a namespace there is none. */
static const char *hardware;

TEST_WRAPS(lb_link_read);

int __wrap_lb_link_read(struct sample_netlink *nl, unsigned int ifindex, int netns,
			struct lb_link *link)
{
	int err = __real_lb_link_read(nl, ifindex, netns, link);

	if (!err && hardware && !strcmp(link->name, hardware))
		*link->kind = '\0';
	return err;
}

/* What sample_fs_look() reports about bpffs. */
static struct sample_fs_report bpffs;

TEST_WRAPS(sample_fs_look);

void __wrap_sample_fs_look(const struct sample_fs *fs, struct sample_fs_report *report)
{
	*report = bpffs;
}

/* The other instances of xdp_lb on this host. */
static struct lb_instances others;

TEST_WRAPS(lb_instances_read);
TEST_WRAPS(lb_instances_free);

int __wrap_lb_instances_read(struct lb_instances *all, bool lock)
{
	*all = others;
	return 0;
}

void __wrap_lb_instances_free(struct lb_instances *all)
{
}

/* Content of /proc/net/ip_tables_names (iptables-legacy); NULL: read the kernel's file. */
static const char *iptables_names;

TEST_WRAPS(fopen);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!iptables_names || strcmp(path, "/proc/net/ip_tables_names"))
		return __real_fopen(path, mode);
	return fmemopen((void *)iptables_names, strlen(iptables_names), "r");
}

/* --- a configuration ---------------------------------------------------------- */

FIXTURE(host_check)
{
	struct netns ns;
	struct lb_conf conf;
	struct lb_vip_conf vips[2];
	struct lb_backend_conf backends[4];
	int xdp_link;
};

FIXTURE_SETUP(host_check)
{
	if (test_lacks(NEED_NETNS))
		SKIP(return, "%s", test_lacked);
	if (system("ip -V >/dev/null 2>&1"))
		SKIP(return, "ip is not installed");
	ASSERT_EQ(0, netns_setup(&self->ns));
	self->conf.vips = self->vips;
	self->conf.n_vips = 1;
	self->vips[0].backends = self->backends;
	snprintf(self->vips[0].name, LB_NAME_MAX, "web");
	self->vips[0].addr = addr_of("10.0.0.1");
	self->vips[0].port = 80;
	self->conf.n_ifnames = 1;
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "n0");
	snprintf(self->conf.ifnames[1], IF_NAMESIZE, "n1");
}

FIXTURE_TEARDOWN(host_check)
{
}

static inline void add_backend(struct _test_data_host_check *self, const char *addr)
{
	struct lb_backend_conf *backend = &self->backends[self->vips[0].n_backends++];

	backend->addr = addr_of(addr);
	snprintf(backend->name, LB_NAME_MAX, "b%u", self->vips[0].n_backends);
}

static inline int check(struct _test_data_host_check *self, enum lb_mode mode)
{
	int ret;

	memset(found, 0, sizeof(found));
	n_found = 0;
	ret = lb_host_check(&self->conf, mode, true);
	return ret == (int)counts[2] ? ret : -1;
}

#endif /* _SELFTESTS_XDP_LB_CHECK_RUN_H */
