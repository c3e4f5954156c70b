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
 * enum lb_verdict - what a check says of a backend
 * @LB_GOOD: it works
 * @LB_BAD: it does not
 * @LB_UNKNOWN: nothing, as this host was unable to ask
 */
enum lb_verdict {
	LB_GOOD,
	LB_BAD,
	LB_UNKNOWN,
};

/**
 * struct lb_probe - a check
 * @easy: its transfer, NULL: it does not run
 * @headers: of its request
 * @endings: where its connection ends
 * @port: source port of the last one, which the next one takes again; 0: none
 * @bound: this one has it
 * @takes_no_port: it could not be taken again: each has another
 * @n_header: bytes of the answer's header so far
 * @n_body: and of its body
 * @local_err: errno if this host was unable to ask
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
