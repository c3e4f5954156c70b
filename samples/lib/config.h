/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Description of a sample, and the values of its common options, which lib/opts.c sets. */
#ifndef _SAMPLES_LIB_CONFIG_H
#define _SAMPLES_LIB_CONFIG_H

#include <linux/types.h>
#include <stdbool.h>

struct sample_option;

/**
 * enum sample_exit - exit status of every sample
 * @SAMPLE_OK: success, also if a signal, -d or -c ended the sample
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
 * @SAMPLE_MODE_AUTO: native if the driver supports it, else skb
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
	/* Size of an alternative interface name: the kernel's ALTIFNAMSIZ. */
	SAMPLE_IFNAME_LEN = 128,
};

/**
 * struct sample_info - description of a sample
 * @name: name of the binary, without a prefix
 * @summary: what it does, one line
 * @examples: example commands for the help, in the form of sample_called_examples()
 * @options: the sample's own options, ended by an entry without name; may be NULL
 * @common: SAMPLE_OPT_*: common options that the sample has; netns, duration, json, verbose,
 *	quiet, help and version are always there
 * @default_iface: interface if -i is not given; NULL: -i must be given
 * @operands: name of the arguments after the options, for the help; NULL: the sample takes
 *	no arguments
 * @needs: what the sample needs capabilities for, enum sample_need (lib/caps.h)
 * @find_needs: adds to sample.needs what the given options need; may be NULL
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
 * struct sample_config - values of the common options
 * @info: description of the sample
 * @ifnames: interfaces of -i; an alternative name is replaced by the main name
 * @n_ifnames: number of interfaces
 * @netns: -n, NULL: stay in the current network namespace
 * @mode: -m
 * @duration_ns: -d, 0: no limit
 * @interval_ns: -I, 0: no reports
 * @count: -c, 0: no limit
 * @json: -j
 * @verbose: how often -v was given
 * @quiet: -q
 * @force: --force
 * @operands: arguments after the options, ended by NULL
 * @needs: what this command line needs capabilities for, bits of enum sample_need
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
