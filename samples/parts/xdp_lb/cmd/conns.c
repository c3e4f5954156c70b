// SPDX-License-Identifier: GPL-2.0
/*
 * conns and ring: which backend a connection has, and which backend a new one would
 * get.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "addr4.h"
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/bpf/hash.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	/* A ring that changes each time it is read is not shown. */
	READ_TRIES = 8,
	OUT_BUFFER = 64 * 1024,
};

static const char *proto_name(unsigned int proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

/* --- conns ------------------------------------------------------------------------------ */

/* Backends of the command line are named by their address: do not print it twice. */
static void print_backend(const struct lb_backend_info *info, const struct lb_backend *backend,
			  __be16 vport)
{
	char buf[SAMPLE_ENDPOINT_LEN];

	sample_endpoint(backend->addr.a, backend->port ?: vport, buf);
	if (strcmp(buf, info->name))
		printf("%s ", info->name);
	printf("%s", buf);
}

static void conn_text(const struct lb_state *state, const struct lb_flow *flow,
		      __u8 flow_state, __u64 idle_ms)
{
	const struct lb_ports *snat = &state->conf->snat[flow->snat % LB_SNAT_MAX];
	char client[SAMPLE_ENDPOINT_LEN], to[SAMPLE_ENDPOINT_LEN];
	const struct lb_key *key = &flow->key;
	int i = lb_flow_backend(state, flow);

	printf("%s %s -> %s -> ", proto_name(key->proto),
	       sample_endpoint(key->client.a, key->cport, client),
	       sample_endpoint(key->vip.a, key->vport, to));
	if (i < 0)
		printf("(gone)");
	else
		print_backend(&state->backend_infos[i], &state->backends[i], key->vport);
	if (flow->forward == LB_NAT)
		printf(" through %s", sample_endpoint(snat->addr.a, flow->sport, to));
	printf(": %s, idle %llu s\n", lb_flow_state_name(flow_state), idle_ms / 1000);
}

static void conn_json(const struct lb_state *state, const struct lb_flow *flow,
		      __u8 flow_state, __u64 idle_ms)
{
	const struct lb_ports *snat = &state->conf->snat[flow->snat % LB_SNAT_MAX];
	const struct lb_key *key = &flow->key;
	int i = lb_flow_backend(state, flow);
	char buf[INET6_ADDRSTRLEN];
	json_writer_t *json;

	json = sample_json_begin("connection");
	jsonw_string_field(json, "protocol", proto_name(key->proto));
	jsonw_string_field(json, "client", sample_addr(key->client.a, buf));
	jsonw_uint_field(json, "client_port", ntohs(key->cport));
	jsonw_string_field(json, "address", sample_addr(key->vip.a, buf));
	jsonw_uint_field(json, "port", ntohs(key->vport));
	jsonw_string_field(json, "forward", lb_forward_name(flow->forward));
	if (i >= 0) {
		const struct lb_backend *backend = &state->backends[i];

		jsonw_string_field(json, "vip", state->vip_infos[backend->vip].name);
		jsonw_string_field(json, "backend", state->backend_infos[i].name);
		jsonw_string_field(json, "backend_address", sample_addr(backend->addr.a, buf));
		jsonw_uint_field(json, "backend_port", ntohs(backend->port ?: key->vport));
	}
	if (flow->forward == LB_NAT) {
		jsonw_string_field(json, "snat", sample_addr(snat->addr.a, buf));
		jsonw_uint_field(json, "snat_port", ntohs(flow->sport));
	}
	jsonw_string_field(json, "state", lb_flow_state_name(flow_state));
	jsonw_uint_field(json, "idle_ms", idle_ms);
	sample_json_end(json);
}

/* True if a connection is of this service. If its backend is gone, the address decides. */
static bool is_of_vip(const struct lb_state *state, const struct lb_flow *flow, int vip)
{
	const struct lb_vip_key *key = &state->vip_infos[vip].key;
	int i = lb_flow_backend(state, flow);

	if (i >= 0)
		return state->backends[i].vip == vip;
	return key->proto == flow->key.proto && (!key->port || key->port == flow->key.vport) &&
	       !memcmp(&key->addr, &flow->key.vip, sizeof(key->addr));
}

static bool is_wanted(__u64 word)
{
	return !lb_options.flow_state || LB_WORD_STATE(word) == lb_options.flow_state;
}

/**
 * lb_conns() - xdp_lb conns [VIP]: a line for each connection
 * @state: the instance
 * @words: what follows the command
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_conns(struct lb_state *state, char **words)
{
	int vip = words[0] ? lb_find_vip(state, words[0]) : -1;
	struct lb_clock clock;
	struct lb_flow flow;
	__u64 word, idle_ms;
	__u32 slot;
	int err;

	if (words[0] && vip < 0)
		return vip;
	err = lb_read_clock(state, &clock);
	if (err)
		return err;
	setvbuf(stdout, NULL, _IOFBF, OUT_BUFFER);
	for (slot = 0; slot < lb_end_of_slots(state) && !ferror(stdout); slot++) {
		if (!lb_read_flow(state, slot, &flow, &word) || lb_flow_is_over(&clock, word) ||
		    !is_wanted(word) || (vip >= 0 && !is_of_vip(state, &flow, vip)))
			continue;
		idle_ms = (__u64)lb_flow_idle(&clock, word) * clock.tick_us / 1000;
		if (sample.json)
			conn_json(state, &flow, LB_WORD_STATE(word), idle_ms);
		else
			conn_text(state, &flow, LB_WORD_STATE(word), idle_ms);
	}
	return 0;
}

/* --- ring ------------------------------------------------------------------------------- */

/**
 * struct ring - the ring of a service
 * @state: the instance
 * @vip: number of the service
 * @size: slots
 * @slots: the backend of each slot
 * @digest: lb_ring_digest()
 * @counts: number of slots of each backend
 * @n_none: number of slots without a backend
 */
struct ring {
	const struct lb_state *state;
	int vip;
	__u32 size;
	__u32 *slots;
	__u64 digest;
	__u32 counts[LB_BACKENDS_MAX];
	__u32 n_none;
};

/* List all backends of the service: those that are not in the ring do not change the digest. */
static unsigned int get_members(const struct ring *ring, struct lb_ring_member *members)
{
	const struct lb_backend *backends = ring->state->backends;
	unsigned int i, n = 0;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (backends[i].state == LB_BACKEND_UNUSED || backends[i].vip != ring->vip)
			continue;
		members[n].addr = backends[i].addr;
		members[n].port = backends[i].port;
		members[n].backend = i;
		n++;
	}
	return n;
}

/*
 * Read the ring, and the backends that its slots mean. This takes no lock, because the lock is
 * held for long while a large configuration is applied. A backend gives up its index only
 * after the ring has changed: if the ring is the same before and after, so are the backends.
 */
static int read_both(struct ring *ring, struct lb_ring_member *members, __u32 *again)
{
	size_t bytes = ring->size * sizeof(*again);
	unsigned int n, try;
	int err = 0;

	for (try = 0; try < READ_TRIES && !err; try++) {
		err = lb_read_ring(ring->state, ring->vip, ring->slots);
		n = get_members(ring, members);
		if (!err)
			err = lb_read_ring(ring->state, ring->vip, again);
		if (err || memcmp(ring->slots, again, bytes))
			continue;
		ring->digest = lb_ring_digest(members, n, ring->slots, ring->size);
		return 0;
	}
	return err ?: -EAGAIN;
}

static int read_ring(struct ring *ring)
{
	struct lb_ring_member *members = calloc(LB_BACKENDS_MAX, sizeof(*members));
	__u32 *again = calloc(ring->size, sizeof(*again));
	int err = -ENOMEM;
	__u32 i;

	if (members && again && ring->slots)
		err = read_both(ring, members, again);
	free(members);
	free(again);
	if (err && !sample_refused(err, SAMPLE_NEED_ADMIN, "read the ring of %s",
				   ring->state->vip_infos[ring->vip].name))
		pr_err("failed to read the ring of %s: %s",
		       ring->state->vip_infos[ring->vip].name, strerror(-err));
	for (i = 0; !err && i < ring->size; i++) {
		if (ring->slots[i] < LB_BACKENDS_MAX)
			ring->counts[ring->slots[i]]++;
		else
			ring->n_none++;
	}
	return err;
}

static json_writer_t *ring_json_begin(const struct ring *ring, const char *event)
{
	json_writer_t *json = sample_json_begin(event);

	jsonw_string_field(json, "vip", ring->state->vip_infos[ring->vip].name);
	return json;
}

static void digest_json(json_writer_t *json, const struct ring *ring)
{
	char hex[17];

	snprintf(hex, sizeof(hex), "%016llx", ring->digest);
	jsonw_string_field(json, "digest", hex);
}

static void show_digest(const struct ring *ring)
{
	json_writer_t *json;

	if (!sample.json) {
		printf("%016llx\n", ring->digest);
		return;
	}
	json = ring_json_begin(ring, "digest");
	digest_json(json, ring);
	sample_json_end(json);
}

static void share_json(json_writer_t *json, const struct ring *ring, unsigned int i)
{
	const struct lb_backend *backend = &ring->state->backends[i];
	char buf[INET6_ADDRSTRLEN];

	jsonw_start_object(json);
	jsonw_string_field(json, "name", ring->state->backend_infos[i].name);
	jsonw_string_field(json, "address", sample_addr(backend->addr.a, buf));
	jsonw_uint_field(json, "port", ntohs(backend->port));
	jsonw_uint_field(json, "weight", ring->state->backend_infos[i].weight);
	jsonw_uint_field(json, "slots", ring->counts[i]);
	jsonw_float_field_fmt(json, "share", "%.6f", (double)ring->counts[i] / ring->size);
	jsonw_end_object(json);
}

static void share_text(const struct ring *ring, const char *name, const char *address,
		       __u32 slots)
{
	printf("  %-20s %-28s %9u slots %7.3f %%\n", name, address, slots,
	       100.0 * slots / ring->size);
}

static void show_shares(const struct ring *ring)
{
	const struct lb_state *state = ring->state;
	char buf[SAMPLE_ENDPOINT_LEN];
	json_writer_t *json = NULL;
	unsigned int i;

	if (sample.json) {
		json = ring_json_begin(ring, "ring");
		jsonw_uint_field(json, "size", ring->size);
		digest_json(json, ring);
		jsonw_name(json, "backends");
		jsonw_start_array(json);
	} else {
		printf("%s: %u slots, digest %016llx\n", state->vip_infos[ring->vip].name,
		       ring->size, ring->digest);
	}
	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (state->backends[i].state == LB_BACKEND_UNUSED ||
		    state->backends[i].vip != ring->vip)
			continue;
		if (json)
			share_json(json, ring, i);
		else
			share_text(ring, state->backend_infos[i].name,
				   sample_endpoint(state->backends[i].addr.a,
						   state->backends[i].port, buf),
				   ring->counts[i]);
	}
	if (!json && ring->n_none)
		share_text(ring, "(none)", "", ring->n_none);
	if (!json)
		return;
	jsonw_end_array(json);
	jsonw_uint_field(json, "none", ring->n_none);
	sample_json_end(json);
}

/* Read --who: the address and port of a client of this service. */
static int parse_who(const struct lb_state *state, int vip, struct lb_key *key)
{
	const struct lb_vip_info *info = &state->vip_infos[vip];
	bool is4 = addr_is4(info->key.addr.a);
	__u16 port;

	memset(key, 0, sizeof(*key));
	if (lb_parse_endpoint(lb_options.who, &key->client, &port) || !port) {
		pr_err("bad argument %s for --who: not ADDRESS:PORT of a client",
		       lb_options.who);
		pr_hint("--who 192.0.2.1:40000, --who [2001:db8::1]:40000");
		return -EINVAL;
	}
	if (addr_is4(key->client.a) != is4) {
		pr_err("bad argument %s for --who: clients of %s have IPv%d addresses",
		       lb_options.who, info->name, is4 ? 4 : 6);
		pr_hint("--who %s", is4 ? "192.0.2.1:40000" : "[2001:db8::1]:40000");
		return -EINVAL;
	}
	if (!info->key.port) {
		pr_err("--who is not for %s, which has any port: who gets a client depends on the port that it asks for",
		       info->name);
		pr_hint("%s ring %s tells the shares", sample_called(), info->name);
		return -EINVAL;
	}
	key->cport = htons(port);
	key->vip = info->key.addr;
	key->vport = info->key.port;
	key->proto = info->key.proto;
	return 0;
}

static int show_who(const struct ring *ring)
{
	const struct lb_state *state = ring->state;
	char buf[SAMPLE_ENDPOINT_LEN];
	const struct lb_backend *backend;
	struct lb_key key;
	json_writer_t *json;
	__u64 hash;
	__u32 i;
	int err;

	err = parse_who(state, ring->vip, &key);
	if (err)
		return err;
	hash = lb_hash(&key, addr_is4(key.vip.a), state->conf->seed);
	i = ring->slots[lb_ring_slot(hash, ring->size)];
	if (i >= LB_BACKENDS_MAX) {
		pr_err("%s gets no backend: none of %s takes new connections", lb_options.who,
		       state->vip_infos[ring->vip].name);
		pr_hint("%s backend list %s", sample_called(),
			state->vip_infos[ring->vip].name);
		return -ENOENT;
	}
	backend = &state->backends[i];
	if (!sample.json) {
		printf("%s %s\n", state->backend_infos[i].name,
		       sample_endpoint(backend->addr.a, backend->port, buf));
		return 0;
	}
	json = ring_json_begin(ring, "who");
	jsonw_string_field(json, "client", sample_addr(key.client.a, buf));
	jsonw_uint_field(json, "client_port", ntohs(key.cport));
	jsonw_string_field(json, "backend", state->backend_infos[i].name);
	jsonw_string_field(json, "address", sample_addr(backend->addr.a, buf));
	jsonw_uint_field(json, "port", ntohs(backend->port));
	sample_json_end(json);
	return 0;
}

/**
 * lb_ring_command() - xdp_lb ring VIP [--digest|--who ADDR:PORT]
 * @state: the instance
 * @words: what follows the command
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_ring_command(struct lb_state *state, char **words)
{
	struct ring ring = { .state = state, .size = state->conf->table_size };
	int err;

	if (!words[0] || (lb_options.digest && lb_options.who)) {
		pr_err("%s", words[0] ? "--digest and --who exclude each other" :
		       "the ring of which service?");
		pr_hint("%s ring VIP; services: %s vip list --name %s", sample_called(),
			sample_called(), state->name);
		return -EINVAL;
	}
	ring.vip = lb_find_vip(state, words[0]);
	if (ring.vip < 0)
		return ring.vip;
	ring.slots = calloc(ring.size, sizeof(*ring.slots));
	err = read_ring(&ring);
	if (!err && lb_options.who)
		err = show_who(&ring);
	else if (!err && lb_options.digest)
		show_digest(&ring);
	else if (!err)
		show_shares(&ring);
	free(ring.slots);
	return err;
}
