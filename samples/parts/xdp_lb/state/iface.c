// SPDX-License-Identifier: GPL-2.0
/*
 * Interfaces that disappear while the control program runs, and come back under their names,
 * as those of containers do. What comes back is a new interface, with a new number and a new
 * MAC address, and needs a new link. The flow table stays as it is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include "lib/called.h"
#include "lib/config.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/output.h"
#include "parts/xdp_lb/state/iface.h"

static void tell_back(const struct lb_ifaces *ifaces, unsigned int i)
{
	const struct lb_state *state = ifaces->state;
	json_writer_t *json;

	if (sample.json) {
		json = sample_json_begin("interface");
		jsonw_string_field(json, "ifname", state->meta->ifnames[i]);
		jsonw_uint_field(json, "ifindex", state->conf->iface[i].ifindex);
		jsonw_string_field(json, "state", "attached");
		sample_json_end(json);
	} else if (!sample.quiet) {
		printf("interface %s is back: attached (%s)\n", state->meta->ifnames[i],
		       lb_mode_name(ifaces->mode));
	}
	fflush(stdout);
}

/*
 * Forget an interface that is gone; its entry waits for a new one of its name. Returns the
 * index of the entry, -1: no entry has the interface.
 */
static int lose(const struct lb_ifaces *ifaces, unsigned int ifindex)
{
	struct lb_kern_conf *conf = ifaces->state->conf;
	int i, found = -1;

	lb_state_lock(ifaces->state);
	for (i = 0; i < (int)conf->n_ifaces; i++) {
		if (conf->iface[i].ifindex != ifindex)
			continue;
		__atomic_store_n(&conf->iface[i].ifindex, 0, __ATOMIC_RELEASE);
		found = i;
	}
	lb_detach_gone(ifaces->state, ifindex);
	lb_state_unlock(ifaces->state);
	return found;
}

/* Called when an interface is gone. A new one of its name may be there already. */
static bool on_gone(void *ctx, unsigned int ifindex)
{
	struct lb_ifaces *ifaces = ctx;
	int i = lose(ifaces, ifindex);

	if (i >= 0)
		pr_hint("it is attached to again when there is an interface %s",
			ifaces->state->meta->ifnames[i]);
	lb_ifaces_look(ifaces);
	ifaces->changed(ifaces->ctx);
	return true;
}

static int follow(struct lb_ifaces *ifaces, unsigned int ifindex)
{
	int err = sample_iface_follow(ifindex, on_gone, ifaces);

	/* The interface has gone since the program was attached to it. */
	if (err == -ENODEV)
		on_gone(ifaces, ifindex);
	return err == -ENODEV ? 0 : err;
}

static int follow_all(struct lb_ifaces *ifaces)
{
	const struct lb_kern_conf *conf = ifaces->state->conf;
	unsigned int i;
	int err = 0;

	sample_iface_unfollow(ifaces);
	for (i = 0; i < conf->n_ifaces && !err; i++) {
		if (conf->iface[i].ifindex)
			err = follow(ifaces, conf->iface[i].ifindex);
	}
	return err;
}

/**
 * lb_ifaces_attach() - attach the program to its interfaces, and to no other; follow them
 * @ifaces: the instance
 * @conf: its configuration, which lb_apply() has applied
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_ifaces_attach(struct lb_ifaces *ifaces, const struct lb_conf *conf)
{
	int err;

	memset(ifaces->refused, 0, sizeof(ifaces->refused));
	err = lb_attach(ifaces->state, ifaces->skel, conf, ifaces->mode);
	return err ?: follow_all(ifaces);
}

/* Attaching has failed, and has printed why. Do not try (and print) again at each event. */
static void refuse(struct lb_ifaces *ifaces, unsigned int i, unsigned int ifindex)
{
	const struct lb_state *state = ifaces->state;

	__atomic_store_n(&state->conf->iface[i].ifindex, 0, __ATOMIC_RELEASE);
	ifaces->refused[i] = ifindex;
	if (*state->meta->path)
		pr_hint("then: %s reload --name %s", sample_called(), state->name);
	else
		pr_hint("then: %s stop --keep --name %s, and run it again", sample_called(),
			state->name);
}

static bool come(struct lb_ifaces *ifaces, unsigned int i, unsigned int ifindex)
{
	struct lb_state *state = ifaces->state;
	const char *name = state->meta->ifnames[i];
	int err;

	lb_state_lock(state);
	err = lb_apply_iface(state, i, name);
	lb_state_unlock(state);
	if (!err)
		err = lb_attach_iface(state, ifaces->skel, ifaces->mode, name);
	if (err) {
		refuse(ifaces, i, ifindex);
		return false;
	}
	tell_back(ifaces, i);
	return !follow(ifaces, ifindex);
}

/**
 * lb_ifaces_look() - attach to interfaces that have come back
 * @ifaces: the instance
 *
 * Return: true if the program was attached to one.
 */
bool lb_ifaces_look(struct lb_ifaces *ifaces)
{
	const struct lb_state *state = ifaces->state;
	unsigned int i, ifindex;
	bool any = false;

	for (i = 0; i < state->conf->n_ifaces; i++) {
		if (state->conf->iface[i].ifindex)
			continue;
		ifindex = if_nametoindex(state->meta->ifnames[i]);
		if (ifindex && ifindex != ifaces->refused[i])
			any = come(ifaces, i, ifindex) || any;
	}
	return any;
}
