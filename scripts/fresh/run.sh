# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One run: its directory, its processes, and the end of both. Sourced by fresh.sh.

# Seconds that a command gets to end after a signal.
readonly GRACE=5

RUN=			# its directory
ROOT=			# the root in it
CHILD=			# what runs in namespaces

# new_run: a directory, which is locked as long as we live. Those of runs that were
# killed are removed; all under one lock, so that none is seen before it has its own.
new_run()
{
	local dir lock mine

	mkdir -p "$FRESH_DIR"
	exec {lock}>"$FRESH_DIR/lock"
	flock "$lock"
	for dir in "$FRESH_DIR"/run.*; do
		[ -d "$dir" ] || continue
		exec {mine}<"$dir"
		! flock -n "$mine" || rm -rf --one-file-system "$dir"
		exec {mine}<&-
	done
	RUN=$(mktemp -d "$FRESH_DIR/run.XXXXXX")
	ROOT=$RUN/root
	exec {RUN_LOCK}<"$RUN"
	flock "$RUN_LOCK"
	exec {lock}>&-
	chmod 755 "$RUN"
}

end_run()
{
	[ -n "$RUN" ] || return 0
	rm -rf --one-file-system "$RUN"
	exec {RUN_LOCK}<&-
	RUN=
}

# The caller reads STATUS.
# shellcheck disable=SC2034
#
# contained COMMAND...: run it in mount and pid namespaces of its own and set STATUS.
# All that it starts and mounts ends with it, and it ends with us, also by SIGKILL. In
# the background, so that a signal is heard at once; the shell makes such a process
# ignore Ctrl-C, which COMMAND must not.
#
# The stderr of unshare is closed: it complains when the first process there is killed.
contained()
{
	STATUS=0
	setpriv --pdeathsig KILL env --default-signal=INT,QUIT \
		unshare --mount --propagation private --pid --fork --kill-child=KILL \
		bash -c 'exec "$@" 2>&3 3>&-' first "$@" <&0 3>&2 2>/dev/null {RUN_LOCK}<&- &
	CHILD=$!
	wait "$CHILD" || STATUS=$?
	CHILD=
}

# environment: a line NAME=VALUE for all that COMMAND knows of ours.
environment()
{
	local name

	printf '%s\n' HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	for name in http_proxy https_proxy no_proxy NO_COLOR NO_INSTALL NETBPF_SLOW; do
		[ -z "${!name:-}" ] || echo "$name=${!name}"
	done
}

# run_command: COMMAND, or those of README.rst, in the root; set STATUS.
run_command()
{
	local variables

	mapfile -t variables < <(environment)
	contained env -i "${variables[@]}" CLONE="$CLONE" UNPRIVILEGED="$UNPRIVILEGED" \
		bash "$NETBPF_TOP/scripts/fresh/enter.sh" "$ROOT" "${COMMAND[@]}"
}

# end_child: politely first, for not all that a test cleans up is in the namespaces: an
# instance of tracefs is not. Then the first process there, if there is one already:
# unshare waits for its end, and it has not ended before all others have.
end_child()
{
	local first='' others=''

	[ -n "$CHILD" ] || return 0
	read -r first _ 2>/dev/null <"/proc/$CHILD/task/$CHILD/children" || :
	[ -z "$first" ] || read -r others 2>/dev/null <"/proc/$first/task/$first/children" || :
	# shellcheck disable=SC2086 # words
	if kill -TERM $first $others 2>/dev/null; then
		wait_until "$GRACE" child_ended "$CHILD" || :
	fi
	kill -KILL "${first:-$CHILD}" 2>/dev/null || :
	wait "$CHILD" 2>/dev/null || :
	CHILD=
}

# stop STATUS: a signal.
stop()
{
	trap '' HUP INT TERM
	exit "$1"
}

clean_up()
{
	end_child
	end_run
}
