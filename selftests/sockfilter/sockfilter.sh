#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/sockfilter on real packets: which packets it copies, compared with what was sent and
# with tcpdump; which pcap files it writes, read back by tcpdump; and that it changes no
# traffic.
#
#	CLIENT left ---- right SERVER (nginx on port 9999)
#
# The sample listens on "right" unless a test says otherwise.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/sockfilter/text.sh
. "$NBT_DIR/sockfilter/text.sh"
# shellcheck source=selftests/sockfilter/pcap.sh
. "$NBT_DIR/sockfilter/pcap.sh"
# shellcheck source=selftests/sockfilter/copied.sh
. "$NBT_DIR/sockfilter/copied.sh"
# shellcheck source=selftests/sockfilter/vlan.sh
. "$NBT_DIR/sockfilter/vlan.sh"

need_root
require_tools ip jq nsenter ping curl nginx tcpdump perl cmp

PORT=9999
# Excludes what the kernel may send by itself: neighbour and router discovery.
QUIET='not (icmp6 or arp or (ip6 and ip6[6] = 0))'

setup()
{
	SOCKFILTER=$(sample sockfilter) SAMPLE=$SOCKFILTER
	pair_add
	# Let the kernel answer each datagram to a closed port, not only one per second.
	in_ns "$SERVER" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
	start_nginx
	pair_answers
}

# start_nginx: start nginx in SERVER. The file "body" is random and fills many packets.
start_nginx()
{
	local dir=$TMP/nginx

	mkdir "$dir"
	chmod 755 "$TMP" "$dir"
	head -c 300001 /dev/urandom >"$dir/body"
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		master_process off;
		pid $dir/pid;
		error_log $dir/log;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $dir; proxy_temp_path $dir;
			fastcgi_temp_path $dir; uwsgi_temp_path $dir; scgi_temp_path $dir;
			server { listen $PORT; listen [::]:$PORT; root $dir; }
		}
	END
	start_bg NGINX nsenter --net="/run/netns/$SERVER" nginx -e "$dir/log" -p "$dir" \
		-c "$dir/nginx.conf"
	eventually 10 in_ns "$CLIENT" curl -s -o /dev/null "http://$S4:$PORT/body"
}

# expect_summary CAPTURED RECEIVED DROPPED: check the summary, which is in text form.
expect_summary()
{
	expect_match "$SAMPLE_OUT" \
		"^summary: $1 packets captured, $2 received by filter, $3 dropped by kernel\$"
}

# udp N PORT [LENGTH [SECONDS]]: send N datagrams from the client to the server. With N = 0
# send for SECONDS.
udp()
{
	in_ns "$CLIENT" perl -MSocket -MTime::HiRes=time -e '
		my ($addr, $n, $port, $len, $seconds) = @ARGV;
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
		my $to = pack_sockaddr_in($port, inet_aton($addr));
		my $data = "x" x $len;
		my $end = time + $seconds;
		for (my $i = 0; $n ? $i < $n : time < $end; $i++) {
			# An ICMP "port unreachable" makes the next send fail, so try again.
			defined send($s, $data, 0, $to) or send($s, $data, 0, $to);
		}' "$S4" "$1" "$2" "${3:-100}" "${4:-0}"
}

# fetch: fetch "body" from nginx, with the HTTP head, into $TMP/fetched.
fetch()
{
	in_ns "$CLIENT" curl -sS -m 20 -i -o "$TMP/fetched" "http://$S4:$PORT/body"
	tail -c 300001 "$TMP/fetched" | cmp - "$TMP/nginx/body" || fail "curl got another body"
}

# packets FILE [EXPRESSION]: print how many packets of a pcap file match. Fails if the file
# ends in the middle of a packet.
packets()
{
	local lines

	lines=$(tcpdump -nn -r "$1" "${@:2}" 2>/dev/null)
	grep -c . <<<"$lines" || :
}

# pcap FILE CODE [ARG...]: run perl CODE for each packet of a pcap file, with $sec, $nsec,
# $caplen, $len and $data; @ARGV holds the ARGs.
pcap()
{
	perl -e '
		my $file = shift;
		my $code = eval("sub { my (\$sec, \$nsec, \$caplen, \$len, \$data) = \@_; " .
			shift . "}") or die $@;
		open(my $f, "<:raw", $file) or die "$file: $!";
		read($f, my $head, 24) == 24 or die "no header";
		my $magic = unpack("L", $head);
		$magic == 0xa1b23c4d or die sprintf("magic %x is not that of ns", $magic);
		while (my $n = read($f, $head, 16)) {
			$n == 16 or die "cut in a header";
			my ($sec, $nsec, $caplen, $len) = unpack("L4", $head);
			read($f, my $data, $caplen) == $caplen or die "cut in a packet";
			$code->($sec, $nsec, $caplen, $len, $data);
		}
		END { &$main::end if $main::end }
	' "$@"
}

# ---------------------------------------------------------------------------
# Losses

# While the sample is stopped, its small ring overflows. Lost packets are counted, and counted
# only once.
test_drops_are_counted()
{
	start -j --proto udp --port 4242 -B 64 -I 0.05
	kill -STOP "$PID"
	udp 4000 4242
	kill -CONT "$PID"
	eventually 10 stats_say 4000
	stop
	expect_json '.[-1] | .dropped > 1000 and .received == 4000 and
		.captured + .dropped == .received'
	expect_json '([.[] | select(.event == "packet")] | length) == .[-1].captured'
	# Later reports must not count the losses again.
	expect_json '[.[] | select(.event == "stats") | .received] | max == 4000'
}

stats_say()
{
	[ "$(json '[.[] | select(.event == "stats" and .received == $n)] | length > 2' \
		--argjson n "$1")" = true ]
}

# Every packet that came before the signal counts, also those in the last block of the ring,
# which was not full.
test_no_loss_at_the_end()
{
	local i

	for i in 1 2 3 4 5; do
		start -w "$TMP/pcap" --proto udp --port 4242
		udp $((300 + i)) 4242
		stop
		expect_summary $((300 + i)) $((300 + i)) 0
		expect_eq "packets" "$(packets "$TMP/pcap")" $((300 + i))
	done
}

# ---------------------------------------------------------------------------
# The interface

test_not_promiscuous()
{
	start
	expect_eq promiscuity "$(ip -n "$SERVER" -d -j link show dev right |
		jq '.[0].promiscuity')" 0
	stop
}

test_any_is_no_interface()
{
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i any
	expect_err '^sockfilter: -i any: '
	expect_err '^  hint: .*-i eth0 -i lo'
}

test_interface_that_is_down()
{
	local ns

	ns_add ns
	ip -n "$ns" link set lo down
	expect_status 1 "$SOCKFILTER" -n "$ns" -i lo
	expect_err '^sockfilter: failed to listen on lo: it is down'
	expect_err '^  hint: ip link set dev lo up'
}

test_interface_without_ethernet()
{
	local ns

	ns_add ns
	ip -n "$ns" tuntap add dev tun0 mode tun 2>/dev/null || skip "no tun devices"
	ip -n "$ns" link set tun0 up
	expect_status 3 "$SOCKFILTER" -n "$ns" -i tun0
	expect_err 'its link layer is not Ethernet'
}

# After the interface went down and up again, the sample shows packets again.
test_interface_goes_down_and_up()
{
	near_far 1500
	start_on "$FAR" -i far --proto icmp --host 192.0.2.1
	in_ns "$NEAR" ping -q -c 1 192.0.2.2 >/dev/null
	ip -n "$FAR" link set far down
	eventually 5 grep -q 'far: Network is down' "$SAMPLE_ERR"
	ip -n "$FAR" link set far up
	eventually 10 in_ns "$NEAR" ping -q -c 1 -W 1 192.0.2.2
	eventually 5 lines_are "$SAMPLE_OUT" 4
	stop
}

test_interface_deleted()
{
	near_far 1500
	start_on "$FAR" -i far --proto icmp --host 192.0.2.1
	in_ns "$NEAR" ping -q -c 2 -i 0.02 192.0.2.2 >/dev/null
	ip -n "$FAR" link del far
	expect_gone far
	expect_summary 4 4 0
}

# ---------------------------------------------------------------------------
# Lifetime

# sockets: print the number of packet sockets in the namespace of the server.
sockets()
{
	in_ns "$SERVER" cat /proc/net/packet | tail -n +2 | wc -l
}

no_sockets()
{
	[ "$(sockets)" -eq 0 ]
}

leaves_nothing()
{
	need_bpf_objects
	start -i lo icmp
	expect_eq "sockets" "$(sockets)" 2
	keep_bpf_objects "$PID"
	stop_sample "$PID" "$1" 2>/dev/null || [ "$1" = KILL ]
	eventually 10 no_sockets
	expect_bpf_objects_gone
}

test_kill_9_leaves_nothing()
{
	leaves_nothing KILL
}

test_sigterm_leaves_nothing()
{
	leaves_nothing TERM
}

run_tests test_lines_are_those_of_tcpdump test_lines_with_link_header test_dump_in_hex \
	test_dump_in_hex_and_ascii test_dump_in_ascii test_lines_of_cut_packets test_json \
	test_json_with_data test_time_of_day test_pcap_holds_what_curl_got \
	test_long_packets_keep_their_length test_packets_longer_than_64_kib test_nanoseconds test_snap_lengths \
	test_pipe_into_tcpdump test_pipe_whose_reader_ends test_json_with_pcap_on_stdout \
	test_write_errors test_full_disk test_limit_of_the_file_size test_file_after_kill_9 test_nothing_unfiltered \
	test_tcp_is_the_default test_proto test_port test_host test_direction test_loopback \
	test_two_interfaces test_count test_quiet test_lines_are_not_kept_back test_copy_only \
	test_trace test_expression test_expression_and_own_filters \
	test_expression_as_tcpdump test_bad_expression test_vlan_tags_are_put_back \
	test_tag_pushed_by_generic_xdp test_tag_pushed_by_native_xdp \
	test_tag_popped_by_generic_xdp test_tag_popped_by_native_xdp \
	test_vlan_and_own_filters test_vlan_and_expressions test_vlan_and_snap_length \
	test_drops_are_counted test_no_loss_at_the_end test_not_promiscuous \
	test_any_is_no_interface test_interface_that_is_down \
	test_interface_without_ethernet test_interface_goes_down_and_up \
	test_interface_deleted test_kill_9_leaves_nothing test_sigterm_leaves_nothing
