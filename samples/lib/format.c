// SPDX-License-Identifier: GPL-2.0
/* Numbers, addresses and ports as text for people. */
#include <arpa/inet.h>
#include <stdio.h>
#include "addr4.h"
#include "lib/format.h"
#include "lib/net.h"
#include "lib/util.h"

/**
 * sample_si() - write a number with three digits and an SI prefix, "9.41 k"
 * @value: the number, not negative
 * @sep: between digits and prefix, "" or " "
 * @buf: takes the text
 *
 * Return: @buf; with @sep " " the caller can append a unit: "9.41 k" "bit/s".
 */
const char *sample_si(double value, const char *sep, char buf[SAMPLE_SI_LEN])
{
	static const char * const prefixes[] = { "", "k", "M", "G", "T" };
	unsigned int i = 0;
	int digits = 0;

	for (; value >= 999.5 && i < ARRAY_SIZE(prefixes) - 1; i++)
		value /= 1000;
	if (value > 0 && value < 99.95)
		digits = value < 9.995 ? 2 : 1;
	snprintf(buf, SAMPLE_SI_LEN, "%.*f%s%s", digits, value, sep, prefixes[i]);
	return buf;
}

/**
 * sample_endpoint() - write address and port: 192.0.2.1:443, [2001:db8::1]:443
 * @addr: IPv6, or IPv4 as ::ffff:a.b.c.d
 * @port: network byte order
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *sample_endpoint(const __be32 addr[4], __be16 port, char buf[SAMPLE_ENDPOINT_LEN])
{
	bool v4 = addr_is4(addr);
	char text[INET6_ADDRSTRLEN];

	snprintf(buf, SAMPLE_ENDPOINT_LEN, "%s%s%s:%u", v4 ? "" : "[", sample_addr(addr, text),
		 v4 ? "" : "]", ntohs(port));
	return buf;
}
