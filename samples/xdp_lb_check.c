// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb check": what would make packets vanish, in rows like those of
 * scripts/doctor.sh.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include "sample.h"
#include "sample_fs.h"
#include "xdp_lb_check.h"

enum {
	/* A neighbour that is there answers sooner. */
	WAIT_MS = 1000,
	PORTS_FIRST = 1024,
	PORTS_LAST = 65535,
	PORTS_NEEDED = 1024,
	IPIP_MTU_MIN = 1280,
	ETHERNET_MTU = 1500,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	ROW_MAX = 512,
};

/* --- rows ------------------------------------------------------------------------ */

/**
 * lb_group() - heading of the rows that come
 * @c: the run
 * @fmt: as printf()
 */
void lb_group(struct lb_checker *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->group, sizeof(c->group), fmt, ap);
	va_end(ap);
}

static void text_row(struct lb_checker *c, const char *status, const char *name, const char *text,
		     const char *cure)
{
	if (strcmp(c->group, c->told_group))
		printf("%s%s\n", *c->told_group ? "\n" : "", c->group);
	memcpy(c->told_group, c->group, sizeof(c->group));
	printf("  %-5s %-21s  %s\n", status, name, text);
	if (*cure)
		printf("%31scure: %s\n", "", cure);
}

static void json_row(const struct lb_checker *c, const char *status, const char *name,
		     const char *text, const char *cure)
{
	json_writer_t *json = sample_json_begin("check");

	jsonw_string_field(json, "group", c->group);
	jsonw_string_field(json, "name", name);
	jsonw_string_field(json, "status", status);
	jsonw_string_field(json, "text", text);
	jsonw_string_field(json, "cure", cure);
	sample_json_end(json);
}

/**
 * lb_row() - a finding
 * @c: the run
 * @status: how bad it is
 * @name: what was looked at
 * @fmt: as printf(): "TEXT" or "TEXT\nCURE"
 */
void lb_row(struct lb_checker *c, enum lb_status status, const char *name,
	    const char *fmt, ...)
{
	static const char * const names[] = { "ok", "warn", "fail" };
	char text[2 * ROW_MAX], *cure;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cure = strchrnul(text, '\n');
	if (*cure)
		*cure++ = '\0';
	c->n[status]++;
	if (c->json)
		json_row(c, names[status], name, text, cure);
	else
		text_row(c, names[status], name, text, cure);
}

static void print_end(const struct lb_checker *c)
{
	json_writer_t *json;

	if (!c->json) {
		printf("\n%u ok, %u warn, %u fail\n", c->n[LB_OK], c->n[LB_WARN], c->n[LB_FAIL]);
		return;
	}
	json = sample_json_begin("checked");
	jsonw_uint_field(json, "ok", c->n[LB_OK]);
	jsonw_uint_field(json, "warn", c->n[LB_WARN]);
	jsonw_uint_field(json, "fail", c->n[LB_FAIL]);
	sample_json_end(json);
}

/* --- backends -------------------------------------------------------------------- */

static void note_way(struct lb_checker *c, const struct lb_vip_conf *vip, unsigned int ifindex)
{
	bool replies = vip->forward == LB_NAT || vip->forward == LB_DNAT;
	unsigned int i;

	for (i = 0; i < c->n_ways && c->ways[i].ifindex != ifindex; i++)
		;
	if (i == LB_WAYS_MAX)
		return;
	if (i == c->n_ways)
		c->ways[c->n_ways++] = (struct lb_way){ .ifindex = ifindex };
	c->ways[i].replies |= replies;
}

static unsigned int header_len(const struct lb_addr *addr)
{
	return lb_addr_family(addr) == AF_INET ? IPV4_HEADER : IPV6_HEADER;
}

static void check_tunnel(struct lb_checker *c, const struct lb_vip_conf *vip,
			 const struct lb_backend_conf *backend, unsigned int mtu)
{
	unsigned int header = header_len(&backend->addr);
	unsigned int inner = mtu > header ? mtu - header : 0;
	char name[LB_NAME_MAX + 8];

	snprintf(name, sizeof(name), "%s, MTU", backend->name);
	if (inner < IPIP_MTU_MIN)
		lb_row(c, LB_FAIL, name,
		       "%u leaves %u for the client's packets: %u is the least\n"
		       "raise the MTU of the way to it to at least %u", mtu, inner, IPIP_MTU_MIN,
		       IPIP_MTU_MIN + header);
	else if (inner < ETHERNET_MTU)
		lb_row(c, LB_WARN, name,
		       "%u: clients' packets above %u bytes are answered with \"too big\"\n"
		       "raise the MTU of the way to it to %u, or on the backend: ip route change ... advmss %u",
		       mtu, inner, ETHERNET_MTU + header,
		       inner - TCP_HEADER - header_len(&vip->addr));
	else
		lb_row(c, LB_OK, name, "%u: clients' packets of up to %u bytes pass", mtu, inner);
}

static void check_no_way(struct lb_checker *c, const struct lb_backend_conf *backend,
			 const char *addr, int err)
{
	if (err == -EADDRNOTAVAIL)
		lb_row(c, LB_FAIL, backend->name, "%s is an address of this host\n"
		       "a backend is another host, or a container with an address of its own",
		       addr);
	else if (err == -EOPNOTSUPP)
		lb_row(c, LB_FAIL, backend->name,
		       "the way to %s has no Ethernet header\nip route get %s", addr, addr);
	else
		lb_row(c, LB_FAIL, backend->name, "no route to %s: %s\nip route get %s", addr,
		       strerror(-err), addr);
}

static void check_backend(struct lb_checker *c, const struct lb_vip_conf *vip,
			  const struct lb_backend_conf *backend)
{
	struct lb_nexthop hop;
	char addr[INET6_ADDRSTRLEN];
	int err = lb_nexthops_get(c->hops, &backend->addr, &hop);
	const __u8 *m = hop.dmac;

	sample_addr(backend->addr.a, addr);
	if (err) {
		check_no_way(c, backend, addr, err);
		return;
	}
	note_way(c, vip, hop.ifindex);
	if (hop.resolved)
		lb_row(c, LB_OK, backend->name, "%s by %s, %s%02x:%02x:%02x:%02x:%02x:%02x", addr,
		       sample_ifname(hop.ifindex), hop.gateway ? "gateway " : "", m[0], m[1],
		       m[2], m[3], m[4], m[5]);
	else
		lb_row(c, hop.gateway ? LB_FAIL : LB_WARN, backend->name,
		       "%s by %s: %s has not answered in %u s\nis it up? ip neigh show dev %s",
		       addr, sample_ifname(hop.ifindex), hop.gateway ? "the gateway" : "it",
		       WAIT_MS / 1000, sample_ifname(hop.ifindex));
	if (vip->forward == LB_IPIP)
		check_tunnel(c, vip, backend, hop.mtu);
	else
		lb_check_mtus(c, vip, backend->name, hop.mtu);
}

static bool all_resolved(struct lb_checker *c)
{
	const struct lb_vip_conf *vip;
	struct lb_nexthop hop;
	bool all = true;
	unsigned int i, b;

	for (i = 0; i < c->conf->n_vips; i++) {
		vip = &c->conf->vips[i];
		for (b = 0; b < vip->n_backends; b++) {
			if (!lb_nexthops_get(c->hops, &vip->backends[b].addr, &hop) &&
			    !hop.resolved)
				all = false;
		}
	}
	return all;
}

static long now_ms(void)
{
	return sample_now() / 1000000;
}

/* All at once: the time is that of one. */
static void wait_resolved(struct lb_checker *c)
{
	struct pollfd pfd = { .fd = lb_nexthops_fd(c->hops), .events = POLLIN };
	long end = now_ms() + WAIT_MS, left;

	while (!all_resolved(c)) {
		do {
			left = end - now_ms();
			if (left <= 0 || poll(&pfd, 1, left) <= 0)
				return;
		} while (!lb_nexthops_read(c->hops));
	}
}

/* --- addresses -------------------------------------------------------------------- */

/* Somebody must answer when routers and hosts ask for its MAC address. */
static void check_reachable(struct lb_checker *c, const char *name, const struct lb_addr *addr)
{
	bool is4 = lb_addr_family(addr) == AF_INET;
	char text[INET6_ADDRSTRLEN];
	struct lb_nexthop hop;
	int err = lb_nexthops_route(c->hops, addr, &hop);

	sample_addr(addr->a, text);
	if (err == -EADDRNOTAVAIL)
		lb_row(c, LB_OK, name, "%s: this host has it, and answers %s for it", text,
		       is4 ? "ARP" : "neighbour solicitations");
	else if (!err && !hop.gateway)
		lb_row(c, LB_FAIL, name,
		       "%s is on the network of %s, but nobody answers %s for it here\n"
		       "ip addr add %s/%d dev %s", text, sample_ifname(hop.ifindex),
		       is4 ? "ARP" : "neighbour solicitations", text, is4 ? 32 : 128,
		       sample_ifname(hop.ifindex));
	else
		lb_row(c, LB_WARN, name,
		       "%s is not of this host: routers must have a route for it to here\n"
		       "ip route add %s/%d via ADDRESS-OF-THIS-HOST, on the router", text, text,
		       is4 ? 32 : 128);
}

/* The two ends of the host's own range leave ports free; the larger rest is ours. */
static int free_ports(unsigned int range[2], __u16 *min, __u16 *max)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	int n, below, above;

	if (!f)
		return -errno;
	n = fscanf(f, "%u %u", &range[0], &range[1]);
	fclose(f);
	if (n != 2 || range[0] > range[1] || range[1] > PORTS_LAST)
		return -EINVAL;
	below = (int)range[0] - PORTS_FIRST;
	above = PORTS_LAST - (int)range[1];
	*min = below >= above ? PORTS_FIRST : range[1] + 1;
	*max = below >= above ? range[0] - 1 : PORTS_LAST;
	return (below >= above ? below : above) < PORTS_NEEDED ? -ENOSPC : 0;
}

/**
 * lb_snat_ports() - ports of a source address that connections to backends may have
 * @addr: the address
 * @own: the host has connections of its own from there
 * @min: first port
 * @max: last port
 *
 * Return: 0, -ENOSPC if the host leaves too few, or another negative errno; an
 * error was printed.
 */
int lb_snat_ports(const struct lb_addr *addr, bool own, __u16 *min, __u16 *max)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int range[2] = {};
	int err;

	*min = PORTS_FIRST;
	*max = PORTS_LAST;
	if (!own)
		return 0;
	err = free_ports(range, min, max);
	if (!err)
		return 0;
	sample_addr(addr->a, text);
	if (err == -ENOSPC)
		pr_err("failed to find source ports of %s: net.ipv4.ip_local_port_range, %u to %u, leaves too few",
		       text, range[0], range[1]);
	else
		pr_err("failed to read net.ipv4.ip_local_port_range: %s", strerror(-err));
	pr_hint("sysctl -w net.ipv4.ip_local_port_range='32768 60999', or snat: [ADDRESS]");
	return err;
}

static void check_own_ports(struct lb_checker *c, const struct lb_addr *addr)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int range[2] = {};
	__u16 min = 0, max = 0;
	int err = free_ports(range, &min, &max);

	sample_addr(addr->a, text);
	if (!err)
		lb_row(c, LB_OK, "ports",
		       "%s: %u to %u, outside net.ipv4.ip_local_port_range, %u to %u", text, min,
		       max, range[0], range[1]);
	else if (err == -ENOSPC)
		lb_row(c, LB_FAIL, "ports",
		       "%s: net.ipv4.ip_local_port_range, %u to %u, leaves too few\n"
		       "sysctl -w net.ipv4.ip_local_port_range='32768 60999', or snat: [ADDRESS]",
		       text, range[0], range[1]);
	else
		lb_row(c, LB_WARN, "ports", "net.ipv4.ip_local_port_range cannot be read: %s",
		       strerror(-err));
}

/* The interface that sends from this address by itself, 0 if none does. */
static unsigned int find_user(struct lb_checker *c, const struct lb_addr *addr)
{
	int family = lb_addr_family(addr) == AF_INET ? 4 : 6;
	struct if_nameindex *list = if_nameindex(), *at;
	unsigned int ifindex = 0;
	struct lb_addr first;
	struct lb_link link;

	for (at = list; at && at->if_index && !ifindex; at++) {
		/* Where addresses are put that are to be used by name only. */
		if (lb_link_read(&c->nl, at->if_index, LB_NETNS_HERE, &link) ||
		    link.flags & IFF_LOOPBACK || !strcmp(link.kind, "dummy"))
			continue;
		if (!lb_iface_addr(c->hops, at->if_index, family, &first) &&
		    !memcmp(&first, addr, sizeof(first)))
			ifindex = at->if_index;
	}
	if (list)
		if_freenameindex(list);
	return ifindex;
}

static void check_snat(struct lb_checker *c, const struct lb_addr *addr)
{
	unsigned int user = find_user(c, addr);
	char text[INET6_ADDRSTRLEN];

	sample_addr(addr->a, text);
	if (!user) {
		check_reachable(c, "snat", addr);
		return;
	}
	lb_row(c, LB_FAIL, "snat",
	       "%s is what this host sends from by %s: its own connections would be taken for ours\n"
	       "leave snat out, or add an address: ip addr add ADDRESS/%d dev %s", text,
	       sample_ifname(user), lb_addr_family(addr) == AF_INET ? 32 : 128,
	       sample_ifname(user));
}

/* Some backend of a service that is LB_NAT has an address of this family. */
static bool needs_snat(const struct lb_conf *conf, int family)
{
	unsigned int i, b;

	for (i = 0; i < conf->n_vips; i++) {
		for (b = 0; conf->vips[i].forward == LB_NAT && b < conf->vips[i].n_backends; b++) {
			if (lb_addr_family(&conf->vips[i].backends[b].addr) == family)
				return true;
		}
	}
	return false;
}

static bool has_snat(struct lb_checker *c, int family)
{
	struct lb_addr addr;
	bool found = false;
	unsigned int i;

	for (i = 0; i < c->conf->n_snat; i++)
		found |= lb_addr_family(&c->conf->snat[i]) == family;
	for (i = 0; i < c->conf->n_ifnames && !c->conf->n_snat; i++) {
		if (lb_iface_addr(c->hops, if_nametoindex(c->conf->ifnames[i]),
				  family == AF_INET ? 4 : 6, &addr))
			continue;
		found = true;
		check_own_ports(c, &addr);
	}
	return found;
}

/* Ports are looked for at a few places only: some find none long before all are taken. */
static void check_capacity(struct lb_checker *c, int family)
{
	unsigned int range[2], i, ports = 0;
	__u16 min, max;

	for (i = 0; i < c->conf->n_snat; i++) {
		if (lb_addr_family(&c->conf->snat[i]) == family)
			ports += PORTS_LAST - PORTS_FIRST + 1;
	}
	if (!c->conf->n_snat && !free_ports(range, &min, &max))
		ports = max - min + 1;
	if (ports)
		lb_row(c, LB_OK, "capacity",
		       "%u ports for IPv%d: about %u connections at a time to all backends, as many for UDP",
		       ports, family == AF_INET ? 4 : 6, ports * 6 / 10);
}

static void check_sources(struct lb_checker *c)
{
	static const int families[] = { AF_INET, AF_INET6 };
	unsigned int i;

	lb_group(c, "source addresses");
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (!needs_snat(c->conf, families[i]))
			continue;
		if (has_snat(c, families[i]))
			check_capacity(c, families[i]);
		else
			lb_row(c, LB_FAIL, "snat",
			       "no %s address for backends that have one\nsnat: [ADDRESS]",
			       families[i] == AF_INET ? "IPv4" : "IPv6");
	}
	for (i = 0; i < c->conf->n_snat; i++)
		check_snat(c, &c->conf->snat[i]);
}

/* --- all of it -------------------------------------------------------------------- */

/*
 * What this host sends to a backend by itself must not come from an address that the
 * backend has as well, or it answers itself; nor, with any port, from one whose packets
 * are all taken for a client's. IPv6 prefers the address that was added last, or has the
 * longest prefix in common with the backend's (RFC 6724): that is often the service's.
 */
static void check_own_source(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	bool theirs = vip->forward == LB_DSR || vip->forward == LB_IPIP;
	bool is4 = lb_addr_family(&vip->addr) == AF_INET;
	char text[INET6_ADDRSTRLEN], cure[ROW_MAX / 2];
	struct lb_nexthop hop;
	unsigned int i;

	for (i = 0; i < vip->n_backends; i++) {
		if (!lb_nexthops_route(c->hops, &vip->backends[i].addr, &hop) &&
		    !memcmp(&hop.src, &vip->addr, sizeof(hop.src)))
			break;
	}
	if (i == vip->n_backends || (!theirs && vip->port))
		return;
	sample_addr(vip->addr.a, text);
	if (is4)
		snprintf(cure, sizeof(cure), "give %s an address of its own, before this one",
			 sample_ifname(hop.ifindex));
	else
		snprintf(cure, sizeof(cure), "ip -6 addr change %s/128 dev %s preferred_lft 0",
			 text, sample_ifname(hop.ifindex));
	lb_row(c, vip->check.type == LB_CHECK_NONE ? LB_WARN : LB_FAIL, "own source",
	       "%s is what this host sends from to %s: %s, health checks fail\n%s", text,
	       vip->backends[i].name,
	       theirs ? "the backend has it, too, and answers itself" :
			"answers are taken for packets of clients", cure);
}

static void check_vip(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	unsigned int i;

	lb_group(c, "service %s", vip->name);
	check_reachable(c, "address", &vip->addr);
	check_own_source(c, vip);
	for (i = 0; i < vip->n_backends; i++)
		check_backend(c, vip, &vip->backends[i]);
}

static void check_mode(struct lb_checker *c)
{
	enum lb_mode choice;
	char why[ROW_MAX / 2];

	choice = lb_choose_mode(c->conf, why, sizeof(why));
	if (c->mode == LB_MODE_AUTO)
		c->mode = choice;
	if (c->conf->mode != LB_MODE_AUTO)
		return;
	lb_group(c, "mode");
	lb_row(c, LB_OK, "auto", "%s: %s", lb_mode_name(choice), why);
}

/* Where its tables are pinned. */
static void check_bpffs(struct lb_checker *c)
{
	struct sample_fs_report report;

	sample_fs_look(&sample_bpffs, &report);
	lb_group(c, "pins");
	if (report.state == SAMPLE_FS_THERE)
		lb_row(c, LB_OK, "bpffs", "mounted on %s", sample_bpffs.dir);
	else if (report.state == SAMPLE_FS_ABSENT)
		lb_row(c, LB_OK, "bpffs", "not mounted: run mounts it on %s", sample_bpffs.dir);
	else
		lb_row(c, LB_FAIL, "bpffs", "%s\n%s", report.why, report.cure);
}

static void check_all(struct lb_checker *c)
{
	unsigned int i;

	lb_nexthops_look(c->hops);
	check_bpffs(c);
	check_mode(c);
	for (i = 0; i < c->conf->n_ifnames; i++)
		lb_check_iface(c, c->conf->ifnames[i]);
	check_sources(c);
	wait_resolved(c);
	for (i = 0; i < c->conf->n_vips; i++)
		check_vip(c, &c->conf->vips[i]);
	for (i = 0; i < c->n_ways; i++)
		lb_check_way(c, &c->ways[i]);
	print_end(c);
}

/**
 * lb_host_check() - look for what would make packets vanish
 * @conf: configuration
 * @mode: the hook; LB_MODE_AUTO: what lb_choose_mode() says
 * @json: rows as JSON
 *
 * Nothing is changed, but that the kernel asks for the MAC addresses of backends.
 *
 * Return: number of findings that are bad, or a negative errno, which was printed.
 */
int lb_host_check(const struct lb_conf *conf, enum lb_mode mode, bool json)
{
	struct lb_checker *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c) {
		c->conf = conf;
		c->mode = mode;
		c->json = json;
		ret = lb_netlink_open(&c->nl, NETLINK_ROUTE);
	}
	if (ret)
		pr_err("failed to open rtnetlink: %s", strerror(-ret));
	else
		ret = lb_nexthops_open(&c->hops);
	if (!ret) {
		check_all(c);
		ret = c->n[LB_FAIL];
	}
	if (c) {
		lb_nexthops_close(c->hops);
		lb_netlink_close(&c->nl);
	}
	free(c);
	return ret;
}
