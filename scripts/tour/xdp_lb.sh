# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/xdp_lb; tour.sh sources it.

about_xdp_lb()
{
	echo 'spread connections over backends: a load balancer that outlives its process'
}

topology_xdp_lb()
{
	echo lb
}

# If the demo ended early, the control program may be dead, and its pinned program at work.
undo_xdp_lb()
{
	"$NETBPF_OUT/samples/xdp_lb" stop -n "netbpf-$LAB-lb" --name "$LAB" >/dev/null 2>&1 || :
}

tour_xdp_lb()
{
	local a b foretold

	lb_picture
	say "The client asks 10.0.0.5. There is no web server."
	lb_ask 1
	check "nobody has answered" lb_has_answered . 0

	say "The balancer gives each connection to a backend, chosen by a hash. To the backend it comes from the balancer, so the reply comes back here."
	lb_run
	lb_ask 20
	check "20 connections, 20 answers" lb_has_answered . 20
	value a lb_answers a
	value b lb_answers b
	check "backend-a has answered $a, backend-b $b" test "$a" -gt 0 -a "$b" -gt 0
	lb ring tcp:10.0.0.5:80 --who 10.0.0.4:40000
	run_on client curl -sS -m 5 --local-port 40000 http://10.0.0.5/ || :
	value foretold lb_foretold
	check "the hash tells who will answer: $foretold" \
		grep -q "^Server name: $foretold\$" "$WORK/output"

	say "Drained: no new connections. This one would need maintenance."
	lb backend drain tcp:10.0.0.5:80 10.0.0.2:80
	lb_ask 20
	check "all 20 by backend-b" lb_has_answered b 20
	lb backend enable tcp:10.0.0.5:80 10.0.0.2:80

	say "The control program dies. Program and tables are pinned: the kernel goes on."
	lb_kill
	lb_ask 20
	check "20 connections, 20 answers" lb_has_answered . 20

	say "Started again, it adopts what is there: connections and counters."
	lb_run
	check "adopted" grep -q '^ready: .*adopted' "$WORK/demo"
	lb_ask 20
	check "20 connections, 20 answers" lb_has_answered . 20

	say "Ended, it takes all of it along."
	finish
	check "81 connections were counted, by one process and the other" lb_has_counted 81
	check "nothing is pinned" test ! -e "/sys/fs/bpf/xdp_lb/$LAB"
	lb_ask 1
	check "nobody answers any more" lb_has_answered . 0
}

lb_picture()
{
	cat <<'PICTURE'

A lab of its own, four nodes around a switch:

     client 10.0.0.4 <---+       +---> backend-a 10.0.0.2
                         +-switch+
     lb     10.0.0.5 <---+       +---> backend-b 10.0.0.3
PICTURE
}

# lb COMMAND...: run a command of xdp_lb for this instance. Its output stays in $WORK/output.
lb()
{
	show_command lb "samples/xdp_lb $*"
	"$NETBPF_OUT/samples/xdp_lb" "$@" --name "$LAB" >"$WORK/output" 2>&1 || :
	sed 's/^/   | /' "$WORK/output"
	cp "$WORK/output" "$WORK/lb"
}

lb_run()
{
	start_at lb xdp_lb run -i eth0 --name "$LAB" --vip tcp:10.0.0.5:80 \
		--backend 10.0.0.2:80 --backend 10.0.0.3:80
}

lb_kill()
{
	show_command lb "kill -9 $DEMO_PID"
	kill -9 "$DEMO_PID"
	wait "$DEMO_PID" 2>/dev/null || :
	DEMO_PID=
}

# lb_ask N: let the client open N connections, one after another.
lb_ask()
{
	local url="http://10.0.0.5/?[1-$1]"

	show_command client \
		"curl -s -H 'Connection: close' '$url' | grep name | sort | uniq -c"
	"$TOUR_DIR/lab.sh" exec --name "$LAB" client curl -sS -m 10 -H 'Connection: close' \
		"$url" >"$WORK/output" 2>&1 || :
	grep -E 'name|^curl: ' "$WORK/output" | sort | uniq -c | sed 's/^/   | /'
}

# lb_answers NODE: print how many answers came from backend-NODE; a dot stands for both.
lb_answers()
{
	grep -c "^Server name: backend-$1" "$WORK/output" || :
}

# Print the name of the backend that "ring --who" has shown.
lb_foretold()
{
	sed -e 's/^10\.0\.0\.2:.*/backend-a/' -e 's/^10\.0\.0\.3:.*/backend-b/' "$WORK/lb"
}

# lb_has_answered BACKEND N: true if N answers came from BACKEND: a, b, or . for both.
lb_has_answered()
{
	local n

	value n lb_answers "$1"
	[ "$n" = "$2" ]
}

# lb_has_counted N: true if the summary shows N connections.
lb_has_counted()
{
	awk -v n="$1" '$1 == "sum" && $3 == n { found = 1 } END { exit !found }' "$WORK/demo"
}
