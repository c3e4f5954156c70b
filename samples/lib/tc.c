// SPDX-License-Identifier: GPL-2.0
/*
 * Attach TC programs to interfaces, in one of two ways. With tcx, a bpf_link holds the program,
 * and the kernel detaches it when this process ends. With clsact, the program is a filter of the
 * clsact qdisc, which this process must remove. Programs, filters and qdiscs of others stay.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/netlink.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/tc.h"
#include "lib/xdp.h"

/* --- the clsact qdisc ---------------------------------------------------------- */

static __u32 parent_of(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static enum bpf_tc_attach_point point_of(bool egress)
{
	return egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static const char *string_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_str(attr) : "";
}

struct qdisc {
	unsigned int ifindex;
	bool found;
	bool is_clsact;
};

/* An interface has either clsact or the older ingress qdisc: both have the parent TC_H_CLSACT. */
static int on_qdisc(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[TCA_MAX + 1];
	struct qdisc *qdisc = ctx;
	const struct tcmsg *tc;

	if (!nh) {
		qdisc->found = false;
		return 0;
	}
	tc = mnl_nlmsg_get_payload(nh);
	if (tc->tcm_ifindex != (int)qdisc->ifindex || tc->tcm_parent != TC_H_CLSACT)
		return 0;
	sample_netlink_attrs(nh, sizeof(*tc), attrs, TCA_MAX + 1);
	qdisc->found = true;
	qdisc->is_clsact = !strcmp(string_of(attrs[TCA_KIND]), "clsact");
	return 0;
}

static int find_qdisc(struct qdisc *qdisc)
{
	const struct tcmsg tc = {};

	return sample_netlink_dump(RTM_GETQDISC, &tc, sizeof(tc), on_qdisc, qdisc);
}

static int dump_filters(unsigned int ifindex, bool egress, sample_netlink_fn *fn, void *ctx)
{
	const struct tcmsg tc = { .tcm_ifindex = ifindex, .tcm_parent = parent_of(egress) };

	return sample_netlink_dump(RTM_GETTFILTER, &tc, sizeof(tc), fn, ctx);
}

static int count_filter(const struct nlmsghdr *nh, void *ctx)
{
	*(unsigned int *)ctx = nh ? *(unsigned int *)ctx + 1 : 0;
	return 0;
}

static bool qdisc_is_empty(unsigned int ifindex)
{
	unsigned int n[2] = {};

	return !dump_filters(ifindex, false, count_filter, &n[0]) &&
	       !dump_filters(ifindex, true, count_filter, &n[1]) && !n[0] && !n[1];
}

/* Make the clsact qdisc, unless there is one. Silence libbpf, which warns if there is. */
static int make_qdisc(unsigned int ifindex, bool *made)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int err;

	err = bpf_tc_hook_create(&hook);
	libbpf_set_print(print);
	*made = !err;
	return err == -EEXIST ? 0 : err;
}

static void remove_qdisc(const struct sample_tc_at *at)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = at->ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct qdisc qdisc = { .ifindex = at->ifindex };

	if (!at->made_qdisc || find_qdisc(&qdisc) || !qdisc.found || !qdisc.is_clsact)
		return;
	if (!qdisc_is_empty(at->ifindex)) {
		pr_info("%s: the clsact qdisc stays, there are other filters in it", at->ifname);
		return;
	}
	bpf_tc_hook_destroy(&hook);
}

/* --- filters that a killed process has left behind ------------------------------- */

struct leftovers {
	const struct sample_tc_at *at;
	const char *prog_name;
	bool egress;
};

static void tell_leftover(const struct leftovers *left, const struct tcmsg *tc, __u32 prog_id)
{
	const char *ns = sample.netns ? sample.netns : "";

	if (sample.quiet)
		return;
	pr_info("%s: a filter that a killed %s left is still at work (%s, program id %u)",
		left->at->ifname, sample_called_name(), left->egress ? "egress" : "ingress",
		prog_id);
	pr_hint("%s%s%s%stc filter del dev %s %s pref %u handle 0x%x bpf",
		*ns ? "nsenter --net=" : "", *ns && !strchr(ns, '/') ? "/run/netns/" : "", ns,
		*ns ? " " : "", left->at->ifname, left->egress ? "egress" : "ingress",
		tc->tcm_info >> 16, tc->tcm_handle);
}

/*
 * libbpf names a filter "PROGRAM:[ID]". If no process holds the program of a filter with our
 * program's name, a killed sample has left the filter behind.
 */
static int on_filter(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	const struct leftovers *left = ctx;
	const struct tcmsg *tc;
	char name[64];
	__u32 id;

	if (!nh)
		return 0;
	tc = mnl_nlmsg_get_payload(nh);
	sample_netlink_attrs(nh, sizeof(*tc), attrs, TCA_MAX + 1);
	if (strcmp(string_of(attrs[TCA_KIND]), "bpf"))
		return 0;
	sample_netlink_nested(attrs[TCA_OPTIONS], bpf, TCA_BPF_MAX + 1);
	if (!bpf[TCA_BPF_ID] || !bpf[TCA_BPF_NAME])
		return 0;
	id = sample_netlink_u32(bpf[TCA_BPF_ID]);
	snprintf(name, sizeof(name), "%s:[%u]", left->prog_name, id);
	if (!strcmp(name, string_of(bpf[TCA_BPF_NAME])) && !sample_find_holder(id))
		tell_leftover(left, tc, id);
	return 0;
}

static void look_for_leftovers(const struct sample_tc_at *at, const struct bpf_program *prog)
{
	struct leftovers left = { .at = at, .prog_name = bpf_program__name(prog) };

	dump_filters(at->ifindex, false, on_filter, &left);
	left.egress = true;
	dump_filters(at->ifindex, true, on_filter, &left);
}

/* --- attaching ------------------------------------------------------------------ */

/* The query fails with EINVAL before Linux 6.6 and without CONFIG_NET_XGRESS. */
static bool has_tcx(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_prog_query_opts, query);

	return bpf_prog_query_opts(ifindex, BPF_TCX_INGRESS, &query) != -EINVAL;
}

/* Attach the program after those that are attached already. */
static int attach_tcx(struct sample_tc_at *at, int prog_fd, bool egress)
{
	at->link_fd = bpf_link_create(prog_fd, at->ifindex,
				      egress ? BPF_TCX_EGRESS : BPF_TCX_INGRESS, NULL);
	return at->link_fd < 0 ? -errno : 0;
}

/*
 * Fail if the interface has the older ingress qdisc: it accepts filters for egress, but runs
 * them at ingress.
 */
static int check_egress(const struct sample_tc_at *at)
{
	struct qdisc qdisc = { .ifindex = at->ifindex };
	int err = find_qdisc(&qdisc);

	if (err || qdisc.is_clsact)
		return err;
	pr_err("failed to attach to %s: it has an ingress qdisc, which has no egress side",
	       at->ifname);
	pr_hint("if its filters may go: tc qdisc del dev %s ingress", at->ifname);
	return -EEXIST;
}

static int attach_clsact(struct sample_tc_at *at, int prog_fd, bool egress)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = at->ifindex, .attach_point = point_of(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd);
	int err;

	err = make_qdisc(at->ifindex, &at->made_qdisc);
	if (!err && egress && !at->made_qdisc)
		err = check_egress(at);
	/* opts.priority is 0: the kernel chooses a free one, and libbpf stores it in opts. */
	if (!err)
		err = bpf_tc_attach(&hook, &opts);
	if (err) {
		remove_qdisc(at);
		return err;
	}
	at->priority = opts.priority;
	at->handle = opts.handle;
	at->prog_id = opts.prog_id;
	return 0;
}

static void explain_attach(const struct sample_tc_at *at, int err)
{
	/* For EEXIST, check_egress() has printed the message. */
	if (err == -EEXIST ||
	    sample_refused(err, at->is_tcx ? SAMPLE_NEED_NET : SAMPLE_NEED_NETLINK,
			   "attach to %s", at->ifname))
		return;
	if (!at->is_tcx && err == -ENOENT) {
		pr_err("failed to attach to %s: this kernel has no clsact qdisc or no BPF filters",
		       at->ifname);
		pr_hint("it needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF");
		return;
	}
	if (err == -ENODEV) {
		pr_err("failed to attach to %s: the interface was removed", at->ifname);
		return;
	}
	pr_err("failed to attach to %s (%s): %s", at->ifname, at->is_tcx ? "tcx" : "clsact",
	       strerror(-err));
	pr_hint_doctor();
}

/* The programs would misread packets without Ethernet header (tun, wireguard, ppp). */
static int check_ethernet(const struct sample_tc_at *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {};
	int err;

	if (fd < 0)
		return 0;
	memcpy(req.ifr_name, at->ifname, sizeof(req.ifr_name));
	err = ioctl(fd, SIOCGIFHWADDR, &req);
	close(fd);
	if (err || req.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
	    req.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK)
		return 0;
	pr_err("failed to attach to %s: its packets have no Ethernet header", at->ifname);
	pr_hint("ip -br link; those with link/ether and link/loopback will do");
	return -EOPNOTSUPP;
}

static int choose_hook(struct sample_tc_at *at, enum sample_tc_hook hook)
{
	at->is_tcx = hook != SAMPLE_TC_CLSACT && has_tcx(at->ifindex);
	if (at->is_tcx || hook != SAMPLE_TC_TCX)
		return 0;
	pr_err("failed to attach to %s: this kernel has no tcx, Linux 6.6 and later have it",
	       at->ifname);
	pr_hint("--attach clsact or auto");
	return -EOPNOTSUPP;
}

static int attach_one(struct sample_tc *tc, const struct bpf_program *prog,
		      enum sample_tc_hook hook, unsigned int ifindex)
{
	struct sample_tc_at *at = &tc->at[tc->n];
	int err;

	memset(at, 0, sizeof(*at));
	at->ifindex = ifindex;
	snprintf(at->ifname, sizeof(at->ifname), "%s", sample_ifname(ifindex));
	err = check_ethernet(at);
	if (err)
		return err;
	err = choose_hook(at, hook);
	if (err)
		return err;
	look_for_leftovers(at, prog);
	if (at->is_tcx)
		err = attach_tcx(at, bpf_program__fd(prog), tc->egress);
	else
		err = attach_clsact(at, bpf_program__fd(prog), tc->egress);
	if (err) {
		explain_attach(at, err);
		return err == -ENOENT && !at->is_tcx ? -EOPNOTSUPP : err;
	}
	tc->n++;
	return 0;
}

static void detach_tcx(const struct sample_tc_at *at)
{
	bpf_link_detach(at->link_fd);
	close(at->link_fd);
}

/*
 * The interface is gone. A filter went with its qdisc, also if the interface was moved to another
 * network namespace; a tcx program would stay on a moved interface.
 */
static bool on_gone(void *ctx, unsigned int ifindex)
{
	struct sample_tc *tc = ctx;
	unsigned int i;

	for (i = tc->n; i--;) {
		if (tc->at[i].ifindex != ifindex)
			continue;
		if (tc->at[i].is_tcx)
			detach_tcx(&tc->at[i]);
		tc->at[i] = tc->at[--tc->n];
	}
	return false;
}

/**
 * sample_tc_attach() - attach a program to every interface of -i
 * @tc: filled
 * @prog: a loaded program
 * @hook: tcx or clsact; auto uses tcx if the kernel has it
 * @egress: the program sees outgoing packets; else incoming ones
 *
 * When an interface is deleted or moved, it is removed from @tc. When the last one is gone, the
 * loop ends (lib/iface.c).
 *
 * Return: 0, or a negative errno, which was printed; then the program is not attached anywhere.
 * -EOPNOTSUPP: this kernel or this interface does not support @hook.
 */
int sample_tc_attach(struct sample_tc *tc, const struct bpf_program *prog,
		     enum sample_tc_hook hook, bool egress)
{
	unsigned int i, ifindex;
	int err = 0;

	tc->n = 0;
	tc->egress = egress;
	for (i = 0; i < sample.n_ifnames && !err; i++) {
		ifindex = sample_ifindex(sample.ifnames[i]);
		err = ifindex ? sample_iface_follow(ifindex, on_gone, tc) : -ENODEV;
		if (!err)
			err = attach_one(tc, prog, hook, ifindex);
	}
	if (err)
		sample_tc_detach(tc);
	return err;
}

/* Remove the filter only if it still has our program: somebody may have replaced it. */
static void detach_clsact(const struct sample_tc_at *at, bool egress)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = at->ifindex, .attach_point = point_of(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = at->handle, .priority = at->priority);
	LIBBPF_OPTS(bpf_tc_opts, found, .handle = at->handle, .priority = at->priority);

	if (!bpf_tc_query(&hook, &found) && found.prog_id == at->prog_id)
		bpf_tc_detach(&hook, &opts);
	remove_qdisc(at);
}

/**
 * sample_tc_detach() - detach from all interfaces
 * @tc: from sample_tc_attach(); empty afterwards
 */
void sample_tc_detach(struct sample_tc *tc)
{
	struct sample_tc_at *at;

	sample_iface_unfollow(tc);
	while (tc->n) {
		at = &tc->at[--tc->n];
		if (at->is_tcx)
			detach_tcx(at);
		else
			detach_clsact(at, tc->egress);
	}
}

/**
 * sample_tc_hold() - make the clsact qdisc early, and keep it while filters come and go
 * @at: filled
 * @hook: as for sample_tc_attach(); with tcx this function does nothing
 * @ifindex: the interface
 *
 * When a clsact qdisc is made or removed, old kernels (such as 6.1) stop the interface for a
 * moment, in both directions, and packets are lost. A sample that attaches and detaches while
 * packets flow calls this function at its start, and sample_tc_release() at its end. An error
 * is ignored here: sample_tc_attach() will meet it again and print it.
 */
void sample_tc_hold(struct sample_tc_at *at, enum sample_tc_hook hook, unsigned int ifindex)
{
	memset(at, 0, sizeof(*at));
	at->ifindex = ifindex;
	snprintf(at->ifname, sizeof(at->ifname), "%s", sample_ifname(ifindex));
	at->is_tcx = hook != SAMPLE_TC_CLSACT && has_tcx(ifindex);
	if (!at->is_tcx && hook != SAMPLE_TC_TCX)
		make_qdisc(ifindex, &at->made_qdisc);
}

/**
 * sample_tc_release() - remove the qdisc, unless somebody else made it or it has filters
 * @at: from sample_tc_hold(), or all zero
 */
void sample_tc_release(const struct sample_tc_at *at)
{
	remove_qdisc(at);
}

/* --- the ready line ------------------------------------------------------------- */

static const char *hook_name(const struct sample_tc_at *at)
{
	return at->is_tcx ? "tcx" : "clsact";
}

static void ready_json(const struct sample_tc *tc)
{
	json_writer_t *json = sample_json_begin("ready");
	unsigned int i;

	jsonw_string_field(json, "tool", sample.info->name);
	jsonw_name(json, "attached");
	jsonw_start_array(json);
	for (i = 0; i < tc->n; i++) {
		jsonw_start_object(json);
		jsonw_string_field(json, "ifname", tc->at[i].ifname);
		jsonw_uint_field(json, "ifindex", tc->at[i].ifindex);
		jsonw_string_field(json, "hook", hook_name(&tc->at[i]));
		jsonw_string_field(json, "direction", tc->egress ? "egress" : "ingress");
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	sample_json_end(json);
}

/**
 * sample_tc_ready() - print the line "ready: ...": the program sees packets from now on
 * @tc: from sample_tc_attach()
 */
void sample_tc_ready(const struct sample_tc *tc)
{
	unsigned int i;

	if (sample.json) {
		ready_json(tc);
		return;
	}
	printf("ready:");
	for (i = 0; i < tc->n; i++)
		printf("%s %s (%s, %s)", i ? "," : "", tc->at[i].ifname, hook_name(&tc->at[i]),
		       tc->egress ? "egress" : "ingress");
	printf("\n");
}
