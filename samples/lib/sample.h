/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the loaders share: options, messages, the event loop, XDP links,
 * counters, JSON. A loader reads
 *
 *	sample_init(&info, argc, argv);
 *	open -> configure -> load -> attach -> sample_ready() -> sample_loop_run()
 *		-> summary -> destroy
 */
#ifndef _SAMPLES_SAMPLE_H
#define _SAMPLES_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <net/if.h>
#include <linux/types.h>
#include <json_writer.h>
#include "lib/caps.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct bpf_object;
struct bpf_program;
struct bpf_map;

/**
 * enum sample_exit - exit status of every sample
 * @SAMPLE_OK: done, also after a signal, -d or -c
 * @SAMPLE_FAILED: failed at run time
 * @SAMPLE_USAGE: bad command line
 * @SAMPLE_UNABLE: this kernel or machine cannot do it
 */
enum sample_exit {
	SAMPLE_OK = 0,
	SAMPLE_FAILED = 1,
	SAMPLE_USAGE = 2,
	SAMPLE_UNABLE = 3,
};

/**
 * enum sample_mode - where XDP runs
 * @SAMPLE_MODE_AUTO: native if the driver can, else skb
 * @SAMPLE_MODE_NATIVE: in the driver, before there is an skb
 * @SAMPLE_MODE_SKB: generic XDP, in the stack
 */
enum sample_mode {
	SAMPLE_MODE_AUTO,
	SAMPLE_MODE_NATIVE,
	SAMPLE_MODE_SKB,
};

enum {
	SAMPLE_IFACE_MAX = 16,
	/* Of an alternative name, as ALTIFNAMSIZ. */
	SAMPLE_IFNAME_LEN = 128,
};

/* --- options (lib/opts.c) ---------------------------------------------- */

/**
 * struct sample_option - one command line option
 * @key: short option, or 0 for one that is only long
 * @name: long option
 * @arg: name of the argument in the help, NULL for a flag
 * @help: what it does, one line
 * @parse: takes the argument (NULL for a flag); on bad input it prints why
 *	with sample_bad_arg() and returns -EINVAL
 * @dst: where @parse stores the value
 * @min: least value that parse_uint() takes
 * @max: greatest value that parse_uint() takes
 */
struct sample_option {
	char key;
	const char *name;
	const char *arg;
	const char *help;
	int (*parse)(const struct sample_option *opt, const char *arg);
	void *dst;
	__u64 min;
	__u64 max;
};

int parse_flag(const struct sample_option *opt, const char *arg);
int parse_uint(const struct sample_option *opt, const char *arg);
int parse_seconds(const struct sample_option *opt, const char *arg);
int sample_bad_arg(const struct sample_option *opt, const char *arg, const char *want);

/* Groups of common options that a sample takes, for sample_info.common. */
enum {
	SAMPLE_OPT_IFACE = 1 << 0,
	SAMPLE_OPT_MODE = 1 << 1,
	SAMPLE_OPT_COUNT = 1 << 2,
	SAMPLE_OPT_INTERVAL = 1 << 3,
	SAMPLE_OPT_FORCE = 1 << 4,
};

/**
 * struct sample_info - what a sample is
 * @name: name of the binary
 * @summary: what it does, one line
 * @examples: command lines, for the help, as sample_called_examples() prints them
 * @options: its own options, ended by an entry without name; may be NULL
 * @common: SAMPLE_OPT_*; netns, duration, json, verbose, quiet, help and
 *	version are always there
 * @default_iface: interface if -i is not given; NULL: -i must be given
 * @operands: name, for the help, of the arguments behind the options; NULL:
 *	there must be none
 * @needs: what it needs capabilities for, enum sample_need (lib/caps.h)
 * @find_needs: adds to sample.needs what its options need; may be NULL
 */
struct sample_info {
	const char *name;
	const char *summary;
	const char *examples;
	const struct sample_option *options;
	unsigned int common;
	const char *default_iface;
	const char *operands;
	unsigned int needs;
	void (*find_needs)(void);
};

/**
 * struct sample_config - what the common options said
 * @info: the sample
 * @ifnames: interfaces of -i, by their own names
 * @n_ifnames: how many
 * @netns: -n, NULL: stay
 * @mode: -m
 * @duration_ns: -d, 0: no limit
 * @interval_ns: -I, 0: no reports
 * @count: -c, 0: no limit
 * @json: -j
 * @verbose: how often -v was given
 * @quiet: -q
 * @force: --force
 * @operands: arguments behind the options, ended by NULL
 * @needs: what this command line needs capabilities for, enum sample_need
 */
struct sample_config {
	const struct sample_info *info;
	const char *ifnames[SAMPLE_IFACE_MAX];
	unsigned int n_ifnames;
	const char *netns;
	enum sample_mode mode;
	__u64 duration_ns;
	__u64 interval_ns;
	__u64 count;
	bool json;
	__u32 verbose;
	bool quiet;
	bool force;
	char **operands;
	unsigned int needs;
};

extern struct sample_config sample;

void sample_init(const struct sample_info *info, int argc, char **argv);

/* --- the program as it was called (lib/called.c) ------------------------- */

enum {
	SAMPLE_CALLED_LEN = 4096,
	SAMPLE_LINE_LEN = 8192,
};

void sample_called_init(int argc, char **argv);
const char *sample_called(void);
const char *sample_called_name(void);
const char *sample_called_script(const char *name, char buf[SAMPLE_CALLED_LEN]);
const char *sample_called_file(char buf[SAMPLE_CALLED_LEN]);
const char *sample_called_line(char buf[SAMPLE_LINE_LEN]);
void sample_called_examples(const char *text);

/* --- messages (lib/log.c) ------------------------------------------------ */

__printf(1, 2) void pr_err(const char *fmt, ...);
__printf(1, 2) void pr_info(const char *fmt, ...);
__printf(1, 2) void pr_hint(const char *fmt, ...);
void pr_hint_doctor(void);
void pr_hint_help(void);
int sample_load_failed(const char *what, int err);
void sample_log_init(void);
void sample_log_keep(char *err, char *hint, size_t size);

/* --- stdout (lib/output.c) ------------------------------------------------ */

void sample_output_init(void);
bool sample_output_check(void);
void sample_hint_file(int fd, int err);
int sample_exit_status(int err);
json_writer_t *sample_json_begin(const char *event);
void sample_json_end(json_writer_t *json);

/* --- refused by the kernel (lib/refused.c) -------------------------------- */

__printf(3, 4) bool sample_refused(int err, unsigned int needs, const char *fmt, ...);

/* --- event loop (lib/loop.c) ---------------------------------------------- */

/**
 * struct sample_loop_ops - what the loop calls
 * @tick: each -I interval; may be NULL
 * @fd: file descriptor to wait for besides signals and timers, or -1
 * @readable: called when @fd is; a negative errno ends the loop
 * @hangup: called at SIGHUP; NULL: that ends the loop
 * @ctx: handed to all
 */
struct sample_loop_ops {
	void (*tick)(void *ctx);
	int fd;
	int (*readable)(void *ctx);
	void (*hangup)(void *ctx);
	void *ctx;
};

int sample_loop_init(void);
int sample_loop_run(const struct sample_loop_ops *ops);
void sample_loop_stop(void);
bool sample_loop_stopped(void);
bool sample_count_reached(void);
bool sample_count_is_full(void);
bool sample_reader_gone(void);

/* --- clock (lib/clock.c) ------------------------------------------------------ */

__u64 sample_now(void);
__u64 sample_realtime(__u64 ns);

/* --- interfaces that go (lib/iface.c) ------------------------------------------ */

/*
 * An interface is gone; what is attached there may still be at work, if it was moved. Returns
 * true if the sample waits for another one in its place.
 */
typedef bool sample_iface_fn(void *ctx, unsigned int ifindex);

int sample_iface_follow(unsigned int ifindex, sample_iface_fn *gone, void *ctx);
void sample_iface_unfollow(const void *ctx);
int sample_iface_fd(void);
void sample_iface_read(void);
int sample_iface_status(void);

/* --- file systems (lib/mount.c) ----------------------------------------------- */

struct sample_fs;

int sample_mount(const struct sample_fs *fs, const char *what);

/* --- network (lib/net.c) ----------------------------------------------------- */

int sample_enter_netns(void);
int sample_name_ifaces(void);
unsigned int sample_find_iface(const char *name);
unsigned int sample_ifindex(const char *name);
const char *sample_ifname(unsigned int ifindex);
bool sample_carries_ssh(unsigned int ifindex);
bool sample_carries_ssh_to(unsigned int ifindex, const __be32 addr[4], unsigned int port);
int sample_refuse_ssh(void);
int sample_parse_prefix(const char *text, __be32 addr[4], __be32 mask[4]);
int sample_prefix_family(const char *text);
const char *sample_addr(const __be32 addr[4], char buf[INET6_ADDRSTRLEN]);

/* --- XDP (lib/xdp.c) ------------------------------------------------------------ */

/**
 * struct sample_xdp - a program on the interfaces of -i
 * @n: how many are attached
 * @at: one entry an interface: its bpf_link, number, name and mode
 */
struct sample_xdp {
	unsigned int n;
	struct {
		int link_fd;
		unsigned int ifindex;
		char ifname[IF_NAMESIZE];
		enum sample_mode mode;
	} at[SAMPLE_IFACE_MAX];
};

int sample_xdp_attach(struct sample_xdp *xdp, const struct bpf_program *prog);
void sample_xdp_detach(struct sample_xdp *xdp);
void sample_xdp_ready(const struct sample_xdp *xdp);
int sample_find_holder(__u32 prog_id);

/* --- programs (lib/prog.c) ------------------------------------------------------ */

/* BPF_OBJ_NAME_LEN: its header and that of libpcap cannot be included together. */
enum { SAMPLE_PROG_NAME = 16 };

void sample_prog_name(__u32 id, char name[SAMPLE_PROG_NAME]);

/* --- TC (lib/tc.c) -------------------------------------------------------------- */

/**
 * enum sample_tc_hook - how TC runs a program
 * @SAMPLE_TC_AUTO: tcx if the kernel has it, else clsact
 * @SAMPLE_TC_TCX: held by a bpf_link (Linux 6.6 and later)
 * @SAMPLE_TC_CLSACT: as a filter of the clsact qdisc
 */
enum sample_tc_hook {
	SAMPLE_TC_AUTO,
	SAMPLE_TC_TCX,
	SAMPLE_TC_CLSACT,
};

/**
 * struct sample_tc - a program on the interfaces of -i
 * @egress: it sees what goes out, not what comes in
 * @n: how many are attached
 * @at: one entry an interface: its number and name; with tcx the bpf_link; with
 *	clsact the place of the filter, the program, and whether the qdisc was
 *	made for it
 */
struct sample_tc {
	bool egress;
	unsigned int n;
	struct sample_tc_at {
		unsigned int ifindex;
		char ifname[IF_NAMESIZE];
		bool is_tcx;
		int link_fd;
		bool made_qdisc;
		__u32 priority;
		__u32 handle;
		__u32 prog_id;
	} at[SAMPLE_IFACE_MAX];
};

int sample_tc_attach(struct sample_tc *tc, const struct bpf_program *prog,
		     enum sample_tc_hook hook, bool egress);
void sample_tc_detach(struct sample_tc *tc);
void sample_tc_ready(const struct sample_tc *tc);
void sample_tc_hold(struct sample_tc_at *at, enum sample_tc_hook hook, unsigned int ifindex);
void sample_tc_release(const struct sample_tc_at *at);

/* --- rtnetlink (lib/netlink.c) --------------------------------------------------- */

struct nlmsghdr;
struct rtattr;

/* Takes an entry of a dump; NULL: the dump starts. An error ends it. */
typedef int sample_netlink_fn(const struct nlmsghdr *nh, void *ctx);

int sample_netlink_open(__u32 groups);
int sample_netlink_dump(struct nlmsghdr *req, sample_netlink_fn *fn, void *ctx);
void sample_netlink_attrs(const struct rtattr *first, int len, const struct rtattr **attrs,
			  unsigned int n);

/* --- own addresses in a map (lib/addrs.c) ----------------------------------------- */

/**
 * struct sample_addrs - interfaces whose addresses are in a map
 * @fd: readable when they may have changed: sample_addrs_update()
 * @map_fd: the map
 * @n: number of interfaces
 * @ifindex: the interfaces
 * @n_own: addresses that they have
 */
struct sample_addrs {
	int fd;
	int map_fd;
	unsigned int n;
	unsigned int ifindex[SAMPLE_IFACE_MAX];
	unsigned int n_own;
};

int sample_addrs_open(struct sample_addrs *addrs, const struct bpf_map *map,
		      const unsigned int *ifindex, unsigned int n);
int sample_addrs_update(struct sample_addrs *addrs);
void sample_addrs_close(struct sample_addrs *addrs);

/* --- echo requests (lib/echo.c) ---------------------------------------------------- */

int sample_echo_event(void *ctx, void *data, size_t size);

/* --- counters (lib/stats.c) ------------------------------------------------------- */

int sample_stats_read(const struct bpf_map *map, __u64 *sums, unsigned int n);
void sample_stats_text(const char *title, const __u64 *sums, const char * const *names,
		       unsigned int first, unsigned int last);
void sample_stats_json(json_writer_t *json, const __u64 *sums, const char * const *names,
		       unsigned int n);

/* --- top addresses (lib/top.c) ------------------------------------------------------ */

/**
 * struct sample_source - an address and what it sent
 * @addr: IPv6, or IPv4 as ::ffff:a.b.c.d
 * @packets: how many
 * @bytes: and how long in sum
 */
struct sample_source {
	__be32 addr[4];
	__u64 packets;
	__u64 bytes;
};

/**
 * struct sample_top - the addresses of most packets
 * @at: these addresses, most packets first
 * @n: how many, at most max
 * @n_all: addresses in the map
 * @max: how many are wanted
 * @n_cpus: CPUs that have a value each
 * @keys: what was just read
 * @values: likewise
 */
struct sample_top {
	struct sample_source *at;
	unsigned int n;
	__u64 n_all;
	unsigned int max;
	unsigned int n_cpus;
	char *keys;
	__u64 *values;
};

int sample_top_init(struct sample_top *top, unsigned int max);
int sample_top_read(struct sample_top *top, const struct bpf_map *map);
void sample_top_free(struct sample_top *top);

/* --- output for people (lib/format.c) ---------------------------------------------- */

enum {
	SAMPLE_SI_LEN = 16,
	/* "[", the address, "]:65535". */
	SAMPLE_ENDPOINT_LEN = INET6_ADDRSTRLEN + 9,
};

const char *sample_si(double value, const char *sep, char buf[SAMPLE_SI_LEN]);
const char *sample_endpoint(const __be32 addr[4], __be16 port, char buf[SAMPLE_ENDPOINT_LEN]);

/* --- trace pipe (lib/trace.c) ------------------------------------------------------ */

/**
 * struct sample_trace - a private instance of the trace buffer
 * @dir: directory of the instance
 * @fd: its trace pipe, or -1
 * @lines: how many lines of bpf_printk() were read
 * @lost: how many the kernel threw away, because the buffer was full
 * @len: bytes in @line
 * @line: a line of which the end was not read yet
 */
struct sample_trace {
	char dir[128];
	int fd;
	__u64 lines;
	__u64 lost;
	size_t len;
	char line[512];
};

int sample_trace_open(struct sample_trace *trace, const char *glob);
int sample_trace_show(void *ctx);
void sample_trace_summary(const struct sample_trace *trace);
void sample_trace_close(struct sample_trace *trace);

#endif /* _SAMPLES_SAMPLE_H */
