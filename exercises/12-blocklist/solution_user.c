// SPDX-License-Identifier: GPL-2.0
/*
 * Exercise 12: blocklist INTERFACE attaches the program, and changes the map by the commands that
 * it reads: block PREFIX, allow PREFIX, remove PREFIX.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "blocklist.skel.h"

enum { ALLOW, BLOCK };

struct key {
	__u32 prefixlen;	/* in bits, in the byte order of the CPU */
	__be32 addr;
};

/* "10.1.0.0/16" becomes a key; without a length it is one address. */
static int parse_prefix(char *text, struct key *key)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash = '\0';
	key->prefixlen = slash ? atoi(slash + 1) : 32;
	return key->prefixlen <= 32 && inet_pton(AF_INET, text, &key->addr) == 1 ? 0 : -EINVAL;
}

/* Change the map: 0, or a negative errno. */
static int change(int map, const char *command, const struct key *key)
{
	__u32 value = !strcmp(command, "block") ? BLOCK : ALLOW;

	if (!strcmp(command, "remove"))
		return bpf_map_delete_elem(map, key);
	if (strcmp(command, "block") && strcmp(command, "allow"))
		return -EINVAL;
	return bpf_map_update_elem(map, key, &value, BPF_ANY);
}

static void read_commands(int map)
{
	char line[128], command[16], prefix[64];
	struct key key;
	int err;

	while (fgets(line, sizeof(line), stdin)) {
		err = -EINVAL;
		if (sscanf(line, "%15s %63s", command, prefix) == 2)
			err = parse_prefix(prefix, &key);
		if (!err)
			err = change(map, command, &key);
		puts(err ? strerror(-err) : "ok");
	}
}

/* Ctrl-C ends the process: the kernel closes the link, and so takes the program off. */
int main(int argc, char **argv)
{
	struct blocklist_kern *skel;
	int err = 1;

	if (argc != 2) {
		fprintf(stderr, "Usage: blocklist INTERFACE\n");
		return 2;
	}
	skel = blocklist_kern__open_and_load();
	if (!skel)
		return 1;
	skel->links.blocklist = bpf_program__attach_xdp(skel->progs.blocklist,
							if_nametoindex(argv[1]));
	if (skel->links.blocklist) {
		puts("ready");
		read_commands(bpf_map__fd(skel->maps.prefixes));
		err = 0;
	}
	blocklist_kern__destroy(skel);
	return err;
}
