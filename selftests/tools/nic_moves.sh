#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What real machines do to a network card while a sample runs on it. After each move, the sample
# serves as before, or it has ended with status 1 and the reason. It runs in a guest with cards:
#
#	scripts/vmtest.sh -k 6.12 --nic virtio -- selftests/run.sh --no-build -v -t nic_moves
#
# Documentation/nics.rst has the results. A line "move: ..." in the output is for its table.
#
# alone: there is one set of cards

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/nic.sh
. "$NBT_DIR/lib/nic.sh"

need_root
require_tools ip curl nginx jq ethtool ping
need_cards 4

NS=netbpf-$LAB-lb		# where the card of the balancer is
CARD=eth0			# what it is called there now
LARGE=9000			# a large MTU
# With LRO off, qemu's vmxnet3 drops frames that take several buffers (Documentation/nics.rst).
[[ ${NETBPF_NIC:-} != vmxnet3* ]] || LARGE=2500
PORT=/dev/vmtest.machine	# scripts/vmtest/machine.sh on the other end

setup()
{
	cards_lab
	MAC=$(link_mac "$NS" eth0)
	ADDRESSES=$(on lb ip -o addr show dev eth0 scope global | awk '{ print $4 }')
}

# ---------------------------------------------------------------------------
# The samples, and what each must do after each move

# begin TOOL [MODE]: start it on the card. WHAT is for the table.
begin()
{
	local lb=(-n "$NS" --name nic --vip "tcp:$BALANCER:80" --backend "$A:80" --backend "$B:80")

	TOOL=$1 WHAT=$*
	case $1 in
	ping) set -- ping -m "$2" --every 1 ;;
	pktcount) set -- pktcount -m "$2" --events ;;
	sockfilter) set -- sockfilter --proto icmp ;;
	# So that nobody but the program answers.
	tc) defer on lb sysctl -qw net.ipv4.icmp_echo_ignore_all=0
	    on lb sysctl -qw net.ipv4.icmp_echo_ignore_all=1 ;;
	xdp_lb)
		defer "$(sample xdp_lb) stop ${lb[*]:0:4} >/dev/null 2>&1 || :"
		start_main 30 "$(sample xdp_lb)" run "${lb[@]}" -i eth0 -m "$2"
		return
		;;
	esac
	start_main 30 "$(sample "$1")" -n "$NS" -i eth0 "${@:2}"
}

# serves SIZE: true if the sample does now, with pings of this size, what it does without any move:
# it prints a line for a ping, ping drops it, and the others let it be answered.
serves()
{
	local before

	before=$(wc -l <"$SAMPLE_OUT")
	case $TOOL in
	ping) [ "$(answered "$1")" -eq 0 ] ;;
	xdp_lb) both_answer; return ;;
	*) [ "$(answered "$1")" -eq 3 ] ;;
	esac || return
	wait_until 3 more_lines "$before"
}

# more_lines N: true if the sample has printed more than N lines.
more_lines()
{
	[ "$(wc -l <"$SAMPLE_OUT")" -gt "$1" ]
}

# answered SIZE: ping the balancer three times; print the number of replies.
answered()
{
	{ on client ping -n -q -c 3 -i 0.1 -W 1 -M "do" -s "$1" "$BALANCER" 2>&1 || :; } |
		sed -n 's/.* \([0-9]*\) received.*/\1/p'
}

# both_answer: true if xdp_lb forwards connections to both backends.
both_answer()
{
	on client curl -sS --fail-early -m 3 -H 'Connection: close' "http://$BALANCER/?[1-8]" \
		>"$TMP/answers" 2>/dev/null || return
	[ "$(grep '^Server name:' "$TMP/answers" | sort -u | wc -l)" -eq 2 ]
}

# result MOVE TEXT: print a line for the table of Documentation/nics.rst.
result()
{
	diag "move: $NETBPF_NIC $(uname -r): $1: $WHAT: $2"
}

serves_or_ended()
{
	sample_ended "$PID" || serves "$1"
}

# goes_on MOVE [SIZE]: fail unless the sample serves after this move.
goes_on()
{
	wait_until 10 serves_or_ended "${2:-56}" || {
		show_sample "$PID"
		on lb ip addr
		fail "$1: $WHAT neither serves nor ends"
	}
	! sample_ended "$PID" || {
		show_sample "$PID"
		fail "$1: $WHAT has ended"
	}
	result "$1" "goes on"
}

# says MOVE REGEX: fail unless the sample has said what it cannot do any more.
says()
{
	eventually 10 grep -Eq "$2" "$SAMPLE_ERR"
	! sample_ended "$PID" || fail "$1: $WHAT has ended"
	result "$1" "says: $(grep -Em 1 "$2" "$SAMPLE_ERR")"
}

# ends MOVE: fail unless the sample has ended with status 1 and the message that the card was
# removed.
ends()
{
	expect_gone eth0
	result "$1" "ends with 1: $(grep -m 1 failed "$SAMPLE_ERR")"
}

# ---------------------------------------------------------------------------
# The moves

# link ARG...: change the card.
link()
{
	ip -n "$NS" link set "$CARD" "$@"
}

down_and_up()
{
	link down
	link up
	goes_on "down and up"
}

# setting OPTION NAME: print the current value of NAME as ethtool prints it, and the maximum.
setting()
{
	on lb ethtool "$1" "$CARD" 2>/dev/null | sed -n "s/^$2:[[:space:]]*//p" | tac | xargs
}

# change MOVE SHOW OPTION NAME LABEL: change a value of ethtool to half of it, and back.
change()
{
	local now max

	read -r now max <<<"$(setting "$2" "$5")"
	if [[ ! $max =~ ^[0-9]+$ ]] || [ "$max" -lt 2 ]; then
		result "$1" "not to be changed: ${max:-no answer}"
		return
	fi
	if ! on lb ethtool "$3" "$CARD" "$4" $((now / 2)); then
		# virtio_net keeps its queues while a program is attached in native mode.
		if [ "$1" != queues ] || ! xdp_is "$NS" "$CARD" native; then
			fail "$1: refused"
		fi
		result "$1" "refused by the driver"
		goes_on "$1"
		return
	fi
	goes_on "$1"
	on lb ethtool "$3" "$CARD" "$4" "$now"
	goes_on "$1, back"
}

# all_mtu MTU: set the MTU of all cards.
all_mtu()
{
	local node

	link mtu "$1"
	for node in client backend-a backend-b; do
		on "$node" ip link set eth0 mtu "$1"
	done
}

# loses_large: true if the driver drops large frames. virtio_net does not refuse a large MTU, and
# has native XDP for such frames since Linux 6.3.
loses_large()
{
	xdp_is "$NS" "$CARD" native && ! printf '6.3\n%s\n' "$(uname -r)" | sort -VC
}

mtu()
{
	all_mtu 1400
	goes_on "MTU 1400"
	all_mtu "$LARGE"
	if loses_large; then
		says "MTU $LARGE" "^$TOOL: $CARD: the MTU is $LARGE now: the driver may drop frames"
	else
		goes_on "MTU $LARGE" $((LARGE - 1000))
	fi
	all_mtu 1500
	goes_on "MTU 1500"
}

# addresses_to FROM TO: move the addresses, as the set-up of a bond or a bridge does.
addresses_to()
{
	local address

	ip -n "$NS" addr flush dev "$1" scope global
	for address in $ADDRESSES; do
		addr_add "$NS" "$2" "$address"
	done
}

# enslave KIND [OPTION...]: make the card a port of a new master, and release it.
enslave()
{
	ip -n "$NS" link add name over type "$@"
	link down
	link master over
	link up
	ip -n "$NS" link set over up
	addresses_to "$CARD" over
	case $1,$WHAT in
	*,tc) says "$1" '^tc: no address there but link-local ones' ;;
	bridge,"xdp_lb native") says "$1" '^xdp_lb: failed to forward to backends behind over' ;;
	*) goes_on "$1" ;;
	esac
	link nomaster
	link up
	addresses_to over "$CARD"
	ip -n "$NS" link del over
	goes_on "$1, released"
}

bond()
{
	modprobe -q bonding || :
	enslave bond mode active-backup miimon 100
}

bridge()
{
	modprobe -q bridge || :
	enslave bridge forward_delay 0
}

# rename NAME: give the card another name. Before Linux 6.2, it must be down for that.
rename()
{
	link name "$1" 2>/dev/null || {
		link down
		link name "$1"
		ip -n "$NS" link set "$1" up
	}
	CARD=$1
	goes_on "rename to $1"
}

# wish WORDS: let the machine do it.
wish()
{
	local answer fd

	exec {fd}<>"$PORT"
	echo "$*" >&"$fd"
	read -t 60 -r answer <&"$fd" || fail "no answer to: $*"
	exec {fd}>&-
	expect_eq "$*" "$answer" "done"
}

pause()
{
	wish pause 5
	goes_on "machine stopped for 5 s"
}

card_is_gone()
{
	! ip -n "$NS" link show eth0 >/dev/null 2>&1
}

# card_of_mac: print the name of the card in the first namespace.
card_of_mac()
{
	first_ns ip -j link | jq -er ".[] | select(.address == \"$MAC\").ifname"
}

# give_back: the card is in the first namespace, under any name: give it to the balancer.
give_back()
{
	local address

	eventually 20 card_of_mac
	first_ns ip link set "$(card_of_mac)" netns "$NS" name eth0
	link up
	for address in $ADDRESSES; do
		addr_add "$NS" eth0 "$address"
	done
}

# after_removal MOVE: xdp_lb waits for the card, all others end.
after_removal()
{
	eventually 20 card_is_gone
	if [ "$TOOL" != xdp_lb ]; then
		ends "$1"
		"$2"
		give_back
		return
	fi
	eventually 10 grep -q 'failed to go on with eth0: the interface was removed' "$SAMPLE_ERR"
	"$2"
	give_back
	goes_on "$1"
}

rescan()
{
	echo 1 >/sys/bus/pci/rescan
}

plug()
{
	wish plug 1
}

# ---------------------------------------------------------------------------

# as_before: undo the moves after which a test may have failed.
as_before()
{
	ip -n "$NS" link del over
	ip -n "$NS" link set away down
	ip -n "$NS" link set away name eth0
	first_ns ip link set "$(card_of_mac)" netns "$NS" name eth0
	ip -n "$NS" link set eth0 up
	for address in $ADDRESSES; do
		ip -n "$NS" addr add "$address" dev eth0 nodad
	done
	all_mtu 1500
}

# moves TOOL [MODE]: all moves, one after the other.
moves()
{
	local pci

	[ "${2:-}" != native ] || has_native || skip "this driver has no native XDP"
	defer "CARD=eth0; as_before >/dev/null 2>&1"
	begin "$@"
	if [ "${2:-}" = native ] && ! keeps_native; then
		says "all moves" "^$1: eth0: vmxnet3 .* forgets the program when"
		stop_main
		return
	fi
	# Before the sample ends: samples/lib/mtu.c says why.
	defer "all_mtu 1500 2>/dev/null"
	goes_on "at first"
	down_and_up
	change queues -l -L combined Combined
	change "RX ring" -g -G rx RX
	change "TX ring" -g -G tx TX
	mtu
	bond
	bridge
	rename away
	rename eth0
	pause
	pci=$(on lb ethtool -i eth0 | sed -n 's/^bus-info: //p')
	echo 1 >"/sys/bus/pci/devices/$pci/remove"
	after_removal "removed and found again" rescan
	sample_ended "$PID" || stop_main
	begin "$@"
	goes_on "again"
	wish unplug 1
	after_removal "unplugged and plugged in" plug
	sample_ended "$PID" || stop_main
}

test_ping_native() { moves ping native; }
test_ping_skb() { moves ping skb; }
test_pktcount_native() { moves pktcount native; }
test_pktcount_skb() { moves pktcount skb; }
test_tc() { moves tc; }
test_sockfilter() { moves sockfilter; }
test_network() { moves network; }
test_xdp_lb_native() { moves xdp_lb native; }
test_xdp_lb_skb() { moves xdp_lb skb; }
test_xdp_lb_tc() { moves xdp_lb tc; }

run_tests test_ping_native test_ping_skb test_pktcount_native test_pktcount_skb test_tc \
	test_sockfilter test_network test_xdp_lb_native test_xdp_lb_skb test_xdp_lb_tc
