// SPDX-License-Identifier: GPL-2.0
/* Parses frames as the standards say: IEEE 802.1Q, RFC 791, 792, 1071, 4302, 4443, 8200, 9293. */
#include <string.h>
#include "model.h"

enum {
	ETHER = 14,
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	TYPE_Q = 0x8100,
	TYPE_AD = 0x88a8,
	TAGS_MAX = 2,
	EXTENSIONS_MAX = 6,
	TTL_OF_REPLY = 64,
	REPLY_MAX = 16384,
};

static __u32 be16(const __u8 *at)
{
	return at[0] * 256 + at[1];
}

/* Number of bytes of the frame from @at on. */
static __u32 bytes_from(const struct model *m, __u32 at)
{
	return at < m->len ? m->len - at : 0;
}

static bool is_tag(__u16 type)
{
	return type == TYPE_Q || type == TYPE_AD;
}

/* --- IPv4 ------------------------------------------------------------------ */

static void map_address(__u8 *to, const __u8 *from)
{
	memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	memcpy(to + 12, from, 4);
}

static enum model_status read_ip4(struct model *m)
{
	const __u8 *ip = m->data + m->ip_at;
	__u32 header, flags;

	if (bytes_from(m, m->ip_at) < 20)
		return MODEL_BAD;
	header = (ip[0] & 0x0f) * 4;
	if (ip[0] >> 4 != 4 || header < 20 || be16(ip + 2) < header)
		return MODEL_BAD;
	if (bytes_from(m, m->ip_at) < header)
		return MODEL_BAD;
	flags = be16(ip + 6);
	m->family = 4;
	m->proto = ip[9];
	m->l4_at = m->ip_at + header;
	m->l4_len = be16(ip + 2) - header;
	if (flags & 0x1fff)
		m->frag = MODEL_LATER;
	else if (flags & 0x2000)
		m->frag = MODEL_FIRST;
	map_address(m->src, ip + 12);
	map_address(m->dst, ip + 16);
	return MODEL_IP;
}

/* --- IPv6 ------------------------------------------------------------------ */

/* Length of the extension header @number at @ext; 0 if @number is no extension header. */
static __u32 extension_len(__u8 number, const __u8 *ext)
{
	switch (number) {
	case 0:		/* hop-by-hop options */
	case 43:	/* routing */
	case 60:	/* destination options */
		return (ext[1] + 1) * 8;
	case 44:	/* fragment */
		return 8;
	case 51:	/* authentication */
		return (ext[1] + 2) * 4;
	default:
		return 0;
	}
}

static enum model_status read_extensions(struct model *m)
{
	static const __u8 none[2];
	__u32 n, len;

	for (n = 0; m->frag != MODEL_LATER && extension_len(m->proto, none); n++) {
		const __u8 *ext = m->data + m->l4_at;

		if (n == EXTENSIONS_MAX || bytes_from(m, m->l4_at) < 8)
			return MODEL_BAD;
		len = extension_len(m->proto, ext);
		/* Every extension header has at least 8 bytes, AH too. */
		if (len > m->l4_len || len > bytes_from(m, m->l4_at))
			return MODEL_BAD;
		if (m->proto == 44 && be16(ext + 2) & 0xfff8)
			m->frag = MODEL_LATER;
		else if (m->proto == 44 && be16(ext + 2) & 1)
			m->frag = MODEL_FIRST;
		m->proto = ext[0];
		m->l4_at += len;
		m->l4_len -= len;
	}
	return MODEL_IP;
}

static enum model_status read_ip6(struct model *m)
{
	const __u8 *ip = m->data + m->ip_at;

	if (bytes_from(m, m->ip_at) < 40 || ip[0] >> 4 != 6)
		return MODEL_BAD;
	m->family = 6;
	m->proto = ip[6];
	m->l4_at = m->ip_at + 40;
	m->l4_len = be16(ip + 4);
	memcpy(m->src, ip + 8, 16);
	memcpy(m->dst, ip + 24, 16);
	return read_extensions(m);
}

/* --- the frame ------------------------------------------------------------- */

static enum model_status read_frame(struct model *m)
{
	__u32 at = ETHER, tags;
	__u16 type;

	if (m->len < ETHER)
		return MODEL_BAD;
	type = be16(m->data + 12);
	m->tagged = is_tag(type);
	for (tags = 0; tags < TAGS_MAX && is_tag(type); tags++, at += 4) {
		if (bytes_from(m, at) < 4)
			return MODEL_BAD;
		type = be16(m->data + at + 2);
	}
	m->type = type;
	m->ip_at = at;
	if (is_tag(type))
		return MODEL_BAD;
	if (type == TYPE_IP4)
		return read_ip4(m);
	return type == TYPE_IP6 ? read_ip6(m) : MODEL_NOT_IP;
}

/**
 * model_read() - parse a frame
 * @m: result
 * @data: bytes of the frame; @m keeps a pointer to them
 * @len: length of the frame
 */
void model_read(struct model *m, const __u8 *data, __u32 len)
{
	*m = (struct model) { .data = data, .len = len };
	m->status = read_frame(m);
}

/**
 * model_has_l4() - check for a transport header
 * @m: result of model_read()
 * @size: size of the transport header, in bytes
 *
 * Return: true if the packet has such a header, by the length in the IP header and by the length
 * of the frame.
 */
bool model_has_l4(const struct model *m, __u32 size)
{
	return m->status == MODEL_IP && m->frag != MODEL_LATER && m->l4_len >= size &&
	       bytes_from(m, m->l4_at) >= size;
}

/**
 * model_has_tcp() - check for a complete TCP header with its options
 * @m: result of model_read(), with TCP as protocol
 *
 * Return: true if the header is complete and its data offset is valid.
 */
bool model_has_tcp(const struct model *m)
{
	__u32 header;

	if (!model_has_l4(m, 20))
		return false;
	header = (m->data[m->l4_at + 12] >> 4) * 4;
	return header >= 20 && model_has_l4(m, header);
}

/**
 * model_is_echo() - check for an echo request or the first fragment of one
 * @m: result of model_read()
 *
 * Return: true for ICMP in IPv4 and ICMPv6 in IPv6.
 */
bool model_is_echo(const struct model *m)
{
	const __u8 *icmp = m->data + m->l4_at;

	if (!model_has_l4(m, 8) || m->proto != (m->family == 4 ? 1 : 58))
		return false;
	return icmp[0] == (m->family == 4 ? 8 : 128) && !icmp[1];
}

/* --- who may be answered ---------------------------------------------------- */

static bool is_host4(const __u8 *addr)
{
	static const __u8 all[4] = { 255, 255, 255, 255 };

	return addr[0] && (addr[0] < 224 || addr[0] > 239) && memcmp(addr, all, 4);
}

static bool is_host6(const __u8 *addr)
{
	static const __u8 none[16], mapped[12] = { [10] = 0xff, [11] = 0xff };

	return addr[0] != 0xff && memcmp(addr, none, 16) && memcmp(addr, mapped, 12);
}

/**
 * model_is_unicast() - check that a packet goes from one host to one host
 * @m: result of model_read(), an IP packet
 *
 * Return: true if both MAC and both IP addresses are unicast.
 */
bool model_is_unicast(const struct model *m)
{
	if (m->data[0] & 1 || m->data[6] & 1)
		return false;
	if (m->family == 4)
		return is_host4(m->src + 12) && is_host4(m->dst + 12);
	return is_host6(m->src) && is_host6(m->dst);
}

/* --- the reply -------------------------------------------------------------- */

static __u32 sum_of(__u32 sum, const __u8 *data, __u32 len)
{
	__u32 i;

	for (i = 0; i + 1 < len; i += 2)
		sum += be16(data + i);
	if (len % 2)
		sum += data[len - 1] * 256;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sum of the ICMPv6 pseudo header (RFC 8200 section 8.1); 0 for IPv4. */
static __u32 pseudo_sum(const struct model *m, const __u8 *frame)
{
	return m->family == 6 ? sum_of(m->l4_len + 58, frame + m->ip_at + 8, 32) : 0;
}

/*
 * Checks the checksum at @at, over @len bytes from @from. If the request had a right checksum,
 * a receiver must accept that of the reply. If it was wrong, it must be wrong by the same
 * amount. Copies the checksum of the reply to @want.
 */
static bool check_sum(const struct model *m, __u8 *want, const __u8 *got, __u32 at, __u32 from,
		      __u32 len, __u32 start)
{
	__u32 before = sum_of(start, m->data + from, len), after;

	memcpy(want + at, got + at, 2);
	after = sum_of(start, want + from, len);
	return before == 0xffff ? after == 0xffff : before % 0xffff == after % 0xffff;
}

static void swap_bytes(__u8 *a, __u8 *b, __u32 len)
{
	__u8 tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

static void turn(const struct model *m, __u8 *frame)
{
	__u8 *ip = frame + m->ip_at;

	swap_bytes(frame, frame + 6, 6);
	if (m->family == 4) {
		swap_bytes(ip + 12, ip + 16, 4);
		ip[8] = TTL_OF_REPLY;
		frame[m->l4_at] = 0;
	} else {
		swap_bytes(ip + 8, ip + 24, 16);
		ip[7] = TTL_OF_REPLY;
		frame[m->l4_at] = 129;
	}
}

/**
 * model_check_reply() - check that a frame is the right reply to an echo request
 * @m: the request
 * @out: the reply
 * @out_len: length of the reply
 *
 * Return: NULL, or what is wrong.
 */
const char *model_check_reply(const struct model *m, const __u8 *out, __u32 out_len)
{
	static __u8 want[REPLY_MAX];

	if (out_len != m->len)
		return "the reply has another length";
	memcpy(want, m->data, m->len);
	turn(m, want);
	if (m->family == 4 &&
	    !check_sum(m, want, out, m->ip_at + 10, m->ip_at, m->l4_at - m->ip_at, 0))
		return "the checksum of the IP header is wrong";
	if (!check_sum(m, want, out, m->l4_at + 2, m->l4_at, m->l4_len, pseudo_sum(m, m->data)))
		return "the checksum of ICMP is wrong";
	return memcmp(want, out, m->len) ? "a byte of the reply is wrong" : NULL;
}
