// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb: services, backends and names as text, and a configuration
 * of --vip and --backend. No BPF, no root.
 */
#include "addr4.h"
#include "lib/util.h"
#include "test_harness.h"
#include <arpa/inet.h>
#include <linux/types.h>
#include <netinet/in.h>
#include "test_messages.h"
#include "parts/xdp_lb/config/config.h"

/* --- text -------------------------------------------------------------------------------- */

TEST(services_as_text)
{
	static const char * const good[] = {
		"tcp:10.0.0.5:80", "udp:[fd00::5]:53", "tcp:10.0.0.5:0", "tcp:[2001:db8::1]:65535",
	};
	static const char * const bad[] = {
		"", "tcp", "tcp:", "tcp:10.0.0.5", "tcp:10.0.0.5:", "tcp:10.0.0.5:65536",
		"tcp:10.0.0.5:-1", "tcp:10.0.0.5:+1", "tcp:10.0.0.5: 1", "tcp:10.0.0.5:1 ",
		"tcp:10.0.0.5:01", "TCP:10.0.0.5:80", "sctp:10.0.0.5:80", "10.0.0.5:80",
		"tcp:fd00::5:80", "tcp:[fd00::5]", "tcp:[fd00::5]80", "tcp:[fd00::5:80",
		"tcp:[10.0.0.5]:80", "tcp:host:80", "tcp::80", "tcp:[]:80", "tcp:[:80", "tcp:]:80",
		"tcp:[::ffff:10.0.0.5]:80", "tcp:10.0.0.5/32:80", "tcp:10.0.0.05:80",
		"tcp:[fd00::5%eth0]:80", "tcp:[2001:0db8:0000:0000:0000:0000:0000:0000:0000:1]:80",
	};
	struct lb_vip_key key;
	char text[LB_VIP_TEXT];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, lb_parse_vip(good[i], &key));
		EXPECT_STREQ(good[i], lb_vip_text(&key, text));
		}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, lb_parse_vip(bad[i], &key))
			TH_LOG("%s", bad[i]);
	}
	EXPECT_EQ(0, lb_parse_vip("tcp:192.0.2.1:258", &key));
	EXPECT_EQ(htons(258), key.port);
	EXPECT_EQ(IPPROTO_TCP, key.proto);
	EXPECT_TRUE(addr_is4(key.addr.a));
	EXPECT_EQ(htonl(0xc0000201), key.addr.a[3]);
	EXPECT_EQ(0, lb_parse_vip("udp:[2001:db8::1]:1", &key));
	EXPECT_EQ(IPPROTO_UDP, key.proto);
	EXPECT_FALSE(addr_is4(key.addr.a));
}

TEST(endpoints_as_text)
{
	struct lb_addr addr;
	__u16 port;

	EXPECT_EQ(0, lb_parse_endpoint("10.0.0.2:65535", &addr, &port));
	EXPECT_EQ(65535, port);
	EXPECT_EQ(0, lb_parse_endpoint("[fd00::2]:80", &addr, &port));
	EXPECT_EQ(80, port);
	EXPECT_EQ(-EINVAL, lb_parse_endpoint("10.0.0.2", &addr, &port));
	EXPECT_EQ(-EINVAL, lb_parse_endpoint("[", &addr, &port));
	EXPECT_EQ(-EINVAL, lb_parse_endpoint("fd00::2:80", &addr, &port));
}

TEST(names)
{
	struct lb_vip_conf vip = { .proto = IPPROTO_TCP, .port = 65535 };
	char name[LB_NAME_MAX], other[LB_NAME_MAX];

	EXPECT_STREQ("nat", lb_forward_name(LB_NAT));
	EXPECT_STREQ("dnat", lb_forward_name(LB_DNAT));
	EXPECT_STREQ("dsr", lb_forward_name(LB_DSR));
	EXPECT_STREQ("ipip", lb_forward_name(LB_IPIP));
	EXPECT_STREQ("?", lb_forward_name(99));
	EXPECT_STREQ("auto", lb_mode_name(LB_MODE_AUTO));
	EXPECT_STREQ("native", lb_mode_name(LB_MODE_NATIVE));
	EXPECT_STREQ("skb", lb_mode_name(LB_MODE_SKB));
	EXPECT_STREQ("tc", lb_mode_name(LB_MODE_TC));
	EXPECT_STREQ("?", lb_mode_name(99));

	/* A name that is too long is cut. A hash in it keeps two such names apart. */
	ASSERT_EQ(0, lb_parse_addr("2001:db8:1111:2222:3333:4444:5555:6666", &vip.addr));
	lb_vip_name(&vip, name);
	EXPECT_STREQ("tcp:[2001:db8:..ba3b8e4b]:65535", name);
	EXPECT_TRUE(lb_is_made_of(name, LB_ALNUM "._-:[]", LB_NAME_MAX));
	ASSERT_EQ(0, lb_parse_addr("2001:db8:1111:2222:3333:4444:5555:6667", &vip.addr));
	lb_vip_name(&vip, other);
	EXPECT_STRNE(name, other);
}

/* --- the command line -------------------------------------------------------------------- */

enum { SPECS_MAX = 8192 };

static struct lb_conf_spec specs[SPECS_MAX];

/* "v tcp:10.0.0.5:80 b 10.0.0.2:80" stands for --vip and --backend; @text is cut into words. */
static int read_args(struct lb_conf *conf, char *text)
{
	unsigned int n = 0;
	char *word;

	forget();
	for (word = strtok(text, "\n "); word; word = strtok(NULL, "\n ")) {
		specs[n].is_vip = *word == 'v';
		specs[n++].text = strtok(NULL, "\n ");
	}
	return lb_conf_args(conf, specs, n, NULL, 0);
}

TEST(args)
{
	char text[] = "v tcp:10.0.0.5:80 b 10.0.0.2:8080 b 10.0.0.3,weight=3\n"
		      "v udp:[fd00::5]:53 b [fd00::2]:53,weight=0 b [fd00::3]\n"
		      "v tcp:10.0.0.6:0 b 10.0.0.2";
	struct lb_conf conf;

	ASSERT_EQ(0, read_args(&conf, text))
		TH_LOG("%s", errors);
	EXPECT_STREQ("lb0", conf.name);
	EXPECT_EQ(0, conf.n_ifnames);
	EXPECT_EQ(LB_MODE_AUTO, conf.mode);
	EXPECT_EQ(65537, conf.table_size);
	EXPECT_EQ(20261122, conf.seed);
	EXPECT_EQ(1048576, conf.connections);
	EXPECT_EQ(0, conf.n_snat);
	ASSERT_EQ(3, conf.n_vips);
	EXPECT_STREQ("tcp:10.0.0.5:80", conf.vips[0].name);
	EXPECT_EQ(80, conf.vips[0].port);
	EXPECT_EQ(IPPROTO_TCP, conf.vips[0].proto);
	EXPECT_EQ(LB_NAT, conf.vips[0].forward);
	EXPECT_EQ(LB_CHECK_TCP, conf.vips[0].check.type);
	EXPECT_EQ(2000, conf.vips[0].check.interval_ms);
	ASSERT_EQ(2, conf.vips[0].n_backends);
	EXPECT_STREQ("10.0.0.2:8080", conf.vips[0].backends[0].name);
	EXPECT_EQ(8080, conf.vips[0].backends[0].port);
	EXPECT_EQ(1, conf.vips[0].backends[0].weight);
	EXPECT_STREQ("10.0.0.3:80", conf.vips[0].backends[1].name);
	EXPECT_EQ(3, conf.vips[0].backends[1].weight);
	EXPECT_STREQ("udp:[fd00::5]:53", conf.vips[1].name);
	EXPECT_EQ(IPPROTO_UDP, conf.vips[1].proto);
	EXPECT_EQ(LB_CHECK_NONE, conf.vips[1].check.type);
	EXPECT_EQ(0, conf.vips[1].backends[0].weight);
	EXPECT_STREQ("[fd00::3]:53", conf.vips[1].backends[1].name);
	EXPECT_EQ(LB_CHECK_NONE, conf.vips[2].check.type);
	EXPECT_EQ(0, conf.vips[2].backends[0].port);
	lb_conf_free(&conf);
}

#define NOT_VIP "--vip tcp:10.0.0.5:80, --vip udp:[fd00::5]:53"
#define NOT_BACKEND "--backend 10.0.0.2:80, *"

static const struct {
	const char *text;
	const char *error;
	const char *hint;
} bad_args[] = {
	{ "",
	  "no --vip", "--vip tcp:10.0.0.5:80 --backend 10.0.0.2:80" },
	{ "b 10.0.0.2:80",
	  "--backend 10.0.0.2:80: no --vip before it",
	  "--vip tcp:10.0.0.5:80 --backend 10.0.0.2:80" },
	{ "v tcp:10.0.0.5:80",
	  "--vip tcp:10.0.0.5:80: it has no backend",
	  "--backend ADDRESS:PORT behind its --vip" },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2 v tcp:10.0.0.5:81",
	  "--vip tcp:10.0.0.5:81: it has no backend",
	  "--backend ADDRESS:PORT behind its --vip" },
	{ "v 10.0.0.5:80",
	  "--vip 10.0.0.5:80: not PROTOCOL:ADDRESS:PORT", NOT_VIP },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2 v x",
	  "--vip x: not PROTOCOL:ADDRESS:PORT", NOT_VIP },
	{ "v tcp:10.0.0.5:80 b host:80",
	  "--backend host:80: not ADDRESS:PORT[,weight=N]", NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.1 b 10.0.0.2:65536",
	  "--backend 10.0.0.2:65536: not ADDRESS:PORT[,weight=N]", NOT_BACKEND },
	/* Without brackets, fd00::2:80 is another IPv6 address. */
	{ "v tcp:[fd00::5]:80 b fd00::2:80",
	  "--backend fd00::2:80: not ADDRESS:PORT[,weight=N]", NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2:80,w=2",
	  "--backend 10.0.0.2:80,w=2: behind the comma only weight=N is known",
	  NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2:80,weight=",
	  "--backend 10.0.0.2:80,weight=:  is not a weight; 0 to 65535", NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2:80,weight=65536",
	  "--backend 10.0.0.2:80,weight=65536: 65536 is not a weight; 0 to 65535",
	  NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2:80,weight=1,x",
	  "--backend 10.0.0.2:80,weight=1,x: 1,x is not a weight; 0 to 65535",
	  NOT_BACKEND },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2:0",
	  "--backend 10.0.0.2:0: 0 is not a port; 1 to 65535",
	  "leave the port out for that of the service" },
	{ "v tcp:10.0.0.5:0 b 10.0.0.2:80",
	  "--backend 10.0.0.2:80: 80, but the service has any port, and keeps it",
	  "leave the port out" },
	{ "v tcp:10.0.0.5:80 b [fd00::2]:80",
	  "--backend [fd00::2]:80: fd00::2 is IPv6, but the service is IPv4, and nat translates neither",
	  "forward: ipip reaches backends of the other family" },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2 v tcp:10.0.0.6:80 b 10.0.0.5:80",
	  "--backend 10.0.0.5:80: 10.0.0.5 is the address of the service tcp:10.0.0.5:80",
	  "give an address that the backend alone has" },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2 v tcp:10.0.0.5:80 b 10.0.0.3",
	  "--vip tcp:10.0.0.5:80: address, protocol and port are those of the service tcp:10.0.0.5:80",
	  "put the backends of both under one service" },
	{ "v tcp:10.0.0.5:80 b 10.0.0.2 b 10.0.0.2:80",
	  "--backend 10.0.0.2:80: address and port are those of the backend 10.0.0.2:80",
	  "one backend with more weight does the same" },
	{ "v tcp:127.0.0.1:80 b 10.0.0.2",
	  "--vip tcp:127.0.0.1:80: 127.0.0.1 is a loopback address",
	  "give a unicast address that other hosts can reach" },
};

TEST(errors_of_args)
{
	struct lb_conf conf;
	char text[256];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_args); i++) {
		snprintf(text, sizeof(text), "%s", bad_args[i].text);
		EXPECT_EQ(-EINVAL, read_args(&conf, text))
			TH_LOG("%s", bad_args[i].text);
		EXPECT_TRUE(matches(bad_args[i].error, errors))
			TH_LOG("wanted: %s\nis: %s", bad_args[i].error, errors);
		EXPECT_TRUE(matches(bad_args[i].hint, hints))
			TH_LOG("%s: wanted: %s\nis: %s", errors, bad_args[i].hint, hints);
		EXPECT_EQ(NULL, conf.vips);
	}
}

TEST(long_args)
{
	static char text[400];
	struct lb_conf conf;

	memset(text, '1', sizeof(text) - 1);
	memcpy(text, "v tcp:10.0.0.5:80 b ", 20);
	EXPECT_EQ(-EINVAL, read_args(&conf, text));
	EXPECT_TRUE(matches("--backend 1111*", errors));
	memcpy(text, "v ", 2);
	memset(text + 2, '1', sizeof(text) - 3);
	EXPECT_EQ(-EINVAL, read_args(&conf, text));
	EXPECT_TRUE(matches("--vip 1111*", errors));
}

TEST(many_args)
{
	static char names[SPECS_MAX][24];
	struct lb_conf conf;
	unsigned int i;

	forget();
	for (i = 0; i < 4098; i++) {
		specs[i].is_vip = !i;
		specs[i].text = names[i];
		snprintf(names[i], sizeof(names[i]), "%s10.%u.%u.1:80", i ? "" : "tcp:", i / 200,
			 i % 200);
	}
	EXPECT_EQ(0, lb_conf_args(&conf, specs, 4097, NULL, 0));
	EXPECT_EQ(4096, conf.vips[0].n_backends);
	lb_conf_free(&conf);
	EXPECT_EQ(-EINVAL, lb_conf_args(&conf, specs, 4098, NULL, 0));
	EXPECT_STREQ("1 service with 4097 backends, and there can be 1024 with 4096", errors);
}

/* The rules for "snat" in a file are those for --snat, too. */
TEST(snat)
{
	struct lb_addr snat[2] = {};
	struct lb_conf conf;

	forget();
	specs[0] = (struct lb_conf_spec) { .is_vip = true, .text = "tcp:10.0.0.5:80" };
	specs[1] = (struct lb_conf_spec) { .text = "10.0.0.2" };
	ASSERT_EQ(0, lb_parse_addr("10.0.0.240", &snat[0]));
	ASSERT_EQ(0, lb_parse_addr("10.0.0.241", &snat[1]));
	ASSERT_EQ(0, lb_conf_args(&conf, specs, 2, snat, 2));
	EXPECT_EQ(2, conf.n_snat);
	EXPECT_EQ(0, memcmp(snat, conf.snat, sizeof(snat)));
	lb_conf_free(&conf);
	snat[1] = snat[0];
	EXPECT_EQ(-EINVAL, lb_conf_args(&conf, specs, 2, snat, 2));
	EXPECT_STREQ("10.0.0.240 is given twice", errors);
	forget();
	ASSERT_EQ(0, lb_parse_addr("fd00::240", &snat[0]));
	EXPECT_EQ(-EINVAL, lb_conf_args(&conf, specs, 2, snat, 1));
	EXPECT_NE(NULL, strstr(errors, "is nat and IPv4, and snat has no such address"));
}

TEST(instance_names)
{
	EXPECT_TRUE(lb_is_instance_name("lb0"));
	EXPECT_TRUE(lb_is_instance_name("A-_9"));
	EXPECT_FALSE(lb_is_instance_name(""));
	EXPECT_FALSE(lb_is_instance_name("a.b"));
	EXPECT_FALSE(lb_is_instance_name("../x"));
	EXPECT_FALSE(lb_is_instance_name("a:b"));
	EXPECT_TRUE(lb_is_instance_name("0123456789012345678901234567890"));
	EXPECT_FALSE(lb_is_instance_name("01234567890123456789012345678901"));
}

TEST_HARNESS_MAIN
