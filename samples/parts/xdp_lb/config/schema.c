// SPDX-License-Identifier: GPL-2.0
/*
 * The keys that a configuration file may have. The tree of a file is checked against them
 * before any value is read: code that reads values can rely on the needed keys to be there.
 */
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include "parts/xdp_lb/config/schema.h"
#include "parts/xdp_lb/config/text.h"
#include "parts/xdp_lb/config/yaml.h"

/* --- the keys ---------------------------------------------------------------------------- */

enum kind {
	TEXT,
	LIST,
	KEYS,
};

/**
 * struct key - a key and what it may stand for
 * @name: the key; NULL ends a list of keys
 * @kind: kind of its value
 * @needed: the key must be there, and a list must not be empty
 * @max: LIST: greatest length
 * @keys: KEYS: keys of the value; LIST: keys of each entry, NULL: each entry is a text
 * @example: how to write the key, for hints
 */
struct key {
	const char *name;
	enum kind kind;
	bool needed;
	unsigned int max;
	const struct key *keys;
	const char *example;
};

#define ADDRESS "address: 192.0.2.10"
#define PORT "port: 80; for a service, 0 stands for any port"

static const struct key backend_keys[] = {
	{ .name = "name" },
	{ .name = "address", .needed = true, .example = ADDRESS },
	{ .name = "port", .example = PORT },
	{ .name = "weight" },
	{}
};

static const struct key check_keys[] = {
	{ .name = "type" },
	{ .name = "path" },
	{ .name = "host" },
	{ .name = "interval_ms" },
	{ .name = "timeout_ms" },
	{ .name = "rise" },
	{ .name = "fall" },
	{}
};

static const struct key vip_keys[] = {
	{ .name = "name" },
	{ .name = "address", .needed = true, .example = ADDRESS },
	{ .name = "port", .needed = true, .example = PORT },
	{ .name = "protocol" },
	{ .name = "forward" },
	{ .name = "check", .kind = KEYS, .keys = check_keys,
	  .example = "check: { type: http, path: /healthz }" },
	{ .name = "backends", .kind = LIST, .needed = true, .max = LB_BACKENDS_MAX,
	  .keys = backend_keys,
	  .example = "backends: [{ address: 10.0.0.11 }, { address: 10.0.0.12 }]" },
	{}
};

static const struct key top_keys[] = {
	{ .name = "name" },
	{ .name = "interfaces", .kind = LIST, .needed = true, .max = LB_IFACES_MAX,
	  .example = "interfaces: [eth0]" },
	{ .name = "mode" },
	{ .name = "table_size" },
	{ .name = "seed" },
	{ .name = "connections" },
	{ .name = "snat", .kind = LIST, .max = LB_SNAT_MAX, .example = "snat: [10.0.0.240]" },
	{ .name = "vips", .kind = LIST, .needed = true, .max = LB_VIPS_MAX, .keys = vip_keys,
	  .example = "vips: [{ address: 192.0.2.10, port: 80, backends: [...] }]" },
	{}
};

static const char *example(const struct key *key)
{
	return key->example ? key->example : "all keys are in samples/xdp_lb.yaml";
}

/* --- the tree against them --------------------------------------------------------------- */

/**
 * struct walk - a place in the tree
 * @y: the tree
 * @field: path to the place
 * @len: length of @field
 * @line: line number of the place
 * @n_backends: number of backends that were found so far
 */
struct walk {
	const struct lb_yaml *y;
	char field[LB_FIELD_MAX];
	size_t len;
	unsigned int line;
	unsigned int n_backends;
};

/* LB_FIELD_MAX is enough: keys are three levels deep, and lb_shown() cuts an unknown key. */
static void enter_key(struct walk *w, const char *name)
{
	w->len += snprintf(w->field + w->len, sizeof(w->field) - w->len, "%s%s",
			   w->len ? "." : "", name);
}

static void enter_entry(struct walk *w, unsigned int i)
{
	w->len += snprintf(w->field + w->len, sizeof(w->field) - w->len, "[%u]", i);
}

static void leave(struct walk *w, size_t len)
{
	w->field[len] = '\0';
	w->len = len;
}

static int check_value(struct walk *w, const yaml_node_t *node, enum kind kind,
		       const struct key *key);

static int wrong_kind(const struct walk *w, const yaml_node_t *node, enum kind kind,
		      const struct key *key)
{
	static const char * const names[] = { "one value", "a list", "keys with values" };
	const char *is = names[TEXT];

	if (node->type == YAML_SEQUENCE_NODE)
		is = names[LIST];
	else if (node->type == YAML_MAPPING_NODE)
		is = names[KEYS];
	else if (!node->data.scalar.length)
		is = "empty";
	return lb_yaml_bad(w->y, w->line, example(key), "%s%sis %s, and must be %s", w->field,
			   w->len ? ": " : "it ", is, names[kind]);
}

static int unknown_key(const struct walk *w, const struct key *keys)
{
	char hint[LB_MESSAGE_MAX];
	const struct key *key;
	int len;

	len = snprintf(hint, sizeof(hint), "the keys here are:");
	for (key = keys; key->name; key++)
		len += snprintf(hint + len, sizeof(hint) - len, "%s %s", key == keys ? "" : ",",
				key->name);
	return lb_yaml_bad(w->y, w->line, hint, "%s: there is no such key", w->field);
}

static int check_pair(struct walk *w, const yaml_node_pair_t *pair, const struct key *keys,
		      unsigned int *seen)
{
	const yaml_node_t *name = lb_yaml_node(w->y, pair->key);
	const struct key *key = keys;
	char shown[LB_SHOWN];

	w->line = lb_yaml_node_line(name);
	if (name->type != YAML_SCALAR_NODE)
		return lb_yaml_bad(w->y, w->line, "a key is a word", "%s%sa key must be one value",
				   w->field, w->len ? ": " : "");
	enter_key(w, lb_shown(lb_yaml_text(name), shown));
	while (key->name && !lb_yaml_is(name, key->name, strlen(key->name)))
		key++;
	if (!key->name)
		return unknown_key(w, keys);
	if (*seen & (1U << (key - keys)))
		return lb_yaml_bad(w->y, w->line, "remove one of the two", "%s: given twice",
				   w->field);
	*seen |= 1U << (key - keys);
	return check_value(w, lb_yaml_node(w->y, pair->value), key->kind, key);
}

static int check_mapping(struct walk *w, const yaml_node_t *node, const struct key *keys)
{
	unsigned int seen = 0, line = w->line;
	const yaml_node_pair_t *pair;
	const struct key *key;
	size_t len = w->len;
	int err;

	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		err = check_pair(w, pair, keys, &seen);
		if (err)
			return err;
		leave(w, len);
	}
	for (key = keys; key->name; key++) {
		if (!key->needed || (seen & (1U << (key - keys))))
			continue;
		enter_key(w, key->name);
		return lb_yaml_bad(w->y, line, example(key), "%s: is missing", w->field);
	}
	return 0;
}

static int check_length(struct walk *w, unsigned int n, const struct key *key)
{
	static const char hint[] =
		"two instances, each with a name: and snat: of its own, can share the work";

	if (!n && key->needed)
		return lb_yaml_bad(w->y, w->line, example(key), "%s: is empty", w->field);
	if (n > key->max)
		return lb_yaml_bad(w->y, w->line, hint, "%s: %u, and there can be %u", w->field,
				   n, key->max);
	if (key->keys == backend_keys)
		w->n_backends += n;
	if (w->n_backends > LB_BACKENDS_MAX)
		return lb_yaml_bad(w->y, w->line, hint,
				   "%s: more than %u backends of all services together", w->field,
				   LB_BACKENDS_MAX);
	return 0;
}

static int check_list(struct walk *w, const yaml_node_t *node, const struct key *key)
{
	const yaml_node_item_t *items = node->data.sequence.items.start;
	unsigned int i, n = node->data.sequence.items.top - items;
	size_t len = w->len;
	int err;

	err = check_length(w, n, key);
	for (i = 0; i < n && !err; i++) {
		const yaml_node_t *entry = lb_yaml_node(w->y, items[i]);

		enter_entry(w, i);
		w->line = lb_yaml_node_line(entry);
		err = check_value(w, entry, key->keys ? KEYS : TEXT, key);
		leave(w, len);
	}
	return err;
}

/*
 * An alias (*NAME) may stand for a node that contains the alias. The recursion ends all the
 * same: the keys have a finite depth, and n_backends bounds the breadth.
 */
static int check_value(struct walk *w, const yaml_node_t *node, enum kind kind,
		       const struct key *key)
{
	if (node->type == YAML_MAPPING_NODE && kind == KEYS)
		return check_mapping(w, node, key->keys);
	if (node->type == YAML_SEQUENCE_NODE && kind == LIST)
		return check_list(w, node, key);
	if (node->type != YAML_SCALAR_NODE || kind != TEXT)
		return wrong_kind(w, node, kind, key);
	if (strlen(lb_yaml_text(node)) != node->data.scalar.length)
		return lb_yaml_bad(w->y, w->line, "remove the \\0", "%s: has a NUL character",
				   w->field);
	return 0;
}

/**
 * lb_schema_check() - check that a file has the right keys, with values of the right kind
 * @y: the file
 *
 * Return: 0, or -EINVAL, which was printed.
 */
int lb_schema_check(const struct lb_yaml *y)
{
	static const struct key file = { .kind = KEYS, .keys = top_keys };
	const yaml_node_t *root = lb_yaml_node(y, 1);
	struct walk w = { .y = y, .line = lb_yaml_node_line(root) };

	return check_value(&w, root, file.kind, &file);
}
