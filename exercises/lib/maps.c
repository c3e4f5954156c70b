// SPDX-License-Identifier: GPL-2.0
/* Print maps of the learner, for the checks on real packets. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "course.h"

static bool per_cpu(__u32 type)
{
	switch (type) {
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
static __u32 value_words(const struct bpf_map_info *info)
{
	if (per_cpu(info->type))
		return (info->value_size + 7) / 8 * 2 * libbpf_num_possible_cpus();
	return (info->value_size + 3) / 4;
}

static bool map_info(int fd, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, len);
	return !bpf_obj_get_info_by_fd(fd, info, &len);
}

static void print_map(int fd)
{
	struct bpf_map_info info;

	if (map_info(fd, &info))
		print_entries(fd, (info.key_size + 3) / 4, value_words(&info));
}

void course_print_map(const struct course *course, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(course->obj, name);

	if (map)
		print_map(bpf_map__fd(map));
	puts("end");
	fflush(stdout);
}

/* The map behind a file descriptor of a process, as a new one; -1: there is no map behind it. */
static int map_of_fd(const char *fdinfo, const char *fd)
{
	char path[512], line[128];
	unsigned int id = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", fdinfo, fd);
	file = fopen(path, "r");
	while (file && !id && fgets(line, sizeof(line), file))
		sscanf(line, "map_id: %u", &id);
	if (file)
		fclose(file);
	return id ? bpf_map_get_fd_by_id(id) : -1;
}

/* Print the map if it has this name. */
static bool print_if_named(int fd, const char *name)
{
	struct bpf_map_info info;
	bool named = fd >= 0 && map_info(fd, &info) && !strcmp(info.name, name);

	if (named)
		print_map(fd);
	if (fd >= 0)
		close(fd);
	return named;
}

bool course_print_map_of(const char *pid, const char *name)
{
	const struct dirent *entry;
	char fdinfo[64];
	bool found = false;
	DIR *dir;

	snprintf(fdinfo, sizeof(fdinfo), "/proc/%s/fdinfo", pid);
	dir = opendir(fdinfo);
	while (dir && !found && (entry = readdir(dir)))
		found = print_if_named(map_of_fd(fdinfo, entry->d_name), name);
	if (dir)
		closedir(dir);
	return found;
}
