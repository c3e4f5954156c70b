// SPDX-License-Identifier: GPL-2.0
/*
 * stats as tables. Columns are as wide as their contents. If a line does not fit on the
 * terminal, large numbers get an SI prefix; if that is not enough, addresses are left out,
 * which "backend list" has. Without a terminal, everything is printed.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <stdbool.h>
#include "lib/format.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/cmd/show.h"

enum column {
	NAME,
	ADDRESS,
	STATE,
	WEIGHT,
	ACTIVE,
	CONNS,
	PACKETS,
	BYTES,
	PPS,
	BPS,
	N_COLUMNS,
};

enum {
	CELL_LEN = 64,
	/* A longer line about the flow table is broken before its states. */
	LINE_LEN = 80,
};

/**
 * struct layout - how the tables look
 * @si: packets and bytes have SI prefixes
 * @shown: which columns are printed
 * @width: width of each column
 */
struct layout {
	bool si;
	bool shown[N_COLUMNS];
	int width[N_COLUMNS];
};

static const char * const titles[N_COLUMNS] = {
	"backend", "address", "state", "weight", "active", "conns", "packets", "bytes", "pps",
	"bit/s",
};

/* --- cells -------------------------------------------------------------------------------- */

static void put_count(const struct layout *l, __u64 n, char cell[CELL_LEN])
{
	char buf[SAMPLE_SI_LEN];

	if (l->si)
		snprintf(cell, CELL_LEN, "%s", sample_si(n, "", buf));
	else
		snprintf(cell, CELL_LEN, "%llu", n);
}

static void put_numbers(const struct layout *l, const struct lb_table_row *row,
			char cells[N_COLUMNS][CELL_LEN])
{
	char buf[SAMPLE_SI_LEN];

	snprintf(cells[ACTIVE], CELL_LEN, "%llu", row->active);
	snprintf(cells[CONNS], CELL_LEN, "%llu", row->stats.connections);
	put_count(l, row->stats.packets, cells[PACKETS]);
	put_count(l, row->stats.bytes, cells[BYTES]);
	snprintf(cells[PPS], CELL_LEN, "%s", sample_si(row->pps, "", buf));
	snprintf(cells[BPS], CELL_LEN, "%s", sample_si(row->bps, "", buf));
}

static void put_backend(const struct lb_state *state, const struct layout *l, int i,
			char cells[N_COLUMNS][CELL_LEN])
{
	const struct lb_backend *backend = &state->backends[i];
	const struct lb_backend_info *info = &state->backend_infos[i];
	struct lb_table_row row = lb_backend_row(i);

	snprintf(cells[NAME], CELL_LEN, "%s", info->name);
	sample_endpoint(backend->addr.a, backend->port, cells[ADDRESS]);
	lb_backend_text(state, i, cells[STATE]);
	snprintf(cells[WEIGHT], CELL_LEN, "%u", info->weight);
	put_numbers(l, &row, cells);
}

static void put_sum(const struct layout *l, int vip, char cells[N_COLUMNS][CELL_LEN])
{
	struct lb_table_row row = lb_vip_row(vip);

	memset(cells, 0, N_COLUMNS * CELL_LEN);
	snprintf(cells[NAME], CELL_LEN, "sum");
	put_numbers(l, &row, cells);
}

/* --- widths ------------------------------------------------------------------------------- */

static void widen(struct layout *l, char cells[N_COLUMNS][CELL_LEN])
{
	int column, len;

	for (column = 0; column < N_COLUMNS; column++) {
		len = strlen(cells[column]);
		if (len > l->width[column])
			l->width[column] = len;
	}
}

static void measure(const struct lb_state *state, struct layout *l)
{
	char cells[N_COLUMNS][CELL_LEN];
	bool named = false;
	unsigned int vip;
	int column, i;

	for (column = 0; column < N_COLUMNS; column++)
		l->width[column] = strlen(titles[column]);
	for (vip = 0; vip < LB_VIPS_MAX; vip++) {
		if (!state->vip_infos[vip].used)
			continue;
		for (i = lb_next_backend(vip, -1); i >= 0; i = lb_next_backend(vip, i)) {
			put_backend(state, l, i, cells);
			widen(l, cells);
			named = named || strcmp(cells[NAME], cells[ADDRESS]);
		}
		put_sum(l, vip, cells);
		widen(l, cells);
	}
	/* Backends of the command line are named by their address: do not print it twice. */
	l->shown[ADDRESS] = l->shown[ADDRESS] && named;
}

static int length_of(const struct layout *l)
{
	int column, len = 1;

	for (column = 0; column < N_COLUMNS; column++)
		len += l->shown[column] ? 1 + l->width[column] : 0;
	return len;
}

static struct layout make_layout(const struct lb_state *state, bool si, bool addresses)
{
	struct layout l = { .si = si };
	int column;

	for (column = 0; column < N_COLUMNS; column++)
		l.shown[column] = true;
	l.shown[ADDRESS] = addresses;
	l.shown[PPS] = lb_has_rates();
	l.shown[BPS] = lb_has_rates();
	measure(state, &l);
	return l;
}

/* Width of the terminal in characters; without a terminal, lines may be of any length. */
static int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return INT_MAX;
	return size.ws_col;
}

static struct layout choose_layout(const struct lb_state *state)
{
	struct layout l = make_layout(state, false, true);
	int width = terminal_width();

	if (length_of(&l) > width)
		l = make_layout(state, true, true);
	if (length_of(&l) > width)
		l = make_layout(state, true, false);
	return l;
}

/* --- tables ------------------------------------------------------------------------------- */

/* Words are aligned with the beginning of their title, numbers with its end. */
static void print_cells(const struct layout *l, char cells[N_COLUMNS][CELL_LEN])
{
	char line[N_COLUMNS * (CELL_LEN + 1) + 2] = " ";
	int column, len = 1;

	for (column = 0; column < N_COLUMNS; column++) {
		if (!l->shown[column])
			continue;
		len += snprintf(line + len, sizeof(line) - len,
				column <= STATE ? " %-*s" : " %*s", l->width[column],
				cells[column]);
	}
	printf("%s\n", line);
}

static void vip_text(const struct lb_state *state, int vip, const struct layout *l)
{
	char cells[N_COLUMNS][CELL_LEN];
	int i;

	lb_print_vip(&state->vip_infos[vip]);
	printf("\n");
	for (i = 0; i < N_COLUMNS; i++)
		snprintf(cells[i], CELL_LEN, "%s", titles[i]);
	print_cells(l, cells);
	for (i = lb_next_backend(vip, -1); i >= 0; i = lb_next_backend(vip, i)) {
		put_backend(state, l, i, cells);
		print_cells(l, cells);
	}
	put_sum(l, vip, cells);
	print_cells(l, cells);
}

static void reasons_text(void)
{
	const char *name, *what;
	bool titled = false;
	unsigned int i;
	__u64 n;

	for (i = 0; i < __LB_REASON_MAX; i++) {
		n = lb_reason_count(i, &name, &what);
		if (!n)
			continue;
		if (!titled)
			printf("not forwarded:\n");
		titled = true;
		printf("  %-16s %12llu  %s\n", name, n, what);
	}
}

static void table_text(const struct lb_state *state)
{
	const struct lb_usage *usage = lb_report_usage();
	char first[LINE_LEN], states[256] = "";
	const char *sep = " ";
	int i, len = 0;

	snprintf(first, sizeof(first), "flow table: %llu of %u slots in use", usage->used,
		 lb_n_slots(state));
	for (i = LB_FLOW_SYN; i < __LB_FLOW_STATE_MAX; i++) {
		if (usage->states[i])
			len += snprintf(states + len, sizeof(states) - len, "%s%llu %s",
					len ? ", " : "", usage->states[i], lb_flow_state_name(i));
	}
	if (strlen(first) + 2 + len > LINE_LEN)
		sep = "\n  ";
	printf("%s%s%s%s\n", first, len ? ":" : "", len ? sep : "", states);
}

/**
 * lb_report_text() - print what was read, as tables
 * @state: the instance
 */
void lb_report_text(const struct lb_state *state)
{
	struct layout l = choose_layout(state);
	unsigned int i;

	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (state->vip_infos[i].used)
			vip_text(state, i, &l);
	}
	reasons_text();
	table_text(state);
}
