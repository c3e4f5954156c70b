#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the two commands of README.rst, or any other command, on a system that nobody
# prepared: in a minimal root of a Debian release, on a clone of the last commit. See
# Documentation/testing.rst, "A freshly installed system".
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/fresh/root.sh
. "$here/fresh/root.sh"
# shellcheck source=scripts/fresh/run.sh
. "$here/fresh/run.sh"

readonly KNOWN_RELEASES='bookworm trixie'

RELEASES=(bookworm)
RENEW=
UNPRIVILEGED=
# Not in /root, which is closed to other users: the suite runs some tools as another
# user, who must be able to read the clone.
CLONE=/srv/netbpf
COMMAND=()

usage()
{
	cat <<-USAGE
	Usage: fresh.sh [-d RELEASE] [--unprivileged] [--renew] [--clone DIR] [--] [COMMAND...]

	Makes a minimal root of Debian, clones the last commit of this tree into it, and
	runs COMMAND there, on this kernel and network, but with no mounts besides /proc,
	/sys and /dev. Without COMMAND: those that README.rst starts with. What they write is
	gone with them.

	  -d, --debian RELEASE  bookworm (default), trixie, or all, one after the other
	      --unprivileged    as nobody, without the directories sbin in PATH, and with
	                        no capabilities but cap_bpf, cap_net_admin, cap_perfmon and
	                        cap_net_raw; root has run setup.sh and make before
	      --renew           make the root anew; otherwise build/fresh/RELEASE.tar is taken
	      --clone DIR       the clone is there; default $CLONE
	  -h, --help            this text

	Environment:
	  O=DIR    roots are kept in DIR/build/fresh/, and packages that were fetched
	  http_proxy, https_proxy, no_proxy, NO_COLOR, NO_INSTALL, NETBPF_SLOW
	           are set for COMMAND, too

	Examples:
	  scripts/fresh.sh
	  scripts/fresh.sh -d all
	  scripts/fresh.sh -d trixie -- ./scripts/tour.sh --only ping
	  scripts/fresh.sh -d trixie -- bash

	Exit status: that of COMMAND, or of the first command of README.rst that failed;
	with -d all 1 if one failed. Of fresh.sh itself: 1 failed, 2 usage, 3 something is
	missing, 129, 130 or 143 after a signal.
	USAGE
}

# releases NAME: set RELEASES.
releases()
{
	local release

	if [ "$1" = all ]; then
		read -ra RELEASES <<<"$KNOWN_RELEASES"
		return
	fi
	for release in $KNOWN_RELEASES; do
		[ "$release" != "$1" ] || RELEASES=("$1")
	done
	[ "${RELEASES[*]}" = "$1" ] ||
		usage_error "$1 is none of the releases: $KNOWN_RELEASES, all"
}

# options ARGUMENTS...: set COMMAND and the variables above.
options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-d | --debian | --clone)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			;;&
		-d | --debian) releases "$2"; shift ;;
		--clone) CLONE=$2; shift ;;
		--unprivileged) UNPRIVILEGED=1 ;;
		--renew) RENEW=1 ;;
		-h | --help) usage; exit 0 ;;
		--) shift; break ;;
		-*) usage_error "unknown argument: $1" ;;
		*) break ;;
		esac
		shift
	done
	COMMAND=("$@")
	[[ $CLONE == /?* ]] || usage_error "--clone wants an absolute path, not '$CLONE'"
}

# need TOOL PACKAGE: exit if TOOL is missing.
need()
{
	have "$1" || die 3 "$1 is missing" "scripts/setup.sh --all (package $2)"
}

check_machine()
{
	require_root "making a root of Debian" SYS_ADMIN
	need mmdebstrap mmdebstrap
	need git git
	unshare --mount --pid --fork true 2>/dev/null ||
		die 3 "no mount and pid namespaces can be made here" \
			"in a container: docker run --privileged"
	[ -e "$NETBPF_TOP/.git" ] ||
		die 3 "$NETBPF_TOP is no git repository: there is nothing to clone"
	[ -z "$(git -C "$NETBPF_TOP" status --porcelain)" ] ||
		note "what is not committed is not in the clone"
}

# run_release RELEASE: run COMMAND in a root of RELEASE; set STATUS.
run_release()
{
	keep_root "$1"
	new_run
	unpack_root "$1"
	clone
	run_command
	keep_packages "$1"
	end_run
}

# run_all: run COMMAND in each release, then print a line for each; STATUS is 1 if one failed.
run_all()
{
	local release start failed=0 lines=()

	for release in "${RELEASES[@]}"; do
		printf '\n'
		colour 1 "== $release"
		printf '\n'
		start=$SECONDS
		run_release "$release"
		[ "$STATUS" -eq 0 ] || failed=1
		lines+=("$(printf '%-10s exit status %-3s %5s s' "$release" "$STATUS" $((SECONDS - start)))")
	done
	printf '\n'
	printf '%s\n' "${lines[@]}"
	STATUS=$failed
}

main()
{
	options "$@"
	check_machine
	# COMMAND may run as another user, who must be able to read the clone and to enter the
	# directory that becomes / of the bare Debian.
	umask 022
	trap clean_up EXIT
	trap 'stop 129' HUP
	trap 'stop 130' INT
	trap 'stop 143' TERM
	if [ "${#RELEASES[@]}" -gt 1 ]; then
		run_all
	else
		run_release "${RELEASES[0]}"
	fi
	exit "$STATUS"
}

main "$@"
