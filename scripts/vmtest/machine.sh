# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a guest with network cards may do to its machine: pull out a card, put it in again, and
# stop the whole machine for some seconds. Sourced by vmtest.sh.
#
# The guest writes one line to its port /dev/vmtest.machine, and reads one line, the answer:
#	unplug N	pull out card N; the answer comes before the guest has let it go
#	plug N		put it in again, into the same slot
#	pause SECONDS	stop all CPUs for so long
# The answer is "done", or what went wrong. Nothing else reaches qemu.

MACHINE_SERVER=		# the process that serves the guest

# machine_arguments: add the port, and a monitor of qemu, to QEMU. Each is two fifos: NAME.in is
# what qemu reads.
machine_arguments()
{
	local name

	for name in machine monitor; do
		rm -f "$RUN/$name".{in,out}
		mkfifo "$RUN/$name".{in,out}
		QEMU+=(-chardev "pipe,id=$name,path=$RUN/$name")
	done
	QEMU+=(-mon "chardev=monitor,mode=control"
		-device "virtserialport,chardev=machine,name=machine")
}

# card_argument N: print the argument of -device that made card N.
card_argument()
{
	printf '%s\n' "${QEMU[@]}" | grep ",id=nic$1,"
}

# monitor JSON: send a command to qemu, and set REPLY to its reply. Lines about events, which
# nobody has asked for, are passed over.
monitor()
{
	echo "$1" >&"$TO_MONITOR"
	while read -r REPLY <&"$FROM_MONITOR"; do
		[[ $REPLY != '{"return"'* && $REPLY != '{"error"'* ]] || return 0
	done
	return 1
}

# machine_command WORDS...: let qemu run a command of its monitor for people, and set ANSWER to
# "done" or to what qemu says.
machine_command()
{
	monitor "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"$*\"}}"
	ANSWER="done"
	[[ $REPLY == '{"return": ""}'* ]] || ANSWER=${REPLY//[^[:print:]]/}
}

# machine_wish WORD NUMBER: do what the guest wishes, and set ANSWER.
machine_wish()
{
	local card

	[[ $2 =~ ^[0-9]{1,2}$ ]] || { ANSWER="not a number: $2"; return; }
	case $1 in
	unplug) machine_command device_del "nic$2" ;;
	plug)
		card=$(card_argument "$2") || { ANSWER="there is no card $2"; return; }
		machine_command device_add "$card"
		;;
	pause)
		machine_command stop
		setpriv --pdeathsig KILL sleep "$2"
		machine_command cont
		;;
	*) ANSWER="not known: $1" ;;
	esac
}

# serve_machine: do what the guest wishes, one line after the other, until qemu ends.
serve_machine()
{
	local word number to_guest

	# The reader of the output ends when nobody has this open any more.
	[ -z "$READER" ] || exec {FIFO}>&-
	exec {FROM_MONITOR}<"$RUN/monitor.out" {TO_MONITOR}>"$RUN/monitor.in" {to_guest}>"$RUN/machine.in"
	# The monitor takes no other command before this one.
	monitor '{"execute": "qmp_capabilities"}' || return
	while read -r word number; do
		machine_wish "$word" "$number"
		echo "$ANSWER" >&"$to_guest"
	done <"$RUN/machine.out"
}

# start_machine: serve the guest, in the background. Qemu must have opened the fifos: opening
# them would wait for it.
start_machine()
{
	serve_machine &
	MACHINE_SERVER=$!
}

end_machine()
{
	[ -n "$MACHINE_SERVER" ] || return 0
	kill -KILL "$MACHINE_SERVER" 2>/dev/null || :
	wait "$MACHINE_SERVER" 2>/dev/null || :
	MACHINE_SERVER=
}
