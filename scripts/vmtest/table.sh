# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# vmtest.sh -k all: runs the command on each kernel, then prints one table. Sourced by
# vmtest.sh.

# The kernels that -k all runs, and those of the known kernels that nobody offers here.
KERNELS=()
NOT_HERE=()
declare -A GUEST_OF=() RECORDER_OF=() STATUS_OF=() TIME_OF=() RELEASE_OF=()

# record KERNEL: copy stdin to stdout and to a file. A prefix tells two kernels apart.
record()
{
	local line prefix=

	[ -z "$PARALLEL" ] || prefix="$1: "
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s%s\n' "$prefix" "$line"
		printf '%s\n' "$line" >&3
	done 3>"$RECORD_DIR/$1"
}

# results RECORD: print a line "TEST PASSED FAILED SKIPPED SECONDS" for each test
# in the output of run.sh.
results()
{
	awk '
	function count(text) {
		if (text ~ /^not ok/)
			fail++
		else if (text ~ /# SKIP/)
			skip++
		else
			pass++
	}
	/^  (not )?ok [0-9]/ { count(substr($0, 3)) }
	/^# took / { took = $3 }
	/^(not )?ok [0-9]+ selftests: netbpf: / {
		name = $0
		sub(/^.*selftests: netbpf: /, "", name)
		sub(/ .*/, "", name)
		if (pass + fail + skip == 0 || (/^not/ && !fail))
			count($0)
		print name, pass + 0, fail + 0, skip + 0, took
		pass = fail = skip = 0
	}' "$1"
}

# print_table: print a row for each test, columns for each kernel, and a row for all tests.
print_table()
{
	local kernel

	for kernel in "${KERNELS[@]}"; do
		results "$RECORD_DIR/$kernel" | sed "s/^/$kernel /"
		echo "$kernel - ${STATUS_OF[$kernel]} ${TIME_OF[$kernel]} ${RELEASE_OF[$kernel]}"
	done | awk '
	function cells(name, kernel) {
		if ((name, kernel) in cell)
			return cell[name, kernel]
		return sprintf("%6s %6s %7s %7s", "-", "-", "-", "-")
	}
	$2 == "-" {
		kernel[++kernels] = $1
		status[$1] = $3
		time[$1] = $4
		release[$1] = $5
		next
	}
	{
		if (!($2 in known))
			test[++tests] = $2
		known[$2] = 1
		cell[$2, $1] = sprintf("%6d %6d %7d %7d", $3, $4, $5, $6)
		for (i = 3; i <= 5; i++)
			sum[$1, i] += $i
	}
	END {
		line = sprintf("%-26s", "test")
		head = sprintf("%-26s", "")
		for (k = 1; k <= kernels; k++) {
			head = head sprintf("  %29s", release[kernel[k]])
			line = line sprintf("  %6s %6s %7s %7s", "passed", "failed",
					    "skipped", "seconds")
			cell["all", kernel[k]] = sprintf("%6d %6d %7d %7d",
				sum[kernel[k], 3], sum[kernel[k], 4], sum[kernel[k], 5],
				time[kernel[k]])
			all = all sprintf("  %29s", "exit status " status[kernel[k]])
		}
		test[++tests] = "all"
		print head
		print line
		for (t = 1; t <= tests; t++) {
			line = sprintf("%-26s", test[t])
			for (k = 1; k <= kernels; k++)
				line = line "  " cells(test[t], kernel[k])
			print line
		}
		print sprintf("%-26s", "") all
	}'
}

# print_skips: print each skip with its reason, as run.sh lists them.
print_skips()
{
	local kernel

	for kernel in "${KERNELS[@]}"; do
		sed -n "s/^# skipped [0-9]*: /skipped on $kernel: /p" "$RECORD_DIR/$kernel"
	done
}

# column RELEASE [WORD...]: print the title of a column: VERSION.PATCHLEVEL, and the words.
column()
{
	set -- "$(cut -d. -f1,2 <<<"$1")" "${@:2}"
	echo "$*"
}

# write_support: the table of samples, modes and kernels that README.rst has.
write_support()
{
	local kernel args=()

	# shellcheck disable=SC2086 # FOREIGN and NIC are a word or nothing
	for kernel in "${KERNELS[@]}"; do
		args+=("kernel=$(column "${RELEASE_OF[$kernel]}" $FOREIGN $NIC)" "$RECORD_DIR/$kernel")
	done
	[ -z "$HOST_RESULTS" ] ||
		args+=("kernel=$(column "$(uname -r)")" "$HOST_RESULTS")
	awk -f "$NETBPF_TOP/scripts/vmtest/support.awk" "$NETBPF_TOP/scripts/vmtest/support" \
		"${args[@]}" >"$KERNEL_DIR/support.rst"
	note "what works where: $KERNEL_DIR/support.rst"
}

# start_kernel KERNEL: start a vmtest.sh for KERNEL, which ends when this one does. It gets
# SIGTERM: it ignores SIGINT, as all processes that a script starts in the background.
start_kernel()
{
	mkfifo "$RUN/$1"
	record "$1" <"$RUN/$1" &
	RECORDER_OF[$1]=$!
	setpriv --pdeathsig TERM "$NETBPF_TOP/scripts/vmtest.sh" --arch "$ARCH" -k "$1" -T "$DEADLINE" \
		--memory "$MEMORY" --cpus "$CPUS" ${NIC:+--nic "$NIC" --cards "$CARDS"} -- "${COMMAND[@]}" \
		</dev/null >"$RUN/$1" 2>&1 &
	GUEST_OF[$1]=$!
	TIME_OF[$1]=$SECONDS
}

# finish_kernel KERNEL: wait for its vmtest.sh, and note status and time.
finish_kernel()
{
	STATUS_OF[$1]=0
	wait "${GUEST_OF[$1]}" || STATUS_OF[$1]=$?
	TIME_OF[$1]=$((SECONDS - TIME_OF[$1]))
	wait "${RECORDER_OF[$1]}" || :
}

# end_kernels: end all of them after a signal.
end_kernels()
{
	local pid

	for pid in "${GUEST_OF[@]}"; do
		kill -TERM "$pid" 2>/dev/null || :
	done
	for pid in "${GUEST_OF[@]}" "${RECORDER_OF[@]}"; do
		wait "$pid" 2>/dev/null || :
	done
}

# try_kernel KERNEL: fetch it, if it is not here. Return 1 if that fails: known_kernel then ends the
# subshell.
try_kernel()
(
	# shellcheck disable=SC2034 # the trap uses it
	before=${#TO_REMOVE[@]}
	trap 'rm -rf "${TO_REMOVE[@]:before}"' EXIT
	known_kernel "$1"
)

# choose_all: set KERNELS, and RELEASE_OF of each.
choose_all()
{
	local kernel

	for kernel in $KNOWN_KERNELS; do
		if try_kernel "$kernel"; then
			find_kernel "$kernel" ""
			KERNELS+=("$kernel")
			RELEASE_OF[$kernel]=$RELEASE
		else
			note "going on without Linux $kernel"
			NOT_HERE+=("$kernel")
		fi
	done
	[ ${#KERNELS[@]} -gt 0 ] || die 3 "there is no kernel to run"
}

# run_all: run all kernels; set STATUS to 0, or to the status of the first that failed.
run_all()
{
	local kernel

	# A file for each kernel, with what it printed.
	RECORD_DIR=$KERNEL_DIR/record
	mkdir -p "$RECORD_DIR"
	# Fetch the kernels and try KVM here, so that two vmtest.sh do not do it at once.
	choose_all
	choose_accel
	for kernel in "${KERNELS[@]}"; do
		start_kernel "$kernel"
		[ -n "$PARALLEL" ] || finish_kernel "$kernel"
	done
	STATUS=0
	for kernel in "${KERNELS[@]}"; do
		[ -z "$PARALLEL" ] || finish_kernel "$kernel"
		[ "$STATUS" -ne 0 ] || STATUS=${STATUS_OF[$kernel]}
	done
	echo
	print_table
	print_skips
	for kernel in "${NOT_HERE[@]}"; do
		echo "not run on $kernel: that kernel is not here, and could not be fetched"
	done
	write_support
}
