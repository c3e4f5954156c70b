#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/sockfilter on real packets: what it copies, held against what was sent and
# against tcpdump; what it writes, read back by tcpdump; and that it changes nothing.
#
#	CLIENT left ---- right SERVER (nginx on port 9999)
#
# The sample listens on "right" unless a test says otherwise.
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter ping curl nginx tcpdump perl cmp

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2
PORT=9999
# What the kernel sends by itself, now and then: neighbour and router discovery.
QUIET='not (icmp6 or arp or (ip6 and ip6[6] = 0))'

setup()
{
	SOCKFILTER=$(sample sockfilter)
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	# Each datagram to a closed port is answered, not one in a second.
	in_ns "$SERVER" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
	start_nginx
	pings 1 "$S4"
	pings 1 "$S6"
}

# The body is random and longer than many packets.
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

# start [OPTION...]: the sample on "right"; PID, and its stdout and stderr.
start()
{
	start_on "$SERVER" -i right "$@"
}

start_on()
{
	start_sample PID 20 "$SOCKFILTER" -n "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# stop: end the sample.
stop()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# captured, received, dropped: of the summary, text or JSON.
expect_summary()
{
	expect_match "$SAMPLE_OUT" \
		"^summary: $1 packets captured, $2 received by filter, $3 dropped by kernel\$"
}

# pings N ADDRESS [PING-OPTION...]: N pings of the client, all are answered.
pings()
{
	in_ns "$CLIENT" ping -n -q -c "$1" -i 0.02 -W 5 "${@:3}" "$2" >"$TMP/ping" 2>&1 || :
	grep -q "$1 packets transmitted, $1 received" "$TMP/ping" ||
		fail "ping $2: $(<"$TMP/ping")"
}

# udp N PORT [LENGTH [SECONDS]]: N datagrams of the client (0: for SECONDS).
udp()
{
	in_ns "$CLIENT" perl -MSocket -MTime::HiRes=time -e '
		my ($addr, $n, $port, $len, $seconds) = @ARGV;
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
		my $to = pack_sockaddr_in($port, inet_aton($addr));
		my $data = "x" x $len;
		my $end = time + $seconds;
		for (my $i = 0; $n ? $i < $n : time < $end; $i++) {
			# What comes back, "port unreachable", is an error of the next send.
			defined send($s, $data, 0, $to) or send($s, $data, 0, $to);
		}' "$S4" "$1" "$2" "${3:-100}" "${4:-0}"
}

# fetch: the body, with the head, into $TMP/fetched.
fetch()
{
	in_ns "$CLIENT" curl -sS -m 20 -i -o "$TMP/fetched" "http://$S4:$PORT/body"
	tail -c 300001 "$TMP/fetched" | cmp - "$TMP/nginx/body" || fail "curl got another body"
}

# packets FILE [EXPRESSION]: how many are in a pcap file.
packets()
{
	tcpdump -nn -r "$1" "${@:2}" 2>/dev/null | wc -l
}

# pcap FILE CODE: run perl CODE for each packet of a pcap file, with $sec, $nsec, $caplen,
# $len and $data; @ARGV is what follows.
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
# What is shown, as tcpdump shows it

# traffic: some of everything.
traffic()
{
	pings 2 "$S4"
	pings 2 "$S6" -s 101
	pings 1 "$S4" -s 0
	fetch
	in_ns "$CLIENT" curl -sS -m 20 -o /dev/null "http://[$S6]:$PORT/body"
	udp 3 4242 33
	ip -n "$CLIENT" neigh flush dev left
	pings 1 "$S4"
	pings 1 "$S6"
}

# as_tcpdump [OPTION...]: both show the same lines. Multicast listener reports, which the
# kernel sends at any time, are left out: tcpdump tells more of them.
as_tcpdump()
{
	local all='not (ip6 and ip6[6] = 0) and not (icmp6 and ip6[40] = 133)'

	start -w "$TMP/pcap" --print "$@" "$all"
	traffic
	stop
	grep -Ev '^(ready|summary):|^  (seen|not)' "$SAMPLE_OUT" >"$TMP/ours"
	tcpdump -nn -S --nano "$@" -r "$TMP/pcap" "$all" >"$TMP/theirs" 2>/dev/null
	[ "$(grep -c '^[0-9]' "$TMP/theirs")" -ge 60 ] || fail "too few packets"
	diff "$TMP/theirs" "$TMP/ours" >&2 || fail "not the lines of tcpdump $*"
	for what in 'Flags \[S\.\]' 'UDP, length 33' 'ICMP echo reply' 'ICMP6, echo request' \
		'Request who-has' 'Reply .* is-at' 'neighbor solicitation' \
		'udp port 4242 unreachable'; do
		expect_match "$TMP/ours" "$what"
	done
}

test_lines_are_those_of_tcpdump()
{
	as_tcpdump
}

test_lines_with_link_header()
{
	as_tcpdump -e
}

test_dump_in_hex()
{
	as_tcpdump -x
	as_tcpdump -x -x
}

test_dump_in_hex_and_ascii()
{
	as_tcpdump -X
	as_tcpdump -X -X -e
}

test_dump_in_ascii()
{
	start -A --port "$PORT" -Q in
	fetch
	stop
	expect_match "$SAMPLE_OUT" 'GET /body HTTP/1.1'
	expect_match "$SAMPLE_OUT" "^Host: $S4:$PORT"
}

# With a snap length that cuts a header, the line says so.
test_lines_of_cut_packets()
{
	start -w "$TMP/pcap" --print -s 40 --proto icmp -Q in
	pings 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" "IP $C4 > $S4: icmp, length 64 \[\|icmp\]$"
	start --proto icmp -Q in -s 20
	pings 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" '\[\|ip\]$'
}

test_json()
{
	start -j --proto all -Q in
	fetch
	pings 2 "$S6"
	udp 1 4242 33
	stop
	expect_json '[.[] | select(.event == "packet")] | length > 10'
	expect_json '[.[] | select(.proto == "tcp")][0] | .src == $c and .dst == $s and
		.dport == 9999 and .flags == "S" and .family == 4 and .ifname == "right" and
		.direction == "in" and .len >= 74 and .caplen == .len and .payload == 0' \
		--arg c "$C4" --arg s "$S4"
	expect_json '[.[] | select(.proto == "icmp6" and .icmp_type == 128)] |
		length == 2 and .[1].icmp_seq == 2 and .[0].src == $c' --arg c "$C6"
	expect_json '[.[] | select(.proto == "udp")][0] | .dport == 4242 and .payload == 33'
	expect_json '.[-1] | .event == "summary" and .captured == .received and .dropped == 0'
	expect_json '([.[] | select(.event == "packet")] | length) == .[-1].captured'
	expect_json '.[-1] | .seen == (.protocols | add)'
	expect_json '.[-1] | .seen == .received + (.not_copied | add)'
	expect_json '.[0] | .event == "ready" and .attached[0].hook == "socket"'
}

test_json_with_data()
{
	start -j -x --proto icmp -Q in
	pings 1 "$S4" -p c0ffee -s 12
	stop
	expect_json '.[1] | (.data | length) == 2 * .caplen and
		(.data | test("c0ffeec0ffee")) and .caplen == 54'
}

# ts_ns is the time of day.
test_time_of_day()
{
	local before after

	before=$(date +%s%N)
	start -j --proto icmp -Q in -c 1
	pings 1 "$S4"
	wait_sample "$PID" 10
	after=$(date +%s%N)
	# As numbers of bash: those of jq have 53 bits.
	[[ $(<"$SAMPLE_OUT") =~ \"ts_ns\":([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge "$before" ] || fail "${BASH_REMATCH[1]} is before $before"
	[ "${BASH_REMATCH[1]}" -le "$after" ] || fail "${BASH_REMATCH[1]} is after $after"
}

# ---------------------------------------------------------------------------
# pcap

# The stream that the server sent, put together from the packets, is what curl got.
test_pcap_holds_what_curl_got()
{
	start -w "$TMP/pcap"
	fetch
	stop
	expect_summary "$(packets "$TMP/pcap")" "$(packets "$TMP/pcap")" 0
	pcap "$TMP/pcap" '
		our ($isn, $stream);
		my ($port, $seq, $off, $flags) = unpack("x34 n x2 N x4 C C", $data);
		die "not whole" if $caplen != $len;
		return if $port != 9999;
		if ($flags & 2) {
			$isn = $seq;
			return;
		}
		my $l4 = unpack("x16 n", $data) - 20 - ($off >> 4) * 4;
		my $at = $seq - $isn - 1;
		$stream .= "\0" x ($at - length($stream // ""));	# not always in order
		substr($stream, $at, $l4) = substr($data, 34 + ($off >> 4) * 4, $l4) if $l4;
		$main::end = sub { print $stream };' >"$TMP/stream"
	cmp "$TMP/stream" "$TMP/fetched" || fail "the packets do not make up what curl got"
}

# Segmentation offload: packets of the stack are longer than any frame.
test_long_packets_keep_their_length()
{
	start -w "$TMP/pcap" -s 100
	fetch
	stop
	pcap "$TMP/pcap" '
		our ($long, $sum);
		die "$caplen of $len" if $caplen != ($len < 100 ? $len : 100);
		# As its IP header says, too.
		die "length" if $len != 14 + unpack("x16 n", $data);
		$long++ if $len > 1514;
		$main::end = sub { print "$long\n" };' >"$TMP/long"
	[ "$(<"$TMP/long")" -gt 3 ] || fail "no packets longer than a frame"
}

# BIG TCP: longer than the IP header can tell; it says 0. They have ports nevertheless.
test_packets_longer_than_64_kib()
{
	ip -n "$SERVER" link set right gso_max_size 180000 gro_max_size 180000 2>/dev/null ||
		skip "this kernel or ip has no BIG TCP"
	ip -n "$CLIENT" link set left gso_max_size 180000 gro_max_size 180000
	defer "ip -n $SERVER link set right gso_max_size 65536 gro_max_size 65536"
	defer "ip -n $CLIENT link set left gso_max_size 65536 gro_max_size 65536"
	head -c 20000000 /dev/zero >"$TMP/nginx/long"
	start -w "$TMP/pcap" -s 100 --port "$PORT" -Q out
	in_ns "$CLIENT" curl -sS -m 20 -o /dev/null "http://[$S6]:$PORT/long"
	stop
	pcap "$TMP/pcap" '
		our ($long, $sum);
		$long++ if $len > 65535 + 54;
		$sum += $len - 86 if $len > 86;
		$main::end = sub { print "$long $sum\n" };' >"$TMP/long"
	local long sum
	read -r long sum <"$TMP/long"
	[ "$long" -gt 0 ] || skip "no such packet was sent"
	[ "$sum" -ge 20000000 ] || fail "$sum bytes in the packets, 20000000 were sent"
	expect_match "$SAMPLE_OUT" ' 0 dropped by kernel$'
	start -j -c 1 --port "$PORT" 'greater 65600'
	eventually 20 fetch_long
	wait_sample "$PID" 10
	expect_json '.[1] | .len >= 65600 and .sport == 9999 and .payload > 65535 and
		.len - .payload < 110'
}

# The kernel makes them so long if it has the time.
fetch_long()
{
	in_ns "$CLIENT" curl -sS -m 20 -o /dev/null "http://[$S6]:$PORT/long"
	wait_until 1 sample_ended "$PID"
}

test_nanoseconds()
{
	start -w "$TMP/pcap"
	fetch
	stop
	pcap "$TMP/pcap" '
		our $fine;
		die "nsec $nsec" if $nsec >= 1e9;
		$fine++ if $nsec % 1000;
		$main::end = sub { $fine or die "all are whole microseconds" };'
}

snaplen()
{
	start -w "$TMP/pcap" -s "$1" --proto icmp --host "$C4" -Q in
	pings 1 "$S4"
	stop
	expect_eq "caplen and len with -s $1" \
		"$(pcap "$TMP/pcap" 'print "$caplen $len"')" "$2 98"
	tcpdump -nn -r "$TMP/pcap" >/dev/null 2>"$TMP/err" || fail "tcpdump: $(<"$TMP/err")"
}

test_snap_lengths()
{
	local n

	for n in 1 13 14 34 42 97 98 262144; do
		snaplen "$n" $((n < 98 ? n : 98))
	done
	snaplen 0 98
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right -s 262145
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right -s -1
}

# tcpdump in a pipe gets packets as they come, and all that is no pcap goes to stderr.
test_pipe_into_tcpdump()
{
	start_bg PID bash -c 'set -o pipefail; "$1" -n "$2" -i right --proto icmp -w - \
		2>"$3" | tcpdump -l -nn -r - 2>/dev/null' x "$SOCKFILTER" "$SERVER" "$TMP/err"
	eventually 10 grep -q '^ready: right' "$TMP/err"
	pings 3 "$S4"
	eventually 10 lines_are "$(sample_out "$PID")" 6
	pings 2 "$S6"
	eventually 10 lines_are "$(sample_out "$PID")" 10
	kill "$(pgrep -P "$PID" -x sockfilter)"
	wait_sample "$PID" 10
	expect_match "$TMP/err" '^summary: 1[0-9] packets captured'
	expect_match "$TMP/err" 'copy only'
}

lines_are()
{
	[ "$(grep -c 'ICMP.* echo' "$1")" -eq "$2" ]
}

# The reader has seen enough: no failure.
test_pipe_whose_reader_ends()
{
	start_bg PID bash -c '"$1" -n "$2" -i right --proto icmp -w - 2>"$3" | head -c 100 >/dev/null
		exit "${PIPESTATUS[0]}"' x "$SOCKFILTER" "$SERVER" "$TMP/err"
	eventually 10 grep -q '^ready: right' "$TMP/err"
	pings 2 "$S4"
	pings 2 "$S4"
	eventually 10 sample_ended "$PID"
	wait_sample "$PID" 5
	expect_no_match "$TMP/err" 'failed'
	expect_match "$TMP/err" '^summary:'
}

test_json_with_pcap_on_stdout()
{
	STATUS=0
	"$SOCKFILTER" -n "$SERVER" -i right -w - -j -d 0.1 >"$TMP/pcap" 2>"$TMP/err" || STATUS=$?
	expect_eq status "$STATUS" 0
	expect_eq "packets" "$(packets "$TMP/pcap")" 0
	expect_eq "bytes of an empty file" "$(stat -c %s "$TMP/pcap")" 24
	expect_match "$TMP/err" '^\{"event":"ready"'
	expect_match "$TMP/err" '^\{"event":"summary"'
}

test_write_errors()
{
	expect_status 1 "$SOCKFILTER" -n "$SERVER" -i right -d 5 -w /nonexistent/file
	expect_err '^sockfilter: failed to open /nonexistent/file: No such file'
	expect_eq stdout "$OUT" ""
	expect_status 1 "$SOCKFILTER" -n "$SERVER" -i right -d 5 -w /dev/full
	expect_err '^sockfilter: failed to write /dev/full: No space left'
	expect_err '^  hint: df'
}

# What had come is in the file, whole, when the process is killed.
test_file_after_kill_9()
{
	start -w "$TMP/pcap" --proto icmp
	pings 5 "$S4"
	eventually 5 has_packets "$TMP/pcap" 10
	stop_sample "$PID" KILL 2>/dev/null || :
	tcpdump -nn -r "$TMP/pcap" >/dev/null 2>"$TMP/err" || fail "tcpdump: $(<"$TMP/err")"
	expect_eq "packets" "$(packets "$TMP/pcap")" 10
}

has_packets()
{
	[ "$(packets "$1")" -eq "$2" ]
}

# ---------------------------------------------------------------------------
# What is copied

# Under a flood of UDP, nothing but TCP gets in, from the first moment on.
test_nothing_unfiltered()
{
	local i

	MET=0
	start_bg FLOOD nsenter --net="/run/netns/$CLIENT" perl -MSocket -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
		my $to = pack_sockaddr_in(4242, inet_aton($ARGV[0]));
		while (1) { send($s, "x" x 100, 0, $to) }' "$S4"
	for ((i = 0; i < 10; i++)); do
		nothing_copied tcp
		nothing_copied expression tcp port 4242
	done
	[ "$MET" -ge 1000 ] || fail "the filter has met $MET datagrams only"
}

# nothing_copied WHY [EXPRESSION]: though there is UDP. MET counts what the filter has met.
nothing_copied()
{
	local why=$1

	shift
	expect_status 0 "$SOCKFILTER" -n "$SERVER" -i right -d 0.05 -w "$TMP/pcap" "$@"
	expect_out '^summary: 0 packets captured, 0 received by filter'
	[[ ! $OUT =~ ([0-9]+)\ udp ]] || MET=$((MET + BASH_REMATCH[1]))
	expect_eq "packets ($why)" "$(packets "$TMP/pcap")" 0
}

# copies N OPTION...: of a TCP connection, 2 UDP datagrams with 2 ICMP errors, and 3 pings
# of each family, N packets of the kind are copied (N may be "some").
copies()
{
	local want=$1

	shift
	start -w "$TMP/pcap" "$@"
	fetch
	udp 2 4242
	pings 3 "$S4"
	pings 3 "$S6"
	stop
	if [ "$want" = some ]; then
		[ "$(packets "$TMP/pcap")" -gt 5 ] || fail "only $(packets "$TMP/pcap") packets"
	else
		expect_eq "packets with $*" "$(packets "$TMP/pcap")" "$want"
	fi
}

# only EXPRESSION: nothing else is in the file.
only()
{
	expect_eq "packets that are not: $1" "$(packets "$TMP/pcap" "not ($1)")" 0
}

test_tcp_is_the_default()
{
	copies some
	only tcp
	expect_match "$SAMPLE_OUT" 'seen by the filter: [0-9]+ tcp, 2 udp, [0-9]+ icmp'
	expect_match "$SAMPLE_OUT" 'not copied: .*[0-9]+ protocol'
}

test_proto()
{
	copies some --proto tcp
	only tcp
	copies 2 --proto udp
	only udp
	copies some --proto icmp
	only 'icmp or (ip6 and not tcp and not udp)'
	[ "$(packets "$TMP/pcap" 'icmp[icmptype] = icmp-echo')" -eq 3 ]
	[ "$(packets "$TMP/pcap" 'icmp6 and ip6[40] = 128')" -eq 3 ]
	copies some --proto all
	[ "$(packets "$TMP/pcap" tcp)" -gt 5 ]
	[ "$(packets "$TMP/pcap" udp)" -eq 2 ]
}

test_port()
{
	copies 0 --port 80
	copies 2 --proto all --port 4242
	copies some --proto all --port "$PORT"
	only "tcp port $PORT"
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right --proto icmp --port 80
	expect_err 'no ports'
}

test_host()
{
	copies 6 --proto icmp --host "$C6"
	copies 0 --proto udp --host "$C6"
	copies 2 --proto udp --host "$C4"
	copies 2 --proto udp --host 192.0.2.0/30
	copies 0 --proto udp --host 192.0.2.4/30
	copies 2 --proto udp --host 0.0.0.0/0
	copies 0 --proto udp --host ::/0
	# All addresses of a family are not those of the other one.
	copies some --proto icmp --host ::/0
	only icmp6
	[ "$(packets "$TMP/pcap" 'ip6[40] = 128')" -eq 3 ]
	copies some --proto icmp --host 0.0.0.0/0
	only icmp
	[ "$(packets "$TMP/pcap" 'icmp[icmptype] = icmp-echo')" -eq 3 ]
}

test_direction()
{
	start -w "$TMP/in" --proto icmp --host "$S4" -Q in
	local in=$PID
	start -w "$TMP/out" --proto icmp --host "$S4" -Q out
	local out=$PID
	start -j --proto icmp --host "$S4" -Q inout
	pings 4 "$S4"
	stop
	expect_json '[.[] | select(.event == "packet") | .direction] ==
		["in", "out", "in", "out", "in", "out", "in", "out"]'
	PID=$in
	stop
	PID=$out
	stop
	expect_eq "requests" "$(packets "$TMP/in" 'icmp[icmptype] = icmp-echo')" 4
	expect_eq "all that came in" "$(packets "$TMP/in")" 4
	expect_eq "replies" "$(packets "$TMP/out" 'icmp[icmptype] = icmp-echoreply')" 4
	expect_eq "all that went out" "$(packets "$TMP/out")" 4
}

# A packet of lo is met twice, and shown once.
test_loopback()
{
	local dir

	for dir in in out inout; do
		start_on "$SERVER" -i lo --proto icmp -Q "$dir" -w "$TMP/$dir"
		in_ns "$SERVER" ping -q -c 3 -i 0.02 127.0.0.1 >/dev/null
		in_ns "$SERVER" ping -q -c 2 -i 0.02 ::1 >/dev/null
		stop
		expect_eq "packets with -Q $dir" "$(packets "$TMP/$dir")" 10
		tcpdump -nn -t -r "$TMP/$dir" >"$TMP/$dir.text" 2>/dev/null
	done
	expect_match "$TMP/in.text" '127.0.0.1 > 127.0.0.1: ICMP echo reply'
}

test_two_interfaces()
{
	start -i lo --proto icmp -j
	pings 1 "$S4"
	in_ns "$SERVER" ping -q -c 1 127.0.0.1 >/dev/null
	stop
	expect_json '[.[] | select(.event == "packet" and .family == 4) | .ifname] | sort ==
		["lo", "lo", "right", "right"]'
	start -i lo --proto icmp
	pings 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" "^[0-9:.]+ right In  IP $C4 > $S4: ICMP echo request"
	expect_match "$SAMPLE_OUT" "^[0-9:.]+ right Out IP $S4 > $C4: ICMP echo reply"
}

test_count()
{
	start --proto icmp -c 5
	pings 10 "$S4"
	wait_sample "$PID" 10
	# A router solicitation, which comes when it likes, is ICMPv6, too.
	expect_eq "lines" "$(grep -c ': ICMP' "$SAMPLE_OUT")" 5
	expect_match "$SAMPLE_OUT" '^summary: 5 packets captured'
	start --proto icmp -c 5 -w "$TMP/pcap"
	pings 10 "$S4"
	wait_sample "$PID" 10
	expect_eq "packets" "$(packets "$TMP/pcap")" 5
}

test_quiet()
{
	start --proto icmp -q
	pings 2 "$S4"
	stop
	expect_no_match "$SAMPLE_OUT" 'ICMP echo'
	expect_match "$SAMPLE_OUT" '^summary: [4-9] packets'
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

# A line is there soon, not when a buffer is full.
test_lines_are_not_kept_back()
{
	start --proto icmp
	pings 1 "$S4"
	eventually 2 lines_are "$SAMPLE_OUT" 2
	stop
}

test_copy_only()
{
	start
	fetch
	pings 3 "$S4"
	stop
	expect_eq "lines" "$(grep -c 'copy only: traffic is not changed' "$SAMPLE_ERR")" 1
}

# The filter tells of ICMP, too, though it copies TCP only.
test_trace()
{
	start --trace --host "$C4"
	fetch
	pings 2 "$S4"
	udp 1 4242
	stop
	expect_match "$SAMPLE_OUT" "^trace: $C4\.[0-9]+ > $S4\.$PORT TCP, length 74: copied$"
	expect_match "$SAMPLE_OUT" "^trace: $C4 > $S4 ICMP, length 98: not copied \(protocol\)$"
	expect_no_match "$SAMPLE_OUT" '^trace: .*\.4242'
	expect_eq "copied, traced or shown" "$(grep -c '^trace: .*: copied' "$SAMPLE_OUT")" \
		"$(grep -c '^[0-9].* IP .*Flags' "$SAMPLE_OUT")"
	start --trace -j
	pings 2 "$S4"
	stop
	expect_json '[.[] | select(.event == "trace" and .family == 4)] | length == 4 and
		.[0].verdict == "not copied" and .[0].reason == "protocol"'
}

# ---------------------------------------------------------------------------
# Expressions

test_expression()
{
	copies some "tcp port $PORT"
	only "tcp port $PORT"
	copies 3 icmp and 'icmp[icmptype] = icmp-echo'
	copies 2 udp
	copies 3 icmp6 and "src host $C6" and 'ip6[40] = 128'
	copies 0 vlan and arp
	copies 2 udp and less 200 and greater 100
}

# Both must agree.
test_expression_and_own_filters()
{
	copies 0 --proto tcp udp
	copies 2 --proto udp "port 4242"
	copies 3 --proto icmp --host "$C4" 'icmp[0] == 8'
	expect_match "$SAMPLE_OUT" 'not copied: .*[0-9]+ expression'
}

# As tcpdump that listens at the same time.
test_expression_as_tcpdump()
{
	local expr="($QUIET) and (port $PORT and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 or udp)"
	local dump

	start_bg dump nsenter --net="/run/netns/$SERVER" tcpdump -Z root -U -i right \
		-w "$TMP/theirs" "$expr"
	eventually 10 grep -q 'listening on' "$(sample_err "$dump")"
	start -w "$TMP/ours" "$expr"
	fetch
	udp 5 4242
	pings 2 "$S4"
	eventually 10 has_packets "$TMP/theirs" "$(packets "$TMP/theirs")"
	eventually 10 enough "$TMP/theirs"
	stop
	stop_sample "$dump" || :
	tcpdump -nn -t -r "$TMP/theirs" >"$TMP/theirs.text" 2>/dev/null
	tcpdump -nn -t -r "$TMP/ours" >"$TMP/ours.text" 2>/dev/null
	diff "$TMP/theirs.text" "$TMP/ours.text" >&2 || fail "not what tcpdump took"
}

# 2 with SYN, 2 with FIN, 5 of UDP.
enough()
{
	[ "$(packets "$1")" -ge 9 ]
}

test_bad_expression()
{
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right tcp port
	expect_err "^sockfilter: expression 'tcp port': .*syntax error"
	expect_err '^  hint: man 7 pcap-filter'
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right tcp and udp
	expect_err 'rejects all packets'
	# It needs a loop.
	expect_status 1 "$SOCKFILTER" -n "$SERVER" -i right ip6 protochain 6
	expect_err 'failed to load the expression'
	expect_err '^  hint: .*--proto'
}

# ---------------------------------------------------------------------------
# VLAN tags: the kernel takes the outer one out of the frame

# send_frame HEX: a frame from "left" to "right", of which HEX is what follows the two
# MAC addresses.
send_frame()
{
	in_ns "$CLIENT" perl -e '
		my ($ifindex, $hex) = @ARGV;
		socket(my $s, 17, 3, 0) or die "socket: $!";	# AF_PACKET, SOCK_RAW
		my $to = pack("SnlSCCa8", 17, 0x0800, $ifindex, 0, 0, 6, "");
		send($s, pack("H*", $hex), 0, $to) or die "send: $!";
	' "$(in_ns "$CLIENT" cat /proc/net/dev_mcast | awk '$2 == "left" { print $1; exit }')" \
		"020000000002020000000001$1"
}

# ICMP echo request of 192.0.2.1, id 77 seq 5, and one in UDP to port 4242.
ICMP=45000024abcd000040010000c0000201c000020208000000004d00054141414141414141
UDP=45000020abcd000040110000c0000201c00002029c401092000c000041414141

frames()
{
	send_frame "0800$ICMP"
	send_frame "8100006408004500${ICMP:4}"
	send_frame "88a800c881006064$(printf '0800%s' "$ICMP")"
	send_frame "810000650800$UDP"
}

# What came in from that MAC address, from the Ethernet header on, in hex.
frames_of()
{
	pcap "$1" '
		my $hex = unpack("H*", $data);
		print(substr($hex, 24), " $len\n") if substr($hex, 12, 12) eq "020000000001";'
}

test_vlan_tags_are_put_back()
{
	start -w "$TMP/pcap" --proto all -Q in
	frames
	stop
	frames_of "$TMP/pcap" >"$TMP/got"
	expect_eq "frames" "$(wc -l <"$TMP/got")" 4
	expect_eq "no tag" "$(sed -n 1p "$TMP/got")" "0800$ICMP $((14 + ${#ICMP} / 2))"
	expect_eq "one tag" "$(sed -n 2p "$TMP/got")" "810000640800$ICMP $((18 + ${#ICMP} / 2))"
	expect_eq "two tags" "$(sed -n 3p "$TMP/got")" \
		"88a800c8810060640800$ICMP $((22 + ${#ICMP} / 2))"
	expect_eq "UDP" "$(sed -n 4p "$TMP/got")" "810000650800$UDP $((18 + ${#UDP} / 2))"
}

test_vlan_and_own_filters()
{
	start -j --proto icmp -Q in --host 192.0.2.1
	frames
	stop
	expect_json '[.[] | select(.event == "packet") | .vlans] == [null, [100], [200, 100]]'
	start -j --proto udp --port 4242 -Q in
	frames
	stop
	expect_json '[.[] | select(.event == "packet") | .vlans] == [[101]]'
}

# An expression sees the frame as it is written: with its tags.
vlan_expression()
{
	start -w "$TMP/pcap" -Q in "$2"
	frames
	stop
	expect_eq "packets of: $2" "$(packets "$TMP/pcap")" "$1"
	expect_eq "for tcpdump" "$(packets "$TMP/all" "$2")" "$1"
}

test_vlan_and_expressions()
{
	start -w "$TMP/all" --proto all -Q in --host 192.0.2.1
	frames
	stop
	vlan_expression 1 'icmp'
	vlan_expression 3 'vlan'
	vlan_expression 1 'vlan 100'
	vlan_expression 1 'vlan 200'
	vlan_expression 1 'vlan and icmp'
	vlan_expression 1 'vlan and vlan 100 and icmp'
	vlan_expression 1 'vlan and udp port 4242'
	vlan_expression 1 'ether[12:2] = 0x88a8'
	vlan_expression 2 'ether[14:2] & 0xfff < 102 and ether[14:2] < 0x1000 and ether proto 0x8100'
	vlan_expression 1 'len = 54'
	vlan_expression 2 'len = 50'
}

test_vlan_and_snap_length()
{
	local n

	for n in 11 12 13 15 16 17 18 19 60; do
		start -w "$TMP/pcap" --proto udp --port 4242 -Q in -s "$n"
		send_frame "810000650800$UDP"
		stop
		expect_eq "-s $n" "$(pcap "$TMP/pcap" 'print "$caplen $len ", unpack("H*", $data)')" \
			"$((n < 50 ? n : 50)) 50 $(cut -c "1-$((2 * n))" \
			<<<"020000000002020000000001810000650800$UDP")"
	done
}

# ---------------------------------------------------------------------------
# Losses

# While nobody reads, a small ring overflows. What was lost is counted, once.
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
	# Some more reports changed nothing.
	expect_json '[.[] | select(.event == "stats") | .received] | max == 4000'
}

stats_say()
{
	[ "$(json '[.[] | select(.event == "stats" and .received == $n)] | length > 2' \
		--argjson n "$1")" = true ]
}

# All that came before the signal is in the summary: the last block too.
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

# Down and up again: packets come again.
test_interface_goes_down_and_up()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	addr_add "$ns1" near 192.0.2.1/24
	addr_add "$ns2" far 192.0.2.2/24
	start_on "$ns2" -i far --proto icmp --host 192.0.2.1
	in_ns "$ns1" ping -q -c 1 192.0.2.2 >/dev/null
	ip -n "$ns2" link set far down
	eventually 5 grep -q 'far: Network is down' "$SAMPLE_ERR"
	ip -n "$ns2" link set far up
	eventually 10 in_ns "$ns1" ping -q -c 1 -W 1 192.0.2.2
	eventually 5 lines_are "$SAMPLE_OUT" 4
	stop
}

test_interface_deleted()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	addr_add "$ns1" near 192.0.2.1/24
	addr_add "$ns2" far 192.0.2.2/24
	start_on "$ns2" -i far --proto icmp --host 192.0.2.1
	in_ns "$ns1" ping -q -c 2 -i 0.02 192.0.2.2 >/dev/null
	ip -n "$ns2" link del far
	eventually 10 sample_ended "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	expect_eq status "$STATUS" 1
	expect_match "$SAMPLE_ERR" 'far: the interface was removed'
	expect_summary 4 4 0
}

# ---------------------------------------------------------------------------
# Lifetime

# sockets: packet sockets in the namespace.
sockets()
{
	in_ns "$SERVER" cat /proc/net/packet | tail -n +2 | wc -l
}

no_sockets()
{
	[ "$(sockets)" -eq 0 ]
}

# programs PID: the BPF programs it holds.
programs()
{
	grep -hE '^prog_id:' "/proc/$1/fdinfo/"* | sort -u | awk '{ print $2 }'
}

# program_gone ID: the kernel has no such program (bpf(2)).
program_gone()
{
	perl -e '
		my %nr = (x86_64 => 321, aarch64 => 280, riscv64 => 280);
		my $attr = pack("L32", $ARGV[0]);
		my $fd = syscall($nr{$ARGV[1]}, 13, $attr, length $attr);
		exit($fd < 0 && $!{ENOENT} ? 0 : 1);' "$1" "$(uname -m)"
}

leaves_nothing()
{
	local id ids

	[[ $(uname -m) = @(x86_64|aarch64|riscv64) ]] || skip "bpf(2) has another number here"
	start -i lo icmp
	expect_eq "sockets" "$(sockets)" 2
	ids=$(programs "$PID")
	[ -n "$ids" ] || fail "no program is held"
	stop_sample "$PID" "$1" 2>/dev/null || [ "$1" = KILL ]
	eventually 10 no_sockets
	for id in $ids; do
		eventually 10 program_gone "$id"
	done
}

test_kill_9_leaves_nothing()
{
	leaves_nothing KILL
}

test_sigterm_leaves_nothing()
{
	leaves_nothing TERM
}

# No more than what it needs: CAP_NET_ADMIN is not among it. CAP_PERFMON is, for the
# verifier of Linux 6.1.
test_few_capabilities_are_enough()
{
	have setpriv || skip "not installed: setpriv"
	expect_status 0 in_ns "$SERVER" setpriv --inh-caps=-all \
		--bounding-set=-all,+bpf,+perfmon,+net_raw "$SOCKFILTER" -i right -d 0.1
	expect_status 1 in_ns "$SERVER" setpriv --inh-caps=-all \
		--bounding-set=-all,+bpf,+perfmon,+net_admin "$SOCKFILTER" -i right -d 0.1
	expect_err CAP_NET_RAW
	# It works without CAP_PERFMON, or that is named.
	in_ns "$SERVER" setpriv --inh-caps=-all --bounding-set=-all,+bpf,+net_raw \
		"$SOCKFILTER" -i right -d 0.1 2>"$TMP/err" ||
		expect_match "$TMP/err" '^sockfilter: failed to load .*: .* CAP_PERFMON$'
}

run_tests test_lines_are_those_of_tcpdump test_lines_with_link_header test_dump_in_hex \
	test_dump_in_hex_and_ascii test_dump_in_ascii test_lines_of_cut_packets test_json \
	test_json_with_data test_time_of_day test_pcap_holds_what_curl_got \
	test_long_packets_keep_their_length test_packets_longer_than_64_kib test_nanoseconds test_snap_lengths \
	test_pipe_into_tcpdump test_pipe_whose_reader_ends test_json_with_pcap_on_stdout \
	test_write_errors test_file_after_kill_9 test_nothing_unfiltered \
	test_tcp_is_the_default test_proto test_port test_host test_direction test_loopback \
	test_two_interfaces test_count test_quiet test_lines_are_not_kept_back test_copy_only \
	test_trace test_expression test_expression_and_own_filters \
	test_expression_as_tcpdump test_bad_expression test_vlan_tags_are_put_back \
	test_vlan_and_own_filters test_vlan_and_expressions test_vlan_and_snap_length \
	test_drops_are_counted test_no_loss_at_the_end test_not_promiscuous \
	test_any_is_no_interface test_interface_that_is_down \
	test_interface_without_ethernet test_interface_goes_down_and_up \
	test_interface_deleted test_kill_9_leaves_nothing test_sigterm_leaves_nothing \
	test_few_capabilities_are_enough
