/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What tc_kern.c and tc_user.c share. */
#ifndef _SAMPLES_TC_H
#define _SAMPLES_TC_H

/**
 * enum tc_action - what to do with packets
 * @TC_PASS: let all packets pass, and only report echo requests
 * @TC_DROP: drop all packets
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
 * @TC_PASS_BAD: malformed or cut short: passed, so that the kernel drops and counts it
 * @TC_PASS_NO_ECHO: IP, but no ICMP echo request
 * @TC_PASS_ACTION: an echo request, and the action is to pass
 * @TC_PASS_FRAGMENT: not answered: the first fragment of an echo request
 * @TC_PASS_CUT: not answered: the frame is shorter than the IP header says
 * @TC_PASS_CAST: not answered: the source or the destination, MAC or IP, is not the address of
 *	one host, but broadcast, multicast or unspecified (0.0.0.0, ::)
 * @TC_PASS_NOT_OWN: not answered: the interface does not have the destination IP address, or
 *	the frame is for another MAC address
 * @TC_DROP_OTHER: dropped because the action is to drop all packets; not an echo request
 * @TC_DROP_ECHO: an echo request, dropped
 * @TC_ANSWER: an echo request, answered
 * @TC_LOST: not packets, but events that found the ring buffer full
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
