// SPDX-License-Identifier: GPL-2.0
/*
 * When packets see a new ring: after each change. If the process that made the change is
 * killed before it publishes the ring, the next process does that. The tables of the instance
 * are memory of the test; the rings are maps of the kernel.
 */
#include "lib/caps.h"
#include "test_harness.h"
#include <unistd.h>
#include <bpf/bpf.h>
#include <arpa/inet.h>
#include "test_messages.h"
#include "test_root.h"
#include "parts/xdp_lb/state/state.h"

enum {
	TABLE = 251,
	VIP = 3,
	BACKENDS = 3,
};

TEST_WRAPS(lb_nexthops_get);
TEST_WRAPS(lb_nexthops_tell);

/* A ring does not depend on next hops: there are none. */
int __wrap_lb_nexthops_get(struct lb_nexthops *hops, const struct lb_addr *addr,
			   struct lb_nexthop *hop)
{
	return -ENOENT;
}

void __wrap_lb_nexthops_tell(struct lb_nexthops *hops)
{
}

FIXTURE(rings)
{
	struct lb_state state;
	struct lb_kern_conf conf;
	struct lb_vip_info vip_infos[LB_VIPS_MAX];
	struct lb_backend *backends;
	struct lb_backend_info *backend_infos;
};

static int create_rings(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = lb_ring_create(TABLE));
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "lb_rings", sizeof(__u32),
			    sizeof(__u32), LB_VIPS_MAX, &opts);
	close(opts.inner_map_fd);
	return fd;
}

FIXTURE_SETUP(rings)
{
	unsigned int i;

	if (test_lacks(SAMPLE_NEED_BPF | SAMPLE_NEED_ADMIN))
		SKIP(return, "%s", test_lacked);
	self->backends = calloc(LB_BACKENDS_MAX, sizeof(*self->backends));
	self->backend_infos = calloc(LB_BACKENDS_MAX, sizeof(*self->backend_infos));
	ASSERT_TRUE(self->backends && self->backend_infos);
	self->state.conf = &self->conf;
	self->state.vip_infos = self->vip_infos;
	self->state.backends = self->backends;
	self->state.backend_infos = self->backend_infos;
	self->state.rings_fd = create_rings();
	ASSERT_LE(0, self->state.rings_fd);
	self->conf.table_size = TABLE;
	self->vip_infos[VIP].used = 1;
	for (i = 0; i < BACKENDS; i++) {
		self->backends[i].vip = VIP;
		self->backends[i].state = LB_BACKEND_UP;
		self->backends[i].addr.a[3] = htonl(0x0a000001 + i);
		self->backend_infos[i].weight = 1;
	}
	lb_ring_is_stale(&self->state, VIP);
	ASSERT_EQ(0, lb_build_rings(&self->state));
}

FIXTURE_TEARDOWN(rings)
{
	close(self->state.rings_fd);
	free(self->backends);
	free(self->backend_infos);
}

/* Number of slots that a backend has in the ring that packets see. */
static unsigned int share(struct __test_metadata *_metadata, const struct lb_state *state,
			  __u32 backend)
{
	__u32 ring[TABLE], i;
	unsigned int n = 0;

	EXPECT_EQ(0, lb_read_ring(state, VIP, ring));
	for (i = 0; i < TABLE; i++)
		n += ring[i] == backend;
	return n;
}

TEST_F(rings, are_published)
{
	unsigned int i, sum = 0;

	EXPECT_EQ(0, self->vip_infos[VIP].ring_stale);
	for (i = 0; i < BACKENDS; i++) {
		EXPECT_LT(0, share(_metadata, &self->state, i));
		sum += share(_metadata, &self->state, i);
	}
	EXPECT_EQ(TABLE, sum);
}

/* If a service has not changed, its ring is not built again. */
TEST_F(rings, only_where_something_changed)
{
	__u32 vip = VIP, before, after;

	ASSERT_EQ(0, bpf_map_lookup_elem(self->state.rings_fd, &vip, &before));
	ASSERT_EQ(0, lb_build_rings(&self->state));
	lb_set_health(&self->state, 1, true);
	ASSERT_EQ(0, lb_build_rings(&self->state));
	ASSERT_EQ(0, bpf_map_lookup_elem(self->state.rings_fd, &vip, &after));
	EXPECT_EQ(before, after);
	/* A number without a service gets no ring, even if its ring is marked stale. */
	lb_ring_is_stale(&self->state, VIP + 1);
	ASSERT_EQ(0, lb_build_rings(&self->state));
	vip = VIP + 1;
	EXPECT_NE(0, bpf_map_lookup_elem(self->state.rings_fd, &vip, &after));
}

TEST_F(rings, backend_goes_down_and_up)
{
	lb_set_health(&self->state, 1, false);
	EXPECT_LT(0, share(_metadata, &self->state, 1));
	ASSERT_EQ(0, lb_build_rings(&self->state));
	EXPECT_EQ(0, share(_metadata, &self->state, 1));
	EXPECT_EQ(LB_BACKEND_DOWN, self->backends[1].state);
	lb_set_health(&self->state, 1, true);
	ASSERT_EQ(0, lb_build_rings(&self->state));
	EXPECT_LT(0, share(_metadata, &self->state, 1));
	EXPECT_EQ(LB_BACKEND_UP, self->backends[1].state);
}

/*
 * A process wrote the new state and was killed before it built the ring. The next process sees
 * no change of the state, but must build the ring.
 */
TEST_F(rings, killed_before_it_was_published)
{
	lb_set_health(&self->state, 1, false);
	lb_set_health(&self->state, 1, false);
	ASSERT_EQ(0, lb_build_rings(&self->state));
	EXPECT_EQ(0, share(_metadata, &self->state, 1));
	EXPECT_EQ(0, self->vip_infos[VIP].ring_stale);
}

/* If a ring cannot be published, the old one stays, and the next call builds the new one. */
TEST_F(rings, could_not_be_published)
{
	int fd = self->state.rings_fd;

	lb_set_health(&self->state, 1, false);
	self->state.rings_fd = -1;
	EXPECT_NE(0, lb_build_rings(&self->state));
	EXPECT_EQ(1, n_errs);
	self->state.rings_fd = fd;
	EXPECT_LT(0, share(_metadata, &self->state, 1));
	EXPECT_EQ(1, self->vip_infos[VIP].ring_stale);
	EXPECT_EQ(LB_BACKEND_UP, self->backends[1].state);
	ASSERT_EQ(0, lb_build_rings(&self->state));
	EXPECT_EQ(0, share(_metadata, &self->state, 1));
	EXPECT_EQ(0, self->vip_infos[VIP].ring_stale);
}

TEST_HARNESS_MAIN
