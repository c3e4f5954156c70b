// SPDX-License-Identifier: GPL-2.0
/* Counters: one slot for each reason, one value for each CPU. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "sample.h"

/**
 * sample_stats_read() - sums over all CPUs of a BPF_MAP_TYPE_PERCPU_ARRAY
 * @map: map of __u64
 * @sums: the result
 * @n: slots to read, from 0
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_stats_read(const struct bpf_map *map, __u64 *sums, unsigned int n)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	__u64 *values;
	int err = 0;
	__u32 i;

	if (n_cpus < 0)
		return n_cpus;
	values = calloc(n_cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;

	memset(sums, 0, n * sizeof(*sums));
	for (i = 0; i < n && !err; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(map), &i, values);
		for (cpu = 0; cpu < n_cpus && !err; cpu++)
			sums[i] += values[cpu];
	}
	free(values);
	if (err)
		pr_err("failed to read the counters of %s: %s", bpf_map__name(map),
		       strerror(-err));
	return err;
}
