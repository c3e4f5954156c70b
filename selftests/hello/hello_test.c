// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/hello_kern.c: every packet passes unchanged, and each ICMP packet prints
 * one line. The test reads the lines from a trace instance of its own, as samples/lib/trace.c
 * does, so that other readers of the trace lose no lines.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include "test_harness.h"
#include "test_mount.h"
#include "test_root.h"
#include "test_run.h"
#include "hello.skel.h"

#define TRACEFS	"/sys/kernel/tracing"
#define EVENT	"events/bpf_trace/bpf_trace_printk"
#define TEXT	"Hello ping"

FIXTURE(hello)
{
	struct hello_kern *skel;
	struct build pkt;
	struct test_out out;
	char text[sizeof(TEXT)];
	char dir[64];
	int trace_fd;
};

/*
 * Another hello may run on this machine, and its lines reach every trace instance. So
 * replace the text in our program by a unique one of the same length.
 */
static void mark_text(struct __test_metadata *_metadata, struct _test_data_hello *self)
{
	size_t size;
	char *rodata = bpf_map__initial_value(self->skel->maps.rodata, &size);
	char *at;
	int n = 0;

	ASSERT_NE(NULL, rodata);
	snprintf(self->text, sizeof(self->text), "Hell%06u", getpid() % 1000000);
	for (; (at = memmem(rodata, size, TEXT, sizeof(TEXT))); n++)
		memcpy(at, self->text, sizeof(self->text));
	ASSERT_LT(0, n);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int fill_instance(struct _test_data_hello *self)
{
	char path[PATH_MAX], filter[64];
	int err;

	snprintf(filter, sizeof(filter), "bpf_string ~ \"%s*\"", self->text);
	err = write_file(self->dir, EVENT "/filter", filter);
	if (!err)
		err = write_file(self->dir, EVENT "/enable", "1");
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/trace_pipe", self->dir);
	self->trace_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return self->trace_fd < 0 ? -errno : 0;
}

static int open_trace(struct _test_data_hello *self)
{
	int err;

	/* With this name, the next hello removes the instance if kill -9 leaves it behind. */
	snprintf(self->dir, sizeof(self->dir), "%s/instances/netbpf-hello_test-%d", TRACEFS,
		 getpid());
	if (mkdir(self->dir, 0700))
		return -errno;
	err = fill_instance(self);
	if (err)
		rmdir(self->dir);
	return err;
}

FIXTURE_SETUP(hello)
{
	int err;

	self->trace_fd = -1;
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	err = test_mount("tracefs", TRACEFS);
	if (!err && access(TRACEFS "/" EVENT, F_OK))
		err = -errno;
	if (err)
		SKIP(return, "no bpf_printk() in tracefs: %s", strerror(-err));
	self->skel = hello_kern__open();
	ASSERT_NE(NULL, self->skel);
	mark_text(_metadata, self);
	ASSERT_EQ(0, hello_kern__load(self->skel));
	ASSERT_EQ(0, open_trace(self));
}

FIXTURE_TEARDOWN(hello)
{
	close(self->trace_fd);
	EXPECT_EQ(0, rmdir(self->dir));
	hello_kern__destroy(self->skel);
}

/* Returns how many lines the program has printed since the last call. */
static int count_lines(struct __test_metadata *_metadata, struct _test_data_hello *self)
{
	char text[4096], *at;
	int lines = 0;
	ssize_t len;

	/* A read returns whole lines, and printed lines are readable at once. */
	while ((len = read(self->trace_fd, text, sizeof(text) - 1)) > 0) {
		text[len] = '\0';
		for (at = text; (at = strstr(at, self->text)); at++)
			lines++;
	}
	EXPECT_EQ(EAGAIN, errno);
	return lines;
}

/* The first @len bytes of the packet pass unchanged, and the program prints @lines lines. */
static void expect_len(struct __test_metadata *_metadata, struct _test_data_hello *self,
		       __u32 len, int lines)
{
	ASSERT_EQ(0, test_run(self->skel->progs.hello, self->pkt.data, len, &self->out));
	EXPECT_EQ(XDP_PASS, self->out.verdict);
	EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));
	EXPECT_EQ(lines, count_lines(_metadata, self))
		build_dump(self->pkt.data, len);
}

static void expect(struct __test_metadata *_metadata, struct _test_data_hello *self, int lines)
{
	expect_len(_metadata, self, self->pkt.len, lines);
}

TEST_F(hello, ping)
{
	int family, vlans;

	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_ping(&self->pkt, family, vlans);
			expect(_metadata, self, 1);
		}
		build_ping(&self->pkt, family, 3);
		expect(_metadata, self, 0);
	}
}

/* The program prints a line for every ICMP type, not only for echo requests. */
TEST_F(hello, other_icmp)
{
	int type;

	for (type = 0; type < 256; type += 5) {
		build_ping(&self->pkt, 4, 0);
		self->pkt.data[self->pkt.l4_at] = type;
		expect(_metadata, self, 1);
		build_ping(&self->pkt, 6, 0);
		self->pkt.data[self->pkt.l4_at] = type;
		expect(_metadata, self, 1);
	}
}

/* IP options do not hide ICMP. */
TEST_F(hello, ip_options)
{
	__u32 opt_len;

	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, opt_len);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		expect(_metadata, self, 1);
	}
}

/* The program does not skip extension headers; samples/ping does. */
TEST_F(hello, extension_headers)
{
	static const __u8 kinds[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_AH,
	};
	unsigned int i;

	for (i = 0; i < sizeof(kinds); i++) {
		build_start(&self->pkt);
		build_ipv6(&self->pkt);
		build_ext(&self->pkt, kinds[i], 16);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		expect(_metadata, self, 0);
	}
	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 1);
	build_echo(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, 0);
}

TEST_F(hello, silent)
{
	int family;

	for (family = 4; family <= 6; family += 2) {
		build_start(&self->pkt);
		build_ip(&self->pkt, family);
		build_tcp(&self->pkt, 0);
		build_finish(&self->pkt);
		expect(_metadata, self, 0);

		build_start(&self->pkt);
		build_ip(&self->pkt, family);
		build_udp(&self->pkt);
		/* No line even if the payload looks like an echo request. */
		build_payload(&self->pkt, 20);
		self->pkt.data[self->pkt.l4_at + 8] = ICMP_ECHO;
		build_finish(&self->pkt);
		expect(_metadata, self, 0);

		build_ping(&self->pkt, family, 0);
		build_put16(&self->pkt, 12, ETH_P_ARP);
		expect(_metadata, self, 0);
	}
}

/* ICMPv6 in IPv4 and ICMP in IPv6 print no line. */
TEST_F(hello, other_family)
{
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_icmp_as(&self->pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, 0);
	build_finish(&self->pkt);
	expect(_metadata, self, 0);

	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_icmp_as(&self->pkt, IPPROTO_ICMP, ICMP_ECHO, 0);
	build_finish(&self->pkt);
	expect(_metadata, self, 0);
}

/* A packet that ends before the end of the IP header prints no line. */
TEST_F(hello, cut_short)
{
	int family;
	__u32 len;

	for (family = 4; family <= 6; family += 2) {
		build_ping(&self->pkt, family, family == 6);
		for (len = BUILD_MIN; len <= self->pkt.len; len++)
			expect_len(_metadata, self, len, len >= self->pkt.l4_at);
	}
}

/* A jumbo frame takes several buffers. */
TEST_F(hello, multi_buffer)
{
	/* BPF_PROG_TEST_RUN accepts the frame without "frags"; drivers do not. */
	EXPECT_STREQ("xdp.frags", bpf_program__section_name(self->skel->progs.hello));
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_echo(&self->pkt);
	build_payload(&self->pkt, 8900);
	build_finish(&self->pkt);
	expect(_metadata, self, 1);
}

TEST_F(hello, many)
{
	int i;

	build_ping(&self->pkt, 4, 0);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, test_run(self->skel->progs.hello, self->pkt.data,
				      self->pkt.len, &self->out));
	EXPECT_EQ(100, count_lines(_metadata, self));
	EXPECT_EQ(0, count_lines(_metadata, self));
}

TEST_HARNESS_MAIN
