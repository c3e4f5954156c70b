#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Messages, hints and help name the program as it was called, so that a user can paste the
# commands. A plain "ping" would run another program.

# install_as PREFIX: install all samples in $TMP/sbin as PREFIXname.
install_as()
{
	local name

	mkdir -p "$TMP/sbin"
	for name in $ALL; do
		ln -sf "$BIN/$name" "$TMP/sbin/$1$name"
	done
}

# names CALLED NAME LAB: run a sample as CALLED. Its messages begin with NAME; its hints and its
# help name the program CALLED and the lab script LAB.
names()
{
	local lab

	refuses_as "$2" "$1" --bogus
	expect_err "^  hint: $1 --help\$"
	expect_status 0 "$1" --help
	expect_out "^Usage: $1 \[OPTION\]"
	expect_out "^  $1 "
	lab=$(sed -nE 's/.*in the lab \((.*) up\)$/\1/p' <<<"$OUT")
	[ -z "$lab" ] || expect_eq "the lab of $1" "$lab" "$3"
	expect_status 0 "$1" --version
	expect_out "^$2: netbpf "
}

refuses_as()
{
	expect_status 2 "${@:2}"
	expect_err "^$1: unknown option --bogus\$"
}

test_called_by_path()
{
	local name

	cd "$TMP" || fail "no $TMP"
	for name in $ALL; do
		names "bin/$name" "$name" scripts/lab.sh
		names "$BIN/$name" "$name" scripts/lab.sh
	done
}

test_called_as_installed()
{
	local name PATH=$TMP/sbin:$PATH

	install_as netbpf-
	for name in $ALL; do
		names "netbpf-$name" "netbpf-$name" netbpf-lab
		names "$TMP/sbin/netbpf-$name" "netbpf-$name" "$TMP/sbin/netbpf-lab"
	done
}

# Hints also name other scripts of the tree in the right way.
test_hints_can_be_pasted()
{
	local name PATH=$TMP/sbin:$PATH

	install_as netbpf-
	for name in $SAMPLES; do
		base "$name"
		expect_status 1 "${HERE[@]}" -n "$(rand_name nbt-)"
		expect_err '^  hint: ip netns list; scripts/lab.sh list$'
		expect_status 1 "netbpf-$name" "${HERE[@]:1}" -n "$(rand_name nbt-)"
		expect_err '^  hint: ip netns list; netbpf-lab list$'
	done
	refuses 2 "$BIN/xdp_lb" fly
	expect_status 0 bash -c "$(sed -n 's/^  hint: //p' "$ERR_FILE")"
	expect_out '^Usage: '
}
