// SPDX-License-Identifier: GPL-2.0
/* Commands on standard input: a switch and its new position ("tc drop"), or a word ("status"). */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "parts/network/command.h"

static const char * const hook_names[__NETWORK_SWITCH_MAX] = {
	[NETWORK_XDP] = "xdp",
	[NETWORK_SOCKFILTER] = "sockfilter",
	[NETWORK_TC] = "tc",
	[NETWORK_TCPCONNECT] = "tcpconnect",
};

static const char * const actions[__NETWORK_ACTION_MAX + 1] = {
	[NETWORK_ACTION_PASS] = "pass",
	[NETWORK_ACTION_DROP] = "drop",
	[NETWORK_ACTION_DROP_PING] = "drop-ping",
	[NETWORK_ACTION_PINGPONG] = "pingpong",
	[NETWORK_OFF] = "off",
};

/* Actions that each switch can have, as bits 1 << enum network_action. */
static const unsigned int possible[__NETWORK_SWITCH_MAX] = {
	[NETWORK_XDP] = 1 << NETWORK_ACTION_PASS | 1 << NETWORK_ACTION_DROP_PING,
	[NETWORK_SOCKFILTER] = 1 << NETWORK_ACTION_PASS,
	[NETWORK_TC] = 1 << NETWORK_ACTION_PASS | 1 << NETWORK_ACTION_DROP |
		       1 << NETWORK_ACTION_DROP_PING | 1 << NETWORK_ACTION_PINGPONG,
	[NETWORK_TCPCONNECT] = 1 << NETWORK_ACTION_PASS,
};

static const char * const words[] = {
	[NETWORK_STATUS] = "status",
	[NETWORK_HELP] = "help",
	[NETWORK_QUIT] = "quit",
};

/**
 * network_hook_name() - name of a switch
 * @hook: enum network_hook or NETWORK_TCPCONNECT
 *
 * Return: "xdp", "sockfilter", "tc" or "tcpconnect".
 */
const char *network_hook_name(int hook)
{
	return hook_names[hook];
}

/* Hooks that only watch packets have no actions: their positions are "on" and "off". */
static bool only_on_off(int hook)
{
	return hook == NETWORK_SOCKFILTER || hook == NETWORK_TCPCONNECT;
}

/**
 * network_position_name() - name of a position of a switch
 * @hook: the switch, enum network_hook or NETWORK_TCPCONNECT
 * @to: enum network_action or NETWORK_OFF
 *
 * Return: "pass", "drop-ping", "on", "off", ...
 */
const char *network_position_name(int hook, int to)
{
	if (only_on_off(hook) && to == NETWORK_ACTION_PASS)
		return "on";
	return actions[to];
}

/**
 * network_positions() - list the positions of a switch
 * @hook: the switch, enum network_hook or NETWORK_TCPCONNECT
 *
 * Return: text for messages, "on or off".
 */
const char *network_positions(int hook)
{
	switch (hook) {
	case NETWORK_XDP:
		return "pass, drop-ping or off";
	case NETWORK_TC:
		return "pass, drop, drop-ping, pingpong or off";
	default:
		return "on or off";
	}
}

/**
 * network_parse_position() - find a position of a switch by its name
 * @hook: the switch, enum network_hook or NETWORK_TCPCONNECT
 * @text: name of the position
 * @to: takes enum network_action or NETWORK_OFF
 *
 * Return: 0 or -EINVAL.
 */
int network_parse_position(int hook, const char *text, int *to)
{
	int i;

	for (i = 0; i <= NETWORK_OFF; i++) {
		if (strcmp(text, network_position_name(hook, i)) ||
		    (i != NETWORK_OFF && !(possible[hook] & 1 << i)))
			continue;
		*to = i;
		return 0;
	}
	return -EINVAL;
}

static int parse_switch(struct network_command *cmd, const char *arg, char *why, size_t size)
{
	const char *name = hook_names[cmd->hook];

	cmd->word = NETWORK_SWITCH;
	if (!arg)
		snprintf(why, size, "%s: switch it to what? %s", name,
			 network_positions(cmd->hook));
	else if (network_parse_position(cmd->hook, arg, &cmd->to))
		snprintf(why, size, "%s %s: not %s", name, arg, network_positions(cmd->hook));
	else
		return 0;
	return -EINVAL;
}

/**
 * network_parse_command() - parse a line of standard input
 * @cmd: takes the command
 * @line: the line, without newline; strtok_r() changes it
 * @why: takes a message if the line is wrong
 * @size: size of @why
 *
 * Return: 0 or -EINVAL; then @why is set.
 */
int network_parse_command(struct network_command *cmd, char *line, char *why, size_t size)
{
	static const char blank[] = " \t\r";
	const char *word, *arg, *more;
	unsigned int i;
	char *save;

	word = strtok_r(line, blank, &save);
	arg = word ? strtok_r(NULL, blank, &save) : NULL;
	more = arg ? strtok_r(NULL, blank, &save) : NULL;
	cmd->word = NETWORK_NOTHING;
	if (!word || *word == '#')
		return 0;
	if (more) {
		snprintf(why, size, "%s %s: nothing may follow, but there is %s", word, arg, more);
		return -EINVAL;
	}
	for (cmd->hook = 0; cmd->hook < __NETWORK_SWITCH_MAX; cmd->hook++) {
		if (!strcmp(word, hook_names[cmd->hook]))
			return parse_switch(cmd, arg, why, size);
	}
	for (i = NETWORK_STATUS; i <= NETWORK_QUIT; i++) {
		if (strcmp(word, words[i]))
			continue;
		cmd->word = i;
		if (!arg)
			return 0;
		snprintf(why, size, "%s: nothing may follow, but there is %s", word, arg);
		return -EINVAL;
	}
	snprintf(why, size, "%s: no such command", word);
	return -EINVAL;
}
