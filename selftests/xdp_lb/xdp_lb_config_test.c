// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how samples/xdp_lb reads its configuration file: what is valid, what only
 * causes a warning, and that any file is valid or an error. No BPF, no root.
 */
#include "lib/net.h"
#include "lib/util.h"
#include "test_harness.h"
#include "test_rand.h"
#include "xdp_lb_config_fixture.h"
#include "parts/xdp_lb/ring/ring.h"

/* The address, as text, must be @wanted. */
static void expect_addr(struct __test_metadata *_metadata, const char *wanted,
			const struct lb_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	EXPECT_STREQ(wanted, sample_addr(addr->a, text));
}

TEST_F(conf, all_keys)
{
	const struct lb_conf *conf = &self->conf;
	const struct lb_vip_conf *web, *dns;

	ASSERT_EQ(0, read_text_of(self, valid, strlen(valid)))
		TH_LOG("%s", errors);
	EXPECT_STREQ("", infos);
	EXPECT_STREQ("lb0", conf->name);
	EXPECT_EQ(1, conf->n_ifnames);
	EXPECT_STREQ("eth0", conf->ifnames[0]);
	EXPECT_EQ(LB_MODE_AUTO, conf->mode);
	EXPECT_EQ(65537, conf->table_size);
	EXPECT_EQ(20261122, conf->seed);
	EXPECT_EQ(1048576, conf->connections);
	EXPECT_EQ(1, conf->n_snat);
	expect_addr(_metadata, "10.0.0.240", &conf->snat[0]);
	ASSERT_EQ(2, conf->n_vips);

	web = &conf->vips[0];
	EXPECT_STREQ("web", web->name);
	expect_addr(_metadata, "192.0.2.10", &web->addr);
	EXPECT_EQ(80, web->port);
	EXPECT_EQ(IPPROTO_TCP, web->proto);
	EXPECT_EQ(LB_NAT, web->forward);
	EXPECT_EQ(LB_CHECK_HTTP, web->check.type);
	EXPECT_STREQ("/healthz", web->check.path);
	EXPECT_STREQ("", web->check.host);
	EXPECT_EQ(2000, web->check.interval_ms);
	EXPECT_EQ(900, web->check.timeout_ms);
	EXPECT_EQ(4, web->check.rise);
	EXPECT_EQ(5, web->check.fall);
	ASSERT_EQ(2, web->n_backends);
	EXPECT_STREQ("a", web->backends[0].name);
	expect_addr(_metadata, "10.0.0.11", &web->backends[0].addr);
	EXPECT_EQ(8080, web->backends[0].port);
	EXPECT_EQ(1, web->backends[0].weight);
	EXPECT_STREQ("b", web->backends[1].name);
	EXPECT_EQ(8081, web->backends[1].port);
	EXPECT_EQ(2, web->backends[1].weight);

	/* The second service has the defaults. */
	dns = &conf->vips[1];
	EXPECT_STREQ("udp:192.0.2.53:53", dns->name);
	EXPECT_EQ(IPPROTO_UDP, dns->proto);
	EXPECT_EQ(LB_NAT, dns->forward);
	EXPECT_EQ(LB_CHECK_NONE, dns->check.type);
	EXPECT_STREQ("10.0.0.21:53", dns->backends[0].name);
	EXPECT_EQ(53, dns->backends[0].port);
	EXPECT_EQ(0, dns->backends[0].weight);
	EXPECT_STREQ("10.0.0.22:5353", dns->backends[1].name);
	EXPECT_EQ(1, dns->backends[1].weight);
	lb_conf_free(&self->conf);
}

TEST_F(conf, host_of_a_check)
{
	ASSERT_EQ(0, read_edited(self, "path: /healthz", "host: www.example.org:8080"));
	EXPECT_STREQ("www.example.org:8080", self->conf.vips[0].check.host);
	EXPECT_STREQ("/", self->conf.vips[0].check.path);
	lb_conf_free(&self->conf);
}

TEST_F(conf, defaults)
{
	static const char text[] =
		"interfaces:\n- eth0\n- eth1.5\nvips:\n"
		"- address: 2001:db8::10\n  port: 443\n  backends:\n  - address: fd00::2\n"
		"- address: 2001:db8::10\n  port: 0\n  backends:\n  - address: fd00::2\n"
		"- address: 2001:db8::11\n  port: 1\n  check: { interval_ms: 500 }\n"
		"  backends:\n  - address: fd00::2\n";
	const struct lb_conf *conf = &self->conf;
	const struct lb_check *check;

	ASSERT_EQ(0, read_text_of(self, text, strlen(text)))
		TH_LOG("%s", errors);
	EXPECT_STREQ("", infos);
	EXPECT_STREQ("lb0", conf->name);
	EXPECT_EQ(2, conf->n_ifnames);
	EXPECT_STREQ("eth1.5", conf->ifnames[1]);
	EXPECT_EQ(LB_MODE_AUTO, conf->mode);
	EXPECT_EQ(65537, conf->table_size);
	EXPECT_EQ(20261122, conf->seed);
	EXPECT_EQ(1048576, conf->connections);
	EXPECT_EQ(0, conf->n_snat);
	ASSERT_EQ(3, conf->n_vips);
	EXPECT_STREQ("tcp:[2001:db8::10]:443", conf->vips[0].name);
	EXPECT_STREQ("[fd00::2]:443", conf->vips[0].backends[0].name);
	EXPECT_EQ(443, conf->vips[0].backends[0].port);
	EXPECT_EQ(0, conf->vips[1].backends[0].port);
	check = &conf->vips[0].check;
	EXPECT_EQ(LB_CHECK_TCP, check->type);
	EXPECT_EQ(2000, check->interval_ms);
	EXPECT_EQ(1000, check->timeout_ms);
	EXPECT_EQ(2, check->rise);
	EXPECT_EQ(3, check->fall);
	EXPECT_STREQ("/", check->path);
	EXPECT_EQ(LB_CHECK_NONE, conf->vips[1].check.type);
	check = &conf->vips[2].check;
	EXPECT_EQ(LB_CHECK_TCP, check->type);
	EXPECT_EQ(500, check->interval_ms);
	EXPECT_EQ(500, check->timeout_ms);
	lb_conf_free(&self->conf);
}

/* The example that people start from. */
TEST_F(conf, example)
{
	char path[PATH_MAX] = "";

	/* The sources are beside the tests, unless these were built elsewhere (O=). */
	ASSERT_LT(0, readlink("/proc/self/exe", path, sizeof(path) - 64));
	*strrchr(path, '/') = '\0';
	strcat(path, "/../../samples/xdp_lb.yaml");
	if (access(path, R_OK))
		SKIP(return, "the sources are not here");
	ASSERT_EQ(0, lb_conf_read(&self->conf, path))
		TH_LOG("%s", errors);
	EXPECT_STREQ("", infos);
	EXPECT_EQ(4, self->conf.n_vips);
	lb_conf_free(&self->conf);
}

/* Other valid ways to write the file. */
TEST_F(conf, variants)
{
	static const char * const edits[][2] = {
		{ "seed: 20261122", "seed: 0xffffffffffffffff" },
		{ "seed: 20261122", "seed: 0" },
		{ "port: 80\n", "port: '80'\n" },
		{ "port: 80\n", "port:\n      80\n" },
		{ "name: web", "name: tcp:[2001:db8::1]:80_-." },
		{ "name: lb0", "name: A_b-9" },
		{ "snat: [10.0.0.240]\n", "snat: []\n" },
		{ "snat: [10.0.0.240]\n", "" },
		{ "mode: auto", "mode: tc" },
		{ "name: lb0\n", "\357\273\277name: lb0\n" },
		{ "name: lb0\n", "--- # configuration\nname: lb0\n" },
		{ "port: 5353\n", "port: 5353\n...\n" },
		{ "address: 10.0.0.12, port: 8081", "address: 10.0.0.11, port: 8081" },
		{ "type: http, path: /healthz", "type: tcp" },
		{ "path: /healthz", "host: www.example.org:8080" },
		{ "path: /healthz", "host: '[fd00::1]:80'" },
		{ "type: http, path: /healthz", "type: none" },
		{ "protocol: udp", "protocol: udp\n    check: { type: tcp }" },
		{ "forward: nat", "forward: dnat" },
		{ "  - address: 192.0.2.53", "  - address: 192.0.2.10" },
		{ "192.0.2.53\n    port: 53", "192.0.2.10\n    port: 80" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(edits); i++) {
		EXPECT_EQ(0, read_edited(self, edits[i][0], edits[i][1]))
			TH_LOG("%s: %s", edits[i][1], errors);
		EXPECT_STREQ("", infos);
		lb_conf_free(&self->conf);
	}
}

TEST_F(conf, carriage_returns)
{
	char *to = self->text;
	const char *from;

	for (from = valid; *from; from++) {
		if (*from == '\n')
			*to++ = '\r';
		*to++ = *from;
	}
	ASSERT_EQ(0, read_text_of(self, self->text, to - self->text))
		TH_LOG("%s", errors);
	EXPECT_STREQ("web", self->conf.vips[0].name);
	lb_conf_free(&self->conf);
}

TEST_F(conf, connections_are_taken_as_given)
{
	static const struct {
		const char *text;
		__u32 value;
	} cases[] = {
		{ "connections: 16\n", 16 }, { "connections: 17\n", 17 },
		{ "connections: 1000000\n", 1000000 }, { "connections: 8388607\n", 8388607 },
		{ "connections: 8388608\n", 1 << 23 }, { "connections: 0x11\n", 17 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, read_edited(self, "connections: 1048576\n", cases[i].text));
		EXPECT_EQ(cases[i].value, self->conf.connections);
		lb_conf_free(&self->conf);
	}
}

TEST_F(conf, forward_modes)
{
	static const char text[] =
		"interfaces: [eth0]\nvips:\n"
		"- { address: 192.0.2.1, port: 80, forward: dsr, backends: [{ address: 10.0.0.2 }] }\n"
		"- { address: 192.0.2.2, port: 80, forward: ipip,\n"
		"    backends: [{ address: 10.0.0.2 }, { address: fd00::2 }] }\n"
		"- { address: 2001:db8::1, port: 80, forward: ipip,\n"
		"    backends: [{ address: 10.0.0.2 }, { address: fd00::2 }] }\n"
		"- { address: 192.0.2.3, port: 80, forward: dnat,\n"
		"    backends: [{ address: 10.0.0.2, port: 81 }] }\n"
		"- { address: 192.0.2.4, port: 80, forward: dnat, backends: [{ address: 10.0.0.2 }] }\n"
		"- { address: 192.0.2.5, port: 80, protocol: udp, forward: dnat,\n"
		"    backends: [{ address: 10.0.0.2 }] }\n";
	static const __u8 wanted[] = { LB_DSR, LB_IPIP, LB_IPIP, LB_DNAT, LB_DNAT, LB_DNAT };
	unsigned int i;

	ASSERT_EQ(0, read_text_of(self, text, strlen(text)))
		TH_LOG("%s", errors);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		EXPECT_EQ(wanted[i], self->conf.vips[i].forward);
	lb_conf_free(&self->conf);
}

TEST_F(conf, aliases)
{
	static const char text[] =
		"interfaces: [eth0]\nvips:\n"
		"- address: 192.0.2.1\n  port: &port 80\n"
		"  check: &check { interval_ms: 3000 }\n"
		"  backends: &both\n  - &first { address: &addr 10.0.0.2 }\n  - address: 10.0.0.3\n"
		"- { address: 192.0.2.2, port: *port, check: *check, backends: *both }\n"
		"- { address: 192.0.2.3, port: *port, check: *check,\n"
		"    backends: [{ address: *addr, port: 81 }, *first] }\n";
	const struct lb_conf *conf = &self->conf;
	unsigned int i;

	ASSERT_EQ(0, read_text_of(self, text, strlen(text)))
		TH_LOG("%s", errors);
	ASSERT_EQ(3, conf->n_vips);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(80, conf->vips[i].port);
		EXPECT_EQ(3000, conf->vips[i].check.interval_ms);
		ASSERT_EQ(2, conf->vips[i].n_backends);
	}
	EXPECT_STREQ("10.0.0.3:80", conf->vips[1].backends[1].name);
	EXPECT_STREQ("10.0.0.2:81", conf->vips[2].backends[0].name);
	EXPECT_STREQ("10.0.0.2:80", conf->vips[2].backends[1].name);
	lb_conf_free(&self->conf);
}

/* --- warnings ---------------------------------------------------------------------------- */

#define TABLE_SIZE_WARNING(vip)	\
	"lb.yaml:4: table_size: warning: 199 is less than 100 for each of the 2 backends of " \
	vip ", whose shares will be uneven; 211 is enough"

TEST_F(conf, warnings)
{
	ASSERT_EQ(0, read_edited(self, "65537", "199"));
	EXPECT_STREQ(TABLE_SIZE_WARNING("web") "\n" TABLE_SIZE_WARNING("udp:192.0.2.53:53"), infos);
	lb_conf_free(&self->conf);
	/* A single backend gets the whole table, however small it is. */
	snprintf(self->text, sizeof(self->text), "%s", valid);
	*strstr(self->text, "  - address: 192.0.2.53") = '\0';
	ASSERT_EQ(0, edit(self, "65537", "11"));
	ASSERT_EQ(0, edit(self, "      - { name: b, address: 10.0.0.12, port: 8081, weight: 2 }\n",
			  ""));
	ASSERT_EQ(0, read_text_of(self, self->text, strlen(self->text)));
	EXPECT_STREQ("", infos);
	lb_conf_free(&self->conf);
	ASSERT_EQ(0, read_edited(self, "port: 5353\n", "weight: 0\n"));
	EXPECT_TRUE(matches("lb.yaml:22: vips[1].backends: warning: all weights are 0: *", infos));
	lb_conf_free(&self->conf);

	snprintf(self->text, sizeof(self->text), "%s", valid);
	*strstr(self->text, "  - address: 192.0.2.53") = '\0';
	ASSERT_EQ(0, edit(self, "forward: nat", "forward: dnat"));
	ASSERT_EQ(0, read_text_of(self, self->text, strlen(self->text)));
	EXPECT_STREQ("lb.yaml:7: snat: warning: no service has forward: nat, which alone needs it",
		     infos);
	lb_conf_free(&self->conf);
	EXPECT_STREQ("", errors);
}

/* --- limits ------------------------------------------------------------------------------ */

/* A file of @n_vips services with @n_backends backends each. */
static char *make_large(unsigned int n_vips, unsigned int n_backends, size_t *len)
{
	FILE *file;
	unsigned int i, j;
	char *text;

	file = open_memstream(&text, len);
	if (!file)
		return NULL;
	fprintf(file, "interfaces: [eth0]\ntable_size: 1048573\nvips:\n");
	for (i = 0; i < n_vips; i++) {
		fprintf(file, "  - name: service-%u\n    address: 2001:db8:1:2:3:4:5:%x\n", i, i);
		fprintf(file, "    port: 443\n    protocol: tcp\n    backends:\n");
		for (j = 0; j < n_backends; j++)
			fprintf(file, "      - { name: backend-%u, address: fd00:1:2:3:4:5:6:%x%s",
				j, j, ", port: 8443, weight: 100 }\n");
	}
	fclose(file);
	return text;
}

TEST_F(conf, limits)
{
	static const struct {
		unsigned int n_vips;
		unsigned int n_backends;
		int err;
		const char *error;
	} cases[] = {
		{ 1024, 4, 0, "" },
		{ 1, 4096, 0, "" },
		{ 1025, 1, -EINVAL, "lb.yaml:3: vips: 1025, and there can be 1024" },
		{ 1, 4097, -EINVAL, "lb.yaml:8: vips[0].backends: 4097, and there can be 4096" },
		{ 2, 2049, -EINVAL,
		  "lb.yaml:2062: vips[1].backends: more than 4096 backends of all services together"
		},
		{ 30000, 1, -EINVAL, "lb.yaml: larger than 2048 KiB" },
	};
	unsigned int i;
	size_t len;
	char *text;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		text = make_large(cases[i].n_vips, cases[i].n_backends, &len);
		ASSERT_NE(NULL, text);
		EXPECT_EQ(cases[i].err, read_text_of(self, text, len));
		EXPECT_STREQ(cases[i].error, errors);
		free(text);
		if (!cases[i].err)
			EXPECT_EQ(cases[i].n_vips, self->conf.n_vips);
		lb_conf_free(&self->conf);
	}
}

/* Files that could cost libyaml, or the code that follows aliases, far more than their size. */
TEST_F(conf, cost_is_bounded)
{
	static const char * const repeated[] = { "[", "{", "- ", "? ", "{a: ", "[a,", "- &a\n" };
	enum { LEN = 2000000 };
	char *text = malloc(LEN + 4096);
	unsigned int i, j;
	size_t len;

	ASSERT_NE(NULL, text);
	for (i = 0; i < ARRAY_SIZE(repeated); i++) {
		for (len = 0; len < LEN; len += strlen(repeated[i]))
			memcpy(text + len, repeated[i], strlen(repeated[i]));
		EXPECT_EQ(-EINVAL, read_text_of(self, text, len));
		EXPECT_STRNE("", errors);
	}

	for (len = 0, j = 0; len < LEN; j++)
		len += sprintf(text + len, "- &a%u\n", j);
	EXPECT_EQ(-EINVAL, read_text_of(self, text, len));
	EXPECT_STREQ("lb.yaml:4097: more than 4096 are marked with &NAME", errors);

	/* A service of 4000 backends, and 1000 aliases of it. */
	len = sprintf(text, "interfaces: [e]\nvips:\n");
	len += sprintf(text + len, "- &v { address: 1.1.1.1, port: 1, backends: [");
	for (j = 0; j < 4000; j++)
		len += sprintf(text + len, "{ address: 2.2.%u.%u },\n", j / 200, j % 200 + 1);
	len += sprintf(text + len, "] }\n");
	for (j = 0; j < 1000; j++)
		len += sprintf(text + len, "- *v\n");
	EXPECT_EQ(-EINVAL, read_text_of(self, text, len));
	EXPECT_TRUE(matches("lb.yaml:3: vips[1].backends: more than 4096 backends *", errors));
	free(text);
}

/* --- any file is valid or an error ------------------------------------------------------- */

static void valid_or_error(struct __test_metadata *_metadata, struct _test_data_conf *self,
			   const char *text, size_t len)
{
	int err = read_text_of(self, text, len);
	unsigned int i;

	if (err) {
		ASSERT_EQ(-EINVAL, err);
		ASSERT_EQ(0, strncmp("lb.yaml:", errors, strlen("lb.yaml:")))
			TH_LOG("%s", errors);
		/* One line, without characters that control a terminal. */
		for (i = 0; errors[i]; i++)
			ASSERT_TRUE(errors[i] >= ' ' && errors[i] < 127);
		ASSERT_STRNE("", hints);
		ASSERT_EQ(NULL, self->conf.vips);
		return;
	}
	ASSERT_STREQ("", errors);
	ASSERT_LE(1, self->conf.n_ifnames);
	ASSERT_LE(1, self->conf.n_vips);
	ASSERT_TRUE(lb_is_prime(self->conf.table_size));
	ASSERT_LE(16, self->conf.connections);
	for (i = 0; i < self->conf.n_vips; i++)
		ASSERT_LE(1, self->conf.vips[i].n_backends);
	lb_conf_free(&self->conf);
}

TEST_F(conf, truncations)
{
	size_t len;

	for (len = 0; len <= strlen(valid); len++)
		valid_or_error(_metadata, self, valid, len);
}

static const char fuzz_base[] =
	"interfaces: [eth0]\nvips:\n"
	"- &v { address: 192.0.2.1, port: &p 80, check: &c { interval_ms: 3000 },\n"
	"    backends: &b [&f { address: &a 10.0.0.2 }, { address: 10.0.0.3, weight: 0x2 }] }\n"
	"- { address: 2001:db8::2, port: *p, check: *c, backends: [{ address: fd00::1 }] }\n"
	"- address: 192.0.2.3\n  port: 0\n  protocol: udp\n  backends: *b\n"
	"- address: 192.0.2.4\n  port: *p\n  forward: dnat\n"
	"  backends: [{ address: *a, port: 81 }, *f]\n";

/* Change a byte, copy some bytes to elsewhere, or remove some: one to three times. */
static size_t mutate(char *text, size_t len, __u64 *rand)
{
	static const char special[] = "\n\t :-,[]{}&*!|>'\"%@#?0x~.";
	unsigned int n = 1 + test_below(rand, 3);
	size_t from, to, some;

	for (; n; n--) {
		to = test_below(rand, len);
		from = test_below(rand, len);
		some = test_below(rand, 24);
		switch (test_below(rand, 4)) {
		case 0:
			text[to] = test_rand(rand);
			break;
		case 1:
			text[to] = special[test_below(rand, sizeof(special) - 1)];
			break;
		case 2:
			if (from + some <= len && to + some <= len)
				memmove(text + to, text + from, some);
			break;
		default:
			if (to + some < len) {
				memmove(text + to, text + to + some, len - to - some);
				len -= some;
			}
			break;
		}
	}
	return len;
}

TEST_F(conf, mutations)
{
	static const char * const bases[] = { valid, fuzz_base };
	enum { ROUNDS = 4000 };
	__u64 rand = test_seed();
	unsigned int i, n_valid = 0;
	size_t len;

	for (i = 0; i < ROUNDS; i++) {
		const char *base = bases[i % ARRAY_SIZE(bases)];

		len = snprintf(self->text, sizeof(self->text), "%s", base);
		len = mutate(self->text, len, &rand);
		valid_or_error(_metadata, self, self->text, len);
		n_valid += !*errors;
	}
	/* Both valid files and errors must have come up. */
	EXPECT_LT(ROUNDS / 100, n_valid);
	EXPECT_GT(ROUNDS - ROUNDS / 100, n_valid);
}

TEST_HARNESS_MAIN
