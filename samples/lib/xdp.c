// SPDX-License-Identifier: GPL-2.0
/*
 * Attach XDP programs to interfaces. A bpf_link holds each program, so the kernel detaches it
 * when this process ends, even if it is killed. Programs of others are never replaced.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/native.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/prog.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "lib/xdp.h"

static const char *mode_name(enum sample_mode mode)
{
	return mode == SAMPLE_MODE_NATIVE ? "native" : "skb";
}

/* True if a file of /proc/PID/fdinfo has the line "prog_id:\t<prog_id>". */
static bool fdinfo_has_prog(const char *path, __u32 prog_id)
{
	bool found = false;
	char line[128];
	__u32 id;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "prog_id: %u", &id) == 1 && id == prog_id;
	fclose(f);
	return found;
}

/* 1: the process holds the program; 0: it does not; -EACCES: CAP_SYS_PTRACE is missing. */
static int process_has_prog(const char *pid, __u32 prog_id)
{
	char path[PATH_MAX];
	struct dirent *fd;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return errno == EACCES && sample_caps_missing(SAMPLE_NEED_PROC) ? -EACCES : 0;
	while (!found && (fd = readdir(dir))) {
		if (!isdigit((unsigned char)fd->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd->d_name);
		found = fdinfo_has_prog(path, prog_id);
	}
	closedir(dir);
	return found;
}

/**
 * sample_find_holder() - find a process that holds a BPF program
 * @prog_id: id of the program
 *
 * Return: the pid; 0 if no process holds the program; -EACCES if a process may hold the program
 * that this process cannot look into without CAP_SYS_PTRACE.
 */
int sample_find_holder(__u32 prog_id)
{
	struct dirent *proc;
	int pid = 0, has;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		return 0;
	while (pid <= 0 && (proc = readdir(dir))) {
		if (!isdigit((unsigned char)proc->d_name[0]))
			continue;
		has = process_has_prog(proc->d_name, prog_id);
		if (has)
			pid = has > 0 ? atoi(proc->d_name) : has;
	}
	closedir(dir);
	return pid;
}

/* For EBUSY and EEXIST: print whose program is attached, and how to remove it. */
static void explain_busy(const char *ifname, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char name[SAMPLE_PROG_NAME] = "", line[SAMPLE_LINE_LEN];
	__u32 id;
	int pid;

	if (bpf_xdp_query(ifindex, 0, &query)) {
		pr_err("failed to attach to %s: another XDP program is there", ifname);
		return;
	}
	id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	pid = sample_find_holder(id);
	if (pid < 0) {
		pr_err("failed to attach to %s: an XDP program (id %u, %s mode) is there, and to see whose it is takes CAP_SYS_PTRACE",
		       ifname, id, query.drv_prog_id ? "native" : "skb");
		pr_hint("sudo %s", sample_called_line(line));
		return;
	}
	sample_prog_name(id, name);
	if (!pid) {
		pr_err("failed to attach to %s: XDP program '%s' (id %u, %s mode) is there, held by no process",
		       ifname, name, id, query.drv_prog_id ? "native" : "skb");
		pr_hint("ip link set dev %s %s off", ifname,
			query.drv_prog_id ? "xdpdrv" : "xdpgeneric");
		return;
	}
	pr_err("failed to attach to %s: XDP program '%s' (id %u, %s mode) of process %d is there",
	       ifname, name, id, query.drv_prog_id ? "native" : "skb", pid);
	pr_hint("if it may end: kill %d", pid);
}

static void explain_attach(const char *ifname, unsigned int ifindex, enum sample_mode mode,
			   int err)
{
	char doctor[SAMPLE_CALLED_LEN], reason[SAMPLE_REASON_LEN];

	if (err == -EBUSY || err == -EEXIST) {
		explain_busy(ifname, ifindex);
		return;
	}
	if (sample_refused(err, SAMPLE_NEED_NET, "attach to %s", ifname))
		return;
	if (err == -ENODEV) {
		pr_err("failed to attach to %s: the interface was removed", ifname);
		return;
	}
	if (mode == SAMPLE_MODE_NATIVE) {
		sample_native_reason(ifindex, err, reason);
		pr_err("failed to attach to %s in native mode: %s (%s)", ifname, reason,
		       strerror(-err));
		pr_hint("use -m auto or -m skb; %s -i %s tells more",
			sample_called_script("doctor", doctor), ifname);
		return;
	}
	pr_err("failed to attach to %s: %s", ifname, strerror(-err));
	pr_hint_doctor();
}

static int create_link(int prog_fd, unsigned int ifindex, enum sample_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	opts.flags = mode == SAMPLE_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);
	return fd < 0 ? -errno : fd;
}

/* The mode to try first. */
static enum sample_mode first_mode(const char *ifname, unsigned int ifindex)
{
	char reason[SAMPLE_REASON_LEN];

	if (sample.mode != SAMPLE_MODE_AUTO)
		return sample.mode;
	if (!sample_native_forgotten(ifindex, reason))
		return SAMPLE_MODE_NATIVE;
	pr_info("%s: %s: using skb mode", ifname, reason);
	return SAMPLE_MODE_SKB;
}

static void tell_forgotten(const char *ifname, unsigned int ifindex)
{
	char reason[SAMPLE_REASON_LEN];

	if (!sample_native_forgotten(ifindex, reason))
		return;
	pr_info("%s: %s", ifname, reason);
	pr_hint("start this program again after that, or use another mode");
}

static int attach_one(struct sample_xdp *xdp, int prog_fd, unsigned int ifindex)
{
	char ifname[IF_NAMESIZE], reason[SAMPLE_REASON_LEN];
	enum sample_mode mode;
	int fd;

	snprintf(ifname, sizeof(ifname), "%s", sample_ifname(ifindex));
	mode = first_mode(ifname, ifindex);
	fd = create_link(prog_fd, ifindex, mode);
	if (fd < 0 && mode == SAMPLE_MODE_NATIVE && sample.mode == SAMPLE_MODE_AUTO &&
	    sample_native_may_fall_back(fd)) {
		sample_native_reason(ifindex, fd, reason);
		pr_info("%s: %s: using skb mode", ifname, reason);
		mode = SAMPLE_MODE_SKB;
		fd = create_link(prog_fd, ifindex, mode);
	}
	if (fd < 0) {
		explain_attach(ifname, ifindex, mode, fd);
		return fd;
	}
	if (mode == SAMPLE_MODE_NATIVE)
		tell_forgotten(ifname, ifindex);
	xdp->at[xdp->n].link_fd = fd;
	xdp->at[xdp->n].ifindex = ifindex;
	xdp->at[xdp->n].mode = mode;
	memcpy(xdp->at[xdp->n].ifname, ifname, sizeof(ifname));
	xdp->n++;
	return 0;
}

static void detach_one(struct sample_xdp *xdp, unsigned int i)
{
	bpf_link_detach(xdp->at[i].link_fd);
	close(xdp->at[i].link_fd);
	xdp->at[i] = xdp->at[--xdp->n];
}

static bool on_gone(void *ctx, unsigned int ifindex)
{
	struct sample_xdp *xdp = ctx;
	unsigned int i;

	for (i = xdp->n; i--;) {
		if (xdp->at[i].ifindex == ifindex)
			detach_one(xdp, i);
	}
	return false;
}

/**
 * sample_xdp_attach() - attach a program to every interface of -i
 * @xdp: filled
 * @prog: a loaded XDP program
 *
 * When an interface is deleted or moved, it is removed from @xdp. When the last one is gone,
 * the loop ends (lib/iface.c).
 *
 * Return: 0, or a negative errno, which was printed with a hint; then the program is not
 * attached anywhere.
 */
int sample_xdp_attach(struct sample_xdp *xdp, const struct bpf_program *prog)
{
	unsigned int i, ifindex;
	int err = 0;

	xdp->n = 0;
	for (i = 0; i < sample.n_ifnames && !err; i++) {
		ifindex = sample_ifindex(sample.ifnames[i]);
		if (!ifindex)
			err = -ENODEV;
		else
			err = sample_iface_follow(ifindex, on_gone, xdp);
		if (!err)
			err = attach_one(xdp, bpf_program__fd(prog), ifindex);
	}
	if (err)
		sample_xdp_detach(xdp);
	return err;
}

/**
 * sample_xdp_detach() - detach from all interfaces
 * @xdp: from sample_xdp_attach(); empty afterwards
 *
 * After this call, no CPU starts the program for a new packet, so the counters are final.
 */
void sample_xdp_detach(struct sample_xdp *xdp)
{
	sample_iface_unfollow(xdp);
	while (xdp->n)
		detach_one(xdp, xdp->n - 1);
}

static void ready_json(const struct sample_xdp *xdp)
{
	json_writer_t *json = sample_json_begin("ready");
	unsigned int i;

	jsonw_string_field(json, "tool", sample.info->name);
	jsonw_name(json, "attached");
	jsonw_start_array(json);
	for (i = 0; i < xdp->n; i++) {
		jsonw_start_object(json);
		jsonw_string_field(json, "ifname", xdp->at[i].ifname);
		jsonw_uint_field(json, "ifindex", xdp->at[i].ifindex);
		jsonw_string_field(json, "hook", "xdp");
		jsonw_string_field(json, "mode", mode_name(xdp->at[i].mode));
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	sample_json_end(json);
}

/**
 * sample_xdp_ready() - print the line "ready: ...": the program sees packets from now on
 * @xdp: from sample_xdp_attach()
 */
void sample_xdp_ready(const struct sample_xdp *xdp)
{
	unsigned int i;

	if (sample.json) {
		ready_json(xdp);
		return;
	}
	printf("ready:");
	for (i = 0; i < xdp->n; i++)
		printf("%s %s (xdp, %s mode)", i ? "," : "", xdp->at[i].ifname,
		       mode_name(xdp->at[i].mode));
	printf("\n");
}
