/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Interfaces of an instance that go and come again, see state/iface.c. */
#ifndef _SAMPLES_XDP_LB_IFACE_H
#define _SAMPLES_XDP_LB_IFACE_H

#include "parts/xdp_lb/state/state.h"

/**
 * struct lb_ifaces - the interfaces of an instance that runs
 * @state: the instance; lb_kern_conf.iface has 0 for the number of one that is gone
 * @skel: the program
 * @mode: the hook, not LB_MODE_AUTO
 * @changed: called after one has gone: next hops lead elsewhere
 * @ctx: handed to it
 * @refused: by place: number of one that came and could not be attached to, or 0
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
