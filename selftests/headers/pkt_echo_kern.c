// SPDX-License-Identifier: GPL-2.0
/*
 * Runs include/pkt_echo.bpf.h for pkt_echo_test.c: keeps what it says of a
 * packet, and answers echo requests.
 */
#include <linux/bpf.h>
#include "pkt_echo.bpf.h"
#include "pkt_echo_test.h"

struct echo_found found;

SEC("xdp")
int echo_answer(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct ethhdr *eth = cur.pos;
	struct icmphdr *icmp;
	struct pkt_ip ip;

	__builtin_memset(&found, 0, sizeof(found));
	if (pkt_parse_ip(&cur, &ip) != PKT_OK)
		return XDP_PASS;
	icmp = pkt_echo(&cur, &ip);
	if (!icmp)
		return XDP_PASS;
	pkt_echo_event(&found.ev, &ip, icmp);
	found.request = 1;
	found.unicast = pkt_echo_unicast(eth, &found.ev);
	pkt_csum_apply(&icmp->checksum, pkt_echo_reply(eth, &ip, icmp));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
