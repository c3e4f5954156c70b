// SPDX-License-Identifier: GPL-2.0
/*
 * Parse the command line. Every option is an entry of a table; getopt's strings and the help
 * are made from that table. These functions may call exit() on a bad command line, because
 * nothing is attached or opened yet.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/net.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/util.h"

#ifndef NETBPF_VERSION
#define NETBPF_VERSION "0.1"
#endif

enum {
	OPTIONS_MAX = 48,
	/* getopt_long() returns VAL_BASE + index for long options: above any char. */
	VAL_BASE = 256,
	HELP_COLUMN = 24,
};

int sample_bad_arg(const struct sample_option *opt, const char *arg, const char *want)
{
	pr_err("--%s %s: not %s", opt->name, arg, want);
	return -EINVAL;
}

/**
 * parse_flag() - parse an option without argument: set the bool at opt->dst
 * @opt: the option
 * @arg: NULL
 *
 * Return: 0.
 */
int parse_flag(const struct sample_option *opt, const char *arg)
{
	*(bool *)opt->dst = true;
	return 0;
}

static int parse_more(const struct sample_option *opt, const char *arg)
{
	(*(__u32 *)opt->dst)++;
	return 0;
}

/**
 * parse_uint() - parse a decimal number from opt->min to opt->max into the __u64 at opt->dst
 * @opt: the option
 * @arg: its argument
 *
 * Return: 0 or -EINVAL.
 */
int parse_uint(const struct sample_option *opt, const char *arg)
{
	unsigned long long value;
	char want[80];
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (errno || end == arg || *end || !isdigit((unsigned char)*arg) ||
	    value < opt->min || value > opt->max) {
		snprintf(want, sizeof(want), "a number from %llu to %llu",
			 (unsigned long long)opt->min, (unsigned long long)opt->max);
		return sample_bad_arg(opt, arg, want);
	}
	*(__u64 *)opt->dst = value;
	return 0;
}

/**
 * parse_seconds() - parse seconds, 0.001 to 10^9, and store ns in the __u64 at opt->dst
 * @opt: the option
 * @arg: its argument
 *
 * Return: 0 or -EINVAL.
 */
int parse_seconds(const struct sample_option *opt, const char *arg)
{
	double value;
	char *end;

	errno = 0;
	value = strtod(arg, &end);
	/* strtod() also accepts "inf", "nan" and "0x1". */
	if (errno || end == arg || *end || arg[strspn(arg, "0123456789.eE-")] ||
	    !(value >= 0.001 && value <= 1e9))
		return sample_bad_arg(opt, arg, "a number of seconds from 0.001 to 1000000000");
	*(__u64 *)opt->dst = value * 1e9;
	return 0;
}

static int parse_string(const struct sample_option *opt, const char *arg)
{
	if (!*arg)
		return sample_bad_arg(opt, "''", "a name");
	*(const char **)opt->dst = arg;
	return 0;
}

static int parse_iface(const struct sample_option *opt, const char *arg)
{
	unsigned int i;

	if (!*arg || strlen(arg) >= SAMPLE_IFNAME_LEN)
		return sample_bad_arg(opt, *arg ? arg : "''", "the name of an interface");
	for (i = 0; i < sample.n_ifnames; i++) {
		if (!strcmp(sample.ifnames[i], arg))
			return sample_bad_arg(opt, arg, "a new one: it was given before");
	}
	if (sample.n_ifnames == SAMPLE_IFACE_MAX)
		return sample_bad_arg(opt, arg, "possible: at most 16 interfaces");
	sample.ifnames[sample.n_ifnames++] = arg;
	return 0;
}

static int parse_mode(const struct sample_option *opt, const char *arg)
{
	enum sample_mode *mode = opt->dst;

	if (!strcmp(arg, "auto"))
		*mode = SAMPLE_MODE_AUTO;
	else if (!strcmp(arg, "native"))
		*mode = SAMPLE_MODE_NATIVE;
	else if (!strcmp(arg, "skb"))
		*mode = SAMPLE_MODE_SKB;
	else
		return sample_bad_arg(opt, arg, "auto, native or skb");
	return 0;
}

static void print_option(const struct sample_option *opt)
{
	char left[64];
	int len;

	len = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s",
		       opt->key ? '-' : ' ', opt->key ? opt->key : ' ',
		       opt->key ? ", " : "  ", opt->name, opt->arg ? " " : "",
		       opt->arg ? opt->arg : "");
	if (len >= HELP_COLUMN)
		printf("%s\n%*s%s\n", left, HELP_COLUMN, "", opt->help);
	else
		printf("%-*s%s\n", HELP_COLUMN, left, opt->help);
}

static int print_help(const struct sample_option *opt, const char *arg);

static int print_version(const struct sample_option *opt,
			 const char *arg)
{
	printf("%s: netbpf %s, libbpf %s\n", sample_called_name(), NETBPF_VERSION,
	       libbpf_version_string());
	exit(sample_exit_status(0));
}

/* Common options, each with its group, SAMPLE_OPT_*; 0: every sample has the option. */
static const struct {
	unsigned int group;
	struct sample_option opt;
} common_options[] = {
	{ SAMPLE_OPT_IFACE, { 'i', "interface", "IF", "interface, name or number; may be repeated",
			      parse_iface, NULL, 0, 0 } },
	{ SAMPLE_OPT_MODE, { 'm', "mode", "MODE", "XDP mode: auto (default), native or skb",
			     parse_mode, &sample.mode, 0, 0 } },
	{ SAMPLE_OPT_FORCE, { 0, "force", NULL, "also drop where the SSH session comes in",
			      parse_flag, &sample.force, 0, 0 } },
	{ 0, { 'n', "netns", "NAME", "work in this network namespace, name or path",
	       parse_string, &sample.netns, 0, 0 } },
	{ 0, { 'd', "duration", "SEC", "stop after SEC seconds",
	       parse_seconds, &sample.duration_ns, 0, 0 } },
	{ SAMPLE_OPT_INTERVAL, { 'I', "interval", "SEC", "report counters each SEC seconds",
				 parse_seconds, &sample.interval_ns, 0, 0 } },
	{ SAMPLE_OPT_COUNT, { 'c', "count", "N", "stop after N events",
			      parse_uint, &sample.count, 1, UINT64_MAX } },
	{ 0, { 'j', "json", NULL, "JSON Lines on stdout, times in ns",
	       parse_flag, &sample.json, 0, 0 } },
	{ 0, { 'v', "verbose", NULL, "libbpf's messages; twice: its debug output too",
	       parse_more, &sample.verbose, 0, 0 } },
	{ 0, { 'q', "quiet", NULL, "no events, errors only; the summary stays",
	       parse_flag, &sample.quiet, 0, 0 } },
	{ 0, { 'V', "version", NULL, "print the version", print_version, NULL, 0, 0 } },
	{ 0, { 'h', "help", NULL, "print this text", print_help, NULL, 0, 0 } },
};

/* Collect the options of this sample: first its own, then the common ones. */
static unsigned int collect_options(const struct sample_option *all[OPTIONS_MAX])
{
	const struct sample_option *opt;
	unsigned int i, n = 0;

	for (opt = sample.info->options; opt && opt->name; opt++)
		all[n++] = opt;
	for (i = 0; i < ARRAY_SIZE(common_options); i++) {
		if (common_options[i].group & ~sample.info->common)
			continue;
		all[n++] = &common_options[i].opt;
	}
	return n;
}

static int print_help(const struct sample_option *opt,
		      const char *arg)
{
	const struct sample_option *all[OPTIONS_MAX];
	unsigned int i, n = collect_options(all);

	printf("Usage: %s [OPTION]...%s%s%s\n%s\n\nOptions:\n", sample_called(),
	       sample.info->operands ? " [" : "",
	       sample.info->operands ? sample.info->operands : "",
	       sample.info->operands ? "]" : "", sample.info->summary);
	for (i = 0; i < n; i++)
		print_option(all[i]);
	printf("\nExamples:\n");
	sample_called_examples(sample.info->examples);
	printf("\nExit status: 0 done, 1 failed, 2 usage, 3 this machine cannot do it.\n");
	exit(sample_exit_status(0));
}

static void usage_exit(void)
{
	pr_hint_help();
	exit(SAMPLE_USAGE);
}

static const struct sample_option *find_option(const struct sample_option *all[OPTIONS_MAX],
					       unsigned int n, int val)
{
	unsigned int i;

	if (val >= VAL_BASE)
		return all[val - VAL_BASE];
	for (i = 0; i < n; i++) {
		if (all[i]->key == val)
			return all[i];
	}
	return NULL;
}

/* Make the arguments of getopt_long() from the table. */
static void make_getopt(const struct sample_option *all[OPTIONS_MAX], unsigned int n,
			char keys[2 * OPTIONS_MAX + 2], struct option longs[OPTIONS_MAX + 1])
{
	unsigned int i;

	/* With a leading ':', getopt_long() returns ':' for a missing argument, '?' else. */
	*keys++ = ':';
	for (i = 0; i < n; i++) {
		longs[i].name = all[i]->name;
		longs[i].has_arg = all[i]->arg ? required_argument : no_argument;
		longs[i].val = VAL_BASE + i;
		if (!all[i]->key)
			continue;
		*keys++ = all[i]->key;
		if (all[i]->arg)
			*keys++ = ':';
	}
	*keys = '\0';
}

static void parse_options(int argc, char **argv)
{
	const struct sample_option *all[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1] = {};
	unsigned int n = collect_options(all);
	char keys[2 * OPTIONS_MAX + 2];
	int val;

	make_getopt(all, n, keys, longs);
	opterr = 0;
	while ((val = getopt_long(argc, argv, keys, longs, NULL)) != -1) {
		const struct sample_option *opt = find_option(all, n, val);

		if (val == ':') {
			pr_err("option %s needs an argument", argv[optind - 1]);
			usage_exit();
		}
		if (!opt) {
			if (optopt && optopt < VAL_BASE)
				pr_err("unknown option -%c", optopt);
			else
				pr_err("unknown option %s", argv[optind - 1]);
			usage_exit();
		}
		if (opt->parse(opt, optarg))
			usage_exit();
	}
	if (optind < argc && !sample.info->operands) {
		pr_err("unexpected argument %s", argv[optind]);
		usage_exit();
	}
	sample.operands = argv + optind;
}

static void find_needs(void)
{
	sample.needs = sample.info->needs;
	if (sample.netns)
		sample.needs |= SAMPLE_NEED_ADMIN;
	if (sample.info->find_needs)
		sample.info->find_needs();
}

/**
 * sample_init() - read the command line, block signals, enter the namespace
 * @info: description of the sample; must stay valid
 * @argc: argument of main()
 * @argv: argument of main()
 *
 * Fills the global variable sample. Replaces indices and alternative names of interfaces by
 * their main names. Exits after --help and --version (0), on a bad command line (2), and if
 * the process cannot enter the network namespace (1).
 */
void sample_init(const struct sample_info *info, int argc, char **argv)
{
	int status;

	sample.info = info;
	sample_called_init(argc, argv);
	sample_output_init();
	parse_options(argc, argv);

	if (sample.verbose && sample.quiet) {
		pr_err("-v and -q exclude each other");
		usage_exit();
	}
	if (!sample.n_ifnames && info->default_iface)
		sample.ifnames[sample.n_ifnames++] = info->default_iface;
	if (!sample.n_ifnames && (info->common & SAMPLE_OPT_IFACE)) {
		pr_err("which interface? Give -i IF");
		pr_hint("ip -br link");
		exit(SAMPLE_USAGE);
	}
	find_needs();
	sample_log_init();
	if (sample_loop_init() || sample_enter_netns())
		exit(SAMPLE_FAILED);
	status = sample_name_ifaces();
	if (status)
		exit(status);
}
