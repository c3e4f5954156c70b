// SPDX-License-Identifier: GPL-2.0
/* What "xdp_lb check" prints: rows like those of scripts/doctor.sh, or JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/output.h"
#include "parts/xdp_lb/check/check.h"

/**
 * lb_group() - set the heading of the rows that follow
 * @c: the run
 * @fmt: as for printf()
 */
void lb_group(struct lb_checker *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->group, sizeof(c->group), fmt, ap);
	va_end(ap);
}

static void text_row(struct lb_checker *c, const char *status, const char *name, const char *text,
		     const char *cure)
{
	if (strcmp(c->group, c->told_group))
		printf("%s%s\n", *c->told_group ? "\n" : "", c->group);
	memcpy(c->told_group, c->group, sizeof(c->group));
	printf("  %-5s %-21s  %s\n", status, name, text);
	if (*cure)
		printf("%31scure: %s\n", "", cure);
}

static void json_row(const struct lb_checker *c, const char *status, const char *name,
		     const char *text, const char *cure)
{
	json_writer_t *json = sample_json_begin("check");

	jsonw_string_field(json, "group", c->group);
	jsonw_string_field(json, "name", name);
	jsonw_string_field(json, "status", status);
	jsonw_string_field(json, "text", text);
	jsonw_string_field(json, "cure", cure);
	sample_json_end(json);
}

/**
 * lb_row() - print a finding
 * @c: the run
 * @status: how bad it is
 * @name: what was checked
 * @fmt: as for printf(): "TEXT" or "TEXT\nCURE"
 */
void lb_row(struct lb_checker *c, enum lb_status status, const char *name,
	    const char *fmt, ...)
{
	static const char * const names[] = { "ok", "warn", "fail" };
	char text[2 * LB_ROW_MAX], *cure;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cure = strchrnul(text, '\n');
	if (*cure)
		*cure++ = '\0';
	c->n[status]++;
	if (c->json)
		json_row(c, names[status], name, text, cure);
	else
		text_row(c, names[status], name, text, cure);
}

/**
 * lb_rows_end() - print how many rows of each status there were
 * @c: the run
 */
void lb_rows_end(const struct lb_checker *c)
{
	json_writer_t *json;

	if (!c->json) {
		printf("\n%u ok, %u warn, %u fail\n", c->n[LB_OK], c->n[LB_WARN], c->n[LB_FAIL]);
		return;
	}
	json = sample_json_begin("checked");
	jsonw_uint_field(json, "ok", c->n[LB_OK]);
	jsonw_uint_field(json, "warn", c->n[LB_WARN]);
	jsonw_uint_field(json, "fail", c->n[LB_FAIL]);
	sample_json_end(json);
}
