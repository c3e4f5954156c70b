// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_lb: the commands. Each is an entry of a table. "run" creates an instance; the other
 * commands, except "check", find an instance by its pinned maps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/util.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/cmd/show.h"

/* --- commands --------------------------------------------------------------------------- */

static int command_run(char **words)
{
	struct lb_conf conf;
	int err;

	err = lb_get_config(&conf);
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

	bad = lb_get_config(&conf);
	if (bad)
		return bad;
	bad = lb_host_check(&conf, conf.mode, sample.json);
	lb_conf_free(&conf);
	return bad > 0 ? -EIO : bad;
}

enum {
	NEED_RUN = SAMPLE_NEED_LOAD | SAMPLE_NEED_NETLINK,
	/* Only a BPF program can read jiffies, the clock of the flow table: see cmd/table.c. */
	NEED_CLOCK = SAMPLE_NEED_BPF,
	/* A ring is opened by the id of its map. */
	NEED_RING = SAMPLE_NEED_ADMIN,
	/* The control program most likely runs as root, so others need CAP_KILL to signal it. */
	NEED_SIGNAL = SAMPLE_NEED_SIGNALS,
};

/*
 * @early works without an instance, @fn on one. The user who made an instance may open its
 * pins; others need SAMPLE_NEED_FILES, which @needs leaves out: opening a pin shows it.
 */
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
	/* All verbs but "list" make a new ring. */
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
	.options = lb_option_table,
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

/* -EINVAL: a bad word or configuration ends the program as a bad option does. */
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
