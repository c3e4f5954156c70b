/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a sample is, and what its command line said: lib/opts.c reads that, all others use it. */
#ifndef _SAMPLES_LIB_CONFIG_H
#define _SAMPLES_LIB_CONFIG_H

#include <linux/types.h>
#include <stdbool.h>

struct sample_option;

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

#endif /* _SAMPLES_LIB_CONFIG_H */
