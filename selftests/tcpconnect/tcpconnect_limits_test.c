// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tcpconnect_kern.c: full maps, filters, and the program that updates the
 * ports of pending attempts.
 */
#include "tcpconnect_run.h"

static void test_map_full(struct __test_metadata *_metadata,
			  struct _test_data_tcpconnect *self)
{
	int fds[3], i;

	ASSERT_EQ(0, bpf_map__set_max_entries(self->skel->maps.tcpconnect_pending, 1));
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 3; i++) {
		fds[i] = tcp_socket(HOLE, SOCK_NONBLOCK);
		ASSERT_EQ(EINPROGRESS, connect_to(fds[i], HOLE, 80 + i));
	}
	EXPECT_EQ(2, counter(self, TCPCONNECT_UNTRACKED));
	for (i = 0; i < 3; i++)
		close(fds[i]);
	expect_events(_metadata, self, 1);
	EXPECT_EQ(80, ntohs(self->events[0].dport));
}

TEST_F(tcpconnect, map_full)
{
	each_backend(_metadata, self, test_map_full);
}

static void test_table_full(struct __test_metadata *_metadata,
			    struct _test_data_tcpconnect *self)
{
	const struct tcpconnect_row *none = NULL;
	struct tcpconnect_cells cells;
	struct tcpconnect_row row;
	int fd, i, map;

	self->skel->rodata->table = true;
	ASSERT_EQ(0, bpf_map__set_max_entries(self->skel->maps.tcpconnect_table, 1));
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 4; i++) {
		fd = tcp_socket("127.0.0.1", 0);
		connect_to(fd, "127.0.0.1", i < 3 ? CLOSED_PORT : OPEN_PORT);
		close(fd);
	}
	EXPECT_EQ(1, counter(self, TCPCONNECT_NO_ROW));
	map = bpf_map__fd(self->skel->maps.tcpconnect_table);
	ASSERT_EQ(0, bpf_map_get_next_key(map, none, &row));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &row, &cells));
	EXPECT_EQ(3, cells.connects);
	EXPECT_EQ(3, cells.failed);
	EXPECT_EQ(0, row.sport);
	EXPECT_EQ(CLOSED_PORT, ntohs(row.dport));
}

TEST_F(tcpconnect, table_full)
{
	each_backend(_metadata, self, test_table_full);
}

/* Each attempt counts as filtered, whatever its result is. */
static void test_filtered_out(struct __test_metadata *_metadata,
			      struct _test_data_tcpconnect *self)
{
	int fd, i;

	self->skel->rodata->filter.n_ports = 1;
	self->skel->rodata->filter.ports[0] = htons(9);
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 3; i++) {
		fd = tcp_socket("127.0.0.1", 0);
		connect_to(fd, i ? "127.0.0.1" : "203.0.113.1", i < 2 ? CLOSED_PORT : OPEN_PORT);
		close(fd);
	}
	expect_events(_metadata, self, 0);
	EXPECT_LE(3, counter(self, TCPCONNECT_FILTERED));
	EXPECT_EQ(0, counter(self, TCPCONNECT_OK) + counter(self, TCPCONNECT_FAILED));
}

TEST_F(tcpconnect, filtered_out)
{
	each_backend(_metadata, self, test_filtered_out);
}

/* refresh ignores keys that are no socket or no pending attempt. */
static void test_refresh(struct __test_metadata *_metadata,
			 struct _test_data_tcpconnect *self)
{
	__u64 keys[] = { 0, 1, ~0ULL, 0xffff888000000000ULL, 0xdeadbeefdeadbeefULL };
	struct tcpconnect_attempt attempt = {};
	int prog, sock, map;
	unsigned int i;
	__u64 key;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &key, .ctx_size_in = sizeof(key));
	if (!start(_metadata, self))
		return;
	prog = bpf_program__fd(self->skel->progs.refresh);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		key = keys[i];
		EXPECT_EQ(0, bpf_prog_test_run_opts(prog, &opts));
	}
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));

	/* For a pending socket, refresh writes the local port into the map. */
	map = bpf_map__fd(self->skel->maps.tcpconnect_pending);
	sock = tcp_socket(HOLE, SOCK_NONBLOCK);
	ASSERT_EQ(EINPROGRESS, connect_to(sock, HOLE, 80));
	ASSERT_EQ(0, bpf_map_get_next_key(map, NULL, &key));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &attempt));
	attempt.ev.sport = 0;
	ASSERT_EQ(0, bpf_map_update_elem(map, &key, &attempt, BPF_EXIST));
	EXPECT_EQ(0, bpf_prog_test_run_opts(prog, &opts));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &attempt));
	EXPECT_EQ(local_port(sock), attempt.ev.sport);
	close(sock);
}

TEST_F(tcpconnect, refresh)
{
	each_backend(_metadata, self, test_refresh);
}

TEST_HARNESS_MAIN
