/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Commands on standard input, and the names of switches and their positions. */
#ifndef _SAMPLES_NETWORK_COMMAND_H
#define _SAMPLES_NETWORK_COMMAND_H

#include <stddef.h>
#include "network.h"

enum {
	/* Each enum network_hook is a switch, and tcpconnect is one more. */
	NETWORK_TCPCONNECT = __NETWORK_HOOK_MAX,
	__NETWORK_SWITCH_MAX,
	/* Each enum network_action is a position of a switch, and "off" is one more. */
	NETWORK_OFF = __NETWORK_ACTION_MAX,
};

/**
 * enum network_word - first word of a command
 * @NETWORK_NOTHING: an empty line or a comment
 * @NETWORK_SWITCH: the name of a switch
 * @NETWORK_STATUS: "status"
 * @NETWORK_HELP: "help"
 * @NETWORK_QUIT: "quit"
 */
enum network_word {
	NETWORK_NOTHING,
	NETWORK_SWITCH,
	NETWORK_STATUS,
	NETWORK_HELP,
	NETWORK_QUIT,
};

/**
 * struct network_command - a line of standard input
 * @word: the command
 * @hook: for NETWORK_SWITCH: the switch, enum network_hook or NETWORK_TCPCONNECT
 * @to: for NETWORK_SWITCH: the new position, enum network_action or NETWORK_OFF
 */
struct network_command {
	enum network_word word;
	int hook;
	int to;
};

const char *network_hook_name(int hook);
const char *network_position_name(int hook, int to);
const char *network_positions(int hook);
int network_parse_position(int hook, const char *text, int *to);
int network_parse_command(struct network_command *cmd, char *line, char *why, size_t size);

#endif /* _SAMPLES_NETWORK_COMMAND_H */
