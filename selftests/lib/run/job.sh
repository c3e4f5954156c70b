# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables of the other parts of run.sh
#
# One command of run.sh, in a session of its own: how it starts, how it is ended,
# and what it leaves behind. Many may run at once.

# Seconds a test gets to clean up when it is ended; more than lib.sh needs.
readonly GRACE=${NETBPF_GRACE:-15}

# session_pids SID: live processes of that session, "PID NAME" a line.
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

# session_kill SID: end all of it, now.
session_kill()
{
	local pid name

	# What is killed can start nothing; what it started before is in the
	# next round.
	until session_is_empty "$1"; do
		while read -r pid name; do
			kill -KILL "$pid" 2>/dev/null || :
		done < <(session_pids "$1")
		sleep 0.02
	done
}

# Nothing ever comes out of this pipe: reading it takes any time one likes, and no process.
exec {NOTHING}<> <(:)

pause()
{
	read -rt "$1" -u "$NOTHING" || :
}

# now VAR: milliseconds since some moment.
now()
{
	local stamp=${EPOCHREALTIME/[.,]/}

	printf -v "$1" %s "${stamp%???}"
}

# job_start DIR LOG COMMAND...: run COMMAND in DIR, its output goes into LOG. JOB is
# its process and its session.
job_start()
{
	local dir=$1 log=$2

	shift 2
	: >"$log"
	# A background process of a script ignores SIGINT, and a shell could not
	# undo that: env does.
	(cd "$dir" && exec setsid env --default-signal=INT,QUIT "$@") \
		</dev/null >>"$log" 2>&1 {NOTHING}<&- &
	JOB=$!
}

# job_asked PID: the job has ended; if not, it is asked to. Bash may lose a signal that
# comes just before it starts to wait for a command. What cleans up ignores the next ones.
job_asked()
{
	child_ended "$1" || { kill -TERM -- "-$1" 2>/dev/null; return 1; }
}

# job_stop PID: ask the job to end and to clean up, then insist.
job_stop()
{
	wait_until "$GRACE" job_asked "$1" || :
	session_kill "$1"
}

# job_finish PID: of a job that has ended: JOB_STATUS is its exit status (128 + N:
# killed by signal N), JOB_LEFT are the processes that it left behind, which are ended.
job_finish()
{
	JOB_STATUS=0
	wait "$1" 2>/dev/null || JOB_STATUS=$?
	JOB_LEFT=
	wait_until 2 session_is_empty "$1" && return
	JOB_LEFT=$(session_pids "$1" | tr '\n' ';')
	session_kill "$1"
}
