// SPDX-License-Identifier: GPL-2.0
/* show: what an instance is, and what it has counted. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <net/if.h>
#include "lib/config.h"
#include "lib/format.h"
#include "lib/net.h"
#include "lib/netlink.h"
#include "lib/output.h"
#include "lib/util.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	MAC_LEN = 18,
};

static const char * const check_names[] = {
	[LB_CHECK_NONE] = "none",
	[LB_CHECK_TCP] = "tcp",
	[LB_CHECK_HTTP] = "http",
};

static const char *check_name(const struct lb_check *check)
{
	return check->type < ARRAY_SIZE(check_names) ? check_names[check->type] : "?";
}

static const char *mac_text(const __u8 mac[6], char buf[MAC_LEN])
{
	snprintf(buf, MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

/* Interfaces have their names where the control program is: go to its network namespace. */
static void enter_netns_of(__u32 pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* If this fails, interfaces are shown by number. */
	setns(fd, CLONE_NEWNET);
	close(fd);
}

/*
 * What to say of an interface that is gone; NULL: it is there. Without a control program,
 * nobody keeps lb_config up to date: ask the link of the interface.
 */
static const char *missing(const struct lb_state *state, unsigned int i)
{
	unsigned int ifindex = state->conf->iface[i].ifindex;
	bool running = lb_state_is_running(state);

	if (ifindex && (running || !lb_iface_is_gone(state, ifindex)))
		return NULL;
	if (!running)
		return "gone: nobody attaches again";
	if (if_nametoindex(state->meta->ifnames[i]))
		return "not attached to: see what the control program has printed";
	return "gone: attached to again when there is one of that name";
}

/* Name of an interface. NULL: its MAC address is another, so this is another namespace. */
static const char *iface_name(unsigned int ifindex, const __u8 mac[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static struct ifreq req;
	bool same = false;

	if (fd < 0)
		return NULL;
	memset(&req, 0, sizeof(req));
	if (if_indextoname(ifindex, req.ifr_name) && !ioctl(fd, SIOCGIFHWADDR, &req))
		same = !memcmp(req.ifr_hwaddr.sa_data, mac, 6);
	close(fd);
	return same ? req.ifr_name : NULL;
}

/* Without a control program, nobody follows the address: look, if this is its namespace. */
static bool host_lacks(const struct lb_state *state, const struct lb_addr *addr)
{
	struct lb_host_addrs addrs;
	struct sample_netlink nl;
	bool lacks = false;

	if (!iface_name(state->conf->iface[0].ifindex, state->conf->iface[0].mac) ||
	    sample_netlink_open(&nl, NETLINK_ROUTE))
		return false;
	if (!lb_host_addrs_read(&nl, lb_addr_family(addr), &addrs))
		lacks = !lb_host_addrs_have(&addrs, addr);
	lb_host_addrs_free(&addrs);
	sample_netlink_close(&nl);
	return lacks;
}

/* True if nat sends from the interface's own address, and this host no longer has it. */
static bool is_gone(const struct lb_state *state, unsigned int i)
{
	if (!lb_snat_is_own(state, i))
		return false;
	if (lb_state_is_running(state))
		return state->meta->gone_snat >> i & 1;
	return host_lacks(state, &state->conf->snat[i].addr);
}

/* --- text ------------------------------------------------------------------------------- */

static void iface_text(unsigned int ifindex, const __u8 mac[6])
{
	const char *name = iface_name(ifindex, mac);
	char buf[MAC_LEN];

	if (name)
		printf("%s", name);
	else
		printf("%u (of another network namespace)", ifindex);
	printf(" %s", mac_text(mac, buf));
}

static void instance_text(const struct lb_state *state)
{
	const struct lb_instance_meta *meta = state->meta;
	const struct lb_kern_conf *conf = state->conf;
	char buf[INET6_ADDRSTRLEN];
	unsigned int i;

	printf("instance %s\n", state->name);
	if (lb_state_is_running(state))
		printf("  control program  pid %u\n", meta->pid);
	else
		printf("  control program  none: nobody follows health and next hops\n");
	printf("  configuration    %s, applied %u time%s\n",
	       *meta->path ? meta->path : "of the command line", meta->generation,
	       meta->generation == 1 ? "" : "s");
	printf("  mode             %s\n", lb_mode_name(meta->mode));
	for (i = 0; i < conf->n_ifaces && i < LB_IFACES_MAX; i++) {
		printf("  interface        ");
		if (missing(state, i))
			printf("%s, %s", meta->ifnames[i], missing(state, i));
		else
			iface_text(conf->iface[i].ifindex, conf->iface[i].mac);
		printf("\n");
	}
	for (i = 0; i < conf->n_snat && i < LB_SNAT_MAX; i++)
		printf("  SNAT address     %s, ports %u to %u%s\n",
		       sample_addr(conf->snat[i].addr.a, buf), conf->snat[i].min,
		       conf->snat[i].max,
		       is_gone(state, i) ? ", gone: connections of nat get no answer" : "");
	printf("  flow table       %u slots\n", lb_n_slots(state));
	printf("  rings            %u slots, seed %llu\n", conf->table_size, conf->seed);
}

static void check_text(const struct lb_check *check)
{
	if (check->type == LB_CHECK_NONE) {
		printf("no check\n");
		return;
	}
	printf("check %s", check_name(check));
	if (check->type == LB_CHECK_HTTP)
		printf(" %s", check->path);
	if (check->type == LB_CHECK_HTTP && *check->host)
		printf(" of %s", check->host);
	printf(" each %u ms, timeout %u ms, rise %u, fall %u\n", check->interval_ms,
	       check->timeout_ms, check->rise, check->fall);
}

static void backend_text(const struct lb_state *state, int i)
{
	const struct lb_backend *backend = &state->backends[i];
	char text[LB_STATE_TEXT], buf[SAMPLE_ENDPOINT_LEN];

	printf("  %s %s, weight %u, %s", state->backend_infos[i].name,
	       sample_endpoint(backend->addr.a, backend->port, buf),
	       state->backend_infos[i].weight, lb_backend_text(state, i, text));
	if (backend->ifindex) {
		printf("\n    to %s, from ", mac_text(backend->dmac, buf));
		iface_text(backend->ifindex, backend->smac);
		printf(", MTU %u", backend->mtu);
		if (state->vip_infos[backend->vip].forward == LB_IPIP)
			printf(", tunnel source %s", sample_addr(backend->tunnel_src.a, buf));
	}
	printf("\n");
}

static void vip_text(const struct lb_state *state, int vip)
{
	const struct lb_vip_info *info = &state->vip_infos[vip];
	bool any_up = false;
	int i;

	printf("service ");
	lb_print_vip(info);
	printf(", ");
	check_text(&info->check);
	for (i = lb_next_backend(vip, -1); i >= 0; i = lb_next_backend(vip, i)) {
		backend_text(state, i);
		any_up = any_up || !state->backend_infos[i].unhealthy;
	}
	if (!any_up)
		printf("  all backends are down: new connections go to all of them\n");
}

/* --- JSON ------------------------------------------------------------------------------- */

static void iface_json(json_writer_t *json, unsigned int ifindex, const __u8 mac[6])
{
	const char *name = iface_name(ifindex, mac);

	jsonw_uint_field(json, "ifindex", ifindex);
	if (name)
		jsonw_string_field(json, "ifname", name);
}

static void place_json(json_writer_t *json, const struct lb_state *state, unsigned int i)
{
	const struct lb_iface *iface = &state->conf->iface[i];
	const char *why = missing(state, i);
	char buf[MAC_LEN];

	jsonw_start_object(json);
	jsonw_string_field(json, "state", why ? "gone" : "attached");
	if (why) {
		jsonw_string_field(json, "ifname", state->meta->ifnames[i]);
	} else {
		iface_json(json, iface->ifindex, iface->mac);
		jsonw_string_field(json, "mac", mac_text(iface->mac, buf));
	}
	jsonw_end_object(json);
}

static void instance_json(json_writer_t *json, const struct lb_state *state)
{
	bool running = lb_state_is_running(state);
	const struct lb_kern_conf *conf = state->conf;
	const struct lb_instance_meta *meta = state->meta;
	char buf[INET6_ADDRSTRLEN];
	unsigned int i;

	jsonw_string_field(json, "name", state->name);
	jsonw_bool_field(json, "running", running);
	if (running)
		jsonw_uint_field(json, "pid", meta->pid);
	if (*meta->path)
		jsonw_string_field(json, "path", meta->path);
	jsonw_uint_field(json, "generation", meta->generation);
	jsonw_string_field(json, "mode", lb_mode_name(meta->mode));
	jsonw_name(json, "interfaces");
	jsonw_start_array(json);
	for (i = 0; i < conf->n_ifaces && i < LB_IFACES_MAX; i++)
		place_json(json, state, i);
	jsonw_end_array(json);
	jsonw_name(json, "snat");
	jsonw_start_array(json);
	for (i = 0; i < conf->n_snat && i < LB_SNAT_MAX; i++) {
		jsonw_start_object(json);
		jsonw_string_field(json, "address", sample_addr(conf->snat[i].addr.a, buf));
		jsonw_uint_field(json, "first_port", conf->snat[i].min);
		jsonw_uint_field(json, "last_port", conf->snat[i].max);
		jsonw_bool_field(json, "follows", lb_snat_is_own(state, i));
		jsonw_bool_field(json, "gone", is_gone(state, i));
		jsonw_end_object(json);
	}
	jsonw_end_array(json);
	jsonw_uint_field(json, "table_size", conf->table_size);
	jsonw_uint_field(json, "seed", conf->seed);
}

static void vip_json(json_writer_t *json, const struct lb_state *state, int vip)
{
	const struct lb_check *check = &state->vip_infos[vip].check;

	jsonw_name(json, "check");
	jsonw_start_object(json);
	jsonw_string_field(json, "type", check_name(check));
	if (check->type == LB_CHECK_HTTP)
		jsonw_string_field(json, "path", check->path);
	if (check->type == LB_CHECK_HTTP && *check->host)
		jsonw_string_field(json, "host", check->host);
	if (check->type != LB_CHECK_NONE) {
		jsonw_uint_field(json, "interval_ms", check->interval_ms);
		jsonw_uint_field(json, "timeout_ms", check->timeout_ms);
		jsonw_uint_field(json, "rise", check->rise);
		jsonw_uint_field(json, "fall", check->fall);
	}
	jsonw_end_object(json);
}

static void backend_json(json_writer_t *json, const struct lb_state *state, int i)
{
	const struct lb_backend *backend = &state->backends[i];
	char buf[INET6_ADDRSTRLEN];

	jsonw_bool_field(json, "healthy", !state->backend_infos[i].unhealthy);
	jsonw_bool_field(json, "drained", state->backend_infos[i].drained);
	jsonw_bool_field(json, "neighbour", backend->ifindex);
	if (!backend->ifindex)
		return;
	iface_json(json, backend->ifindex, backend->smac);
	jsonw_string_field(json, "mac", mac_text(backend->dmac, buf));
	jsonw_uint_field(json, "mtu", backend->mtu);
	if (state->vip_infos[backend->vip].forward == LB_IPIP)
		jsonw_string_field(json, "tunnel_source", sample_addr(backend->tunnel_src.a, buf));
}

/**
 * lb_show() - xdp_lb show: everything
 * @state: the instance
 * @words: none
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_show(struct lb_state *state, char **words)
{
	int err = lb_read_report(state);
	json_writer_t *json;
	unsigned int i;

	if (err)
		return err;
	if (!sample.netns && lb_state_is_running(state))
		enter_netns_of(state->meta->pid);
	if (sample.json) {
		json = sample_json_begin("show");
		instance_json(json, state);
		lb_report_json(json, state, vip_json, backend_json);
		sample_json_end(json);
		return 0;
	}
	instance_text(state);
	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (state->vip_infos[i].used)
			vip_text(state, i);
	}
	lb_report_text(state);
	return 0;
}
