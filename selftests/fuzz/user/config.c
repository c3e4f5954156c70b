// SPDX-License-Identifier: GPL-2.0
/* Fuzzes the configuration file of xdp_lb: any bytes are accepted, or refused with a message. */
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
		/* The loader relies on these limits of an accepted configuration. */
		if (!conf.n_vips || !conf.n_ifnames)
			abort();
		lb_conf_free(&conf);
	}
	close(fd);
	return 0;
}
