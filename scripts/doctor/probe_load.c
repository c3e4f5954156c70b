// SPDX-License-Identifier: GPL-2.0
/* Rows about BTF, maps, program types, helpers, and running a program. */
#include <bpf/btf.h>

#include "probe.h"

static struct btf *probe_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err = btf ? btf__find_by_name_kind(btf, "sock", BTF_KIND_STRUCT) : -errno;
	char good[64];

	snprintf(good, sizeof(good), "%u types of the running kernel",
		 btf ? btf__type_cnt(btf) - 1 : 0);
	result("BTF", err, FAIL, "run a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's have it)",
	       good,
	       "no type information at /sys/kernel/btf/vmlinux: CO-RE programs cannot load (%m)");
	if (err >= 0)
		return btf;
	btf__free(btf);
	return NULL;
}

static void probe_ringbuf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, NULL, 0, 0, getpagesize(), NULL);

	if (result("ring buffer", fd, FAIL, "run kernel 5.8 or later", "map made",
		   "no map of this type: samples cannot report events (%m)"))
		close(fd);
}

static void probe_maps(void)
{
	static const struct {
		enum bpf_map_type type;
		const char *name;
	} maps[] = {
		{ BPF_MAP_TYPE_HASH, "hash" },
		{ BPF_MAP_TYPE_LRU_HASH, "LRU hash" },
		{ BPF_MAP_TYPE_ARRAY, "array" },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, "per-CPU array" },
		{ BPF_MAP_TYPE_LPM_TRIE, "LPM trie" },
		{ BPF_MAP_TYPE_DEVMAP, "devmap" },
	};
	char made[128] = "", missing[128] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		bool ok = libbpf_probe_bpf_map_type(maps[i].type, NULL) == 1;

		add_word(ok ? made : missing, sizeof(made), ", ", maps[i].name);
	}
	result("maps", missing[0] ? -EPERM : 0, FAIL, NULL, made, "cannot be made: %s", missing);
}

static void probe_types(void)
{
	static const struct {
		enum bpf_prog_type type;
		const char *name, *users;
		unsigned int needs;
	} types[] = {
		{ BPF_PROG_TYPE_XDP, "program XDP", "hello, ping",
		  SAMPLE_NEED_BPF | SAMPLE_NEED_NET },
		{ BPF_PROG_TYPE_SCHED_CLS, "program TC", "TC samples",
		  SAMPLE_NEED_BPF | SAMPLE_NEED_NET },
		{ BPF_PROG_TYPE_SOCKET_FILTER, "program socket filter", "capture samples",
		  SAMPLE_NEED_BPF },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, frags, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		rows_need(types[i].needs);
		fd = load_ret(types[i].type, 0, NULL);
		if (result(types[i].name, fd, FAIL, "run a kernel with CONFIG_BPF_SYSCALL=y",
			   "loaded", "does not load: %m (needed by %s)", types[i].users))
			close(fd);
	}
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_NET);
	fd = load_ret(BPF_PROG_TYPE_XDP, XDP_PASS, &frags);
	if (result("XDP fragments", fd, WARN, "none needed for an MTU of 3500 or less",
		   "loaded: native XDP on an MTU above 3500 is possible",
		   "no programs for jumbo frames: %m"))
		close(fd);
}

struct helper {
	enum bpf_func_id id;
	const char *name;
};

#define HELPER(fn) { BPF_FUNC_ ## fn, #fn }

static const struct helper xdp_helpers[] = {
	HELPER(ktime_get_ns), HELPER(ringbuf_reserve), HELPER(ringbuf_output),
	HELPER(xdp_adjust_head), HELPER(xdp_adjust_tail), HELPER(csum_diff),
	HELPER(redirect), HELPER(redirect_map), HELPER(fib_lookup),
	HELPER(xdp_load_bytes), HELPER(loop), {}
};

static const struct helper tc_helpers[] = {
	HELPER(ktime_get_ns), HELPER(ringbuf_output), HELPER(skb_load_bytes),
	HELPER(skb_store_bytes), HELPER(l3_csum_replace), HELPER(l4_csum_replace),
	HELPER(clone_redirect), HELPER(redirect), HELPER(skb_pull_data), {}
};

static const struct helper socket_helpers[] = {
	HELPER(ktime_get_ns), HELPER(ringbuf_output), HELPER(skb_load_bytes), {}
};

static const struct helper trace_helpers[] = {
	HELPER(probe_read_kernel), HELPER(get_current_pid_tgid),
	HELPER(get_current_comm), HELPER(get_current_uid_gid),
	HELPER(ringbuf_output), {}
};

static void probe_helpers(const char *name, enum bpf_prog_type type,
			  const struct helper *h, enum status bad, const char *cure)
{
	int fd = load_ret(type, 0, NULL);
	char good[64], missing[256] = "";
	int count = 0;

	/* If no program can be loaded, libbpf_probe_bpf_helper() says that each helper exists. */
	if (fd < 0) {
		result(name, fd, bad, NULL, NULL,
		       "not probed: no program of this type loads (%m)");
		return;
	}
	close(fd);
	for (; h->name; h++, count++)
		if (libbpf_probe_bpf_helper(type, h->id, NULL) != 1)
			add_word(missing, sizeof(missing), ", ", h->name);
	snprintf(good, sizeof(good), "all %d that samples call", count);
	result(name, missing[0] ? -EPERM : 0, bad, cure, good, "not offered: %s", missing);
}

static void probe_run(void)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = load_ret(BPF_PROG_TYPE_XDP, XDP_DROP, NULL);
	int ret;

	if (fd < 0)
		return;		/* probe_types() has reported it */
	ret = bpf_prog_get_info_by_fd(fd, &info, &len);
	if (ret)
		row("JIT", WARN, NULL, "unknown: %s", strerror(-ret));
	else if (!info.jited_prog_len)
		row("JIT", WARN, "sysctl net.core.bpf_jit_enable=1",
		    "off: programs are interpreted, several times slower");
	else
		row("JIT", OK, NULL, "programs become machine code (%u bytes for two instructions)",
		    info.jited_prog_len);

	ret = test_run(fd);
	if (ret >= 0 && ret != XDP_DROP)
		row("BPF_PROG_TEST_RUN", FAIL, NULL, "returned %d instead of %d", ret, XDP_DROP);
	else
		result("BPF_PROG_TEST_RUN", ret, FAIL, NULL,
		       "ran a program on a frame, verdict as expected",
		       "refused, the C tests cannot run: %m");
	close(fd);
}

/* Print the rows of this file. Returns the kernel's BTF, NULL if there is none. */
struct btf *probe_load(void)
{
	static const char old[] = "run kernel 6.1 or later";
	struct btf *btf = probe_btf();

	rows_need(SAMPLE_NEED_BPF);
	probe_ringbuf();
	probe_maps();
	probe_types();
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_NET);
	probe_helpers("helpers XDP", BPF_PROG_TYPE_XDP, xdp_helpers, FAIL, old);
	probe_helpers("helpers TC", BPF_PROG_TYPE_SCHED_CLS, tc_helpers, FAIL, old);
	rows_need(SAMPLE_NEED_BPF);
	probe_helpers("helpers socket filter", BPF_PROG_TYPE_SOCKET_FILTER,
		      socket_helpers, FAIL, old);
	/* With lockdown=confidentiality, or without CAP_PERFMON, there is no probe_read_kernel. */
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON);
	probe_helpers("helpers tracing", BPF_PROG_TYPE_TRACEPOINT, trace_helpers, WARN,
		      "boot without lockdown=confidentiality");
	rows_need(SAMPLE_NEED_BPF | SAMPLE_NEED_NET);
	probe_run();
	return btf;
}
