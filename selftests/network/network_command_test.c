// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the commands that samples/network reads: what each line means, and the message
 * about a bad line. The tests need no BPF and no root.
 */
#include "test_harness.h"
#include "parts/network/command.h"

static int parse(struct network_command *cmd, const char *text, char why[128])
{
	char line[128];

	snprintf(line, sizeof(line), "%s", text);
	memset(cmd, 0xff, sizeof(*cmd));
	why[0] = '\0';
	return network_parse_command(cmd, line, why, 128);
}

TEST(commands)
{
	static const struct {
		const char *line;
		int word;
		int hook;
		int to;
	} tries[] = {
		{ "xdp pass", NETWORK_SWITCH, NETWORK_XDP, NETWORK_ACTION_PASS },
		{ "xdp drop-ping", NETWORK_SWITCH, NETWORK_XDP, NETWORK_ACTION_DROP_PING },
		{ "xdp off", NETWORK_SWITCH, NETWORK_XDP, NETWORK_OFF },
		{ "tc pass", NETWORK_SWITCH, NETWORK_TC, NETWORK_ACTION_PASS },
		{ "tc drop", NETWORK_SWITCH, NETWORK_TC, NETWORK_ACTION_DROP },
		{ "tc drop-ping", NETWORK_SWITCH, NETWORK_TC, NETWORK_ACTION_DROP_PING },
		{ "tc pingpong", NETWORK_SWITCH, NETWORK_TC, NETWORK_ACTION_PINGPONG },
		{ "\t tc \t off  \r", NETWORK_SWITCH, NETWORK_TC, NETWORK_OFF },
		{ "sockfilter on", NETWORK_SWITCH, NETWORK_SOCKFILTER, NETWORK_ACTION_PASS },
		{ "sockfilter off", NETWORK_SWITCH, NETWORK_SOCKFILTER, NETWORK_OFF },
		{ "tcpconnect on", NETWORK_SWITCH, NETWORK_TCPCONNECT, NETWORK_ACTION_PASS },
		{ "tcpconnect off", NETWORK_SWITCH, NETWORK_TCPCONNECT, NETWORK_OFF },
		{ "status", NETWORK_STATUS, -1, -1 },
		{ " help ", NETWORK_HELP, -1, -1 },
		{ "quit", NETWORK_QUIT, -1, -1 },
		{ "", NETWORK_NOTHING, -1, -1 },
		{ "  ", NETWORK_NOTHING, -1, -1 },
		{ "# xdp off", NETWORK_NOTHING, -1, -1 },
	};
	struct network_command cmd;
	char why[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		EXPECT_EQ(0, parse(&cmd, tries[i].line, why))
			TH_LOG("%s: %s", tries[i].line, why);
		EXPECT_EQ(tries[i].word, (int)cmd.word);
		if (tries[i].word != NETWORK_SWITCH)
			continue;
		EXPECT_EQ(tries[i].hook, cmd.hook);
		EXPECT_EQ(tries[i].to, cmd.to);
	}
}

TEST(bad_commands)
{
	static const char * const tries[][2] = {
		{ "xdp", "xdp: switch it to what? pass, drop-ping or off" },
		{ "xdp drop", "xdp drop: not pass, drop-ping or off" },
		{ "xdp pingpong", "xdp pingpong: not pass, drop-ping or off" },
		{ "xdp on", "xdp on: not pass, drop-ping or off" },
		{ "tc on", "tc on: not pass, drop, drop-ping, pingpong or off" },
		{ "sockfilter pass", "sockfilter pass: not on or off" },
		{ "sockfilter drop", "sockfilter drop: not on or off" },
		{ "tcpconnect pass", "tcpconnect pass: not on or off" },
		{ "XDP pass", "XDP: no such command" },
		{ "status please", "status: nothing may follow, but there is please" },
		{ "tc drop now", "tc drop: nothing may follow, but there is now" },
	};
	struct network_command cmd;
	char why[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		EXPECT_EQ(-EINVAL, parse(&cmd, tries[i][0], why));
		EXPECT_STREQ(tries[i][1], why);
	}
}

TEST_HARNESS_MAIN
