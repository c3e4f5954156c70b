// SPDX-License-Identifier: GPL-2.0
/*
 * A single health check: a connection or a GET by libcurl, and what its result means.
 *
 * Each check has a connection of its own, which ends with our FIN (health/ending.c) and then
 * is in TIME_WAIT for a minute. To have one of these for each backend, and not one for each
 * check, a check takes the source port of the check before: the kernel lets a connection
 * replace one in TIME_WAIT, if that one had TCP timestamps.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <stdbool.h>
#include "lib/format.h"
#include "parts/xdp_lb/health/probe.h"

enum {
	/* Longest header and body that are read. If the body is longer, its status is enough. */
	HEADER_MAX = 16 * 1024,
	BODY_MAX = 64 * 1024,
	/* Bytes that libcurl reads from a socket at a time. */
	BUFFER_SIZE = 4096,
	URL_MAX = 192,
};

/* --- libcurl asks -------------------------------------------------------------------- */

/* Bind to a port, but to no address: this host may have another address by now. */
static bool take_port(int fd, int family, __u16 port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!port)
		return false;
	if (family == AF_INET)
		return !bind(fd, (struct sockaddr *)&in, sizeof(in));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return !bind(fd, (struct sockaddr *)&in6, sizeof(in6));
}

/*
 * libcurl wants a socket. With a linger time of 0, the connection is reset if the socket is
 * closed before it is connected, or by the end of this process.
 */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct linger linger = { .l_onoff = 1 };
	struct lb_probe *probe = ctx;
	int fd;

	fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, addr->protocol);
	if (fd < 0) {
		/* A kernel without IPv6 has no way to the backend: the check fails. */
		probe->local_err = errno == EAFNOSUPPORT ? 0 : errno;
		return CURL_SOCKET_BAD;
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	probe->bound = take_port(fd, addr->family, probe->port);
	return fd;
}

/* @ctx is not the check: libcurl may close the socket after the check was freed. */
static int on_close(void *ctx, curl_socket_t fd)
{
	lb_endings_add(ctx, fd);
	return 0;
}

/* To return less than @n ends the transfer. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct lb_probe *probe = ctx;

	probe->n_header += n;
	return probe->n_header > HEADER_MAX ? 0 : n;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct lb_probe *probe = ctx;

	probe->n_body += n;
	return probe->n_body > BODY_MAX ? 0 : n;
}

/* --- the request --------------------------------------------------------------------- */

static int set_protocol(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
#else
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP);
#endif
}

/* Set all options on which the environment or an earlier check would have an influence. */
static int set_connection(struct lb_probe *probe, const struct lb_check *check, const char *url)
{
	CURL *easy = probe->easy;
	int err;

	err = set_protocol(easy);
	err |= curl_easy_setopt(easy, CURLOPT_URL, url);
	err |= curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
	err |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	err |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	err |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	err |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	err |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	err |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	err |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	err |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)check->timeout_ms);
	err |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	err |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, probe);
	err |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	err |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, probe->endings);
	if (check->type == LB_CHECK_TCP)
		err |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	return err;
}

static struct curl_slist *make_headers(const struct lb_check *check, const char *endpoint)
{
	char host[sizeof("Host: ") + sizeof(check->host)];
	struct curl_slist *first, *list;

	/* libcurl's own "Host:" leaves out port 80. */
	snprintf(host, sizeof(host), "Host: %s", *check->host ? check->host : endpoint);
	first = curl_slist_append(NULL, host);
	list = first ? curl_slist_append(first, "Connection: close") : NULL;
	if (!list)
		curl_slist_free_all(first);
	return list;
}

static int set_request(struct lb_probe *probe, const struct lb_check *check,
		       const char *endpoint)
{
	CURL *easy = probe->easy;
	int err;

	probe->headers = make_headers(check, endpoint);
	if (!probe->headers)
		return -ENOMEM;
	err = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, probe->headers);
	err |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "netbpf-xdp_lb");
	err |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	err |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	err |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	err |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	err |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	err |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	err |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, probe);
	err |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	err |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, probe);
	return err;
}

/**
 * lb_probe_start() - begin a check
 * @probe: takes the state of the check
 * @multi: handle of libcurl that runs the check
 * @endings: takes the connection when the check is done
 * @target: what to check: LB_CHECK_TCP or LB_CHECK_HTTP
 *
 * Return: 0 or -ENOMEM.
 */
int lb_probe_start(struct lb_probe *probe, CURLM *multi, struct lb_endings *endings,
		   const struct lb_target *target)
{
	bool is_http = target->check.type == LB_CHECK_HTTP;
	char endpoint[SAMPLE_ENDPOINT_LEN], url[URL_MAX];

	sample_endpoint(target->addr.a, htons(target->port), endpoint);
	snprintf(url, sizeof(url), "http://%s%s", endpoint, is_http ? target->check.path : "/");
	*probe = (struct lb_probe) {
		.easy = curl_easy_init(),
		.endings = endings,
		.port = probe->port,
		.takes_no_port = probe->takes_no_port,
	};
	if (probe->easy && !set_connection(probe, &target->check, url) &&
	    !(is_http && set_request(probe, &target->check, endpoint)) &&
	    !curl_multi_add_handle(multi, probe->easy))
		return 0;
	lb_probe_stop(probe, multi);
	return -ENOMEM;
}

/**
 * lb_probe_stop() - end a check that is done, or is to be aborted
 * @probe: the check; may be one that does not run
 * @multi: as for lb_probe_start()
 */
void lb_probe_stop(struct lb_probe *probe, CURLM *multi)
{
	if (probe->easy) {
		curl_multi_remove_handle(multi, probe->easy);
		curl_easy_cleanup(probe->easy);
	}
	curl_slist_free_all(probe->headers);
	probe->easy = NULL;
	probe->headers = NULL;
}

/**
 * lb_probe_of() - the check that a transfer belongs to
 * @easy: the transfer
 *
 * Return: the check.
 */
struct lb_probe *lb_probe_of(CURL *easy)
{
	char *probe = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
	return (void *)probe;
}

/* --- its result ---------------------------------------------------------------------- */

static enum lb_verdict say(char why[LB_WHY_MAX], const char *text)
{
	snprintf(why, LB_WHY_MAX, "%s", text);
	why[0] = tolower((unsigned char)why[0]);
	return LB_BAD;
}

static enum lb_verdict judge_status(const struct lb_probe *probe, char why[LB_WHY_MAX])
{
	long status = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 400)
		return LB_GOOD;
	snprintf(why, LB_WHY_MAX, "HTTP status %ld", status);
	return LB_BAD;
}

static enum lb_verdict judge_error(const struct lb_probe *probe, const struct lb_check *check,
				   int result, char why[LB_WHY_MAX])
{
	long os_err = 0;

	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(why, LB_WHY_MAX, "no answer in %u ms", check->timeout_ms);
		return LB_BAD;
	case CURLE_GOT_NOTHING:
		return say(why, "closed without an answer");
	case CURLE_PARTIAL_FILE:
		return say(why, "answer cut short");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return say(why, "no HTTP answer");
	case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
		/* A line of the header that is longer than libcurl takes. */
		return say(why, "header too long");
	default:
		curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &os_err);
		return say(why, os_err ? strerror(os_err) : curl_easy_strerror(result));
	}
}

/* The next check of this target takes the local port of this check again. */
static void keep_port(struct lb_probe *probe)
{
	long port = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_LOCAL_PORT, &port);
	probe->port = probe->takes_no_port ? 0 : port;
}

/*
 * True if the check failed because its source port was not free. If the check before had this
 * port, the next one gets another. If not, this host has no free port: set local_err.
 */
static bool has_lost_port(struct lb_probe *probe, int result)
{
	long os_err = 0;

	curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &os_err);
	if (result == CURLE_OK || (os_err != EADDRNOTAVAIL && os_err != EADDRINUSE))
		return false;
	if (!probe->bound)
		probe->local_err = os_err;
	probe->takes_no_port = probe->bound;
	probe->port = 0;
	return true;
}

/**
 * lb_probe_judge() - what the end of a check says about the backend
 * @probe: the check; for LB_UNKNOWN, @local_err says why, 0: the next check may go well, and
 *	nothing is to be printed
 * @check: how the backend was checked
 * @result: how the transfer ended, CURLE_*
 * @why: takes the reason for LB_BAD, else ""
 *
 * Return: the verdict.
 */
enum lb_verdict lb_probe_judge(struct lb_probe *probe, const struct lb_check *check,
			       int result, char why[LB_WHY_MAX])
{
	why[0] = '\0';
	if (probe->local_err || has_lost_port(probe, result))
		return LB_UNKNOWN;
	keep_port(probe);
	if (probe->n_header > HEADER_MAX)
		return say(why, "header too long");
	if (result == CURLE_OK && check->type == LB_CHECK_TCP)
		return LB_GOOD;
	if (result == CURLE_OK || probe->n_body > BODY_MAX)
		return judge_status(probe, why);
	return judge_error(probe, check, result, why);
}
