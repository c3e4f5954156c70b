// SPDX-License-Identifier: GPL-2.0
/* "xdp_lb check": interfaces, modes, backends, pins. */
#include "xdp_lb_check_run.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>

static const char *chosen(struct _test_data_host_check *self)
{
	static char text[LB_ROW_MAX];
	char why[LB_ROW_MAX / 2];
	enum lb_mode mode = lb_choose_mode(&self->conf, why, sizeof(why));

	snprintf(text, sizeof(text), "%s: %s", lb_mode_name(mode), why);
	return text;
}

/* Load a program that does nothing but return @verdict. */
static int load_pass(enum bpf_prog_type type, const char *name, int verdict)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, name, "GPL", insns, 2, NULL);
}

/* Attach a program that does nothing to XDP, in native mode; returns the link. */
static int attach_pass(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int prog = load_pass(BPF_PROG_TYPE_XDP, "pass", XDP_PASS);

	return prog < 0 ? prog : bpf_link_create(prog, ifindex, BPF_XDP, &opts);
}

/* Returns the link; -EINVAL if this kernel has no tcx. */
static int attach_tc(const char *name, unsigned int ifindex)
{
	int prog = load_pass(BPF_PROG_TYPE_SCHED_CLS, name, TC_ACT_UNSPEC);

	return prog < 0 ? prog : bpf_link_create(prog, ifindex, BPF_TCX_INGRESS, NULL);
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
	/* TC keeps checksums right, and needs nothing of the veth's peer. */
	EXPECT_TRUE(says("interface n0", "tx checksum", ""));
	EXPECT_TRUE(says("interface n0", "other end", ""));
	EXPECT_TRUE(says("source addresses", "capacity",
			 "ok 31744 ports for IPv4: about 19046 connections"));
	EXPECT_TRUE(says("service web", "own source", ""));
	EXPECT_TRUE(says("pins", "bpffs", "ok mounted on /sys/fs/bpf"));
	EXPECT_EQ(7, counts[0]);
	EXPECT_EQ(0, counts[1]);
	/* The check leaves no neighbour entry behind. */
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

/* If the table has no room, the check resolves no address: that would push out other entries. */
TEST_F(host_check, room)
{
	add_backend(self, "10.0.0.7");
	add_backend(self, "10.0.0.8");
	test_table = (struct lb_neigh_table) { .entries = 5, .most = 1 };
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("backends", "neighbours", "fail 2, and the kernel's table, of all"));
	EXPECT_TRUE(says("service web", "b1", ""));
	EXPECT_NE(0, sh("ip neigh show nud all | grep -q '10.0.0.[78]'"));
	/* Each family has a table of its own. */
	self->backends[0].addr = addr_of("fd00::7");
	self->backends[1].addr = addr_of("fd00::8");
	EXPECT_EQ(1, check(self, LB_MODE_TC));
	EXPECT_NE(NULL, strstr(finding("backends", "neighbours"), "gc_thresh3 of IPv6"));
	EXPECT_TRUE(says("service web", "b1", ""));
	self->backends[0].addr = addr_of("10.0.0.7");
	self->backends[1].addr = addr_of("10.0.0.8");
	test_table.most = 6;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("backends", "neighbours", "warn 2, beside 5 of others, and the kernel's"));
	test_table.most = 100;
	EXPECT_EQ(0, check(self, LB_MODE_TC));
	EXPECT_TRUE(says("backends", "neighbours", ""));
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

/* The route leads out by a bridge, and the program is attached to a port of that bridge. */
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

/* One interface has a larger MTU than the other. */
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

/* Programs of others that see packets before ours does. */
TEST_F(host_check, other_programs)
{
	unsigned int ifindex = if_nametoindex("n0");
	int link;

	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	add_backend(self, "10.0.0.2");
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "other programs", ""));
	self->xdp_link = attach_pass(ifindex);
	ASSERT_LE(0, self->xdp_link);
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "other programs", "warn in XDP: pass: packets that"));
	check(self, LB_MODE_NATIVE);
	EXPECT_TRUE(says("interface n0", "other programs", ""));
	close(self->xdp_link);

	link = attach_tc("first", ifindex);
	if (link == -EINVAL)
		return;
	ASSERT_LE(0, link);
	ASSERT_LE(0, attach_tc("second", ifindex));
	ASSERT_LE(0, attach_tc("tc_lb", ifindex));
	ASSERT_LE(0, attach_tc("behind", ifindex));
	check(self, LB_MODE_TC);
	EXPECT_TRUE(says("interface n0", "other programs",
			 "warn in TC: first, second: packets that"));
}

TEST_F(host_check, link)
{
	add_backend(self, "10.0.0.2");
	ASSERT_EQ(0, in_peer(&self->ns, "ip link set p0 down"));
	/* The kernel may take a second to report that the carrier is gone. */
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
	/* What is redirected to n1 gets through, but answers that n1 itself sends back do not. */
	EXPECT_TRUE(says("interface n1", "other end", "warn p1 has no XDP program"));
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
	/* One virtual interface of two is enough for TC. */
	self->conf.n_ifnames = 2;
	EXPECT_STREQ("tc: n1 is a veth: native XDP would cost checksum offload and GSO",
		     chosen(self));
	snprintf(self->conf.ifnames[1], IF_NAMESIZE, "lo");
	EXPECT_STREQ("tc: lo is a loopback, which has no native XDP", chosen(self));
	self->conf.n_ifnames = 1;
	if (!kernel_tells())
		SKIP(return, "this kernel does not tell XDP features: it is before 6.3");
	/* Backends behind another interface, which may take redirected packets or not. */
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
