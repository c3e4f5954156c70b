// SPDX-License-Identifier: GPL-2.0
/* Numbers, addresses, services and names as text, and messages that say where one is wrong. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stdbool.h>
#include "addr4.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/util.h"
#include "parts/xdp_lb/config/text.h"

/* --- numbers and addresses --------------------------------------------------------------- */

/**
 * lb_parse_number() - a number, decimal, or hexadecimal with 0x
 * @text: digits; no sign, no leading 0, which some take for octal
 * @max: greatest value
 * @value: result
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_number(const char *text, __u64 max, __u64 *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	if (!isxdigit((unsigned char)*digits) || (!hex && digits[0] == '0' && digits[1]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, &end, hex ? 16 : 10);
	return errno || end == digits || *end || *value > max ? -EINVAL : 0;
}

/**
 * lb_parse_addr() - read an IPv4 or IPv6 address
 * @text: the address
 * @addr: result
 *
 * Return: 0 or -EINVAL; nothing is printed. ::ffff:a.b.c.d is refused, because struct lb_addr
 * keeps IPv4 addresses in that form.
 */
int lb_parse_addr(const char *text, struct lb_addr *addr)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		addr_from4(addr->a, v4.s_addr);
		return 0;
	}
	return inet_pton(AF_INET6, text, addr->a) == 1 && !addr_is4(addr->a) ? 0 : -EINVAL;
}

/**
 * lb_parse_endpoint() - read an address and a port
 * @text: "10.0.0.2:80", "[fd00::2]:80"
 * @addr: result
 * @port: result, host byte order, 0 is possible
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_endpoint(const char *text, struct lb_addr *addr, __u16 *port)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	bool is6 = *text == '[';
	size_t len;
	__u64 value;

	if (!colon || (is6 && colon[-1] != ']'))
		return -EINVAL;
	len = colon - text - (is6 ? 2 : 0);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + is6, len);
	host[len] = '\0';
	/* IPv6 needs the brackets, IPv4 has none. */
	if (lb_parse_addr(host, addr) || addr_is4(addr->a) == is6 ||
	    lb_parse_number(colon + 1, 65535, &value))
		return -EINVAL;
	*port = value;
	return 0;
}

/**
 * lb_parse_vip() - read the address, port and protocol of a service
 * @text: "tcp:10.0.0.5:80", "udp:[fd00::5]:53"; port 0: any
 * @key: result
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_vip(const char *text, struct lb_vip_key *key)
{
	__u16 port;

	memset(key, 0, sizeof(*key));
	if (!strncmp(text, "tcp:", 4))
		key->proto = IPPROTO_TCP;
	else if (!strncmp(text, "udp:", 4))
		key->proto = IPPROTO_UDP;
	else
		return -EINVAL;
	if (lb_parse_endpoint(text + 4, &key->addr, &port))
		return -EINVAL;
	key->port = htons(port);
	return 0;
}

/**
 * lb_vip_text() - write a service in the form that lb_parse_vip() reads
 * @key: the service
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *lb_vip_text(const struct lb_vip_key *key, char buf[LB_VIP_TEXT])
{
	char endpoint[SAMPLE_ENDPOINT_LEN];

	snprintf(buf, LB_VIP_TEXT, "%s:%s", key->proto == IPPROTO_UDP ? "udp" : "tcp",
		 sample_endpoint(key->addr.a, key->port, endpoint));
	return buf;
}

/* --- names ------------------------------------------------------------------------------- */

/**
 * lb_forward_name() - the name of a forwarding mode in the configuration
 * @forward: enum lb_forward
 *
 * Return: its name.
 */
const char *lb_forward_name(unsigned int forward)
{
	static const char * const names[] = { "nat", "dnat", "dsr", "ipip" };

	return forward < ARRAY_SIZE(names) ? names[forward] : "?";
}

/**
 * lb_is_made_of() - whether a text fits in a buffer and has no character but the allowed ones
 * @text: the text
 * @allowed: the characters
 * @size: size of the buffer, including the NUL
 *
 * Return: true if so; false for an empty text.
 */
bool lb_is_made_of(const char *text, const char *allowed, size_t size)
{
	size_t len = strlen(text);

	return len && len < size && strspn(text, allowed) == len;
}

/**
 * lb_is_instance_name() - whether an instance can have this name
 * @name: the name
 *
 * The name becomes a directory of bpffs, which refuses names with dots.
 *
 * Return: true if so.
 */
bool lb_is_instance_name(const char *name)
{
	return lb_is_made_of(name, LB_ALNUM "_-", LB_NAME_MAX);
}

/**
 * lb_is_ifname() - whether the kernel accepts this as the name of an interface
 * @name: the name
 *
 * Return: true if so, even if no interface has this name.
 */
bool lb_is_ifname(const char *name)
{
	size_t len = strlen(name);

	return len && len < IF_NAMESIZE && strcmp(name, ".") && strcmp(name, "..") &&
	       strcspn(name, "/: \t\n\v\f\r") == len;
}

/* --- messages ---------------------------------------------------------------------------- */

/**
 * lb_shown() - make a text from a file safe to print
 * @text: the text
 * @buf: takes the text
 *
 * Return: one line: @buf, or '' in quotes for an empty text. Other characters than printable
 * ones become "?", so that no escape sequence reaches the terminal.
 */
const char *lb_shown(const char *text, char buf[LB_SHOWN])
{
	unsigned int i;

	for (i = 0; text[i] && i < LB_SHOWN - 1; i++)
		buf[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	if (text[i])
		memcpy(buf + i - 3, "...", 3);
	buf[i] = '\0';
	return i ? buf : "''";
}

/**
 * lb_conf_bad() - say what is wrong with a part of a configuration
 * @at: which part
 * @key: key of that part, or ""
 * @hint: the cure
 * @fmt: as for printf()
 *
 * Return: -EINVAL.
 */
int lb_conf_bad(const struct lb_place *at, const char *key, const char *hint,
		const char *fmt, ...)
{
	char place[LB_PLACE_MAX], message[LB_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	at->src->where(at, key, place);
	pr_err("%s%s", place, message);
	pr_hint("%s", hint);
	return -EINVAL;
}

/**
 * lb_conf_warn() - warn of a setting that is allowed, but probably a mistake
 * @at: which part of a configuration
 * @key: key of that part, or ""
 * @fmt: as for printf()
 */
void lb_conf_warn(const struct lb_place *at, const char *key, const char *fmt, ...)
{
	char place[LB_PLACE_MAX], message[LB_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	at->src->where(at, key, place);
	pr_info("%swarning: %s", place, message);
}
