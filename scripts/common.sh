#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of this tree share: messages, colour, waiting on a
# condition. Source it; it runs nothing by itself.
#
#	. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
#
# Messages go to stderr as "tool: text", a cure follows as "  hint: command".

# The root of this tree, and the root of its build output (O= of the Makefiles). A
# relative O= counts from the directory in which the script was called.
NETBPF_TOP=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
NETBPF_OUT=${O:-$NETBPF_TOP}
case $NETBPF_OUT in
/*) ;;
*) NETBPF_OUT=$PWD/$NETBPF_OUT ;;
esac
export NETBPF_TOP NETBPF_OUT

# nginx, ethtool and nft are in sbin. Debian leaves sbin out of the PATH of ordinary
# users, and su keeps their PATH.
for NETBPF_DIR in /usr/local /usr ''; do
	case :$PATH: in
	*:"$NETBPF_DIR/sbin":*) ;;
	*:"$NETBPF_DIR/bin":*) PATH=$PATH:$NETBPF_DIR/sbin ;;
	esac
done
unset NETBPF_DIR

# The oldest kernel tree that is accepted: its libbpf is the first that supports tcx links.
KSRC_OLDEST=6.6

# Name shown in front of each message.
PROG=${PROG:-$(basename "$0" .sh)}

# The command line, quoted, for a hint that says how to run it again.
printf -v NETBPF_LINE ' %q' "$0" "$@"
NETBPF_LINE=${NETBPF_LINE# }

# Test this here, not in colour(): inside $(...) stdout is never a terminal.
NETBPF_COLOUR=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	NETBPF_COLOUR=1
fi

# colour CODE TEXT: TEXT in an ANSI colour, only on a terminal, never with
# NO_COLOR (https://no-color.org).
colour()
{
	if [ -n "$NETBPF_COLOUR" ]; then
		printf '\033[%sm%s\033[0m' "$1" "$2"
	else
		printf '%s' "$2"
	fi
}

# note TEXT...: one message line.
note()
{
	printf '%s: %s\n' "$PROG" "$*" >&2
}

# hint TEXT...: the command that cures what was just said.
hint()
{
	printf '  hint: %s\n' "$*" >&2
}

# die STATUS TEXT [HINT]: end with a message. STATUS is 1 (failed), 2 (usage)
# or 3 (this machine cannot do it).
die()
{
	local status=$1

	note "failed: $2"
	[ $# -lt 3 ] || hint "$3"
	exit "$status"
}

# usage_error TEXT: a bad command line; the exit status is 2.
usage_error()
{
	note "$1"
	hint "$0 --help"
	exit 2
}

# have TOOL: true if TOOL can be run.
have()
{
	command -v "$1" >/dev/null 2>&1
}

# new_enough VERSION: true if a kernel tree of this version is new enough.
new_enough()
{
	printf '%s\n' "$KSRC_OLDEST" "$1" | sort -VC
}

# called_beside NAME PATH: print how a user calls our program NAME. That is PATH, or, if
# this script was called by its installed name (netbpf-...), the program installed beside it.
called_beside()
{
	local self=${0##*/} own

	own=$(basename "$(readlink -f "$0")" .sh)
	case $self in
	*.sh) echo "$2" ;;
	*"$own") echo "${0%"$own"}$1" ;;
	*) echo "$2" ;;
	esac
}

# script_called NAME, sample_called NAME: print how a user calls that script or sample.
script_called()
{
	called_beside "$1" "$NETBPF_TOP/scripts/$1.sh"
}

sample_called()
{
	called_beside "$1" "$NETBPF_OUT/samples/$1"
}

# The capabilities that scripts and tests need; capabilities(7) has the numbers.
declare -A NETBPF_CAPS=([CHOWN]=0 [NET_BIND_SERVICE]=10 [NET_ADMIN]=12 [NET_RAW]=13
	[SYS_PTRACE]=19 [SYS_ADMIN]=21 [SYS_RESOURCE]=24 [SYS_TIME]=25 [PERFMON]=38 [BPF]=39)

# The capabilities that a lab needs: for namespaces and links, for ping, and for nginx,
# which changes the owner of its files and listens on port 80.
# shellcheck disable=SC2034 # for lab.sh and tour.sh
NETBPF_LAB_CAPS=(CHOWN NET_BIND_SERVICE NET_ADMIN NET_RAW SYS_ADMIN)

# has_cap NAME: true if this process has CAP_NAME.
has_cap()
{
	local status caps=0

	# Read the file at once: the kernel writes it anew for each read(), so lines may move.
	status=$(</proc/self/status)
	[[ ! $status =~ CapEff:[[:space:]]*([0-9a-f]+) ]] || caps=${BASH_REMATCH[1]}
	[ $(((16#$caps >> NETBPF_CAPS[$1]) & 1)) -eq 1 ]
}

# missing_caps NAME...: print those of the capabilities that this process does not have.
missing_caps()
{
	local name missing=

	for name; do
		has_cap "$name" || missing+=" $name"
	done
	echo "${missing# }"
}

# caps_text "NAME...": print the capabilities as "CAP_A, CAP_B and CAP_C".
caps_text()
{
	local text

	# shellcheck disable=SC2086 # several words
	text=$(printf 'CAP_%s, ' $1)
	text=${text%, }
	[[ $text != *,* ]] || text="${text%, *} and ${text##*, }"
	echo "$text"
}

# require_caps WHAT NAME...: exit unless this process has the capabilities that WHAT needs.
require_caps()
{
	local what=$1 missing

	shift
	missing=$(missing_caps "$@")
	# shellcheck disable=SC2086 # several words
	[ -z "$missing" ] || die 3 "$what: $(caps_text "$missing") missing" \
		"no program started here can have more; for a container: docker run$(printf ' --cap-add=%s' $missing)"
}

# require_root WHAT [NAME...]: exit unless this process is root, as WHAT needs, and has the
# named capabilities. A container may have taken capabilities from root.
require_root()
{
	[ "$(id -u)" -eq 0 ] || die 1 "$1 needs root" "sudo $NETBPF_LINE"
	require_caps "$@"
}

# How many times slower than a real machine this one may be; scripts/vmtest.sh sets it in an
# emulated guest. It extends the time limits of waits and of tests, but never the
# difference that a test accepts between two values.
NETBPF_SLOW=${NETBPF_SLOW:-1}
[[ $NETBPF_SLOW =~ ^[1-9][0-9]?$ ]] ||
	die 2 "NETBPF_SLOW=$NETBPF_SLOW is no whole number from 1 to 99"

# wait_until SECONDS COMMAND...: repeat COMMAND until it succeeds. Return 1 after SECONDS
# (a whole number) times NETBPF_SLOW. The output of COMMAND is not shown.
wait_until()
{
	local deadline=$((SECONDS + $1 * ${NETBPF_SLOW:-1} + 1)) pause=0.02 tries=0

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		# Each try starts processes, which slow down what we wait for: after 25 tries, try
		# less often.
		[ $((++tries)) -ne 25 ] || pause=0.1
		sleep "$pause"
	done
}

# child_ended PID: true if this child of the shell has ended. Bash reaps a child as soon as
# the child ends, so that kill -0 fails. wait still returns the child's status later.
child_ended()
{
	! kill -0 "$1" 2>/dev/null
}

# sample_names: print the names of the samples, one a line, in the order of reading.
sample_names()
{
	sed -n 's/^SAMPLES := //p' "$NETBPF_TOP/samples/Makefile" | tr -s ' ' '\n'
}

# ssh_connection: print SSH_CONNECTION of this process or of an ancestor. sudo removes the
# variable from the environment, but the shell that called sudo still has it.
ssh_connection()
{
	local pid=$$ stat found

	while [ "${pid:-0}" -gt 1 ]; do
		found=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" |
			sed -n 's/^SSH_CONNECTION=//p')
		if [ -n "$found" ]; then
			echo "$found"
			return
		fi
		{ read -r stat <"/proc/$pid/stat"; } 2>/dev/null || break
		read -r _ pid _ <<<"${stat##*) }"
	done
	return 1
}

# carries_ssh IF: true if the SSH session of this shell, if there is one, comes by interface IF.
carries_ssh()
{
	local client own_addr

	read -r client _ own_addr _ < <(ssh_connection) || return 1
	ip -o addr show dev "$1" 2>/dev/null | grep -qF " ${own_addr%%%*}/" ||
		[[ $(ip -o route get "$client" 2>/dev/null) == *" dev $1 "* ]]
}
