// SPDX-License-Identifier: GPL-2.0
/* The load balancer under test: see xdp_lb_build.h. */
#include "test_assert.h"
#include <sched.h>
#include <sys/mman.h>
#include "xdp_lb_build.h"

const __u32 lb_test_timeouts[LB_TIMEOUTS] = {
	[LB_FLOW_CLAIMED] = 10,
	[LB_FLOW_SYN] = 10,
	[LB_FLOW_SYNACK] = 10,
	[LB_FLOW_ESTABLISHED] = 7200,
	[LB_FLOW_FIN] = 120,
	[LB_FLOW_RESET] = 120,
	[LB_FLOW_UDP] = 20,
	[LB_FLOW_UDP_REPLIED] = 120,
};

const __u8 lb_mac_in[ETH_ALEN] = { 0x02, 0xaa, 0, 0, 0, 1 };
const __u8 lb_mac_out[ETH_ALEN] = { 0x02, 0xaa, 0, 0, 0, 2 };
const __u8 lb_mac_router[ETH_ALEN] = { 0x02, 0xcc, 0, 0, 0, 9 };

struct xdp_lb_kern *lb_skel;
struct lb_maps lb_maps;
__u32 lb_slots, lb_ring_size;
int lb_rings[LB_TEST_VIPS];

const struct kind lb_kinds[] = {
	{ LB_NAT, 4, 4, IPPROTO_TCP }, { LB_NAT, 4, 4, IPPROTO_UDP },
	{ LB_NAT, 6, 6, IPPROTO_TCP }, { LB_NAT, 6, 6, IPPROTO_UDP },
	{ LB_DNAT, 4, 4, IPPROTO_TCP }, { LB_DNAT, 4, 4, IPPROTO_UDP },
	{ LB_DNAT, 6, 6, IPPROTO_TCP }, { LB_DNAT, 6, 6, IPPROTO_UDP },
	{ LB_DSR, 4, 4, IPPROTO_TCP }, { LB_DSR, 4, 4, IPPROTO_UDP },
	{ LB_DSR, 6, 6, IPPROTO_TCP }, { LB_DSR, 6, 6, IPPROTO_UDP },
	{ LB_IPIP, 4, 4, IPPROTO_TCP }, { LB_IPIP, 4, 4, IPPROTO_UDP },
	{ LB_IPIP, 6, 6, IPPROTO_TCP }, { LB_IPIP, 6, 6, IPPROTO_UDP },
	{ LB_IPIP, 4, 6, IPPROTO_TCP }, { LB_IPIP, 4, 6, IPPROTO_UDP },
	{ LB_IPIP, 6, 4, IPPROTO_TCP }, { LB_IPIP, 6, 4, IPPROTO_UDP },
	{}
};

/* --- loading ------------------------------------------------------------------------- */

int lb_new_ring(__u32 size)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "ring", 4, 4, size, NULL);
}

void *lb_map_mem(const struct bpf_map *map)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *mem;

	len = (len + page - 1) / page * page;
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return mem == MAP_FAILED ? NULL : mem;
}

static bool lb_map_all(void)
{
	lb_maps.config = lb_map_mem(lb_skel->maps.lb_config);
	lb_maps.filter = lb_map_mem(lb_skel->maps.lb_filter);
	lb_maps.backends = lb_map_mem(lb_skel->maps.lb_backends);
	lb_maps.buckets = lb_map_mem(lb_skel->maps.lb_buckets);
	lb_maps.reverse = lb_map_mem(lb_skel->maps.lb_reverse);
	return lb_maps.config && lb_maps.filter && lb_maps.backends && lb_maps.buckets &&
	       lb_maps.reverse;
}

static int lb_make_rings(void)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 keys[LB_TEST_VIPS], n = LB_TEST_VIPS, i;

	for (i = 0; i < LB_TEST_VIPS; i++) {
		keys[i] = i;
		lb_rings[i] = lb_new_ring(lb_ring_size);
		if (lb_rings[i] < 0)
			return -1;
	}
	return bpf_map_update_batch(bpf_map__fd(lb_skel->maps.lb_rings), keys, lb_rings, &n, &opts);
}

/* Returns 0, or -1. */
static int lb_load(__u32 connections, __u32 ring_size, __u32 tick_shift)
{
	int ring;

	lb_slots = LB_BUCKETS(connections) * LB_BUCKET_LINES;
	lb_ring_size = ring_size;
	lb_skel = xdp_lb_kern__open();
	if (!lb_skel)
		return -1;
	lb_skel->rodata->lb_n_buckets = LB_BUCKETS(connections);
	lb_skel->rodata->lb_tick_shift = tick_shift;
	lb_skel->rodata->lb_flow_limit = LB_TEST_FLOW_LIMIT;
	lb_skel->rodata->lb_icmp_limit = LB_TEST_ICMP_LIMIT;
	memcpy((void *)lb_skel->rodata->lb_timeouts, lb_test_timeouts,
	       sizeof(lb_test_timeouts));
	ring = lb_new_ring(ring_size);
	if (bpf_map__set_max_entries(lb_skel->maps.lb_buckets, LB_BUCKETS(connections)) ||
	    bpf_map__set_inner_map_fd(lb_skel->maps.lb_rings, ring) ||
	    xdp_lb_kern__load(lb_skel) || !lb_map_all() || lb_make_rings())
		return -1;
	close(ring);
	return 0;
}

void lb_load_or_exit(__u32 connections, __u32 ring_size, __u32 tick_shift)
{
	cpu_set_t cpu;

	/* Stay on one CPU: the program counts its rate limits per CPU. */
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	if (!test_lacks(SAMPLE_NEED_LOAD) && lb_load(connections, ring_size, tick_shift))
		ksft_exit_fail_msg("xdp_lb does not load\n");
}

/* --- emptying ------------------------------------------------------------------------ */

static void lb_clear_map(const struct bpf_map *map)
{
	__u8 key[64];

	while (!bpf_map__get_next_key(map, NULL, key, bpf_map__key_size(map)))
		bpf_map__delete_elem(map, key, bpf_map__key_size(map), 0);
}

static void lb_zero_percpu(const struct bpf_map *map, __u32 n)
{
	int cpus = libbpf_num_possible_cpus();
	size_t size = (size_t)cpus * ((bpf_map__value_size(map) + 7) / 8 * 8);
	void *zero = calloc(1, size);
	__u32 i;

	for (i = 0; i < n; i++)
		bpf_map__update_elem(map, &i, sizeof(i), zero, size, 0);
	free(zero);
}

void lb_empty_flows(void)
{
	memset(lb_maps.reverse, 0, sizeof(struct lb_port_line) * LB_REVERSE_SIZE);
	memset(lb_maps.buckets, 0, sizeof(struct lb_bucket) * (lb_slots / LB_BUCKET_LINES));
}

void lb_empty(void)
{
	lb_empty_flows();
	memset(lb_maps.config, 0, sizeof(*lb_maps.config));
	memset(lb_maps.filter, 0, sizeof(*lb_maps.filter));
	memset(lb_maps.backends, 0, sizeof(struct lb_backend) * LB_TEST_BACKENDS);
	lb_clear_map(lb_skel->maps.lb_vips);
	lb_clear_map(lb_skel->maps.lb_dnat);
	lb_clear_map(lb_skel->maps.lb_frags);
	lb_zero_percpu(lb_skel->maps.lb_stats, LB_TEST_BACKENDS);
	lb_zero_percpu(lb_skel->maps.lb_reasons, __LB_REASON_MAX);
	lb_zero_percpu(lb_skel->maps.lb_rates, 1);
}

/* --- the fixture --------------------------------------------------------------------- */

/* --- counters ------------------------------------------------------------------------- */

void lb_read_reasons(LB_ARGS, __u64 *reasons)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	int cpu, cpus = libbpf_num_possible_cpus();
	__u64 values[__LB_REASON_MAX * cpus];
	__u32 keys[__LB_REASON_MAX], next, n = __LB_REASON_MAX, i;
	int err;

	err = bpf_map_lookup_batch(bpf_map__fd(lb_skel->maps.lb_reasons), NULL, &next, keys,
				   values, &n, &opts);
	ASSERT_TRUE(!err || errno == ENOENT);
	ASSERT_EQ(__LB_REASON_MAX, n);
	for (i = 0; i < n; i++)
		for (reasons[keys[i]] = 0, cpu = 0; cpu < cpus; cpu++)
			reasons[keys[i]] += values[i * cpus + cpu];
}

void lb_read_stats(LB_ARGS, struct lb_backend_stats *stats)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	int cpu, cpus = libbpf_num_possible_cpus();
	struct lb_backend_stats values[LB_TEST_BACKENDS * cpus];
	__u32 keys[LB_TEST_BACKENDS], next, n = self->n_backends + 1, i, word;
	int err;

	memset(stats, 0, sizeof(*stats) * LB_TEST_BACKENDS);
	err = bpf_map_lookup_batch(bpf_map__fd(lb_skel->maps.lb_stats), NULL, &next, keys,
				   values, &n, &opts);
	ASSERT_TRUE(!err || errno == ENOENT);
	for (i = 0; i < n; i++)
		for (cpu = 0; cpu < cpus; cpu++)
			for (word = 0; word < sizeof(*stats) / 8; word++)
				((__u64 *)&stats[keys[i]])[word] +=
					((__u64 *)&values[i * cpus + cpu])[word];
}

/* --- tables --------------------------------------------------------------------------- */

struct lb_addr lb_test_addr(const char *text)
{
	struct lb_addr addr = {};

	if (inet_pton(AF_INET6, text, &addr) != 1) {
		addr.a[2] = htonl(0xffff);
		inet_pton(AF_INET, text, &addr.a[3]);
	}
	return addr;
}

struct lb_addr lb_addr_n(const char *text, __u32 n)
{
	struct lb_addr addr = lb_test_addr(text);

	addr.a[3] = htonl(ntohl(addr.a[3]) + n);
	return addr;
}

struct lb_addr lb_client(int family, __u32 n)
{
	return lb_addr_n(family == 4 ? "198.51.100.1" : "2001:db8:c::1", n);
}

struct lb_addr lb_snat(int family, __u32 n)
{
	return lb_addr_n(family == 4 ? "10.0.0.240" : "2001:db8:5::f0", n);
}

struct lb_addr lb_test_vip(int family, __u32 n)
{
	return lb_addr_n(family == 4 ? "192.0.2.10" : "2001:db8:1::10", n);
}

void lb_add_filter(struct _test_data_lb *self, const struct lb_addr *addr)
{
	lb_filter_add(self->maps.filter, addr);
}

void lb_add_snat(struct _test_data_lb *self, struct lb_addr addr, __u16 min, __u16 max)
{
	struct lb_kern_conf *conf = self->maps.config;

	conf->snat[conf->n_snat].addr = addr;
	conf->snat[conf->n_snat].min = min;
	conf->snat[conf->n_snat++].max = max;
	lb_add_filter(self, &addr);
}

void lb_add_snats(struct _test_data_lb *self)
{
	lb_add_snat(self, lb_snat(4, 0), LB_TEST_PORT_MIN, LB_TEST_PORT_MAX);
	lb_add_snat(self, lb_snat(6, 0), LB_TEST_PORT_MIN, LB_TEST_PORT_MAX);
}

/* Add a backend on a host of its own; returns its index. */
static __u32 lb_add_backend(struct _test_data_lb *self, int family, __u16 port, __u16 vip)
{
	__u32 i = self->n_backends++;
	struct lb_backend *backend = &self->maps.backends[i];

	*backend = (struct lb_backend){
		.addr = lb_addr_n(family == 4 ? "10.0.0.11" : "2001:db8:b::11", i),
		.tunnel_src = lb_test_addr(family == 4 ? "10.0.0.1" : "2001:db8:b::1"),
		.ifindex = i % 2 ? LB_TEST_OUT : LB_TEST_IN,
		.port = htons(port),
		.gen = 100 + i,
		.mtu = LB_TEST_MTU,
		.state = LB_BACKEND_UP,
		.dmac = { 0x02, 0xbb, 0, 0, 0, i },
		.vip = vip,
	};
	memcpy(backend->smac, i % 2 ? lb_mac_out : lb_mac_in, ETH_ALEN);
	return i;
}

void lb_fill_ring(LB_ARGS, int ring, __u32 first, __u32 n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 *keys = calloc(2 * lb_ring_size, sizeof(*keys)), i, count = lb_ring_size;

	for (i = 0; i < lb_ring_size; i++) {
		keys[i] = i;
		keys[lb_ring_size + i] = n ? first + i % n : LB_NO_BACKEND;
	}
	ASSERT_EQ(0, bpf_map_update_batch(ring, keys, keys + lb_ring_size, &count, &opts));
	free(keys);
}

void lb_set_ring(LB_ARGS, __u32 vip, __u32 first, __u32 n)
{
	ASSERT_GT(LB_TEST_VIPS, vip);
	lb_fill_ring(_metadata, self, lb_rings[vip], first, n);
}

void lb_replace_ring(LB_ARGS, __u32 vip, int ring)
{
	ASSERT_EQ(0, bpf_map__update_elem(lb_skel->maps.lb_rings, &vip, sizeof(vip), &ring,
					  sizeof(ring), 0));
}

void lb_put_vip(LB_ARGS, const struct lb_vip_key *key, __u16 id, __u8 forward)
{
	struct lb_vip vip = { .id = id, .forward = forward };

	ASSERT_EQ(0, bpf_map__update_elem(lb_skel->maps.lb_vips, key, sizeof(*key), &vip,
					  sizeof(vip), BPF_ANY));
}

static void lb_put_dnat(LB_ARGS, const struct service *vip)
{
	__u32 i;

	self->maps.config->has_dnat = 1;
	for (i = vip->first; i < vip->first + vip->n; i++) {
		const struct lb_backend *backend = &self->maps.backends[i];
		struct lb_vip_key from = {
			.addr = backend->addr,
			.port = backend->port,
			.proto = vip->key.proto,
		};

		ASSERT_EQ(0, bpf_map__update_elem(lb_skel->maps.lb_dnat, &from, sizeof(from),
						  &vip->key, sizeof(vip->key), BPF_ANY));
		lb_add_filter(self, &backend->addr);
	}
}

struct service lb_add_service(LB_ARGS, struct kind kind, __u16 port, __u16 to, __u32 n)
{
	struct service vip = {
		.id = self->n_vips,
		.forward = kind.forward,
		.family = kind.family,
		.first = self->n_backends,
		.n = n,
	};
	struct lb_vip_key marker;

	vip.key.addr = lb_test_vip(kind.family, self->n_vips++);
	vip.key.port = htons(port);
	vip.key.proto = kind.proto;
	while (n--)
		lb_add_backend(self, kind.behind, to, vip.id);
	lb_put_vip(_metadata, self, &vip.key, vip.id, vip.forward);
	marker = vip.key;
	marker.port = 0;
	marker.marker = 1;
	lb_put_vip(_metadata, self, &marker, vip.id, vip.forward);
	lb_add_filter(self, &vip.key.addr);
	lb_set_ring(_metadata, self, vip.id, vip.first, vip.n);
	if (vip.forward == LB_DNAT)
		lb_put_dnat(_metadata, self, &vip);
	return vip;
}

struct service lb_add(LB_ARGS, struct kind kind, __u32 n)
{
	return lb_add_service(_metadata, self, kind, 80, lb_translates(kind.forward) ? 8080 : 0, n);
}

struct service lb_add_first(LB_ARGS, struct kind kind, __u32 n)
{
	struct service vip = lb_add(_metadata, self, kind, n);

	lb_set_ring(_metadata, self, vip.id, vip.first, 1);
	return vip;
}
