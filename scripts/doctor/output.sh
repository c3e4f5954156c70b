#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The rows, as text or as JSON.

readonly PROBE=$NETBPF_OUT/build/doctor_probe

JSON=			# not text
GROUP=			# of the rows that come
LAST_GROUP=		# that of the row before
declare -A COUNT=([ok]=0 [warn]=0 [fail]=0)

# group NAME: heading of the rows that come.
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

# probe ARGUMENTS...: the rows that doctor_probe prints. Silent when it is not
# built: check_kernel says so, once.
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

# Nothing that somebody named may speak to the terminal.
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

# json_string TEXT: print TEXT as a JSON string. What is not UTF-8 becomes U+FFFD, as
# JSON has no way to say it.
json_string()
{
	local LC_ALL=C.UTF-8 text=$1 out='' char i

	text=${text//\\/\\\\}
	text=${text//\"/\\\"}
	# Nearly all of them have nothing more to look at.
	if [[ $text != *[![:print:]]* && $text =~ ^.*$ ]]; then
		printf '"%s"' "$text"
		return
	fi
	for ((i = 0; i < ${#text}; i++)); do
		char=${text:i:1}
		if [[ $char == [[:cntrl:]] ]]; then
			printf -v char '\\u%04x' "'$char"
		elif [[ ! $char =~ . ]]; then	# no regex matches what is no character
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
