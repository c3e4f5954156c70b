// SPDX-License-Identifier: GPL-2.0
/* Load tcpconnect_kern.c with a back end that this kernel supports, and read its results. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/stats.h"
#include "lib/util.h"
#include "lib/connect.h"
#include "tcpconnect.skel.h"

/* Inode of the initial pid namespace: PROC_PID_INIT_INO in the kernel's proc_ns.h. */
#define FIRST_PIDNS_INO 0xeffffffcU

/* A BPF program whose name has none of the prefixes belongs to all back ends. */
static const struct {
	const char *name;
	const char *hooks[4];
	const char *prefixes[2];
} backends[__TCPCONNECT_BACKEND_MAX] = {
	[TCPCONNECT_KPROBE] = {
		"kprobe",
		{ "tcp_v4_connect", "tcp_v6_connect", "inet_sock_set_state" },
		{ "kprobe_", "kretprobe_" },
	},
	[TCPCONNECT_FENTRY] = {
		"fentry",
		{ "tcp_v4_connect", "tcp_v6_connect", "inet_sock_set_state" },
		{ "fentry_", "fexit_" },
	},
	[TCPCONNECT_TRACEPOINT] = {
		"tracepoint",
		{ "inet_sock_set_state", "sys_enter", "sys_exit" },
		{ "tp_", "tp_" },
	},
};

/**
 * sample_connect_parse_backend() - find a back end by its name
 * @name: "auto", "kprobe", "fentry" or "tracepoint"
 * @backend: takes enum tcpconnect_backend or SAMPLE_CONNECT_AUTO
 *
 * Return: 0 or -EINVAL.
 */
int sample_connect_parse_backend(const char *name, int *backend)
{
	int i;

	*backend = SAMPLE_CONNECT_AUTO;
	if (!strcmp(name, "auto"))
		return 0;
	for (i = 0; i < __TCPCONNECT_BACKEND_MAX; i++) {
		if (strcmp(name, backends[i].name))
			continue;
		*backend = i;
		return 0;
	}
	return -EINVAL;
}

/**
 * sample_connect_backend() - name of a back end
 * @backend: the back end
 *
 * Return: "kprobe", "fentry" or "tracepoint".
 */
const char *sample_connect_backend(enum tcpconnect_backend backend)
{
	return backends[backend].name;
}

/**
 * sample_connect_hooks() - where the programs of a back end are attached
 * @backend: the back end
 *
 * Return: names of functions and tracepoints, ended by NULL.
 */
const char * const *sample_connect_hooks(enum tcpconnect_backend backend)
{
	return backends[backend].hooks;
}

/* --- one back end --------------------------------------------------------------------- */

static bool belongs_to(const char *prog, enum tcpconnect_backend backend)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backends[0].prefixes); i++) {
		const char *prefix = backends[backend].prefixes[i];

		if (!strncmp(prog, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

static bool is_wanted(const char *prog, enum tcpconnect_backend wanted)
{
	/* Without IPv6 there is no tcp_v6_connect() to attach to. */
	bool ipv6 = !access("/proc/sys/net/ipv6", F_OK);
	size_t len = strlen(prog);
	unsigned int i;

	if (!ipv6 && len > 3 && !strcmp(prog + len - 3, "_v6"))
		return false;
	for (i = 0; i < __TCPCONNECT_BACKEND_MAX; i++) {
		if (i != wanted && belongs_to(prog, i))
			return false;
	}
	return true;
}

/* In a container, report the process IDs of the container's pid namespace. */
static void set_pidns(struct tcpconnect_kern *skel)
{
	struct stat ns;

	if (stat("/proc/self/ns/pid", &ns) || ns.st_ino == FIRST_PIDNS_INO)
		return;
	skel->rodata->pidns_dev = ns.st_dev;
	skel->rodata->pidns_ino = ns.st_ino;
}

static void configure(struct tcpconnect_kern *skel, enum tcpconnect_backend backend,
		      const struct sample_connect_config *config)
{
	struct bpf_program *prog;

	skel->rodata->backend = backend;
	skel->rodata->nr_connect = SYS_connect;
	skel->rodata->events = config->events;
	skel->rodata->table = config->table;
	skel->rodata->table_sport = config->table_sport;
	memcpy((void *)&skel->rodata->filter, &config->filter, sizeof(config->filter));
	skel->rodata->filter.by_cgroup = !!config->cgroup;
	set_pidns(skel);

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, is_wanted(bpf_program__name(prog), backend));
}

static int set_cgroup(const struct tcpconnect_kern *skel, int cgroup_fd)
{
	__u32 key = 0;

	if (cgroup_fd < 0)
		return 0;
	return bpf_map_update_elem(bpf_map__fd(skel->maps.tcpconnect_cgroup), &key, &cgroup_fd,
				   BPF_ANY);
}

static bool has_kprobes(void)
{
	return !access("/sys/bus/event_source/devices/kprobe", F_OK);
}

/* Load and attach the programs of a back end: no other test shows that the back end works. */
static int try_backend(struct sample_connect *conn, enum tcpconnect_backend backend,
		       const struct sample_connect_config *config, int cgroup_fd)
{
	int err;

	conn->backend = backend;
	conn->skel = tcpconnect_kern__open();
	if (!conn->skel)
		return -errno;
	configure(conn->skel, backend, config);
	err = tcpconnect_kern__load(conn->skel);
	if (!err)
		err = set_cgroup(conn->skel, cgroup_fd);
	if (!err)
		err = tcpconnect_kern__attach(conn->skel);
	if (err)
		sample_connect_close(conn);
	/* Without kprobes, libbpf tries tracefs, which only root may read: EACCES misleads. */
	if (backend == TCPCONNECT_KPROBE && err == -EACCES && !has_kprobes())
		err = -ENOENT;
	return err;
}

/* --- the choice -------------------------------------------------------------------------- */

/* True if the error means that the kernel lacks the back end, false for any other failure. */
static bool is_lacking(int err)
{
	switch (-err) {
	case ENOENT:
	case EPERM:
	case ESRCH:
	case EOPNOTSUPP:
	case ENOTSUPP:
		return true;
	}
	return false;
}

static const char *why_not(enum tcpconnect_backend backend, int err)
{
	static char text[128];
	/* strerror() does not know ENOTSUPP. */
	const char *reason = strerror(err == -ENOTSUPP ? EOPNOTSUPP : -err);

	if (backend == TCPCONNECT_KPROBE && err == -ENOENT && !has_kprobes())
		return "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)";
	if (backend == TCPCONNECT_FENTRY && is_lacking(err))
		snprintf(text, sizeof(text), "this kernel takes no fentry programs (%s)", reason);
	else
		snprintf(text, sizeof(text), "%s", reason);
	return text;
}

static int backend_failed(enum tcpconnect_backend backend, int err)
{
	if (sample_refused(err, SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON,
			   "load the BPF object tcpconnect"))
		return -EPERM;
	if (!is_lacking(err)) {
		sample_load_failed("tcpconnect", err);
		return err;
	}
	pr_err("failed to use the back end %s: %s", backends[backend].name,
	       why_not(backend, err));
	return -EOPNOTSUPP;
}

/* Try the back ends in the order of the enum, until one works. */
static int choose(struct sample_connect *conn, const struct sample_connect_config *config,
		  int cgroup_fd)
{
	int errs[__TCPCONNECT_BACKEND_MAX];
	int i, k, err = 0;

	for (i = 0; i < __TCPCONNECT_BACKEND_MAX; i++) {
		errs[i] = try_backend(conn, i, config, cgroup_fd);
		if (!errs[i])
			break;
	}
	if (i < __TCPCONNECT_BACKEND_MAX) {
		for (k = 0; k < i; k++)
			pr_info("not by %s: %s", backends[k].name, why_not(k, errs[k]));
		return 0;
	}
	for (i = 0; i < __TCPCONNECT_BACKEND_MAX && err != -EPERM; i++)
		err = backend_failed(i, errs[i]);
	return err;
}

static int open_cgroup(const char *path)
{
	struct statfs fs;
	int fd, err;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		pr_err("failed to open the cgroup %s: %s", path, strerror(-err));
	} else if (fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		err = -EINVAL;
		pr_err("failed to use the cgroup %s: not a directory of cgroup v2", path);
	} else {
		return fd;
	}
	pr_hint("findmnt -t cgroup2; cut -d: -f3 /proc/PID/cgroup");
	return err;
}

/**
 * sample_connect_attach() - load and attach the programs
 * @conn: filled with the programs and the back end
 * @config: back end, and what to trace
 *
 * pr_info() names the back ends that do not work on this machine.
 *
 * Return: 0, or a negative errno, which was printed; -EOPNOTSUPP if this kernel
 * lacks the back end.
 */
int sample_connect_attach(struct sample_connect *conn,
			  const struct sample_connect_config *config)
{
	int err, cgroup_fd = -1;

	if (config->cgroup) {
		cgroup_fd = open_cgroup(config->cgroup);
		if (cgroup_fd < 0)
			return cgroup_fd;
	}
	if (config->backend == SAMPLE_CONNECT_AUTO) {
		err = choose(conn, config, cgroup_fd);
	} else {
		err = try_backend(conn, config->backend, config, cgroup_fd);
		if (err)
			err = backend_failed(config->backend, err);
		if (err == -EOPNOTSUPP)
			pr_hint("--backend auto takes one that this kernel has");
	}
	if (cgroup_fd >= 0)
		close(cgroup_fd);
	return err;
}

/* --- the end -------------------------------------------------------------------------------- */

/*
 * The next key of the map. If @prev was deleted meanwhile, the kernel returns the first key
 * again, so each caller must stop after max_entries keys.
 */
static int next_pending(const struct sample_connect *conn, const __u64 *prev, __u64 *key)
{
	return bpf_map_get_next_key(bpf_map__fd(conn->skel->maps.tcpconnect_pending), prev, key);
}

/* Update the local ports of pending attempts, while the hooks still see sockets close. */
static void refresh(const struct sample_connect *conn)
{
	__u32 i, max = bpf_map__max_entries(conn->skel->maps.tcpconnect_pending);
	__u64 key, *prev = NULL;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &key, .ctx_size_in = sizeof(key));
	for (i = 0; i < max && !next_pending(conn, prev, &key); i++, prev = &key)
		bpf_prog_test_run_opts(bpf_program__fd(conn->skel->progs.refresh), &opts);
}

/**
 * sample_connect_stop() - detach the programs, in the reverse order of attaching
 * @conn: the programs; their maps stay until sample_connect_close()
 */
void sample_connect_stop(struct sample_connect *conn)
{
	struct bpf_object_skeleton *progs = conn->skel->skeleton;
	int i;

	refresh(conn);
	for (i = progs->prog_cnt - 1; i >= 0; i--) {
		if (!progs->progs[i].link)
			continue;
		bpf_link__destroy(*progs->progs[i].link);
		*progs->progs[i].link = NULL;
	}
}

/**
 * sample_connect_close() - detach and free everything
 * @conn: the programs; nothing happens if none are loaded
 */
void sample_connect_close(struct sample_connect *conn)
{
	tcpconnect_kern__destroy(conn->skel);
	conn->skel = NULL;
}

/* --- what they found ---------------------------------------------------------------------- */

/**
 * sample_connect_events() - ring buffer that takes a struct tcpconnect_event per result
 * @conn: the programs
 *
 * Return: file descriptor of the map, for ring_buffer__new().
 */
int sample_connect_events(const struct sample_connect *conn)
{
	return bpf_map__fd(conn->skel->maps.tcpconnect_events);
}

/**
 * sample_connect_table() - map of struct tcpconnect_row to struct tcpconnect_cells
 * @conn: the programs
 *
 * Return: the map.
 */
const struct bpf_map *sample_connect_table(const struct sample_connect *conn)
{
	return conn->skel->maps.tcpconnect_table;
}

/**
 * sample_connect_counts() - read the counters
 * @conn: the programs
 * @n: takes the counters, indexed by enum tcpconnect_count
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_connect_counts(const struct sample_connect *conn, __u64 n[__TCPCONNECT_COUNT_MAX])
{
	return sample_stats_read(conn->skel->maps.tcpconnect_counts, n, __TCPCONNECT_COUNT_MAX);
}

/**
 * sample_connect_n_pending() - number of attempts that have no result yet
 * @conn: the programs
 *
 * Return: the number; it is only an estimate while the programs are attached.
 */
unsigned int sample_connect_n_pending(const struct sample_connect *conn)
{
	__u32 n, max = bpf_map__max_entries(conn->skel->maps.tcpconnect_pending);
	__u64 key, *prev = NULL;

	for (n = 0; n < max && !next_pending(conn, prev, &key); n++)
		prev = &key;
	return n;
}

static int by_time(const void *a, const void *b)
{
	const struct tcpconnect_event *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

/**
 * sample_connect_pending() - show the attempts that have no result yet
 * @conn: the programs, stopped
 * @show: called for each attempt, oldest first, with ev->ret EINPROGRESS
 * @ctx: argument for @show
 *
 * Return: 0 or -ENOMEM.
 */
int sample_connect_pending(const struct sample_connect *conn,
			   void (*show)(void *ctx, const struct tcpconnect_event *ev), void *ctx)
{
	unsigned int i, n = 0, max = sample_connect_n_pending(conn);
	int fd = bpf_map__fd(conn->skel->maps.tcpconnect_pending);
	struct tcpconnect_attempt attempt;
	struct tcpconnect_event *found;
	__u64 key, *prev = NULL;

	if (!max)
		return 0;
	found = calloc(max, sizeof(*found));
	if (!found)
		return -ENOMEM;
	for (; n < max && !next_pending(conn, prev, &key); prev = &key) {
		if (bpf_map_lookup_elem(fd, &key, &attempt))
			continue;
		found[n] = attempt.ev;
		found[n].ret = EINPROGRESS;
		found[n++].lat_ns = sample_now() - attempt.ev.ts_ns;
	}
	qsort(found, n, sizeof(*found), by_time);
	for (i = 0; i < n; i++)
		show(ctx, &found[i]);
	free(found);
	return 0;
}

/* --- events, decoded ------------------------------------------------------------------------ */

/**
 * sample_connect_ret() - name of a result
 * @ret: 0 or an errno
 *
 * Return: "OK", "ECONNREFUSED", ...; valid until the next call.
 */
const char *sample_connect_ret(int ret)
{
	static char text[16];
	const char *name = ret ? strerrorname_np(ret) : "OK";

	if (name)
		return name;
	snprintf(text, sizeof(text), "errno %d", ret);
	return text;
}

/* Length of the UTF-8 character at @s; 0 if it is cut off, invalid or a control character. */
static unsigned int utf8_len(const unsigned char *s)
{
	unsigned int i, len = 1;

	if (*s < 0x80)
		return *s >= ' ' && *s != 0x7f;
	if (*s >= 0xc2 && *s < 0xf5)
		len = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	for (i = 1; i < len && (s[i] & 0xc0) == 0x80; i++)
		;
	/* Refuse overlong forms, surrogates, and code points above U+10FFFF. */
	if (len == 1 || i < len || (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/**
 * sample_connect_comm() - name of the calling process, safe for a terminal and for JSON
 * @ev: the attempt
 * @buf: takes the name; control characters and bytes that are not UTF-8 become '?'
 *
 * Return: @buf.
 */
const char *sample_connect_comm(const struct tcpconnect_event *ev,
				char buf[TCPCONNECT_COMM_LEN])
{
	unsigned int len;
	char *s;

	memcpy(buf, ev->comm, TCPCONNECT_COMM_LEN);
	buf[TCPCONNECT_COMM_LEN - 1] = '\0';
	for (s = buf; *s; s += len) {
		len = utf8_len((unsigned char *)s);
		if (!len) {
			*s = '?';
			len = 1;
		}
	}
	return buf;
}

/**
 * sample_connect_json() - print an attempt as a JSON object on stdout
 * @ev: the attempt
 */
void sample_connect_json(const struct tcpconnect_event *ev)
{
	json_writer_t *json = sample_json_begin("connect");
	char addr[INET6_ADDRSTRLEN], comm[TCPCONNECT_COMM_LEN];

	jsonw_uint_field(json, "ts_ns", sample_realtime(ev->ts_ns));
	jsonw_uint_field(json, "pid", ev->pid);
	jsonw_string_field(json, "comm", sample_connect_comm(ev, comm));
	jsonw_uint_field(json, "uid", ev->uid);
	jsonw_uint_field(json, "family", ev->family);
	jsonw_string_field(json, "saddr", sample_addr(ev->saddr, addr));
	jsonw_uint_field(json, "sport", ntohs(ev->sport));
	jsonw_string_field(json, "daddr", sample_addr(ev->daddr, addr));
	jsonw_uint_field(json, "dport", ntohs(ev->dport));
	jsonw_string_field(json, "ret", sample_connect_ret(ev->ret));
	jsonw_uint_field(json, "lat_us", ev->lat_ns / 1000);
	jsonw_uint_field(json, "netns", ev->netns);
	sample_json_end(json);
}
