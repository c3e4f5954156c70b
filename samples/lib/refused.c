// SPDX-License-Identifier: GPL-2.0
/*
 * Messages for what the kernel refuses: name exactly the capabilities that are missing, and tell
 * how to get them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <linux/capability.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/refused.h"

/* Any other capability is almost root: do not suggest to set it on a file with setcap. */
static const __u64 fit_for_a_file = 1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN |
				    1ULL << CAP_PERFMON | 1ULL << CAP_NET_RAW;

/*
 * False if sudo and setcap cannot give a child of this process the capabilities: NO_NEW_PRIVS is
 * set, or a capability is not in the bounding set, as in most containers.
 */
static bool can_be_had(__u64 caps)
{
	unsigned int cap;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	for (cap = 0; cap < 64; cap++) {
		if (caps & (1ULL << cap) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
			return false;
	}
	return true;
}

/* Write the capabilities in the form of setcap(8): "cap_bpf,cap_net_admin". */
static const char *lower_names(__u64 caps, char buf[SAMPLE_CAPS_LEN])
{
	char *s;

	sample_caps_join(caps, "CAP_", ",", ",", buf);
	for (s = buf; *s; s++)
		*s = tolower((unsigned char)*s);
	return buf;
}

static bool file_can_have_caps(const char *file)
{
	struct statvfs fs;

	return !statvfs(file, &fs) && !(fs.f_flag & ST_NOSUID);
}

static void hint_cure(__u64 missing)
{
	char line[SAMPLE_LINE_LEN], file[SAMPLE_CALLED_LEN], caps[SAMPLE_CAPS_LEN];
	/* A process gets only the file's capabilities: add those that this one has already. */
	__u64 needed = sample_caps_needed(sample.needs) | sample_caps_held();

	if (!can_be_had(missing)) {
		pr_hint("no program started here can have more; for a container: docker run %s",
			sample_caps_join(missing, "--cap-add=", " ", " ", caps));
		return;
	}
	pr_hint("sudo %s", sample_called_line(line));
	sample_called_file(file);
	if (!(needed & ~fit_for_a_file) && file_can_have_caps(file))
		pr_hint("or, for all who may run it: sudo setcap %s+ep %s",
			lower_names(needed, caps), file);
}

static bool tell(unsigned int needs, const char *what)
{
	char text[SAMPLE_CAPS_LEN];

	if (sample_in_user_namespace() &&
	    (needs & SAMPLE_NEED_LOAD || !sample_caps_missing(needs))) {
		pr_err("failed to %s: the kernel wants %s outside of user namespaces", what,
		       sample_caps_text(sample_caps_needed(needs), text));
		pr_hint("run it outside of the container, or in a privileged one");
		return true;
	}
	if (!sample_caps_missing(needs))
		return false;
	/* Name all that the command line needs, or the user would find one more at each try. */
	pr_err("failed to %s: %s missing", what,
	       sample_caps_text(sample_caps_missing(sample.needs), text));
	hint_cure(sample_caps_missing(sample.needs));
	return true;
}

/*
 * EINVAL may be a refusal, too: with kernel.unprivileged_bpf_disabled=0 all users may load some
 * program types, and the verifier returns EINVAL for what needs a capability.
 */
static bool is_refusal(int err, unsigned int needs)
{
	if (err == -EINVAL && needs & SAMPLE_NEED_LOAD)
		return sample_caps_missing(needs) || sample_in_user_namespace();
	return err == -EPERM || err == -EACCES;
}

/**
 * sample_refused() - if something failed for lack of capabilities, print which ones
 * @err: negative errno of the failed operation
 * @needs: bits of enum sample_need that the operation needs; added to sample.needs
 * @fmt: as for printf(), what failed: "attach to %s"
 *
 * The message also names the capabilities that the rest of the command line needs.
 *
 * Return: true if capabilities are missing, which was printed; false: another reason, and
 * nothing was printed.
 */
bool sample_refused(int err, unsigned int needs, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	if (!is_refusal(err, needs))
		return false;
	sample.needs |= needs;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return tell(needs, what);
}

/**
 * sample_load_failed() - print why a BPF object could not be opened or loaded
 * @what: name of the object
 * @err: negative errno of libbpf
 *
 * Return: SAMPLE_FAILED, as exit status.
 */
int sample_load_failed(const char *what, int err)
{
	unsigned int needs = sample.needs & SAMPLE_NEED_LOAD;

	/* Older verifiers need CAP_PERFMON for some programs that newer ones accept without. */
	if (err == -EACCES)
		needs |= SAMPLE_NEED_PERFMON;
	if (sample_refused(err, needs, "load the BPF object %s", what))
		return SAMPLE_FAILED;
	pr_err("failed to load the BPF object %s: %s", what, strerror(-err));
	if (!sample.verbose)
		pr_hint("-vv shows the messages of libbpf and the verifier");
	pr_hint_doctor();
	return SAMPLE_FAILED;
}
