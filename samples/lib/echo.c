// SPDX-License-Identifier: GPL-2.0
/* Print the echo requests that a BPF program has reported, as text or JSON. */
#include <arpa/inet.h>
#include <stdio.h>
#include "echo_event.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/echo.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/output.h"

static const char *verdict_name(__u8 verdict)
{
	switch (verdict) {
	case ECHO_DROP:
		return "drop";
	case ECHO_ANSWER:
		return "answer";
	default:
		return "pass";
	}
}

static void show_text(const struct echo_event *ev, const char *src, const char *dst)
{
	printf("%s > %s: %s echo request id %u seq %u: %s\n", src, dst,
	       ev->family == 4 ? "ICMP" : "ICMPv6", ntohs(ev->id), ntohs(ev->seq),
	       verdict_name(ev->verdict));
}

static void show_json(const struct echo_event *ev, const char *src, const char *dst)
{
	json_writer_t *json = sample_json_begin("packet");

	jsonw_uint_field(json, "ts_ns", sample_realtime(ev->ts_ns));
	jsonw_string_field(json, "ifname", sample_ifname(ev->ifindex));
	jsonw_uint_field(json, "family", ev->family);
	jsonw_string_field(json, "src", src);
	jsonw_string_field(json, "dst", dst);
	jsonw_uint_field(json, "icmp_id", ntohs(ev->id));
	jsonw_uint_field(json, "icmp_seq", ntohs(ev->seq));
	jsonw_string_field(json, "verdict", verdict_name(ev->verdict));
	sample_json_end(json);
}

static void show(const struct echo_event *ev)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	sample_addr(ev->saddr, src);
	sample_addr(ev->daddr, dst);
	if (sample.json)
		show_json(ev, src, dst);
	else
		show_text(ev, src, dst);
}

/**
 * sample_echo_event() - print an echo request, unless -q was given, and count it for -c
 * @ctx: not used
 * @data: struct echo_event
 * @size: size of @data
 *
 * A callback for ring_buffer__new(). After the count of -c has been reached, further events
 * in the ring buffer are neither printed nor counted.
 *
 * Return: 0.
 */
int sample_echo_event(void *ctx, void *data, size_t size)
{
	if (sample_count_is_full())
		return 0;
	if (!sample.quiet)
		show(data);
	sample_count_reached();
	return 0;
}
