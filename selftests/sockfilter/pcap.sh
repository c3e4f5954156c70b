#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# pcap files of samples/sockfilter: tcpdump and perl read them back.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# The TCP stream of the server, reassembled from the packets, is what curl received.
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

# With segmentation offload, packets in the stack are longer than any frame.
test_long_packets_keep_their_length()
{
	start -w "$TMP/pcap" -s 100
	fetch
	stop
	pcap "$TMP/pcap" '
		our ($long, $sum);
		die "$caplen of $len" if $caplen != ($len < 100 ? $len : 100);
		# The length must agree with the IP header.
		die "length" if $len != 14 + unpack("x16 n", $data);
		$long++ if $len > 1514;
		$main::end = sub { print "$long\n" };' >"$TMP/long"
	[ "$(<"$TMP/long")" -gt 3 ] || fail "no packets longer than a frame"
}

# BIG TCP packets are longer than the length field of the IP header allows, so that it says 0.
# The sample still finds the ports.
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

# fetch_long: fetch the long file; true if the sample has seen a long packet and ended. Whether
# the kernel makes packets so long depends on timing.
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
	expect_answers 1 "$S4"
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

# tcpdump at the other end of a pipe gets each packet at once. Everything except the pcap goes
# to stderr.
test_pipe_into_tcpdump()
{
	start_bg PID bash -c 'set -o pipefail; "$1" -n "$2" -i right --proto icmp -w - \
		2>"$3" | tcpdump -l -nn -r - 2>/dev/null' x "$SOCKFILTER" "$SERVER" "$TMP/err"
	eventually 10 grep -q '^ready: right' "$TMP/err"
	expect_answers 3 "$S4"
	eventually 10 lines_are "$(sample_out "$PID")" 6
	expect_answers 2 "$S6"
	eventually 10 lines_are "$(sample_out "$PID")" 10
	kill "$(child_named "$PID" sockfilter)"
	wait_sample "$PID" 10
	expect_match "$TMP/err" '^summary: 1[0-9] packets captured'
	expect_match "$TMP/err" 'copy only'
}

lines_are()
{
	[ "$(grep -c 'ICMP.* echo' "$1")" -eq "$2" ]
}

# It is no failure if the reader of the pipe has read enough and ends.
test_pipe_whose_reader_ends()
{
	start_bg PID bash -c '"$1" -n "$2" -i right --proto icmp -w - 2>"$3" | head -c 100 >/dev/null
		exit "${PIPESTATUS[0]}"' x "$SOCKFILTER" "$SERVER" "$TMP/err"
	eventually 10 grep -q '^ready: right' "$TMP/err"
	expect_answers 2 "$S4"
	expect_answers 2 "$S4"
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

# full_file REASON HINT COMMAND...: COMMAND starts the sample where $TMP/disk/pcap can only
# grow to 512 KiB. Then more packets come at once than the write buffer of the sample holds,
# so that the write fails before the final flush. The sample prints REASON and HINT, and
# ends with a summary as usual.
full_file()
{
	local reason=$1 hint=$2

	shift 2
	mkdir -p "$TMP/disk"
	start_main 20 "$@" "$SOCKFILTER" -n "$SERVER" -i right -w "$TMP/disk/pcap" \
		--proto udp -Q in
	kill -STOP "$PID"
	udp 1300 9 1000
	kill -CONT "$PID"
	wait_sample "$PID" 10 || :
	expect_eq status "$STATUS" 1
	expect_match "$SAMPLE_ERR" "^sockfilter: failed to write $TMP/disk/pcap: $reason\$"
	expect_match "$SAMPLE_ERR" "^  hint: $hint\$"
	expect_summary '[0-9]+' 1300 0
}

test_full_disk()
{
	full_file 'No space left on device' "df -h $TMP/disk/pcap" unshare --mount \
		sh -c 'mount -t tmpfs -o size=512k none "$0" && exec "$@"' "$TMP/disk"
}

test_limit_of_the_file_size()
{
	full_file 'File too large' 'larger files: ulimit -f unlimited' \
		bash -c 'ulimit -f 512 && exec "$@"' bash
}

# After kill -9 the file holds every packet so far, and none is cut.
test_file_after_kill_9()
{
	start -w "$TMP/pcap" --proto icmp --host "$S4"
	expect_answers 5 "$S4"
	eventually 5 has_packets "$TMP/pcap" 10
	stop_sample "$PID" KILL 2>/dev/null || :
	tcpdump -nn -r "$TMP/pcap" >/dev/null 2>"$TMP/err" || fail "tcpdump: $(<"$TMP/err")"
	expect_eq "packets" "$(packets "$TMP/pcap")" 10
}

has_packets()
{
	[ "$(packets "$1")" -eq "$2" ]
}
