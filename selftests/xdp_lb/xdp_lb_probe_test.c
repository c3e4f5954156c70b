// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a single health check of samples/xdp_lb: which request it sends, and its verdict
 * on servers that work, and on servers that fail in each way there is.
 */
#include "lib/util.h"
#include "test_harness.h"
#include <linux/types.h>
#include "xdp_lb_health_test.h"

/* --- verdicts ------------------------------------------------------------------------ */

#define LINE_80		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define START(status)	"HTTP/1.1 " status "\r\n"
#define EMPTY(status)	START(status) "Content-Length: 0\r\n\r\n"
#define CHUNKED		"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
#define REDIRECT	"Location: http://127.0.0.1:9/\r\n\r\n"
#define CONTINUE	START("100 Continue") "\r\n"

#define TOO_LONG	"header too long"
#define NO_HTTP		"no HTTP answer"
#define NO_ANSWER	"no answer in 300 ms"

/**
 * struct verdict_case - a server, and the verdict that the check must have
 * @name: name of the case
 * @why: why the server is down; NULL: it is up
 * @addr: address of the server; NULL: 127.0.0.1
 * @server: how it answers; in tcp_cases, nobody listens if @server.answer is NULL
 */
struct verdict_case {
	const char *name;
	const char *why;
	const char *addr;
	struct server server;
};

static const struct verdict_case http_cases[] = {
	{ "200", .server.answer = GOOD },
	{ "204", .server.answer = START("204 No Content") "\r\n" },
	{ "299 of HTTP/1.0", .server.answer = "HTTP/1.0 299 Odd\r\n\r\nbody" },
	{ "301 is not followed", .server.answer = START("301 Elsewhere") REDIRECT },
	{ "399", .server.answer = EMPTY("399 Odd") },
	{ "keeps the connection", .server = { .answer = GOOD, .end = END_KEEP } },
	{ "100, then 200", .server.answer = CONTINUE GOOD },
	{ "chunks", .server.answer = START("200 OK") CHUNKED },
	{ "long body", .server = { .answer = START("200 OK") "\r\n", .repeat = LINE_80 } },

	{ "400", "HTTP status 400", .server.answer = EMPTY("400 Bad Request") },
	{ "503", "HTTP status 503", .server.answer = BAD },
	{ "long body of an error", "HTTP status 500",
	  .server = { .answer = START("500 Oops") "\r\n", .repeat = LINE_80 } },

	{ "closes", "closed without an answer", .server.end = END_CLOSE },
	{ "resets", "connection reset by peer", .server.end = END_RESET },
	{ "body cut short", "answer cut short",
	  .server.answer = START("200 OK") "Content-Length: 9\r\n\r\nok" },
	{ "SSH", NO_HTTP, .server.answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n" },
	{ "HTTP/0.9", NO_HTTP, .server.answer = "<html>ok</html>" },
	{ "garbage", NO_HTTP,
	  .server = { .answer = "\x01\x02\x03", .repeat = "\xff\xfe" LINE_80 } },

	{ "endless header", TOO_LONG,
	  .server = { .answer = START("200 OK"), .repeat = "X: " LINE_80 "\r\n" } },
	{ "endless first line", TOO_LONG,
	  .server = { .answer = "HTTP/1.1 200 O", .repeat = LINE_80 } },
	{ "endless line", TOO_LONG,
	  .server = { .answer = START("200 OK") "X: ", .repeat = LINE_80 } },
	{ "100 without end", TOO_LONG, .server = { .answer = CONTINUE, .repeat = CONTINUE } },

	{ "hangs", NO_ANSWER, .server = { .answer = "", .end = END_KEEP } },
	{ "slow", NO_ANSWER, .server = { .answer = GOOD, .drip_ms = 30 } },
	{ "slow body", NO_ANSWER,
	  .server = { .answer = START("200 OK") "\r\n" LINE_80, .drip_ms = 10 } },
};

static const struct verdict_case tcp_cases[] = {
	{ "accepts", NULL, "127.0.0.1", .server.answer = GOOD },
	{ "accepts, IPv6", NULL, "::1", .server.answer = GOOD },
	{ "refuses", "connection refused", .addr = "127.0.0.1" },
	{ "refuses, IPv6", "connection refused", .addr = "::1" },
	{ "nobody there", NO_ANSWER, .addr = HOLE },
	{ "no route", "network is unreachable", .addr = NO_ROUTE },
	{ "unreachable", "no route to host", .addr = UNREACHABLE },
};

/* Each target gets one verdict, the right one, and no other one after that. */
static void check_verdicts(struct __test_metadata *_metadata, struct _test_data_health *self,
			   const struct verdict_case *cases)
{
	__u64 start = test_now_ns();
	unsigned int i;

	run_until(_metadata, self, &self->n_calls, self->n);
	/* No check has waited for the end of an answer without end. */
	EXPECT_GT(start + LONG_MS * MS, test_now_ns());
	run_for(_metadata, self, 500);
	for (i = 0; i < self->n; i++, cases++) {
		EXPECT_EQ(1, self->calls[i])
			TH_LOG("%s", cases->name);
		EXPECT_EQ(!cases->why, self->up[i])
			TH_LOG("%s", cases->name);
		EXPECT_STREQ(cases->why ?: "", self->why[i])
			TH_LOG("%s", cases->name);
	}
}

static void add_case(struct __test_metadata *_metadata, struct _test_data_health *self,
		     const struct verdict_case *which, const struct server *server, __u32 type)
{
	struct lb_target *target;

	target = add_target(_metadata, self, which->addr ?: "127.0.0.1", PORT + self->n, server,
			    which->why);
	target->check.type = type;
	if (which->why && !strcmp(which->why, NO_ANSWER))
		target->check.timeout_ms = SHORT_MS;
}

TEST_F(health, http_verdicts)
{
	struct server elsewhere = { .answer = GOOD };
	unsigned int i;

	ASSERT_EQ(0, start_server(&elsewhere, "127.0.0.1", 9));
	for (i = 0; i < ARRAY_SIZE(http_cases); i++)
		add_case(_metadata, self, &http_cases[i], &http_cases[i].server, LB_CHECK_HTTP);
	set_targets(_metadata, self);
	check_verdicts(_metadata, self, http_cases);
	EXPECT_EQ(0, elsewhere.accepted);
	stop_server(&elsewhere);
}

static void tcp_verdicts(struct __test_metadata *_metadata, struct _test_data_health *self,
			 __u32 type)
{
	const struct server *server;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tcp_cases); i++) {
		server = &tcp_cases[i].server;
		add_case(_metadata, self, &tcp_cases[i], server->answer ? server : NULL, type);
	}
	set_targets(_metadata, self);
	check_verdicts(_metadata, self, tcp_cases);
}

TEST_F(health, tcp_verdicts)
{
	tcp_verdicts(_metadata, self, LB_CHECK_TCP);
	/* These checks connect, and send no request. */
	EXPECT_LE(1, self->servers[0].accepted);
	EXPECT_STREQ("", self->servers[0].request);
}

TEST_F(health, http_without_connection)
{
	tcp_verdicts(_metadata, self, LB_CHECK_HTTP);
}

TEST_F(health, none_is_not_checked)
{
	struct server server = { .answer = GOOD };

	add_target(_metadata, self, "127.0.0.1", PORT, &server, false)->check.type = LB_CHECK_NONE;
	add_target(_metadata, self, "127.0.0.1", PORT + 1, &server, false);
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->calls[1], 1);
	run_for(_metadata, self, 300);
	EXPECT_EQ(0, self->servers[0].accepted);
	EXPECT_EQ(0, self->calls[0]);
}

/* --- the request --------------------------------------------------------------------- */

#define REQUEST(path, host)	"GET " path " HTTP/1.1\r\nHost: " host "\r\n"	\
	"User-Agent: netbpf-xdp_lb\r\nAccept: */*\r\nConnection: close\r\n\r\n"

TEST_F(health, requests)
{
	struct server server = { .answer = GOOD };
	struct lb_target *target;

	add_target(_metadata, self, "127.0.0.1", PORT, &server, false);
	add_target(_metadata, self, "::1", PORT, &server, false);
	target = add_target(_metadata, self, "127.0.0.2", 80, &server, false);
	snprintf(target->check.path, sizeof(target->check.path), "/a/../b?c=d&e=%%20");
	target = add_target(_metadata, self, "::1", 80, &server, false);
	memset(target->check.path, 'p', sizeof(target->check.path) - 1);
	target->check.path[0] = '/';
	target = add_target(_metadata, self, "127.0.0.1", PORT + 1, &server, false);
	snprintf(target->check.host, sizeof(target->check.host), "www.example.org");
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->n_calls, 5);
	EXPECT_STREQ(REQUEST("/healthz", "www.example.org"), self->servers[4].request);
	EXPECT_STREQ(REQUEST("/healthz", "127.0.0.1:8080"), self->servers[0].request);
	EXPECT_STREQ(REQUEST("/healthz", "[::1]:8080"), self->servers[1].request);
	EXPECT_STREQ(REQUEST("/a/../b?c=d&e=%20", "127.0.0.2:80"), self->servers[2].request);
	EXPECT_EQ(strlen(REQUEST("/healthz", "[::1]:80")) + 107 - 8,
		  strlen(self->servers[3].request));
}

/* Neither a proxy from the environment nor the password of a .netrc is used. */
TEST_F(health, environment_does_not_matter)
{
	static const char * const names[] = { "http_proxy", "HTTP_PROXY", "all_proxy",
					      "ALL_PROXY", "https_proxy" };
	char dir[] = "/tmp/health.XXXXXX", path[64];
	struct server server = { .answer = GOOD }, proxy = { .answer = BAD };
	unsigned int i;
	FILE *to;

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.netrc", dir);
	to = fopen(path, "w");
	ASSERT_NE(NULL, to);
	fputs("default login me password secret\n", to);
	fclose(to);
	setenv("HOME", dir, 1);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		setenv(names[i], "http://127.0.0.1:3128", 1);
	unsetenv("no_proxy");
	ASSERT_EQ(0, start_server(&proxy, "127.0.0.1", 3128));
	add_target(_metadata, self, "127.0.0.1", PORT, &server, false);
	add_target(_metadata, self, "127.0.0.1", PORT + 1, &server, false)->check.type =
		LB_CHECK_TCP;
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->n_calls, 2);
	EXPECT_EQ(0, proxy.accepted);
	EXPECT_STREQ(REQUEST("/healthz", "127.0.0.1:8080"), self->servers[0].request);
	stop_server(&proxy);
	unlink(path);
	rmdir(dir);
}

TEST_HARNESS_MAIN
