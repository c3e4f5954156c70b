// SPDX-License-Identifier: GPL-2.0
/* Print the counters of the filter, and the lines of --trace. */
#include <stdio.h>
#include <arpa/inet.h>
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/net.h"
#include "lib/output.h"
#include "parts/sockfilter/user.h"

/* Names of the counters, by enum sockfilter_count. */
static const char * const names[] = {
	[SOCK_SKIP_NOT_IP] = "not_ip",
	[SOCK_SKIP_BAD] = "malformed",
	[SOCK_SKIP_PROTO] = "protocol",
	[SOCK_SKIP_HOST] = "host",
	[SOCK_SKIP_PORT] = "port",
	[SOCK_MATCHED] = "expression",
	[SOCKFILTER_SKIP_DIRECTION] = "direction",
	[SOCKFILTER_TCP] = "tcp",
	[SOCKFILTER_UDP] = "udp",
	[SOCKFILTER_ICMP] = "icmp",
	[SOCKFILTER_OTHER_IP] = "other_ip",
	[SOCKFILTER_NOT_IP] = "not_ip",
};

static void list_text(const struct totals *t, const char *title, int first, int last)
{
	const char *sep = "";
	int i;

	for (i = first; i <= last; i++) {
		if (!t->n[i])
			continue;
		printf("%s%llu %s", *sep ? sep : title, t->n[i], names[i]);
		sep = ", ";
	}
	if (*sep)
		printf("\n");
}

static void totals_text(const char *event, const struct totals *t)
{
	printf("%s: %llu packets captured, %llu received by filter, %llu dropped by kernel\n",
	       event, t->captured, t->received, t->dropped);
	list_text(t, "  seen by the filter: ", SOCKFILTER_TCP, SOCKFILTER_NOT_IP);
	list_text(t, "  not copied: ", 0, SOCKFILTER_SKIP_DIRECTION);
	if (t->n[SOCKFILTER_LOST])
		printf("  %llu events of --trace lost\n", t->n[SOCKFILTER_LOST]);
}

static void list_json(json_writer_t *json, const struct totals *t, const char *name, int first,
		      int last)
{
	int i;

	jsonw_name(json, name);
	jsonw_start_object(json);
	for (i = first; i <= last; i++)
		jsonw_uint_field(json, names[i], t->n[i]);
	jsonw_end_object(json);
}

static void totals_json(const char *event, const struct totals *t)
{
	json_writer_t *json = sample_json_begin(event);

	jsonw_uint_field(json, "captured", t->captured);
	jsonw_uint_field(json, "received", t->received);
	jsonw_uint_field(json, "dropped", t->dropped);
	jsonw_uint_field(json, "seen", t->seen);
	list_json(json, t, "protocols", SOCKFILTER_TCP, SOCKFILTER_NOT_IP);
	list_json(json, t, "not_copied", 0, SOCKFILTER_SKIP_DIRECTION);
	jsonw_uint_field(json, "lost_events", t->n[SOCKFILTER_LOST]);
	sample_json_end(json);
}

/**
 * show_totals() - print the counters, as text or JSON
 * @event: "stats" or "summary"
 * @t: the counters
 */
void show_totals(const char *event, const struct totals *t)
{
	if (sample.json)
		totals_json(event, t);
	else
		totals_text(event, t);
}

/* What the filter did with the packet, as text. */
static const char *trace_verdict(const struct sockfilter_event *ev)
{
	if (ev->verdict != SOCKFILTER_VERDICT + SOCK_MATCHED)
		return "not copied";
	return sample.operands[0] ? "left to the expression" : "copied";
}

static void trace_text(const struct sockfilter_event *ev, const char *src, const char *dst)
{
	const struct sock_pkt *pkt = &ev->pkt;

	if (pkt->has_ports)
		printf("trace: %s.%u > %s.%u TCP, length %u: %s", src, ntohs(pkt->sport), dst,
		       ntohs(pkt->dport), ev->len, trace_verdict(ev));
	else
		printf("trace: %s > %s %s, length %u: %s", src, dst,
		       pkt->proto == IPPROTO_TCP ? "TCP" : pkt->family == 4 ? "ICMP" : "ICMPv6",
		       ev->len, trace_verdict(ev));
	if (ev->verdict != SOCKFILTER_VERDICT + SOCK_MATCHED)
		printf(" (%s)", names[ev->verdict]);
	printf("\n");
}

static void trace_json(const struct sockfilter_event *ev, const char *ifname, const char *src,
		       const char *dst)
{
	json_writer_t *json = sample_json_begin("trace");

	jsonw_uint_field(json, "ts_ns", sample_realtime(ev->ts_ns));
	jsonw_string_field(json, "ifname", ifname);
	jsonw_string_field(json, "direction", ev->outgoing ? "out" : "in");
	jsonw_uint_field(json, "len", ev->len);
	jsonw_uint_field(json, "family", ev->pkt.family);
	jsonw_string_field(json, "src", src);
	jsonw_string_field(json, "dst", dst);
	jsonw_uint_field(json, "ip_proto", ev->pkt.proto);
	if (ev->pkt.has_ports) {
		jsonw_uint_field(json, "sport", ntohs(ev->pkt.sport));
		jsonw_uint_field(json, "dport", ntohs(ev->pkt.dport));
	}
	jsonw_string_field(json, "verdict", trace_verdict(ev));
	if (ev->verdict != SOCKFILTER_VERDICT + SOCK_MATCHED)
		jsonw_string_field(json, "reason", names[ev->verdict]);
	sample_json_end(json);
}

/**
 * show_trace() - print what the filter did with a packet, for --trace
 * @ev: event of the filter
 * @ifname: name of the packet's interface
 */
void show_trace(const struct sockfilter_event *ev, const char *ifname)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	sample_addr(ev->pkt.saddr, src);
	sample_addr(ev->pkt.daddr, dst);
	if (sample.json)
		trace_json(ev, ifname, src, dst);
	else
		trace_text(ev, src, dst);
}
