// SPDX-License-Identifier: GPL-2.0
/* Print a packet as a line of text, in the form of "tcpdump -nn -S --nano", and as a dump. */
#include <ctype.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include "addr4.h"
#include "parts/sockfilter/user.h"

enum {
	ARP_LEN = 28,
	FLAGS_WITH_SEQ = 0x7,	/* FIN, SYN, RST */
	FLAG_ACK = 0x10,
	FLAG_URG = 0x20,
};

static const char *address(const __be32 addr[4], char buf[INET6_ADDRSTRLEN])
{
	if (addr_is4(addr))
		inet_ntop(AF_INET, &addr[3], buf, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, addr, buf, INET6_ADDRSTRLEN);
	return buf;
}

static void put_mac(FILE *to, const __u8 *mac)
{
	fprintf(to, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void put_time(FILE *to, __u64 ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		fprintf(to, "%02d:%02d:%02d.%09llu ", tm.tm_hour, tm.tm_min, tm.tm_sec,
			(unsigned long long)ns % 1000000000);
}

static const char *type_name(__u16 type)
{
	switch (type) {
	case ETH_P_IP:
		return "IPv4";
	case ETH_P_IPV6:
		return "IPv6";
	case ETH_P_ARP:
		return "ARP";
	case ETH_P_8021Q:
		return "802.1Q";
	case ETH_P_8021AD:
		return "802.1Q-QinQ";
	default:
		return "Unknown";
	}
}

static void put_type(FILE *to, __u16 type)
{
	if (type < ETH_P_802_3_MIN)
		fprintf(to, "802.3");
	else
		fprintf(to, "ethertype %s (0x%04x)", type_name(type), type);
}

static void put_link(FILE *to, const struct decoded *dec)
{
	put_mac(to, dec->pkt->data + ETH_ALEN);
	fprintf(to, " > ");
	put_mac(to, dec->pkt->data);
	fprintf(to, ", ");
	put_type(to, dec->n_vlans ? dec->tpid[0] : dec->ethertype);
	fprintf(to, ", length %u: ", dec->pkt->len);
}

/* Print "vlan 100, p 0, ", and with -e also the EtherType after each tag. */
static void put_vlans(FILE *to, const struct decoded *dec, const struct show *show)
{
	__u32 i;

	for (i = 0; i < dec->n_vlans; i++) {
		fprintf(to, "vlan %u, p %u%s, ", dec->tci[i] & 0xfff, dec->tci[i] >> 13,
			dec->tci[i] & 0x1000 ? ", DEI" : "");
		if (!show->link)
			continue;
		put_type(to, i + 1 < dec->n_vlans ? dec->tpid[i + 1] : dec->ethertype);
		fprintf(to, ", ");
	}
}

static void put_sack(FILE *to, const __u8 *value, unsigned int len)
{
	unsigned int i;

	fprintf(to, "sack %u ", len / 8);
	for (i = 0; i + 8 <= len; i += 8)
		fprintf(to, "{%u:%u}", get32(value + i), get32(value + i + 4));
}

static void put_tcp_value(FILE *to, __u8 kind, const __u8 *value, unsigned int len)
{
	if (kind == 2 && len == 2)
		fprintf(to, "mss %u", get16(value));
	else if (kind == 3 && len == 1)
		fprintf(to, "wscale %u", value[0]);
	else if (kind == 4 && !len)
		fprintf(to, "sackOK");
	else if (kind == 5 && len % 8 == 0)
		put_sack(to, value, len);
	else if (kind == 8 && len == 8)
		fprintf(to, "TS val %u ecr %u", get32(value), get32(value + 4));
	else
		fprintf(to, "option %u of %u bytes", kind, len + 2);
}

/* Print the option at opt. Returns the length of the option; 0 if it is the last one. */
static unsigned int put_tcp_option(FILE *to, const __u8 *opt, unsigned int left)
{
	if (opt[0] <= 1) {
		fprintf(to, "%s", opt[0] ? "nop" : "eol");
		return opt[0];
	}
	if (left < 2 || opt[1] < 2 || opt[1] > left) {
		fprintf(to, "bad opt");
		return 0;
	}
	put_tcp_value(to, opt[0], opt + 2, opt[1] - 2);
	return opt[1];
}

static void put_tcp_options(FILE *to, const struct decoded *dec)
{
	__u32 len = dec->l4_hlen - DECODED_TCP_HLEN, i = 0, size;
	const __u8 *opt = decoded_bytes(dec, dec->l4 + DECODED_TCP_HLEN, len);
	const char *sep = "";

	if (!len)
		return;
	if (!opt) {
		fprintf(to, ", options [|tcp]");
		return;
	}
	fprintf(to, ", options [");
	while (i < len) {
		fprintf(to, "%s", sep);
		sep = ",";
		size = put_tcp_option(to, opt + i, len - i);
		if (!size)
			break;
		i += size;
	}
	fprintf(to, "]");
}

static void put_tcp(FILE *to, const struct decoded *dec)
{
	char flags[16];

	decoded_flags(dec, flags);
	fprintf(to, "Flags [%s]", flags);
	if (dec->payload || (dec->flags & FLAGS_WITH_SEQ))
		fprintf(to, ", seq %u", dec->seq);
	if (dec->payload)
		fprintf(to, ":%u", dec->seq + dec->payload);
	if (dec->flags & FLAG_ACK)
		fprintf(to, ", ack %u", dec->ack);
	fprintf(to, ", win %u", dec->window);
	if (dec->flags & FLAG_URG)
		fprintf(to, ", urg %u", dec->urgent);
	put_tcp_options(to, dec);
	fprintf(to, ", length %u", dec->payload);
}

static void put_icmp6_target(FILE *to, const struct decoded *dec, const char *what)
{
	const __u8 *target = decoded_bytes(dec, dec->l4 + 8, 16);
	char buf[INET6_ADDRSTRLEN];
	__be32 addr[4];

	fprintf(to, "%s", what);
	if (!target)
		return;
	memcpy(addr, target, sizeof(addr));
	fprintf(to, "%s", address(addr, buf));
}

static void put_icmp6(FILE *to, const struct decoded *dec)
{
	fprintf(to, "ICMP6, ");
	switch (dec->type) {
	case 1:
		fprintf(to, "destination unreachable, code %u", dec->code);
		break;
	case 2:
		fprintf(to, "packet too big, mtu %u", (__u32)dec->id << 16 | dec->seq);
		break;
	case 3:
		fprintf(to, "time exceeded, code %u", dec->code);
		break;
	case 128:
	case 129:
		fprintf(to, "echo %s, id %u, seq %u", dec->type == 128 ? "request" : "reply",
			dec->id, dec->seq);
		break;
	case 133:
		fprintf(to, "router solicitation");
		break;
	case 134:
		fprintf(to, "router advertisement");
		break;
	case 135:
		put_icmp6_target(to, dec, "neighbor solicitation, who has ");
		break;
	case 136:
		put_icmp6_target(to, dec, "neighbor advertisement, tgt is ");
		break;
	case 143:
		fprintf(to, "multicast listener report v2, %u group record(s)", dec->seq);
		break;
	default:
		fprintf(to, "type %u, code %u", dec->type, dec->code);
	}
	fprintf(to, ", length %u", dec->l4_len);
}

/* The ICMP message quotes the packet that could not be delivered: print its destination. */
static void put_unreachable(FILE *to, const struct decoded *dec)
{
	const __u8 *ip = decoded_bytes(dec, dec->l4 + 8, 28);
	char dst[INET_ADDRSTRLEN];

	if (!ip || ip[0] != 0x45 || dec->payload < 28) {
		fprintf(to, "unreachable, code %u", dec->code);
		return;
	}
	inet_ntop(AF_INET, ip + 16, dst, sizeof(dst));
	if (dec->code == 0)
		fprintf(to, "net %s unreachable", dst);
	else if (dec->code == 1)
		fprintf(to, "host %s unreachable", dst);
	else if (dec->code == 3 && ip[9] == IPPROTO_UDP)
		fprintf(to, "%s udp port %u unreachable", dst, get16(ip + 22));
	else if (dec->code == 3 && ip[9] == IPPROTO_TCP)
		fprintf(to, "%s tcp port %u unreachable", dst, get16(ip + 22));
	else
		fprintf(to, "%s unreachable, code %u", dst, dec->code);
}

static void put_icmp(FILE *to, const struct decoded *dec)
{
	fprintf(to, "ICMP ");
	if (dec->type == 8 || dec->type == 0)
		fprintf(to, "echo %s, id %u, seq %u", dec->type ? "request" : "reply", dec->id,
			dec->seq);
	else if (dec->type == 3)
		put_unreachable(to, dec);
	else if (dec->type == 11 && !dec->code)
		fprintf(to, "time exceeded in-transit");
	else
		fprintf(to, "type %u, code %u", dec->type, dec->code);
	fprintf(to, ", length %u", dec->l4_len);
}

static void put_arp(FILE *to, const struct decoded *dec, const struct show *show)
{
	const __u8 *arp = decoded_bytes(dec, dec->l3, ARP_LEN);
	char sender[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];

	if (!show->link)
		fprintf(to, "ARP, ");
	if (!arp)
		return;
	inet_ntop(AF_INET, arp + 14, sender, sizeof(sender));
	inet_ntop(AF_INET, arp + 24, target, sizeof(target));
	/* Hardware type Ethernet, protocol IPv4, and their address lengths 6 and 4. */
	if (memcmp(arp, "\0\1\x8\0\6\4", 6)) {
		fprintf(to, "not of Ethernet and IPv4");
	} else if (get16(arp + 6) == 1) {
		fprintf(to, "Request who-has %s tell %s", target, sender);
	} else if (get16(arp + 6) == 2) {
		fprintf(to, "Reply %s is-at ", sender);
		put_mac(to, arp + 8);
	} else {
		fprintf(to, "operation %u", get16(arp + 6));
	}
	fprintf(to, ", length %u", dec->pkt->len - dec->l3);
}

static void put_proto(FILE *to, const struct decoded *dec)
{
	const char *name = decoded_proto(dec);

	if (strcmp(name, "ip"))
		fprintf(to, "%s", name);
	else
		fprintf(to, "ip-proto-%u", dec->proto);
}

static void put_ports(FILE *to, const struct decoded *dec, const char *src, const char *dst)
{
	if (dec->proto == IPPROTO_TCP || dec->proto == IPPROTO_UDP)
		fprintf(to, "%s.%u > %s.%u: ", src, dec->sport, dst, dec->dport);
	else
		fprintf(to, "%s > %s: ", src, dst);
}

static void put_ip(FILE *to, const struct decoded *dec, const struct show *show)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	address(dec->saddr, src);
	address(dec->daddr, dst);
	if (!show->link)
		fprintf(to, "%s ", dec->family == 4 ? "IP" : "IP6");
	if (!dec->has_l4) {
		fprintf(to, "%s > %s: ", src, dst);
		put_proto(to, dec);
		fprintf(to, ", length %u", dec->l4_len);
	} else {
		put_ports(to, dec, src, dst);
		if (dec->proto == IPPROTO_TCP)
			put_tcp(to, dec);
		else if (dec->proto == IPPROTO_UDP)
			fprintf(to, "UDP, length %u", dec->payload);
		else if (dec->family == 4)
			put_icmp(to, dec);
		else
			put_icmp6(to, dec);
	}
	if (dec->frag)
		fprintf(to, ", fragment %u at %u%s", dec->frag_id, dec->frag_off,
			dec->frag_more ? "+" : "");
}

/* Print n bytes: printable characters as they are, a dot for each other byte. */
static void put_ascii(FILE *to, const __u8 *p, __u32 n)
{
	__u32 i;

	for (i = 0; i < n; i++)
		fputc(isascii(p[i]) && isgraph(p[i]) ? p[i] : '.', to);
}

static void put_hex(FILE *to, const __u8 *p, __u32 len, bool ascii)
{
	__u32 at, i, n;

	for (at = 0; at < len; at += 16) {
		n = len - at < 16 ? len - at : 16;
		fprintf(to, "\t0x%04x: ", at);
		for (i = 0; i < n; i++)
			fprintf(to, "%s%02x", i % 2 ? "" : " ", p[at + i]);
		if (ascii) {
			fprintf(to, "%*s", 42 - (int)(n * 2 + (n + 1) / 2), "");
			put_ascii(to, p + at, n);
		}
		fputc('\n', to);
	}
}

static void put_text(FILE *to, const __u8 *p, __u32 len)
{
	__u32 i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\r')
			continue;
		fputc(isascii(p[i]) && (isprint(p[i]) || p[i] == '\n' || p[i] == '\t') ?
		      p[i] : '.', to);
	}
	fputc('\n', to);
}

/* With one -x, -X or -A, dump from the network layer on; with two, from the Ethernet header on. */
static void put_dump(FILE *to, const struct decoded *dec, const struct show *show)
{
	__u32 times = show->hex + show->hex_ascii + show->ascii;
	__u32 from = times > 1 ? 0 : dec->l3;
	__u32 len = dec->pkt->caplen > from ? dec->pkt->caplen - from : 0;

	if (!times)
		return;
	if (show->ascii)
		put_text(to, dec->pkt->data + from, len);
	else
		put_hex(to, dec->pkt->data + from, len, show->hex_ascii);
}

/**
 * show_text() - print a packet as text
 * @to: stream to print to
 * @dec: the packet
 * @show: how to print
 * @ifname: name of the packet's interface
 */
void show_text(FILE *to, const struct decoded *dec, const struct show *show, const char *ifname)
{
	put_time(to, dec->pkt->ts_ns);
	if (show->ifname)
		fprintf(to, "%s %s ", ifname, dec->pkt->outgoing ? "Out" : "In ");
	if (show->link && dec->l3)
		put_link(to, dec);
	put_vlans(to, dec, show);
	if (dec->family)
		put_ip(to, dec, show);
	else if (dec->ethertype == ETH_P_ARP)
		put_arp(to, dec, show);
	else if (dec->l3)
		put_type(to, dec->ethertype);
	if (!dec->family && dec->ethertype != ETH_P_ARP)
		fprintf(to, "%slength %u", dec->l3 ? ", " : "", dec->pkt->len);
	if (dec->bad)
		fprintf(to, " [%s]", dec->bad);
	if (dec->cut)
		fprintf(to, " [|%s]", dec->cut);
	fputc('\n', to);
	put_dump(to, dec, show);
}
