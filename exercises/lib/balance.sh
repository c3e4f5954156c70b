# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Clients and backends of a balancer, for check.sh: the server balances, the backends are
# addresses of the host behind it. Sourced by check.sh of the exercises with a balancer.

# lab_balance N: lay the lab with N backends, BACKENDS, each of which answers with its address;
# and start the clients of the service, V4. The address of the service is on no host, so that the
# stack of the balancer forwards replies from it; it must not compare them with its routes.
lab_balance()
{
	local i offset sources=()

	lab
	lab_router
	below 100 && offset=$((RANDOM_NUMBER + 10))
	V4=198.51.100.$offset
	server sysctl -q -w net.ipv4.conf.{all,eth0,eth1}.rp_filter=0
	BACKENDS=()
	for ((i = 0; i < $1; i++)); do
		BACKENDS+=("$FAR4.$((offset + 7 * i))")
		far ip addr add "${BACKENDS[i]}/24" dev eth0
	done
	sources=("$C4" "${C4%.*}.$((offset + 1))" "${C4%.*}.$((offset + 2))")
	ip addr add "${sources[1]}/24" dev eth0
	ip addr add "${sources[2]}/24" dev eth0
	far python3 "$LIVE_DIR/backends.py" "$PORT" >"$TMP/backends" 2>&1 &
	wait_until 10 grep -q '^ready' "$TMP/backends" || broken "the backends of the check do not start"
	coproc CLIENTS { exec python3 "$LIVE_DIR/clients.py" "$V4" "$PORT" "${sources[@]}"; }
}

# balance BACKEND...: tell the balancer its backends.
balance()
{
	tell "service $V4 $PORT $*"
}

# clients COMMAND...: have the clients do something (clients.py); set ANSWER. If that fails, it is
# a wrong answer: return 1.
clients()
{
	echo "$*" >&"${CLIENTS[1]}"
	read -r -t $((20 * NETBPF_SLOW)) ANSWER <&"${CLIENTS[0]}" ||
		broken "the clients of the check do not answer"
	[[ $ANSWER == failed* ]] || return 0
	wrong "${ANSWER#failed }"
	return 1
}
