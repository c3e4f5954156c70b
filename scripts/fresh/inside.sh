# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The first process in a root (enter.sh): runs COMMAND, or the commands of README.rst, in
# the clone, and reaps orphaned processes. The caller sets CLONE and UNPRIVILEGED.
set -euo pipefail

readonly CAPS=+bpf,+net_admin,+perfmon,+net_raw

# prepare: do what needs root, and give the clone to the unprivileged user.
prepare()
{
	echo "fresh: preparing as root: setup.sh, make" >&2
	./scripts/setup.sh
	make -j "$(nproc)" >/tmp/build 2>&1 || {
		cat /tmp/build >&2
		exit 1
	}
	chown -R nobody:nogroup .
}

# as_user COMMAND...: run COMMAND as nobody if UNPRIVILEGED is set, or else as root.
as_user()
{
	if [ -z "$UNPRIVILEGED" ]; then
		"$@"
		return
	fi
	setpriv --reuid nobody --regid nogroup --clear-groups \
		--bounding-set "-all,$CAPS" --inh-caps "-all,$CAPS" --ambient-caps "-all,$CAPS" \
		env HOME=/nonexistent PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

# readme_commands: print the commands that README.rst starts with.
readme_commands()
{
	awk '/^Two commands$/ { here = NR }
	     here && NR > here + 1 && /^==/ { exit }
	     here && /^  / { print substr($0, 3); found = 1; next }
	     found { exit }' README.rst
}

# run_readme: run these commands as a reader would. Return the status of the first that failed.
run_readme()
{
	local command commands start status first=0

	mapfile -t commands < <(readme_commands)
	[ -n "${commands[*]}" ] || {
		echo "fresh: README.rst has no commands below \"Two commands\"" >&2
		return 1
	}
	for command in "${commands[@]}"; do
		printf '\n$ %s\n' "$command"
		status=0
		start=$SECONDS
		as_user bash -c "$command" || status=$?
		printf 'fresh: %s: exit status %s after %s s\n' "$command" "$status" \
			$((SECONDS - start)) >&2
		[ "$first" -ne 0 ] || first=$status
	done
	return "$first"
}

cd "$CLONE"
unprivileged=$UNPRIVILEGED
export -n CLONE UNPRIVILEGED
[ -z "$unprivileged" ] || prepare
status=0
if [ $# -eq 0 ]; then
	run_readme || status=$?
else
	as_user "$@" || status=$?
fi
exit "$status"
