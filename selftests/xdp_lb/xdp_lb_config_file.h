/* SPDX-License-Identifier: GPL-2.0 */
/* Writes and reads configuration files, for the tests of samples/xdp_lb's configuration. */
#ifndef _SELFTESTS_XDP_LB_CONFIG_FILE_H
#define _SELFTESTS_XDP_LB_CONFIG_FILE_H

#include <stddef.h>
#include "parts/xdp_lb/config/config.h"

/* A valid configuration file. */
extern const char valid[];

/* Data of the fixture, which is in xdp_lb_config_fixture.h. */
FIXTURE_DATA(conf) {
	char dir[32];
	char text[8192];
	struct lb_conf conf;
	int fd;
};

int write_conf(const char *text, size_t len);

int read_text_of(struct _test_data_conf *self, const char *text, size_t len);

/* Replace the first @from in self->text by @to; -1 if self->text has no @from. */
int edit(struct _test_data_conf *self, const char *from, const char *to);

int read_edited(struct _test_data_conf *self, const char *from, const char *to);

#endif /* _SELFTESTS_XDP_LB_CONFIG_FILE_H */
