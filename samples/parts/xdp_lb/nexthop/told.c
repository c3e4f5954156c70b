// SPDX-License-Identifier: GPL-2.0
/*
 * Print the errors of next hops. A lost route may be the route of thousands of backends, and
 * when the kernel's table of neighbours is full, backends fail in turns. So errors with the
 * same cause are printed in one message, with a count.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/refused.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/nexthop/told.h"

#define SECOND	1000000000ULL

enum {
	GROW_TOLDS = 64,
	AGAIN_S = 60,
};

/* --- noting ------------------------------------------------------------------------------- */

static struct lb_told *find_told(const struct lb_tolds *tolds, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < tolds->n; i++) {
		if (!memcmp(&tolds->at[i].addr, addr, sizeof(*addr)))
			return &tolds->at[i];
	}
	return NULL;
}

static struct lb_told *add_told(struct lb_tolds *tolds, const struct lb_addr *addr)
{
	struct lb_told *more;

	if (tolds->n % GROW_TOLDS == 0) {
		more = realloc(tolds->at, (tolds->n + GROW_TOLDS) * sizeof(*more));
		if (!more)
			return NULL;
		tolds->at = more;
	}
	tolds->at[tolds->n].addr = *addr;
	return &tolds->at[tolds->n++];
}

/**
 * lb_told_note() - note whether a next hop was found
 * @tolds: errors of all addresses
 * @addr: address whose next hop was asked for
 * @err: 0, or a negative errno
 *
 * lb_told_print() prints an error once: if it is new, or not the one that was there before.
 */
void lb_told_note(struct lb_tolds *tolds, const struct lb_addr *addr, int err)
{
	struct lb_told *at = find_told(tolds, addr);

	if (err == (at ? at->err : 0))
		return;
	if (!err) {
		*at = tolds->at[--tolds->n];
		return;
	}
	if (!at)
		at = add_told(tolds, addr);
	if (!at)
		return;
	at->err = err;
	at->fresh = true;
}

/**
 * lb_told_free() - free all errors
 * @tolds: errors of all addresses
 */
void lb_told_free(struct lb_tolds *tolds)
{
	free(tolds->at);
	memset(tolds, 0, sizeof(*tolds));
}

/* --- printing ----------------------------------------------------------------------------- */

/* Print one message for @n addresses, of which @addr is one. */
static void print_error(const struct lb_addr *addr, int err, unsigned int n)
{
	char text[INET6_ADDRSTRLEN], more[32] = "";

	sample_addr(addr->a, text);
	if (n > 1)
		snprintf(more, sizeof(more), " and %u more", n - 1);
	if (sample_refused(err, SAMPLE_NEED_NETLINK, "find the neighbour on the way to %s%s", text,
			   more))
		return;
	if (err == -ENETUNREACH)
		pr_err("failed to find a route to %s%s", text, more);
	else if (err == -EADDRNOTAVAIL && n > 1)
		pr_err("failed to forward to %s%s: they are addresses of this host", text, more);
	else if (err == -EADDRNOTAVAIL)
		pr_err("failed to forward to %s: it is an address of this host", text);
	else if (err == -EOPNOTSUPP)
		pr_err("failed to forward to %s%s: the way out has no Ethernet header", text,
		       more);
	else
		pr_err("failed to ask the kernel for the way to %s%s: %s", text, more,
		       strerror(-err));
	if (err == -EADDRNOTAVAIL)
		pr_hint("a backend is another host, or a container with an address of its own");
	else
		pr_hint("ip route get %s", text);
}

/* Print one message for all fresh errors that have the errno of @first. */
static void print_like(struct lb_tolds *tolds, const struct lb_told *first)
{
	const struct lb_addr addr = first->addr;
	unsigned int i, n = 0;
	int err = first->err;

	for (i = 0; i < tolds->n; i++) {
		if (!tolds->at[i].fresh || tolds->at[i].err != err)
			continue;
		tolds->at[i].fresh = false;
		n++;
	}
	print_error(&addr, err, n);
}

/* In a full table each new entry pushes out another: print that once in AGAIN_S seconds. */
static void print_full(struct lb_tolds *tolds, struct sample_netlink *nl, int family,
		       unsigned int n)
{
	__u64 *full_ns = &tolds->full_ns[family == AF_INET6];
	struct lb_neigh_table table = {};
	char cure[LB_NEIGH_CURE];

	if (sample_now() < *full_ns)
		return;
	*full_ns = sample_now() + AGAIN_S * SECOND;
	lb_neigh_table_read(nl, family, &table);
	pr_err("failed to find %u neighbour%s: the kernel's table, of all network namespaces, is full: gc_thresh3 of IPv%d is %u, and other neighbours of this host are lost as well",
	       n, n == 1 ? "" : "s", family == AF_INET ? 4 : 6, table.most);
	pr_hint("%s", lb_neigh_cure(family, table.entries + n, cure));
}

/**
 * lb_told_print() - print the errors that are new
 * @tolds: errors of all addresses
 * @nl: socket, for the size of the table of neighbours
 */
void lb_told_print(struct lb_tolds *tolds, struct sample_netlink *nl)
{
	unsigned int i, full4 = 0, full6 = 0;

	for (i = 0; i < tolds->n; i++) {
		const struct lb_told *at = &tolds->at[i];

		if (at->err == -ENOBUFS && lb_addr_family(&at->addr) == AF_INET)
			full4++;
		else if (at->err == -ENOBUFS)
			full6++;
		else if (at->fresh)
			print_like(tolds, at);
	}
	if (full4)
		print_full(tolds, nl, AF_INET, full4);
	if (full6)
		print_full(tolds, nl, AF_INET6, full6);
}
