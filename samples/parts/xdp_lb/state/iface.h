/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Interfaces of an instance that disappear and come back, see state/iface.c. */
#ifndef _SAMPLES_XDP_LB_IFACE_H
#define _SAMPLES_XDP_LB_IFACE_H

#include "parts/xdp_lb/state/state.h"

/**
 * struct lb_ifaces - the interfaces of a running instance
 * @state: the instance; lb_kern_conf.iface has index 0 for an interface that is gone
 * @skel: the program
 * @mode: the hook, not LB_MODE_AUTO
 * @changed: called after an interface has gone, because next hops may lead elsewhere
 * @ctx: handed to @changed
 * @refused: for each entry of lb_kern_conf.iface: index of an interface that has come back,
 *	but could not be attached to; or 0
 */
struct lb_ifaces {
	struct lb_state *state;
	const struct xdp_lb_kern *skel;
	enum lb_mode mode;
	void (*changed)(void *ctx);
	void *ctx;
	unsigned int refused[LB_IFACES_MAX];
};

int lb_ifaces_attach(struct lb_ifaces *ifaces, const struct lb_conf *conf);
bool lb_ifaces_look(struct lb_ifaces *ifaces);

#endif /* _SAMPLES_XDP_LB_IFACE_H */
