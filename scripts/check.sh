#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a reviewer would say before reading: checkpatch on all C, shellcheck on
# all scripts, docutils and Sphinx on all pages, SPDX everywhere. One line for
# each tool.
# Exceptions stand, with their reasons, in .checkpatch.conf and .shellcheckrc.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

LOG=
FAILED=0

usage()
{
	cat <<'USAGE'
Usage: check.sh [-h]

Runs checkpatch (--strict), shellcheck, docutils and Sphinx over the tree and
looks for files without SPDX line. Zero findings is the standard.

Examples:
  scripts/check.sh
  make check

Exit status: 0 nothing found, 1 something found, 3 a tool is missing.
USAGE
}

# need TOOL PACKAGE
need()
{
	have "$1" || die 3 "$1 is missing" "scripts/setup.sh --all (package $2)"
}

# files PATTERN...: files of the tree, of git if there is one.
files()
{
	cd "$NETBPF_TOP"
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# report TOOL NUMBER: a line for a tool whose findings are in $LOG.
report()
{
	if [ -s "$LOG" ]; then
		cat "$LOG"
		printf 'fail %-12s %s files\n' "$1" "$2"
		FAILED=1
	else
		printf 'ok   %-12s %s files\n' "$1" "$2"
	fi
}

check_checkpatch()
{
	local checkpatch file n=0

	need perl perl
	checkpatch=$("$NETBPF_TOP/scripts/ksrc.sh")/scripts/checkpatch.pl
	: >"$LOG"
	while read -r file; do
		n=$((n + 1))
		perl "$checkpatch" --terse --no-summary -f "$file" >>"$LOG" 2>&1 || :
	done < <(files '*.c' '*.h')
	report checkpatch "$n"
}

check_shellcheck()
{
	local -a scripts

	need shellcheck shellcheck
	mapfile -t scripts < <(files '*.sh' '*.bash-completion' .ci/run)
	shellcheck -x "${scripts[@]}" >"$LOG" 2>&1 || :
	report shellcheck "${#scripts[@]}"
}

# The pages in Documentation/ are read by Sphinx, below.
check_rst()
{
	local file n=0

	need rst2man python3-docutils
	: >"$LOG"
	while read -r file; do
		n=$((n + 1))
		# Sphinx knows roles that docutils does not.
		rst2man --report=2 "$file" 2>&1 >/dev/null |
			grep -v 'Unknown interpreted text role\|role "doc"\|No role entry\|Trying "doc"' \
			>>"$LOG" || :
	done < <(files '*.rst' ':(exclude,glob)Documentation/*.rst')
	report docutils "$n"
}

# The references between the pages, in a build of its own: one that is kept
# would not tell again of a page that it has read already.
check_sphinx()
{
	local out

	need sphinx-build python3-sphinx
	out=$(mktemp -d)
	if make -s -C Documentation O="$out" htmldocs >"$LOG" 2>&1; then
		: >"$LOG"
	fi
	rm -rf "$out"
	report sphinx "$(files 'Documentation/*.rst' | wc -l)"
}

# The licence texts themselves and what takes no comment go without.
check_spdx()
{
	local file n=0

	: >"$LOG"
	while read -r file; do
		n=$((n + 1))
		head -n 3 "$file" | grep -q SPDX-License-Identifier ||
			echo "$file: no SPDX-License-Identifier in the first 3 lines" >>"$LOG"
	done < <(files ':!LICENSES' ':!COPYING' ':!MAINTAINERS' ':!.checkpatch.conf' ':!.shellcheckrc' \
		':!debian/changelog' ':!debian/source/format')
	report SPDX "$n"
}

main()
{
	case ${1:-} in
	'') ;;
	-h | --help) usage; exit 0 ;;
	*) usage_error "unknown argument: $1" ;;
	esac
	cd "$NETBPF_TOP"
	LOG=$(mktemp)
	trap 'rm -f "$LOG"' EXIT
	check_checkpatch
	check_shellcheck
	check_rst
	check_sphinx
	check_spdx
	exit "$FAILED"
}

main "$@"
