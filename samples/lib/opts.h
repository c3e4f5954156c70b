/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Command line options: those that samples have in common, and a sample's own. */
#ifndef _SAMPLES_LIB_OPTS_H
#define _SAMPLES_LIB_OPTS_H

#include <linux/types.h>
#include <stdbool.h>
#include "lib/config.h"

/**
 * struct sample_option - one command line option
 * @key: short option, or 0 if there is only a long one
 * @name: long option
 * @arg: name of the argument in the help, NULL for a flag
 * @help: what it does, one line
 * @parse: parses the argument (NULL for a flag); for bad input, calls sample_bad_arg(), which
 *	prints why, and returns -EINVAL
 * @dst: where @parse stores the value
 * @min: least value that parse_uint() accepts
 * @max: greatest value that parse_uint() accepts
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

/* Groups of common options, for sample_info.common: a sample has only the groups it names. */
enum {
	SAMPLE_OPT_IFACE = 1 << 0,
	SAMPLE_OPT_MODE = 1 << 1,
	SAMPLE_OPT_COUNT = 1 << 2,
	SAMPLE_OPT_INTERVAL = 1 << 3,
	SAMPLE_OPT_FORCE = 1 << 4,
};

void sample_init(const struct sample_info *info, int argc, char **argv);

#endif /* _SAMPLES_LIB_OPTS_H */
