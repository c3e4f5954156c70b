/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Send requests to the kernel over netlink, and receive its notifications, with libmnl. */
#ifndef _SAMPLES_LIB_NETLINK_H
#define _SAMPLES_LIB_NETLINK_H

#include <stddef.h>
#include <libmnl/libmnl.h>
#include <linux/types.h>

enum {
	SAMPLE_NETLINK_REQUEST = 512,
	SAMPLE_NETLINK_REFUSAL = 128,
	/* sample_netlink_news() reads at most this many datagrams in one call. */
	SAMPLE_NETLINK_NEWS = 256,
};

/**
 * struct sample_netlink - a socket for requests, or for notifications
 * @sock: the socket of libmnl
 * @seq: sequence number of the last request
 * @request: the message that sample_netlink_start() began
 * @refusal: text that the kernel added to the error of the last request; may be empty
 */
struct sample_netlink {
	struct mnl_socket *sock;
	__u32 seq;
	__u32 request[SAMPLE_NETLINK_REQUEST / sizeof(__u32)];
	char refusal[SAMPLE_NETLINK_REFUSAL];
};

/*
 * Called with each message. @nh is NULL when an answer begins, also when it begins again: forget
 * the messages so far. For notifications, NULL means that some were lost.
 */
typedef int sample_netlink_fn(const struct nlmsghdr *nh, void *ctx);

int sample_netlink_open(struct sample_netlink *nl, int bus);
int sample_netlink_listen(struct sample_netlink *nl, __u32 groups);
void sample_netlink_close(struct sample_netlink *nl);

struct nlmsghdr *sample_netlink_start(struct sample_netlink *nl, int type, int flags,
				      const void *head, size_t size);
int sample_netlink_ask(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx);
int sample_netlink_dump(int type, const void *head, size_t size, sample_netlink_fn *fn, void *ctx);
int sample_netlink_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx);

void sample_netlink_attrs(const struct nlmsghdr *nh, size_t head, const struct nlattr **attrs,
			  unsigned int n);
void sample_netlink_nested(const struct nlattr *nest, const struct nlattr **attrs,
			   unsigned int n);
__u32 sample_netlink_u32(const struct nlattr *attr);

#endif /* _SAMPLES_LIB_NETLINK_H */
