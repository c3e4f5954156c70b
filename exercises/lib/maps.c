// SPDX-License-Identifier: GPL-2.0
/* Print a map of the learner, for the checks on real packets. */
#include <stdio.h>
#include <stdlib.h>
#include "course.h"

static bool per_cpu(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

static void print_words(const __u32 *words, __u32 n)
{
	__u32 i;

	for (i = 0; i < n; i++)
		printf("%u ", words[i]);
}

/* @key_words, @value_words: the sizes, of a per-CPU map those of all values of an entry. */
static void print_entries(int fd, __u32 key_words, __u32 value_words)
{
	__u32 *key = calloc(key_words, sizeof(*key)), *value = calloc(value_words, sizeof(*value));
	__u32 *last = NULL;

	while (key && value && !bpf_map_get_next_key(fd, last, key)) {
		last = key;
		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		print_words(key, key_words);
		print_words(value, value_words);
		putchar('\n');
	}
	free(key);
	free(value);
}

/* Words of 4 bytes; the kernel rounds the value of each CPU up to 8 bytes. */
static __u32 value_words(const struct bpf_map *map)
{
	__u32 size = bpf_map__value_size(map);

	return per_cpu(map) ? (size + 7) / 8 * 2 * libbpf_num_possible_cpus() : (size + 3) / 4;
}

void course_print_map(const struct course *course, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(course->obj, name);

	if (map)
		print_entries(bpf_map__fd(map), (bpf_map__key_size(map) + 3) / 4, value_words(map));
	puts("end");
	fflush(stdout);
}
