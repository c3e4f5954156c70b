/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The instances of this network namespace, as their pinned maps describe them, and what two
 * of them cannot share: state/apply.c refuses that, check/share.c reports it.
 */
#ifndef _SAMPLES_XDP_LB_INSTANCES_H
#define _SAMPLES_XDP_LB_INSTANCES_H

#include "parts/xdp_lb/user.h"

enum {
	LB_CLASH_TEXT = 256,
};

/**
 * struct lb_instance - an instance, and what it uses
 * @name: its name
 * @known: the other fields are known; false: another version of this program has made the
 *	instance
 * @mode: its hook, enum lb_mode
 * @own_snat: bits of lb_instance_meta.own_snat
 * @conf: its interfaces and source addresses
 * @vips: its services
 * @n_vips: number of entries of @vips
 */
struct lb_instance {
	char name[LB_NAME_MAX];
	bool known;
	enum lb_mode mode;
	__u32 own_snat;
	struct lb_kern_conf conf;
	struct lb_vip_info *vips;
	unsigned int n_vips;
};

/**
 * struct lb_instances - all instances of this network namespace
 * @at: the instances
 * @n: number of entries of @at
 * @lock_fd: lock that keeps other processes from taking what is free now, or -1
 */
struct lb_instances {
	struct lb_instance *at;
	unsigned int n;
	int lock_fd;
};

/**
 * struct lb_clash - something that two instances cannot both have
 * @kind: "hook", "service", "source"
 * @with: name of the other instance
 * @what: what it is, for a message
 * @cure: hint of that message
 */
struct lb_clash {
	const char *kind;
	const char *with;
	char what[LB_CLASH_TEXT];
	char cure[LB_CLASH_TEXT];
};

int lb_instances_read(struct lb_instances *all, bool lock);
void lb_instances_free(struct lb_instances *all);
__u64 lb_own_netns(void);

bool lb_conf_clashes(const struct lb_instances *all, const struct lb_conf *conf,
		     enum lb_mode mode, struct lb_clash *clash);
bool lb_snat_clashes(const struct lb_instances *all, const struct lb_conf *conf,
		     const struct lb_ports *ports, struct lb_clash *clash);

int lb_refuse_clash(const struct lb_clash *clash);

#endif /* _SAMPLES_XDP_LB_INSTANCES_H */
