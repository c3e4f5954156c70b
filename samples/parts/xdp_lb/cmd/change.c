// SPDX-License-Identifier: GPL-2.0
/* Commands that change an instance: reload, stop, backend, vip. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "parts/xdp_lb/cmd/commands.h"
#include "parts/xdp_lb/cmd/options.h"
#include "parts/xdp_lb/cmd/show.h"

enum {
	WAIT_MS = 10000,
	STEP_MS = 20,
	WEIGHT_MAX = 65535,
};

static void pause_ms(unsigned int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

/* Signal the control program. The caller has found it running, so lb_meta has its pid. */
static int signal_run(const struct lb_state *state, int sig)
{
	int err = 0;

	if (kill(state->meta->pid, sig)) {
		err = -errno;
		if (!sample_refused(err, SAMPLE_NEED_SIGNALS, "signal process %u",
				    state->meta->pid))
			pr_err("failed to signal process %u: %s", state->meta->pid,
			       strerror(-err));
	}
	return err;
}

/* --- reload --------------------------------------------------------------------------- */

static bool same_netns(__u32 pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return !stat("/proc/self/ns/net", &own) && !stat(path, &other) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/* Check the file here, too: its errors, and what would cut us off, are printed here then. */
static int check_file(const struct lb_state *state)
{
	struct lb_conf conf;
	int err;

	err = lb_conf_read(&conf, state->meta->path);
	if (err)
		return err;
	/* The addresses of this network namespace count only if run is in it. */
	if (same_netns(state->meta->pid))
		err = lb_guard(&conf);
	lb_conf_free(&conf);
	return err;
}

/* Print the error that the control program has printed, perhaps where nobody looks. */
static int reload_result(const struct lb_instance_meta *meta)
{
	if (!meta->reload_err)
		return 0;
	if (!*meta->reload_why)
		pr_err("failed to reload %s: %s", meta->path, strerror(meta->reload_err));
	else if (!strncmp(meta->reload_why, "failed to reload", strlen("failed to reload")))
		pr_err("%.*s", LB_MESSAGE_KEPT - 1, meta->reload_why);
	else
		pr_err("failed to reload %s: %.*s", meta->path, LB_MESSAGE_KEPT - 1,
		       meta->reload_why);
	if (*meta->reload_hint)
		pr_hint("%.*s", LB_MESSAGE_KEPT - 1, meta->reload_hint);
	return -(int)meta->reload_err;
}

/**
 * lb_reload() - xdp_lb reload: have the control program read its file again
 * @state: the instance
 * @words: none
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_reload(struct lb_state *state, char **words)
{
	__u32 reloads = state->meta->reloads;
	unsigned int waited;
	int err;

	if (!lb_state_is_running(state)) {
		pr_err("failed to reload instance %s: no control program runs", state->name);
		pr_hint("%s run -c %s", sample_called(),
			*state->meta->path ? state->meta->path : "lb.yaml");
		return -ESRCH;
	}
	if (!*state->meta->path) {
		pr_err("failed to reload: the services were given on the command line");
		pr_hint("%s run -c lb.yaml", sample_called());
		return -EINVAL;
	}
	err = check_file(state);
	if (err)
		return err;
	err = signal_run(state, SIGHUP);
	if (err)
		return err;
	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (__atomic_load_n(&state->meta->reloads, __ATOMIC_ACQUIRE) != reloads)
			return reload_result(state->meta);
		pause_ms(STEP_MS);
	}
	pr_err("failed to reload %s: process %u has not done it after %d s", state->meta->path,
	       state->meta->pid, WAIT_MS / 1000);
	pr_hint("it may be busy: see what it has printed");
	return -ETIMEDOUT;
}

/* --- stop ------------------------------------------------------------------------------ */

static int wait_for_end(const struct lb_state *state)
{
	unsigned int waited;

	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (!lb_state_is_running(state))
			return 0;
		pause_ms(STEP_MS);
	}
	pr_err("failed to stop: process %u does not end", state->meta->pid);
	pr_hint("kill -9 %u, then: %s stop --name %s", state->meta->pid, sample_called(),
		state->name);
	return -ETIMEDOUT;
}

/* Refuse without CAP_NET_ADMIN: a clsact filter would outlive its pins, and forward for ever. */
static int check_caps(const struct lb_state *state)
{
	unsigned int i;

	for (i = 0; i < LB_IFACES_MAX; i++) {
		if (state->meta->at[i].is_clsact && sample_caps_missing(SAMPLE_NEED_NETLINK) &&
		    sample_refused(-EPERM, SAMPLE_NEED_NETLINK, "stop instance %s", state->name))
			return -EPERM;
	}
	return 0;
}

static int forget_neighbours(void)
{
	struct lb_nexthops *hops;
	int err;

	err = lb_nexthops_open(&hops);
	if (err)
		return err;
	err = lb_nexthops_forget(hops);
	lb_nexthops_close(hops);
	return err;
}

/* Remove what a dead control program has left: nothing, unless all of it may be removed. */
static int clean_up(struct lb_state *state)
{
	int err;

	/* No process is signalled, so no message should ask for CAP_KILL. */
	sample.needs &= ~SAMPLE_NEED_SIGNALS;
	err = check_caps(state);
	if (!err)
		err = forget_neighbours();
	if (err == -EPERM)
		return err;
	lb_detach_all(state);
	return lb_state_remove(state);
}

/**
 * lb_stop() - xdp_lb stop: end an instance
 * @state: the instance
 * @words: none
 *
 * With --keep only the control program ends: packets are forwarded as before.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_stop(struct lb_state *state, char **words)
{
	int err;

	if (!lb_state_is_running(state))
		return lb_options.keep ? 0 : clean_up(state);
	state->meta->keep = lb_options.keep;
	err = signal_run(state, SIGTERM);
	return err ?: wait_for_end(state);
}

/* --- backend --------------------------------------------------------------------------- */

static void list_backend(const struct lb_state *state, unsigned int i)
{
	const struct lb_backend_info *info = &state->backend_infos[i];
	const struct lb_backend *backend = &state->backends[i];
	char buf[SAMPLE_ENDPOINT_LEN], text[LB_STATE_TEXT];
	json_writer_t *json;

	if (sample.json) {
		json = sample_json_begin("backend");
		jsonw_string_field(json, "vip", state->vip_infos[backend->vip].name);
		jsonw_string_field(json, "name", info->name);
		jsonw_string_field(json, "address", sample_addr(backend->addr.a, buf));
		jsonw_uint_field(json, "port", ntohs(backend->port));
		jsonw_uint_field(json, "weight", info->weight);
		jsonw_string_field(json, "state", lb_backend_state_name(info));
		jsonw_bool_field(json, "drained", info->drained);
		jsonw_bool_field(json, "healthy", !info->unhealthy);
		sample_json_end(json);
		return;
	}
	printf("%-20s %-28s ", info->name, sample_endpoint(backend->addr.a, backend->port, buf));
	/* lb_backend_text() says if the weight is 0. */
	if (info->weight)
		printf("weight %u, ", info->weight);
	printf("%s\n", lb_backend_text(state, i, text));
}

static int list_backends(const struct lb_state *state, const char *vip)
{
	int id = vip ? lb_find_vip(state, vip) : -1;
	unsigned int i;

	if (vip && id < 0)
		return id;
	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (state->backends[i].state != LB_BACKEND_UNUSED &&
		    (id < 0 || state->backends[i].vip == id))
			list_backend(state, i);
	}
	return 0;
}

static int parse_weight(const char *text, __u32 *weight)
{
	unsigned long value;
	char *end;

	value = text ? strtoul(text, &end, 10) : 0;
	if (!text || *text < '0' || *text > '9' || *end || value > WEIGHT_MAX) {
		pr_err("%s is no weight: 0 to %d", text ? text : "(nothing)", WEIGHT_MAX);
		pr_hint("%s backend weight VIP BACKEND N", sample_called());
		return -EINVAL;
	}
	*weight = value;
	return 0;
}

static int change_backend(struct lb_state *state, const char *verb, char **words)
{
	struct lb_backend_info *info, before;
	__u32 weight;
	int vip, i, err;

	vip = lb_find_vip(state, words[0]);
	if (vip < 0)
		return vip;
	i = lb_find_backend(state, vip, words[1]);
	if (i < 0)
		return i;
	info = &state->backend_infos[i];
	before = *info;
	weight = info->weight;
	if (!strcmp(verb, "weight") && parse_weight(words[2], &weight))
		return -EINVAL;
	lb_ring_is_stale(state, vip);
	if (strcmp(verb, "weight"))
		info->drained = !strcmp(verb, "drain");
	info->weight = weight;
	err = lb_build_rings(state);
	/* The ring stays as it was, so take back what was written about it. */
	if (err == -EPERM)
		*info = before;
	return err;
}

/**
 * lb_backend_command() - xdp_lb backend list|drain|enable|weight VIP BACKEND [N]
 * @state: the instance
 * @words: what follows the command
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_backend_command(struct lb_state *state, char **words)
{
	const char *verb = words[0] ? words[0] : "list";
	int err;

	if (!strcmp(verb, "list"))
		return list_backends(state, words[0] ? words[1] : NULL);
	if ((strcmp(verb, "drain") && strcmp(verb, "enable") && strcmp(verb, "weight")) ||
	    !words[1] || !words[2]) {
		pr_err("what to do with which backend?");
		pr_hint("%s backend drain|enable|weight VIP BACKEND [N]", sample_called());
		return -EINVAL;
	}
	lb_state_lock(state);
	err = change_backend(state, verb, words + 1);
	lb_state_unlock(state);
	return err;
}

/* --- vip -------------------------------------------------------------------------------- */

static void list_vip(const struct lb_vip_info *info)
{
	char text[LB_VIP_TEXT], buf[INET6_ADDRSTRLEN];
	json_writer_t *json;

	if (sample.json) {
		json = sample_json_begin("vip");
		jsonw_string_field(json, "name", info->name);
		jsonw_string_field(json, "address", sample_addr(info->key.addr.a, buf));
		jsonw_uint_field(json, "port", ntohs(info->key.port));
		jsonw_string_field(json, "protocol",
				   info->key.proto == IPPROTO_TCP ? "tcp" : "udp");
		jsonw_string_field(json, "forward", lb_forward_name(info->forward));
		sample_json_end(json);
		return;
	}
	printf("%-20s %-28s %s\n", info->name, lb_vip_text(&info->key, text),
	       lb_forward_name(info->forward));
}

/**
 * lb_vip_command() - xdp_lb vip list
 * @state: the instance
 * @words: what follows the command
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_vip_command(struct lb_state *state, char **words)
{
	unsigned int i;

	if (words[0] && strcmp(words[0], "list")) {
		pr_err("unknown: vip %s", words[0]);
		pr_hint("%s vip list; services are added in the file, then: %s reload",
			sample_called(), sample_called());
		return -EINVAL;
	}
	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (state->vip_infos[i].used)
			list_vip(&state->vip_infos[i]);
	}
	return 0;
}
