// SPDX-License-Identifier: GPL-2.0
/*
 * Instances beside each other. Each instance looks at packets by itself: packets of a service
 * that two of them have go to the one whose program runs first. And two instances that send
 * from one address would give out the same ports.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>
#include "lib/log.h"
#include "lib/net.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/state/state.h"

enum {
	GROW_INSTANCES = 8,
};

/* --- reading ---------------------------------------------------------------------------- */

/**
 * lb_own_netns() - identify the network namespace of this process
 *
 * Return: inode number, which no other namespace has as long as this one exists; 0: unknown.
 */
__u64 lb_own_netns(void)
{
	struct stat ns;

	return stat("/proc/self/ns/net", &ns) ? 0 : ns.st_ino;
}

/* Open a pinned map. -EPROTO: its values have another size, so another version has made it. */
static int open_map(const char *instance, const char *map, size_t size)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[LB_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), LB_PIN_ROOT "/%.*s/%s", LB_NAME_MAX - 1, instance, map);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.value_size == size)
		return fd;
	close(fd);
	return -EPROTO;
}

static int read_one(const char *instance, const char *map, void *value, size_t size)
{
	int fd = open_map(instance, map, size), err = 0;
	__u32 zero = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, value))
		err = -errno;
	close(fd);
	return err;
}

/* Copy the services: a mapping would keep the map alive when the instance has ended. */
static int read_vips(struct lb_instance *instance)
{
	int fd = open_map(instance->name, "lb_vip_infos", sizeof(struct lb_vip_info));
	const size_t len = LB_VIPS_MAX * sizeof(struct lb_vip_info);
	struct lb_vip_info *infos;
	unsigned int i;

	if (fd < 0)
		return fd;
	/* The kernel refuses to map a map by a read-only file descriptor, even to read. */
	infos = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (infos == MAP_FAILED)
		return -errno;
	instance->vips = malloc(len);
	for (i = 0; i < LB_VIPS_MAX && instance->vips; i++) {
		if (infos[i].used)
			instance->vips[instance->n_vips++] = infos[i];
	}
	munmap(infos, len);
	return instance->vips ? 0 : -ENOMEM;
}

/*
 * Read the pins of the instance @name. Returns false if it belongs to another network namespace,
 * has just ended, or may not be read by this user. Returns true if it belongs to this namespace,
 * and also if its pins cannot be understood, because another version made them: then
 * instance->known is false, and the instance may belong to another namespace.
 */
static bool read_instance(struct lb_instance *instance, const char *name)
{
	struct lb_instance_meta meta = {};
	int err;

	memset(instance, 0, sizeof(*instance));
	snprintf(instance->name, sizeof(instance->name), "%.*s", LB_NAME_MAX - 1, name);
	err = read_one(name, "lb_meta", &meta, sizeof(meta));
	if (!err && meta.layout != LB_LAYOUT)
		err = -EPROTO;
	if (!err && meta.netns != lb_own_netns())
		return false;
	if (!err)
		err = read_one(name, "lb_config", &instance->conf, sizeof(instance->conf));
	if (!err)
		err = read_vips(instance);
	instance->known = !err;
	instance->mode = meta.mode;
	instance->own_snat = meta.own_snat;
	/* These errors mean that the instance has just ended, or is another user's. */
	return err != -ENOENT && err != -EACCES && err != -EPERM;
}

static void free_instance(struct lb_instance *instance)
{
	free(instance->vips);
	instance->vips = NULL;
}

static int add_instance(struct lb_instances *all, const char *name)
{
	struct lb_instance *more;

	if (all->n % GROW_INSTANCES == 0) {
		more = realloc(all->at, (all->n + GROW_INSTANCES) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		all->at = more;
	}
	if (read_instance(&all->at[all->n], name))
		all->n++;
	else
		free_instance(&all->at[all->n]);
	return 0;
}

static int lock_all(void)
{
	int fd = open(LB_PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

/**
 * lb_instances_read() - read the instances of this network namespace
 * @all: result; lb_instances_free() frees it, also after an error
 * @lock: keep other processes from reading with @lock until lb_instances_free(), so that
 *	what is free now stays free
 *
 * Instances that this process may not read are left out.
 *
 * Return: 0 or -ENOMEM; nothing is printed.
 */
int lb_instances_read(struct lb_instances *all, bool lock)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	memset(all, 0, sizeof(*all));
	all->lock_fd = lock ? lock_all() : -1;
	dir = opendir(LB_PIN_ROOT);
	while (dir && !err && (entry = readdir(dir))) {
		if (*entry->d_name != '.')
			err = add_instance(all, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return err;
}

/**
 * lb_instances_free() - free the instances, and release the lock
 * @all: from lb_instances_read()
 */
void lb_instances_free(struct lb_instances *all)
{
	unsigned int i;

	for (i = 0; i < all->n; i++)
		free_instance(&all->at[i]);
	free(all->at);
	if (all->lock_fd >= 0)
		close(all->lock_fd);
	memset(all, 0, sizeof(*all));
	all->lock_fd = -1;
}

/* --- what two cannot have ------------------------------------------------------------------ */

/* Describe a clash with an instance. Returns true. */
__printf(4, 5)
static bool set_clash(struct lb_clash *clash, const char *kind, const struct lb_instance *with,
		      const char *fmt, ...)
{
	va_list ap;

	clash->kind = kind;
	clash->with = with->name;
	va_start(ap, fmt);
	vsnprintf(clash->what, sizeof(clash->what), fmt, ap);
	va_end(ap);
	return true;
}

/* Name of an interface that both instances are attached to; NULL: none. */
static const char *common_iface(const struct lb_instance *other, const struct lb_conf *conf)
{
	unsigned int i, k, ifindex;

	for (i = 0; i < conf->n_ifnames; i++) {
		ifindex = if_nametoindex(conf->ifnames[i]);
		for (k = 0; k < other->conf.n_ifaces && k < LB_IFACES_MAX && ifindex; k++) {
			if (other->conf.iface[k].ifindex == ifindex)
				return conf->ifnames[i];
		}
	}
	return NULL;
}

static bool is_xdp(enum lb_mode mode)
{
	return mode == LB_MODE_NATIVE || mode == LB_MODE_SKB;
}

static bool hook_clashes(const struct lb_instance *other, const char *ifname, enum lb_mode mode,
			 struct lb_clash *clash)
{
	if (!is_xdp(mode) || !is_xdp(other->mode))
		return false;
	snprintf(clash->cure, sizeof(clash->cure),
		 "mode: tc for one of the two, or the services of both in one instance");
	return set_clash(clash, "hook", other, "in XDP, %s has room for one program", ifname);
}

static bool same_port(__be16 a, __be16 b)
{
	return !a || !b || a == b;
}

static bool vip_clashes(const struct lb_instance *other, const struct lb_vip_conf *vip,
			struct lb_clash *clash)
{
	char text[LB_VIP_TEXT];
	unsigned int i;

	for (i = 0; i < other->n_vips; i++) {
		const struct lb_vip_key *key = &other->vips[i].key;

		if (key->proto != vip->proto || !same_port(key->port, htons(vip->port)) ||
		    memcmp(&key->addr, &vip->addr, sizeof(vip->addr)))
			continue;
		snprintf(clash->cure, sizeof(clash->cure),
			 "one service with the backends of both, or another address");
		return set_clash(clash, "service", other,
			     "its service %s, %s, takes the packets of %s", other->vips[i].name,
			     lb_vip_text(key, text), vip->name);
	}
	return false;
}

static bool has_nat(const struct lb_instance *instance, __u8 proto)
{
	unsigned int i;

	for (i = 0; i < instance->n_vips; i++) {
		if (instance->vips[i].forward == LB_NAT && instance->vips[i].key.proto == proto)
			return true;
	}
	return false;
}

static bool in_range(const struct lb_ports *ports, const struct lb_addr *addr, __u16 port)
{
	return !memcmp(&ports->addr, addr, sizeof(*addr)) &&
	       (!port || (port >= ports->min && port <= ports->max));
}

/* True if the service is at an address and port that the other instance gets answers at. */
static bool vip_takes_answers(const struct lb_instance *other, const struct lb_vip_conf *vip,
			      struct lb_clash *clash)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < other->conf.n_snat && i < LB_SNAT_MAX; i++) {
		const struct lb_ports *ports = &other->conf.snat[i];

		if (!has_nat(other, vip->proto) || !in_range(ports, &vip->addr, vip->port))
			continue;
		snprintf(clash->cure, sizeof(clash->cure),
			 "snat: [ADDRESS] for that instance, or another address for the service");
		return set_clash(clash, "service", other,
			     "it sends from %s, ports %u to %u: %s would take answers",
			     sample_addr(ports->addr.a, text), ports->min, ports->max, vip->name);
	}
	return false;
}

static bool is_other(const struct lb_instance *instance, const char *name)
{
	return instance->known && strcmp(instance->name, name);
}

/**
 * lb_conf_clashes() - whether another instance has a hook or a service of a configuration
 * @all: all instances
 * @conf: the configuration
 * @mode: its hook
 * @clash: takes the first clash that is found
 *
 * Only instances that have an interface of @conf can clash.
 *
 * Return: true if there is a clash.
 */
bool lb_conf_clashes(const struct lb_instances *all, const struct lb_conf *conf,
		     enum lb_mode mode, struct lb_clash *clash)
{
	const struct lb_instance *other;
	const char *ifname;
	unsigned int i;

	for (other = all->at; other < all->at + all->n; other++) {
		ifname = is_other(other, conf->name) ? common_iface(other, conf) : NULL;
		if (!ifname)
			continue;
		if (hook_clashes(other, ifname, mode, clash))
			return true;
		for (i = 0; i < conf->n_vips; i++) {
			if (vip_clashes(other, &conf->vips[i], clash) ||
			    vip_takes_answers(other, &conf->vips[i], clash))
				return true;
		}
	}
	return false;
}

static bool sends_from(const struct lb_instance *other, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < other->conf.n_snat && i < LB_SNAT_MAX; i++) {
		if (!memcmp(&other->conf.snat[i].addr, addr, sizeof(*addr)))
			return true;
	}
	return false;
}

static bool conf_has_nat(const struct lb_conf *conf, __u8 proto)
{
	unsigned int i;

	for (i = 0; i < conf->n_vips; i++) {
		if (conf->vips[i].forward == LB_NAT && conf->vips[i].proto == proto)
			return true;
	}
	return false;
}

/* A service of the other instance at an address and port that we would get answers at. */
static const struct lb_vip_info *find_taker(const struct lb_instance *other,
					    const struct lb_conf *conf,
					    const struct lb_ports *ports)
{
	unsigned int i;

	for (i = 0; i < other->n_vips; i++) {
		const struct lb_vip_key *key = &other->vips[i].key;

		if (conf_has_nat(conf, key->proto) &&
		    in_range(ports, &key->addr, ntohs(key->port)))
			return &other->vips[i];
	}
	return NULL;
}

/**
 * lb_snat_clashes() - whether another instance uses a source address
 * @all: all instances
 * @conf: configuration of this instance
 * @ports: the address, and the ports of it that are wanted
 * @clash: takes the first clash that is found
 *
 * An address that one instance sends from belongs to that instance: no other instance may
 * send from it, or have a service at one of its ports.
 *
 * Return: true if there is a clash.
 */
bool lb_snat_clashes(const struct lb_instances *all, const struct lb_conf *conf,
		     const struct lb_ports *ports, struct lb_clash *clash)
{
	const struct lb_instance *other;
	const struct lb_vip_info *taker;
	char text[INET6_ADDRSTRLEN];

	snprintf(clash->cure, sizeof(clash->cure),
		 "give it an address of its own to send from, snat or --snat: ip addr add ADDRESS/%d ...",
		 lb_addr_family(&ports->addr) == AF_INET ? 32 : 128);
	sample_addr(ports->addr.a, text);
	for (other = all->at; other < all->at + all->n; other++) {
		if (!is_other(other, conf->name))
			continue;
		if (sends_from(other, &ports->addr))
			return set_clash(clash, "source", other,
				     "it sends from %s, too, and would give out the same ports",
				     text);
		taker = find_taker(other, conf, ports);
		if (taker)
			return set_clash(clash, "source", other,
				     "its service %s takes answers to port %u of %s", taker->name,
				     ntohs(taker->key.port), text);
	}
	return false;
}

/**
 * lb_refuse_clash() - print what two instances cannot both have
 * @clash: the clash
 *
 * Return: -EADDRINUSE.
 */
int lb_refuse_clash(const struct lb_clash *clash)
{
	pr_err("failed to work beside instance %s: %s", clash->with, clash->what);
	pr_hint("%s", clash->cure);
	return -EADDRINUSE;
}
