// SPDX-License-Identifier: GPL-2.0
/* Writes and reads configuration files: see xdp_lb_config_file.h. */
#include "test_assert.h"
#include "test_messages.h"
#include "xdp_lb_config_file.h"

const char valid[] =
/*  1 */	"name: lb0\n"
/*  2 */	"interfaces: [eth0]\n"
/*  3 */	"mode: auto\n"
/*  4 */	"table_size: 65537\n"
/*  5 */	"seed: 20261122\n"
/*  6 */	"connections: 1048576\n"
/*  7 */	"snat: [10.0.0.240]\n"
/*  8 */	"vips:\n"
/*  9 */	"  - name: web\n"
/* 10 */	"    address: 192.0.2.10\n"
/* 11 */	"    port: 80\n"
/* 12 */	"    protocol: tcp\n"
/* 13 */	"    forward: nat\n"
/* 14 */	"    check: { type: http, path: /healthz, interval_ms: 2000, timeout_ms: 900,\n"
/* 15 */	"             rise: 4, fall: 5 }\n"
/* 16 */	"    backends:\n"
/* 17 */	"      - { name: a, address: 10.0.0.11, port: 8080, weight: 1 }\n"
/* 18 */	"      - { name: b, address: 10.0.0.12, port: 8081, weight: 2 }\n"
/* 19 */	"  - address: 192.0.2.53\n"
/* 20 */	"    port: 53\n"
/* 21 */	"    protocol: udp\n"
/* 22 */	"    backends:\n"
/* 23 */	"      - address: 10.0.0.21\n"
/* 24 */	"        weight: 0\n"
/* 25 */	"      - address: 10.0.0.22\n"
/* 26 */	"        port: 5353\n";

int write_conf(const char *text, size_t len)
{
	FILE *file = fopen("lb.yaml", "w");

	if (!file)
		return -1;
	len -= fwrite(text, 1, len, file);
	return fclose(file) || len ? -1 : 0;
}

int read_text_of(struct _test_data_conf *self, const char *text, size_t len)
{
	forget();
	return write_conf(text, len) ? -EIO : lb_conf_read(&self->conf, "lb.yaml");
}

int edit(struct _test_data_conf *self, const char *from, const char *to)
{
	char *at = strstr(self->text, from);
	char rest[sizeof(self->text)];

	if (!at)
		return -1;
	snprintf(rest, sizeof(rest), "%s", at + strlen(from));
	snprintf(at, self->text + sizeof(self->text) - at, "%s%s", to, rest);
	return 0;
}

int read_edited(struct _test_data_conf *self, const char *from, const char *to)
{
	snprintf(self->text, sizeof(self->text), "%s", valid);
	if (edit(self, from, to))
		return -1;
	return read_text_of(self, self->text, strlen(self->text));
}
