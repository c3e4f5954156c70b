#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make install" and "make install-doc" into an empty root: what is installed runs
# there, in a lab; its manual pages and its completion say what the programs say;
# "make uninstall" leaves nothing.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
require_tools make gcc clang rst2man
require_sources
[ -n "$NBT_LIST" ] || KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"

ROOT=$TMP/root
BIN=$ROOT/usr/sbin

netbpf_make()
{
	make -C "$NETBPF_TOP" KSRC="$KSRC" ${O:+"O=$O"} DESTDIR="$ROOT" prefix=/usr "$@"
}

commands()
{
	sample_names
	printf '%s\n' lab doctor
}

setup()
{
	LAB=$(rand_name nbt-)
	netbpf_make install install-doc >"$TMP/install" 2>&1 || {
		cat "$TMP/install" >&2
		fail "make install failed"
	}
}

# anywhere NAME ARGUMENT...: run an installed program, from / and without our environment.
anywhere()
{
	local name=$1

	shift
	cd /
	env -i PATH="$BIN:/usr/sbin:/usr/bin:/sbin:/bin" "netbpf-$name" "$@"
}

test_each_command_is_installed_with_a_page()
{
	local name

	for name in $(commands); do
		[ -x "$BIN/netbpf-$name" ] || fail "no netbpf-$name"
		[ -s "$ROOT/usr/share/man/man8/netbpf-$name.8" ] || fail "no page of netbpf-$name"
		[ -e "$ROOT/usr/share/bash-completion/completions/netbpf-$name" ] ||
			fail "no completion of netbpf-$name"
		expect_status 0 anywhere "$name" --help
	done
	[ -e "$ROOT/usr/share/doc/netbpf/xdp_lb.rst" ] || fail "no documentation"
	[ -z "$(find "$ROOT" -xtype l)" ] || fail "links to nowhere: $(find "$ROOT" -xtype l)"
	# Links must be right wherever the root is.
	[ -z "$(find "$ROOT" -lname '/*')" ] || fail "absolute links: $(find "$ROOT" -lname '/*')"
}

lab()
{
	anywhere lab "$@"
}

# runs NAME ARGUMENT...: it must print that it is ready, and exit with 0.
runs()
{
	expect_status 0 anywhere "$@" -d 0.3
	expect_out '^ready:'
}

test_each_runs_from_there_in_the_lab()
{
	local name ns=netbpf-$LAB-host

	need_root
	expect_status 0 lab up --name "$LAB"
	# The commands that "lab up" tells to try must be installed commands.
	expect_out "^  $BIN/netbpf-ping -n $ns -i eth0\$"
	expect_out "^  $BIN/netbpf-lab down $LAB\$"
	expect_no_match "$OUT_FILE" 'scripts/|samples/|lib/netbpf'
	defer "'$BIN/netbpf-lab' down '$LAB' >/dev/null 2>&1"
	for name in hello pass ping tc pktcount sockfilter network; do
		runs "$name" -n "$ns" -i eth0
	done
	runs tcpconnect -n "$ns"
	runs xdp_lb run --name "$LAB" -n "$ns" -i eth0 --vip tcp:10.0.1.1:80 --backend 10.0.1.2:80
	anywhere xdp_lb stop --name "$LAB" -n "$ns" >&2 || :
	expect_status 0 lab ping --name "$LAB" pingbox host -c 1
	expect_status 2 lab fly
	expect_err "^netbpf-lab: unknown command 'fly'\$"
	expect_err "^  hint: $BIN/netbpf-lab --help\$"
	expect_status 0 anywhere doctor --help
	expect_out "^  sudo $BIN/netbpf-doctor -i eth0\$"
}

# An installed doctor does not ask for compilers, because it has nothing to build.
test_doctor_looks_at_the_kernel_not_at_compilers()
{
	STATUS=0
	anywhere doctor >"$OUT_FILE" 2>&1 || STATUS=$?
	[ "$STATUS" -le 1 ] || fail "status $STATUS"
	expect_no_match "$OUT_FILE" 'clang|kernel tree|not built'
}

# options_of_help FILE, options_of_page FILE: print options as "-c, --count N", sorted.
options_of_help()
{
	sed -nE 's/^  (-., |    )?(--[a-z0-9-]+( [A-Z]+)?)( .*)?$/\1\2/p' "$1" | sed -E 's/^ +//' | sort
}

options_of_page()
{
	sed -E 's/\\f.//g; s/\\-/-/g' "$1" | sed -nE 's/^\.B ((-., )?--[a-z0-9-]+( [A-Z]+)?)$/\1/p' | sort
}

test_pages_have_the_options_of_help()
{
	local name

	for name in $(commands); do
		anywhere "$name" --help >"$TMP/help"
		options_of_help "$TMP/help" >"$TMP/options"
		[ -s "$TMP/options" ] || fail "no options in netbpf-$name --help"
		options_of_page "$ROOT/usr/share/man/man8/netbpf-$name.8" >"$TMP/page"
		diff "$TMP/options" "$TMP/page" >&2 || fail "--help (<) and page (>) of $name differ"
	done
}

test_pages_are_clean()
{
	have mandoc || skip "not installed: mandoc (scripts/setup.sh --all)"
	mandoc -Tlint "$ROOT"/usr/share/man/man8/*.8 >"$TMP/lint" 2>&1 || :
	[ ! -s "$TMP/lint" ] || { cat "$TMP/lint" >&2; fail "mandoc -Tlint finds something"; }
}

# complete_line WORD...: print what Tab would offer for the last word.
complete_line()
{
	# The variables are for the shell inside.
	# shellcheck disable=SC2016
	anywhere_bash '
		. "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		function=$(complete -p "$1" | sed -n "s/.*-F \([^ ]*\) .*/\1/p")
		"$function" "$1" "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' \
		"$ROOT/usr/share/bash-completion/completions/$1" "$@"
}

anywhere_bash()
{
	env -i PATH="$BIN:/usr/bin:/bin" bash --norc -c "$1" bash "${@:2}"
}

test_completion_offers_what_help_has()
{
	local name

	for name in $(commands); do
		complete_line "netbpf-$name" -- | sort >"$TMP/offered"
		anywhere "$name" --help | grep -oE '^  (-., |    )?--[a-z0-9-]+' | grep -oE -- '--.*' | sort >"$TMP/help"
		diff "$TMP/help" "$TMP/offered" >&2 || fail "--help (<) and completion (>) of $name differ"
	done
}

test_completion_of_values()
{
	expect_eq mode "$(complete_line netbpf-ping --mode '' | paste -sd ' ')" "auto native skb"
	expect_eq action "$(complete_line netbpf-ping -a d | paste -sd ' ')" "drop"
	expect_eq interface "$(complete_line netbpf-ping -i l | grep -x lo)" lo
	expect_eq commands "$(complete_line netbpf-xdp_lb re | paste -sd ' ')" "reload"
	expect_eq "lab's commands" "$(complete_line netbpf-lab st | paste -sd ' ')" "status"
	expect_eq "a number" "$(complete_line netbpf-ping --count '')" ""
}

# offers WANTED WORD...: Tab must offer WANTED for the last of these words, and nothing else.
offers()
{
	expect_eq "${*:2}" "$(complete_line "${@:2}" | paste -sd ' ')" "$1"
}

test_completion_of_sub_commands()
{
	offers 'drain enable list weight' netbpf-xdp_lb backend ''
	offers 'drain' netbpf-xdp_lb -j --name x backend d
	offers 'list' netbpf-xdp_lb vip ''
	offers '' netbpf-xdp_lb stats ''
	offers '' netbpf-xdp_lb run ''
	offers '' netbpf-xdp_lb backend weight web a ''
	offers 'bridge lb pair' netbpf-lab up ''
	offers 'bridge' netbpf-lab up --name mine b
	offers '' netbpf-lab up lb ''
	offers '' netbpf-lab list ''
	offers '' netbpf-ping ''
	complete_line netbpf-lab exec host l >"$TMP/offered"
	expect_match "$TMP/offered" '^ls$'
}

# Tab offers the names of the instances, services, labs and nodes that exist now.
test_completion_of_what_runs()
{
	local pid

	need_root
	expect_status 0 lab up --name "$LAB"
	defer "'$BIN/netbpf-lab' down '$LAB' >/dev/null 2>&1"
	offers "$LAB" netbpf-lab down "$LAB"
	offers "$LAB" netbpf-lab status "$LAB"
	offers "$LAB" netbpf-lab exec --name "$LAB"
	offers 'host pingbox' netbpf-lab --name "$LAB" exec ''
	offers 'host pingbox' netbpf-lab --name "$LAB" ping host ''
	offers '' netbpf-lab --name "$LAB" ping host pingbox ''
	offers '' netbpf-xdp_lb --name "$LAB" backend drain ''

	start_sample pid 20 "$BIN/netbpf-xdp_lb" run --name "$LAB" -n "netbpf-$LAB-host" -i eth0 \
		--vip tcp:10.0.1.1:80 --backend 10.0.1.2:80
	offers "$LAB" netbpf-xdp_lb show --name "$LAB"
	offers 'tcp:10.0.1.1:80' netbpf-xdp_lb --name "$LAB" conns ''
	offers 'tcp:10.0.1.1:80' netbpf-xdp_lb --name "$LAB" backend drain ''
	# Bash splits words at colons, and puts what is chosen behind the last colon.
	offers '10.0.1.1:80' netbpf-xdp_lb --name "$LAB" backend drain tcp : 10
	offers '10.0.1.2:80' netbpf-xdp_lb --name "$LAB" backend weight tcp : 10.0.1.1 : 80 10
	stop_sample "$pid"
}

test_other_directories()
{
	local other=$TMP/other

	netbpf_make install install-doc DESTDIR="$other" prefix=/opt/n sbindir=/opt/bin \
		mandir=/opt/man bash_compdir=/opt/comp docdir=/opt/doc pkglibdir=/opt/lib >&2
	"$other/opt/bin/netbpf-ping" --version
	"$other/opt/bin/netbpf-lab" --help >/dev/null
	[ -e "$other/opt/man/man8/netbpf-ping.8" ] || fail "pages are not in mandir"
	[ -e "$other/opt/comp/netbpf-ping" ] || fail "completion is not in bash_compdir"
	[ ! -e "$other/opt/n" ] || fail "something is below prefix"
	netbpf_make uninstall DESTDIR="$other" prefix=/opt/n sbindir=/opt/bin \
		mandir=/opt/man bash_compdir=/opt/comp docdir=/opt/doc pkglibdir=/opt/lib >&2
	expect_eq "left behind" "$(find "$other" ! -type d)" ""
}

test_uninstall_leaves_nothing()
{
	# A file of somebody else must stay.
	: >"$BIN/netbpf-mine"
	netbpf_make uninstall >&2
	expect_eq "left behind" "$(find "$ROOT" ! -type d)" "$BIN/netbpf-mine"
	[ ! -e "$ROOT/usr/lib/netbpf" ] || fail "usr/lib/netbpf is left"
	[ ! -e "$ROOT/usr/share/doc/netbpf" ] || fail "usr/share/doc/netbpf is left"
	expect_status 0 netbpf_make uninstall
}

run_tests test_each_command_is_installed_with_a_page test_each_runs_from_there_in_the_lab \
	test_doctor_looks_at_the_kernel_not_at_compilers test_pages_have_the_options_of_help \
	test_pages_are_clean test_completion_offers_what_help_has test_completion_of_values \
	test_completion_of_sub_commands test_completion_of_what_runs \
	test_other_directories test_uninstall_leaves_nothing
