// SPDX-License-Identifier: GPL-2.0
/* Mount a file system that a sample needs, with messages for the user. */
#include "lib/log.h"
#include "lib/mount.h"
#include "lib/fs.h"

/**
 * sample_mount() - mount a file system, unless it is mounted
 * @fs: sample_bpffs or sample_tracefs
 * @what: what the sample needs it for: the verb of the error message, "pin"
 *
 * Nobody unmounts the file system later: other programs may use it by then.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_mount(const struct sample_fs *fs, const char *what)
{
	struct sample_fs_report report;
	int ret = sample_fs_mount(fs, &report);

	if (ret > 0)
		pr_info("mounted %s on %s", fs->name, fs->dir);
	if (ret >= 0)
		return 0;
	pr_err("failed to %s in %s: %s is %s", what, fs->dir, fs->name, report.why);
	pr_hint("%s", report.cure);
	return ret;
}
