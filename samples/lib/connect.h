/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The BPF programs of tcpconnect_kern.c, for any loader that wants to know which processes
 * open TCP connections. Call in this order:
 *
 *	sample_connect_attach() -> ring buffer of sample_connect_events()
 *		-> sample_connect_stop() -> what is left in the ring buffer
 *		-> sample_connect_pending() -> sample_connect_close()
 */
#ifndef _SAMPLES_SAMPLE_CONNECT_H
#define _SAMPLES_SAMPLE_CONNECT_H

#include <linux/types.h>
#include <stdbool.h>
#include "tcpconnect.h"

struct tcpconnect_kern;

enum {
	/* Use the first back end that works on this kernel. */
	SAMPLE_CONNECT_AUTO = -1,
};

/**
 * struct sample_connect_config - what to trace
 * @filter: which attempts
 * @cgroup: directory of a cgroup: only processes in this cgroup or below; NULL: all
 * @backend: enum tcpconnect_backend or SAMPLE_CONNECT_AUTO
 * @events: send results to the ring buffer
 * @table: count results in the map of sample_connect_table()
 * @table_sport: give each local port a row of its own in that map
 */
struct sample_connect_config {
	struct tcpconnect_filter filter;
	const char *cgroup;
	int backend;
	bool events;
	bool table;
	bool table_sport;
};

/**
 * struct sample_connect - the programs of one back end, attached
 * @skel: the BPF object, NULL if none
 * @backend: the back end that is attached
 */
struct sample_connect {
	struct tcpconnect_kern *skel;
	enum tcpconnect_backend backend;
};

int sample_connect_parse_backend(const char *name, int *backend);
const char *sample_connect_backend(enum tcpconnect_backend backend);
const char * const *sample_connect_hooks(enum tcpconnect_backend backend);

int sample_connect_attach(struct sample_connect *conn,
			  const struct sample_connect_config *config);
void sample_connect_stop(struct sample_connect *conn);
void sample_connect_close(struct sample_connect *conn);

int sample_connect_events(const struct sample_connect *conn);
const struct bpf_map *sample_connect_table(const struct sample_connect *conn);
int sample_connect_counts(const struct sample_connect *conn, __u64 n[__TCPCONNECT_COUNT_MAX]);
unsigned int sample_connect_n_pending(const struct sample_connect *conn);
int sample_connect_pending(const struct sample_connect *conn,
			   void (*show)(void *ctx, const struct tcpconnect_event *ev), void *ctx);

const char *sample_connect_ret(int ret);
const char *sample_connect_comm(const struct tcpconnect_event *ev,
				char buf[TCPCONNECT_COMM_LEN]);
void sample_connect_json(const struct tcpconnect_event *ev);

#endif /* _SAMPLES_SAMPLE_CONNECT_H */
