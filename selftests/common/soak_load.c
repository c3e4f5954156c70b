// SPDX-License-Identifier: GPL-2.0
/*
 * Load generator and UDP server for selftests/common/soak.sh; not a test.
 *
 *	soak_load serve NAME PORT		answers datagrams with NAME
 *	soak_load ask SEED PORT ADDRESS...	asks until it gets SIGTERM
 *
 * "ask" starts three processes for each address: HTTP with a connection for each request,
 * HTTP with several requests on each connection, and UDP with several requests on each
 * socket. They print a line for each request, with times in seconds since 1970:
 *
 *	KIND-FAMILY OPENED SENT DONE ANSWER
 *
 * ANSWER is the name of the server that has answered, or "lost:" and the reason. OPENED is when
 * the connection (for UDP, the socket) was made. soak/judge.awk decides whether the load
 * balancer is to blame.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/types.h>

enum kind {
	KIND_CLOSE,
	KIND_KEEP,
	KIND_UDP,
	__KIND_MAX,
};

enum {
	/* Connections are short, so that soak.sh need not wait long when it drains a backend. */
	REQUESTS_MAX = 30,
	PAUSE_MAX_US = 30000,
	/* TCP retransmits a SYN after 1, 3 and 7 seconds; nothing retransmits UDP. */
	TCP_TIMEOUT_S = 15,
	UDP_TIMEOUT_S = 5,
	WORKERS_MAX = 30,
	/* Each UDP request has a number, so that a late answer to another one is recognised. */
	NUMBER_LEN = 8,
	/* UDP sockets use these ports in turn: more ports than sockets are made in 180 s. */
	UDP_PORT = 20000,
	UDP_PORTS = 10000,
};

static const char *const kind_names[__KIND_MAX] = { "close", "keep", "udp" };

/**
 * struct worker - a process that sends requests
 * @kind: kind of requests
 * @addr: address of the service
 * @seed: random seed for pauses and for the number of requests on each connection
 * @fd: connection, or -1
 * @opened: time when the connection was made, in seconds since 1970
 * @asked: number of requests so far
 * @sockets: number of UDP sockets so far
 * @buf: the last answer, as a string
 */
struct worker {
	enum kind kind;
	struct addrinfo *addr;
	unsigned int seed;
	int fd;
	double opened;
	unsigned int asked;
	unsigned int sockets;
	char buf[4096];
};

/*
 * Signals that end the program. They stay blocked, so that a request under way can finish: with
 * SO_RCVTIMEO a signal would make read() fail with EINTR, even with SA_RESTART.
 */
static sigset_t stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

static bool is_stopped(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGTERM) || sigismember(&set, SIGINT);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static struct addrinfo *resolve(const char *host, const char *port, int type, int flags)
{
	const struct addrinfo hints = {
		.ai_socktype = type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | flags,
		.ai_family = host ? AF_UNSPEC : AF_INET6,
	};
	struct addrinfo *addr;
	int error = getaddrinfo(host, port, &hints, &addr);

	if (error)
		errx(2, "%s port %s: %s", host ?: "any", port, gai_strerror(error));
	return addr;
}

/* --- a connection ---------------------------------------------------------------------- */

static void close_connection(struct worker *worker)
{
	if (worker->fd >= 0)
		close(worker->fd);
	worker->fd = -1;
}

/*
 * Binds a UDP socket to the next port. If a new socket had the port of one that was closed in
 * the last 180 s, the load balancer would take it for the same flow and send it to the same
 * backend.
 */
static void choose_port(struct worker *worker)
{
	__be16 port = htons(UDP_PORT + worker->sockets++ % UDP_PORTS);
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = port };
	const int only = 1;
	int error;

	setsockopt(worker->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (worker->addr->ai_family == AF_INET6)
		error = bind(worker->fd, (void *)&any6, sizeof(any6));
	else
		error = bind(worker->fd, (void *)&any4, sizeof(any4));
	if (error)
		err(1, "failed to bind");
}

/* Returns NULL, or what went wrong. */
static const char *open_connection(struct worker *worker)
{
	const struct addrinfo *addr = worker->addr;
	struct timeval timeout = { .tv_sec = TCP_TIMEOUT_S };

	if (worker->kind == KIND_UDP)
		timeout.tv_sec = UDP_TIMEOUT_S;
	worker->opened = now();
	worker->fd = socket(addr->ai_family, addr->ai_socktype, 0);
	if (worker->fd < 0)
		err(1, "socket");
	setsockopt(worker->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(worker->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (worker->kind == KIND_UDP)
		choose_port(worker);
	return connect(worker->fd, addr->ai_addr, addr->ai_addrlen) ? strerror(errno) : NULL;
}

/* --- requests: each function returns NULL, or what went wrong -------------------------- */

/* True if the body is as long as its Content-Length says. */
static bool is_complete(const char *buf)
{
	const char *length = strstr(buf, "Content-Length: ");
	const char *body = strstr(buf, "\r\n\r\n");

	return body && length && length < body &&
	       strlen(body + 4) >= strtoul(length + 16, NULL, 10);
}

static const char *read_http(struct worker *worker)
{
	size_t have = 0;
	ssize_t n;

	worker->buf[0] = 0;
	while (!is_complete(worker->buf)) {
		n = read(worker->fd, worker->buf + have, sizeof(worker->buf) - 1 - have);
		if (n < 0)
			return strerror(errno);
		if (!n)
			return "closed";
		have += n;
		worker->buf[have] = 0;
	}
	return strncmp(worker->buf, "HTTP/1.1 200 ", 13) ? "no 200" : NULL;
}

static const char *ask_http(struct worker *worker)
{
	char request[100];
	int len = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: soak\r\n%s\r\n",
			   worker->kind == KIND_CLOSE ? "Connection: close\r\n" : "");

	if (write(worker->fd, request, len) != len)
		return strerror(errno);
	return read_http(worker);
}

static const char *ask_udp(struct worker *worker)
{
	char number[NUMBER_LEN + 1];
	ssize_t n;

	snprintf(number, sizeof(number), "%08x", worker->asked);
	if (write(worker->fd, number, NUMBER_LEN) != NUMBER_LEN)
		return strerror(errno);
	do {
		n = read(worker->fd, worker->buf, sizeof(worker->buf) - 1);
		if (n < 0)
			return strerror(errno);
		worker->buf[n] = 0;
	} while (strncmp(worker->buf, number, NUMBER_LEN));
	return NULL;
}

/* nginx and the UDP server both answer with "Server name: NAME". */
static const char *server_name(struct worker *worker)
{
	char *name = strstr(worker->buf, "Server name: ");

	if (!name)
		return "?";
	name += strlen("Server name: ");
	name[strcspn(name, "\r\n")] = 0;
	return name;
}

/* Prints a line with one write(), so that lines of several processes do not mix. */
static void tell(struct worker *worker, double sent, const char *error)
{
	char line[200];
	int len = snprintf(line, sizeof(line), "%s-%c %.6f %.6f %.6f %s%s\n",
			   kind_names[worker->kind],
			   worker->addr->ai_family == AF_INET6 ? '6' : '4', worker->opened, sent,
			   now(), error ? "lost:" : "", error ?: server_name(worker));

	if (write(STDOUT_FILENO, line, len) != len)
		err(1, "failed to write");
}

/* Returns true if the connection may be used again. */
static bool ask(struct worker *worker)
{
	const char *error = NULL;
	double sent = now();

	worker->asked++;
	if (worker->fd < 0)
		error = open_connection(worker);
	if (!error)
		error = worker->kind == KIND_UDP ? ask_udp(worker) : ask_http(worker);
	tell(worker, sent, error);
	return !error && worker->kind != KIND_CLOSE;
}

static void work(struct worker *worker)
{
	unsigned int left;

	while (!is_stopped()) {
		left = 1 + rand_r(&worker->seed) % REQUESTS_MAX;
		while (left-- && !is_stopped() && ask(worker))
			usleep(rand_r(&worker->seed) % PAUSE_MAX_US);
		close_connection(worker);
		usleep(rand_r(&worker->seed) % PAUSE_MAX_US);
	}
}

/* --- processes -------------------------------------------------------------------------- */

static pid_t start(enum kind kind, const char *address, const char *port, unsigned int seed)
{
	static struct worker worker;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	worker.kind = kind;
	worker.seed = seed;
	worker.fd = -1;
	worker.addr = resolve(address, port, kind == KIND_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
	work(&worker);
	freeaddrinfo(worker.addr);
	exit(0);
}

static int ask_all(unsigned int seed, const char *port, char **addresses)
{
	const sigset_t set = stop_signals();
	pid_t pids[WORKERS_MAX];
	int status, failed = 0;
	unsigned int i, n = 0;
	enum kind kind;

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	for (; *addresses; addresses++) {
		if (n + __KIND_MAX > WORKERS_MAX)
			errx(2, "too many addresses");
		for (kind = 0; kind < __KIND_MAX; kind++, n++)
			pids[n] = start(kind, *addresses, port, seed + n);
	}
	sigwait(&set, &status);
	for (i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	for (i = 0; i < n; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			failed = 1;
	}
	return failed;
}

static void serve(const char *name, const char *port)
{
	struct addrinfo *addr = resolve(NULL, port, SOCK_DGRAM, AI_PASSIVE);
	int fd = socket(addr->ai_family, addr->ai_socktype, 0);
	struct sockaddr_storage from;
	char buf[200];
	socklen_t len;
	ssize_t n;

	if (fd < 0 || bind(fd, addr->ai_addr, addr->ai_addrlen))
		err(1, "failed to listen at port %s", port);
	freeaddrinfo(addr);
	printf("ready: %s at port %s\n", name, port);
	fflush(stdout);
	while (1) {
		len = sizeof(from);
		n = recvfrom(fd, buf, NUMBER_LEN, 0, (void *)&from, &len);
		if (n < 0)
			continue;
		n += snprintf(buf + n, sizeof(buf) - n, "Server name: %s", name);
		sendto(fd, buf, n, 0, (void *)&from, len);
	}
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "ask"))
		return ask_all(strtoul(argv[2], NULL, 10), argv[3], argv + 4);
	if (argc == 4 && !strcmp(argv[1], "serve") && strlen(argv[2]) < 100)
		serve(argv[2], argv[3]);
	fputs("usage: soak_load serve NAME PORT | ask SEED PORT ADDRESS...\n", stderr);
	return 2;
}
