// SPDX-License-Identifier: GPL-2.0
/* Print paths, the state of the switches, and sums, as text or JSON. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_ether.h>
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/format.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/stats.h"
#include "lib/util.h"
#include "parts/network/user.h"
#include "network.skel.h"

enum {
	TEXT_LEN = 160,
	MAC_LEN = 18,
	/* Room for the names of all eight TCP flags. */
	FLAGS_LEN = 40,
};

static const char * const verdicts[__NETWORK_VERDICT_MAX] = {
	[NETWORK_PASS] = "pass",
	[NETWORK_DROP] = "drop",
	[NETWORK_ANSWER] = "answer",
	[NETWORK_COPY] = "copy",
};

static const char * const ends[__NETWORK_END_MAX] = {
	[NETWORK_END_STACK] = "stack",
	[NETWORK_END_DROPPED] = "dropped",
	[NETWORK_END_ANSWERED] = "answered",
	[NETWORK_END_MERGED] = "merged",
	[NETWORK_END_UNSEEN] = "unseen",
	[NETWORK_END_UNKNOWN] = "unknown",
};

static const char * const ends_text[__NETWORK_END_MAX] = {
	[NETWORK_END_STACK] = "to the stack",
	[NETWORK_END_DROPPED] = "dropped",
	[NETWORK_END_ANSWERED] = "answered",
	[NETWORK_END_MERGED] = "merged by GRO",
	[NETWORK_END_UNSEEN] = "not seen again",
	[NETWORK_END_UNKNOWN] = "unknown",
};

/* --- packets --------------------------------------------------------------- */

static bool has_ports(const struct network_packet *pkt)
{
	return pkt->has_l4 && (pkt->key.proto == IPPROTO_TCP || pkt->key.proto == IPPROTO_UDP);
}

static bool is_icmp(const struct network_packet *pkt)
{
	return (pkt->key.family == 4 && pkt->key.proto == IPPROTO_ICMP) ||
	       (pkt->key.family == 6 && pkt->key.proto == IPPROTO_ICMPV6);
}

static bool is_arp(const struct network_packet *pkt)
{
	return pkt->key.ethertype == ETH_P_ARP && pkt->has_l4;
}

static const char *icmp_name(const struct network_key *key)
{
	if (key->family == 4) {
		switch (key->type) {
		case 0: return "echo reply";
		case 3: return "destination unreachable";
		case 5: return "redirect";
		case 8: return "echo request";
		case 11: return "time exceeded";
		}
		return NULL;
	}
	switch (key->type) {
	case 1: return "destination unreachable";
	case 2: return "packet too big";
	case 3: return "time exceeded";
	case 128: return "echo request";
	case 129: return "echo reply";
	case 133: return "router solicitation";
	case 134: return "router advertisement";
	case 135: return "neighbour solicitation";
	case 136: return "neighbour advertisement";
	}
	return NULL;
}

static bool is_echo(const struct network_key *key)
{
	if (key->family == 4)
		return key->type == 8 || key->type == 0;
	return key->type == 128 || key->type == 129;
}

/* Names of the flags that are set, "SYN ACK". */
static const char *tcp_flags(__u8 flags, char text[FLAGS_LEN])
{
	static const char * const names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR",
	};
	unsigned int i, n = 0;

	text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & 1 << i)
			n += snprintf(text + n, FLAGS_LEN - n, "%s%s", n ? " " : "", names[i]);
	}
	return text;
}

static const char *mac(const __be32 addr[4], char text[MAC_LEN])
{
	const __u8 *byte = (const void *)addr;

	snprintf(text, MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2],
		 byte[3], byte[4], byte[5]);
	return text;
}

static const char *address(const struct network_packet *pkt, const __be32 addr[4],
			   char text[INET6_ADDRSTRLEN])
{
	if (pkt->key.family || is_arp(pkt))
		return sample_addr(addr, text);
	return mac(addr, text);
}

static void print_ends(const struct network_packet *pkt)
{
	char src[SAMPLE_ENDPOINT_LEN], dst[SAMPLE_ENDPOINT_LEN];

	if (has_ports(pkt))
		printf("%s > %s: ", sample_endpoint(pkt->key.saddr, htons(pkt->key.sport), src),
		       sample_endpoint(pkt->key.daddr, htons(pkt->key.dport), dst));
	else
		printf("%s > %s: ", address(pkt, pkt->key.saddr, src),
		       address(pkt, pkt->key.daddr, dst));
}

static void print_icmp(const struct network_packet *pkt)
{
	const char *name = icmp_name(&pkt->key);

	printf("%s", pkt->key.family == 4 ? "ICMP" : "ICMPv6");
	if (!pkt->has_l4)
		return;
	if (name)
		printf(" %s", name);
	else
		printf(" type %u", pkt->key.type);
	if (is_echo(&pkt->key))
		printf(" id %u seq %u", pkt->key.sport, pkt->key.dport);
	else if (pkt->key.code)
		printf(" code %u", pkt->key.code);
}

static void print_transport(const struct network_packet *pkt)
{
	char flags[FLAGS_LEN];

	if (is_icmp(pkt)) {
		print_icmp(pkt);
	} else if (pkt->key.proto == IPPROTO_TCP) {
		printf("TCP");
		if (pkt->has_l4)
			printf(" %s seq %u, %u bytes", tcp_flags(pkt->tcp_flags, flags),
			       pkt->key.seq, pkt->payload);
	} else if (pkt->key.proto == IPPROTO_UDP) {
		printf("UDP");
		if (pkt->has_l4)
			printf(", %u bytes", pkt->payload);
	} else {
		printf("protocol %u, %u bytes", pkt->key.proto, pkt->payload);
	}
	if (pkt->frag)
		printf(", fragment");
}

static void print_packet(const struct network_packet *pkt)
{
	print_ends(pkt);
	if (pkt->key.family)
		print_transport(pkt);
	else if (is_arp(pkt) && pkt->key.sport <= 2)
		printf("ARP %s", pkt->key.sport == 1 ? "request" : "reply");
	else
		printf("EtherType 0x%04x", pkt->key.ethertype);
	if (pkt->bad)
		printf(", malformed");
}

static void json_proto(json_writer_t *json, const struct network_packet *pkt)
{
	char number[8];

	snprintf(number, sizeof(number), "%u", pkt->key.proto);
	if (!pkt->key.family)
		jsonw_string_field(json, "proto", is_arp(pkt) ? "arp" : "other");
	else if (is_icmp(pkt))
		jsonw_string_field(json, "proto", pkt->key.family == 4 ? "icmp" : "icmpv6");
	else if (pkt->key.proto == IPPROTO_TCP || pkt->key.proto == IPPROTO_UDP)
		jsonw_string_field(json, "proto", pkt->key.proto == IPPROTO_TCP ? "tcp" : "udp");
	else
		jsonw_string_field(json, "proto", number);
}

static void json_transport(json_writer_t *json, const struct network_packet *pkt)
{
	const struct network_key *key = &pkt->key;
	char flags[FLAGS_LEN];

	if (has_ports(pkt)) {
		jsonw_uint_field(json, "sport", key->sport);
		jsonw_uint_field(json, "dport", key->dport);
		if (key->proto == IPPROTO_TCP) {
			jsonw_string_field(json, "tcp_flags", tcp_flags(pkt->tcp_flags, flags));
			jsonw_uint_field(json, "tcp_seq", key->seq);
		}
		jsonw_uint_field(json, "payload", pkt->payload);
	} else if (pkt->has_l4 && is_icmp(pkt)) {
		jsonw_uint_field(json, "icmp_type", key->type);
		jsonw_uint_field(json, "icmp_code", key->code);
		if (is_echo(key)) {
			jsonw_uint_field(json, "icmp_id", key->sport);
			jsonw_uint_field(json, "icmp_seq", key->dport);
		}
	} else if (is_arp(pkt)) {
		jsonw_uint_field(json, "arp_op", key->sport);
	}
	if (pkt->frag)
		jsonw_bool_field(json, "fragment", true);
	if (pkt->bad)
		jsonw_bool_field(json, "malformed", true);
}

static void json_packet(json_writer_t *json, const struct network_packet *pkt)
{
	char text[INET6_ADDRSTRLEN];

	jsonw_uint_field(json, "family", pkt->key.family);
	jsonw_string_field(json, "src", address(pkt, pkt->key.saddr, text));
	jsonw_string_field(json, "dst", address(pkt, pkt->key.daddr, text));
	jsonw_uint_field(json, "ethertype", pkt->key.ethertype);
	json_proto(json, pkt);
	json_transport(json, pkt);
}

/* --- paths ----------------------------------------------------------------- */

static void print_hooks(const struct network_path *path)
{
	const char *sep = "";
	int i;

	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (!(path->met & 1 << i))
			continue;
		if (path->verdict[i] == NETWORK_ANSWER)
			printf("%s%s pingpong (answered)", sep, network_hook_name(i));
		else
			printf("%s%s %s", sep, network_hook_name(i), verdicts[path->verdict[i]]);
		sep = ", ";
	}
}

static void print_unmet(const struct network_path *path)
{
	__u8 unmet = network_path_unmet(path);
	const char *sep = " ";
	int i;

	printf(" (%snever reached", path->end == NETWORK_END_UNSEEN ? "not seen again: " : "");
	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (!(unmet & 1 << i))
			continue;
		printf("%s%s", sep, network_hook_name(i));
		sep = ", ";
	}
	printf(")");
}

static void path_text(const struct network_path *path)
{
	print_packet(&path->pkt);
	printf(": ");
	print_hooks(path);
	if (path->end == NETWORK_END_MERGED)
		printf(" (merged by GRO into an earlier packet)");
	else if (path->end == NETWORK_END_UNKNOWN)
		printf(" (events were lost: the rest is not known)");
	else if (path->end != NETWORK_END_ANSWERED && network_path_unmet(path))
		print_unmet(path);
	printf("\n");
}

static void path_json(const struct network_hooks *hooks, const struct network_path *path)
{
	json_writer_t *json = sample_json_begin("path");
	__u8 unmet = network_path_unmet(path);
	int i;

	jsonw_uint_field(json, "ts_ns", sample_realtime(path->ts_ns));
	jsonw_string_field(json, "ifname", hooks->ifname);
	jsonw_uint_field(json, "len", path->len);
	json_packet(json, &path->pkt);
	jsonw_name(json, "hooks");
	jsonw_start_array(json);
	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (!(path->met & 1 << i))
			continue;
		jsonw_start_object(json);
		jsonw_string_field(json, "hook", network_hook_name(i));
		jsonw_string_field(json, "verdict", verdicts[path->verdict[i]]);
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	jsonw_string_field(json, "end", ends[path->end]);
	jsonw_name(json, "unmet");
	jsonw_start_array(json);
	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (unmet & 1 << i)
			jsonw_string(json, network_hook_name(i));
	}
	jsonw_end_array(json);
	sample_json_end(json);
}

/**
 * network_show_path() - print the path of a packet
 * @hooks: the hooks
 * @path: a path that has ended
 */
void network_show_path(const struct network_hooks *hooks, const struct network_path *path)
{
	if (sample.json)
		path_json(hooks, path);
	else
		path_text(path);
}

/**
 * network_show_connect() - print an attempt to connect
 * @ev: the attempt
 */
void network_show_connect(const struct tcpconnect_event *ev)
{
	char src[SAMPLE_ENDPOINT_LEN], dst[SAMPLE_ENDPOINT_LEN], comm[TCPCONNECT_COMM_LEN];

	if (sample.quiet)
		return;
	if (sample.json) {
		sample_connect_json(ev);
		return;
	}
	printf("%s > %s: TCP connect by %s, pid %u: %s after %.3f ms\n",
	       sample_endpoint(ev->saddr, ev->sport, src),
	       sample_endpoint(ev->daddr, ev->dport, dst), sample_connect_comm(ev, comm),
	       ev->pid, sample_connect_ret(ev->ret), ev->lat_ns / 1e6);
}

/* --- what is attached ------------------------------------------------------ */

/* How a hook is attached; NULL: there is only one way. */
static const char *how(const struct network_hooks *hooks, int hook)
{
	if (hook == NETWORK_XDP)
		return hooks->xdp.at[0].mode == SAMPLE_MODE_NATIVE ? "native" : "skb";
	if (hook == NETWORK_TC)
		return hooks->tc.at[0].is_tcx ? "tcx" : "clsact";
	if (hook == NETWORK_TCPCONNECT)
		return sample_connect_backend(hooks->conn.backend);
	return NULL;
}

static void state_text(const struct network_hooks *hooks, const char *event)
{
	const char *sep = "";
	int i;

	printf("%s: %s (", event, hooks->ifname);
	for (i = 0; i < __NETWORK_SWITCH_MAX; i++) {
		bool on = hooks->to[i] != NETWORK_OFF;

		printf("%s%s %s", sep, network_hook_name(i),
		       network_position_name(i, hooks->to[i]));
		if (on && how(hooks, i))
			printf(", %s", how(hooks, i));
		sep = "; ";
	}
	printf(")\n");
}

static void state_json(const struct network_hooks *hooks, const char *event)
{
	json_writer_t *json = sample_json_begin(event);
	int i;

	jsonw_string_field(json, "tool", sample.info->name);
	jsonw_name(json, "attached");
	jsonw_start_array(json);
	for (i = 0; i < __NETWORK_SWITCH_MAX; i++) {
		if (hooks->to[i] == NETWORK_OFF)
			continue;
		jsonw_start_object(json);
		jsonw_string_field(json, "ifname", hooks->ifname);
		jsonw_uint_field(json, "ifindex", hooks->ifindex);
		jsonw_string_field(json, "hook", network_hook_name(i));
		jsonw_string_field(json, "action", network_position_name(i, hooks->to[i]));
		if (how(hooks, i))
			jsonw_string_field(json, "mode", how(hooks, i));
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	sample_json_end(json);
}

/**
 * network_show_state() - print the position of each switch
 * @hooks: the hooks
 * @event: "ready" or "status"
 */
void network_show_state(const struct network_hooks *hooks, const char *event)
{
	if (sample.json)
		state_json(hooks, event);
	else
		state_text(hooks, event);
}

/**
 * network_show_switched() - print that a hook was switched
 * @hooks: the hooks, after the switch
 * @hook: the switch, enum network_hook or NETWORK_TCPCONNECT
 * @from: the position before, enum network_action or NETWORK_OFF
 */
void network_show_switched(const struct network_hooks *hooks, int hook, int from)
{
	const char *was = network_position_name(hook, from);
	const char *now = network_position_name(hook, hooks->to[hook]);
	json_writer_t *json;

	if (!sample.json) {
		printf("switched: %s from %s to %s\n", network_hook_name(hook), was, now);
		return;
	}
	json = sample_json_begin("switched");
	jsonw_uint_field(json, "ts_ns", sample_realtime(sample_now()));
	jsonw_string_field(json, "hook", network_hook_name(hook));
	jsonw_string_field(json, "from", was);
	jsonw_string_field(json, "to", now);
	sample_json_end(json);
}

/* --- sums ------------------------------------------------------------------ */

static void hook_text(int hook, const __u64 *n)
{
	static const char * const done[__NETWORK_VERDICT_MAX] = {
		[NETWORK_PASS] = "passed",
		[NETWORK_DROP] = "dropped",
		[NETWORK_ANSWER] = "answered",
		[NETWORK_COPY] = "copied",
	};
	const char *sep = ": ";
	__u64 seen = 0;
	int i;

	for (i = 0; i < __NETWORK_VERDICT_MAX; i++)
		seen += n[i];
	printf("  %s: %llu packets seen", network_hook_name(hook), seen);
	for (i = 0; i < __NETWORK_VERDICT_MAX; i++) {
		if (!n[i])
			continue;
		printf("%s%llu %s", sep, n[i], done[i]);
		sep = ", ";
	}
	printf("\n");
}

static void totals_text(const struct network_totals *t, const __u64 *n, const char *event)
{
	const char *sep = ": ";
	int i;

	printf("%s: %llu paths", event, t->paths);
	for (i = 0; i < __NETWORK_END_MAX; i++) {
		if (!t->ends[i])
			continue;
		printf("%s%llu %s", sep, t->ends[i], ends_text[i]);
		sep = ", ";
	}
	printf("; %llu connects; %llu events lost\n", t->connects,
	       n[NETWORK_LOST] + t->connects_lost);
	for (i = 0; i < __NETWORK_HOOK_MAX; i++)
		hook_text(i, n + NETWORK_SEEN + i * __NETWORK_VERDICT_MAX);
}

static void hook_json(json_writer_t *json, int hook, const __u64 *n)
{
	__u64 seen = 0;
	int i;

	for (i = 0; i < __NETWORK_VERDICT_MAX; i++)
		seen += n[i];
	jsonw_name(json, network_hook_name(hook));
	jsonw_start_object(json);
	jsonw_uint_field(json, "seen", seen);
	for (i = 0; i < __NETWORK_VERDICT_MAX; i++)
		jsonw_uint_field(json, verdicts[i], n[i]);
	jsonw_end_object(json);
}

static void totals_json(const struct network_totals *t, const __u64 *n, const char *event)
{
	json_writer_t *json = sample_json_begin(event);
	int i;

	jsonw_uint_field(json, "paths", t->paths);
	jsonw_name(json, "ends");
	jsonw_start_object(json);
	for (i = 0; i < __NETWORK_END_MAX; i++)
		jsonw_uint_field(json, ends[i], t->ends[i]);
	jsonw_end_object(json);
	for (i = 0; i < __NETWORK_HOOK_MAX; i++)
		hook_json(json, i, n + NETWORK_SEEN + i * __NETWORK_VERDICT_MAX);
	jsonw_uint_field(json, "connects", t->connects);
	jsonw_uint_field(json, "lost", n[NETWORK_LOST] + t->connects_lost);
	sample_json_end(json);
}

/**
 * network_show_totals() - print the counters and sums
 * @hooks: the hooks
 * @event: "stats" or "summary"
 */
void network_show_totals(const struct network_hooks *hooks, const char *event)
{
	__u64 n[__NETWORK_COUNT_MAX];

	if (sample_stats_read(hooks->skel->maps.net_counts, n, __NETWORK_COUNT_MAX))
		return;
	if (sample.json)
		totals_json(&hooks->totals, n, event);
	else
		totals_text(&hooks->totals, n, event);
}
