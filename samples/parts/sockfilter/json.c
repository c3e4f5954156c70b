// SPDX-License-Identifier: GPL-2.0
/* Print a packet as a JSON object. */
#include <stdio.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include "lib/net.h"
#include "lib/output.h"
#include "parts/sockfilter/user.h"

static void put_mac(json_writer_t *json, const char *name, const __u8 *mac)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	jsonw_string_field(json, name, text);
}

static void put_link(json_writer_t *json, const struct decoded *dec)
{
	__u32 i;

	put_mac(json, "eth_src", dec->pkt->data + ETH_ALEN);
	put_mac(json, "eth_dst", dec->pkt->data);
	jsonw_uint_field(json, "ethertype", dec->ethertype);
	if (!dec->n_vlans)
		return;
	jsonw_name(json, "vlans");
	jsonw_start_array(json);
	for (i = 0; i < dec->n_vlans; i++)
		jsonw_uint(json, dec->tci[i] & 0xfff);
	jsonw_end_array(json);
}

static void put_l4(json_writer_t *json, const struct decoded *dec)
{
	char flags[16];

	if (dec->proto == IPPROTO_TCP || dec->proto == IPPROTO_UDP) {
		jsonw_uint_field(json, "sport", dec->sport);
		jsonw_uint_field(json, "dport", dec->dport);
	} else {
		jsonw_uint_field(json, "icmp_type", dec->type);
		jsonw_uint_field(json, "icmp_code", dec->code);
		jsonw_uint_field(json, "icmp_id", dec->id);
		jsonw_uint_field(json, "icmp_seq", dec->seq);
	}
	if (dec->proto == IPPROTO_TCP) {
		decoded_flags(dec, flags);
		jsonw_string_field(json, "flags", flags);
		jsonw_uint_field(json, "seq", dec->seq);
		jsonw_uint_field(json, "ack", dec->ack);
		jsonw_uint_field(json, "window", dec->window);
	}
	jsonw_uint_field(json, "payload", dec->payload);
}

static void put_ip(json_writer_t *json, const struct decoded *dec)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	jsonw_uint_field(json, "family", dec->family);
	jsonw_string_field(json, "src", sample_addr(dec->saddr, src));
	jsonw_string_field(json, "dst", sample_addr(dec->daddr, dst));
	jsonw_string_field(json, "proto", decoded_proto(dec));
	jsonw_uint_field(json, "ip_proto", dec->proto);
	if (dec->has_l4)
		put_l4(json, dec);
	if (dec->frag) {
		jsonw_uint_field(json, "frag_id", dec->frag_id);
		jsonw_uint_field(json, "frag_off", dec->frag_off);
		jsonw_bool_field(json, "frag_more", dec->frag_more);
	}
}

static void put_data(json_writer_t *json, const struct packet *pkt)
{
	static const char digits[] = "0123456789abcdef";
	__u32 i;

	jsonw_name(json, "data");
	/* Bypass the JSON writer: a packet may be longer than its buffer. */
	putchar('"');
	for (i = 0; i < pkt->caplen; i++) {
		putchar(digits[pkt->data[i] >> 4]);
		putchar(digits[pkt->data[i] & 0xf]);
	}
	putchar('"');
}

/**
 * show_json() - print a packet as a line of JSON
 * @dec: the packet
 * @show: with -x, -X or -A, print the bytes of the packet, too
 * @ifname: name of the packet's interface
 */
void show_json(const struct decoded *dec, const struct show *show, const char *ifname)
{
	json_writer_t *json = sample_json_begin("packet");
	const char *proto = decoded_proto(dec);

	jsonw_uint_field(json, "ts_ns", dec->pkt->ts_ns);
	jsonw_string_field(json, "ifname", ifname);
	jsonw_string_field(json, "direction", dec->pkt->outgoing ? "out" : "in");
	jsonw_uint_field(json, "len", dec->pkt->len);
	jsonw_uint_field(json, "caplen", dec->pkt->caplen);
	if (dec->l3)
		put_link(json, dec);
	if (dec->family)
		put_ip(json, dec);
	else if (proto)
		jsonw_string_field(json, "proto", proto);
	if (dec->bad)
		jsonw_string_field(json, "bad", dec->bad);
	if (dec->cut)
		jsonw_string_field(json, "cut", dec->cut);
	if (show->hex || show->hex_ascii || show->ascii)
		put_data(json, dec->pkt);
	sample_json_end(json);
}
