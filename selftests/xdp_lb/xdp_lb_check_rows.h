/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replaces the JSON writer in the tests of samples/parts/xdp_lb/check/rows.c: it keeps the
 * rows in memory, and tests look them up by group and name.
 */
#ifndef _SELFTESTS_XDP_LB_CHECK_ROWS_H
#define _SELFTESTS_XDP_LB_CHECK_ROWS_H

#include <json_writer.h>
#include "lib/output.h"
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/nexthop/link.h"
#include "test_wrap.h"

enum {
	FIELDS = 5,
	FIELD_MAX = 2 * LB_ROW_MAX + 1,
};

static struct found {
	char field[FIELDS][FIELD_MAX];
} found[64];

static unsigned int n_found, n_fields;
static __u64 counts[3];

TEST_WRAPS(sample_json_begin);
TEST_WRAPS(sample_json_end);
TEST_WRAPS(jsonw_string_field);
TEST_WRAPS(jsonw_uint_field);

json_writer_t *__wrap_sample_json_begin(const char *event)
{
	n_fields = 0;
	return NULL;
}

void __wrap_sample_json_end(json_writer_t *json)
{
	n_found++;
}

void __wrap_jsonw_string_field(json_writer_t *self, const char *prop, const char *val)
{
	snprintf(found[n_found].field[n_fields++], FIELD_MAX, "%s", val);
}

void __wrap_jsonw_uint_field(json_writer_t *self, const char *prop, uint64_t num)
{
	counts[n_fields++] = num;
}

/* "STATUS TEXT" of the row with this group and name, or "" if there is no such row. */
static inline const char *finding(const char *group, const char *name)
{
	static char text[2 * FIELD_MAX];
	unsigned int i;

	for (i = 0; i < n_found; i++) {
		if (strcmp(found[i].field[0], group) || strcmp(found[i].field[1], name))
			continue;
		snprintf(text, sizeof(text), "%s %s", found[i].field[2], found[i].field[3]);
		return text;
	}
	return "";
}

static inline bool says(const char *group, const char *name, const char *want)
{
	const char *text = finding(group, name);

	if (*want ? strstr(text, want) == text : !*text)
		return true;
	printf("# %s, %s: '%s', not '%s'\n", group, name, text, want);
	return false;
}

/* Before Linux 6.3 the kernel does not report the XDP features of a driver. */
static inline bool kernel_tells(void)
{
	__u64 features;

	return !lb_link_features(if_nametoindex("lo"), &features);
}

/* Expect @want about native XDP on an interface, if the kernel reports XDP features. */
static inline bool says_native(const char *group, const char *want)
{
	if (!kernel_tells())
		want = "ok the kernel does not tell whether the driver has it; mode: auto tries it";
	return says(group, "native XDP", want);
}

#endif /* _SELFTESTS_XDP_LB_CHECK_ROWS_H */
