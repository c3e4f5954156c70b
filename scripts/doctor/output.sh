#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the rows, as text or as JSON.

readonly PROBE=$NETBPF_OUT/build/doctor_probe

JSON=			# set: print JSON, else text
GROUP=			# heading of the next rows
LAST_GROUP=		# heading of the previous row
declare -A COUNT=([ok]=0 [warn]=0 [fail]=0)

# group NAME: set the heading of the next rows.
group()
{
	GROUP=$1
}

# row NAME STATUS TEXT [CURE]
row()
{
	if [ -n "$JSON" ]; then
		json_row "$@"
	else
		text_row "$@"
	fi
	COUNT[$2]=$((COUNT[$2] + 1))
	LAST_GROUP=$GROUP
}

# probe ARGUMENTS...: run doctor_probe, and print its rows. Silent if doctor_probe is
# not built: check_probe reports that once.
probe()
{
	local name status text cure

	[ -x "$PROBE" ] || return 0
	while IFS=$'\t' read -r name status text cure; do
		case $status in
		ok | warn | fail) row "$name" "$status" "$text" "$cure" ;;
		esac
	done < <("$PROBE" "$@" 2>/dev/null)
}

# Control characters become "?": a name that somebody has chosen must not control the terminal.
text_row()
{
	local code=32 word

	if [ "$GROUP" != "$LAST_GROUP" ]; then
		[ -z "$LAST_GROUP" ] || echo
		colour 1 "${GROUP//[[:cntrl:]]/?}"
		echo
	fi
	case $2 in
	warn) code=33 ;;
	fail) code='1;31' ;;
	esac
	printf -v word '%-5s' "$2"
	printf '  '
	colour "$code" "$word"
	printf ' %-21s  %s\n' "${1//[[:cntrl:]]/?}" "${3//[[:cntrl:]]/?}"
	[ -z "${4:-}" ] || printf '%31scure: %s\n' '' "${4//[[:cntrl:]]/?}"
}

json_row()
{
	[ -z "$LAST_GROUP" ] || printf ','
	printf '\n{"group":'
	json_string "$GROUP"
	printf ',"name":'
	json_string "$1"
	printf ',"status":"%s","text":' "$2"
	json_string "$3"
	printf ',"cure":'
	json_string "${4:-}"
	printf '}'
}

# json_string TEXT: print TEXT as a JSON string. Bytes that are not UTF-8 become U+FFFD,
# because JSON has no way to write them.
json_string()
{
	local LC_ALL=C.UTF-8 text=$1 out='' char i

	text=${text//\\/\\\\}
	text=${text//\"/\\\"}
	# Most texts need no more than this.
	if [[ $text != *[![:print:]]* && $text =~ ^.*$ ]]; then
		printf '"%s"' "$text"
		return
	fi
	for ((i = 0; i < ${#text}; i++)); do
		char=${text:i:1}
		if [[ $char == [[:cntrl:]] ]]; then
			printf -v char '\\u%04x' "'$char"
		elif [[ ! $char =~ . ]]; then	# an invalid byte matches no regex
			char='\ufffd'
		fi
		out+=$char
	done
	printf '"%s"' "$out"
}

print_start()
{
	[ -z "$JSON" ] || printf '{"checks":['
}

print_end()
{
	local format='\n%d ok, %d warn, %d fail\n'

	[ -z "$JSON" ] || format='\n],"ok":%d,"warn":%d,"fail":%d}\n'
	# shellcheck disable=SC2059
	printf "$format" "${COUNT[ok]}" "${COUNT[warn]}" "${COUNT[fail]}"
}
