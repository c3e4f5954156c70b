// SPDX-License-Identifier: GPL-2.0
/* The pinned maps of an instance: finding, mapping, locking, removing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <arpa/inet.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/mount.h"
#include "lib/refused.h"
#include "lib/util.h"
#include "lib/fs.h"
#include "parts/xdp_lb/state/state.h"

/* A map that is mapped into memory; @offset: of its address in struct lb_state. */
struct mapped {
	const char *name;
	size_t offset;
	bool readonly;
};

#define MAPPED(name, field, readonly) { name, offsetof(struct lb_state, field), readonly }
static const struct mapped mapped[] = {
	/* First: its layout says whether this program knows the other maps. */
	MAPPED("lb_meta", meta, false),
	MAPPED("lb_config", conf, false),
	MAPPED("lb_filter", filter, false),
	MAPPED("lb_backends", backends, false),
	MAPPED("lb_vip_infos", vip_infos, false),
	MAPPED("lb_backend_infos", backend_infos, false),
	MAPPED("lb_buckets", buckets, true),
};

/* A map that is accessed by system calls; @offset: of its file descriptor in struct lb_state. */
static const struct {
	const char *name;
	size_t offset;
} opened[] = {
	{ "lb_vips", offsetof(struct lb_state, vips_fd) },
	{ "lb_dnat", offsetof(struct lb_state, dnat_fd) },
	{ "lb_rings", offsetof(struct lb_state, rings_fd) },
	{ "lb_stats", offsetof(struct lb_state, stats_fd) },
	{ "lb_reasons", offsetof(struct lb_state, reasons_fd) },
};

static void **mapped_at(const struct lb_state *state, const struct mapped *map)
{
	return (void **)((char *)state + map->offset);
}

static int *opened_at(const struct lb_state *state, unsigned int i)
{
	return (int *)((char *)state + opened[i].offset);
}

/**
 * lb_pin_path() - the path at which a part of an instance is pinned
 * @state: the instance
 * @what: name of a map or link
 * @path: takes the path
 */
void lb_pin_path(const struct lb_state *state, const char *what, char path[LB_PATH_MAX])
{
	snprintf(path, LB_PATH_MAX, "%s/%.64s", state->dir, what);
}

static void set_name(struct lb_state *state, const char *name)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	snprintf(state->name, sizeof(state->name), "%s", name);
	snprintf(state->dir, sizeof(state->dir), LB_PIN_ROOT "/%s", name);
	state->dir_fd = -1;
	state->run_fd = -1;
	for (i = 0; i < ARRAY_SIZE(opened); i++)
		*opened_at(state, i) = -1;
}

/* stat(2), because access(2) would check the real user, not what the process may do. */
static int look_for(const char *name)
{
	char path[LB_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%.*s/lb_meta", LB_NAME_MAX - 1, name);
	return stat(path, &st) ? -errno : 0;
}

/**
 * lb_state_exists() - whether there is an instance of this name
 * @name: its name
 *
 * Return: true if its maps are pinned.
 */
bool lb_state_exists(const char *name)
{
	return !look_for(name);
}

/* Only the user who made an instance, mostly root, may look into its directory. */
static int tell_hidden(const char *path, int err)
{
	if (!sample_refused(err, SAMPLE_NEED_FILES, "look into %s", path))
		pr_err("failed to look into %s: %s", path, strerror(-err));
	return err;
}

/* Count the instances; @found takes the name of the last one. Or returns a negative errno. */
static int find_any(char found[LB_NAME_MAX])
{
	DIR *dir = opendir(LB_PIN_ROOT);
	struct dirent *entry;
	int err, n = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)) && n >= 0) {
		if (*entry->d_name == '.')
			continue;
		err = look_for(entry->d_name);
		if (!err)
			snprintf(found, LB_NAME_MAX, "%.*s", LB_NAME_MAX - 1, entry->d_name);
		if (!err)
			n++;
		else if (err != -ENOENT)
			n = err;
	}
	closedir(dir);
	return n;
}

static int find_named(const char *name, char found[LB_NAME_MAX])
{
	int err = look_for(name);

	snprintf(found, LB_NAME_MAX, "%s", name);
	if (err)
		return err == -ENOENT ? 0 : err;
	return 1;
}

/* Does not mount bpffs: if bpffs is not mounted, nothing is pinned. */
static void tell_none(const char *name)
{
	struct sample_fs_report report;

	sample_fs_look(&sample_bpffs, &report);
	if (report.state == SAMPLE_FS_HIDDEN) {
		pr_err("failed to find instance %s: bpffs is %s", name, report.why);
		pr_hint("%s", report.cure);
		return;
	}
	pr_err("failed to find instance %s: none runs, nothing is pinned in " LB_PIN_ROOT, name);
	pr_hint("%s run -c lb.yaml", sample_called());
}

/**
 * lb_state_find() - find the instance that a command is for
 * @name: name given by --name, NULL: the only one there is
 * @found: takes its name
 *
 * Return: 0; or -ENOENT: there is none, -EINVAL: there are several, or another negative
 * errno, which was printed.
 */
int lb_state_find(const char *name, char found[LB_NAME_MAX])
{
	int n = name ? find_named(name, found) : find_any(found);

	if (n == 1)
		return 0;
	if (n < 0)
		return tell_hidden(LB_PIN_ROOT, n);
	if (n > 1) {
		pr_err("which instance? There are %d: give --name NAME", n);
		pr_hint("ls " LB_PIN_ROOT);
		return -EINVAL;
	}
	tell_none(name ?: "(any)");
	return -ENOENT;
}

static int open_pin(const struct lb_state *state, const char *name)
{
	char path[LB_PATH_MAX];
	int fd, err;

	lb_pin_path(state, name, path);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	err = -errno;
	/* Before Linux 5.19, bpf(2) wants CAP_BPF for everything. */
	if (!sample_refused(err, err == -EACCES ? SAMPLE_NEED_FILES : SAMPLE_NEED_BPF,
			    "open %s", path))
		pr_err("failed to open %s: %s", path, strerror(-err));
	return err;
}

static size_t map_bytes(const struct bpf_map_info *info)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t len = (size_t)((info->value_size + 7) & ~7U) * info->max_entries;

	return (len + page - 1) / page * page;
}

static int open_mapped(struct lb_state *state, const struct mapped *map)
{
	int fd = open_pin(state, map->name);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int err = 0;
	void *at;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		err = -errno;
	at = err ? MAP_FAILED : mmap(NULL, map_bytes(&info),
				     map->readonly ? PROT_READ : PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		err = -errno;
		pr_err("failed to map %s: %s", map->name, strerror(-err));
	} else {
		*mapped_at(state, map) = at;
	}
	close(fd);
	return err;
}

static int check_layout(const struct lb_state *state)
{
	if (state->meta->layout == LB_LAYOUT)
		return 0;
	pr_err("failed to open instance %s: its tables have layout %u, this program knows %u",
	       state->name, state->meta->layout, LB_LAYOUT);
	if (state->meta->layout)
		pr_hint("use the program that made it, or end it: rm -r %s", state->dir);
	else
		pr_hint("it was never ready: run it again, or end it: rm -r %s", state->dir);
	return -EPROTO;
}

/**
 * lb_state_open() - open the maps of an instance
 * @state: result; lb_state_close() closes it, also after an error
 * @name: the instance
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_state_open(struct lb_state *state, const char *name)
{
	unsigned int i;
	int err = 0;

	set_name(state, name);
	state->dir_fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->dir_fd < 0)
		err = tell_hidden(state->dir, -errno);
	for (i = 0; i < ARRAY_SIZE(mapped) && !err; i++) {
		err = open_mapped(state, &mapped[i]);
		if (!err && mapped_at(state, &mapped[i]) == (void **)&state->meta)
			err = check_layout(state);
	}
	for (i = 0; i < ARRAY_SIZE(opened) && !err; i++) {
		*opened_at(state, i) = open_pin(state, opened[i].name);
		if (*opened_at(state, i) < 0)
			err = *opened_at(state, i);
	}
	return err;
}

/**
 * lb_state_close() - close an instance; its maps stay as they are
 * @state: from lb_state_open()
 */
void lb_state_close(struct lb_state *state)
{
	unsigned int i;

	/* The mappings stay until the process ends. */
	for (i = 0; i < ARRAY_SIZE(opened); i++) {
		if (*opened_at(state, i) >= 0)
			close(*opened_at(state, i));
	}
	if (state->run_fd >= 0)
		close(state->run_fd);
	if (state->dir_fd >= 0)
		close(state->dir_fd);
}

static int make_dir(const char *path)
{
	int err;

	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	err = -errno;
	if (!sample_refused(err, SAMPLE_NEED_FILES, "make %s", path))
		pr_err("failed to make %s: %s", path, strerror(-err));
	return err;
}

/**
 * lb_state_make_dir() - make the directory of an instance, which may exist
 * @state: takes name and paths; lb_state_close() closes it
 * @name: the instance
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_state_make_dir(struct lb_state *state, const char *name)
{
	char run[LB_PATH_MAX];
	int err;

	set_name(state, name);
	lb_pin_path(state, "run", run);
	err = sample_mount(&sample_bpffs, "pin");
	if (err)
		return err;
	err = make_dir(LB_PIN_ROOT);
	if (err)
		return err;
	err = make_dir(state->dir);
	if (err)
		return err;
	return make_dir(run);
}

static int open_run(const struct lb_state *state)
{
	char path[LB_PATH_MAX];

	lb_pin_path(state, "run", path);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/**
 * lb_state_lock_run() - become the only control program of the instance
 * @state: from lb_state_make_dir(); locked until lb_state_close() or the end of the process
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_state_lock_run(struct lb_state *state)
{
	int fd = open_run(state);

	if (fd < 0)
		return tell_hidden(state->dir, -errno);
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		state->run_fd = fd;
		return 0;
	}
	close(fd);
	pr_err("failed to run instance %s: it is running already", state->name);
	pr_hint("%s reload --name %s, or: %s stop --name %s", sample_called(), state->name,
		sample_called(), state->name);
	return -EBUSY;
}

/**
 * lb_state_is_running() - whether the instance has a control program that runs
 * @state: from lb_state_open()
 *
 * Return: true if so; its pid is in lb_meta.
 */
bool lb_state_is_running(const struct lb_state *state)
{
	int fd = open_run(state);
	bool running;

	if (fd < 0)
		return false;
	running = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return running;
}

/**
 * lb_state_lock() - keep other processes from changing the state
 * @state: from lb_state_open()
 */
void lb_state_lock(const struct lb_state *state)
{
	while (flock(state->dir_fd, LOCK_EX) && errno == EINTR)
		;
}

/**
 * lb_state_unlock() - let other processes change the state
 * @state: from lb_state_open()
 */
void lb_state_unlock(const struct lb_state *state)
{
	flock(state->dir_fd, LOCK_UN);
}

/* Unpin all; @run_too: also remove the directory that the control program keeps locked. */
static int unpin_all(const struct lb_state *state, bool run_too)
{
	char path[LB_PATH_MAX + 64];
	struct dirent *entry;
	DIR *dir = opendir(state->dir);
	int err = 0;

	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || (!run_too && !strcmp(entry->d_name, "run")))
			continue;
		snprintf(path, sizeof(path), "%s/%.255s", state->dir, entry->d_name);
		if (unlink(path) && rmdir(path))
			err = -errno;
	}
	if (dir)
		closedir(dir);
	return err;
}

/**
 * lb_state_unpin() - unpin all, but keep the lock of the control program
 * @state: from lb_state_lock_run()
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_state_unpin(const struct lb_state *state)
{
	int err = unpin_all(state, false);

	if (err)
		pr_err("failed to clear %s: %s", state->dir, strerror(-err));
	return err;
}

/**
 * lb_state_remove() - remove an instance; the kernel frees what nothing else holds
 * @state: name and paths are set
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_state_remove(struct lb_state *state)
{
	int err = unpin_all(state, true);

	if (rmdir(state->dir) && errno != ENOENT)
		err = -errno;
	/* Fails while other instances are pinned there. */
	rmdir(LB_PIN_ROOT);
	if (err)
		pr_err("failed to remove %s: %s", state->dir, strerror(-err));
	return err;
}

/**
 * lb_find_vip() - find a service by its name, or as "tcp:192.0.2.10:80"
 * @state: the instance
 * @text: name or address
 *
 * Return: its number, or -ENOENT, which was printed.
 */
int lb_find_vip(const struct lb_state *state, const char *text)
{
	struct lb_vip_key key;
	bool parsed = !lb_parse_vip(text, &key);
	int i;

	for (i = 0; i < LB_VIPS_MAX; i++) {
		const struct lb_vip_info *info = &state->vip_infos[i];

		if (!info->used)
			continue;
		if (!strcmp(info->name, text) ||
		    (parsed && !memcmp(&info->key, &key, sizeof(key))))
			return i;
	}
	pr_err("failed to find the service %s in instance %s", text, state->name);
	pr_hint("%s vip list --name %s", sample_called(), state->name);
	return -ENOENT;
}

/**
 * lb_find_backend() - find a backend of a service by its name, or as "10.0.0.2:80"
 * @state: the instance
 * @vip: number of the service
 * @text: name or address
 *
 * Return: its index, or -ENOENT, which was printed.
 */
int lb_find_backend(const struct lb_state *state, unsigned int vip, const char *text)
{
	struct lb_addr addr;
	__u16 port;
	bool parsed = !lb_parse_endpoint(text, &addr, &port);
	int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED || backend->vip != vip)
			continue;
		if (!strcmp(state->backend_infos[i].name, text) ||
		    (parsed && !memcmp(&backend->addr, &addr, sizeof(addr)) &&
		     backend->port == htons(port)))
			return i;
	}
	pr_err("failed to find the backend %s of the service %s", text,
	       state->vip_infos[vip].name);
	pr_hint("%s backend list %s --name %s", sample_called(), state->vip_infos[vip].name,
		state->name);
	return -ENOENT;
}
