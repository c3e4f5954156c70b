// SPDX-License-Identifier: GPL-2.0
/* pass: attach an XDP program that lets all packets pass, until this process ends. */
#include <errno.h>
#include "lib/caps.h"
#include "lib/loop.h"
#include "lib/opts.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/xdp.h"
#include "pass.skel.h"

static const struct sample_info info = {
	.name = "pass",
	.summary = "Attach the XDP program that lets all packets pass, until this process ends.",
	.examples =
"  @ -i veth1 -m native   make veth1 take what its peer sends with XDP_TX\n"
"  @ -i eth0 -i eth1 -d 5 two interfaces, for 5 seconds\n",
	.common = SAMPLE_OPT_IFACE | SAMPLE_OPT_MODE,
	.needs = SAMPLE_NEED_BPF | SAMPLE_NEED_NET,
};

int main(int argc, char **argv)
{
	struct sample_loop_ops ops = { .fd = -1 };
	struct sample_xdp xdp = {};
	struct pass_kern *skel;
	int err;

	sample_init(&info, argc, argv);

	skel = pass_kern__open_and_load();
	if (!skel)
		return sample_load_failed("pass", -errno);

	err = sample_xdp_attach(&xdp, skel->progs.pass);
	if (!err) {
		sample_xdp_ready(&xdp);
		err = sample_loop_run(&ops);
	}

	sample_xdp_detach(&xdp);
	pass_kern__destroy(skel);
	return sample_exit_status(err);
}
