// SPDX-License-Identifier: GPL-2.0
/* Rows about what bpf_printk() and tcpconnect need: tracefs, lockdown, kinds of tracing. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/perf_event.h>

#include <bpf/btf.h>

#include "probe.h"
#include "lib/fs.h"

#define TRACEFS			"/sys/kernel/tracing"
#define TRACEFS_OLD		"/sys/kernel/debug/tracing"
#define LOCKDOWN		"/sys/kernel/security/lockdown"
#define PRINTK_EVENT		"%s/events/bpf_trace/bpf_trace_printk/"
#define CONNECT_FN		"tcp_v4_connect"
#define STATE_TP		"inet_sock_set_state"

/* --- file systems ---------------------------------------------------------- */

static void probe_lockdown(bool private_mounts)
{
	char buf[128], mode[32];

	if (access(LOCKDOWN, R_OK) && private_mounts)
		mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	if (read_file(LOCKDOWN, buf, sizeof(buf)) < 0)
		row("lockdown", OK, NULL, "not in this kernel, or not readable here");
	else if (sscanf(strchrnul(buf, '['), "[%31[^]]", mode) != 1)
		return;
	else if (!strcmp(mode, "confidentiality"))
		row("lockdown", WARN, "boot without lockdown=confidentiality",
		    "confidentiality: tracing programs may not read kernel memory");
	else
		row("lockdown", OK, NULL, "%s: BPF is not restricted by it", mode);
}

/* Find tracefs, or mount it for this process alone. Returns its directory or NULL. */
const char *probe_tracefs(void)
{
	/* Not "/": in a chroot, "/" may be no mount point. */
	bool private_mounts = !unshare(CLONE_NEWNS) &&
			      !mount("none", "/sys", NULL, MS_REC | MS_PRIVATE, NULL);

	probe_lockdown(private_mounts);
	if (sample_fs_is_at(&sample_tracefs, TRACEFS))
		return TRACEFS;
	if (sample_fs_is_at(&sample_tracefs, TRACEFS_OLD))
		return TRACEFS_OLD;
	if (private_mounts && !mount("tracefs", TRACEFS, "tracefs", 0, NULL))
		return TRACEFS;
	return NULL;
}

/* --- bpf_printk ------------------------------------------------------------ */

/* Load a program that calls bpf_printk("netbpf"). The text is on the stack: no map is needed. */
static int load_printk(void)
{
	struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, 0, 0, 0),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_1, -8, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -8),
		MOV_IMM(BPF_REG_2, 7),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_trace_printk),
		MOV_IMM(BPF_REG_0, XDP_PASS),
		EXIT(),
	};

	memcpy(&insns[0].imm, "netb", 4);
	memcpy(&insns[1].imm, "pf\0", 4);
	return load(BPF_PROG_TYPE_XDP, insns, ARRAY_SIZE(insns), NULL);
}

/* Run PROG and look for its line in the trace instance at DIR. */
static int printk_seen(int prog, const char *dir)
{
	char buf[4096];
	int err;

	err = write_file(path(PRINTK_EVENT "enable", dir), "1");
	if (!err)
		err = test_run(prog);
	if (err >= 0)
		err = read_file(path("%s/trace", dir), buf, sizeof(buf));
	if (err < 0)
		return err;
	return strstr(buf, ": netbpf") ? 0 : -ENODATA;
}

/*
 * Keep our line out of the global trace. If the event was off before our program
 * was loaded, turn it off again. If it was on, filter out our text, unless somebody
 * else has set a filter. (A filter on the pid would need our pid in the first pid
 * namespace, which we may not know.)
 */
static int hide_from_global(const char *tracefs, bool was_on)
{
	const char *filter = "bpf_string != \"netbpf\"";
	char before[64];

	if (!was_on)
		return write_file(path(PRINTK_EVENT "enable", tracefs), "0");
	if (read_file(path(PRINTK_EVENT "filter", tracefs), before, sizeof(before)) < 0 ||
	    strncmp(before, "none", 4))
		return -EBUSY;
	return write_file(path(PRINTK_EVENT "filter", tracefs), filter);
}

/* Run PROG, and check that its line is in an instance of our own, and only there. */
static int try_printk(int prog, const char *tracefs, bool was_on)
{
	char dir[128];
	sigset_t all, old;
	int err;

	/* Block signals: one that ended us here would leave the instance and the filter. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	snprintf(dir, sizeof(dir), "%s/instances/netbpf-doctor-%d", tracefs, getpid());
	err = hide_from_global(tracefs, was_on);
	if (!err) {
		err = mkdir(dir, 0700) ? -errno : printk_seen(prog, dir);
		rmdir(dir);
		if (was_on)
			write_file(path(PRINTK_EVENT "filter", tracefs), "0");
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

/* Loading a program that calls bpf_printk() turns the global event on: note it before. */
void probe_printk(const char *tracefs)
{
	char before[8] = "";
	int prog, err;

	rows_need(SAMPLE_NEED_LOAD);
	if (tracefs)
		read_file(path(PRINTK_EVENT "enable", tracefs), before, sizeof(before));
	prog = load_printk();
	/* Without CAP_PERFMON the kernel refuses the helper with EINVAL, as if it had none. */
	if (prog == -EINVAL && sample_caps_missing(SAMPLE_NEED_LOAD))
		prog = -EPERM;
	if (prog < 0) {
		result("bpf_printk", prog, WARN, NULL, NULL,
		       "program does not load, hello cannot run: %m");
		return;
	}
	rows_need(SAMPLE_NEED_FILES);
	err = tracefs ? try_printk(prog, tracefs, before[0] == '1') : 0;
	if (!tracefs)
		row("bpf_printk", WARN, "mount -t tracefs none " TRACEFS,
		    "loads, but there is no tracefs to read its output from");
	else if (err == -EBUSY)
		row("bpf_printk", OK, NULL, "loads (not run: somebody filters its output)");
	else
		result("bpf_printk", err, WARN, NULL,
		       "its line was read from a private trace instance",
		       "its line was not seen in a private trace instance: %m");
	close(prog);
}

/* --- kinds of tracing that tcpconnect can use ------------------------------ */

/* Attach a program of TYPE to a perf event and take it off again. */
static int try_perf(struct perf_event_attr *attr, enum bpf_prog_type type)
{
	int prog = load_ret(type, 0, NULL);
	int err = 0;
	int fd;

	if (prog < 0)
		return prog;
	attr->size = sizeof(*attr);
	fd = syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog))
		err = -errno;
	if (fd >= 0)
		close(fd);
	close(prog);
	return err;
}

static int try_kprobe(bool retprobe)
{
	struct perf_event_attr attr = { .config = retprobe };
	char buf[16];

	if (read_file("/sys/bus/event_source/devices/kprobe/type", buf, sizeof(buf)) < 0)
		return -ENOENT;
	attr.type = atoi(buf);
	attr.kprobe_func = (__u64)(unsigned long)CONNECT_FN;
	return try_perf(&attr, BPF_PROG_TYPE_KPROBE);
}

static int try_tracepoint(const char *tracefs)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT };
	char buf[16];
	int err;

	if (!tracefs)
		return -ENOENT;
	err = read_file(path("%s/events/sock/" STATE_TP "/id", tracefs), buf, sizeof(buf));
	if (err < 0)
		return err;
	attr.config = atoi(buf);
	return try_perf(&attr, BPF_PROG_TYPE_TRACEPOINT);
}

/* Attach to the raw tracepoint TARGET if ATTACH is 0, or else to TARGET in BTF. */
static int try_raw(const struct btf *btf, enum bpf_attach_type attach,
		   const char *target, int kind)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	int prog, link;

	if (attach) {
		int id = btf ? btf__find_by_name_kind(btf, target, kind) : -ENOENT;

		if (id < 0)
			return -ENOENT;
		opts.attach_btf_id = id;
	}
	prog = load_ret(attach ? BPF_PROG_TYPE_TRACING : BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &opts);
	if (prog < 0)
		return prog;
	link = bpf_raw_tracepoint_open(attach ? NULL : target, prog);
	close(prog);
	if (link < 0)
		return link;
	close(link);
	return 0;
}

static void tracing_row(const char *name, int err, const char *no)
{
	result(name, err, WARN, "none needed if the row tcpconnect is ok", "attached",
	       "%s (%m)", no);
}

static void kprobe_row(const char *name, int err)
{
	tracing_row(name, err, err == -ENOENT ?
		    "this kernel has none: CONFIG_KPROBES is not set" : "refused");
}

/* @kprobe, @fentry, @tp: 0 or a negative errno. @err: the error that the cure is for. */
static void back_ends_row(int kprobe, int fentry, int tp, int err)
{
	if (kprobe && fentry && tp)
		row("tcpconnect", WARN, cure_of(err, "run a kernel with CONFIG_KPROBES=y"),
		    "no kprobe, no fentry, no tracepoint: it cannot run here");
	else
		row("tcpconnect", OK, NULL,
		    "kprobe %s, fentry %s, tracepoint %s: it will use the %s",
		    kprobe ? "no" : "yes", fentry ? "no" : "yes", tp ? "no" : "yes",
		    !kprobe ? "kprobe" : !fentry ? "fentry" : "tracepoint");
}

void probe_tracing(const struct btf *btf, const char *tracefs)
{
	int kprobe = try_kprobe(false);
	int kretprobe = try_kprobe(true);
	int fentry = try_raw(btf, BPF_TRACE_FENTRY, CONNECT_FN, BTF_KIND_FUNC);
	int tracepoint = try_tracepoint(tracefs);
	int raw = try_raw(NULL, 0, STATE_TP, 0);
	int tp_btf = try_raw(btf, BPF_TRACE_RAW_TP, "btf_trace_" STATE_TP, BTF_KIND_TYPEDEF);

	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON);
	kprobe_row("attach kprobe", kprobe);
	kprobe_row("attach kretprobe", kretprobe);
	/* There are kernels that refuse fentry with EPERM before the verifier looks. */
	tracing_row("attach fentry", fentry, fentry == -EPERM && !cure_of(-EPERM, NULL) ?
		    "refused by a policy of this kernel, not for want of memlock (ulimit -l)" :
		    "refused");
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON | SAMPLE_NEED_FILES);
	tracing_row("attach tracepoint", tracepoint,
		    tracefs ? "refused on sock:" STATE_TP : "no tracefs to find it in");
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON);
	tracing_row("attach raw_tp", raw, "refused on " STATE_TP);
	tracing_row("attach tp_btf", tp_btf, "refused on " STATE_TP);
	back_ends_row(kprobe ? : kretprobe, fentry, tracepoint && raw && tp_btf, raw);
}
