/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* <linux/icmp.h> includes <linux/if.h>, which needs only struct sockaddr from libc. */
#ifndef _BPF_COMPAT_SYS_SOCKET_H
#define _BPF_COMPAT_SYS_SOCKET_H

struct sockaddr {
	unsigned short sa_family;
	char sa_data[14];
};

#endif /* _BPF_COMPAT_SYS_SOCKET_H */
