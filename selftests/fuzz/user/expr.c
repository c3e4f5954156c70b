// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the expressions of sockfilter: libpcap compiles any text, and the result is translated
 * to eBPF twice, with and without a VLAN tag.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/types.h>
#include <stdbool.h>
#include "fuzz_user.h"
#include "parts/sockfilter/user.h"

/* Replaces getaddrinfo(), so that host names in the input cause no DNS queries. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **res)
{
	return EAI_NONAME;
}

static void make_bpf(const struct sock_filter *from, unsigned int n_from, bool tagged)
{
	struct bpf_insn *insns = NULL;
	unsigned int n = 0;

	if (!expr_translate(from, n_from, tagged, &insns, &n) && !n)
		abort();
	free(insns);
}

int fuzz_input(const __u8 *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct sock_filter *insns = NULL;
	char why[256];
	unsigned int n;

	if (!pcap_out_expr(text, 65535, NULL, &insns, &n, why, sizeof(why))) {
		make_bpf(insns, n, false);
		make_bpf(insns, n, true);
	}
	free(insns);
	free(text);
	return 0;
}
