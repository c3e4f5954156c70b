// SPDX-License-Identifier: GPL-2.0
/*
 * Put paths of packets together from events.
 *
 * All hooks write to one ring buffer, so events arrive in the order in which they happened, and
 * each packet meets the hooks in the order of enum network_hook. An event belongs to the oldest
 * open path with the same key that has not yet met this hook or a later one. If there is no such
 * path, the event begins a new path.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include "parts/network/path.h"

#define BIT(n) (1U << (n))

/* The hooks that a packet meets after this one, a bit for each. */
static __u8 behind(__u8 hook)
{
	return (BIT(__NETWORK_HOOK_MAX) - 1) & ~(BIT(hook + 1) - 1);
}

static __u8 last_met(const struct network_path *path)
{
	__u8 hook = __NETWORK_HOOK_MAX - 1;

	while (hook && !(path->met & BIT(hook)))
		hook--;
	return hook;
}

/**
 * network_path_unmet() - hooks that have not met the packet, but should
 * @path: path of the packet
 *
 * Return: attached hooks that come after the last one in @path, as bits 1 << enum network_hook.
 */
__u8 network_path_unmet(const struct network_path *path)
{
	return path->expected & behind(last_met(path));
}

static __u8 maybe_unmet(const struct network_path *path)
{
	return path->maybe & behind(last_met(path));
}

/* --- open paths: in a list by age, and in a hash table by flow -------------- */

static __u64 mix(__u64 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/*
 * The hash covers only the flow, not sequence numbers or the IP identification: all packets that
 * GRO may merge into one are in the same bucket.
 */
static struct network_path **bucket(struct network_paths *paths, const struct network_key *key)
{
	__u64 hash = mix(0, (__u32)key->ethertype << 16 | key->proto);
	unsigned int i;

	for (i = 0; i < 4; i++)
		hash = mix(mix(hash, (__u32)key->saddr[i]), (__u32)key->daddr[i]);
	hash = mix(hash, (__u32)key->sport << 16 | key->dport);
	return &paths->buckets[(hash >> 32) % NETWORK_PATHS_BUCKETS];
}

static void unlink_path(struct network_paths *paths, struct network_path *path)
{
	struct network_path **at = bucket(paths, &path->pkt.key);

	while (*at != path)
		at = &(*at)->chain;
	*at = path->chain;
	if (path->newer)
		path->newer->older = path->older;
	else
		paths->newest = path->older;
	if (path->older)
		path->older->newer = path->newer;
	else
		paths->oldest = path->newer;
}

static void finish(struct network_paths *paths, struct network_path *path, enum network_end end)
{
	unlink_path(paths, path);
	path->end = end;
	paths->done(paths->ctx, path);
	path->chain = paths->unused;
	paths->unused = path;
}

/* End a path that will get no more events, although hooks in path->expected or ->maybe are left. */
static void give_up(struct network_paths *paths, struct network_path *path, bool lost)
{
	if (!network_path_unmet(path))
		finish(paths, path, NETWORK_END_STACK);
	else
		finish(paths, path, lost ? NETWORK_END_UNKNOWN : NETWORK_END_UNSEEN);
}

/* Set which of the attached hooks must meet a packet whose path begins now, and which may. */
static void set_expected(const struct network_paths *paths, struct network_path *path)
{
	int hook;

	for (hook = 0; hook < __NETWORK_HOOK_MAX; hook++) {
		if (!(paths->hooks & BIT(hook)) || path->ts_ns < paths->on_begin[hook])
			continue;
		if (path->ts_ns < paths->on_end[hook])
			path->maybe |= BIT(hook);
		else
			path->expected |= BIT(hook);
	}
}

static struct network_path *start(struct network_paths *paths, const struct network_packet *pkt,
				  const struct network_event *ev)
{
	struct network_path *path, **at;

	if (!paths->unused)
		give_up(paths, paths->oldest, true);
	path = paths->unused;
	paths->unused = path->chain;

	memset(path, 0, sizeof(*path));
	path->pkt = *pkt;
	path->ts_ns = ev->ts_ns;
	path->ifindex = ev->ifindex;
	path->len = ev->len;
	set_expected(paths, path);

	path->older = paths->newest;
	if (path->older)
		path->older->newer = path;
	else
		paths->oldest = path;
	paths->newest = path;
	at = bucket(paths, &pkt->key);
	while (*at)
		at = &(*at)->chain;
	*at = path;
	return path;
}

/* --- events ---------------------------------------------------------------- */

static struct network_path *find(struct network_paths *paths, const struct network_key *key,
				 const struct network_event *ev)
{
	__u8 from = BIT(ev->hook) | behind(ev->hook);
	struct network_path *path;

	for (path = *bucket(paths, key); path; path = path->chain) {
		if (path->ifindex == ev->ifindex && !(path->met & from) &&
		    !memcmp(&path->pkt.key, key, sizeof(*key)))
			return path;
	}
	return NULL;
}

static bool same_flow(const struct network_key *a, const struct network_key *b)
{
	return a->family == b->family && a->proto == b->proto && a->sport == b->sport &&
	       a->dport == b->dport && !memcmp(a->saddr, b->saddr, sizeof(a->saddr)) &&
	       !memcmp(a->daddr, b->daddr, sizeof(a->daddr));
}

/*
 * Between native XDP and the hooks that see an skb, GRO may merge TCP segments of a connection
 * into one packet, with the headers of the first segment and the payload of all. So if a packet
 * has more payload than at XDP, end the paths of the segments whose sequence numbers lie in it.
 */
static void end_merged(struct network_paths *paths, const struct network_path *into, __u32 payload)
{
	struct network_path *path, *next;

	for (path = *bucket(paths, &into->pkt.key); path; path = next) {
		__u32 offset = path->pkt.key.seq - into->pkt.key.seq;

		next = path->chain;
		if (path != into && path->met == BIT(NETWORK_XDP) && path->pkt.payload &&
		    path->ifindex == into->ifindex &&
		    same_flow(&path->pkt.key, &into->pkt.key) &&
		    offset >= into->pkt.payload && offset < payload)
			finish(paths, path, NETWORK_END_MERGED);
	}
}

static void end_by_verdict(struct network_paths *paths, struct network_path *path, __u8 verdict)
{
	if (verdict == NETWORK_DROP)
		finish(paths, path, NETWORK_END_DROPPED);
	else if (verdict == NETWORK_ANSWER)
		finish(paths, path, NETWORK_END_ANSWERED);
	else if (!network_path_unmet(path) && !maybe_unmet(path))
		finish(paths, path, NETWORK_END_STACK);
}

/**
 * network_paths_event() - handle an event: a hook has met a packet
 * @paths: open paths
 * @ev: event from the ring buffer
 */
void network_paths_event(struct network_paths *paths, const struct network_event *ev)
{
	struct network_path *path;
	struct network_packet pkt;

	if (ev->hook >= __NETWORK_HOOK_MAX || ev->n_headers > NETWORK_HEADERS)
		return;
	network_packet_read(&pkt, ev);
	path = find(paths, &pkt.key, ev);
	if (!path)
		path = start(paths, &pkt, ev);
	else if (path->met == BIT(NETWORK_XDP) && pkt.key.proto == IPPROTO_TCP &&
		 pkt.payload > path->pkt.payload)
		end_merged(paths, path, pkt.payload);
	path->met |= BIT(ev->hook);
	path->verdict[ev->hook] = ev->verdict;
	end_by_verdict(paths, path, ev->verdict);
}

/**
 * network_paths_expire() - end the paths that began before a point of time
 * @paths: open paths
 * @before_ns: the point of time, bpf_ktime_get_ns(); UINT64_MAX: end all paths
 * @lost: events were lost lately: paths with missing hooks end as unknown, not as unseen
 *
 * The caller has read all events up to some time after @before_ns, so a path that began before
 * it gets no more events.
 */
void network_paths_expire(struct network_paths *paths, __u64 before_ns, bool lost)
{
	while (paths->oldest && paths->oldest->ts_ns < before_ns)
		give_up(paths, paths->oldest, lost);
}

/* --- hooks ----------------------------------------------------------------- */

/**
 * network_paths_on() - a hook was attached
 * @paths: open paths
 * @hook: the hook
 * @begin_ns: time before attaching: packets that came earlier do not meet the hook
 * @end_ns: time after attaching: packets that came later meet the hook
 */
void network_paths_on(struct network_paths *paths, enum network_hook hook, __u64 begin_ns,
		      __u64 end_ns)
{
	paths->hooks |= BIT(hook);
	paths->on_begin[hook] = begin_ns;
	paths->on_end[hook] = end_ns;
}

/**
 * network_paths_off() - a hook was detached
 * @paths: open paths; those that waited only for this hook end
 * @hook: the hook; the caller has read all its events
 */
void network_paths_off(struct network_paths *paths, enum network_hook hook)
{
	struct network_path *path, *next;

	paths->hooks &= ~BIT(hook);
	for (path = paths->oldest; path; path = next) {
		next = path->newer;
		path->expected &= ~BIT(hook);
		path->maybe &= ~BIT(hook);
		if (!network_path_unmet(path) && !maybe_unmet(path))
			finish(paths, path, NETWORK_END_STACK);
	}
}

/**
 * network_paths_init() - start with no paths and no hooks
 * @paths: filled
 * @done: called for each path that ends
 * @ctx: argument for @done
 *
 * Return: 0 or -ENOMEM.
 */
int network_paths_init(struct network_paths *paths, network_path_fn done, void *ctx)
{
	unsigned int i;

	memset(paths, 0, sizeof(*paths));
	paths->done = done;
	paths->ctx = ctx;
	paths->pool = calloc(NETWORK_PATHS_MAX, sizeof(*paths->pool));
	if (!paths->pool)
		return -ENOMEM;
	for (i = 0; i < NETWORK_PATHS_MAX; i++) {
		paths->pool[i].chain = paths->unused;
		paths->unused = &paths->pool[i];
	}
	return 0;
}

/**
 * network_paths_free() - free all paths, without calling @done for the open ones
 * @paths: open paths
 */
void network_paths_free(struct network_paths *paths)
{
	free(paths->pool);
	paths->pool = NULL;
	paths->oldest = NULL;
	paths->newest = NULL;
}
