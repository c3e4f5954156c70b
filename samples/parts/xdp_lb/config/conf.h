/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A configuration, wherever it comes from (config/conf.c). */
#ifndef _SAMPLES_XDP_LB_CONFIG_CONF_H
#define _SAMPLES_XDP_LB_CONFIG_CONF_H

#include <net/if.h>
#include "xdp_lb.h"

/**
 * enum lb_mode - the hook that the program is attached to
 * @LB_MODE_AUTO: lb_choose_mode() selects native XDP or TC ingress
 * @LB_MODE_NATIVE: XDP in the driver
 * @LB_MODE_SKB: generic XDP
 * @LB_MODE_TC: TC ingress
 */
enum lb_mode {
	LB_MODE_AUTO,
	LB_MODE_NATIVE,
	LB_MODE_SKB,
	LB_MODE_TC,
};

/**
 * struct lb_backend_conf - a backend as configured
 * @name: unique in its service
 * @addr: address
 * @port: 0 if the service takes any port, else 1 to 65535
 * @weight: 0 to 65535; 0: no new connections
 */
struct lb_backend_conf {
	char name[LB_NAME_MAX];
	struct lb_addr addr;
	__u16 port;
	__u32 weight;
};

/**
 * struct lb_vip_conf - a service as configured
 * @name: unique
 * @addr: address
 * @port: 0: any port
 * @proto: IPPROTO_TCP, IPPROTO_UDP
 * @forward: enum lb_forward
 * @check: health check; all fields set
 * @backends: the backends, at least one
 * @n_backends: number of entries of @backends
 */
struct lb_vip_conf {
	char name[LB_NAME_MAX];
	struct lb_addr addr;
	__u16 port;
	__u8 proto;
	__u8 forward;
	struct lb_check check;
	struct lb_backend_conf *backends;
	unsigned int n_backends;
};

/**
 * struct lb_conf - a valid configuration
 * @name: name of the instance
 * @ifnames: interfaces that the program is attached to
 * @n_ifnames: number of entries of @ifnames
 * @mode: the hook
 * @table_size: slots of a ring, a prime
 * @seed: seed of all hashes
 * @connections: slots of the flow table; LB_BUCKETS() rounds them up
 * @snat: source addresses for LB_NAT
 * @n_snat: number of entries of @snat; 0: use the first interface's own addresses
 * @vips: services
 * @n_vips: number of entries of @vips
 */
struct lb_conf {
	char name[LB_NAME_MAX];
	char ifnames[LB_IFACES_MAX][IF_NAMESIZE];
	unsigned int n_ifnames;
	enum lb_mode mode;
	__u32 table_size;
	__u64 seed;
	__u32 connections;
	struct lb_addr snat[LB_SNAT_MAX];
	unsigned int n_snat;
	struct lb_vip_conf *vips;
	unsigned int n_vips;
};

const char *lb_mode_name(unsigned int mode);
void lb_vip_name(const struct lb_vip_conf *vip, char name[LB_NAME_MAX]);
void lb_backend_name(const struct lb_backend_conf *backend, char name[LB_NAME_MAX]);
void lb_conf_defaults(struct lb_conf *conf);
void lb_check_defaults(struct lb_vip_conf *vip);
void lb_conf_free(struct lb_conf *conf);

#endif /* _SAMPLES_XDP_LB_CONFIG_CONF_H */
