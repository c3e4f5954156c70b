/* SPDX-License-Identifier: GPL-2.0 */
/* Functions for the C tests of samples/sockfilter. Include test_run.h first. */
#ifndef _SELFTESTS_SOCKFILTER_TEST_H
#define _SELFTESTS_SOCKFILTER_TEST_H

#include <linux/filter.h>

enum {
	SNAPLEN = 4321,
	/*
	 * BPF_PROG_TEST_RUN removes an Ethernet header before it runs a socket filter. Put these
	 * extra bytes in front, so that the filter sees the whole frame.
	 */
	EXTRA = ETH_HLEN,
};

/*
 * Runs a loaded socket filter on a frame of at least one byte; @retval is what the filter
 * returns. Returns 0 or a negative errno.
 */
static inline int run_filter(int fd, const __u8 *frame, __u32 len, __u32 *retval)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_size_in = EXTRA + len,
		    .repeat = 1);
	static __u8 data[EXTRA + BUILD_MAX];
	int err;

	opts.data_in = data;
	memcpy(data + EXTRA, frame, len);
	err = bpf_prog_test_run_opts(fd, &opts);
	*retval = opts.retval;
	return err;
}

/*
 * Declarations of libpcap. Its header cannot be included together with libbpf: both define
 * a struct bpf_insn. That of libpcap has the layout of struct sock_filter.
 */
struct pcap_prog {
	unsigned int len;
	struct sock_filter *insns;
};

void *pcap_open_dead(int linktype, int snaplen);
int pcap_compile(void *pcap, struct pcap_prog *prog, const char *text, int optimize,
		 unsigned int netmask);
void pcap_freecode(struct pcap_prog *prog);
void pcap_close(void *pcap);
char *pcap_geterr(void *pcap);
unsigned int bpf_filter(const struct sock_filter *insns, const unsigned char *data,
			unsigned int wirelen, unsigned int buflen);

static inline void build_transport(struct build *pkt, int family, __u8 proto)
{
	if (proto == IPPROTO_TCP)
		build_tcp(pkt, 12);
	else if (proto == IPPROTO_UDP)
		build_udp(pkt);
	else if (proto == IPPROTO_ICMP)
		build_echo(pkt);
	else
		build_l4(pkt, proto, 20);
	build_payload(pkt, 24);
	build_finish(pkt);
}

/* @proto: transport protocol; IPPROTO_ICMP means ICMPv6 if @family is 6. */
static inline void build_packet(struct build *pkt, int family, int vlans, __u8 proto)
{
	build_start(pkt);
	build_vlans(pkt, vlans);
	build_ip(pkt, family);
	build_transport(pkt, family, proto);
}

static const __u8 some_protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP };

#endif /* _SELFTESTS_SOCKFILTER_TEST_H */
