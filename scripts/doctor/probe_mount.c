// SPDX-License-Identifier: GPL-2.0
/* Rows about the file systems that samples mount, from the code that mounts them. */
#include "probe.h"
#include "lib/fs.h"

static const struct {
	const struct sample_fs *fs;
	const char *sample;
	const char *when;
} needed[] = {
	{ &sample_bpffs, "xdp_lb", "it pins" },
	{ &sample_tracefs, "hello", "it reads the trace" },
};

/* Print the row of bpffs or tracefs; false if NAME is neither. */
bool probe_mount(const char *name)
{
	struct sample_fs_report report;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needed) && strcmp(needed[i].fs->name, name); i++)
		;
	if (i == ARRAY_SIZE(needed))
		return false;
	sample_fs_look(needed[i].fs, &report);
	if (report.state == SAMPLE_FS_THERE)
		row(name, OK, NULL, "mounted on %s", needed[i].fs->dir);
	else if (report.state == SAMPLE_FS_ABSENT)
		row(name, OK, NULL, "not mounted: %s mounts it on %s when %s", needed[i].sample,
		    needed[i].fs->dir, needed[i].when);
	else
		row(name, WARN, report.cure, "%s (%s needs it)", report.why, needed[i].sample);
	return true;
}
