// SPDX-License-Identifier: GPL-2.0
/* Tests of the pinned state of xdp_lb that another version of the program has left. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "test_harness.h"
#include "test_mount.h"
#include "test_root.h"
#include "parts/xdp_lb/state/state.h"

#define OTHER_LAYOUT 99
#define MORE 64
#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* Path of the xdp_lb binary, from the directory of this test. */
static void path_of_xdp_lb(char *path, size_t size)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		*strrchr(self, '/') = '\0';
	snprintf(path, size, "%.3000s/../../samples/xdp_lb", self);
}

FIXTURE(state)
{
	char xdp_lb[PATH_MAX];
	char name[LB_NAME_MAX];
	char dir[LB_PATH_MAX];
	char pin[LB_PATH_MAX + 16];
};

FIXTURE_SETUP(state)
{
	snprintf(self->name, sizeof(self->name), "nbt-%u", getpid());
	snprintf(self->dir, sizeof(self->dir), LB_PIN_ROOT "/%s", self->name);
	snprintf(self->pin, sizeof(self->pin), "%s/lb_meta", self->dir);
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	/*
	 * Find the path before test_mount(), which makes a new mount namespace. In a chroot,
	 * /proc/self/exe may name a path afterwards that is not valid there.
	 */
	path_of_xdp_lb(self->xdp_lb, sizeof(self->xdp_lb));
	ASSERT_EQ(0, test_mount("bpf", "/sys/fs/bpf"));
	ASSERT_EQ(0, mkdir(LB_PIN_ROOT, 0700));
	ASSERT_EQ(0, mkdir(self->dir, 0700) ? errno : 0) TH_LOG("%s", self->dir);
}

FIXTURE_TEARDOWN(state)
{
}

/* Pin a map lb_meta of this layout, with @more bytes than this version of it has. */
static int pin_meta(const char *pin, __u32 layout, __u32 more)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct {
		struct lb_instance_meta meta;
		__u8 more[MORE];
	} meta = { .meta.layout = layout };
	int fd, err = 0;
	__u32 zero = 0;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_meta", sizeof(zero),
			    sizeof(meta.meta) + more, 1, &opts);
	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(fd, &zero, &meta, BPF_ANY) || bpf_obj_pin(fd, pin))
		err = -errno;
	close(fd);
	return err;
}

/* Run "xdp_lb ARGS". Its stderr goes to @said; returns its exit status. */
static int run(struct _test_data_state *self, const char *args, char *said, size_t size)
{
	char cmd[PATH_MAX + 256];
	size_t len;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "'%.3500s' %.200s 2>&1 >/dev/null", self->xdp_lb, args);
	f = popen(cmd, "r");
	if (!f)
		return -1;
	len = fread(said, 1, size - 1, f);
	said[len] = '\0';
	return WEXITSTATUS(pclose(f));
}

TEST_F(state, another_layout_is_refused)
{
	char args[128], said[1024];

	ASSERT_EQ(0, pin_meta(self->pin, OTHER_LAYOUT, 0));
	snprintf(args, sizeof(args), "stats --name %s", self->name);
	EXPECT_EQ(1, run(self, args, said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "its tables have layout 99, this program knows "
			       STRING(LB_LAYOUT)))
		TH_LOG("%s", said);
	EXPECT_NE(NULL, strstr(said, "hint: "));
	EXPECT_EQ(0, access(self->pin, F_OK));
}

TEST_F(state, another_layout_is_not_adopted)
{
	char args[256], said[1024];

	ASSERT_EQ(0, pin_meta(self->pin, OTHER_LAYOUT, 0));
	snprintf(args, sizeof(args),
		 "run -i lo -m skb --forward dsr --vip tcp:192.0.2.1:80 --backend 192.0.2.2:80 --name %s",
		 self->name);
	EXPECT_EQ(1, run(self, args, said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "its tables have layout 99")) TH_LOG("%s", said);
	EXPECT_EQ(0, access(self->pin, F_OK));
}

/* A second instance says that it cannot read the first one, so cannot compare itself to it. */
static void told_beside(struct __test_metadata *_metadata, struct _test_data_state *self)
{
	char args[256], said[1024], wanted[128];

	snprintf(args, sizeof(args),
		 "run -i lo -m skb --forward dsr --vip tcp:192.0.2.1:80 --backend 192.0.2.2:80 --name %s-2 -d 0.05",
		 self->name);
	run(self, args, said, sizeof(said));
	snprintf(wanted, sizeof(wanted), "instance %s was made by another version of this program",
		 self->name);
	EXPECT_NE(NULL, strstr(said, wanted)) TH_LOG("%s", said);
	EXPECT_EQ(0, access(self->pin, F_OK));
}

TEST_F(state, another_layout_is_told_beside)
{
	if (unshare(CLONE_NEWNET))
		SKIP(return, "no network namespaces here");
	ASSERT_EQ(0, pin_meta(self->pin, OTHER_LAYOUT, 0));
	told_beside(_metadata, self);
}

TEST_F(state, another_size_is_told_beside)
{
	if (unshare(CLONE_NEWNET))
		SKIP(return, "no network namespaces here");
	ASSERT_EQ(0, pin_meta(self->pin, LB_LAYOUT, MORE));
	told_beside(_metadata, self);
}

TEST_F(state, maps_that_are_missing_are_named)
{
	char args[128], said[1024];

	ASSERT_EQ(0, pin_meta(self->pin, LB_LAYOUT, 0));
	snprintf(args, sizeof(args), "stats --name %s", self->name);
	EXPECT_EQ(1, run(self, args, said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "failed to open " LB_PIN_ROOT)) TH_LOG("%s", said);
}

TEST_HARNESS_MAIN
