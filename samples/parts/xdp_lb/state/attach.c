// SPDX-License-Identifier: GPL-2.0
/*
 * Attach the program to its interfaces. In XDP and tcx, pinned bpf_links hold the program: so
 * it outlives the control program, and the next control program replaces it in one step.
 * Before Linux 6.6 a clsact filter stays by itself, and lb_meta says where the filter is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/refused.h"
#include "lib/tc.h"
#include "lib/xdp.h"
#include "parts/xdp_lb/state/state.h"
#include "xdp_lb.skel.h"

static void link_path(const struct lb_state *state, unsigned int ifindex,
		      char path[LB_PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "link_%u", ifindex);
	lb_pin_path(state, name, path);
}

static int get_link(const struct lb_state *state, unsigned int ifindex)
{
	char path[LB_PATH_MAX];
	int fd;

	link_path(state, ifindex, path);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* The number of the interface that a link is on; 0 if the interface is gone. */
static unsigned int ifindex_of(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_link_get_info_by_fd(link_fd, &info, &len))
		return 0;
	return info.type == BPF_LINK_TYPE_XDP ? info.xdp.ifindex : info.tcx.ifindex;
}

static void unpin_link(const struct lb_state *state, unsigned int ifindex)
{
	char path[LB_PATH_MAX];

	link_path(state, ifindex, path);
	unlink(path);
}

/* Open the pinned link of an interface. If the link has lost its interface, remove the pin. */
static int open_link(const struct lb_state *state, unsigned int ifindex)
{
	int fd = get_link(state, ifindex);

	if (fd < 0 || ifindex_of(fd) == ifindex)
		return fd;
	close(fd);
	unpin_link(state, ifindex);
	return -ENOENT;
}

static struct lb_attached *find_at(const struct lb_state *state, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < LB_IFACES_MAX; i++) {
		if (state->meta->at[i].ifindex == ifindex)
			return &state->meta->at[i];
	}
	return NULL;
}

static int prog_fd_of(const struct xdp_lb_kern *skel, enum lb_mode mode)
{
	return bpf_program__fd(mode == LB_MODE_TC ? skel->progs.tc_lb : skel->progs.xdp_lb);
}

/* --- clsact ------------------------------------------------------------------------ */

static void detach_clsact(const struct lb_attached *at)
{
	struct sample_tc tc = { .n = 1 };

	tc.at[0].ifindex = at->ifindex;
	tc.at[0].made_qdisc = at->made_qdisc;
	tc.at[0].priority = at->priority;
	tc.at[0].handle = at->handle;
	tc.at[0].prog_id = at->prog_id;
	snprintf(tc.at[0].ifname, IF_NAMESIZE, "%s", sample_ifname(at->ifindex));
	sample_tc_detach(&tc);
}

/* Replace the program of a filter: at the same handle and priority, in one step. */
static int replace_clsact(struct lb_attached *at, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = at->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .handle = at->handle,
		    .priority = at->priority, .flags = BPF_TC_F_REPLACE);
	int err;

	err = bpf_tc_attach(&hook, &opts);
	if (!err)
		at->prog_id = opts.prog_id;
	return err;
}

/* --- attaching ---------------------------------------------------------------------- */

/* Pin a link and close it: from here on the pin holds the link. */
static int pin_link(const struct lb_state *state, int fd, unsigned int ifindex)
{
	char path[LB_PATH_MAX];
	int err = 0;

	link_path(state, ifindex, path);
	if (bpf_obj_pin(fd, path)) {
		err = -errno;
		if (!sample_refused(err, SAMPLE_NEED_FILES, "pin %s", path))
			pr_err("failed to pin %s: %s", path, strerror(-err));
	}
	close(fd);
	return err;
}

static int attach_tc(const struct lb_state *state, const struct xdp_lb_kern *skel,
		     struct lb_attached *at)
{
	struct sample_tc tc;
	int err;

	err = sample_tc_attach(&tc, skel->progs.tc_lb, SAMPLE_TC_AUTO, false);
	if (err)
		return err;
	sample_iface_unfollow(&tc);
	at->is_clsact = !tc.at[0].is_tcx;
	at->made_qdisc = tc.at[0].made_qdisc;
	at->priority = tc.at[0].priority;
	at->handle = tc.at[0].handle;
	at->prog_id = tc.at[0].prog_id;
	return at->is_clsact ? 0 : pin_link(state, tc.at[0].link_fd, at->ifindex);
}

static int attach_xdp(const struct lb_state *state, const struct xdp_lb_kern *skel,
		      enum lb_mode mode, const struct lb_attached *at)
{
	struct sample_xdp xdp;
	int err;

	sample.mode = mode == LB_MODE_SKB ? SAMPLE_MODE_SKB : SAMPLE_MODE_NATIVE;
	err = sample_xdp_attach(&xdp, skel->progs.xdp_lb);
	if (err)
		return err;
	sample_iface_unfollow(&xdp);
	return pin_link(state, xdp.at[0].link_fd, at->ifindex);
}

/* Replace the program of a control program that ran before. */
static int replace(const struct lb_state *state, const struct xdp_lb_kern *skel,
		   enum lb_mode mode, struct lb_attached *at)
{
	int fd, err = 0;

	if (at->is_clsact)
		return replace_clsact(at, prog_fd_of(skel, mode));
	fd = open_link(state, at->ifindex);
	if (fd < 0)
		return fd;
	if (bpf_link_update(fd, prog_fd_of(skel, mode), NULL))
		err = -errno;
	close(fd);
	return err;
}

/**
 * lb_attach_iface() - attach the program to one interface
 * @state: the instance
 * @skel: the program
 * @mode: the hook
 * @ifname: the interface
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_attach_iface(struct lb_state *state, const struct xdp_lb_kern *skel,
		    enum lb_mode mode, const char *ifname)
{
	unsigned int ifindex = sample_ifindex(ifname);
	struct lb_attached *at;
	int err;

	if (!ifindex)
		return -ENODEV;
	at = find_at(state, ifindex);
	if (at && !replace(state, skel, mode, at))
		return 0;
	if (!at)
		at = find_at(state, 0);
	if (!at)
		return -ENOSPC;
	memset(at, 0, sizeof(*at));
	at->ifindex = ifindex;
	sample.ifnames[0] = ifname;
	sample.n_ifnames = 1;
	err = mode == LB_MODE_TC ? attach_tc(state, skel, at) :
				   attach_xdp(state, skel, mode, at);
	if (err)
		at->ifindex = 0;
	return err;
}

static void detach_one(struct lb_state *state, struct lb_attached *at)
{
	if (at->is_clsact)
		detach_clsact(at);
	else
		unpin_link(state, at->ifindex);
	memset(at, 0, sizeof(*at));
}

/**
 * lb_detach_gone() - clean up after an interface that is gone
 * @state: the instance
 * @ifindex: the number it had, which may be another interface's by now
 *
 * A filter has gone with its interface. A link must be detached: if the interface was moved to
 * another network namespace, the program would be at work as long as somebody has the link
 * open.
 */
void lb_detach_gone(struct lb_state *state, unsigned int ifindex)
{
	struct lb_attached *at = find_at(state, ifindex);
	int fd = at && !at->is_clsact ? get_link(state, ifindex) : -ENOENT;

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
		unpin_link(state, ifindex);
	}
	if (at)
		memset(at, 0, sizeof(*at));
}

/**
 * lb_iface_is_gone() - whether an interface was removed, and nobody has cleaned up yet
 * @state: the instance
 * @ifindex: its number
 *
 * Return: true if the link of the interface says so. A filter (before Linux 6.6) cannot tell.
 */
bool lb_iface_is_gone(const struct lb_state *state, unsigned int ifindex)
{
	int fd = get_link(state, ifindex);
	bool gone = fd >= 0 && !ifindex_of(fd);

	if (fd >= 0)
		close(fd);
	return gone;
}

static bool is_wanted(const struct lb_conf *conf, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < conf->n_ifnames; i++) {
		if (if_nametoindex(conf->ifnames[i]) == ifindex)
			return true;
	}
	return false;
}

/**
 * lb_attach() - attach the program to its interfaces, and to no other
 * @state: the instance
 * @skel: the program
 * @conf: has the interfaces
 * @mode: the hook
 *
 * An earlier program of the instance is replaced in one step.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_attach(struct lb_state *state, const struct xdp_lb_kern *skel,
	      const struct lb_conf *conf, enum lb_mode mode)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < conf->n_ifnames && !err; i++)
		err = lb_attach_iface(state, skel, mode, conf->ifnames[i]);
	for (i = 0; i < LB_IFACES_MAX && !err; i++) {
		struct lb_attached *at = &state->meta->at[i];

		if (at->ifindex && !is_wanted(conf, at->ifindex))
			detach_one(state, at);
	}
	return err;
}

/**
 * lb_detach_all() - detach the program: no packet is forwarded any more
 * @state: the instance
 */
void lb_detach_all(struct lb_state *state)
{
	unsigned int i;

	for (i = 0; i < LB_IFACES_MAX; i++) {
		if (state->meta->at[i].ifindex)
			detach_one(state, &state->meta->at[i]);
	}
}
