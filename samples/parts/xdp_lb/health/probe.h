/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One health check of xdp_lb, between health/health.c and health/probe.c. */
#ifndef _SAMPLES_XDP_LB_PROBE_H
#define _SAMPLES_XDP_LB_PROBE_H

#include <curl/curl.h>
#include "parts/xdp_lb/health/ending.h"
#include "parts/xdp_lb/user.h"

enum {
	LB_WHY_MAX = 80,
};

/**
 * enum lb_verdict - what a check says about a backend
 * @LB_GOOD: the backend works
 * @LB_BAD: the backend does not work
 * @LB_UNKNOWN: nothing, as this host was unable to check
 */
enum lb_verdict {
	LB_GOOD,
	LB_BAD,
	LB_UNKNOWN,
};

/**
 * struct lb_probe - a single check
 * @easy: its transfer in libcurl, NULL: no check is running
 * @headers: headers of its request
 * @endings: takes its connection when the check is done
 * @port: source port of the check before, which this check takes again; 0: none
 * @bound: this check has taken @port
 * @takes_no_port: a port could not be taken again: from now on each check gets another one
 * @n_header: bytes of the answer's header so far
 * @n_body: bytes of the answer's body so far
 * @local_err: errno if this host was unable to check
 */
struct lb_probe {
	CURL *easy;
	struct curl_slist *headers;
	struct lb_endings *endings;
	__u16 port;
	bool bound;
	bool takes_no_port;
	size_t n_header;
	size_t n_body;
	int local_err;
};

int lb_probe_start(struct lb_probe *probe, CURLM *multi, struct lb_endings *endings,
		   const struct lb_target *target);
void lb_probe_stop(struct lb_probe *probe, CURLM *multi);
enum lb_verdict lb_probe_judge(struct lb_probe *probe, const struct lb_check *check,
			       int result, char why[LB_WHY_MAX]);
struct lb_probe *lb_probe_of(CURL *easy);

#endif /* _SAMPLES_XDP_LB_PROBE_H */
