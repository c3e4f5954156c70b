// SPDX-License-Identifier: GPL-2.0
/*
 * Rules of nftables that give out ports of this host's addresses, as LB_NAT does:
 * "masquerade" and "snat". What a rule matches is not looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/types.h>
#include <stdbool.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/check/nft.h"
#include "parts/xdp_lb/check/ports.h"

enum {
	REGISTERS = NFT_REG32_15 + 1,
};

/**
 * struct reader - a rule, as far as it has been read
 * @fn: takes the rules
 * @ctx: handed to it
 * @known: the value of a register is in @value
 * @value: of registers, addresses and ports in network byte order
 */
struct reader {
	lb_nft_fn *fn;
	void *ctx;
	bool known[REGISTERS];
	__u8 value[REGISTERS][16];
};

static __u32 be32_of(const struct nlattr *attr)
{
	__be32 value = 0;

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return ntohl(value);
}

static const char *text_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_str(attr) : "";
}

/* --- expressions -------------------------------------------------------------------------- */

static void read_immediate(struct reader *r, const struct nlattr *data)
{
	const struct nlattr *attrs[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1];
	unsigned int reg;
	size_t len;

	sample_netlink_nested(data, attrs, NFTA_IMMEDIATE_MAX + 1);
	sample_netlink_nested(attrs[NFTA_IMMEDIATE_DATA], value, NFTA_DATA_MAX + 1);
	reg = be32_of(attrs[NFTA_IMMEDIATE_DREG]);
	if (reg >= REGISTERS || !value[NFTA_DATA_VALUE])
		return;
	len = mnl_attr_get_payload_len(value[NFTA_DATA_VALUE]);
	if (len > sizeof(r->value[reg]))
		return;
	memset(r->value[reg], 0, sizeof(r->value[reg]));
	memcpy(r->value[reg], mnl_attr_get_payload(value[NFTA_DATA_VALUE]), len);
	r->known[reg] = true;
}

/* Of a register that something else than a constant was loaded to, nothing is known. */
static const __u8 *value_of(const struct reader *r, const struct nlattr *attr)
{
	__u32 reg = be32_of(attr);

	return attr && reg < REGISTERS && r->known[reg] ? r->value[reg] : NULL;
}

static void read_ports(const struct reader *r, const struct nlattr *min, const struct nlattr *max,
		       struct lb_nft_rule *rule)
{
	const __u8 *first = value_of(r, min), *last = value_of(r, max ?: min);

	rule->min = LB_PORTS_FIRST;
	rule->max = LB_PORTS_LAST;
	if (!first || !last)
		return;
	rule->min = first[0] << 8 | first[1];
	rule->max = last[0] << 8 | last[1];
}

static void read_masq(const struct reader *r, const struct nlattr *data, struct lb_nft_rule *rule)
{
	const struct nlattr *attrs[NFTA_MASQ_MAX + 1];

	sample_netlink_nested(data, attrs, NFTA_MASQ_MAX + 1);
	rule->masquerade = true;
	read_ports(r, attrs[NFTA_MASQ_REG_PROTO_MIN], attrs[NFTA_MASQ_REG_PROTO_MAX], rule);
	r->fn(r->ctx, rule);
}

static void read_nat(const struct reader *r, const struct nlattr *data, struct lb_nft_rule *rule)
{
	const struct nlattr *attrs[NFTA_NAT_MAX + 1];
	const __u8 *first, *last;
	size_t len;

	sample_netlink_nested(data, attrs, NFTA_NAT_MAX + 1);
	if (be32_of(attrs[NFTA_NAT_TYPE]) != NFT_NAT_SNAT)
		return;
	/* In a table of family "inet" the rule tells the address family. */
	if (rule->family == NFPROTO_INET)
		rule->family = be32_of(attrs[NFTA_NAT_FAMILY]);
	len = rule->family == NFPROTO_IPV4 ? 4 : 16;
	first = value_of(r, attrs[NFTA_NAT_REG_ADDR_MIN]);
	last = value_of(r, attrs[NFTA_NAT_REG_ADDR_MAX] ?: attrs[NFTA_NAT_REG_ADDR_MIN]);
	rule->has_addr = first && last && !lb_addr_take(&rule->first, first, len) &&
			 !lb_addr_take(&rule->last, last, len);
	read_ports(r, attrs[NFTA_NAT_REG_PROTO_MIN], attrs[NFTA_NAT_REG_PROTO_MAX], rule);
	r->fn(r->ctx, rule);
}

/* Of iptables, as iptables-nft writes it. */
static void read_target(const struct reader *r, const struct nlattr *data,
			struct lb_nft_rule *rule)
{
	const struct nlattr *attrs[NFTA_TARGET_MAX + 1];
	const char *name;

	sample_netlink_nested(data, attrs, NFTA_TARGET_MAX + 1);
	name = text_of(attrs[NFTA_TARGET_NAME]);
	rule->masquerade = !strcmp(name, "MASQUERADE");
	if (!rule->masquerade && strcmp(name, "SNAT"))
		return;
	read_ports(r, NULL, NULL, rule);
	r->fn(r->ctx, rule);
}

static void read_expr(struct reader *r, const struct nlattr *expr, struct lb_nft_rule *rule)
{
	const struct nlattr *attrs[NFTA_EXPR_MAX + 1], *data;
	const char *name;

	sample_netlink_nested(expr, attrs, NFTA_EXPR_MAX + 1);
	name = text_of(attrs[NFTA_EXPR_NAME]);
	data = attrs[NFTA_EXPR_DATA];
	if (!strcmp(name, "immediate"))
		read_immediate(r, data);
	else if (!strcmp(name, "masq"))
		read_masq(r, data, rule);
	else if (!strcmp(name, "nat"))
		read_nat(r, data, rule);
	else if (!strcmp(name, "target"))
		read_target(r, data, rule);
}

/* --- rules -------------------------------------------------------------------------------- */

static int on_rule(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1], *expr;
	struct lb_nft_rule rule = {};
	struct reader *r = ctx;

	if (!nh)
		return 0;
	memset(r->known, 0, sizeof(r->known));
	sample_netlink_attrs(nh, sizeof(struct nfgenmsg), attrs, NFTA_RULE_MAX + 1);
	rule.family = ((struct nfgenmsg *)mnl_nlmsg_get_payload(nh))->nfgen_family;
	rule.table = text_of(attrs[NFTA_RULE_TABLE]);
	rule.chain = text_of(attrs[NFTA_RULE_CHAIN]);
	if (!attrs[NFTA_RULE_EXPRESSIONS])
		return 0;
	mnl_attr_for_each_nested(expr, attrs[NFTA_RULE_EXPRESSIONS])
		read_expr(r, expr, &rule);
	return 0;
}

/**
 * lb_nft_rules() - the rules that give out ports of addresses of this host
 * @fn: called for each; for one twice if the rules change meanwhile
 * @ctx: handed to @fn
 *
 * Return: 0, -EPERM: without CAP_NET_ADMIN they cannot be seen, or another negative
 * errno: this kernel has no nftables.
 */
int lb_nft_rules(lb_nft_fn *fn, void *ctx)
{
	struct nfgenmsg gen = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	struct reader r = { .fn = fn, .ctx = ctx };
	struct sample_netlink nl;
	int err;

	err = sample_netlink_open(&nl, NETLINK_NETFILTER);
	if (err)
		return err;
	sample_netlink_start(&nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP, &gen,
			     sizeof(gen));
	err = sample_netlink_ask(&nl, on_rule, &r);
	sample_netlink_close(&nl);
	return err;
}

/* --- what they have in common with us ------------------------------------------------------ */

/* In network byte order, addresses are in the order of their bytes. */
static bool covers(const struct lb_nft_rule *rule, const struct lb_addr *addr)
{
	return memcmp(&rule->first, addr, sizeof(*addr)) <= 0 &&
	       memcmp(&rule->last, addr, sizeof(*addr)) >= 0;
}

static bool of_family(const struct lb_nft_rule *rule, const struct lb_addr *addr)
{
	bool is4 = lb_addr_family(addr) == AF_INET;

	return rule->family == NFPROTO_INET ||
	       rule->family == (is4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

/**
 * lb_nft_shares() - a rule may give out a port of an address that LB_NAT gives out
 * @rule: the rule
 * @ports: what LB_NAT has
 * @own: the host sends from that address: "masquerade" may take it
 *
 * Return: true if so.
 */
bool lb_nft_shares(const struct lb_nft_rule *rule, const struct lb_ports *ports, bool own)
{
	if (!of_family(rule, &ports->addr) || rule->min > ports->max || rule->max < ports->min)
		return false;
	if (rule->masquerade)
		return own;
	return !rule->has_addr || covers(rule, &ports->addr);
}

/**
 * lb_nft_text() - where a rule is, as nft takes it
 * @rule: the rule
 * @buf: takes it: "ip nat postrouting"
 *
 * Return: @buf.
 */
const char *lb_nft_text(const struct lb_nft_rule *rule, char buf[LB_NFT_TEXT])
{
	const char *family = "inet";

	if (rule->family == NFPROTO_IPV4)
		family = "ip";
	else if (rule->family == NFPROTO_IPV6)
		family = "ip6";
	snprintf(buf, LB_NFT_TEXT, "%s %.32s %.32s", family, rule->table, rule->chain);
	return buf;
}

/**
 * lb_iptables_has_nat() - there are rules that only iptables-legacy knows
 * @family: AF_INET, AF_INET6
 *
 * Return: true if it has a table "nat", whose rules are not among lb_nft_rules().
 */
bool lb_iptables_has_nat(int family)
{
	FILE *f = fopen(family == AF_INET ? "/proc/net/ip_tables_names" :
			"/proc/net/ip6_tables_names", "re");
	char name[64];
	bool has = false;

	while (f && !has && fscanf(f, "%63s", name) == 1)
		has = !strcmp(name, "nat");
	if (f)
		fclose(f);
	return has;
}
