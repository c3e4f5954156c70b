/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The state of an instance is in its maps, which are pinned in /sys/fs/bpf/xdp_lb/NAME. So
 * each command finds the state there, whether a control program runs or not.
 *
 *	state/state.c	finds, opens and locks the maps of an instance
 *	state/instances.c	all instances of this network namespace
 *	state/load.c	creates or adopts the maps, loads the program
 *	state/unfinished.c	removes an instance that was never ready
 *	state/apply.c	brings the maps into line with a configuration
 *	state/snat.c	source addresses
 *	ring/rings.c	rings, next hops and health of backends
 *	state/attach.c	attaches the program to its interfaces
 *	state/iface.c	interfaces that disappear and come back
 */
#ifndef _SAMPLES_XDP_LB_STATE_H
#define _SAMPLES_XDP_LB_STATE_H

#include "parts/xdp_lb/user.h"

#define LB_PIN_ROOT "/sys/fs/bpf/xdp_lb"

enum {
	LB_PATH_MAX = 256,
};

/**
 * struct lb_state - the maps of an instance
 * @name: the instance
 * @dir: directory where the maps are pinned
 * @dir_fd: @dir, locked while the state is changed
 * @run_fd: directory that the control program keeps locked; -1: this process is not the
 *	control program
 * @vips_fd: lb_vips
 * @dnat_fd: lb_dnat
 * @rings_fd: lb_rings
 * @stats_fd: lb_stats
 * @reasons_fd: lb_reasons
 * @conf: lb_config
 * @filter: lb_filter
 * @meta: lb_meta
 * @backends: lb_backends
 * @vip_infos: lb_vip_infos
 * @backend_infos: lb_backend_infos
 * @buckets: lb_buckets
 */
struct lb_state {
	char name[LB_NAME_MAX];
	char dir[sizeof(LB_PIN_ROOT) + LB_NAME_MAX];
	int dir_fd;
	int run_fd;
	int vips_fd;
	int dnat_fd;
	int rings_fd;
	int stats_fd;
	int reasons_fd;
	struct lb_kern_conf *conf;
	struct lb_addr_filter *filter;
	struct lb_instance_meta *meta;
	struct lb_backend *backends;
	struct lb_vip_info *vip_infos;
	struct lb_backend_info *backend_infos;
	const struct lb_bucket *buckets;
};

/* --- state/state.c --------------------------------------------------------------- */

int lb_state_find(const char *name, char found[LB_NAME_MAX]);
bool lb_state_exists(const char *name);
int lb_state_open(struct lb_state *state, const char *name);
void lb_state_close(struct lb_state *state);
int lb_state_make_dir(struct lb_state *state, const char *name);
int lb_state_lock_run(struct lb_state *state);
bool lb_state_is_running(const struct lb_state *state);
void lb_state_lock(const struct lb_state *state);
void lb_state_unlock(const struct lb_state *state);
int lb_state_unpin(const struct lb_state *state);
int lb_state_remove(struct lb_state *state);
int lb_find_vip(const struct lb_state *state, const char *text);
int lb_find_backend(const struct lb_state *state, unsigned int vip, const char *text);
void lb_pin_path(const struct lb_state *state, const char *what, char path[LB_PATH_MAX]);

/* --- state/unfinished.c ------------------------------------------------------ */

int lb_clear_unfinished(const struct lb_state *state);

/* --- state/load.c ------------------------------------------------------------ */

struct xdp_lb_kern;

int lb_load(struct lb_state *state, const struct lb_conf *conf, enum lb_mode mode,
	    struct xdp_lb_kern **skel, bool *adopted);

/* --- state/apply.c ----------------------------------------------------------- */

struct lb_nexthops;
struct lb_instances;

int lb_apply(struct lb_state *state, const struct lb_conf *conf, struct lb_nexthops *hops);
void lb_follow_ifaces(struct lb_state *state);
int lb_apply_iface(struct lb_state *state, unsigned int i, const char ifname[LB_IFNAME_MAX]);

/* --- state/snat.c ------------------------------------------------------------ */

int lb_apply_snat(struct lb_state *state, const struct lb_conf *conf,
		  struct lb_nexthops *hops, const struct lb_instances *all);
void lb_wait_for_snat(const struct lb_state *state, const struct lb_conf *conf,
		      struct lb_nexthops *hops);
void lb_follow_snat(struct lb_state *state, const struct lb_conf *conf,
		    struct lb_nexthops *hops);
bool lb_snat_is_own(const struct lb_state *state, unsigned int i);
void lb_tell_nft(const struct lb_state *state);

/* --- ring/rings.c ------------------------------------------------------------ */

void lb_ring_is_stale(struct lb_state *state, unsigned int vip);
int lb_build_rings(struct lb_state *state);
void lb_drop_rings(struct lb_state *state, const bool which[LB_VIPS_MAX]);
int lb_ring_create(__u32 size);
unsigned int lb_ring_members(const struct lb_state *state, unsigned int vip,
			     struct lb_ring_member *members);
int lb_read_ring(const struct lb_state *state, unsigned int vip, __u32 *ring);
bool lb_follow_nexthops(struct lb_state *state, struct lb_nexthops *hops, int vip);
void lb_set_health(struct lb_state *state, unsigned int backend, bool up);

/* --- state/attach.c ---------------------------------------------------------- */

int lb_attach(struct lb_state *state, const struct xdp_lb_kern *skel,
	      const struct lb_conf *conf, enum lb_mode mode);
int lb_attach_iface(struct lb_state *state, const struct xdp_lb_kern *skel,
		    enum lb_mode mode, const char *ifname);
bool lb_iface_is_gone(const struct lb_state *state, unsigned int ifindex);
void lb_detach_gone(struct lb_state *state, unsigned int ifindex);
void lb_detach_all(struct lb_state *state);

#endif /* _SAMPLES_XDP_LB_STATE_H */
