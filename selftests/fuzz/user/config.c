// SPDX-License-Identifier: GPL-2.0
/* The file of xdp_lb: any bytes are a configuration, or are refused with a message. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/types.h>
#include "fuzz_user.h"
#include "parts/xdp_lb/config/config.h"

int fuzz_input(const __u8 *data, size_t size)
{
	int fd = memfd_create("lb.yaml", 0);
	struct lb_conf conf;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!lb_conf_read(&conf, path)) {
		/* What was accepted is within the limits that the loader relies on. */
		if (!conf.n_vips || !conf.n_ifnames)
			abort();
		lb_conf_free(&conf);
	}
	close(fd);
	return 0;
}
