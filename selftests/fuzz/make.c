// SPDX-License-Identifier: GPL-2.0
/* Makes random packets: valid ones of all shapes, many of which it then breaks a little. */
#include "fuzz.h"

enum {
	/* Headers are mostly within this many bytes of a frame. */
	HEADERS = 130,
};

static __u64 state;

void make_seed(__u64 seed)
{
	state = seed;
}

static __u32 below(__u32 n)
{
	return test_below(&state, n);
}

/* --- addresses -------------------------------------------------------------- */

static void put_address(__u8 *at, int family, const char *own)
{
	static const char *const some4[] = {
		"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1", FUZZ_CAST4,
		"255.255.255.255", "127.0.0.1", "223.255.255.255", "192.0.2.77",
	};
	static const char *const some6[] = {
		"::", "::1", "ff02::1", "fe80::1", "::ffff:198.51.100.2", "::ffff:0:1",
		"0:0:0:1::", "::1:0:0", "feff::1", "2001:db8:1::77",
	};

	if (below(4))
		inet_pton(family == 4 ? AF_INET : AF_INET6, own, at);
	else if (family == 4)
		inet_pton(AF_INET, some4[below(ARRAY_SIZE(some4))], at);
	else
		inet_pton(AF_INET6, some6[below(ARRAY_SIZE(some6))], at);
}

static void put_addresses(struct build *pkt)
{
	__u8 *ip = pkt->data + pkt->ip_at;

	if (pkt->family == 4) {
		ip[8] = below(4) ? 64 : below(256);
		put_address(ip + 12, 4, BUILD_SADDR4);
		put_address(ip + 16, 4, BUILD_DADDR4);
	} else {
		ip[7] = below(4) ? 64 : below(256);
		put_address(ip + 8, 6, BUILD_SADDR6);
		put_address(ip + 24, 6, BUILD_DADDR6);
	}
}

/* BPF_PROG_TEST_RUN runs on "lo", whose MAC address is zero. */
static void put_macs(struct build *pkt)
{
	if (below(16))
		memset(pkt->data, 0, ETH_ALEN);
	else if (below(2))
		memset(pkt->data, 0xff, ETH_ALEN);
	if (!below(32))
		pkt->data[6] |= 1;
}

/* --- valid packets ----------------------------------------------------------- */

static void add_extensions(struct build *pkt)
{
	static const __u8 kinds[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_AH,
	};
	__u32 n = below(2) ? 0 : below(8);

	while (n--) {
		__u8 kind = kinds[below(ARRAY_SIZE(kinds))];

		if (!below(6))
			build_frag6(pkt, below(2) * 8 * below(100), below(2));
		else
			build_ext(pkt, kind, kind == IPPROTO_AH ? 8 + 4 * below(8) :
								  8 + 8 * below(below(4) ? 4 : 30));
	}
}

static void add_network(struct build *pkt)
{
	if (below(2)) {
		build_ipv4(pkt, below(3) ? 0 : 4 * below(11));
		if (!below(6))
			build_frag4(pkt, below(2) * 8 * below(100), below(2));
	} else {
		build_ipv6(pkt);
		add_extensions(pkt);
	}
	put_addresses(pkt);
}

static void add_transport(struct build *pkt)
{
	static const __u8 others[] = {
		IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_IGMP,
		IPPROTO_NONE, 135, 255,
	};

	switch (below(8)) {
	case 0:
		build_tcp(pkt, 4 * below(11));
		break;
	case 1:
		build_udp(pkt);
		break;
	case 2:
		build_icmp_as(pkt, below(2) ? IPPROTO_ICMP : IPPROTO_ICMPV6, below(256), below(2));
		break;
	case 3:
		build_l4(pkt, others[below(ARRAY_SIZE(others))], below(24));
		break;
	default:
		build_echo(pkt);
	}
}

static void make_valid(struct build *pkt)
{
	static const __u16 types[] = { ETH_P_ARP, ETH_P_LOOP, 0x88cc, 0x05dc };

	build_start(pkt);
	put_macs(pkt);
	build_vlans(pkt, below(2) ? 0 : below(4));
	if (!below(16)) {
		build_next(pkt, types[below(ARRAY_SIZE(types))]);
		build_payload(pkt, below(60));
		return;
	}
	add_network(pkt);
	add_transport(pkt);
	build_payload(pkt, below(8) ? below(80) : below(1400));
	build_finish(pkt);
	if (!below(3))
		build_pad(pkt, pkt->len + below(60));
}

/* --- broken ones -------------------------------------------------------------- */

/* Sets a field on which parsing depends, often to a value near its limits. */
static void break_field(struct build *pkt)
{
	static const __u16 types[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, ETH_P_8021AD };
	static const __u8 numbers[] = { 0, 1, 6, 17, 43, 44, 50, 51, 58, 59, 60, 132, 135 };
	__u32 ip = pkt->ip_at, len_at = ip + (pkt->family == 4 ? 2 : 4);

	switch (pkt->family ? below(7) : 0) {
	case 0:
		build_put16(pkt, 12, types[below(ARRAY_SIZE(types))]);
		break;
	case 1:
		pkt->data[ip] = below(256);
		break;
	case 2:
		build_put16(pkt, len_at, build_get16(pkt, len_at) + below(17) - 8);
		break;
	case 3:
		build_put16(pkt, len_at, below(70));
		break;
	case 4:
		pkt->data[ip + (pkt->family == 4 ? 9 : 6)] = numbers[below(ARRAY_SIZE(numbers))];
		break;
	case 5:
		/* Next header and length of an extension header, or type and code. */
		pkt->data[ip + 40 + below(2)] = numbers[below(ARRAY_SIZE(numbers))];
		break;
	default:
		if (pkt->l4_at)
			pkt->data[pkt->l4_at + 12] = below(256);
	}
}

static void break_bytes(struct build *pkt)
{
	static const __u16 edges[] = { 0, 1, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 20, 60 };
	__u32 at = below(HEADERS);

	if (at + 2 > pkt->len)
		at = pkt->len - 2;
	switch (below(3)) {
	case 0:
		pkt->data[at] ^= 1 << below(8);
		break;
	case 1:
		pkt->data[at] = below(256);
		break;
	default:
		build_put16(pkt, at, edges[below(ARRAY_SIZE(edges))]);
	}
}

/* Repairs the checksum of the IPv4 header, so that other faults are not hidden behind it. */
static void mend_ip_sum(struct build *pkt)
{
	__u32 ip = pkt->ip_at;

	if (pkt->family != 4 || pkt->len < ip + 60)
		return;
	build_put16(pkt, ip + 10, 0);
	build_put16(pkt, ip + 10, ~build_sum(pkt->data + ip, (pkt->data[ip] & 15) * 4, 0));
}

void make_packet(struct build *pkt)
{
	__u32 n;

	make_valid(pkt);
	for (n = below(2) ? 0 : 1 + below(3); n; n--) {
		switch (below(5)) {
		case 0:
		case 1:
			break_field(pkt);
			break;
		case 2:
		case 3:
			break_bytes(pkt);
			break;
		default:
			pkt->len = BUILD_MIN + below(pkt->len - BUILD_MIN + 1);
		}
	}
	if (below(2))
		mend_ip_sum(pkt);
}

/* --- shapes that are cut at each byte ------------------------------------------ */

bool make_shape(struct build *pkt, __u32 n)
{
	static const __u8 protos[] = { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

	if (n >= 2 * 3 * ARRAY_SIZE(protos))
		return false;
	build_start(pkt);
	memset(pkt->data, 0, ETH_ALEN);
	build_vlans(pkt, n / 2 % 3);
	if (n % 2) {
		build_ipv4(pkt, 8);
	} else {
		build_ipv6(pkt);
		build_ext(pkt, IPPROTO_HOPOPTS, 16);
		build_frag6(pkt, 0, 0);
		build_ext(pkt, IPPROTO_AH, 24);
	}
	switch (protos[n / 6]) {
	case IPPROTO_ICMP:
		build_echo(pkt);
		break;
	case IPPROTO_TCP:
		build_tcp(pkt, 12);
		break;
	case IPPROTO_UDP:
		build_udp(pkt);
		break;
	default:
		build_l4(pkt, IPPROTO_SCTP, 12);
	}
	build_payload(pkt, 21);
	build_finish(pkt);
	build_pad(pkt, pkt->len + 7);
	return true;
}
