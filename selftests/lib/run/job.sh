# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables of the other parts of run.sh
#
# Jobs of run.sh. A job is a command in a session of its own: how run.sh starts it, stops it,
# and finds the processes that it leaves behind. Several jobs may run at once.

# Seconds that a stopped test gets to clean up; more than lib.sh needs (NBT_GRACE).
readonly GRACE=${NETBPF_GRACE:-15}

# session_pids SID: print "PID NAME" of each live process of the session.
session_pids()
{
	local stat line pid name rest fields

	for stat in /proc/[0-9]*/stat; do
		# The process may be gone by now.
		{ read -r line <"$stat"; } 2>/dev/null || continue
		pid=${line%% *}
		name=${line#*\(}
		rest=${name##*) }
		read -ra fields <<<"$rest"	# state ppid pgrp session
		if [ "${fields[3]:-}" = "$1" ] && [[ ${fields[0]} != [ZX] ]]; then
			echo "$pid ${name%)*}"
		fi
	done
}

session_is_empty()
{
	[ -z "$(session_pids "$1")" ]
}

# session_kill SID: kill all processes of the session.
session_kill()
{
	local pid name

	# A process may have started others before it was killed. The next round kills them.
	until session_is_empty "$1"; do
		while read -r pid name; do
			kill -KILL "$pid" 2>/dev/null || :
		done < <(session_pids "$1")
		sleep 0.02
	done
}

# Nobody ever writes to this pipe. "read -t SECONDS" from it waits without a process, which
# "sleep" would need.
exec {NOTHING}<> <(:)

pause()
{
	read -rt "$1" -u "$NOTHING" || :
}

# now VAR: set VAR to the time in milliseconds.
now()
{
	local stamp=${EPOCHREALTIME/[.,]/}

	printf -v "$1" %s "${stamp%???}"
}

# job_start DIR LOG COMMAND...: start COMMAND in DIR, with its output in LOG. JOB is its pid,
# which is also the ID of its session.
job_start()
{
	local dir=$1 log=$2

	shift 2
	: >"$log"
	# Bash makes background processes ignore SIGINT, and a script cannot undo this; env
	# can.
	(cd "$dir" && exec setsid env --default-signal=INT,QUIT "$@") \
		</dev/null >>"$log" 2>&1 {NOTHING}<&- &
	JOB=$!
}

# job_asked PID: true if the job has ended; otherwise send SIGTERM. job_stop repeats this,
# because bash may lose a signal that comes just before it waits for a command. A test that
# already cleans up ignores the further signals.
job_asked()
{
	child_ended "$1" || { kill -TERM -- "-$1" 2>/dev/null; return 1; }
}

# job_stop PID: give the job GRACE seconds to clean up and end, then kill it.
job_stop()
{
	wait_until "$GRACE" job_asked "$1" || :
	session_kill "$1"
}

# job_finish PID: collect a job that has ended. JOB_STATUS is its exit status (128 + N if
# signal N killed it). JOB_LEFT lists the processes that the job left behind; job_finish
# kills them.
job_finish()
{
	JOB_STATUS=0
	wait "$1" 2>/dev/null || JOB_STATUS=$?
	JOB_LEFT=
	wait_until 2 session_is_empty "$1" && return
	JOB_LEFT=$(session_pids "$1" | tr '\n' ';')
	session_kill "$1"
}
