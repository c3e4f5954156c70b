// SPDX-License-Identifier: GPL-2.0
/*
 * stats: what an instance has counted.
 *
 *	lb_read_report() -> lb_report_text() or lb_report_json(): once, or each interval
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/config.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/output.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	WATCH_NS = 1000000000,
};

static int show_stats(const struct lb_state *state, const char *event)
{
	json_writer_t *json;
	int err;

	err = lb_read_report(state);
	if (err)
		return err;
	if (lb_options.watch)
		printf("\033[H\033[2J");
	if (!sample.json) {
		printf("%s: instance %s\n", event, state->name);
		lb_report_text(state);
		return 0;
	}
	json = sample_json_begin(event);
	jsonw_string_field(json, "name", state->name);
	lb_report_json(json, state, NULL, NULL);
	sample_json_end(json);
	return 0;
}

/**
 * lb_show_stats() - print a report of the control program
 * @state: the instance
 * @event: "stats" or "summary"
 */
void lb_show_stats(const struct lb_state *state, const char *event)
{
	/* With -q only the summary, as in other samples. */
	if (!sample.quiet || strcmp(event, "stats"))
		show_stats(state, event);
}

/* True if the instance was removed: nothing of it changes any more. */
static bool is_gone(const struct lb_state *state)
{
	struct stat st;

	return !fstat(state->dir_fd, &st) && !st.st_nlink;
}

static void on_tick(void *ctx)
{
	const struct lb_state *state = ctx;

	if (is_gone(state)) {
		pr_info("instance %s has ended", state->name);
		sample_loop_stop();
		return;
	}
	if (show_stats(state, "stats"))
		sample_loop_stop();
}

/**
 * lb_stats_command() - xdp_lb stats
 * @state: the instance
 * @words: none
 *
 * With -I, prints a report each interval, until a signal, the time of -d, or the end of the
 * instance. With --watch, draws each report over the one before.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_stats_command(struct lb_state *state, char **words)
{
	struct sample_loop_ops ops = { .tick = on_tick, .fd = -1, .ctx = state };
	int err;

	if (lb_options.watch && (sample.json || !isatty(STDOUT_FILENO))) {
		pr_err("--watch draws on a terminal, without --json");
		pr_hint_help();
		return -EINVAL;
	}
	if (lb_options.watch && !sample.interval_ns)
		sample.interval_ns = WATCH_NS;
	err = show_stats(state, "stats");
	return err || !sample.interval_ns ? err : sample_loop_run(&ops);
}
