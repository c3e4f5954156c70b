// SPDX-License-Identifier: GPL-2.0
/* Rows about attaching to interfaces, tried in a network namespace of our own. */
#include <sched.h>
#include <sys/socket.h>

#include <linux/if_link.h>

#include "probe.h"

/* Load a program, and attach it at HOOK of IFINDEX by a link. Returns the link's fd. */
static int make_link(enum bpf_prog_type type, enum bpf_attach_type hook, int ifindex,
		     __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int prog = load_ret(type, 0, NULL);
	int fd;

	if (prog < 0)
		return prog;
	fd = bpf_link_create(prog, ifindex, hook, &opts);
	close(prog);
	return fd;
}

/* Attach in MODE, and check that the kernel reports the program in MODE. */
static int try_xdp(int ifindex, enum xdp_mode mode)
{
	struct link link;
	int fd, err;

	fd = make_link(BPF_PROG_TYPE_XDP, BPF_XDP, ifindex,
		       mode == XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	if (fd < 0)
		return fd;
	err = get_link(&link, ifindex, -1);
	if (!err && !link.xdp[mode])
		err = -ENODATA;
	close(fd);
	return err;
}

static void probe_xdp(int veth)
{
	static const char good[] = "link made on a veth", old[] = "run kernel 5.9 or later";
	int lo = if_nametoindex("lo");
	char lab[256];

	snprintf(lab, sizeof(lab), "use the lab: %s up", from_env("NETBPF_LAB", "scripts/lab.sh"));
	result("attach XDP native", try_xdp(veth, XDP_NATIVE), FAIL, old, good,
	       "no link on a veth: %m");
	result("attach XDP generic", try_xdp(veth, XDP_GENERIC), FAIL, old, good,
	       "no link on a veth: %m");
	result("attach XDP on lo", try_xdp(lo, XDP_GENERIC), WARN,
	       lab, try_xdp(lo, XDP_NATIVE) ?
	       "generic mode only, as on every kernel: lo has no native mode" :
	       "generic mode and native mode", "no link on lo: %m");
}

static int try_tcx(int ifindex)
{
	int fd = make_link(BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS, ifindex, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int try_clsact(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts);
	int err;

	opts.prog_fd = load_ret(BPF_PROG_TYPE_SCHED_CLS, 0, NULL);
	if (opts.prog_fd < 0)
		return opts.prog_fd;
	err = bpf_tc_hook_create(&hook);
	if (!err)
		err = bpf_tc_attach(&hook, &opts);
	close(opts.prog_fd);
	return err;		/* qdisc and filter end with the namespace */
}

/* TC samples need only one of tcx and clsact: it is a failure if both are missing. */
static void probe_tc(int veth)
{
	int tcx = try_tcx(veth);
	int clsact = try_clsact(veth);

	result("attach tcx", tcx, clsact ? FAIL : WARN,
	       clsact ? "run kernel 6.6 or later" : "none needed", "link made on a veth",
	       "no link (%m)%s", clsact ? "" : ": TC samples will use clsact");
	result("attach clsact", clsact, tcx ? FAIL : WARN,
	       tcx ? "modprobe -a sch_ingress cls_bpf" : "none needed",
	       "qdisc and filter made on a veth",
	       "no filter (%m)%s", tcx ? "" : ": TC samples will use tcx");
}

static void probe_socket(void)
{
	int prog = load_ret(BPF_PROG_TYPE_SOCKET_FILTER, 0, NULL);
	int sk, err = 0;

	if (prog < 0)
		return;		/* probe_types() has reported it */
	rows_need(SAMPLE_NEED_PACKETS);
	sk = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sk < 0)
		err = -errno;
	else if (setsockopt(sk, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)))
		err = -errno;
	result("attach socket filter", err, FAIL, "modprobe af_packet",
	       "attached to a packet socket", "%s: %m", sk < 0 ? "no packet socket" : "refused");
	if (sk >= 0)
		close(sk);
	close(prog);
}

void probe_attach(void)
{
	int veth;

	rows_need(SAMPLE_NEED_ADMIN);
	if (!result("network namespace", unshare(CLONE_NEWNET) ? -errno : 0, FAIL,
		    "run a kernel with CONFIG_NET_NS=y", "made one",
		    "cannot make one (%m): no lab, and attach kinds not probed"))
		return;
	probe_socket();
	rows_need(SAMPLE_NEED_NETLINK);
	if (!result("veth", add_veth("doctor0"), FAIL, "modprobe veth", "made a pair",
		    "cannot make a pair (%m): no lab, and attach kinds not probed"))
		return;
	veth = if_nametoindex("doctor0");
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_NET | SAMPLE_NEED_NETLINK);
	probe_xdp(veth);
	probe_tc(veth);
}
