// SPDX-License-Identifier: GPL-2.0
/* Sentences about wrong answers, and packets in hex. */
#include <stdarg.h>
#include <stdio.h>
#include "course.h"

enum { SHOW_MAX = 96, COLUMNS = 16 };

void course_wrong(struct course *course, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	course->wrong++;
}

const char *course_header(const struct build *pkt, __u32 at)
{
	if (at < ETH_HLEN)
		return "Ethernet";
	if (!pkt->ip_at)
		return "payload";
	if (at < pkt->ip_at)
		return "VLAN";
	if (!pkt->l4_at || at < pkt->l4_at)
		return pkt->family == 4 ? "IPv4" : "IPv6";
	switch (pkt->l4_proto) {
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	default:
		return "payload";
	}
}

/* What stands before the byte at @at: a bracket at both ends of the marked bytes, else a blank. */
static const char *before(__u32 at, __u32 mark, __u32 mark_len, bool begins_line)
{
	if (mark && at == mark)
		return "[";
	if (mark && at == mark + mark_len)
		return begins_line ? " " : "]";
	return " ";
}

/* What stands behind the last marked byte, if no other byte follows in its line. */
static const char *behind(__u32 at, __u32 mark, __u32 mark_len, bool ends_line)
{
	return mark && at + 1 == mark + mark_len && ends_line ? "]" : "";
}

void course_show(const struct build *pkt, const __u8 *data, __u32 len, __u32 mark, __u32 mark_len)
{
	const char *header = "", *now;
	__u32 at, column = 0, end = len < SHOW_MAX ? len : SHOW_MAX;
	bool ends_line;

	for (at = 0; at < end; at++, column++) {
		now = course_header(pkt, at);
		if (now != header || column == COLUMNS) {
			printf("%s    %-9s%3u:", at ? "\n" : "", now != header ? now : "", at);
			column = 0;
		}
		header = now;
		ends_line = at + 1 == end || column + 1 == COLUMNS ||
			    course_header(pkt, at + 1) != now;
		printf("%s%02x%s", before(at, mark, mark_len, !column), data[at],
		       behind(at, mark, mark_len, ends_line));
	}
	printf("%s\n", end < len ? " ..." : "");
}
