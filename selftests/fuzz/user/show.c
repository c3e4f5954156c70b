// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the output of sockfilter: any bytes are decoded as a packet, shown as text and as JSON,
 * and written to a pcap file.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include "lib/output.h"
#include "fuzz_user.h"
#include "parts/sockfilter/user.h"

static json_writer_t *json;
static FILE *shown;

json_writer_t *sample_json_begin(const char *event)
{
	json = jsonw_new(shown);
	jsonw_start_object(json);
	jsonw_string_field(json, "event", event);
	return json;
}

void sample_json_end(json_writer_t *writer)
{
	jsonw_end_object(writer);
	jsonw_destroy(&writer);
}

/* JSON strings must not contain unescaped control characters (RFC 8259 section 7). */
static void check_json(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' && text[i] != '\n')
			abort();
	}
	if (*text != '{')
		abort();
}

static void show_all(const struct decoded *dec, const struct show *show)
{
	char *text = NULL;
	size_t len;

	shown = open_memstream(&text, &len);
	show_json(dec, show, "eth0");
	fclose(shown);
	check_json(text, len);
	free(text);

	shown = open_memstream(&text, &len);
	show_text(shown, dec, show, "eth0");
	fclose(shown);
	free(text);
}

/* The first byte of the input selects the options, and whether the packet was cut. */
int fuzz_input(const __u8 *data, size_t size)
{
	struct show show = {};
	struct packet pkt = {};
	struct decoded dec;
	__u8 *copy;

	if (!size)
		return 0;
	show.link = data[0] & 1;
	show.hex = data[0] >> 1 & 3;
	show.hex_ascii = data[0] >> 3 & 3;
	show.ascii = data[0] >> 5 & 1;
	show.ifname = data[0] >> 6 & 1;
	pkt.caplen = size - 1;
	pkt.len = pkt.caplen + (data[0] & 0x80 ? 100 : 0);
	/* An allocation of the exact size, so that the sanitizer notices a read beyond the end. */
	copy = malloc(pkt.caplen ?: 1);
	memcpy(copy, data + 1, pkt.caplen);
	pkt.data = copy;
	decode(&dec, &pkt);
	show_all(&dec, &show);
	if (pcap_out_open("/dev/null", 65535))
		abort();
	pcap_out_write(&pkt);
	pcap_out_close();
	free(copy);
	return 0;
}
