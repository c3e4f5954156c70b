#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Running samples: their arguments, their output, and how they end.

test_interface_by_number()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		expect_status 0 "$BIN/$name" -n "$NS" -d 0.05 -i 1
		expect_out '^ready: lo '
	done
}

test_interface_by_alternative_name()
{
	local name

	alternative_name "$NS" lo
	for name in $SAMPLES; do
		takes "$name" interface || continue
		expect_status 0 "$BIN/$name" -n "$NS" -d 0.05 -i "$ALTNAME"
		expect_out '^ready: lo '
		refuses 2 "$BIN/$name" -n "$NS" -d 0.05 -i lo -i "$ALTNAME"
		expect_err "^$name: --interface $ALTNAME: it is lo, which was given before\$"
		# A name that does not exist, although "lo", its beginning, does.
		refuses 1 "$BIN/$name" -n "$NS" -d 0.05 -i "lo0123456789abcdef"
		expect_err "^$name: failed to find the interface lo0123456789abcdef "
	done
}

test_long_options_and_clusters()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		expect_status 0 "$BIN/$name" "--netns=$NS" --duration=0.05 --interface=lo
		expect_out '^ready: lo '
		expect_status 0 "$BIN/$name" -jqd0.05 "-n$NS" -ilo
		expect_out '^\{"event":"ready"'
	done
}

test_ready_in_json()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		expect_status 0 "${BASE[@]}" -j
		jq -es --arg tool "$name" '.[0].event == "ready" and .[0].tool == $tool and
			all(.[]; .event | type == "string")' "$OUT_FILE" >/dev/null ||
			fail "$name: $OUT"
		[ "$(jq -c . "$OUT_FILE" | wc -l)" -eq "$(wc -l <"$OUT_FILE")" ] ||
			fail "$name: not one object a line: $OUT"
	done
}

# Errors are not data: with -j they still go to stderr, and stdout stays empty.
test_errors_in_json_mode()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		refuses 2 "${BASE[@]}" -j --bogus
		! takes "$name" interface ||
			refuses 1 "$BIN/$name" -n "$NS" -d 0.05 -j -i nosuch0
	done
}

# -d counts from the ready line, and the sample ends soon after that time.
test_duration()
{
	local name pid before

	for name in $SAMPLES; do
		base "$name"
		before=${EPOCHREALTIME/./}
		start_sample pid 30 "${BASE[@]}" -d 0.3
		wait_sample "$pid" 5
		[ $((${EPOCHREALTIME/./} - before)) -ge 300000 ] ||
			fail "$name -d 0.3 ended too early"
		detached
	done
}

# -vv shows the messages of libbpf. With -q there is nothing on stderr except errors.
test_verbose_and_quiet()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		expect_status 0 "${BASE[@]}" -vv
		expect_err '^libbpf: '
		expect_status 0 "${BASE[@]}"
		expect_no_match "$ERR_FILE" '^libbpf: '
		expect_status 0 "${BASE[@]}" -q
		expect_eq "stderr of $name -q" "$ERR" ""
		expect_out '^ready:'
	done
}

# ends_with SIGNAL: SIGNAL ends each sample, with status 0 and its summary.
ends_with()
{
	local name pid

	for name in $SAMPLES; do
		base "$name"
		start_sample pid 20 "${BASE[@]}" -d 60
		stop_sample "$pid" "$1" || fail "$name: status $STATUS after SIG$1"
		[[ " $SILENT " = *" $name "* ]] ||
			expect_match "$(sample_out "$pid")" '^summary: '
		detached || fail "$name left a program after SIG$1"
	done
}

test_sigint()
{
	ends_with INT
}

test_sigterm()
{
	ends_with TERM
}

test_sighup()
{
	ends_with HUP
}

# The reader of the output has ended, as in "foo | head -1": the sample ends, too.
test_stdout_closed_by_reader()
{
	local name keep out

	for name in $SAMPLES; do
		base "$name"
		rm -f "$TMP/fifo"
		mkfifo "$TMP/fifo"
		exec {keep}<>"$TMP/fifo"
		exec {out}>"$TMP/fifo"
		exec {keep}>&-
		STATUS=0
		timeout $((20 * NETBPF_SLOW)) "${BASE[@]}" -d 60 1>&"$out" || STATUS=$?
		exec {out}>&-
		[ "$STATUS" -ne 124 ] || fail "$name goes on though nobody reads"
		[ "$STATUS" -le 1 ] || fail "$name: status $STATUS"
		detached || fail "$name left a program"
	done
}

# Without file descriptor 1, the next file that the sample opens must not become its stdout.
test_stdout_not_open()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		STATUS=0
		timeout $((20 * NETBPF_SLOW)) "${BASE[@]}" -d 0.1 >&- 2>"$ERR_FILE" || STATUS=$?
		[ "$STATUS" -le 1 ] || fail "$name: status $STATUS: $(<"$ERR_FILE")"
		detached || fail "$name left a program"
	done
}

# If the sample cannot write its output, it must report this and fail.
test_stdout_full()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		STATUS=0
		timeout $((20 * NETBPF_SLOW)) "${BASE[@]}" -d 0.1 >/dev/full 2>"$ERR_FILE" || STATUS=$?
		expect_eq "status of $name >/dev/full" "$STATUS" 1
		expect_err "^$name: failed to write lines to stdout: No space left on device\$"
		expect_err "^  hint: df -h /dev/full\$"
		detached || fail "$name left a program"
	done
}

# The file size limit (SIGXFSZ) must not kill the sample: it prints the reason and detaches.
test_stdout_limited()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		STATUS=0
		# Read stderr through a pipe: the limit would also hold for a file.
		ERR=$(ulimit -f 0; exec timeout $((20 * NETBPF_SLOW)) \
			"${BASE[@]}" -d 0.1 2>&1 >"$TMP/limited") || STATUS=$?
		expect_eq "status of $name behind ulimit -f 0" "$STATUS" 1
		[[ $'\n'$ERR == *$'\n'"$name: failed to write lines to stdout: File too large"* ]] ||
			fail "$name: $ERR"
		detached || fail "$name left a program"
	done
}

# The sample reports the full disk at once, not only when it ends, which may be much later.
test_stdout_full_is_told_at_once()
{
	local name pid

	for name in $SAMPLES; do
		base "$name"
		start_bg pid bash -c 'exec "$@" >/dev/full' bash "${BASE[@]}" -d 60
		eventually 20 grep -q "^$name: failed to write lines" "$(sample_err "$pid")"
		! sample_ended "$pid" || fail "$name has ended"
		stop_sample "$pid" || :
		expect_eq "status of $name" "$STATUS" 1
		expect_eq "messages of $name" "$(grep -c 'failed to write' "$(sample_err "$pid")")" 1
	done
}

test_kill_9()
{
	local name pid

	for name in $SAMPLES; do
		base "$name"
		start_sample pid 20 "${BASE[@]}" -d 60
		# Only XDP samples (--mode) are checked here; other samples have tests of their own.
		! takes "$name" mode || ! detached || fail "$name is not attached"
		STATUS=0
		stop_sample "$pid" KILL 2>/dev/null || :
		expect_eq "status of $name" "$STATUS" 137
		eventually 5 detached
		# The next start works, and removes anything that was left behind.
		expect_status 0 "${BASE[@]}"
	done
}
