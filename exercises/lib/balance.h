/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets of connections through a balancer, for the exercises in which the learner writes
 * one. The program has two maps that the check fills: "service", with one struct service, and
 * "backends", an array whose values begin with an IPv4 address.
 */
#ifndef _EXERCISES_BALANCE_H
#define _EXERCISES_BALANCE_H

#include "course.h"

enum { BALANCE_MAX = 8 };

/**
 * struct service - the value of the learner's map "service"
 * @addr: address of the service, network byte order
 * @port: its TCP port, network byte order
 * @n: number of backends
 */
struct service {
	__be32 addr;
	__be16 port;
	__u16 n;
};

/**
 * struct balance - a service with its backends
 * @service: the service
 * @backends: addresses of its backends, network byte order
 * @changed: called after the maps were filled; NULL: nothing is to be done
 */
struct balance {
	struct service service;
	__be32 backends[BALANCE_MAX];
	bool (*changed)(struct course *course);
};

/**
 * struct client - one end of a connection to the service
 * @addr: its address, network byte order
 * @port: its port, network byte order
 */
struct client {
	__be32 addr;
	__be16 port;
};

/* A random service with @n backends, all of different addresses. */
void balance_random(struct course *course, struct balance *balance, unsigned int n);

/* Take the backend @i out of the list; the others keep their order. */
void balance_lose(struct balance *balance, unsigned int i);

/* Fill the maps of the program. False, with a sentence, if that fails. */
bool balance_set(struct course *course, const struct balance *balance);

/* Fill the maps as a line of check.sh says: "service ADDRESS PORT BACKEND...". */
void balance_told(struct course *course, struct balance *balance, const char *line);

/* A random client. */
struct client balance_client(struct course *course);

/* A SYN from the client to the service. */
void balance_syn(struct course *course, const struct balance *balance,
		 const struct client *client, struct build *pkt);

/* The backend to which the program sends a SYN of this client; 0, with a sentence, if none. */
__be32 balance_choice(struct course *course, const struct balance *balance,
		      const struct client *client);

/* Connections keep their backends, replies find back, and all else passes unchanged. */
void balance_packets(struct course *course, const struct balance *balance);

/* New connections are spread over all backends, even if they differ in one half only. */
void balance_spread(struct course *course, const struct balance *balance);

#endif /* _EXERCISES_BALANCE_H */
