/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counters in a per-CPU array, one for each reason. */
#ifndef _SAMPLES_LIB_STATS_H
#define _SAMPLES_LIB_STATS_H

#include <json_writer.h>
#include <linux/types.h>

struct bpf_map;

int sample_stats_read(const struct bpf_map *map, __u64 *sums, unsigned int n);
void sample_stats_text(const char *title, const __u64 *sums, const char * const *names,
		       unsigned int first, unsigned int last);
void sample_stats_json(json_writer_t *json, const __u64 *sums, const char * const *names,
		       unsigned int n);

#endif /* _SAMPLES_LIB_STATS_H */
