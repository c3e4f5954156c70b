// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes --vip and --backend of xdp_lb. Each line is an option; its first byte selects the option
 * and the forwarding method, the rest is the argument.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include "fuzz_user.h"
#include "parts/xdp_lb/config/config.h"

enum {
	SPECS_MAX = 64,
};

int fuzz_input(const __u8 *data, size_t size)
{
	struct lb_conf_spec specs[SPECS_MAX];
	char *text = strndup((const char *)data, size);
	char *line, *rest = text;
	struct lb_conf conf;
	unsigned int n = 0;

	while (n < SPECS_MAX && (line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		specs[n++] = (struct lb_conf_spec) {
			.is_vip = *line & 1,
			.forward = (*line >> 1 & 3) % 3,
			.text = line + 1,
		};
	}
	if (!lb_conf_args(&conf, specs, n, NULL, 0))
		lb_conf_free(&conf);
	free(text);
	return 0;
}
