// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the messages of samples/xdp_lb about errors in its configuration file: line,
 * field, message and hint. No BPF, no root.
 */
#include "lib/util.h"
#include "test_harness.h"
#include "xdp_lb_config_fixture.h"
#include "parts/xdp_lb/config/yaml.h"

/* --- errors ------------------------------------------------------------------------------ */

/**
 * struct bad_case - an edit of the valid file, and the error that it makes
 * @from: text that is replaced
 * @to: text that replaces @from
 * @line: line that the message names
 * @error: field and message
 * @hint: how to cure the error
 */
struct bad_case {
	const char *from;
	const char *to;
	unsigned int line;
	const char *error;
	const char *hint;
};

#define HOST_64	"www.of-sixty-four-bytes.a-name-that-is-rather-long.example.org.x"

static const struct bad_case schema_cases[] = {
	{ "port: 80\n", "prot: 80\n", 11,
	  "vips[0].prot: there is no such key",
	  "the keys here are: name, address, port, protocol, forward, check, backends" },
	{ "mode: auto", "Mode: auto", 3,
	  "Mode: there is no such key",
	  "the keys here are: name, interfaces, mode, table_size, seed, connections, snat, vips" },
	{ "rise: 4", "raise: 4", 15,
	  "vips[0].check.raise: there is no such key",
	  "the keys here are: type, path, host, interval_ms, timeout_ms, rise, fall" },
	{ "{ name: a,", "{ nam: a,", 17,
	  "vips[0].backends[0].nam: there is no such key",
	  "the keys here are: name, address, port, weight" },
	{ "mode: auto", "<<: auto", 3,
	  "<<: there is no such key", "the keys here are: *" },
	{ "mode: auto", "\"mode\\0\": auto", 3,
	  "mode: there is no such key", "the keys here are: *" },
	{ "mode: auto", "\"\\e[1mmode\": auto", 3,
	  "?[1mmode: there is no such key", "the keys here are: *" },
	{ "mode: auto", "? [mode]\n: auto", 3,
	  "a key must be one value", "a key is a word" },
	{ "port: 80\n", "? {}\n    : 3\n", 11,
	  "vips[0]: a key must be one value", "a key is a word" },
	{ "seed: 20261122", "mode: auto", 5,
	  "mode: given twice", "remove one of the two" },
	{ "protocol: tcp\n", "address: 192.0.2.10\n", 12,
	  "vips[0].address: given twice", "remove one of the two" },
	{ "weight: 1 }", "weight: 1, weight: 1 }", 17,
	  "vips[0].backends[0].weight: given twice", "remove one of the two" },
	{ "interfaces: [eth0]\n", "", 1,
	  "interfaces: is missing", "interfaces: [eth0]" },
	{ "vips:\n", "snot:\n", 8,
	  "snot: there is no such key", "the keys here are: *" },
	{ "- name: web\n    address: 192.0.2.10\n", "- name: web\n", 9,
	  "vips[0].address: is missing", "address: 192.0.2.10" },
	{ "    port: 53\n", "", 19,
	  "vips[1].port: is missing", "port: 80; for a service, 0 stands for any port" },
	{ "address: 10.0.0.12, ", "", 18,
	  "vips[0].backends[1].address: is missing", "address: 192.0.2.10" },
	{ "interfaces: [eth0]", "interfaces: eth0", 2,
	  "interfaces: is one value, and must be a list", "interfaces: [eth0]" },
	{ "interfaces: [eth0]", "interfaces:", 2,
	  "interfaces: is empty, and must be a list", "interfaces: [eth0]" },
	{ "interfaces: [eth0]", "interfaces: { eth0: 1 }", 2,
	  "interfaces: is keys with values, and must be a list", "interfaces: [eth0]" },
	{ "interfaces: [eth0]", "interfaces: [[eth0]]", 2,
	  "interfaces[0]: is a list, and must be one value", "interfaces: [eth0]" },
	{ "interfaces: [eth0]", "interfaces: []", 2,
	  "interfaces: is empty", "interfaces: [eth0]" },
	{ "mode: auto", "mode: [auto]", 3,
	  "mode: is a list, and must be one value", "all keys are in samples/xdp_lb.yaml" },
	{ "port: 80\n", "port: { a: 80 }\n", 11,
	  "vips[0].port: is keys with values, and must be one value",
	  "port: 80; for a service, 0 stands for any port" },
	{ "check: { type: http, path: /healthz, interval_ms: 2000, timeout_ms: 900,\n"
	  "             rise: 4, fall: 5 }",
	  "check: tcp", 14,
	  "vips[0].check: is one value, and must be keys with values",
	  "check: { type: http, path: /healthz }" },
	{ "      - address: 10.0.0.21\n        weight: 0\n", "      - 10.0.0.21\n", 23,
	  "vips[1].backends[0]: is one value, and must be keys with values",
	  "backends: [{ address: 10.0.0.11 }, { address: 10.0.0.12 }]" },
	{ "name: lb0", "name: \"lb\\0\"", 1,
	  "name: has a NUL character", "remove the \\0" },
	{ "snat: [10.0.0.240]",
	  "snat: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5, 1.1.1.6, 1.1.1.7, 1.1.1.8, 1.1.1.9]",
	  7,
	  "snat: 9, and there can be 8", "two instances, *" },
	{ "interfaces: [eth0]",
	  "interfaces: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]", 2,
	  "interfaces: 17, and there can be 16", "two instances, *" },
};

static const struct bad_case value_cases[] = {
	{ "name: lb0", "name: l.b", 1,
	  "name: l.b cannot be the name of an instance", "1 to 31 letters, digits, or of _ -" },
	{ "name: lb0", "name: ..", 1,
	  "name: .. cannot be the name of an instance", "1 to 31 letters, digits, or of _ -" },
	{ "name: lb0", "name: a/b", 1,
	  "name: a/b cannot be the name of an instance", "1 to 31 letters, digits, or of _ -" },
	{ "name: lb0", "name: ''", 1,
	  "name: '' cannot be the name of an instance", "1 to 31 letters, digits, or of _ -" },
	{ "name: lb0", "name: abcdefghijklmnopqrstuvwxyz012345", 1,
	  "name: abcdefghijklmnopqrstuvwxyz012345 cannot be the name of an instance",
	  "1 to 31 letters, digits, or of _ -" },
	{ "[eth0]", "[eth0, eth0]", 2,
	  "interfaces[1]: eth0 is given twice", "remove one of the two" },
	{ "[eth0]", "[a, b/c]", 2,
	  "interfaces[1]: b/c cannot be the name of an interface", "ip -br link" },
	{ "[eth0]", "\n- eth0\n- abcdefghijklmnop", 4,
	  "interfaces[1]: no interface here has the name abcdefghijklmnop", "ip link" },
	{ "[eth0]", "['']", 2,
	  "interfaces[0]: '' cannot be the name of an interface", "ip -br link" },
	{ "mode: auto", "mode: fast", 3,
	  "mode: fast is not known", "it is one of auto, native, skb, tc" },
	{ "65537", "65536", 4,
	  "table_size: 65536 is not a prime", "table_size: 65537" },
	{ "65537", "1048570", 4,
	  "table_size: 1048570 is not a prime", "table_size: 1048571" },
	{ "65537", "7", 4,
	  "table_size: 7 is not a table size; 11 to 1048573",
	  "table_size: 65537 is the default" },
	{ "65537", "1048583", 4,
	  "table_size: 1048583 is not a table size; 11 to 1048573",
	  "table_size: 65537 is the default" },
	{ "seed: 20261122", "seed: -1", 5,
	  "seed: -1 is not a seed; 0 to 18446744073709551615", "seed: 20261122 is the default" },
	{ "seed: 20261122", "seed: 18446744073709551616", 5,
	  "seed: 18446744073709551616 is not a seed; 0 to 18446744073709551615",
	  "seed: 20261122 is the default" },
	{ "seed: 20261122", "seed: 0x", 5,
	  "seed: 0x is not a seed; *", "seed: 20261122 is the default" },
	{ "1048576", "15", 6,
	  "connections: 15 is not a number of connections; 16 to 8388608",
	  "connections: 1048576 is the default" },
	{ "1048576", "8388609", 6,
	  "connections: 8388609 is not a number of connections; 16 to 8388608",
	  "connections: 1048576 is the default" },
	{ "1048576", "1M", 6,
	  "connections: 1M is not a number of connections; 16 to 8388608",
	  "connections: 1048576 is the default" },
	{ "10.0.0.240", "eth0", 7,
	  "snat[0]: eth0 is not an IP address", "as 10.0.0.11 or 2001:db8::11, *" },
	{ "name: web", "name: a b", 9,
	  "vips[0].name: a b cannot be a name", "1 to 31 letters, digits, or of . _ - : [ ]" },
	{ "name: a,", "name: 'a\nb',", 17,
	  "vips[0].backends[0].name: a b cannot be a name", "1 to 31 letters, *" },
	{ "192.0.2.10", "192.0.2.256", 10,
	  "vips[0].address: 192.0.2.256 is not an IP address",
	  "as 10.0.0.11 or 2001:db8::11, without /LENGTH and port" },
	{ "192.0.2.10", "192.0.2.10/32", 10,
	  "vips[0].address: 192.0.2.10/32 is not an IP address",
	  "as 10.0.0.11 or 2001:db8::11, without /LENGTH and port" },
	{ "192.0.2.10", "::ffff:192.0.2.10", 10,
	  "vips[0].address: ::ffff:192.0.2.10 is an IPv4 address within IPv6",
	  "write it as IPv4: 10.0.0.11" },
	{ "port: 80\n", "port: 65536\n", 11,
	  "vips[0].port: 65536 is not a port; 0 to 65535", "port: 80; 0 stands for any port" },
	{ "port: 80\n", "port: http\n", 11,
	  "vips[0].port: http is not a port; 0 to 65535", "port: 80; 0 stands for any port" },
	{ "port: 80\n", "port: 080\n", 11,
	  "vips[0].port: 080 is not a port; 0 to 65535", "port: 80; 0 stands for any port" },
	{ "port: 80\n", "port: 80.0\n", 11,
	  "vips[0].port: 80.0 is not a port; 0 to 65535", "port: 80; 0 stands for any port" },
	{ "port: 80\n", "port:\n", 11,
	  "vips[0].port: '' is not a port; 0 to 65535", "port: 80; 0 stands for any port" },
	{ "protocol: tcp", "protocol: TCP", 12,
	  "vips[0].protocol: TCP is not known", "it is one of tcp, udp" },
	{ "forward: nat", "forward: gre", 13,
	  "vips[0].forward: gre is not known", "it is one of nat, dnat, dsr, ipip" },
	{ "port: 8081", "port: 70000", 18,
	  "vips[0].backends[1].port: 70000 is not a port; 1 to 65535",
	  "port: 8080; without one, it is that of the service" },
	{ "port: 8081", "port: 0", 18,
	  "vips[0].backends[1].port: 0 is not a port; 1 to 65535",
	  "port: 8080; without one, it is that of the service" },
	{ "weight: 2", "weight: 65536", 18,
	  "vips[0].backends[1].weight: 65536 is not a weight; 0 to 65535",
	  "weight: 2 is twice the share of weight: 1" },
	{ "weight: 2", "weight: 1.5", 18,
	  "vips[0].backends[1].weight: 1.5 is not a weight; 0 to 65535",
	  "weight: 2 is twice the share of weight: 1" },
};

static const struct bad_case check_cases[] = {
	{ "type: http", "type: ping", 14,
	  "vips[0].check.type: ping is not known", "it is one of none, tcp, http" },
	{ "type: http, ", "", 14,
	  "vips[0].check.path: the type is tcp, which has no path",
	  "check: { type: http, path: ... }" },
	{ "/healthz", "healthz", 14,
	  "vips[0].check.path: healthz is not a path of at most 107 bytes",
	  "as /healthz: other characters as %20" },
	{ "/healthz", "/a b", 14,
	  "vips[0].check.path: /a b is not a path of at most 107 bytes",
	  "as /healthz: other characters as %20" },
	{ "/healthz", "\"/\\r\\nX: y\"", 14,
	  "vips[0].check.path: /??X: y is not a path of at most 107 bytes",
	  "as /healthz: other characters as %20" },
	{ "/healthz",
	  "/34567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
	  14,
	  "vips[0].check.path: /34567890123456789012345678901234567890123456789012345678901... is not a path of at most 107 bytes",
	  "as /healthz: other characters as %20" },
	{ "http, path: /healthz", "tcp, host: www.example.org", 14,
	  "vips[0].check.host: the type is tcp, which has no host",
	  "check: { type: http, host: ... }" },
	{ "path: /healthz", "host: 'a b'", 14,
	  "vips[0].check.host: a b is not a host of at most 255 bytes",
	  "as www.example.org or www.example.org:8080" },
	{ "path: /healthz", "host: ''", 14,
	  "vips[0].check.host: '' is not a host of at most 255 bytes",
	  "as www.example.org or www.example.org:8080" },
	{ "path: /healthz", "host: \"a\\r\\nX: y\"", 14,
	  "vips[0].check.host: a??X: y is not a host of at most 255 bytes",
	  "as www.example.org or www.example.org:8080" },
	{ "path: /healthz", "host: " HOST_64 HOST_64 HOST_64 HOST_64, 14,
	  "vips[0].check.host: www.of-sixty-four-bytes.a-name-that-is-rather-long.example.o... is not a host of at most 255 bytes",
	  "as www.example.org or www.example.org:8080" },
	{ "2000", "9", 14,
	  "vips[0].check.interval_ms: 9 is not an interval; 10 to 3600000",
	  "interval_ms: 2000 is the default" },
	{ "2000", "2s", 14,
	  "vips[0].check.interval_ms: 2s is not an interval; 10 to 3600000",
	  "interval_ms: 2000 is the default" },
	{ "900", "0", 14,
	  "vips[0].check.timeout_ms: 0 is not a timeout; 1 to 3600000",
	  "timeout_ms: 1000 is the default" },
	{ "900", "2001", 14,
	  "vips[0].check.timeout_ms: 2001 is longer than the interval, 2000",
	  "make interval_ms as long, or longer" },
	{ "rise: 4", "rise: 0", 15,
	  "vips[0].check.rise: 0 is not a count; 1 to 100", "rise: 2 is the default" },
	{ "fall: 5", "fall: 101", 15,
	  "vips[0].check.fall: 101 is not a count; 1 to 100", "fall: 3 is the default" },
	{ "port: 80\n", "port: 0\n", 14,
	  "vips[0].check.type: http, but the service has any port, so no port to check",
	  "check: { type: none }" },
};

static const struct bad_case relation_cases[] = {
	{ "10.0.0.240", "224.0.0.1", 7,
	  "snat[0]: 224.0.0.1 is a multicast address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.240", "10.0.0.240, 10.0.0.240", 7,
	  "snat[1]: 10.0.0.240 is given twice", "remove one of the two" },
	{ "10.0.0.240", "fd00::1", 10,
	  "vips[0].address: the service is nat and IPv4, and snat has no such address",
	  "add one to snat, or remove snat for those of the interface" },
	{ "192.0.2.10", "0.0.0.0", 10,
	  "vips[0].address: 0.0.0.0 stands for no address",
	  "give a unicast address that other hosts can reach" },
	{ "192.0.2.10", "255.255.255.255", 10,
	  "vips[0].address: 255.255.255.255 is a reserved address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "127.0.0.1", 18,
	  "vips[0].backends[1].address: 127.0.0.1 is a loopback address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "'::'", 18,
	  "vips[0].backends[1].address: :: stands for no address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "'::1'", 18,
	  "vips[0].backends[1].address: ::1 is a loopback address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "ff02::1", 18,
	  "vips[0].backends[1].address: ff02::1 is a multicast address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "fe80::1", 18,
	  "vips[0].backends[1].address: fe80::1 is a link-local address, and so needs an interface",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "239.1.2.3", 18,
	  "vips[0].backends[1].address: 239.1.2.3 is a multicast address",
	  "give a unicast address that other hosts can reach" },
	{ "10.0.0.12", "fd00::12", 18,
	  "vips[0].backends[1].address: fd00::12 is IPv6, but the service is IPv4, and nat translates neither",
	  "forward: ipip reaches backends of the other family" },
	{ "    port: 53\n    protocol: udp\n    backends:\n"
	  "      - address: 10.0.0.21\n"
	  "        weight: 0\n",
	  "    port: 53\n    forward: dsr\n    backends:\n"
	  "      - address: fd00::21\n", 23,
	  "vips[1].backends[0].address: fd00::21 is IPv6, but the service is IPv4, and dsr translates neither",
	  "forward: ipip reaches backends of the other family" },
	{ "    port: 53\n    protocol: udp\n", "    port: 0\n    protocol: udp\n", 26,
	  "vips[1].backends[1].port: 5353, but the service has any port, and keeps it",
	  "leave the port out" },
	{ "forward: nat", "forward: dsr", 17,
	  "vips[0].backends[0].port: 8080, but dsr does not change ports: the service has 80",
	  "leave the port out; forward: nat can change it" },
	{ "forward: nat", "forward: ipip", 17,
	  "vips[0].backends[0].port: 8080, but ipip does not change ports: the service has 80",
	  "leave the port out; forward: nat can change it" },
	{ "10.0.0.12", "192.0.2.53", 18,
	  "vips[0].backends[1].address: 192.0.2.53 is the address of the service udp:192.0.2.53:53",
	  "give an address that the backend alone has" },
	{ "10.0.0.12", "10.0.0.240", 18,
	  "vips[0].backends[1].address: 10.0.0.240 is in snat",
	  "give an address that the backend alone has" },
	{ "10.0.0.12, port: 8081", "10.0.0.11, port: 8080", 18,
	  "vips[0].backends[1].address: address and port are those of the backend a",
	  "one backend with more weight does the same" },
	{ "name: b,", "name: a,", 18,
	  "vips[0].backends[1].name: a is the name of another backend",
	  "give each backend of a service its own name" },
	{ "- address: 192.0.2.53", "- name: web\n    address: 192.0.2.53", 19,
	  "vips[1].name: web is the name of another service", "give each service its own name" },
};

/* Check that the last file was refused with this error and this hint. */
static void expect_error(struct __test_metadata *_metadata, struct _test_data_conf *self,
			 unsigned int line, const char *error, const char *hint)
{
	char wanted[512];

	snprintf(wanted, sizeof(wanted), "lb.yaml:%u: %s", line, error);
	EXPECT_TRUE(matches(wanted, errors))
		TH_LOG("wanted: %s\nis: %s", wanted, errors);
	EXPECT_TRUE(matches(hint, hints))
		TH_LOG("%s: wanted: %s\nis: %s", errors, hint, hints);
	EXPECT_STREQ("", infos);
	EXPECT_EQ(NULL, self->conf.vips);
}

static void expect_bad(struct __test_metadata *_metadata, struct _test_data_conf *self,
		       const struct bad_case *bad, unsigned int n)
{
	for (; n; n--, bad++) {
		ASSERT_EQ(-EINVAL, read_edited(self, bad->from, bad->to))
			TH_LOG("wanted: %s", bad->error);
		expect_error(_metadata, self, bad->line, bad->error, bad->hint);
	}
}

TEST_F(conf, errors_of_keys)
{
	expect_bad(_metadata, self, schema_cases, ARRAY_SIZE(schema_cases));
}

TEST_F(conf, errors_of_values)
{
	expect_bad(_metadata, self, value_cases, ARRAY_SIZE(value_cases));
}

TEST_F(conf, errors_of_checks)
{
	expect_bad(_metadata, self, check_cases, ARRAY_SIZE(check_cases));
}

TEST_F(conf, errors_between_parts)
{
	expect_bad(_metadata, self, relation_cases, ARRAY_SIZE(relation_cases));
}

/* Whole files, not edits of the valid one. */
#define FILE_OF(text, line, error, hint) { text, sizeof(text) - 1, line, error, hint }
#define SMALL "interfaces: [e]\nvips:\n"

static const struct {
	const char *text;
	size_t len;
	unsigned int line;
	const char *error;
	const char *hint;
} bad_files[] = {
	FILE_OF("", 1,
		"no configuration in it", "samples/xdp_lb.yaml is an example"),
	FILE_OF("# nothing\n\n", 1,
		"no configuration in it", "samples/xdp_lb.yaml is an example"),
	FILE_OF("~", 1,
		"it is one value, and must be keys with values",
		"all keys are in samples/xdp_lb.yaml"),
	FILE_OF("\n- a\n", 2,
		"it is a list, and must be keys with values",
		"all keys are in samples/xdp_lb.yaml"),
	FILE_OF("a: 1\n\0b: 2\n", 2,
		"a NUL byte", "save it as plain text in UTF-8"),
	FILE_OF("a: 1\nb: \x01\n", 2,
		"not YAML: control characters are not allowed",
		"save it as plain text in UTF-8"),
	FILE_OF("a: 1\nb: \xc3(\n", 2,
		"not YAML: *", "save it as plain text in UTF-8"),
	FILE_OF("\xff\xfe", 1,
		"no configuration in it", "*"),
	FILE_OF("interfaces: [eth0]\n\tmode: x\n", 2,
		"not YAML: *", "YAML is indented by spaces, never by tabs"),
	FILE_OF("vips:\n  - address: 1.1.1.1\n\tport: 80\n", 3,
		"not YAML: *", "YAML is indented by spaces, never by tabs"),
	FILE_OF("interfaces: [eth0\nvips: 3\n", 2,
		"not YAML: *",
		"is it indented by spaces, with a space behind each colon?"),
	FILE_OF("interfaces: 'eth0\nvips: 3\n", 3,
		"not YAML: found unexpected end of stream, while scanning a quoted scalar from line 1",
		"is it indented by spaces, with a space behind each colon?"),
	FILE_OF("name: *lb\n", 1,
		"not YAML: found undefined alias",
		"*NAME stands for what was marked with &NAME above it"),
	FILE_OF("name: &a x\nmode: &a y\n", 2,
		"the name behind & was given in line 1 before",
		"give each &NAME a name of its own"),
	FILE_OF("name: a\n---\nname: b\n", 2,
		"a second document begins",
		"a file has one configuration: remove the ---"),
	FILE_OF("name: a\n...\nname: b\n", 3,
		"not YAML: *", "*"),
	FILE_OF("%YAML 9.9\n---\nname: b\n", 1,
		"not YAML: *", "*"),
	FILE_OF("a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {\n", 1,
		"nested too deep", "is a bracket too many in this line?"),
	FILE_OF("interfaces: [e]\nvips: []\n", 2,
		"vips: is empty",
		"vips: [{ address: 192.0.2.10, port: 80, backends: [...] }]"),
	FILE_OF("interfaces: [e]\n", 1,
		"vips: is missing", "vips: *"),
	FILE_OF(SMALL "- address: 1.1.1.1\n  port: 1\n  backends: []\n", 5,
		"vips[0].backends: is empty", "backends: *"),
	FILE_OF("interfaces: [e]\nvips: &v [*v]\n", 2,
		"vips[0]: is a list, and must be keys with values", "vips: *"),
	FILE_OF(SMALL "- &v { address: 1.1.1.1, port: 1, backends: [*v] }\n", 3,
		"vips[0].backends[0].backends: there is no such key", "*"),
	/* The line is where the value is written; the field is where the alias uses it. */
	FILE_OF(SMALL "- &v { address: 1.1.1.1, port: 1,\n  backends: [{ address: 2.2.2.2,\n"
		"  weight: -1 }] }\n- *v\n", 5,
		"vips[0].backends[0].weight: -1 is not a weight; 0 to 65535", "*"),
	FILE_OF(SMALL "- &v { address: 1.1.1.1, port: 1, backends: [{ address: 2.2.2.2 }] }\n"
		"- *v\n", 3,
		"vips[1].address: address, protocol and port are those of the service tcp:1.1.1.1:1",
		"put the backends of both under one service"),
	FILE_OF(SMALL "- { address: 1.1.1.1, port: 1, name: x, backends: [{ address: 2.2.2.2 }] }\n"
		"- address: 1.1.1.1\n  port: 1\n  backends: [{ address: 2.2.2.3 }]\n", 4,
		"vips[1].address: address, protocol and port are those of the service x",
		"put the backends of both under one service"),
	FILE_OF(SMALL "- { address: 1.1.1.1, port: 1, forward: dsr,\n"
		"    backends: [{ address: 1.1.1.1 }] }\n", 4,
		"vips[0].backends[0].address: 1.1.1.1 is the address of the service tcp:1.1.1.1:1",
		"give an address that the backend alone has"),
	FILE_OF(SMALL "- { address: 1.1.1.1, port: 1, forward: dnat,\n"
		"    backends: [{ address: 2.2.2.2, port: 8 }] }\n"
		"- { address: 1.1.1.1, port: 2, forward: dnat,\n"
		"    backends: [{ address: 2.2.2.2, port: 8 }] }\n", 6,
		"vips[1].backends[0].address: address and port are those of a backend of tcp:1.1.1.1:1, and both services are dnat",
		"another port, or forward: nat for one of the services"),
	FILE_OF(SMALL "- { address: 1.1.1.1, port: 1, forward: dnat,\n"
		"    backends: [{ address: 2.2.2.2, port: 8 }] }\n"
		"- { address: 1.1.1.1, port: 0, forward: dnat,\n"
		"    backends: [{ address: 2.2.2.2 }] }\n", 6,
		"vips[1].backends[0].address: address and port are those of a backend of tcp:1.1.1.1:1, and both services are dnat",
		"another port, or forward: nat for one of the services"),
};

TEST_F(conf, errors_of_files)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_files); i++) {
		EXPECT_EQ(-EINVAL, read_text_of(self, bad_files[i].text, bad_files[i].len))
			TH_LOG("wanted: %s", bad_files[i].error);
		expect_error(_metadata, self, bad_files[i].line, bad_files[i].error,
			     bad_files[i].hint);
	}
}

TEST_F(conf, unreadable)
{
	EXPECT_EQ(-ENOENT, lb_conf_read(&self->conf, "none.yaml"));
	EXPECT_STREQ("failed to read the configuration none.yaml: No such file or directory",
		     errors);
	EXPECT_STREQ("ls -l none.yaml", hints);
	forget();
	EXPECT_EQ(-EISDIR, lb_conf_read(&self->conf, "/tmp"));
	EXPECT_STREQ("failed to read the configuration /tmp: Is a directory", errors);
	EXPECT_STREQ("name a file in it: ls /tmp", hints);
	forget();
	EXPECT_EQ(-EINVAL, lb_conf_read(&self->conf, "/dev/zero"));
	EXPECT_STREQ("/dev/zero: larger than 2048 KiB", errors);
	EXPECT_STREQ("is it a configuration? head /dev/zero", hints);
}

/* A long path does not cut off line and field, which are behind it. */
TEST_F(conf, long_paths)
{
	char path[600], wanted[700];
	int len = 0;

	while (len < 590)
		len += sprintf(path + len, "./");
	sprintf(path + len, "lb.yaml");
	ASSERT_EQ(-EINVAL, read_edited(self, "port: 80\n", "port: http\n"));
	forget();
	EXPECT_EQ(-EINVAL, lb_conf_read(&self->conf, path));
	snprintf(wanted, sizeof(wanted), "%s:11: vips[0].port: http is not a port; 0 to 65535",
		 path);
	EXPECT_STREQ(wanted, errors);
}

/* libyaml fails, and leaves its parser in this state; NULL: libyaml works. */
static const yaml_parser_t *broken;

TEST_WRAPS(yaml_parser_parse);

int __wrap_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event)
{
	if (!broken)
		return __real_yaml_parser_parse(parser, event);
	parser->error = broken->error;
	parser->problem = broken->problem;
	return 0;
}

/* The states in which libyaml can leave its parser for lack of memory. */
TEST_F(conf, no_memory)
{
	const yaml_parser_t silent = {}, plain = { .error = YAML_MEMORY_ERROR, .problem = "x" };
	struct lb_yaml y;

	ASSERT_EQ(0, write_conf(valid, strlen(valid)));
	broken = &silent;
	EXPECT_EQ(-ENOMEM, lb_yaml_read(&y, "lb.yaml"));
	lb_yaml_free(&y);
	broken = &plain;
	EXPECT_EQ(-ENOMEM, lb_yaml_read(&y, "lb.yaml"));
	lb_yaml_free(&y);
	EXPECT_STREQ("", errors);
}

TEST_HARNESS_MAIN
