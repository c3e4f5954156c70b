// SPDX-License-Identifier: GPL-2.0
/* Counters in a per-CPU array: one slot for each reason, one value in it for each CPU. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "lib/log.h"
#include "lib/stats.h"

/**
 * sample_stats_read() - sum up the counters of all CPUs
 * @map: BPF_MAP_TYPE_PERCPU_ARRAY of __u64
 * @sums: takes the sums
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

/**
 * sample_stats_text() - print the counters that are not 0, in one line
 * @title: text at the start of the line
 * @sums: all counters
 * @names: names of all counters
 * @first: index of the first counter to print
 * @last: index of the last counter to print
 */
void sample_stats_text(const char *title, const __u64 *sums, const char * const *names,
		       unsigned int first, unsigned int last)
{
	const char *sep = "";
	unsigned int i;

	printf("  %s: ", title);
	for (i = first; i <= last; i++) {
		if (!sums[i])
			continue;
		printf("%s%llu %s", sep, sums[i], names[i]);
		sep = ", ";
	}
	printf("\n");
}

/**
 * sample_stats_json() - add counters as the object "reasons"
 * @json: writer of the object that gets the field "reasons"
 * @sums: the counters
 * @names: names of the counters
 * @n: number of counters
 */
void sample_stats_json(json_writer_t *json, const __u64 *sums, const char * const *names,
		       unsigned int n)
{
	unsigned int i;

	jsonw_name(json, "reasons");
	jsonw_start_object(json);
	for (i = 0; i < n; i++)
		jsonw_uint_field(json, names[i], sums[i]);
	jsonw_end_object(json);
}
