// SPDX-License-Identifier: GPL-2.0
/*
 * Read a YAML file. libyaml makes a tree of the file, in which callers look up the text and
 * the line number of fields.
 *
 * libyaml does not limit the time that making a tree takes. So scan() first reads the text as
 * a stream of events, which is cheap, and refuses a file that would take too long.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stdbool.h>
#include "lib/log.h"
#include "parts/xdp_lb/config/text.h"
#include "parts/xdp_lb/config/yaml.h"

enum {
	/* Largest file: several times what LB_VIPS_MAX and LB_BACKENDS_MAX need. */
	FILE_KIB_MAX = 2048,
	/* The schema is 5 levels deep; libyaml needs quadratic time for thousands of levels. */
	DEPTH_MAX = 16,
	/* One anchor (&NAME) for each backend; libyaml compares each anchor with all others. */
	ANCHORS_MAX = LB_BACKENDS_MAX,
};

/* --- the text ---------------------------------------------------------------------------- */

/**
 * lb_yaml_bad() - say what is wrong with a line
 * @y: the file
 * @line: number of the line
 * @hint: the cure
 * @fmt: as for printf()
 *
 * Return: -EINVAL.
 */
int lb_yaml_bad(const struct lb_yaml *y, unsigned int line, const char *hint,
		const char *fmt, ...)
{
	char message[LB_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	pr_err("%s:%u: %s", y->path, line, message);
	pr_hint("%s", hint);
	return -EINVAL;
}

static unsigned int line_at(const struct lb_yaml *y, size_t offset)
{
	unsigned int line = 1;
	size_t i;

	for (i = 0; i < offset && i < y->len; i++)
		line += y->text[i] == '\n';
	return line;
}

static int read_file(struct lb_yaml *y)
{
	FILE *file;
	int err = 0;

	y->text = malloc(FILE_KIB_MAX * 1024 + 1);
	if (!y->text)
		return -ENOMEM;
	file = fopen(y->path, "re");
	if (!file)
		return -errno;
	y->len = fread(y->text, 1, FILE_KIB_MAX * 1024 + 1, file);
	if (ferror(file))
		err = -errno;
	fclose(file);
	return err;
}

static int read_text(struct lb_yaml *y)
{
	int err = read_file(y);
	const char *nul;

	if (err == -ENOMEM)
		return err;
	if (err) {
		pr_err("failed to read the configuration %s: %s", y->path, strerror(-err));
		if (err == -EISDIR)
			pr_hint("name a file in it: ls %s", y->path);
		else
			pr_hint("ls -l %s", y->path);
		return err;
	}
	if (y->len > FILE_KIB_MAX * 1024) {
		pr_err("%s: larger than %u KiB", y->path, FILE_KIB_MAX);
		pr_hint("is it a configuration? head %s", y->path);
		return -EINVAL;
	}
	nul = memchr(y->text, '\0', y->len);
	if (nul)
		return lb_yaml_bad(y, line_at(y, nul - y->text),
				   "save it as plain text in UTF-8", "a NUL byte");
	return 0;
}

/* --- the tree ---------------------------------------------------------------------------- */

static bool line_has_tab(const struct lb_yaml *y, unsigned int line)
{
	size_t i = 0;

	for (; line > 1 && i < y->len; i++)
		line -= y->text[i] == '\n';
	while (i < y->len && y->text[i] == ' ')
		i++;
	return i < y->len && y->text[i] == '\t';
}

static int syntax_error(const struct lb_yaml *y, const yaml_parser_t *parser)
{
	unsigned int line = parser->problem_mark.line + 1;
	const char *hint = "is it indented by spaces, with a space behind each colon?";
	char context[LB_MESSAGE_MAX] = "";

	/* When memory runs out, libyaml may fail without setting parser->problem. */
	if (parser->error == YAML_MEMORY_ERROR || !parser->problem)
		return -ENOMEM;
	if (parser->error == YAML_COMPOSER_ERROR && parser->context)
		return lb_yaml_bad(y, line, "give each &NAME a name of its own",
				   "the name behind & was given in line %zu before",
				   parser->context_mark.line + 1);
	if (parser->context)
		snprintf(context, sizeof(context), ", %s from line %zu", parser->context,
			 parser->context_mark.line + 1);
	if (parser->error == YAML_READER_ERROR) {
		line = line_at(y, parser->problem_offset);
		hint = "save it as plain text in UTF-8";
	} else if (line_has_tab(y, line)) {
		hint = "YAML is indented by spaces, never by tabs";
	} else if (strstr(parser->problem, "alias")) {
		hint = "*NAME stands for what was marked with &NAME above it";
	}
	return lb_yaml_bad(y, line, hint, "not YAML: %s%s", parser->problem, context);
}

/**
 * struct extent - what scan() has seen of a file so far
 * @depth: number of lists and mappings that are open
 * @n_anchors: number of anchors (&NAME)
 * @n_docs: number of documents
 */
struct extent {
	unsigned int depth;
	unsigned int n_anchors;
	unsigned int n_docs;
};

static void count_event(const yaml_event_t *event, struct extent *seen)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		seen->n_docs++;
		break;
	case YAML_MAPPING_START_EVENT:
		seen->depth++;
		seen->n_anchors += !!event->data.mapping_start.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		seen->depth++;
		seen->n_anchors += !!event->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		seen->depth--;
		break;
	case YAML_SCALAR_EVENT:
		seen->n_anchors += !!event->data.scalar.anchor;
		break;
	default:
		break;
	}
}

static int check_extent(const struct lb_yaml *y, unsigned int line, const struct extent *seen)
{
	if (seen->n_docs > 1)
		return lb_yaml_bad(y, line, "a file has one configuration: remove the ---",
				   "a second document begins");
	if (seen->depth > DEPTH_MAX)
		return lb_yaml_bad(y, line, "is a bracket too many in this line?",
				   "nested too deep");
	if (seen->n_anchors > ANCHORS_MAX)
		return lb_yaml_bad(y, line, "mark with &NAME only what *NAME repeats",
				   "more than %u are marked with &NAME", ANCHORS_MAX);
	return 0;
}

/* Check that the text is valid YAML, and a single document within the limits above. */
static int scan(struct lb_yaml *y, yaml_parser_t *parser)
{
	struct extent seen = {};
	yaml_event_t event;
	bool more;
	int err;

	do {
		if (!yaml_parser_parse(parser, &event))
			return syntax_error(y, parser);
		count_event(&event, &seen);
		err = check_extent(y, event.start_mark.line + 1, &seen);
		more = event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	} while (!err && more);
	return err;
}

static int load(struct lb_yaml *y, yaml_parser_t *parser)
{
	if (!yaml_parser_load(parser, &y->doc))
		return syntax_error(y, parser);
	y->has_doc = true;
	if (!yaml_document_get_root_node(&y->doc))
		return lb_yaml_bad(y, 1, "samples/xdp_lb.yaml is an example",
				   "no configuration in it");
	return 0;
}

static int with_parser(struct lb_yaml *y, int (*fn)(struct lb_yaml *y, yaml_parser_t *parser))
{
	yaml_parser_t parser;
	int err;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (unsigned char *)y->text, y->len);
	err = fn(y, &parser);
	yaml_parser_delete(&parser);
	return err;
}

/* --- fields ------------------------------------------------------------------------------ */

/* Follow one step of a path, "key" or "[index]", from @node. Sets @line if the step exists. */
static const yaml_node_t *step(const struct lb_yaml *y, const yaml_node_t *node,
			       const char *field, size_t len, unsigned int *line)
{
	const yaml_node_pair_t *pair;
	long index;

	if (node->type == YAML_SEQUENCE_NODE && *field == '[') {
		index = strtol(field + 1, NULL, 10);
		if (index >= node->data.sequence.items.top - node->data.sequence.items.start)
			return NULL;
		node = lb_yaml_node(y, node->data.sequence.items.start[index]);
		*line = lb_yaml_node_line(node);
		return node;
	}
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = lb_yaml_node(y, pair->key);

		if (!lb_yaml_is(key, field, len))
			continue;
		*line = lb_yaml_node_line(key);
		return lb_yaml_node(y, pair->value);
	}
	return NULL;
}

static const yaml_node_t *find(const struct lb_yaml *y, const char *field, unsigned int *line)
{
	const yaml_node_t *node = lb_yaml_node(y, 1);
	size_t len;

	*line = lb_yaml_node_line(node);
	while (node && *field) {
		field += *field == '.';
		len = *field == '[' ? strcspn(field, "]") + 1 : strcspn(field, ".[");
		node = step(y, node, field, len, line);
		field += len;
	}
	return node;
}

/**
 * lb_yaml_get() - the text of a field
 * @y: the file
 * @field: "vips[0].backends[1].port"
 *
 * Return: the text, valid as long as @y; NULL: the field is not there.
 */
const char *lb_yaml_get(const struct lb_yaml *y, const char *field)
{
	unsigned int line;
	const yaml_node_t *node = find(y, field, &line);

	return node ? lb_yaml_text(node) : NULL;
}

/**
 * lb_yaml_count() - the length of a list
 * @y: the file
 * @field: "vips[0].backends"
 *
 * Return: its length, 0 if the list is not there.
 */
unsigned int lb_yaml_count(const struct lb_yaml *y, const char *field)
{
	unsigned int line;
	const yaml_node_t *node = find(y, field, &line);

	return node ? node->data.sequence.items.top - node->data.sequence.items.start : 0;
}

/**
 * lb_yaml_line() - the line number of a field
 * @y: the file
 * @field: "vips[0].backends[1].port"
 *
 * Return: the line; if the field is not there, the line of its closest parent that is.
 */
unsigned int lb_yaml_line(const struct lb_yaml *y, const char *field)
{
	unsigned int line;

	find(y, field, &line);
	return line;
}

/* --- all of it --------------------------------------------------------------------------- */

/**
 * lb_yaml_read() - read a file and make a tree of it
 * @y: takes the tree, which is not empty; lb_yaml_free() frees it, after an error, too
 * @path: name of the file; must stay valid as long as @y
 *
 * Return: 0; -ENOMEM; another negative errno, which was printed.
 */
int lb_yaml_read(struct lb_yaml *y, const char *path)
{
	int err;

	*y = (struct lb_yaml) { .path = path };
	err = read_text(y);
	if (err)
		return err;
	err = with_parser(y, scan);
	if (err)
		return err;
	return with_parser(y, load);
}

/**
 * lb_yaml_free() - free a file
 * @y: the file
 */
void lb_yaml_free(struct lb_yaml *y)
{
	if (y->has_doc)
		yaml_document_delete(&y->doc);
	free(y->text);
}
