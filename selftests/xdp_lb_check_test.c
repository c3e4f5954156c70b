// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_check.c and xdp_lb_check_iface.c in the namespaces of
 * xdp_lb_netns.h: each thing that makes packets vanish is found, and named.
 */
/* First: the harness takes its ARRAY_SIZE. */
#include "sample.h"
#include "sample_fs.h"
#include <kselftest_harness.h>
#include <signal.h>
#include <sys/wait.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "xdp_lb_netlink.c"
#include "xdp_lb_neigh.c"
#include "xdp_lb_link.c"
#include "xdp_lb_nexthop.c"

/* No hardware is in a namespace: an interface can be said to be some. */
static const char *hardware;

static int test_link_read(struct lb_netlink *nl, unsigned int ifindex, int netns,
			  struct lb_link *link)
{
	int err = lb_link_read(nl, ifindex, netns, link);

	if (!err && hardware && !strcmp(link->name, hardware))
		*link->kind = '\0';
	return err;
}

/* How bpffs is found. */
static struct sample_fs_report bpffs;
const struct sample_fs sample_bpffs = { .dir = "/sys/fs/bpf" };

void sample_fs_look(const struct sample_fs *fs, struct sample_fs_report *report)
{
	*report = bpffs;
}

#define lb_link_read test_link_read
#include "xdp_lb_check.c"
#include "xdp_lb_check_iface.c"
#undef lb_link_read
#include "sample_clock.c"
#include "sample_net.c"
#include "test_root.h"
#include "xdp_lb_netns.h"
#include "xdp_lb_check_rows.h"

/* --- a configuration ---------------------------------------------------------- */

FIXTURE(host_check)
{
	struct netns ns;
	struct lb_conf conf;
	struct lb_vip_conf vips[2];
	struct lb_backend_conf backends[4];
	int xdp_link;
};

FIXTURE_SETUP(host_check)
{
	if (test_lacks(NEED_NETNS))
		SKIP(return, "%s", test_lacked);
	if (system("ip -V >/dev/null 2>&1"))
		SKIP(return, "ip is not installed");
	ASSERT_EQ(0, netns_setup(&self->ns));
	self->conf.vips = self->vips;
	self->conf.n_vips = 1;
	self->vips[0].backends = self->backends;
	snprintf(self->vips[0].name, LB_NAME_MAX, "web");
	self->vips[0].addr = addr_of("10.0.0.1");
	self->vips[0].port = 80;
	self->conf.n_ifnames = 1;
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "n0");
	snprintf(self->conf.ifnames[1], IF_NAMESIZE, "n1");
}

FIXTURE_TEARDOWN(host_check)
{
}

static void add_backend(struct _test_data_host_check *self, const char *addr)
{
	struct lb_backend_conf *backend = &self->backends[self->vips[0].n_backends++];

	backend->addr = addr_of(addr);
	snprintf(backend->name, LB_NAME_MAX, "b%u", self->vips[0].n_backends);
}

static int check(struct _test_data_host_check *self, enum lb_mode mode)
{
	int ret;

	memset(found, 0, sizeof(found));
	n_found = 0;
	ret = lb_host_check(&self->conf, mode, true);
	return ret == (int)counts[2] ? ret : -1;
}

static const char *chosen(struct _test_data_host_check *self)
{
	static char text[ROW_MAX];
	char why[ROW_MAX / 2];
	enum lb_mode mode = lb_choose_mode(&self->conf, why, sizeof(why));

	snprintf(text, sizeof(text), "%s: %s", lb_mode_name(mode), why);
	return text;
}

/* A program that passes everything, in native mode. */
static int attach_pass(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, NULL);

	return prog < 0 ? prog : bpf_link_create(prog, ifindex, BPF_XDP, &opts);
}

static int attach_at_peer(struct _test_data_host_check *self, const char *dev)
{
	int fd = -1;

	if (!setns(self->ns.peer, CLONE_NEWNET))
		fd = attach_pass(if_nametoindex(dev));
	return setns(self->ns.own, CLONE_NEWNET) ? -1 : fd;
}

static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- backends ----------------------------------------------------------------- */

TEST_F(host_check, good)
{
	add_backend(self, "10.0.0.2");
	EXPECT_EQ(0, check(self, LB_MODE_AUTO));
	EXPECT_TRUE(says("mode", "auto", "ok tc: n0 is a veth"));
	EXPECT_TRUE(says("interface n0", "link", "ok veth, up"));
	EXPECT_TRUE(says("source addresses", "ports", "ok 10.0.0.1: 1024 to 32767, outside"));
	EXPECT_TRUE(says("service web", "address", "ok 10.0.0.1: this host has it"));
	EXPECT_TRUE(says("service web", "b1", "ok 10.0.0.2 by n0, 02:00:00:00:00:02"));
	/* TC keeps checksums right, and needs nothing of the other end. */
	EXPECT_TRUE(says("interface n0", "tx checksum", ""));
	EXPECT_TRUE(says("interface n0", "other end", ""));
	EXPECT_TRUE(says("source addresses", "capacity",
			 "ok 31744 ports for IPv4: about 19046 connections"));
	EXPECT_TRUE(says("service web", "own source", ""));
	EXPECT_TRUE(says("pins", "bpffs", "ok mounted on /sys/fs/bpf"));
	EXPECT_EQ(7, counts[0]);
	EXPECT_EQ(0, counts[1]);
	/* Nothing is left behind. */
	EXPECT_NE(0, sh("ip neigh show nud all | grep -qE 'managed|proto'"));
}

TEST_F(host_check, backends)
{
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.9; "
			"ip route add blackhole 198.51.101.0/24"));
	add_backend(self, "10.0.0.7");
	add_backend(self, "10.0.1.1");
	add_backend(self, "198.51.100.1");
	add_backend(self, "198.51.101.1");
	EXPECT_EQ(3, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "b1", "warn 10.0.0.7 by n0: it has not answered in 1 s"));
	EXPECT_TRUE(says("service web", "b2", "fail 10.0.1.1 is an address of this host"));
	EXPECT_TRUE(says("service web", "b3",
			 "fail 198.51.100.1 by n0: the gateway has not answered"));
	EXPECT_TRUE(says("service web", "b4", "fail no route to 198.51.101.1"));
	EXPECT_EQ(0, n_errs);
}

TEST_F(host_check, no_ethernet)
{
	if (sh("ip tuntap add mode tun name tun0 2>/dev/null"))
		SKIP(return, "no tun devices here");
	ASSERT_EQ(0, sh("ip addr add 10.9.0.1/24 dev tun0 && ip link set tun0 up"));
	add_backend(self, "10.9.0.2");
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "tun0");
	EXPECT_EQ(2, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("interface tun0", "link", "fail tun without Ethernet header"));
	EXPECT_TRUE(says("service web", "b1", "fail the way to 10.9.0.2 has no Ethernet"));
}

TEST_F(host_check, replies)
{
	int forward;

	add_backend(self, "10.0.1.2");
	for (forward = LB_NAT; forward <= LB_IPIP; forward++) {
		self->vips[0].forward = forward;
		EXPECT_EQ(forward <= LB_DNAT, check(self, LB_MODE_TC));
		EXPECT_TRUE(says("interface n1", "replies",
				 forward <= LB_DNAT ? "fail of backends come in here" : ""));
	}
	self->vips[0].forward = LB_NAT;
	self->conf.n_ifnames = 2;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
}

/* The program is on a port of the bridge that the way leads out by. */
TEST_F(host_check, replies_below)
{
	if (sh("ip link add br0 type bridge 2>/dev/null"))
		SKIP(return, "this kernel has no bridge");
	ASSERT_EQ(0, sh("ip addr flush dev n0 && ip link set n0 master br0; "
			"ip link set br0 up && ip addr add 10.0.0.1/24 dev br0"));
	add_backend(self, "10.0.0.2");
	self->vips[0].forward = LB_DNAT;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("interface br0", "replies", ""));
	EXPECT_EQ(0, strncmp("tc: n0 is a veth", chosen(self), 16));
	hardware = "n0";
	EXPECT_STREQ("tc: backends are behind br0, which does not take packets from native XDP",
		     chosen(self));
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "br0");
	EXPECT_STREQ("tc: br0 is a bridge, which has no native XDP", chosen(self));
	EXPECT_EQ(kernel_tells(), check(self, LB_MODE_NATIVE));
	EXPECT_TRUE(says_native("interface br0", "fail the driver does not have it"));
}

TEST_F(host_check, tunnel_mtu)
{
	self->vips[0].forward = LB_IPIP;
	add_backend(self, "10.0.0.2");
	add_backend(self, "fd00:0::2");
	add_backend(self, "10.0.1.2");
	add_backend(self, "fd00:1::2");
	self->conf.n_ifnames = 2;
	ASSERT_EQ(0, sh("ip link set n1 mtu 1300"));
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "b1, MTU", "warn 1500: clients' packets above 1480"));
	EXPECT_TRUE(says("service web", "b2, MTU", "warn 1500: clients' packets above 1460"));
	EXPECT_TRUE(says("service web", "b3, MTU", "warn 1300: clients' packets above 1280"));
	EXPECT_TRUE(says("service web", "b4, MTU", "fail 1300 leaves 1260"));
	ASSERT_EQ(0, sh("ip link set n0 mtu 1540 && ip link set n1 mtu 1540"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "b1, MTU", "ok 1540: clients' packets of up to 1520"));
	EXPECT_TRUE(says("service web", "b2, MTU", "ok 1540: clients' packets of up to 1500"));
}

/* The one side takes more than the other. */
TEST_F(host_check, mtu)
{
	add_backend(self, "10.0.0.2");
	self->conf.n_ifnames = 2;
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("service web", "b1, MTU", ""));
	ASSERT_EQ(0, sh("ip link set n1 mtu 3000"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("service web", "b1, MTU",
			 "warn 1500, that of n1 is 3000: larger packets of clients are answered"));
	ASSERT_EQ(0, sh("ip link set n1 mtu 1400"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("service web", "b1, MTU",
			 "warn 1500, that of n1 is 1400: larger packets of the backend are"));
	self->vips[0].forward = LB_DSR;
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("service web", "b1, MTU", ""));
}

/* --- interfaces --------------------------------------------------------------- */

TEST_F(host_check, link)
{
	add_backend(self, "10.0.0.2");
	ASSERT_EQ(0, in_peer(&self->ns, "ip link set p0 down"));
	/* The kernel may take a second to tell. */
	ASSERT_EQ(0, sh("for i in $(seq 100); do ip link show n0 | grep -q NO-CARRIER && exit; "
			"sleep 0.1; done; exit 1"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "link", "warn veth, up, without carrier"));
	ASSERT_EQ(0, sh("ip link set n0 down"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "link", "fail veth, down"));
	ASSERT_EQ(0, sh("ip link del n0"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "interface", "fail there is no n0 here"));
	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "lo");
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface lo", "link", "ok loopback, up"));
	EXPECT_TRUE(says_native("interface lo", "fail the driver does not have it"));
}

TEST_F(host_check, native_veth)
{
	pid_t pid;

	add_backend(self, "10.0.0.2");
	EXPECT_EQ(1, check(self, LB_MODE_NATIVE));
	EXPECT_TRUE(says_native("interface n0", "ok the driver has it"));
	EXPECT_TRUE(says("interface n0", "other end", "fail p0 has no XDP program"));
	EXPECT_TRUE(says("interface n0", "tx checksum", "warn of the other end cannot be seen"));
	EXPECT_TRUE(says("interface n0", "redirect", ""));

	ASSERT_LE(0, attach_at_peer(self, "p0"));
	pid = netns_hold_peer(&self->ns);
	ASSERT_LT(0, pid);
	EXPECT_EQ(1, check(self, LB_MODE_NATIVE));
	EXPECT_TRUE(says("interface n0", "other end", "ok p0 has an XDP program"));
	EXPECT_TRUE(says("interface n0", "tx checksum", "fail p0, the other end, has it on"));
	EXPECT_EQ(1, check(self, LB_MODE_SKB));
	EXPECT_TRUE(says("interface n0", "tx checksum", "fail p0, the other end, has it on"));
	EXPECT_TRUE(says("interface n0", "other end", ""));
	if (!in_peer(&self->ns, "ethtool -K p0 tx off >/dev/null 2>&1")) {
		EXPECT_EQ(0, check(self, LB_MODE_NATIVE));
		EXPECT_TRUE(says("interface n0", "tx checksum", "ok p0, the other end, has it"));
	}
	let_go(pid);
}

TEST_F(host_check, native_mtu)
{
	add_backend(self, "10.0.0.2");
	ASSERT_EQ(0, sh("ip link set n0 mtu 9000"));
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n0", "MTU", "fail 9000: native XDP without fragments"));
	EXPECT_TRUE(says("interface n0", "MTU of other end", ""));
	ASSERT_EQ(0, sh("ip link set n0 mtu 1500"));
	ASSERT_EQ(0, in_peer(&self->ns, "ip link set p0 mtu 9000"));
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n0", "MTU", ""));
	EXPECT_TRUE(says("interface n0", "MTU of other end", "fail 9000"));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "MTU of other end", ""));
}

TEST_F(host_check, redirect)
{
	if (!kernel_tells())
		SKIP(return, "this kernel does not tell XDP features: it is before 6.3");
	add_backend(self, "10.0.1.2");
	self->conf.n_ifnames = 2;
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n1", "redirect", "fail the other end has neither"));
	EXPECT_TRUE(says("interface n1", "other end", "fail p1 has no XDP program"));
	check(self, LB_MODE_SKB);
	EXPECT_TRUE(says("interface n1", "redirect", ""));
	hardware = "n1";
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n1", "redirect", ""));
	self->conf.n_ifnames = 1;
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n1", "redirect", "fail the driver does not take packets"));
	hardware = NULL;
	self->conf.n_ifnames = 2;
	if (in_peer(&self->ns, "ethtool -K p1 gro on >/dev/null 2>&1"))
		SKIP(return, "ethtool is not installed");
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n1", "redirect", "ok the driver takes packets"));
	/* It goes through, but what is answered there does not. */
	EXPECT_TRUE(says("interface n1", "other end", "warn p1 has no XDP program"));
}

/* --- addresses ---------------------------------------------------------------- */

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

/* Each family that a backend has needs a source address. */
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

TEST_F(host_check, vip)
{
	add_backend(self, "10.0.0.2");
	self->vips[0].addr = addr_of("10.0.0.5");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "address",
			 "fail 10.0.0.5 is on the network of n0, but nobody answers ARP"));
	/* It was not looked for as a neighbour. */
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

/* The kernel chooses the address of the service to talk to the backends. */
TEST_F(host_check, own_source)
{
	struct lb_vip_conf *vip = &self->vips[0];

	ASSERT_EQ(0, sh("ip addr add fd00::100/128 dev n0 nodad;" WAIT_LOCAL6("fd00::100")));
	add_backend(self, "fd00::2");
	vip->addr = addr_of("fd00::100");
	vip->port = 80;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	vip->port = 0;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "warn fd00::100 is what this host sends"));
	vip->port = 80;
	vip->forward = LB_DSR;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "warn fd00::100 is what this host sends"));
	vip->check.type = LB_CHECK_TCP;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "fail fd00::100 is what this host sends"));
	/* The cure. */
	ASSERT_EQ(0, sh("ip -6 addr change fd00::100/128 dev n0 preferred_lft 0"));
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	EXPECT_TRUE(says("service web", "address", "ok fd00::100: this host has it"));
	/* IPv4 takes the address that was there first. */
	ASSERT_EQ(0, sh("ip addr add 10.0.0.100/32 dev n0"));
	vip->n_backends = 0;
	add_backend(self, "10.0.0.2");
	vip->addr = addr_of("10.0.0.100");
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", ""));
	vip->addr = addr_of("10.0.0.1");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("service web", "own source", "fail 10.0.0.1 is what this host sends"));
}

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

/* --- pins --------------------------------------------------------------------- */

TEST_F(host_check, bpffs)
{
	add_backend(self, "10.0.0.2");
	bpffs.state = SAMPLE_FS_ABSENT;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("pins", "bpffs", "ok not mounted: run mounts it on /sys/fs/bpf"));
	snprintf(bpffs.why, sizeof(bpffs.why), "not mounted, for a reason");
	snprintf(bpffs.cure, sizeof(bpffs.cure), "a cure");
	bpffs.state = SAMPLE_FS_UNABLE;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("pins", "bpffs", "fail not mounted, for a reason"));
	EXPECT_STREQ("a cure", found[0].field[4]);
	bpffs.state = SAMPLE_FS_HIDDEN;
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("pins", "bpffs", "fail not mounted, for a reason"));
}

/* --- the mode ----------------------------------------------------------------- */

TEST_F(host_check, choose_mode)
{
	add_backend(self, "10.0.0.2");
	self->conf.mode = LB_MODE_SKB;
	EXPECT_STREQ("skb: as configured", chosen(self));
	check(self, LB_MODE_SKB);
	EXPECT_TRUE(says("mode", "auto", ""));
	self->conf.mode = LB_MODE_AUTO;
	EXPECT_STREQ("tc: n0 is a veth: native XDP would cost checksum offload and GSO",
		     chosen(self));
	hardware = "n0";
	EXPECT_STREQ("native: frames come from a wire", chosen(self));
	/* One of two is enough. */
	self->conf.n_ifnames = 2;
	EXPECT_STREQ("tc: n1 is a veth: native XDP would cost checksum offload and GSO",
		     chosen(self));
	snprintf(self->conf.ifnames[1], IF_NAMESIZE, "lo");
	EXPECT_STREQ("tc: lo is a loopback, which has no native XDP", chosen(self));
	self->conf.n_ifnames = 1;
	if (!kernel_tells())
		SKIP(return, "this kernel does not tell XDP features: it is before 6.3");
	/* Backends behind another interface, which may take packets or not. */
	add_backend(self, "10.0.1.2");
	EXPECT_STREQ("tc: backends are behind n1, which does not take packets from native XDP",
		     chosen(self));
	ASSERT_LE(0, attach_at_peer(self, "p1"));
	EXPECT_STREQ("native: frames come from a wire", chosen(self));
}

TEST_F(host_check, choose_mode_virtual)
{
	static const char * const kinds[] = { "dummy", "bond", "vlan id 5", "macvlan", "ipvlan" };
	unsigned int i, n = 0;

	snprintf(self->conf.ifnames[0], IF_NAMESIZE, "v0");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (sh("ip link add %s v0 type %s 2>/dev/null", i >= 2 ? "link n0" : "", kinds[i]))
			continue;
		n++;
		EXPECT_EQ(0, strncmp("tc: v0 is a ", chosen(self), 12));
		ASSERT_EQ(0, sh("ip link del v0"));
	}
	if (!sh("ip tuntap add mode tap name v0 2>/dev/null")) {
		n++;
		EXPECT_STREQ("tc: v0 is a tun: native XDP would cost checksum offload and GSO",
			     chosen(self));
	}
	if (!n)
		SKIP(return, "this kernel has no such devices");
}

TEST_HARNESS_MAIN
