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
};

/* --- options (sample_opts.c) ---------------------------------------------- */

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
 * @examples: command lines, for the help
 * @options: its own options, ended by an entry without name; may be NULL
 * @common: SAMPLE_OPT_*; netns, duration, json, verbose, quiet, help and
 *	version are always there
 * @default_iface: interface if -i is not given; NULL: -i must be given
 */
struct sample_info {
	const char *name;
	const char *summary;
	const char *examples;
	const struct sample_option *options;
	unsigned int common;
	const char *default_iface;
};

/**
 * struct sample_config - what the common options said
 * @info: the sample
 * @ifnames: interfaces of -i, names or numbers
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
};

extern struct sample_config sample;

void sample_init(const struct sample_info *info, int argc, char **argv);

/* --- messages (sample_log.c) ------------------------------------------------ */

__printf(1, 2) void pr_err(const char *fmt, ...);
__printf(1, 2) void pr_info(const char *fmt, ...);
__printf(1, 2) void pr_hint(const char *fmt, ...);
void pr_hint_doctor(void);
int sample_load_failed(const char *what, int err);
bool sample_missing_caps(const char *what);
int sample_exit_status(int err);
void sample_log_init(void);

json_writer_t *sample_json_begin(const char *event);
void sample_json_end(json_writer_t *json);

/* --- event loop (sample_loop.c) ---------------------------------------------- */

/**
 * struct sample_loop_ops - what the loop calls
 * @tick: each -I interval; may be NULL
 * @fd: file descriptor to wait for besides signals and timers, or -1
 * @readable: called when @fd is; a negative errno ends the loop
 * @ctx: handed to both
 */
struct sample_loop_ops {
	void (*tick)(void *ctx);
	int fd;
	int (*readable)(void *ctx);
	void *ctx;
};

int sample_loop_init(void);
int sample_loop_run(const struct sample_loop_ops *ops);
void sample_loop_stop(void);
bool sample_loop_stopped(void);
bool sample_count_reached(void);
bool sample_reader_gone(void);
__u64 sample_realtime(__u64 monotonic_ns);

/* --- network (sample_net.c) ----------------------------------------------------- */

int sample_enter_netns(void);
unsigned int sample_ifindex(const char *name);
const char *sample_ifname(unsigned int ifindex);
bool sample_carries_ssh(unsigned int ifindex);
int sample_refuse_ssh(void);
int sample_parse_prefix(const char *text, __be32 addr[4], __be32 mask[4]);
int sample_prefix_family(const char *text);
const char *sample_addr(const __be32 addr[4], char buf[INET6_ADDRSTRLEN]);

/* --- XDP (sample_xdp.c) ------------------------------------------------------------ */

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

/* --- counters (sample_stats.c) ------------------------------------------------------- */

int sample_stats_read(const struct bpf_map *map, __u64 *sums, unsigned int n);

/* --- trace pipe (sample_trace.c) ------------------------------------------------------ */

/**
 * struct sample_trace - a private instance of the trace buffer
 * @dir: directory of the instance
 * @fd: its trace pipe, or -1
 */
struct sample_trace {
	char dir[128];
	int fd;
};

int sample_trace_open(struct sample_trace *trace, const char *glob);
void sample_trace_close(struct sample_trace *trace);

#endif /* _SAMPLES_SAMPLE_H */
