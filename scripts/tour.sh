#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guided tour: runs each demo live in a lab of network namespaces, tells what the
# demo does and why, shows its real output, and checks that the effect is as told.
#
# A demo is a file tour/NAME.sh with two functions: about_NAME prints one line,
# tour_NAME runs its steps with the helpers below. There may be two more functions:
# topology_NAME prints the topology of its lab if that is not the pair; undo_NAME
# removes what its processes leave behind if the tour ends in the middle of the demo.
set -euo pipefail

TOUR_DIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$TOUR_DIR/common.sh"

# The samples that have a demo, in the order of reading.
DEMOS=
while read -r NAME; do
	[ ! -r "$TOUR_DIR/tour/$NAME.sh" ] || DEMOS+="${DEMOS:+ }$NAME"
done < <(sample_names)
readonly DEMOS
unset NAME

STEP=
ONLY=()
LAB=tour-$$
CHECKS=0
FAILED=0
DEMO_PID=
# shellcheck disable=SC2034 # the demos use it
REPLIES=
WORK=

usage()
{
	cat <<USAGE
Usage: $0 [--list] [--only NAME]... [--step] [-h]

Shows each demo live in a lab of network namespaces and checks its effect. Sets
up and builds what is missing first; leaves nothing behind.

  --list       list the demos and what they show
  --only NAME  this demo; may be repeated
  --step       wait for Enter between the steps
  -h, --help   this text

Environment: NO_INSTALL=1 installs no packages. NO_COLOR=1 prints no colours.

Examples:
  sudo $0
  sudo $0 --only ping --step

Exit status: 0 every effect was as told, 1 one was not, 2 usage, 3 something is
missing and may not be installed.
USAGE
}

# --- what a demo uses --------------------------------------------------------
#
# Do not use $(...) once the traps are set. If a signal comes while bash 5.2 reads the output
# of one, bash may report a syntax error in the trap and exit with 2, or forget the signal.

# value VAR COMMAND...: set VAR to what COMMAND prints, without the last newline.
value()
{
	local __value=

	"${@:2}" >"$WORK/value" || :
	IFS= read -r -d '' __value <"$WORK/value" || :
	printf -v "$1" %s "${__value%$'\n'}"
}

# show_command NODE COMMAND: show COMMAND as if somebody had typed it on NODE.
show_command()
{
	printf '   '
	colour 36 "$1\$ $2"
	printf '\n'
}

# say TEXT: begin a step; TEXT tells what happens now, and why.
say()
{
	if [ -n "$STEP" ]; then
		read -r -p "   (Enter) " _ </dev/tty || :
	fi
	printf '\n '
	colour 1 '*'
	printf ' %s\n' "$1"
}

# run_on NODE COMMAND...: show COMMAND, run it on NODE, show what it prints. Its output
# stays in $WORK/output. If COMMAND is ping, REPLIES is the number of answers.
run_on()
{
	local node=$1 status=0

	shift
	show_command "$node" "$*"
	"$TOUR_DIR/lab.sh" exec --name "$LAB" "$node" "$@" >"$WORK/output" 2>&1 || status=$?
	sed 's/^/   | /' "$WORK/output"
	# shellcheck disable=SC2016 # that is awk
	value REPLIES awk -F'[ ,]+' '/packets transmitted/ { print $4 }' "$WORK/output"
	return "$status"
}

# start SAMPLE OPTION...: start a sample on eth0 of the node "host", wait until
# it is ready. Its output stays in $WORK/demo.
start()
{
	start_plain "$1" -i eth0 "${@:2}"
}

# start_plain SAMPLE OPTION...: the same for a sample that has no interface.
start_plain()
{
	start_at host "$@"
}

# start_at NODE SAMPLE OPTION...: the same on another node.
start_at()
{
	local node=$1 sample=$2

	shift 2
	show_command "$node" "samples/$sample${*:+ $*}"
	# Empty the file: the sample opens it only a moment later. Until then, the output of the
	# previous sample would be taken for the output of this one.
	: >"$WORK/demo"
	"$NETBPF_OUT/samples/$sample" -n "netbpf-$LAB-$node" "$@" \
		>"$WORK/demo" 2>&1 </dev/null &
	DEMO_PID=$!
	if ! wait_until 10 grep -q '^ready:' "$WORK/demo"; then
		show_demo
		die 1 "$sample did not get ready" "scripts/doctor.sh"
	fi
}

# finish: end the sample as Ctrl-C would do, and show what it printed.
finish()
{
	kill -INT "$DEMO_PID" 2>/dev/null || :
	wait "$DEMO_PID" || :
	DEMO_PID=
	show_demo
}

show_demo()
{
	sed 's/^/   | /' "$WORK/demo"
}

# check TEXT COMMAND...: run COMMAND to see whether the effect is as told, and print that.
check()
{
	local text=$1

	shift
	CHECKS=$((CHECKS + 1))
	if "$@"; then
		verdict 32 ok: "$text"
		return
	fi
	FAILED=$((FAILED + 1))
	verdict 31 'NOT AS TOLD:' "$text"
}

# verdict COLOUR WORD TEXT: print the line of a check.
verdict()
{
	printf '   '
	colour "$1" "$2"
	printf ' %s\n' "$3"
}

# --- the tour ----------------------------------------------------------------

load_demos()
{
	local demo

	for demo in $DEMOS; do
		# shellcheck source=/dev/null
		. "$TOUR_DIR/tour/$demo.sh"
	done
}

list_demos()
{
	local demo

	for demo in $DEMOS; do
		printf '%-12s %s\n' "$demo" "$("about_$demo")"
	done
}

is_demo()
{
	case " $DEMOS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

clean_up()
{
	local demo pid

	trap '' INT TERM HUP
	# Do not use DEMO_PID: a signal may come before it is set.
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	if [ -s "$WORK/lab-up" ]; then
		read -r demo <"$WORK/lab-up"
		optional "undo_$demo" || :
		"$TOUR_DIR/lab.sh" down "$LAB" >/dev/null 2>&1 || :
	fi
	[ -z "$WORK" ] || rm -rf "$WORK"
}

set_up()
{
	"$TOUR_DIR/setup.sh" --check >/dev/null 2>&1 || "$TOUR_DIR/setup.sh" || exit $?
}

# building: copy the output of a build; before its first line, say that the tour builds.
building()
{
	local line

	IFS= read -r line || return 0
	note "building (the first time takes half a minute)"
	printf '%s\n' "$line"
	cat
}

# build: build what is missing. make -s prints nothing if there is nothing to build.
build()
{
	local cpus

	value cpus nproc
	if ! make -s --no-print-directory -C "$NETBPF_TOP" -j "$cpus" samples scripts 2>&1 |
	     building >"$WORK/build"; then
		cat "$WORK/build" >&2
		die 1 "the build failed"
	fi
}

# optional FUNCTION: call it if there is one; 1 if not.
optional()
{
	declare -F "$1" >/dev/null && "$1"
}

# topology DEMO: print the topology of its lab.
topology()
{
	optional "topology_$1" || echo pair
}

tour_one()
{
	local demo=$1 about topology

	value about "about_$demo"
	value topology topology "$demo"
	printf '\n'
	colour 1 "== $demo: $about"
	printf '\n'
	echo "$demo" >"$WORK/lab-up"
	"$TOUR_DIR/lab.sh" up "$topology" --name "$LAB" >"$WORK/lab" 2>&1 || {
		cat "$WORK/lab" >&2
		die 1 "the lab did not come up" "scripts/doctor.sh"
	}
	"tour_$demo"
	"$TOUR_DIR/lab.sh" down "$LAB" >/dev/null 2>&1
	rm "$WORK/lab-up"
}

summary()
{
	if [ "$FAILED" -eq 0 ]; then
		printf '\n%s effects checked, all as told. Nothing is left behind.\n' "$CHECKS"
		printf 'Next: Documentation/, scripts/lab.sh up, ./selftests/run.sh\n'
		return 0
	fi
	printf '\n%s of %s effects were not as told.\n' "$FAILED" "$CHECKS"
	hint "scripts/doctor.sh tells what this machine lacks"
	return 1
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--list) list_demos; exit 0 ;;
		--only)
			[ $# -gt 1 ] || usage_error "--only needs a name"
			is_demo "$2" || usage_error "no demo is named $2 (--list shows them)"
			ONLY+=("$2")
			shift
			;;
		--step) STEP=1 ;;
		-h | --help) usage; exit 0 ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
	if [ -n "$STEP" ] && ! { : </dev/tty; } 2>/dev/null; then
		usage_error "--step needs a terminal"
	fi
}

show_pair()
{
	cat <<PICTURE

A host and a box, each a network namespace of its own, joined by a virtual wire:

     host                        pingbox
     eth0 10.0.1.1  <--------->  eth0 10.0.1.2

XDP on the host's eth0 sees what pingbox sends.
PICTURE
}

main()
{
	local demo topology

	load_demos
	options "$@"
	require_root "the tour (it makes network namespaces and loads BPF programs)" \
		"${NETBPF_LAB_CAPS[@]}"
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	set_up
	build
	[ ${#ONLY[@]} -gt 0 ] || read -ra ONLY <<<"$DEMOS"

	for demo in "${ONLY[@]}"; do
		value topology topology "$demo"
		[ "$topology" != pair ] || { show_pair; break; }
	done
	for demo in "${ONLY[@]}"; do
		tour_one "$demo"
	done
	summary
}

main "$@"
