/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Numbers, addresses and ports as text for people. */
#ifndef _SAMPLES_LIB_FORMAT_H
#define _SAMPLES_LIB_FORMAT_H

#include <linux/types.h>
#include <netinet/in.h>

enum {
	SAMPLE_SI_LEN = 16,
	/* "[", the address, "]:65535". */
	SAMPLE_ENDPOINT_LEN = INET6_ADDRSTRLEN + 9,
};

const char *sample_si(double value, const char *sep, char buf[SAMPLE_SI_LEN]);
const char *sample_endpoint(const __be32 addr[4], __be16 port, char buf[SAMPLE_ENDPOINT_LEN]);

#endif /* _SAMPLES_LIB_FORMAT_H */
