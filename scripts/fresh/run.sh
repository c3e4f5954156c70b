# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One run: its directory, its processes, and the end of both. Sourced by fresh.sh.

# Seconds that a command gets to end after a signal.
readonly GRACE=5

RUN=			# the directory of this run
ROOT=			# the root in it
CHILD=			# the process that runs in namespaces

# new_run: make the directory of this run, which is locked while this process lives, and
# remove the directories of runs that were killed. One lock covers both, so that no other run
# can remove the new directory before it is locked.
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
# contained COMMAND...: run COMMAND in mount and pid namespaces of its own; set STATUS. All
# processes and mounts end with COMMAND, and COMMAND ends with this script, even if SIGKILL
# ends the script. COMMAND runs in the background, so that the script handles a signal at
# once. The shell makes background processes ignore Ctrl-C: env resets that.
#
# unshare gets no stderr, because it complains when its first process is killed; COMMAND gets
# ours.
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

# environment: print the environment of COMMAND, a line NAME=VALUE for each variable.
environment()
{
	local name

	printf '%s\n' HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	for name in http_proxy https_proxy no_proxy NO_COLOR NO_INSTALL NETBPF_SLOW; do
		[ -z "${!name:-}" ] || echo "$name=${!name}"
	done
}

# run_command: run COMMAND, or the commands of README.rst, in the root; set STATUS.
run_command()
{
	local variables

	mapfile -t variables < <(environment)
	contained env -i "${variables[@]}" CLONE="$CLONE" UNPRIVILEGED="$UNPRIVILEGED" \
		bash "$NETBPF_TOP/scripts/fresh/enter.sh" "$ROOT" "${COMMAND[@]}"
}

# end_child: end the processes in the namespaces. Send SIGTERM first: a test then removes what
# the end of the namespaces does not remove, like an instance of tracefs. Then kill the first
# process of the pid namespace, if it exists already. The kernel then kills all others, and
# unshare ends when all have ended.
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

# stop STATUS: exit after a signal.
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
