// SPDX-License-Identifier: GPL-2.0
/* Network namespaces, interfaces, addresses, and the interface of the user's SSH session. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include "addr4.h"
#include "lib/called.h"
#include "lib/caps.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/netlink.h"
#include "lib/refused.h"

enum {
	/* Used if SSH_CONNECTION does not name the server's port. */
	SSH_PORT = 22,
};

/* True after -n has moved this process into another network namespace. */
static bool other_netns;

static bool is_own_netns(int fd)
{
	struct stat own, other;

	return !stat("/proc/self/ns/net", &own) && !fstat(fd, &other) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/*
 * The name of a namespace may be a symbolic link to /proc/PID/ns/net, as in a lab. EACCES then
 * means that this process may not look into the process PID.
 */
static unsigned int needs_of(const char *path, int err)
{
	char link[PATH_MAX];
	ssize_t len = readlink(path, link, sizeof(link) - 1);

	if (err != -EACCES)
		return SAMPLE_NEED_ADMIN;
	link[len > 0 ? len : 0] = '\0';
	if (!strncmp(path, "/proc/", 6) || !strncmp(link, "/proc/", 6))
		return SAMPLE_NEED_ADMIN | SAMPLE_NEED_PROC;
	return SAMPLE_NEED_ADMIN | SAMPLE_NEED_FILES;
}

/**
 * sample_enter_netns() - move this process into the network namespace of -n
 *
 * Only the network namespace changes, so bpffs and tracefs stay visible. "ip netns exec" would
 * hide them.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_enter_netns(void)
{
	char path[PATH_MAX], lab[SAMPLE_CALLED_LEN];
	int fd, err = 0;

	if (!sample.netns)
		return 0;
	snprintf(path, sizeof(path), "%s%s", strchr(sample.netns, '/') ? "" : "/run/netns/",
		 sample.netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	other_netns = fd >= 0 && !is_own_netns(fd);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (!err)
		return 0;

	if (sample_refused(err, needs_of(path, err), "enter the network namespace %s", path))
		return err;
	pr_err("failed to enter the network namespace %s: %s", path, strerror(-err));
	pr_hint("ip netns list; %s list", sample_called_script("lab", lab));
	return err;
}

static int on_link(const struct nlmsghdr *nh, void *ctx)
{
	if (nh)
		*(unsigned int *)ctx = ((struct ifinfomsg *)mnl_nlmsg_get_payload(nh))->ifi_index;
	return 0;
}

/* For alternative names of IF_NAMESIZE or more bytes, which if_nametoindex() refuses. */
static unsigned int find_altname(const char *name)
{
	const struct ifinfomsg ifi = {};
	struct sample_netlink nl;
	unsigned int ifindex = 0;
	struct nlmsghdr *nh;

	if (sample_netlink_open(&nl, NETLINK_ROUTE))
		return 0;
	nh = sample_netlink_start(&nl, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nh, IFLA_ALT_IFNAME, name);
	sample_netlink_ask(&nl, on_link, &ifindex);
	sample_netlink_close(&nl);
	return ifindex;
}

/**
 * sample_find_iface() - find an interface of the current network namespace, print nothing
 * @name: name, or alternative name (ip link property add dev IF altname NAME)
 *
 * Return: the interface index, or 0 if there is no such interface.
 */
unsigned int sample_find_iface(const char *name)
{
	size_t len = strlen(name);

	if (len < IF_NAMESIZE)
		return if_nametoindex(name);
	return len < SAMPLE_IFNAME_LEN ? find_altname(name) : 0;
}

/* Index of the interface with this name or index; 0 if there is none. */
static unsigned int find_ifindex(const char *name)
{
	unsigned int ifindex = sample_find_iface(name);
	char buf[IF_NAMESIZE];
	unsigned long number;
	char *end;

	if (ifindex)
		return ifindex;
	number = strtoul(name, &end, 10);
	if (*end || !number || number > INT_MAX || !if_indextoname(number, buf))
		return 0;
	return number;
}

static void tell_absent(const char *name)
{
	pr_err("failed to find the interface %s%s%s", name,
	       sample.netns ? " in the network namespace " : "",
	       sample.netns ? sample.netns : "");
	if (sample.netns)
		pr_hint("nsenter --net=/run/netns/%s ip -br link", sample.netns);
	else
		pr_hint("ip -br link; for one in another network namespace add -n NAME");
}

/**
 * sample_ifindex() - find an interface of the current network namespace
 * @name: name, alternative name or index
 *
 * Return: the interface index, or 0 if there is no such interface, which was printed.
 */
unsigned int sample_ifindex(const char *name)
{
	unsigned int ifindex = find_ifindex(name);

	if (!ifindex)
		tell_absent(name);
	return ifindex;
}

/* True, with a message, if an earlier -i has already named this interface. */
static bool is_given_twice(unsigned int i, const unsigned int ifindex[SAMPLE_IFACE_MAX])
{
	unsigned int j;

	for (j = 0; j < i; j++) {
		if (!ifindex[i] || ifindex[j] != ifindex[i])
			continue;
		pr_err("--interface %s: it is %s, which was given before", sample.ifnames[i],
		       sample.ifnames[j]);
		pr_hint("give each interface once");
		return true;
	}
	return false;
}

/**
 * sample_name_ifaces() - replace indices and alternative names of -i by the main names
 *
 * If an interface does not exist, the given name stays: the code that needs the interface
 * prints the error.
 *
 * Return: enum sample_exit; an error was printed.
 */
int sample_name_ifaces(void)
{
	static char names[SAMPLE_IFACE_MAX][IF_NAMESIZE];
	unsigned int i, ifindex[SAMPLE_IFACE_MAX];

	for (i = 0; i < sample.n_ifnames; i++) {
		ifindex[i] = find_ifindex(sample.ifnames[i]);
		if (is_given_twice(i, ifindex))
			return SAMPLE_USAGE;
		if (ifindex[i] && if_indextoname(ifindex[i], names[i])) {
			sample.ifnames[i] = names[i];
		} else if (strlen(sample.ifnames[i]) >= IF_NAMESIZE) {
			/* All later code expects names shorter than IF_NAMESIZE. */
			tell_absent(sample.ifnames[i]);
			return SAMPLE_FAILED;
		}
	}
	return SAMPLE_OK;
}

/**
 * sample_ifname() - name of an interface, for output
 * @ifindex: the interface index
 *
 * Return: the name, or "if" and the index if the interface is gone; valid until the next call.
 */
const char *sample_ifname(unsigned int ifindex)
{
	static char name[IF_NAMESIZE];

	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "if%u", ifindex);
	return name;
}

/* --- addresses: IPv4 as ::ffff:a.b.c.d, so that one form serves both families ------ */

static int parse_addr(const char *text, __be32 addr[4], unsigned int *bits)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		addr_from4(addr, v4.s_addr);
		*bits = 32;
		return 0;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, addr) == 1 ? 0 : -EINVAL;
}

static int parse_prefix_len(const char *text, unsigned int max, unsigned int *len)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *text == '+' || value > max)
		return -EINVAL;
	*len = value;
	return 0;
}

/**
 * sample_parse_prefix() - parse ADDRESS or ADDRESS/LENGTH
 * @text: text with an IPv4 or IPv6 address
 * @addr: takes the address with the bits after the prefix cleared, IPv4 as ::ffff:a.b.c.d
 * @mask: takes the mask; for IPv4 the first 96 bits are always set, so that 0.0.0.0/0 covers
 *	all of IPv4, but not IPv6
 *
 * Return: 0 or -EINVAL.
 */
int sample_parse_prefix(const char *text, __be32 addr[4], __be32 mask[4])
{
	char buf[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int bits, len, i;

	if (n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = '\0';
	if (parse_addr(buf, addr, &bits))
		return -EINVAL;
	len = bits;
	if (slash && parse_prefix_len(slash + 1, bits, &len))
		return -EINVAL;

	len += 128 - bits;
	for (i = 0; i < 4; i++, len -= len < 32 ? len : 32) {
		mask[i] = htonl(len >= 32 ? 0xffffffff : ~(0xffffffffU >> len));
		addr[i] &= mask[i];
	}
	return 0;
}

/**
 * sample_prefix_family() - address family of a prefix
 * @text: text that sample_parse_prefix() has accepted
 *
 * Return: 4 or 6.
 */
int sample_prefix_family(const char *text)
{
	return strchr(text, ':') ? 6 : 4;
}

/**
 * sample_addr() - write an address as text
 * @addr: IPv6, or IPv4 as ::ffff:a.b.c.d
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *sample_addr(const __be32 addr[4], char buf[INET6_ADDRSTRLEN])
{
	if (addr_is4(addr))
		inet_ntop(AF_INET, &addr[3], buf, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, addr, buf, INET6_ADDRSTRLEN);
	return buf;
}

/* --- the interface of the SSH session ------------------------------------------ */

/* Read a variable from the environment of another process. */
static bool read_environ(pid_t pid, const char *name, char *value, size_t size)
{
	size_t len = 0, name_len = strlen(name);
	char path[64], *line = NULL;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getdelim(&line, &len, '\0', f) > 0) {
		if (strncmp(line, name, name_len) || line[name_len] != '=')
			continue;
		snprintf(value, size, "%s", line + name_len + 1);
		found = true;
	}
	free(line);
	fclose(f);
	return found;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	const char *paren;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* "PID (NAME) STATE PPID": NAME may contain ")", so search for the last one. */
	paren = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!paren || sscanf(paren, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

/* SSH_CONNECTION of this process or an ancestor: sudo removes the variable. */
static bool find_ssh_connection(char *value, size_t size)
{
	const char *env = getenv("SSH_CONNECTION");
	pid_t pid;

	if (env) {
		snprintf(value, size, "%s", env);
		return true;
	}
	for (pid = getppid(); pid > 1; pid = parent_of(pid)) {
		if (read_environ(pid, "SSH_CONNECTION", value, size))
			return true;
	}
	return false;
}

static bool is_address(const struct sockaddr *sa, const __be32 addr[4])
{
	__be32 have[4];

	if (!sa)
		return false;
	if (sa->sa_family == AF_INET)
		addr_from4(have, ((const struct sockaddr_in *)sa)->sin_addr.s_addr);
	else if (sa->sa_family == AF_INET6)
		memcpy(have, &((const struct sockaddr_in6 *)sa)->sin6_addr, sizeof(have));
	else
		return false;
	return !memcmp(have, addr, sizeof(have));
}

/* Find the interface of this network namespace that has the address. */
static bool find_owner(const __be32 addr[4], char ifname[IF_NAMESIZE])
{
	struct ifaddrs *list, *ifa;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (ifa = list; ifa && !found; ifa = ifa->ifa_next) {
		if (!is_address(ifa->ifa_addr, addr))
			continue;
		snprintf(ifname, IF_NAMESIZE, "%s", ifa->ifa_name);
		found = true;
	}
	freeifaddrs(list);
	return found;
}

/*
 * True if frames for upper come in through lower: lower is upper itself, or it is below upper
 * as a bridge port, bond port or base of a VLAN, at most depth levels down.
 */
static bool comes_through(const char *upper, const char *lower, int depth)
{
	char path[32 + IF_NAMESIZE];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (!strcmp(upper, lower))
		return true;
	snprintf(path, sizeof(path), "/sys/class/net/%s", upper);
	dir = depth ? opendir(path) : NULL;
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "lower_", 6))
			found = comes_through(entry->d_name + 6, lower, depth - 1);
	}
	closedir(dir);
	return found;
}

/*
 * Address and port of the SSH server of this session. SSH_CONNECTION has client address, client
 * port, server address, server port (ssh(1)); "%interface" follows a link-local address.
 */
static bool ssh_server(__be32 addr[4], unsigned int *port)
{
	char conn[256], server[INET6_ADDRSTRLEN + IF_NAMESIZE];
	unsigned int bits;

	*port = SSH_PORT;
	if (!find_ssh_connection(conn, sizeof(conn)) ||
	    sscanf(conn, "%*s %*s %61s %u", server, port) < 1)
		return false;
	server[strcspn(server, "%")] = '\0';
	return !parse_addr(server, addr, &bits);
}

/**
 * sample_carries_ssh() - whether the user's SSH session comes in through an interface
 * @ifindex: an interface
 *
 * Return: true if @ifindex, or a device on top of it, has the server address of the session.
 */
bool sample_carries_ssh(unsigned int ifindex)
{
	char owner[IF_NAMESIZE], name[IF_NAMESIZE];
	unsigned int port;
	__be32 addr[4];

	if (!ssh_server(addr, &port) || !find_owner(addr, owner) ||
	    !if_indextoname(ifindex, name))
		return false;
	return comes_through(owner, name, 8);
}

/**
 * sample_carries_ssh_to() - whether the user's SSH session comes in through an interface, to
 *	an address and port
 * @ifindex: an interface
 * @addr: the server address, IPv4 as ::ffff:a.b.c.d
 * @port: the server's TCP port, host byte order; 0: any
 *
 * Return: true if so; always false if -n has moved the process into another network namespace,
 * because the session comes in through the namespace in which the process started.
 */
bool sample_carries_ssh_to(unsigned int ifindex, const __be32 addr[4], unsigned int port)
{
	unsigned int ssh_port;
	__be32 ssh_addr[4];

	return !other_netns && ssh_server(ssh_addr, &ssh_port) &&
	       !memcmp(ssh_addr, addr, sizeof(ssh_addr)) && (!port || port == ssh_port) &&
	       sample_carries_ssh(ifindex);
}

/**
 * sample_refuse_ssh() - refuse to drop packets on the interface of the user's SSH session
 *
 * Return: -EPERM, which was printed, if the session comes in through an interface of -i; else
 * 0. Always 0 with --force, or if -n has moved the process into another network namespace.
 */
int sample_refuse_ssh(void)
{
	unsigned int i, ifindex;

	if (sample.force || other_netns)
		return 0;
	for (i = 0; i < sample.n_ifnames; i++) {
		ifindex = find_ifindex(sample.ifnames[i]);
		if (!ifindex || !sample_carries_ssh(ifindex))
			continue;
		pr_err("failed to attach to %s: this SSH session comes in there, and packets would be dropped",
		       sample.ifnames[i]);
		pr_hint("add --force if that is meant, with -d SEC as a safety line");
		return -EPERM;
	}
	return 0;
}
