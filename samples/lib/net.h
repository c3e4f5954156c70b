/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Interfaces, network namespaces, addresses. */
#ifndef _SAMPLES_LIB_NET_H
#define _SAMPLES_LIB_NET_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>

int sample_enter_netns(void);
int sample_name_ifaces(void);
unsigned int sample_find_iface(const char *name);
unsigned int sample_ifindex(const char *name);
const char *sample_ifname(unsigned int ifindex);
bool sample_carries_ssh(unsigned int ifindex);
bool sample_carries_ssh_to(unsigned int ifindex, const __be32 addr[4], unsigned int port);
int sample_refuse_ssh(void);
int sample_parse_prefix(const char *text, __be32 addr[4], __be32 mask[4]);
int sample_prefix_family(const char *text);
const char *sample_addr(const __be32 addr[4], char buf[INET6_ADDRSTRLEN]);

#endif /* _SAMPLES_LIB_NET_H */
