// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_packets: runs random packets through every program of the samples, by
 * BPF_PROG_TEST_RUN. It compares verdict, bytes, events and counters with a model that has a
 * parser of its own (model.c).
 */
#include <ctype.h>
#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>
#include "fuzz.h"

enum {
	TARGETS_MAX = 32,
	PACKETS = 1000000,
	/* A program that got this many packets must have raised enough counters (@reasons). */
	ALL_REASONS = 20000,
};

static struct fuzz_target *targets[TARGETS_MAX];
static __u32 n_targets;

static int usage(FILE *to)
{
	fprintf(to, "Usage: fuzz_packets [-n N] [-d DIR] [-f DIR] [-r FILE|HEX PROGRAM] [-l]\n\n"
		"Runs random packets through the programs of the samples, and compares what\n"
		"becomes of them with a model.\n\n"
		"  -n N    so many packets, all programs together (default: %d)\n"
		"  -d DIR  write the packet that failed there, as PROGRAM.pcap (default: .)\n"
		"  -f DIR  first, those that are kept there as *.hex\n"
		"  -r WHAT run one packet, of a file (hex or pcap) or given as hex\n"
		"  -l      list the programs\n\n"
		"NETBPF_SEED=N brings the packets of another run back.\n\n"
		"Example: fuzz_packets -n 100000 -f fuzz/fixtures\n", PACKETS);
	return to == stderr ? 2 : 0;
}

static void add_targets(struct fuzz_target *some)
{
	for (; some->name; some++)
		targets[n_targets++] = some;
}

static int load_target(struct fuzz_target *t)
{
	int err = t->prog ? 0 : t->load(t);

	if (err)
		printf("not ok %s: cannot load: %s\n", t->name, strerror(-err));
	return err ? -1 : 0;
}

/* --- packets in files ------------------------------------------------------------------- */

static __u32 read_hex(const char *text, __u8 *data)
{
	__u32 len = 0;
	int used;

	for (; *text; text++) {
		if (*text == '#')
			text += strcspn(text, "\n");
		if (!isxdigit(*text)) {
			if (!*text)
				break;
			continue;
		}
		if (len == FUZZ_LEN_MAX || sscanf(text, "%2hhx%n", &data[len], &used) != 1 ||
		    used != 2)
			return 0;
		len++;
		text++;
	}
	return len;
}

/* Reads the first packet of a pcap file in the byte order of this machine. */
static __u32 read_pcap(const char *bytes, size_t size, __u8 *data)
{
	const __u32 magic = 0xa1b2c3d4;
	__u32 len;

	if (size < 40 || memcmp(bytes, &magic, 4))
		return 0;
	memcpy(&len, bytes + 32, 4);
	if (len > FUZZ_LEN_MAX || size < 40 + len)
		return 0;
	memcpy(data, bytes + 40, len);
	return len;
}

/* Reads a packet from a file, or from @what as hex. Returns its length, or 0 after a message. */
static __u32 read_packet(const char *what, __u8 *data)
{
	static char text[65536];
	FILE *file = fopen(what, "rb");
	size_t size = 0;
	__u32 len;

	if (file) {
		size = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		text[size] = '\0';
	}
	len = read_pcap(text, size, data);
	if (!len)
		len = read_hex(file ? text : what, data);
	if (len < BUILD_MIN) {
		fprintf(stderr, "fuzz_packets: no packet of %d to %d bytes: %s\n", BUILD_MIN,
			FUZZ_LEN_MAX, what);
		return 0;
	}
	return len;
}

static int replay(const char *what, const char *name)
{
	__u8 data[FUZZ_LEN_MAX];
	__u32 i, len = read_packet(what, data);

	if (!len)
		return 2;
	for (i = 0; i < n_targets && strcmp(targets[i]->name, name); i++)
		;
	if (i == n_targets) {
		fprintf(stderr, "fuzz_packets: no such program: %s\n  hint: fuzz_packets -l\n",
			name);
		return 2;
	}
	if (load_target(targets[i]) || fuzz_one(targets[i], data, len) ||
	    fuzz_compare_counts(targets[i]))
		return 1;
	printf("ok %s: %u bytes%s\n", name, len, targets[i]->n_refused ? ", refused" : "");
	return 0;
}

/* --- a run -------------------------------------------------------------------------------- */

static int run_all(const __u8 *data, __u32 len)
{
	__u32 i;

	for (i = 0; i < n_targets; i++) {
		if (fuzz_one(targets[i], data, len))
			return -1;
	}
	return 0;
}

static int run_fixtures(const char *dir)
{
	struct dirent **names;
	int i, err = 0, n = scandir(dir, &names, NULL, alphasort);
	__u8 data[FUZZ_LEN_MAX];
	char path[4096];
	__u32 len, found = 0;

	for (i = 0; i < n; i++) {
		if (!strstr(names[i]->d_name, ".hex") || err)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		len = read_packet(path, data);
		err = !len || run_all(data, len) ? -1 : 0;
		if (err)
			printf("# of %s\n", path);
		found++;
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
	printf("# %u fixtures in %s\n", found, dir);
	return found ? err : -1;
}

static int run_cut(struct build *pkt)
{
	__u32 n, len;

	for (n = 0; make_shape(pkt, n); n++) {
		for (len = BUILD_MIN; len <= pkt->len; len++) {
			if (run_all(pkt->data, len))
				return -1;
		}
	}
	return 0;
}

static int run_random(struct build *pkt, __u64 n)
{
	struct fuzz_target *t;
	__u64 i;

	for (i = 0; i < n; i++) {
		t = targets[i % n_targets];
		make_packet(pkt);
		if (pkt->len <= FUZZ_LEN_MAX && fuzz_one(t, pkt->data, pkt->len))
			return -1;
	}
	return 0;
}

static int report(struct fuzz_target *t)
{
	__u32 i, met = 0;

	if (fuzz_compare_counts(t))
		return -1;
	for (i = 0; i < t->n_counts; i++)
		met += !!t->count[i];
	if (t->n_run >= ALL_REASONS && met < t->reasons) {
		printf("not ok %s: only %u of %u counters were met\n", t->name, met, t->reasons);
		return -1;
	}
	printf("ok %-17s %8llu packets, %2u counters met, %llu refused\n", t->name,
	       (unsigned long long)t->n_run, met, (unsigned long long)t->n_refused);
	return 0;
}

static int run(const char *fixtures, __u64 n)
{
	static struct build pkt;
	__u64 sum = 0;
	int err = 0;
	__u32 i;

	make_seed(test_seed());
	for (i = 0; i < n_targets; i++)
		err = err ?: load_target(targets[i]);
	if (err || (fixtures && run_fixtures(fixtures)) || run_cut(&pkt) || run_random(&pkt, n))
		return 1;
	for (i = 0; i < n_targets; i++) {
		err = report(targets[i]) ?: err;
		sum += targets[i]->n_run;
	}
	printf("# %llu packets\n", (unsigned long long)sum);
	return err ? 1 : 0;
}

static int list(void)
{
	__u32 i;

	for (i = 0; i < n_targets; i++)
		puts(targets[i]->name);
	return 0;
}

int main(int argc, char **argv)
{
	const char *fixtures = NULL, *packet = NULL;
	__u64 n = PACKETS;
	int c;

	setlinebuf(stdout);
	add_targets(fuzz_echo_targets);
	add_targets(fuzz_count_targets);
	while ((c = getopt(argc, argv, "n:d:f:r:lh")) != -1) {
		switch (c) {
		case 'n':
			n = strtoull(optarg, NULL, 0);
			break;
		case 'd':
			fuzz_dir = optarg;
			break;
		case 'f':
			fixtures = optarg;
			break;
		case 'r':
			packet = optarg;
			break;
		case 'l':
			return list();
		default:
			return usage(c == 'h' ? stdout : stderr);
		}
	}
	if (argc - optind != !!packet)
		return usage(stderr);
	return packet ? replay(packet, argv[optind]) : run(fixtures, n);
}
