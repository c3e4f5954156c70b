/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A YAML file as a tree, with lines (config/yaml.c). */
#ifndef _SAMPLES_XDP_LB_CONFIG_YAML_H
#define _SAMPLES_XDP_LB_CONFIG_YAML_H

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

/**
 * struct lb_yaml - a YAML file
 * @path: name of the file
 * @text: contents of the file
 * @len: length of @text
 * @doc: the file as a tree
 * @has_doc: @doc is valid, and has to be freed
 */
struct lb_yaml {
	const char *path;
	char *text;
	size_t len;
	yaml_document_t doc;
	bool has_doc;
};

static inline const char *lb_yaml_text(const yaml_node_t *scalar)
{
	return (const char *)scalar->data.scalar.value;
}

/* libyaml counts nodes from 1, which is the root. */
static inline const yaml_node_t *lb_yaml_node(const struct lb_yaml *y, int index)
{
	return y->doc.nodes.start + index - 1;
}

static inline unsigned int lb_yaml_node_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

/* True if a scalar is exactly this text. The scalar may contain a NUL, so strcmp() will not do. */
static inline bool lb_yaml_is(const yaml_node_t *scalar, const char *text, size_t len)
{
	return scalar->data.scalar.length == len && !memcmp(lb_yaml_text(scalar), text, len);
}

__printf(4, 5)
int lb_yaml_bad(const struct lb_yaml *y, unsigned int line, const char *hint,
		const char *fmt, ...);
int lb_yaml_read(struct lb_yaml *y, const char *path);
const char *lb_yaml_get(const struct lb_yaml *y, const char *field);
unsigned int lb_yaml_count(const struct lb_yaml *y, const char *field);
unsigned int lb_yaml_line(const struct lb_yaml *y, const char *field);
void lb_yaml_free(struct lb_yaml *y);

#endif /* _SAMPLES_XDP_LB_CONFIG_YAML_H */
