/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Questions to the kernel over netlink, with libmnl. */
#ifndef _SAMPLES_XDP_LB_NETLINK_H
#define _SAMPLES_XDP_LB_NETLINK_H

#include <stddef.h>
#include <libmnl/libmnl.h>
#include <linux/types.h>

enum {
	/* The kernel fills no more than 32 KiB at once. */
	LB_NETLINK_ANSWER = 32 * 1024,
	LB_NETLINK_REQUEST = 512,
};

/**
 * struct lb_netlink - a socket for questions
 * @sock: of libmnl
 * @seq: number of the last question
 * @request: it
 * @answer: part of its answer
 */
struct lb_netlink {
	struct mnl_socket *sock;
	__u32 seq;
	__u32 request[LB_NETLINK_REQUEST / sizeof(__u32)];
	__u32 answer[LB_NETLINK_ANSWER / sizeof(__u32)];
};

/* Takes a message of the answer; NULL: an answer starts, forget what came before. */
typedef int lb_netlink_fn(const struct nlmsghdr *nh, void *ctx);

int lb_netlink_open(struct lb_netlink *nl, int bus);
void lb_netlink_close(struct lb_netlink *nl);
struct nlmsghdr *lb_netlink_start(struct lb_netlink *nl, int type, int flags, const void *head,
				  size_t size);
int lb_netlink_ask(struct lb_netlink *nl, lb_netlink_fn *fn, void *ctx);
void lb_netlink_attrs(const struct nlmsghdr *nh, size_t head, const struct nlattr **attrs,
		      unsigned int n);
void lb_netlink_nested(const struct nlattr *nest, const struct nlattr **attrs, unsigned int n);
__u32 lb_netlink_u32(const struct nlattr *attr);

#endif /* _SAMPLES_XDP_LB_NETLINK_H */
