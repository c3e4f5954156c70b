// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_lb: the command line. Each command is an entry of a table; "run" makes an
 * instance, the others find it in its pinned maps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "sample.h"
#include "xdp_lb_commands.h"
#include "xdp_lb_show.h"

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

static const struct sample_option options[] = {
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

/* --- commands --------------------------------------------------------------------------- */

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
 * lb_override() - what the command line says wins over the file
 * @conf: of the file
 */
void lb_override(struct lb_conf *conf)
{
	if (lb_options.name)
		snprintf(conf->name, sizeof(conf->name), "%s", lb_options.name);
	if (lb_options.mode_given)
		conf->mode = lb_options.mode;
}

static int get_config(struct lb_conf *conf)
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

static int command_run(char **words)
{
	struct lb_conf conf;
	int err;

	err = get_config(&conf);
	if (err)
		return err;
	err = lb_guard(&conf);
	if (!err)
		return lb_run(&conf, lb_options.path);
	lb_conf_free(&conf);
	return err;
}

static int command_check(char **words)
{
	struct lb_conf conf;
	int bad;

	bad = get_config(&conf);
	if (bad)
		return bad;
	bad = lb_host_check(&conf, conf.mode, sample.json);
	lb_conf_free(&conf);
	return bad > 0 ? -EIO : bad;
}

enum {
	NEED_RUN = SAMPLE_NEED_LOAD | SAMPLE_NEED_NETLINK,
	/* To read the clock of the flow table. */
	NEED_CLOCK = SAMPLE_NEED_BPF,
	/* A ring is got by its id. */
	NEED_RING = SAMPLE_NEED_ADMIN,
	/* The control program is root's, as far as is known. */
	NEED_SIGNAL = SAMPLE_NEED_SIGNALS,
};

/* Who made the instance may do the rest; others need SAMPLE_NEED_FILES, found by trying. */
static const struct command {
	const char *name;
	unsigned int max_words;
	int (*early)(char **words);
	int (*fn)(struct lb_state *state, char **words);
	unsigned int needs;
} commands[] = {
	{ "run", 0, command_run, NULL, NEED_RUN },
	{ "check", 0, command_check, NULL, 0 },
	{ "reload", 0, NULL, lb_reload, NEED_SIGNAL },
	{ "stop", 0, NULL, lb_stop, NEED_SIGNAL },
	{ "show", 0, NULL, lb_show, NEED_CLOCK },
	{ "stats", 0, NULL, lb_stats_command, NEED_CLOCK },
	{ "conns", 1, NULL, lb_conns, NEED_CLOCK },
	{ "ring", 1, NULL, lb_ring_command, NEED_RING },
	{ "backend", 4, NULL, lb_backend_command, 0 },
	{ "vip", 1, NULL, lb_vip_command, 0 },
};

static const struct command *look_up(const char *name)
{
	unsigned int i;

	for (i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static void find_needs(void)
{
	const struct command *command = look_up(sample.operands[0]);
	const char *verb = command ? sample.operands[1] : NULL;

	if (command)
		sample.needs |= command->needs;
	/* All but to list them makes a new ring. */
	if (command && command->fn == lb_backend_command && verb && strcmp(verb, "list"))
		sample.needs |= SAMPLE_NEED_BPF;
}

static const struct sample_info info = {
	.name = "xdp_lb",
	.summary = "Balances TCP and UDP over backends, in XDP or TC ingress.\n\n"
		   "Commands:\n"
		   "  run                   forward packets, follow health, next hops, interfaces\n"
		   "  check                 say what would make packets vanish\n"
		   "  reload                have run read its file again\n"
		   "  stop                  end an instance; --keep: only its run\n"
		   "  show                  everything\n"
		   "  stats [-I SEC]        packets, bytes, connections; reasons of drops; --watch\n"
		   "  conns [VIP]           connections; with --state: see there\n"
		   "  ring VIP              shares; with --digest, --who: see there\n"
		   "  backend [list [VIP]]  backends\n"
		   "  backend drain|enable VIP BACKEND\n"
		   "  backend weight VIP BACKEND N\n"
		   "  vip [list]            services",
	.examples =
		"  @ run -i eth0 --vip tcp:10.0.0.5:80 --backend 10.0.0.2:80 --backend 10.0.0.3:80\n"
		"  @ check -c lb.yaml && @ run -c lb.yaml\n"
		"  @ stats --watch\n"
		"  @ backend drain web a\n",
	.options = options,
	.common = SAMPLE_OPT_INTERVAL,
	.operands = "COMMAND",
	.find_needs = find_needs,
};

static const struct command *find_command(const char *name)
{
	const struct command *command = look_up(name);

	if (command)
		return command;
	if (name)
		pr_err("unknown command %s", name);
	else
		pr_err("which command? run, check, reload, stop, show, stats, conns, ring, backend or vip");
	pr_hint_help();
	return NULL;
}

static unsigned int count_words(char **words)
{
	unsigned int n = 0;

	while (words[n])
		n++;
	return n;
}

static int on_instance(const struct command *command, char **words)
{
	char name[LB_NAME_MAX];
	struct lb_state state;
	int err;

	err = lb_state_find(lb_options.name, name);
	if (err)
		return err;
	err = lb_state_open(&state, name);
	if (!err)
		err = command->fn(&state, words);
	lb_state_close(&state);
	return err;
}

/* Bad input is a matter of usage here, as on the command line. */
static int exit_status(int err)
{
	return err == -EINVAL ? SAMPLE_USAGE : sample_exit_status(err);
}

int main(int argc, char **argv)
{
	const struct command *command;
	char **words;
	int err;

	sample_init(&info, argc, argv);
	command = find_command(sample.operands[0]);
	if (!command)
		return SAMPLE_USAGE;
	words = sample.operands + 1;
	if (count_words(words) > command->max_words) {
		pr_err("unexpected argument %s", words[command->max_words]);
		pr_hint_help();
		return SAMPLE_USAGE;
	}
	err = command->early ? command->early(words) : on_instance(command, words);
	return exit_status(err);
}
