// SPDX-License-Identifier: GPL-2.0
/*
 * Remove what a control program has left that was killed before its instance was ready. Maps
 * are pinned as they are created, and lb_meta gets a layout only when all of them are there.
 * Until then no program is attached.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include "lib/log.h"
#include "parts/xdp_lb/state/state.h"

enum {
	/* More than an instance has maps, and as many as a program may use (MAX_USED_MAPS). */
	MAPS_MAX = 64,
};

struct maps {
	__u32 ids[MAPS_MAX];
	unsigned int n;
};

static void add_pinned(struct maps *maps, const struct lb_state *state, const char *name)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[LB_PATH_MAX];
	int fd;

	lb_pin_path(state, name, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (!bpf_map_get_info_by_fd(fd, &info, &len) && maps->n < MAPS_MAX)
		maps->ids[maps->n++] = info.id;
	close(fd);
}

static void read_pinned(struct maps *maps, const struct lb_state *state)
{
	DIR *dir = opendir(state->dir);
	struct dirent *entry;

	maps->n = 0;
	while (dir && (entry = readdir(dir)))
		add_pinned(maps, state, entry->d_name);
	if (dir)
		closedir(dir);
}

static bool have_common(const struct maps *a, const struct maps *b)
{
	unsigned int i, j;

	for (i = 0; i < a->n; i++) {
		for (j = 0; j < b->n; j++) {
			if (a->ids[i] == b->ids[j])
				return true;
		}
	}
	return false;
}

static void read_used(struct maps *maps, __u32 prog_id)
{
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog_id);

	maps->n = 0;
	if (fd < 0)
		return;
	info.map_ids = (__u64)(unsigned long)maps->ids;
	if (!bpf_prog_get_info_by_fd(fd, &info, &len))
		maps->n = info.nr_map_ids < MAPS_MAX ? info.nr_map_ids : MAPS_MAX;
	close(fd);
}

/*
 * True if there is a program that uses the pinned maps. No other process is loading one, because
 * we hold the lock of the control program: so the program is attached.
 */
static bool is_attached(const struct lb_state *state)
{
	struct maps pinned, used;
	__u32 id = 0;

	read_pinned(&pinned, state);
	while (pinned.n && !bpf_prog_get_next_id(id, &id)) {
		read_used(&used, id);
		if (have_common(&pinned, &used))
			return true;
	}
	return false;
}

static int refuse(const struct lb_state *state)
{
	pr_err("failed to adopt instance %s: it forwards, and %s/lb_meta, which says how, is gone",
	       state->name, state->dir);
	pr_hint("rm -r %s ends it; before Linux 6.6, also: tc filter del dev IFACE ingress",
		state->dir);
	return -EPROTO;
}

/* 1: the instance is finished; 0: it is not; -ENOENT: without lb_meta, nobody knows. */
static int is_finished(const struct lb_state *state)
{
	struct lb_instance_meta meta = {};
	char path[LB_PATH_MAX];
	__u32 zero = 0;
	int fd, err;

	lb_pin_path(state, "lb_meta", path);
	fd = bpf_obj_get(path);
	/* Any other error is left to lb_state_open(), which prints it. */
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : 1;
	err = bpf_map_lookup_elem(fd, &zero, &meta);
	close(fd);
	return err || meta.layout;
}

/**
 * lb_clear_unfinished() - unpin what a control program has left that was killed early
 * @state: from lb_state_lock_run()
 *
 * A finished instance is not changed.
 *
 * Return: 0, or a negative errno, which was printed. -EPROTO: there is an instance that
 * forwards, but no lb_meta.
 */
int lb_clear_unfinished(const struct lb_state *state)
{
	int finished = is_finished(state);

	if (finished > 0)
		return 0;
	if (finished == -ENOENT && is_attached(state))
		return refuse(state);
	return lb_state_unpin(state);
}
