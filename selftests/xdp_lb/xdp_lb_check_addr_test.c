// SPDX-License-Identifier: GPL-2.0
/* "xdp_lb check": addresses of services, and addresses that this host and nat send from. */
#include "xdp_lb_check_run.h"
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include "lib/opts.h"
#include "parts/xdp_lb/check/nft.h"
#include "parts/xdp_lb/check/ports.h"

TEST_F(host_check, snat)
{
	add_backend(self, "10.0.0.2");
	self->conf.n_snat = 1;
	self->conf.snat[0] = addr_of("10.0.0.240");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat",
			 "fail 10.0.0.240 is on the network of n0, but nobody answers ARP"));
	EXPECT_TRUE(says("source addresses", "ports", ""));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.240/32 dev n0"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "ok 10.0.0.240: this host has it"));
	ASSERT_EQ(0, sh("ip addr del 10.0.0.240/32 dev n0 && ip addr add 10.0.0.240/32 dev lo"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	self->conf.snat[0] = addr_of("192.0.2.9");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "warn 192.0.2.9 is not of this host"));
	ASSERT_EQ(0, sh("ip route add default via 10.0.0.2"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "warn 192.0.2.9 is not of this host"));
	self->conf.snat[0] = addr_of("10.0.1.1");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat",
			 "fail 10.0.1.1 is what this host sends from by n1"));
}

/* nat needs a source address of each family that a backend has. */
TEST_F(host_check, snat_family)
{
	add_backend(self, "fd00:0::2");
	self->conf.n_snat = 1;
	self->conf.snat[0] = addr_of("192.0.2.9");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "fail no IPv6 address for backends"));
	self->vips[0].forward = LB_DSR;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	self->vips[0].forward = LB_NAT;
	self->conf.n_snat = 0;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "ports", "ok fd00::1: "));
	ASSERT_EQ(0, sh("ip addr del fd00:0::1/64 dev n0 && ip -6 route add fd00:0::/64 dev n0"));
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "fail no IPv6 address for backends"));
}

TEST_F(host_check, tentative)
{
	add_backend(self, "fd00:0::2");
	ASSERT_EQ(0, sh("ip addr flush dev n0 scope global;"
			"echo 1 >/proc/sys/net/ipv6/conf/n0/accept_dad;"
			"echo 1 >/proc/sys/net/ipv6/conf/n0/dad_transmits;"
			"ip addr add fd00:0::7/64 dev n0"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "snat", "warn the address of n0 is tentative"));
}

TEST_F(host_check, vip)
{
	add_backend(self, "10.0.0.2");
	self->vips[0].addr = addr_of("10.0.0.5");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "address",
			 "fail 10.0.0.5 is on the network of n0, but nobody answers ARP"));
	/* The check has not tried to resolve that address. */
	EXPECT_NE(0, sh("ip neigh show nud all to 10.0.0.5 | grep -q ."));
	self->vips[0].addr = addr_of("fd00:0::5");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "address",
			 "fail fd00::5 is on the network of n0, but nobody answers neighbour"));
	self->vips[0].addr = addr_of("192.0.2.1");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "address", "warn 192.0.2.1 is not of this host"));
}

static int port_range(const char *range)
{
	return write_file("/proc/sys/net/ipv4/ip_local_port_range", range);
}

/* The kernel chooses the address of the service as the source towards the backends. */
TEST_F(host_check, own_source)
{
	struct lb_vip_conf *vip = &self->vips[0];

	ASSERT_EQ(0, sh("ip addr add fd00::100/128 dev n0 nodad;" WAIT_LOCAL6("fd00::100")));
	add_backend(self, "fd00::2");
	vip->addr = addr_of("fd00::100");
	vip->port = 80;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	vip->forward = LB_DSR;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "warn fd00::100 is what this host sends"));
	vip->check.type = LB_CHECK_TCP;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "fail fd00::100 is what this host sends"));
	/* The cure: the kernel does not choose a deprecated address. */
	ASSERT_EQ(0, sh("ip -6 addr change fd00::100/128 dev n0 preferred_lft 0"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	EXPECT_TRUE(says("service web", "address", "ok fd00::100: this host has it"));
	/* For IPv4, the kernel chooses the address that was there first. */
	ASSERT_EQ(0, sh("ip addr add 10.0.0.100/32 dev n0"));
	vip->n_backends = 0;
	add_backend(self, "10.0.0.2");
	vip->addr = addr_of("10.0.0.100");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	vip->addr = addr_of("10.0.0.1");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "fail 10.0.0.1 is what this host sends"));
	/* With nat, only a service of all ports takes the backends' answers to this host. */
	vip->forward = LB_NAT;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	vip->port = 0;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "any port", "fail 10.0.0.1 is what this host sends"));
	EXPECT_TRUE(says("service web", "own source", ""));
}

/* --- other instances ------------------------------------------------------------- */

/* Another instance: on n0, with a service at 10.0.0.9:8080, and nat from 10.0.0.8. */
static struct lb_vip_info service = { .name = "theirs", .key = { .proto = IPPROTO_TCP } };
static struct lb_instance beside = { .name = "lb1", .known = true, .mode = LB_MODE_TC,
				     .vips = &service, .n_vips = 1 };

static void add_beside(struct _test_data_host_check *self)
{
	add_backend(self, "10.0.0.2");
	self->vips[0].proto = IPPROTO_TCP;
	snprintf(self->conf.name, LB_NAME_MAX, "lb0");
	service.key.addr = addr_of("10.0.0.9");
	service.key.port = htons(8080);
	beside.conf.n_ifaces = 1;
	beside.conf.iface[0].ifindex = if_nametoindex("n0");
	beside.conf.n_snat = 1;
	beside.conf.snat[0] = (struct lb_ports) {
		.addr = addr_of("10.0.0.8"), .min = 1024, .max = 32767,
	};
	others.at = &beside;
	others.n = 1;
}

TEST_F(host_check, instances_beside)
{
	add_beside(self);
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "lb1", "ok tc, 1 service: nothing in common"));
	/* Tables of another version may mean something else: they are not compared. */
	beside.conf.snat[0].addr = addr_of("10.0.0.1");
	beside.known = false;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "lb1", "warn another version of this program"));
	beside.known = true;
	/* The instance itself is not another one. */
	snprintf(self->conf.name, LB_NAME_MAX, "lb1");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "lb1", ""));
}

TEST_F(host_check, instances_with_one_source)
{
	add_beside(self);
	beside.conf.snat[0].addr = addr_of("10.0.0.1");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "source",
			 "fail instance lb1: it sends from 10.0.0.1, too, and would give out"));
	EXPECT_TRUE(says("instances", "lb1", ""));
	self->vips[0].forward = LB_DSR;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	/* Even if that instance is on another interface: answers can come in by either one. */
	self->vips[0].forward = LB_NAT;
	beside.conf.iface[0].ifindex = 9999;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.240/32 dev n0"));
	self->conf.snat[0] = addr_of("10.0.0.240");
	self->conf.n_snat = 1;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	/* The other instance has a service there: at a port that nat may use, or at all ports. */
	service.key.addr = addr_of("10.0.0.240");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "source",
			 "fail instance lb1: its service theirs takes answers to port 8080 of"));
	service.key.port = 0;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	service.key.port = htons(80);
	EXPECT_EQ(0, check(self, LB_MODE_TC));
}

TEST_F(host_check, instances_with_one_service)
{
	struct lb_vip_conf *vip = &self->vips[0];

	add_beside(self);
	service.key.addr = vip->addr;
	service.key.port = htons(80);
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "service",
			 "fail instance lb1: its service theirs, tcp:10.0.0.1:80, takes"));
	vip->port = 81;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	/* A service of all ports also takes the answers to the ports that nat sends from. */
	service.key.port = 0;
	EXPECT_EQ(2, check(self, LB_MODE_TC));
	service.key.proto = IPPROTO_UDP;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	service.key.proto = IPPROTO_TCP;
	service.key.port = htons(81);
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	/* The other instance sees packets of another interface. */
	beside.conf.iface[0].ifindex = if_nametoindex("n1");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	self->conf.n_ifnames = 2;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	/* Our service is at the address to which the other instance gets its answers. */
	service.key.addr = addr_of("10.0.0.9");
	beside.conf.snat[0].addr = vip->addr;
	beside.conf.snat[0].min = 81;
	self->conf.n_snat = 1;
	self->conf.snat[0] = addr_of("192.0.2.9");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "service",
			 "fail instance lb1: it sends from 10.0.0.1, ports 81 to 32767: web"));
	/* Only services with nat get answers there. */
	service.forward = LB_DSR;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	service.forward = LB_NAT;
	vip->port = 80;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	vip->port = 32767;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	vip->port = 32768;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
}

TEST_F(host_check, instances_with_one_hook)
{
	static const struct {
		enum lb_mode theirs;
		enum lb_mode ours;
		bool clash;
	} cases[] = {
		{ LB_MODE_TC, LB_MODE_TC, false },
		{ LB_MODE_TC, LB_MODE_NATIVE, false },
		{ LB_MODE_NATIVE, LB_MODE_TC, false },
		{ LB_MODE_NATIVE, LB_MODE_NATIVE, true },
		{ LB_MODE_SKB, LB_MODE_NATIVE, true },
	};
	const char *want;
	unsigned int i;

	add_beside(self);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		beside.mode = cases[i].theirs;
		want = "";
		if (cases[i].clash)
			want = "fail instance lb1: in XDP, n0 has room for one program";
		check(self, cases[i].ours);
		EXPECT_TRUE(says("instances", "hook", want));
	}
}

/* The running instance sends from an address that is gone, and no process follows the change. */
TEST_F(host_check, source_is_gone)
{
	add_beside(self);
	snprintf(self->conf.name, LB_NAME_MAX, "lb1");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	beside.own_snat = 1;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("instances", "source", "fail 10.0.0.8, which it sends from, is gone"));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.8/32 dev lo"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
}

/* --- nftables -------------------------------------------------------------------- */

TEST_F(host_check, nftables)
{
	static const struct {
		const char *family;
		const char *rule;
		const char *says;
	} cases[] = {
		{ "ip", "masquerade", "warn masquerade in ip t c gives out ports of 10.0.0.1" },
		{ "inet", "oifname n0 masquerade", "warn masquerade in inet t c gives" },
		{ "ip6", "masquerade", "" },
		{ "ip", "meta l4proto tcp masquerade to :32768-65535", "" },
		{ "ip", "meta l4proto tcp masquerade to :32767-65535", "warn masquerade in ip" },
		{ "ip", "meta l4proto tcp masquerade to :1000", "" },
		{ "ip", "snat to 10.0.0.1", "warn snat in ip t c gives out ports of 10.0.0.1" },
		{ "inet", "ip protocol tcp snat ip to 10.0.0.1", "warn snat in ip t c" },
		{ "ip", "snat to 10.0.0.2", "" },
		{ "ip", "snat to 9.0.0.0-10.0.0.1", "warn snat in ip t c" },
		{ "ip", "ip protocol tcp snat to 10.0.0.1:40000-50000", "" },
		{ "ip", "snat to ip saddr map { 192.0.2.1 : 10.0.0.1 }", "warn snat in ip" },
		{ "ip", "accept", "" },
	};
	unsigned int i;

	if (!has_nft())
		SKIP(return, "no nft here, or no nat in nftables of this kernel");
	add_backend(self, "10.0.0.2");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, add_nft(cases[i].family, "postrouting", cases[i].rule))
			TH_LOG("%s", cases[i].rule);
		EXPECT_EQ(0, check(self, LB_MODE_TC));
		EXPECT_TRUE(says("source addresses", "nftables", cases[i].says))
			TH_LOG("%s", cases[i].rule);
		ASSERT_EQ(0, sh("nft flush ruleset"));
	}
	/* A constant that one rule has loaded must not be taken for one of the next rule. */
	ASSERT_EQ(0, add_nft("ip", "postrouting", "snat to 10.0.0.2"));
	ASSERT_EQ(0, sh("nft 'add rule ip t c snat to ip saddr map { 192.0.2.1 : 10.0.0.1 }'"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "nftables", "warn snat in ip t c"));
	ASSERT_EQ(0, sh("nft flush ruleset"));
	/* dnat changes destinations, and gives out no ports. */
	ASSERT_EQ(0, add_nft("ip", "prerouting", "dnat to 10.0.0.1"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "nftables", ""));
}

/* The host does not masquerade to an address that only nat uses. */
TEST_F(host_check, nftables_and_snat)
{
	if (!has_nft())
		SKIP(return, "no nft here, or no nat in nftables of this kernel");
	add_backend(self, "10.0.0.2");
	ASSERT_EQ(0, sh("ip addr add 10.0.0.240/32 dev n0"));
	self->conf.snat[0] = addr_of("10.0.0.240");
	self->conf.n_snat = 1;
	ASSERT_EQ(0, add_nft("ip", "postrouting", "masquerade"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "nftables", ""));
	ASSERT_EQ(0, sh("nft flush ruleset"));
	ASSERT_EQ(0, add_nft("ip", "postrouting", "snat to 10.0.0.240"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "nftables", "warn snat in ip t c"));
	/* Without nat, xdp_lb sends from no address. */
	self->vips[0].forward = LB_DSR;
	self->conf.n_snat = 0;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "nftables", ""));
}

static struct lb_nft_rule last_rule;

static void keep_rule(void *ctx, const struct lb_nft_rule *rule)
{
	last_rule = *rule;
}

/* A rule as iptables-nft writes it: a target of iptables in a rule of nftables. */
static const struct nlmsghdr *target_rule(char *buf, const char *target)
{
	struct nlmsghdr *nh = mnl_nlmsg_put_header(buf);
	struct nlattr *exprs, *elem, *data;
	struct nfgenmsg *gen;

	gen = mnl_nlmsg_put_extra_header(nh, sizeof(*gen));
	gen->nfgen_family = NFPROTO_IPV4;
	mnl_attr_put_strz(nh, NFTA_RULE_TABLE, "nat");
	mnl_attr_put_strz(nh, NFTA_RULE_CHAIN, "POSTROUTING");
	exprs = mnl_attr_nest_start(nh, NFTA_RULE_EXPRESSIONS);
	elem = mnl_attr_nest_start(nh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nh, NFTA_EXPR_NAME, "target");
	data = mnl_attr_nest_start(nh, NFTA_EXPR_DATA);
	mnl_attr_put_strz(nh, NFTA_TARGET_NAME, target);
	mnl_attr_nest_end(nh, data);
	mnl_attr_nest_end(nh, elem);
	mnl_attr_nest_end(nh, exprs);
	return nh;
}

/* The answer to requests to netfilter; NULL: the kernel answers. */
static const struct nlmsghdr *answer;

TEST_WRAPS(sample_netlink_open);
TEST_WRAPS(sample_netlink_ask);

/* If the test makes the answer, open rtnetlink, because not each kernel has netfilter. */
int __wrap_sample_netlink_open(struct sample_netlink *nl, int bus)
{
	return __real_sample_netlink_open(nl, answer ? NETLINK_ROUTE : bus);
}

int __wrap_sample_netlink_ask(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	return answer ? fn(answer, ctx) : __real_sample_netlink_ask(nl, fn, ctx);
}

static int read_target(const char *target)
{
	/* last_rule points into this buffer. */
	static char buf[512];
	int err;

	memset(buf, 0, sizeof(buf));
	answer = target_rule(buf, target);
	err = lb_nft_rules(keep_rule, NULL);
	answer = NULL;
	return err;
}

/* No iptables is needed: the test makes the message itself. */
TEST(nftables_of_iptables)
{
	struct lb_ports ports = { .addr = addr_of("10.0.0.1"), .min = 1024, .max = 32767 };
	char where[LB_NFT_TEXT];

	ASSERT_EQ(0, read_target("MASQUERADE"));
	EXPECT_TRUE(lb_nft_shares(&last_rule, &ports, true));
	EXPECT_FALSE(lb_nft_shares(&last_rule, &ports, false));
	EXPECT_STREQ("ip nat POSTROUTING", lb_nft_text(&last_rule, where));
	ASSERT_EQ(0, read_target("SNAT"));
	EXPECT_TRUE(lb_nft_shares(&last_rule, &ports, false));
	last_rule.family = NFPROTO_UNSPEC;
	ASSERT_EQ(0, read_target("DNAT"));
	EXPECT_EQ(NFPROTO_UNSPEC, last_rule.family);
}

/* Rules of iptables-legacy cannot be read. All that can be seen is that there are some. */
TEST_F(host_check, iptables)
{
	add_backend(self, "10.0.0.2");
	iptables_names = "mangle\nnat\nfilter\n";
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "iptables", "warn iptables-legacy has a table nat"));
	iptables_names = "mangle\nnatural\n";
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "iptables", ""));
	iptables_names = "nat\n";
	ASSERT_EQ(0, sh("ip addr add 10.0.0.240/32 dev n0"));
	self->conf.snat[0] = addr_of("10.0.0.240");
	self->conf.n_snat = 1;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("source addresses", "iptables", ""));
}

/* --- what would cut this host off ------------------------------------------------ */

/* The server's end of the SSH session is 10.0.0.1, port 22. */
TEST_F(host_check, ssh)
{
	struct lb_vip_conf *vip = &self->vips[0];

	add_backend(self, "10.0.0.2");
	setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.1 22", 1);
	vip->proto = IPPROTO_TCP;
	vip->port = 80;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "SSH", ""));
	EXPECT_EQ(0, lb_guard(&self->conf));
	vip->port = 22;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "SSH", "fail this SSH session comes in there"));
	EXPECT_EQ(-EPERM, lb_guard(&self->conf));
	EXPECT_NE(NULL, strstr(last_err, "to n0: this SSH session comes in there, and the "));
	EXPECT_EQ(1, n_hints);
	sample.force = true;
	EXPECT_EQ(0, lb_guard(&self->conf));
	sample.force = false;
	vip->port = 0;
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("service web", "SSH", "fail this SSH session comes in there"));
	vip->port = 22;
	/* The second one of two services takes the session's packets. */
	self->vips[1] = *vip;
	vip->port = 80;
	self->conf.n_vips = 2;
	EXPECT_EQ(-EPERM, lb_guard(&self->conf));
	self->conf.n_vips = 1;
	vip->port = 22;
	/* Another protocol, another address, another interface. */
	vip->proto = IPPROTO_UDP;
	EXPECT_EQ(0, lb_guard(&self->conf));
	vip->proto = IPPROTO_TCP;
	vip->addr = addr_of("10.0.1.1");
	EXPECT_EQ(0, lb_guard(&self->conf));
	vip->addr = addr_of("10.0.0.1");
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "n1");
	EXPECT_EQ(0, lb_guard(&self->conf));
	self->conf.n_ifnames = 2;
	snprintf(self->conf.ifnames[1], IF_NAMESIZE, "n0");
	EXPECT_EQ(-EPERM, lb_guard(&self->conf));
	setenv("SSH_CONNECTION", "fd00:0::9 50000 fd00::1%n0 2222", 1);
	EXPECT_EQ(0, lb_guard(&self->conf));
	vip->addr = addr_of("fd00::1");
	vip->port = 2222;
	EXPECT_EQ(-EPERM, lb_guard(&self->conf));
	unsetenv("SSH_CONNECTION");
}

/* A service of all ports takes the answers to what this host sends from that address. */
TEST_F(host_check, any_port)
{
	struct lb_vip_conf *vip = &self->vips[0];
	int forward;

	add_backend(self, "10.0.0.2");
	vip->proto = IPPROTO_UDP;
	for (forward = LB_NAT; forward <= LB_IPIP; forward++) {
		vip->forward = forward;
		vip->addr = addr_of("10.0.0.1");
		vip->port = 0;
		EXPECT_EQ(1, check(self, LB_MODE_TC));
		EXPECT_TRUE(says("service web", "any port",
				 "fail 10.0.0.1 is what this host sends from by n0"));
		EXPECT_EQ(-EPERM, lb_guard(&self->conf));
		vip->port = 53;
		EXPECT_EQ(0, lb_guard(&self->conf));
		/* An address that this host does not choose by itself. */
		sh("ip addr add 10.0.0.100/32 dev n0 2>/dev/null || :");
		vip->addr = addr_of("10.0.0.100");
		vip->port = 0;
		EXPECT_EQ(0, check(self, LB_MODE_TC));
		EXPECT_TRUE(says("service web", "any port", ""));
		EXPECT_EQ(0, lb_guard(&self->conf));
	}
	EXPECT_NE(NULL, strstr(last_err, "to n0: this host sends from 10.0.0.1, and the "));
}

/* --- ports of the own address ---------------------------------------------------- */

TEST_F(host_check, ports)
{
	static const struct {
		const char *range;
		int err;
		__u16 min;
		__u16 max;
	} cases[] = {
		{ "32768 60999", 0, 1024, 32767 },
		{ "10000 20000", 0, 20001, 65535 },
		{ "2048 65535", 0, 1024, 2047 },
		{ "2047 65535", -ENOSPC, 1024, 2046 },
		{ "1024 64511", 0, 64512, 65535 },
		{ "1024 64512", -ENOSPC, 64513, 65535 },
		{ "1 65535", -ENOSPC, 0, 0 },
	};
	const char *ok = "ok 10.0.0.1: ", *want;
	struct lb_addr addr = addr_of("10.0.0.1");
	unsigned int i, n_bad = 0;
	__u16 min, max;

	add_backend(self, "10.0.0.2");
	write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, port_range(cases[i].range));
		EXPECT_EQ(cases[i].err, lb_snat_ports(&addr, true, &min, &max))
			TH_LOG("%s", cases[i].range);
		n_bad += !!cases[i].err;
		EXPECT_EQ(n_bad, n_errs);
		EXPECT_EQ(n_bad, n_hints);
		if (cases[i].min) {
			EXPECT_EQ(cases[i].min, min);
			EXPECT_EQ(cases[i].max, max);
		}
		EXPECT_EQ(!!cases[i].err, check(self, LB_MODE_TC));
		want = ok;
		if (cases[i].err)
			want = "fail 10.0.0.1: net.ipv4";
		EXPECT_TRUE(says("source addresses", "ports", want));
		EXPECT_EQ(0, lb_snat_ports(&addr, false, &min, &max));
		EXPECT_EQ(1024, min);
		EXPECT_EQ(65535, max);
	}
	EXPECT_NE(NULL, strstr(last_err, "of 10.0.0.1: net.ipv4.ip_local_port_range, 1 to 65535"));
}

TEST_HARNESS_MAIN
