// SPDX-License-Identifier: GPL-2.0
/* Rows about XDP on interfaces of this machine. Nothing on them is changed. */
#include <glob.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "probe.h"

/* Write the XDP features of IFINDEX in words; false if the kernel cannot tell them. */
static bool xdp_features(int ifindex, char *buf, size_t size)
{
	/* Bits of enum netdev_xdp_act, the lowest first. */
	static const char * const words[] = {
		"basic", "redirect", "ndo-xmit", "xsk-zerocopy", "hw-offload", "rx-sg",
		"ndo-xmit-sg",
	};
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	unsigned int major, minor;
	struct utsname u;
	size_t i;

	buf[0] = '\0';
	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
	    major < 6 || (major == 6 && minor < 3) || bpf_xdp_query(ifindex, 0, &opts))
		return false;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (opts.feature_flags & (1ULL << i))
			add_word(buf, size, " ", words[i]);
	return true;
}

/* Find the process that holds program ID, as "pid 12 (ping)"; false if none is seen. */
static bool prog_owner(__u32 id, char *buf, size_t size)
{
	char text[1024], want[32], comm[32];
	bool found = false;
	glob_t files;
	size_t i;
	int pid;

	if (glob("/proc/[0-9]*/fdinfo/*", GLOB_NOSORT, NULL, &files))
		return false;
	/* The fdinfo of a program's fd has this line, and so has the fdinfo of a link's fd. */
	snprintf(want, sizeof(want), "\nprog_id:\t%u\n", id);
	for (i = 0; i < files.gl_pathc && !found; i++) {
		read_file(files.gl_pathv[i], text, sizeof(text));
		if (!strstr(text, want) || sscanf(files.gl_pathv[i], "/proc/%d/", &pid) != 1)
			continue;
		read_file(path("/proc/%d/comm", pid), comm, sizeof(comm));
		comm[strcspn(comm, "\n")] = '\0';
		snprintf(buf, size, "pid %d (%s)", pid, comm);
		found = true;
	}
	globfree(&files);
	return found;
}

static void prog_name(__u32 id, char *buf, size_t size)
{
	struct bpf_prog_info info = { .name = "?" };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		bpf_prog_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	snprintf(buf, size, "%s", info.name);
}

/* Describe the attached program: mode, id, name and owner; false if there is none. */
static bool describe_xdp(const struct link *link, char *buf, size_t size,
			 char *cure, size_t cure_size)
{
	static const struct {
		const char *name, *off;
	} modes[XDP_MODES] = {
		[XDP_NATIVE] = { "native", "xdpdrv" },
		[XDP_GENERIC] = { "generic", "xdpgeneric" },
		[XDP_HARDWARE] = { "hardware", "xdpoffload" },
	};
	char name[BPF_OBJ_NAME_LEN + 1], owner[64];
	int mode = 0;

	while (mode < XDP_MODES && !link->xdp[mode])
		mode++;
	if (mode == XDP_MODES)
		return false;
	prog_name(link->xdp[mode], name, sizeof(name));
	if (prog_owner(link->xdp[mode], owner, sizeof(owner))) {
		snprintf(cure, cure_size, "end %s, its program goes with it", owner);
	} else {
		snprintf(owner, sizeof(owner), "no process: pinned, or attached without a link");
		snprintf(cure, cure_size, "ip link set dev %s %s off", link->name,
			 modes[mode].off);
	}
	snprintf(buf, size, "%s mode, id %u, name %s, held by %s", modes[mode].name,
		 link->xdp[mode], name, owner);
	return true;
}

static void probe_features(int ifindex)
{
	char words[128];

	if (!xdp_features(ifindex, words, sizeof(words)))
		row("XDP features", OK, NULL, "this kernel does not tell (6.3 and later do)");
	else if (!words[0])
		row("XDP features", WARN, "none needed: -m auto falls back to skb mode",
		    "none: the driver has no native XDP");
	else
		row("XDP features", OK, NULL, "%s", words);
}

static void probe_veth_peer(const struct link *link)
{
	struct link peer;
	char where[64] = "", cure[192];
	int err;

	if (strcmp(link->kind, "veth"))
		return;
	if (link->nsid >= 0)
		snprintf(where, sizeof(where), " in the namespace with id %d", link->nsid);
	err = link->peer ? get_link(&peer, link->peer, link->nsid) : -ENODEV;
	if (err) {
		row("veth peer", WARN, "run the doctor in the namespace of the peer",
		    "ifindex %u%s, not visible from here (%s): if it has no native XDP program, what XDP_TX sends to it is lost",
		    link->peer, where, strerror(-err));
		return;
	}
	/* The limit is one page, less headroom, skb_shared_info and Ethernet header. */
	if (peer.mtu > (__u32)getpagesize() - 256 - 320 - 14)
		row("peer MTU", WARN, "set the MTU of both ends to 1500, or -m skb",
		    "%s%s has %u: the kernel refuses native XDP without fragments on this end",
		    peer.name, where, peer.mtu);
	if (peer.xdp[XDP_NATIVE]) {
		row("veth peer", OK, NULL, "%s%s has a native XDP program", peer.name, where);
		return;
	}
	snprintf(cure, sizeof(cure), "samples/pass -i %s%s (or -m skb here)%s", peer.name,
		 link->nsid >= 0 ? " -n NETNS" : "",
		 link->nsid >= 0 ? "; ip netns list shows the ids" : "");
	row("veth peer", WARN, cure,
	    "%s%s has no native XDP program: what native XDP_TX sends to it is lost without a word",
	    peer.name, where);
}

void probe_interface(const char *name)
{
	int ifindex = find_link(name);
	char text[256], cure[128];
	struct link link;
	int err;

	if (!ifindex)
		ifindex = atoi(name);
	err = ifindex > 0 ? get_link(&link, ifindex, -1) : -ENODEV;
	if (err) {
		row("interface", FAIL, "ip link shows the names",
		    "there is no %s: %s", name, strerror(-err));
		return;
	}
	probe_features(ifindex);
	if (describe_xdp(&link, text, sizeof(text), cure, sizeof(cure)))
		row("XDP program", WARN, cure, "%s", text);
	else
		row("XDP program", OK, NULL, "none attached");
	probe_veth_peer(&link);
}

/* One row for each interface but lo. */
void probe_interfaces(void)
{
	struct if_nameindex *all = if_nameindex(), *i;
	char words[128], text[256], cure[128];
	const char *native;
	struct link link;

	for (i = all; i && i->if_index; i++) {
		if (!strcmp(i->if_name, "lo") || get_link(&link, i->if_index, -1))
			continue;
		native = "native XDP unknown";
		if (xdp_features(i->if_index, words, sizeof(words)))
			native = words[0] ? "native XDP" : "generic XDP only";
		if (!describe_xdp(&link, text, sizeof(text), cure, sizeof(cure)))
			snprintf(text, sizeof(text), "no program");
		row(i->if_name, OK, NULL, "%s%smtu %u, %s, %s", link.kind,
		    link.kind[0] ? ", " : "", link.mtu, native, text);
	}
	if_freenameindex(all);
}
