# SPDX-License-Identifier: GPL-2.0
#
# Judges the requests of soak_load: which ones the load balancer has lost, and which ones it
# sent to a backend that should get none. EVENTS says what happened to the backends:
#
#	awk -f judge.awk EVENTS REQUESTS
#
#	dead NAME FROM TO	its server was killed at FROM, and known to be down at TO
#	out NAME FROM TO	from FROM to TO it was drained, had no weight or was down
#
# REQUESTS, from soak_load, has a line for each request:
#
#	KIND-FAMILY OPENED SENT DONE ANSWER
#
# A request may be lost only if both of these are true, otherwise a live backend could have
# served it:
# - It was on its way between FROM and TO of a backend that was killed. For TCP the whole
#   connection counts, from OPENED on, because it cannot move to another backend. For UDP
#   each datagram counts, from SENT on, because a flow moves when its backend is known to be
#   down.
# - No other backend has answered on that connection before.
#
# Exit status: 0 if all is well; 1 if a request was lost or went to a wrong backend (these are
# printed before the table), or if there were no requests of a kind.

$1 == "dead" && NF == 4 { n_dead++; dead[n_dead] = $2; from[n_dead] = $3; to[n_dead] = $4; next }
$1 == "out" && NF == 4 { n_out++; out[n_out] = $2; out_from[n_out] = $3; out_to[n_out] = $4; next }

function forgiven(begun, who,    i)
{
	for (i = n_dead; i >= 1; i--) {
		if (begun <= to[i] && $4 >= from[i] && (who == "" || who == dead[i]))
			return 1
	}
	return 0
}

function bad(what)
{
	if (++n_bad <= 20)
		print what ": " $0
}

{
	kind = $1
	connection = $1 " " $2
	requests[kind]++
	if ($4 - $3 > slowest[kind])
		slowest[kind] = $4 - $3
}

$5 ~ /^lost:/ {
	if (forgiven(kind ~ /^udp/ ? $3 : $2, last[kind] == connection ? answered[kind] : ""))
		excused[kind]++
	else {
		lost[kind]++
		bad("lost")
	}
	next
}

{
	for (i = n_out; i >= 1; i--) {
		if (out[i] == $5 && $2 >= out_from[i] && $4 <= out_to[i])
			bad("sent to a backend that takes none")
	}
	last[kind] = connection
	answered[kind] = $5
	served[$5]++
}

function row(kind, what)
{
	printf "  %-36s %8d %8d %8d %8.3f s\n", what, requests[kind], lost[kind], excused[kind],
		slowest[kind]
	if (!requests[kind])
		missing = 1
}

END {
	printf "  %-36s %8s %8s %8s %10s\n", "", "number", "lost", "to dead", "slowest"
	row("close-4", "HTTP, one a connection, IPv4")
	row("close-6", "HTTP, one a connection, IPv6")
	row("keep-4", "HTTP, keep-alive, IPv4")
	row("keep-6", "HTTP, keep-alive, IPv6")
	row("udp-4", "UDP, IPv4")
	row("udp-6", "UDP, IPv6")
	printf "  served by"
	for (name in served)
		printf " %s: %d", name, served[name]
	print ""
	exit n_bad > 0 || missing
}
