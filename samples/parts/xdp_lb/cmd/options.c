// SPDX-License-Identifier: GPL-2.0
/* xdp_lb: its options, and the configuration that they make or name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include "lib/log.h"
#include "lib/opts.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/cmd/show.h"

struct lb_options lb_options;

/* --- options --------------------------------------------------------------------------- */

static int parse_word(const struct sample_option *opt, const char *arg)
{
	if (!*arg)
		return sample_bad_arg(opt, "''", "a value");
	*(const char **)opt->dst = arg;
	return 0;
}

static int parse_name(const struct sample_option *opt, const char *arg)
{
	if (!lb_is_instance_name(arg))
		return sample_bad_arg(opt, arg, "an instance: letters, digits, - and _");
	lb_options.name = arg;
	return 0;
}

static int parse_iface(const struct sample_option *opt, const char *arg)
{
	if (!*arg || strlen(arg) >= SAMPLE_IFNAME_LEN)
		return sample_bad_arg(opt, *arg ? arg : "''", "the name of an interface");
	if (sample.n_ifnames == LB_IFACES_MAX)
		return sample_bad_arg(opt, arg, "possible: at most 16 interfaces");
	sample.ifnames[sample.n_ifnames++] = arg;
	return 0;
}

static int parse_mode(const struct sample_option *opt, const char *arg)
{
	enum lb_mode mode;

	for (mode = LB_MODE_AUTO; mode <= LB_MODE_TC; mode++) {
		if (strcmp(arg, lb_mode_name(mode)))
			continue;
		lb_options.mode = mode;
		lb_options.mode_given = true;
		return 0;
	}
	return sample_bad_arg(opt, arg, "auto, native, skb or tc");
}

static int parse_forward(const struct sample_option *opt, const char *arg)
{
	unsigned int forward;

	for (forward = LB_NAT; forward <= LB_IPIP; forward++) {
		if (!strcmp(arg, lb_forward_name(forward))) {
			lb_options.forward = forward;
			return 0;
		}
	}
	return sample_bad_arg(opt, arg, "nat, dnat, dsr or ipip");
}

static int parse_spec(const struct sample_option *opt, const char *arg)
{
	struct lb_conf_spec *spec = &lb_options.specs[lb_options.n_specs];

	if (lb_options.n_specs == LB_SPECS_MAX)
		return sample_bad_arg(opt, arg, "possible: that many need a file, see -c");
	spec->is_vip = !strcmp(opt->name, "vip");
	spec->text = arg;
	lb_options.n_specs++;
	return 0;
}

static int parse_snat(const struct sample_option *opt, const char *arg)
{
	if (lb_options.n_snat == LB_SNAT_MAX)
		return sample_bad_arg(opt, arg, "possible: at most 8 addresses");
	if (lb_parse_addr(arg, &lb_options.snat[lb_options.n_snat]))
		return sample_bad_arg(opt, arg, "an address, as 10.0.0.240 or fd00::240");
	lb_options.n_snat++;
	return 0;
}

static int parse_flow_state(const struct sample_option *opt, const char *arg)
{
	enum lb_flow_state flow_state;

	for (flow_state = LB_FLOW_SYN; flow_state < __LB_FLOW_STATE_MAX; flow_state++) {
		if (!strcmp(arg, lb_flow_state_name(flow_state))) {
			lb_options.flow_state = flow_state;
			return 0;
		}
	}
	return sample_bad_arg(opt, arg,
			      "syn, synack, established, fin, reset, udp or udp_replied");
}

const struct sample_option lb_option_table[] = {
	{ 'c', "config", "FILE", "run, check: services, as YAML", parse_word,
	  &lb_options.path, 0, 0 },
	{ 'i', "interface", "IF", "run, check without file: interface; may be repeated",
	  parse_iface, NULL, 0, 0 },
	{ 0, "vip", "SPEC", "run, check without file: a service, as tcp:10.0.0.5:80",
	  parse_spec, NULL, 0, 0 },
	{ 0, "backend", "SPEC", "and its backends, as 10.0.0.2:80[,weight=N]", parse_spec,
	  NULL, 0, 0 },
	{ 0, "forward", "MODE", "and how they are reached: nat (default), dnat, dsr, ipip",
	  parse_forward, NULL, 0, 0 },
	{ 0, "snat", "ADDR", "and what nat sends from; may be repeated", parse_snat, NULL, 0, 0 },
	{ 'm', "mode", "MODE", "run, check: auto (default), native, skb or tc", parse_mode,
	  NULL, 0, 0 },
	{ 0, "name", "NAME", "instance; may be left out if there is one (run: lb0)",
	  parse_name, NULL, 0, 0 },
	{ 0, "force", NULL, "run, reload: also take packets of the SSH session",
	  parse_flag, &sample.force, 0, 0 },
	{ 0, "keep", NULL, "run, stop: end the control program only", parse_flag,
	  &lb_options.keep, 0, 0 },
	{ 0, "digest", NULL, "ring: a number that balancers can be compared by", parse_flag,
	  &lb_options.digest, 0, 0 },
	{ 0, "who", "CLIENT", "ring: the backend of a client, as 10.0.0.4:40000", parse_word,
	  &lb_options.who, 0, 0 },
	{ 0, "watch", NULL, "stats: draw each report over the one before", parse_flag,
	  &lb_options.watch, 0, 0 },
	{ 0, "state", "STATE", "conns: only these: syn, established, fin, udp, ...",
	  parse_flow_state, NULL, 0, 0 },
	{ 0, NULL, NULL, NULL, NULL, NULL, 0, 0 },
};

/* --- the configuration -------------------------------------------------------------------- */

static int config_from_args(struct lb_conf *conf)
{
	unsigned int i;
	int err;

	if (!sample.n_ifnames || !lb_options.n_specs) {
		pr_err("which services? Give -c FILE, or -i IF --vip SPEC --backend SPEC");
		pr_hint_help();
		return -EINVAL;
	}
	for (i = 0; i < lb_options.n_specs; i++)
		lb_options.specs[i].forward = lb_options.forward;
	err = lb_conf_args(conf, lb_options.specs, lb_options.n_specs, lb_options.snat,
			   lb_options.n_snat);
	if (err)
		return err;
	for (i = 0; i < sample.n_ifnames; i++)
		snprintf(conf->ifnames[i], IF_NAMESIZE, "%s", sample.ifnames[i]);
	conf->n_ifnames = sample.n_ifnames;
	return 0;
}

/**
 * lb_override() - let the command line win over the file
 * @conf: configuration of the file
 */
void lb_override(struct lb_conf *conf)
{
	if (lb_options.name)
		snprintf(conf->name, sizeof(conf->name), "%s", lb_options.name);
	if (lb_options.mode_given)
		conf->mode = lb_options.mode;
}

/**
 * lb_get_config() - the configuration that the command line names, or gives
 * @conf: result; lb_conf_free() frees it
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_get_config(struct lb_conf *conf)
{
	int err;

	memset(conf, 0, sizeof(*conf));
	if (lb_options.path && (lb_options.n_specs || lb_options.n_snat || sample.n_ifnames)) {
		pr_err("-c FILE and -i, --vip, --backend, --snat exclude each other");
		return -EINVAL;
	}
	err = lb_options.path ? lb_conf_read(conf, lb_options.path) : config_from_args(conf);
	if (!err)
		lb_override(conf);
	return err;
}
