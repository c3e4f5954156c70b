/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What tc_kern.c and tc_user.c share. */
#ifndef _SAMPLES_TC_H
#define _SAMPLES_TC_H

/**
 * enum tc_action - what to do with packets
 * @TC_PASS: nothing, only report echo requests
 * @TC_DROP: drop them all
 * @TC_DROP_PING: drop echo requests
 * @TC_PINGPONG: answer echo requests
 */
enum tc_action {
	TC_PASS,
	TC_DROP,
	TC_DROP_PING,
	TC_PINGPONG,
};

/**
 * enum tc_count - what became of a packet; each packet has one reason
 * @TC_PASS_NOT_IP: neither IPv4 nor IPv6
 * @TC_PASS_BAD: malformed or cut short: the kernel's to drop
 * @TC_PASS_NO_ECHO: IP, but no ICMP echo request
 * @TC_PASS_ACTION: an echo request, and the action is to pass
 * @TC_PASS_FRAGMENT: not answered: the first fragment of an echo request
 * @TC_PASS_CUT: not answered: the frame ends before the echo request does
 * @TC_PASS_CAST: not answered: to or from a broadcast or multicast address
 * @TC_PASS_NOT_OWN: not answered: to an address that is not the interface's
 * @TC_DROP_OTHER: all are dropped, and this was no echo request
 * @TC_DROP_ECHO: an echo request, dropped
 * @TC_ANSWER: an echo request, answered
 * @TC_LOST: events that found the ring buffer full; no packets
 * @__TC_COUNT_MAX: number of counters
 */
enum tc_count {
	TC_PASS_NOT_IP,
	TC_PASS_BAD,
	TC_PASS_NO_ECHO,
	TC_PASS_ACTION,
	TC_PASS_FRAGMENT,
	TC_PASS_CUT,
	TC_PASS_CAST,
	TC_PASS_NOT_OWN,
	TC_DROP_OTHER,
	TC_DROP_ECHO,
	TC_ANSWER,
	TC_LOST,
	__TC_COUNT_MAX,
};

#endif /* _SAMPLES_TC_H */
