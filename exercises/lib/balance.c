// SPDX-License-Identifier: GPL-2.0
/* The packets of connections through a balancer: see balance.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "balance.h"

enum { SADDR = 12, DADDR = 16, SPORT = 0, DPORT = 2, TCP_FLAGS = 13, SYN = 0x02, ACK = 0x18 };

static const char *addr_text(__be32 addr, char text[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &addr, text, INET_ADDRSTRLEN);
}

static __be32 random_addr(struct course *course)
{
	return htonl(10u << 24 | course_below(course, 1 << 24));
}

static bool is_backend(const struct balance *balance, __be32 addr)
{
	unsigned int i;

	for (i = 0; i < balance->service.n; i++)
		if (balance->backends[i] == addr)
			return true;
	return false;
}

void balance_random(struct course *course, struct balance *balance, unsigned int n)
{
	__be32 addr;

	memset(&balance->service, 0, sizeof(balance->service));
	balance->service.addr = random_addr(course);
	balance->service.port = htons(1 + course_below(course, 65535));
	while (balance->service.n < n) {
		addr = random_addr(course);
		if (addr != balance->service.addr && !is_backend(balance, addr))
			balance->backends[balance->service.n++] = addr;
	}
}

void balance_lose(struct balance *balance, unsigned int i)
{
	balance->service.n--;
	for (; i < balance->service.n; i++)
		balance->backends[i] = balance->backends[i + 1];
}

static bool set_backend(struct course *course, int fd, __u32 i, __be32 addr)
{
	struct bpf_map *map = bpf_object__find_map_by_name(course->obj, "backends");
	__u8 value[64] = {};

	if (bpf_map__value_size(map) < sizeof(addr) || bpf_map__value_size(map) > sizeof(value)) {
		course_wrong(course, "the values of the map backends should be as they were given");
		return false;
	}
	memcpy(value, &addr, sizeof(addr));
	if (!bpf_map_update_elem(fd, &i, value, BPF_ANY))
		return true;
	course_wrong(course, "the map backends has no room for backend %u: %s", i + 1,
		     strerror(errno));
	return false;
}

bool balance_set(struct course *course, const struct balance *balance)
{
	int fd = course_map(course, "backends"), service = course_map(course, "service");
	__u32 i, zero = 0;

	if (fd < 0 || service < 0)
		return false;
	for (i = 0; i < balance->service.n; i++)
		if (!set_backend(course, fd, i, balance->backends[i]))
			return false;
	if (bpf_map_update_elem(service, &zero, &balance->service, BPF_EXIST)) {
		course_wrong(course, "the map service cannot be filled: %s", strerror(errno));
		return false;
	}
	return !balance->changed || balance->changed(course);
}

void balance_told(struct course *course, struct balance *balance, const char *line)
{
	char addr[INET_ADDRSTRLEN];
	unsigned int port;
	int used;

	memset(&balance->service, 0, sizeof(balance->service));
	if (sscanf(line, "service %15s %u%n", addr, &port, &used) != 2 ||
	    inet_pton(AF_INET, addr, &balance->service.addr) != 1) {
		course_wrong(course, "the check says: %s", line);
		return;
	}
	balance->service.port = htons(port);
	for (line += used; sscanf(line, " %15s%n", addr, &used) == 1; line += used)
		inet_pton(AF_INET, addr, &balance->backends[balance->service.n++ % BALANCE_MAX]);
	balance_set(course, balance);
}

struct client balance_client(struct course *course)
{
	return (struct client) {
		.addr = random_addr(course),
		.port = htons(1024 + course_below(course, 60000)),
	};
}

/* --- packets -------------------------------------------------------------------------- */

static void set_addr(struct build *pkt, __u32 at, __be32 addr)
{
	memcpy(pkt->data + pkt->ip_at + at, &addr, sizeof(addr));
}

/* A TCP segment; the payload of a SYN is empty. */
static void segment(struct course *course, struct build *pkt, const struct client *from,
		    const struct client *to, __u8 flags)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 4 * course_below(course, 4));
	if (flags != SYN)
		build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	set_addr(pkt, SADDR, from->addr);
	set_addr(pkt, DADDR, to->addr);
	memcpy(pkt->data + pkt->l4_at + SPORT, &from->port, sizeof(from->port));
	memcpy(pkt->data + pkt->l4_at + DPORT, &to->port, sizeof(to->port));
	pkt->data[pkt->l4_at + TCP_FLAGS] = flags;
	build_checksums(pkt);
}

static struct client end(const struct balance *balance, __be32 addr)
{
	return (struct client) { .addr = addr, .port = balance->service.port };
}

static void request(struct course *course, const struct balance *balance,
		    const struct client *client, __u8 flags, struct build *pkt)
{
	struct client service = end(balance, balance->service.addr);

	segment(course, pkt, client, &service, flags);
}

void balance_syn(struct course *course, const struct balance *balance,
		 const struct client *client, struct build *pkt)
{
	request(course, balance, client, SYN, pkt);
}

static void reply(struct course *course, const struct balance *balance,
		  const struct client *client, __be32 backend, struct build *pkt)
{
	struct client from = end(balance, backend);

	segment(course, pkt, &from, client, ACK);
}

__be32 balance_choice(struct course *course, const struct balance *balance,
		      const struct client *client)
{
	char text[INET_ADDRSTRLEN];
	struct test_out out;
	struct build pkt;
	__be32 addr;

	if (course_enough(course))
		return 0;
	balance_syn(course, balance, client, &pkt);
	if (!course_run(course, &pkt, &out))
		return 0;
	memcpy(&addr, out.data + pkt.ip_at + DADDR, sizeof(addr));
	if (is_backend(balance, addr))
		return addr;
	course_wrong(course, addr == balance->service.addr ?
		     "a SYN to the service is not sent to a backend: its destination is still %s" :
		     "a SYN to the service goes to %s, which is none of its backends",
		     addr_text(addr, text));
	course_show(&pkt, out.data, out.len, pkt.ip_at + DADDR, 4);
	return 0;
}

/* --- what must happen ------------------------------------------------------------------ */

static void expect_to(struct course *course, const struct build *pkt, __be32 backend,
		      const char *what)
{
	struct build want = *pkt;

	set_addr(&want, DADDR, backend);
	build_checksums(&want);
	course_expect_packet(course, pkt, &want, what, XDP_PASS);
}

static void expect_request(struct course *course, const struct balance *balance,
			   const struct client *client, __be32 backend, __u8 flags,
			   const char *what)
{
	struct build pkt;

	request(course, balance, client, flags, &pkt);
	expect_to(course, &pkt, backend, what);
}

static void expect_reply(struct course *course, const struct balance *balance,
			 const struct client *client, __be32 backend, const char *what)
{
	struct build pkt, want;

	reply(course, balance, client, backend, &pkt);
	want = pkt;
	set_addr(&want, SADDR, balance->service.addr);
	build_checksums(&want);
	course_expect_packet(course, &pkt, &want, what, XDP_PASS);
}

/* Packets that look as if they belonged to the connection, and do not. */
static void try_strangers(struct course *course, const struct balance *balance,
			  const struct client *client, __be32 backend)
{
	struct client other = *client, from;
	struct build pkt;
	unsigned int i;

	other.port = htons(ntohs(other.port) ^ 1);
	request(course, balance, &other, ACK, &pkt);
	course_expect(course, &pkt, "a segment of a connection that nobody opened", XDP_PASS);
	reply(course, balance, &other, backend, &pkt);
	course_expect(course, &pkt, "a segment from a backend to a client without a connection",
		      XDP_PASS);
	for (i = 0; balance->backends[i] == backend; i++)
		;
	reply(course, balance, client, balance->backends[i], &pkt);
	course_expect(course, &pkt, "a segment from another backend than the connection's",
		      XDP_PASS);
	from = end(balance, backend);
	from.port = htons(ntohs(from.port) ^ 1);
	segment(course, &pkt, &from, client, ACK);
	course_expect(course, &pkt, "a segment from another port of the backend", XDP_PASS);
	segment(course, &pkt, client, &from, SYN);
	set_addr(&pkt, DADDR, balance->service.addr);
	build_checksums(&pkt);
	course_expect(course, &pkt, "a SYN to another port of the service's address", XDP_PASS);
	balance_syn(course, balance, client, &pkt);
	set_addr(&pkt, DADDR, random_addr(course));
	build_checksums(&pkt);
	course_expect(course, &pkt, "a SYN to another address than the service's", XDP_PASS);
}

/* Other protocols, with bytes as in a SYN to the service. */
static void try_protocols(struct course *course, const struct balance *balance)
{
	struct client client = balance_client(course);
	struct build pkt;

	balance_syn(course, balance, &client, &pkt);
	pkt.data[pkt.ip_at + 9] = IPPROTO_UDP;
	course_expect(course, &pkt, "a UDP datagram", XDP_PASS);
	balance_syn(course, balance, &client, &pkt);
	build_frag4(&pkt, 1480, 0);
	course_expect(course, &pkt, "a later fragment, whose payload looks like a SYN", XDP_PASS);
	balance_syn(course, balance, &client, &pkt);
	build_put16(&pkt, 12, ETH_P_ARP);
	course_expect(course, &pkt, "an ARP request", XDP_PASS);
	course_ping(course, &pkt, 6, 0);
	course_expect(course, &pkt, "an IPv6 packet", XDP_PASS);
	balance_syn(course, balance, &client, &pkt);
	pkt.len = pkt.l4_at + sizeof(struct tcphdr);
	course_truncated(course, &pkt, "a SYN to the service", XDP_PASS);
}

static unsigned int index_of(const struct balance *balance, __be32 backend)
{
	unsigned int i = 0;

	while (balance->backends[i] != backend)
		i++;
	return i;
}

/* The backend goes out of the list: its connections stay, and new ones avoid it. */
static void try_change(struct course *course, const struct balance *balance,
		       const struct client *client, __be32 backend)
{
	struct balance less = *balance;

	balance_lose(&less, index_of(&less, backend));
	if (!balance_set(course, &less))
		return;
	expect_request(course, balance, client, backend, ACK,
		       "a segment of an open connection, once its backend is no longer in the list");
	expect_reply(course, balance, client, backend,
		     "a segment from a backend that is no longer in the list, of an open connection");
	balance_choice(course, &less, client);
	balance_set(course, balance);
}

/* Clients that differ in nothing but the address each keep their own backend. */
static void try_one_port(struct course *course, const struct balance *balance)
{
	struct client clients[3];
	struct balance one = *balance;
	unsigned int i;

	one.service.n = 1;
	for (i = 0; i < 3; i++) {
		clients[i] = balance_client(course);
		clients[i].port = clients[0].port;
		one.backends[0] = balance->backends[i];
		if (!balance_set(course, &one) || !balance_choice(course, &one, &clients[i]))
			return;
	}
	for (i = 0; i < 3; i++) {
		expect_request(course, balance, &clients[i], balance->backends[i], ACK,
			       "a segment of one of three clients with the same port");
		expect_reply(course, balance, &clients[i], balance->backends[i],
			     "a segment to one of three clients with the same port");
	}
	balance_set(course, balance);
}

void balance_packets(struct course *course, const struct balance *balance)
{
	struct client client = balance_client(course);
	__be32 backend = balance_choice(course, balance, &client);

	if (!backend)
		return;
	expect_request(course, balance, &client, backend, SYN,
		       "a SYN to the service, sent again");
	expect_request(course, balance, &client, backend, ACK, "a segment of an open connection");
	expect_reply(course, balance, &client, backend,
		     "a segment from the backend of an open connection");
	try_strangers(course, balance, &client, backend);
	try_protocols(course, balance);
	if (!course->wrong)
		try_change(course, balance, &client, backend);
	if (!course->wrong)
		try_one_port(course, balance);
}

/* New connections from one address or, if @one_port, from one port of many addresses. */
static void try_spread(struct course *course, const struct balance *balance, bool one_port)
{
	unsigned int i, n = balance->service.n, total = 100 * n, counts[BALANCE_MAX] = {};
	struct client first = balance_client(course), client;
	__be32 backend;

	for (i = 0; i < total; i++) {
		client = balance_client(course);
		if (one_port)
			client.port = first.port;
		else
			client.addr = first.addr;
		backend = balance_choice(course, balance, &client);
		if (!backend)
			return;
		counts[index_of(balance, backend)]++;
	}
	/* Of 100 expected ones, fewer than 40 are six standard deviations away. */
	for (i = 0; i < n && !course_enough(course); i++)
		if (counts[i] < 40)
			course_wrong(course, "of %u connections from one %s, backend %u gets %u",
				     total, one_port ? "port" : "address", i + 1, counts[i]);
}

void balance_spread(struct course *course, const struct balance *balance)
{
	try_spread(course, balance, false);
	try_spread(course, balance, true);
}
