// SPDX-License-Identifier: GPL-2.0
/*
 * Create the maps of an instance, or adopt those that are pinned, and load the
 * program that works on them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "parts/xdp_lb/cmd/show.h"
#include "parts/xdp_lb/state/state.h"
#include "xdp_lb.skel.h"

enum {
	TICK_US = 500 * 1000,
};

/* True if a map is pinned. Each program gets the other maps anew. */
static bool is_pinned(const struct bpf_map *map)
{
	return strcmp(bpf_map__name(map), "lb_frags") && strcmp(bpf_map__name(map), "lb_rates") &&
	       !bpf_map__is_internal(map);
}

/* --- before loading ---------------------------------------------------------------- */

/* A tick is 1 << shift jiffies: the power of two that is next to half a second. */
static __u32 tick_shift(__u32 hz)
{
	__u32 shift = 0;

	while ((1000000ULL << (shift + 1)) / hz <= TICK_US + TICK_US / 4)
		shift++;
	return shift;
}

static void set_rodata(struct xdp_lb_kern *skel, const struct lb_conf *conf, __u32 hz)
{
	__u32 shift = tick_shift(hz);
	unsigned int i;

	skel->rodata->lb_tick_shift = shift;
	skel->rodata->lb_n_buckets = LB_BUCKETS(conf->connections);
	for (i = 0; i < __LB_FLOW_STATE_MAX; i++)
		skel->rodata->lb_timeouts[i] = ((__u64)lb_flow_timeout(i) * hz) >> shift;
}

static int set_maps(const struct lb_state *state, struct xdp_lb_kern *skel,
		    const struct lb_conf *conf)
{
	char path[LB_PATH_MAX];
	struct bpf_map *map;
	int err = 0;

	bpf_map__set_max_entries(skel->maps.lb_buckets, LB_BUCKETS(conf->connections));
	bpf_object__for_each_map(map, skel->obj) {
		if (err || !is_pinned(map))
			continue;
		lb_pin_path(state, bpf_map__name(map), path);
		err = bpf_map__set_pin_path(map, path);
	}
	return err;
}

/*
 * Create the pattern of a ring. All rings have its size, with which the kernel computes the
 * place of a slot. The pattern is needed until the maps are created.
 */
static int make_inner(struct xdp_lb_kern *skel, const struct lb_conf *conf)
{
	int fd = lb_ring_create(conf->table_size), err;

	if (fd < 0)
		return fd;
	err = bpf_map__set_inner_map_fd(skel->maps.lb_rings, fd);
	if (err)
		close(fd);
	return err ?: fd;
}

/* The pinned maps must be the ones that this program and this configuration would make. */
static int check_adopted(const struct lb_state *state, const struct lb_conf *conf,
			 enum lb_mode mode)
{
	const struct lb_instance_meta *meta = state->meta;
	const char *what = NULL;

	if (meta->table_size != conf->table_size)
		what = "table_size";
	else if (meta->connections != conf->connections)
		what = "connections";
	else if (meta->mode != mode)
		what = "mode";
	else if (state->conf->seed != conf->seed)
		what = "seed";
	if (!what)
		return 0;
	pr_err("failed to adopt instance %s: it was made with another %s", state->name, what);
	pr_hint("%s stop --name %s, which ends its connections", sample_called(), state->name);
	return -EPROTO;
}

static int adopt(const char *name, const struct lb_conf *conf, enum lb_mode mode)
{
	struct lb_state state;
	int err;

	err = lb_state_open(&state, name);
	if (err)
		goto close;
	err = check_adopted(&state, conf, mode);
	if (err)
		goto close;
	/* The old pid is that of an earlier control program, or of any process by now. */
	state.meta->pid = getpid();
close:
	lb_state_close(&state);
	return err;
}

static void choose_program(struct xdp_lb_kern *skel, enum lb_mode mode)
{
	bpf_program__set_autoload(skel->progs.xdp_lb, mode != LB_MODE_TC);
	bpf_program__set_autoload(skel->progs.tc_lb, mode == LB_MODE_TC);
}

/* Write into the maps of a new instance how it was made. check_adopted() compares that. */
static void describe(struct lb_state *state, const struct lb_conf *conf, enum lb_mode mode,
		     __u32 hz)
{
	state->conf->seed = conf->seed;
	state->conf->table_size = conf->table_size;
	state->meta->table_size = conf->table_size;
	state->meta->connections = conf->connections;
	state->meta->mode = mode;
	state->meta->tick_us = (1000000ULL << tick_shift(hz)) / hz;
	state->meta->layout = LB_LAYOUT;
}

static int load(struct lb_state *state, const struct lb_conf *conf, enum lb_mode mode,
		struct xdp_lb_kern *skel, __u32 hz)
{
	int inner, err;

	choose_program(skel, mode);
	set_rodata(skel, conf, hz);
	err = set_maps(state, skel, conf);
	if (err)
		goto fail;
	inner = make_inner(skel, conf);
	if (inner < 0) {
		err = inner;
		goto fail;
	}
	err = xdp_lb_kern__load(skel);
	close(inner);
	return err ? sample_load_failed("xdp_lb", err) : 0;

fail:
	if (!sample_refused(err, SAMPLE_NEED_BPF, "prepare the tables"))
		pr_err("failed to prepare the tables: %s", strerror(-err));
	return err;
}

/* Open a new instance by its pins. lb_state_open() refuses lb_meta without a layout: set it. */
static int open_new(struct lb_state *state, const struct lb_conf *conf, enum lb_mode mode,
		    const struct xdp_lb_kern *skel, __u32 hz)
{
	struct lb_instance_meta meta = { .layout = LB_LAYOUT };
	int run_fd = state->run_fd;
	__u32 zero = 0;
	int err;

	if (bpf_map_update_elem(bpf_map__fd(skel->maps.lb_meta), &zero, &meta, BPF_ANY))
		return -errno;
	err = lb_state_open(state, conf->name);
	state->run_fd = run_fd;
	if (!err)
		describe(state, conf, mode, hz);
	return err;
}

/**
 * lb_load() - create or adopt the maps of an instance, and load the program
 * @state: from lb_state_lock_run(); afterwards open, as by lb_state_open()
 * @conf: configuration
 * @mode: the hook, not LB_MODE_AUTO
 * @skel: takes the loaded skeleton, NULL after an error
 * @adopted: takes whether the maps were there before; if run then fails to start, they stay
 *
 * Return: 0, or a negative errno, which was printed. -EPROTO: the maps that are there do not
 * fit the configuration.
 */
int lb_load(struct lb_state *state, const struct lb_conf *conf, enum lb_mode mode,
	    struct xdp_lb_kern **skel, bool *adopted)
{
	int run_fd = state->run_fd;
	__u32 hz = lb_hz();
	int err;

	*skel = NULL;
	/* If clearing fails, the instance that is there must not be removed. */
	*adopted = true;
	err = lb_clear_unfinished(state);
	if (err)
		return err;
	*adopted = lb_state_exists(conf->name);
	err = *adopted ? adopt(conf->name, conf, mode) : 0;
	if (err)
		return err;
	*skel = xdp_lb_kern__open();
	if (!*skel) {
		err = -errno;
		pr_err("failed to open the BPF object: %s", strerror(-err));
		return err;
	}
	err = load(state, conf, mode, *skel, hz);
	if (!err && *adopted) {
		err = lb_state_open(state, conf->name);
		state->run_fd = run_fd;
	} else if (!err) {
		err = open_new(state, conf, mode, *skel, hz);
	}
	if (err) {
		xdp_lb_kern__destroy(*skel);
		*skel = NULL;
	}
	return err;
}
