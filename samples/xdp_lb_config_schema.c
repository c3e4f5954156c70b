// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a configuration. libcyaml makes a struct lb_raw of the file by this
 * schema, but names neither the line of a value nor, in plain words, what is wrong
 * with it. So the tree of the file is held against the same schema first, which
 * finds all that libcyaml would find, and keys given twice besides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cyaml/cyaml.h>
#include "sample.h"
#include "xdp_lb_config_yaml.h"

/* --- schema: all text, as xdp_lb_config.c says better what is wrong with a number -------- */

#define TEXT(type, member, flags)	\
	CYAML_FIELD_STRING_PTR(#member, flags, struct type, member, 0, CYAML_UNLIMITED)
#define LIST(type, member, flags, entry, min, max)	\
	CYAML_FIELD_SEQUENCE_COUNT(#member, (flags) | CYAML_FLAG_POINTER, struct type, member,	\
				   n_##member, entry, min, max)
#define NEEDED CYAML_FLAG_DEFAULT
#define OPTIONAL CYAML_FLAG_OPTIONAL

static const cyaml_schema_field_t backend_fields[] = {
	TEXT(lb_raw_backend, name, OPTIONAL),
	TEXT(lb_raw_backend, address, NEEDED),
	TEXT(lb_raw_backend, port, OPTIONAL),
	TEXT(lb_raw_backend, weight, OPTIONAL),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t backend_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct lb_raw_backend, backend_fields),
};

static const cyaml_schema_field_t check_fields[] = {
	TEXT(lb_raw_check, type, OPTIONAL),
	TEXT(lb_raw_check, path, OPTIONAL),
	TEXT(lb_raw_check, host, OPTIONAL),
	TEXT(lb_raw_check, interval_ms, OPTIONAL),
	TEXT(lb_raw_check, timeout_ms, OPTIONAL),
	TEXT(lb_raw_check, rise, OPTIONAL),
	TEXT(lb_raw_check, fall, OPTIONAL),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t vip_fields[] = {
	TEXT(lb_raw_vip, name, OPTIONAL),
	TEXT(lb_raw_vip, address, NEEDED),
	TEXT(lb_raw_vip, port, NEEDED),
	TEXT(lb_raw_vip, protocol, OPTIONAL),
	TEXT(lb_raw_vip, forward, OPTIONAL),
	CYAML_FIELD_MAPPING_PTR("check", OPTIONAL, struct lb_raw_vip, check, check_fields),
	LIST(lb_raw_vip, backends, NEEDED, &backend_schema, 1, LB_BACKENDS_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t vip_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct lb_raw_vip, vip_fields),
};

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t top_fields[] = {
	TEXT(lb_raw, name, OPTIONAL),
	LIST(lb_raw, interfaces, NEEDED, &text_schema, 1, LB_IFACES_MAX),
	TEXT(lb_raw, mode, OPTIONAL),
	TEXT(lb_raw, table_size, OPTIONAL),
	TEXT(lb_raw, seed, OPTIONAL),
	TEXT(lb_raw, connections, OPTIONAL),
	LIST(lb_raw, snat, OPTIONAL, &text_schema, 0, LB_SNAT_MAX),
	LIST(lb_raw, vips, NEEDED, &vip_schema, 1, LB_VIPS_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct lb_raw, top_fields),
};

/* How a key is written, for hints. */
static const char *example(const char *key)
{
	static const char * const examples[][2] = {
		{ "interfaces", "interfaces: [eth0]" },
		{ "snat", "snat: [10.0.0.240]" },
		{ "address", "address: 192.0.2.10" },
		{ "port", "port: 80; for a service, 0 stands for any port" },
		{ "check", "check: { type: http, path: /healthz }" },
		{ "vips", "vips: [{ address: 192.0.2.10, port: 80, backends: [...] }]" },
		{ "backends", "backends: [{ address: 10.0.0.11 }, { address: 10.0.0.12 }]" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		if (!strcmp(examples[i][0], key))
			return examples[i][1];
	}
	return "all keys are in samples/xdp_lb.yaml";
}

/* --- the tree against the schema --------------------------------------------------------- */

/**
 * struct walk - a place in the tree
 * @y: the tree
 * @field: path to the place
 * @len: length of @field
 * @line: the place
 * @n_backends: how many there are before it
 */
struct walk {
	const struct lb_yaml *y;
	char field[LB_FIELD_MAX];
	size_t len;
	unsigned int line;
	unsigned int n_backends;
};

__printf(2, 3)
static void enter(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->field + w->len, sizeof(w->field) - w->len, fmt, ap);
	va_end(ap);
	w->len = strlen(w->field);
}

static void leave(struct walk *w, size_t len)
{
	w->field[len] = '\0';
	w->len = len;
}

static int check_node(struct walk *w, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema);

/* Name of the innermost key. */
static const char *last_key(const struct walk *w)
{
	static char key[LB_FIELD_MAX];
	const char *dot = strrchr(w->field, '.');

	snprintf(key, sizeof(key), "%s", dot ? dot + 1 : w->field);
	key[strcspn(key, "[")] = '\0';
	return key;
}

static int wrong_type(const struct walk *w, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema)
{
	const char *is = "one value", *want = "one value";

	if (node->type == YAML_SEQUENCE_NODE)
		is = "a list";
	else if (node->type == YAML_MAPPING_NODE)
		is = "keys with values";
	else if (!node->data.scalar.length)
		is = "empty";
	if (schema->type == CYAML_SEQUENCE)
		want = "a list";
	else if (schema->type == CYAML_MAPPING)
		want = "keys with values";
	return lb_yaml_bad(w->y, w->line, example(last_key(w)), "%s%sis %s, and must be %s",
			   w->field, w->len ? ": " : "it ", is, want);
}

static int unknown_key(const struct walk *w, const cyaml_schema_field_t *fields)
{
	char hint[LB_MESSAGE_MAX] = "the keys here are:";
	const cyaml_schema_field_t *field;

	for (field = fields; field->key; field++) {
		size_t len = strlen(hint);

		snprintf(hint + len, sizeof(hint) - len, "%s %s", field == fields ? "" : ",",
			 field->key);
	}
	return lb_yaml_bad(w->y, w->line, hint, "%s: there is no such key", w->field);
}

static int check_pair(struct walk *w, const yaml_node_pair_t *pair,
		      const cyaml_schema_field_t *fields, unsigned int *seen)
{
	const yaml_node_t *key = lb_yaml_node(w->y, pair->key);
	const cyaml_schema_field_t *field = fields;
	char shown[LB_SHOWN];

	w->line = key->start_mark.line + 1;
	if (key->type != YAML_SCALAR_NODE)
		return lb_yaml_bad(w->y, w->line, "a key is a word", "%s%sa key must be one value",
				   w->field, w->len ? ": " : "");
	enter(w, "%s%s", w->len ? "." : "", lb_shown(lb_yaml_text(key), shown));
	while (field->key && (strlen(field->key) != key->data.scalar.length ||
			      memcmp(field->key, lb_yaml_text(key), key->data.scalar.length)))
		field++;
	if (!field->key)
		return unknown_key(w, fields);
	if (*seen & (1U << (field - fields)))
		return lb_yaml_bad(w->y, w->line, "remove one of the two", "%s: given twice",
				   w->field);
	*seen |= 1U << (field - fields);
	return check_node(w, lb_yaml_node(w->y, pair->value), &field->value);
}

static int check_mapping(struct walk *w, const yaml_node_t *node,
			 const cyaml_schema_field_t *fields)
{
	unsigned int seen = 0, line = w->line;
	const cyaml_schema_field_t *field;
	const yaml_node_pair_t *pair;
	size_t len = w->len;
	int err;

	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		err = check_pair(w, pair, fields, &seen);
		if (err)
			return err;
		leave(w, len);
	}
	for (field = fields; field->key; field++) {
		if ((field->value.flags & CYAML_FLAG_OPTIONAL) || (seen & (1U << (field - fields))))
			continue;
		enter(w, "%s%s", w->len ? "." : "", field->key);
		return lb_yaml_bad(w->y, line, example(field->key), "%s: is missing", w->field);
	}
	return 0;
}

static const char too_many[] =
	"two instances, each with a name: and snat: of its own, can share the work";

static int check_sequence(struct walk *w, const yaml_node_t *node,
			  const cyaml_schema_value_t *schema)
{
	const yaml_node_item_t *items = node->data.sequence.items.start;
	unsigned int i, n = node->data.sequence.items.top - items;
	size_t len = w->len;
	int err;

	if (n < schema->sequence.min)
		return lb_yaml_bad(w->y, w->line, example(last_key(w)), "%s: is empty", w->field);
	if (n > schema->sequence.max)
		return lb_yaml_bad(w->y, w->line, too_many, "%s: %u, and there can be %u",
				   w->field, n, schema->sequence.max);
	if (schema->sequence.entry == &backend_schema)
		w->n_backends += n;
	if (w->n_backends > LB_BACKENDS_MAX)
		return lb_yaml_bad(w->y, w->line, too_many,
				   "%s: more than %u backends of all services together", w->field,
				   LB_BACKENDS_MAX);
	for (i = 0; i < n; i++) {
		enter(w, "[%u]", i);
		w->line = lb_yaml_node(w->y, items[i])->start_mark.line + 1;
		err = check_node(w, lb_yaml_node(w->y, items[i]), schema->sequence.entry);
		if (err)
			return err;
		leave(w, len);
	}
	return 0;
}

/*
 * Ends, though an alias may be within what it stands for: the schema is of finite
 * depth, and n_backends bounds the breadth.
 */
static int check_node(struct walk *w, const yaml_node_t *node,
		      const cyaml_schema_value_t *schema)
{
	if (node->type == YAML_MAPPING_NODE && schema->type == CYAML_MAPPING)
		return check_mapping(w, node, schema->mapping.fields);
	if (node->type == YAML_SEQUENCE_NODE && schema->type == CYAML_SEQUENCE)
		return check_sequence(w, node, schema);
	if (node->type != YAML_SCALAR_NODE || schema->type != CYAML_STRING)
		return wrong_type(w, node, schema);
	if (strlen(lb_yaml_text(node)) != node->data.scalar.length)
		return lb_yaml_bad(w->y, w->line, "remove the \\0", "%s: has a NUL character",
				   w->field);
	return 0;
}

/* --- libcyaml ---------------------------------------------------------------------------- */

/* The first message; those behind it say where, as it sees it. */
__printf(3, 0)
static void keep_message(cyaml_log_t level, void *ctx, const char *fmt, va_list ap)
{
	char *message = ctx;

	if (*message)
		return;
	vsnprintf(message, LB_MESSAGE_MAX, fmt, ap);
	message[strcspn(message, "\n")] = '\0';
}

static const cyaml_config_t cyaml_config = {
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
};

/**
 * lb_yaml_fill() - make y->raw of the text
 * @y: file, which lb_yaml_check() has found right
 *
 * Return: 0; -ENOMEM; -EINVAL, which was printed.
 */
int lb_yaml_fill(struct lb_yaml *y)
{
	char message[LB_MESSAGE_MAX] = "", shown[LB_SHOWN];
	cyaml_config_t config = cyaml_config;
	cyaml_err_t err;

	config.log_fn = keep_message;
	config.log_ctx = message;
	err = cyaml_load_data((unsigned char *)y->text, y->len, &config, &top_schema,
			      (cyaml_data_t **)&y->raw, NULL);
	/* It was parsed before: that it is no YAML now means that memory is short. */
	if (err == CYAML_ERR_OOM || err == CYAML_ERR_LIBYAML_PARSER_INIT ||
	    err == CYAML_ERR_LIBYAML_PARSER)
		return -ENOMEM;
	if (!err && y->raw)
		return 0;
	/* Nothing known comes here: it was held against the same schema. */
	return lb_yaml_bad(y, 1, "samples/xdp_lb.yaml is an example", "libcyaml refuses it: %s",
			   lb_shown(*message ? message : cyaml_strerror(err), shown));
}

/**
 * lb_yaml_check() - hold the tree against the schema
 * @y: file, whose tree is there
 *
 * Return: 0, or -EINVAL, which was printed.
 */
int lb_yaml_check(const struct lb_yaml *y)
{
	const yaml_node_t *root = lb_yaml_node(y, 1);
	struct walk w = { .y = y, .line = root->start_mark.line + 1 };

	return check_node(&w, root, &top_schema);
}

/**
 * lb_yaml_empty() - free y->raw
 * @y: file
 */
void lb_yaml_empty(struct lb_yaml *y)
{
	if (y->raw)
		cyaml_free(&cyaml_config, &top_schema, y->raw, 0);
	y->raw = NULL;
}
