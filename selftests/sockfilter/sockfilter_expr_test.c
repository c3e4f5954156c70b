// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of two parts of samples/sockfilter: expressions that it translates to eBPF give the
 * same results as libpcap, and its decoder never reads beyond the packet.
 */
#include "test_harness.h"
#include <sys/mman.h>
#include "test_root.h"
#include "test_run.h"
#include "sockfilter_test.h"
#include "parts/sockfilter/user.h"

/* --- expressions ----------------------------------------------------------------------- */

static const char * const expressions[] = {
	"tcp", "udp", "icmp", "icmp6", "arp", "ip", "ip6", "not ip", "tcp or udp",
	"host 192.0.2.1", "src host 192.0.2.1", "dst host 192.0.2.1", "not host 192.0.2.1",
	"net 198.51.100.0/24", "host 2001:db8:1::1", "net 2001:db8:2::/48",
	"port 443", "src port 443", "dst port 443", "tcp port 443", "udp port 40000",
	"portrange 400-500", "tcp portrange 39000-41000", "not port 443",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) != 0", "tcp[13] = 2", "icmp[icmptype] = icmp-echo",
	"icmp6[icmp6type] == 128", "icmp6 and ip6[40] = 128",
	"ip[0] & 0xf > 5", "ip[8] > 63 and ip[6:2] & 0x1fff = 0", "ip[2:2] > 100",
	"ip6[4:2] + 40 > 100", "len > 100", "greater 80", "less 60", "ether[12:2] = 0x800",
	"ether[0] & 1 = 0", "ether multicast", "ether host 02:00:00:00:00:01",
	"ether src 02:00:00:00:00:01 and ip", "vlan", "vlan 100", "vlan and tcp port 443",
	"vlan and vlan and ip6", "tcp and (port 443 or port 80) and not host 10.0.0.1",
	"ip proto 132", "ip6 proto 6",
	"tcp[((tcp[12] & 0xf0) >> 2)] = 0x61", "udp[8] = 0x61", "ip[ip[0]] > 10",
	"ether[ether[0]] = 2", "ether[len - 1] = 0x61", "ether[len - 2:2] > 0x6000",
	"len / 7 * 7 = len", "len % 8 = 2", "len << 2 = 296", "len ^ 74 = 0", "- len < 5",
	"1 << len > 0", "(1 << ether[20]) >> ether[21] = 3", "len / ip[9] > 3",
	"ether[4294967295] = 1", "ether[2147483647] = 1", "ether[1000:4] = 0",
	"ether[12:4] = 0x08004500", "ether[11:4] > 5", "ether[13:4] > 5", "ether[14:2] = 100",
	"ether[10:4] != 0", "ether[15:2] > 1", "ether[16:4] > 1",
};

FIXTURE(expr)
{
	void *pcap;
	struct build pkt;
	__u64 rand;
	int fd;
	__u8 tagged_frame[BUILD_MAX];
};

FIXTURE_SETUP(expr)
{
	self->fd = -1;
	if (test_lacks(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON))
		SKIP(return, "%s", test_lacked);
	self->pcap = pcap_open_dead(1, SNAPLEN);
	ASSERT_NE(NULL, self->pcap);
	self->rand = test_seed();
}

FIXTURE_TEARDOWN(expr)
{
	if (self->pcap)
		pcap_close(self->pcap);
	if (self->fd >= 0)
		close(self->fd);
}

static void load_expr(struct __test_metadata *_metadata, struct _test_data_expr *self,
		      const struct sock_filter *classic, unsigned int n_classic, bool tagged)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1);
	static char log[65536];
	struct bpf_insn *insns;
	unsigned int n;

	opts.log_buf = log;
	opts.log_size = sizeof(log);

	if (self->fd >= 0)
		close(self->fd);
	ASSERT_EQ(0, expr_translate(classic, n_classic, tagged, &insns, &n));
	self->fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "test", "GPL", insns, n, &opts);
	free(insns);
	ASSERT_LE(0, self->fd)
		TH_LOG("%s: %s", strerror(-self->fd), log);
}

/*
 * The translated program in the kernel and libpcap return the same for the first @len bytes
 * of the packet. @tagged: the program expects a VLAN tag in the metadata; libpcap gets a frame
 * that contains the tag.
 */
static void same(struct __test_metadata *_metadata, struct _test_data_expr *self,
		 const struct sock_filter *classic, __u32 len, bool tagged)
{
	const __u8 *frame = self->pkt.data;
	__u32 frame_len = len, retval;

	if (tagged && len < 2 * ETH_ALEN)
		return;
	if (tagged) {
		/* In BPF_PROG_TEST_RUN the tag is all zero. */
		memcpy(self->tagged_frame, frame, 12);
		memset(self->tagged_frame + 12, 0, 4);
		memcpy(self->tagged_frame + 16, frame + 12, len - 12);
		frame = self->tagged_frame;
		frame_len += 4;
	}
	ASSERT_EQ(0, run_filter(self->fd, self->pkt.data, len, &retval));
	ASSERT_EQ(bpf_filter(classic, frame, frame_len, frame_len), retval)
		build_dump(frame, frame_len);
}

/* Builds a packet of a random kind, sometimes with a few changed bytes. */
static void build_any(struct _test_data_expr *self)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP };
	__u32 i, n = test_below(&self->rand, 3) ? 0 : test_below(&self->rand, 6);

	build_packet(&self->pkt, test_below(&self->rand, 2) ? 4 : 6, test_below(&self->rand, 3),
		     protos[test_below(&self->rand, ARRAY_SIZE(protos))]);
	for (i = 0; i < n; i++)
		self->pkt.data[test_below(&self->rand, self->pkt.len)] = test_rand(&self->rand);
	if (!test_below(&self->rand, 10))
		build_put16(&self->pkt, 12, ETH_P_ARP);
}

static void try_expression(struct __test_metadata *_metadata, struct _test_data_expr *self,
			   const char *text, bool tagged)
{
	struct pcap_prog prog;
	__u32 i, len;

	ASSERT_EQ(0, pcap_compile(self->pcap, &prog, text, 1, 0xffffff00))
		TH_LOG("%s: %s", text, pcap_geterr(self->pcap));
	load_expr(_metadata, self, prog.insns, prog.len, tagged);
	for (i = 0; i < 60; i++) {
		build_any(self);
		len = i % 3 ? self->pkt.len : 1 + test_below(&self->rand, self->pkt.len);
		same(_metadata, self, prog.insns, len, tagged);
	}
	pcap_freecode(&prog);
}

TEST_F(expr, as_libpcap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expressions); i++) {
		try_expression(_metadata, self, expressions[i], false);
		ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
			TH_LOG("expression %s", expressions[i]);
	}
}

/*
 * Expressions that compute an offset and read more than one byte there are left out: the
 * translation treats reads that overlap the tag differently; see put_ind_tagged().
 */
TEST_F(expr, as_libpcap_with_a_tag)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expressions); i++) {
		if (strstr(expressions[i], "len - 2"))
			continue;
		try_expression(_metadata, self, expressions[i], true);
		ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
			TH_LOG("expression %s", expressions[i]);
	}
}

static struct sock_filter random_load(__u64 *rand, bool tagged)
{
	static const __u16 sizes[] = { BPF_B, BPF_H, BPF_W };
	__u16 size = sizes[test_below(rand, 3)];
	struct sock_filter f = { .k = test_below(rand, 24) };

	switch (test_below(rand, 8)) {
	case 0:
		f.code = BPF_LDX | BPF_B | BPF_MSH;
		break;
	case 1:
		f.code = BPF_LD | BPF_W | BPF_LEN;
		break;
	case 2:
		f.code = BPF_LDX | BPF_W | BPF_LEN;
		break;
	case 3:
		f.code = BPF_LDX | BPF_IMM;
		f.k = test_below(rand, 40);
		break;
	case 4:
		/* Read only the memory cells that random_program() has initialised. */
		f.code = test_below(rand, 2) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM;
		f.k = test_below(rand, 2) ? 0 : 15;
		break;
	case 5:
		f.code = BPF_LD | BPF_IND | (tagged ? BPF_B : size);
		break;
	default:
		f.code = BPF_LD | BPF_ABS | size;
	}
	return f;
}

static struct sock_filter random_alu(__u64 *rand)
{
	static const __u16 ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH,
				     BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR };
	struct sock_filter f = { .code = BPF_ALU | ops[test_below(rand, ARRAY_SIZE(ops))] };

	/* libpcap aborts if a negation has BPF_X. */
	if (BPF_OP(f.code) != BPF_NEG && test_below(rand, 2))
		f.code |= BPF_X;
	else
		f.k = test_below(rand, 3) ? 1 + test_below(rand, 31) : test_rand(rand) | 1;
	/* libpcap gives no defined result for constant shifts by 32 bits or more. */
	if (BPF_OP(f.code) == BPF_LSH || BPF_OP(f.code) == BPF_RSH)
		f.k &= 31;
	return f;
}

static struct sock_filter random_insn(__u64 *rand, bool tagged, unsigned int left)
{
	static const __u16 jumps[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	struct sock_filter f = {};

	switch (test_below(rand, 8)) {
	case 0:
	case 1:
		return random_alu(rand);
	case 2:
		f.code = BPF_MISC | (test_below(rand, 2) ? BPF_TAX : BPF_TXA);
		return f;
	case 3:
		f.code = test_below(rand, 2) ? BPF_ST : BPF_STX;
		f.k = test_below(rand, 2) ? 0 : 15;
		return f;
	case 4:
		/* One branch goes to the next instruction, so that no code is unreachable. */
		f.code = BPF_JMP | jumps[test_below(rand, 4)] | (test_below(rand, 2) ? BPF_X : 0);
		f.k = test_below(rand, 2) ? test_below(rand, 100) : test_rand(rand);
		if (test_below(rand, 2))
			f.jt = test_below(rand, left);
		else
			f.jf = test_below(rand, left);
		return f;
	default:
		return random_load(rand, tagged);
	}
}

static unsigned int random_program(__u64 *rand, bool tagged, struct sock_filter prog[64])
{
	unsigned int i, n = 4 + test_below(rand, 30);

	prog[0] = (struct sock_filter) { .code = BPF_LD | BPF_IMM, .k = test_rand(rand) };
	prog[1] = (struct sock_filter) { .code = BPF_ST, .k = 0 };
	prog[2] = (struct sock_filter) { .code = BPF_ST, .k = 15 };
	for (i = 3; i < n; i++)
		prog[i] = random_insn(rand, tagged, n - i);
	prog[n++] = (struct sock_filter) { .code = BPF_RET | BPF_A };
	return n;
}

TEST_F(expr, random_programs)
{
	struct sock_filter prog[64];
	unsigned int i, j, n;

	for (i = 0; i < 600; i++) {
		n = random_program(&self->rand, i % 2, prog);
		load_expr(_metadata, self, prog, n, i % 2);
		for (j = 0; j < 12; j++) {
			build_any(self);
			same(_metadata, self, prog, 1 + test_below(&self->rand, self->pkt.len),
			     i % 2);
		}
		if (_metadata->exit_code == KSFT_PASS)
			continue;
		for (j = 0; j < n; j++)
			TH_LOG("%2u: { 0x%02x, %u, %u, %u }", j, prog[j].code, prog[j].jt,
			       prog[j].jf, prog[j].k);
		break;
	}
}

/*
 * In the kernel negative offsets have a special meaning (SKF_NET_OFF). For libpcap they are
 * large numbers, outside of the packet. The translated program must do as libpcap does.
 */
TEST_F(expr, negative_offsets)
{
	struct sock_filter prog[] = {
		{ BPF_LDX | BPF_IMM, 0, 0, SKF_NET_OFF },
		{ BPF_LD | BPF_B | BPF_IND, 0, 0, 0 },
		{ BPF_RET | BPF_K, 0, 0, SNAPLEN },
	};
	unsigned int i;

	build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
	for (i = 0; i < 4; i++) {
		prog[0].k = (i % 2 ? SKF_LL_OFF : SKF_NET_OFF) - i;
		prog[1].k = i;
		load_expr(_metadata, self, prog, ARRAY_SIZE(prog), i / 2);
		same(_metadata, self, prog, self->pkt.len, i / 2);
	}
}

TEST(expr_refuses_what_is_no_classic_bpf)
{
	static const struct sock_filter bad[][2] = {
		{ { BPF_LD | BPF_MEM, 0, 0, 16 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_ST, 0, 0, 16 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | BPF_JEQ, 1, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | BPF_JEQ, 0, 1, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_JMP | 0x90, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_ALU | 0xd0, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_LDX | BPF_ABS | BPF_W, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
		{ { BPF_LD | BPF_MSH | BPF_B, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 0 } },
	};
	struct bpf_insn *insns = NULL;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, expr_translate(bad[i], 2, i % 2, &insns, &n))
			TH_LOG("program %u", i);
}

/* --- the decoder ------------------------------------------------------------------------- */

static char *text_of(const struct build *pkt, __u32 len, bool link)
{
	static char text[4096];
	struct packet packet = { .data = pkt->data, .caplen = len, .len = pkt->len };
	struct show show = { .link = link };
	FILE *to = fmemopen(text, sizeof(text), "w");
	struct decoded dec;

	decode(&dec, &packet);
	show_text(to, &dec, &show, "eth0");
	fclose(to);
	/* Skip the time. */
	return text + strlen("00:00:00.000000000 ");
}

/* Builds an ICMP error that quotes a UDP packet. */
static void build_unreachable(struct build *pkt, __u8 code)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_icmp_as(pkt, IPPROTO_ICMP, ICMP_DEST_UNREACH, code);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	pkt->ip_at = ETH_HLEN;
	/*
	 * The second build_ipv4() has written its protocol number into the outer IP header;
	 * correct this.
	 */
	pkt->data[pkt->ip_at + 9] = IPPROTO_ICMP;
	build_put16(pkt, pkt->ip_at + 2, pkt->len - pkt->ip_at);
}

#define TCP_LINE "IP 192.0.2.1.40000 > 198.51.100.2.443: Flags [S], seq 0:24, win 1024"
#define TCP_NOPS "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop"
#define MACS "02:00:00:00:00:01 > 02:00:00:00:00:02"
#define TAG "vlan 100, p 0, "
#define HOSTS "192.0.2.1 > 198.51.100.2: "
#define ECHO_LINE "ICMP echo request, id 4660, seq 22136, length 32\n"
#define QINQ_TYPE "ethertype 802.1Q-QinQ (0x88a8), length 74: "
#define VLAN_TYPE "ethertype 802.1Q (0x8100), "
#define IPV4_TYPE "ethertype IPv4 (0x0800), "

TEST(decode_lines)
{
	struct build pkt;

	build_packet(&pkt, 4, 0, IPPROTO_TCP);
	EXPECT_STREQ(TCP_LINE ", options [" TCP_NOPS "], length 24\n",
		     text_of(&pkt, pkt.len, false));
	EXPECT_STREQ(TCP_LINE ", options [|tcp], length 24\n",
		     text_of(&pkt, pkt.l4_at + 31, false));
	build_unreachable(&pkt, 3);
	EXPECT_STREQ("IP " HOSTS "ICMP 198.51.100.2 udp port 443 unreachable, length 36\n",
		     text_of(&pkt, pkt.len, false));
	build_packet(&pkt, 6, 0, IPPROTO_UDP);
	EXPECT_STREQ("IP6 2001:db8:1::1.40000 > 2001:db8:2::2.443: UDP, length 24\n",
		     text_of(&pkt, pkt.len, false));
	build_packet(&pkt, 4, 2, IPPROTO_ICMP);
	EXPECT_STREQ(TAG TAG "IP " HOSTS ECHO_LINE, text_of(&pkt, pkt.len, false));
	EXPECT_STREQ(MACS ", " QINQ_TYPE TAG VLAN_TYPE TAG IPV4_TYPE HOSTS ECHO_LINE,
		     text_of(&pkt, pkt.len, true));
	EXPECT_STREQ(TAG TAG "IP " HOSTS "icmp, length 32 [|icmp]\n",
		     text_of(&pkt, pkt.l4_at + 7, false));
	EXPECT_STREQ("length 74 [|ether]\n", text_of(&pkt, 13, false));
}

/* Maps a page followed by one that must not be read: packets will end at the boundary. */
static __u8 *guarded_page(struct __test_metadata *_metadata, long *size)
{
	__u8 *page;

	*size = sysconf(_SC_PAGESIZE);
	page = mmap(NULL, 2 * *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + *size, *size, PROT_NONE));
	return page;
}

static void decode_at_end(const __u8 *data, __u32 len, __u8 *end, FILE *to, int i)
{
	struct show show = { .link = i & 1, .hex = i & 2, .hex_ascii = (i & 12) == 4,
			     .ascii = (i & 12) == 8 };
	struct packet packet = { .data = end - len, .caplen = len, .len = len + (i & 16) };
	struct decoded dec;

	memcpy(end - len, data, len);
	decode(&dec, &packet);
	show_text(to, &dec, &show, "eth0");
}

/* Builds a TCP packet with random option kinds and lengths and no payload. */
static void build_options(struct build *pkt, __u64 *rand)
{
	int i;

	build_start(pkt);
	build_ip(pkt, 4);
	build_tcp(pkt, 12);
	build_finish(pkt);
	for (i = 0; i < 12; i++)
		pkt->data[pkt->l4_at + 20 + i] = test_below(rand, 16);
}

TEST_F(expr, decode_reads_only_the_packet)
{
	FILE *to = fopen("/dev/null", "w");
	__u32 i, len, at;
	__u8 *page;
	long size;

	page = guarded_page(_metadata, &size);
	ASSERT_NE(NULL, to);
	for (i = 0; i < 40000; i++) {
		if (i % 64 == 32)
			build_unreachable(&self->pkt, i / 64 % 4);
		else if (i % 64 == 16)
			build_options(&self->pkt, &self->rand);
		else if (i % 8 == 0)
			build_any(self);
		at = test_below(&self->rand, self->pkt.len);
		self->pkt.data[at] = test_rand(&self->rand);
		len = i % 2 ? self->pkt.len : test_below(&self->rand, self->pkt.len + 1);
		decode_at_end(self->pkt.data, len, page + size, to, i);
	}
	fclose(to);
}

TEST_HARNESS_MAIN
