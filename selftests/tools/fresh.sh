#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/fresh.sh in a small tree of its own: what it refuses, what a command sees in
# the root, and that nothing of a run is left, however it ends. mmdebstrap is a stand-in
# that gives a root of a few tools of this machine, without a download.

# alone: finds leftovers by the numbers of namespaces, which the kernel soon uses again

# Most of what is in single quotes is for the shell in the root.
# shellcheck disable=SC2016

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_sources
need_root
require_tools git unshare setpriv pivot_root
# Ignore the user's configuration of git, and variables of a git that started this test.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

REPO=$TMP/repo
FRESH=$REPO/scripts/fresh.sh
BIN=$TMP/bin
KEPT=$TMP/out/build/fresh
export O=$TMP/out

# script FILE: make an executable file from stdin.
script()
{
	mkdir -p "${1%/*}"
	{
		echo '#!/bin/bash'
		cat
	} >"$1"
	chmod 755 "$1"
}

# commit: commit all of the small tree.
commit()
{
	git -C "$REPO" add -A
	git -C "$REPO" -c user.name='A Tester' -c user.email=tester@example.org \
		commit -q --allow-empty -m 'tree: change it'
}

# readme COMMAND...: make a README.rst that shows them.
readme()
{
	{
		printf 'Two commands\n============\n\nAs root::\n\n'
		[ $# -eq 0 ] || printf '  %s\n' "$@"
		printf '\nMore\n====\n\nAnd then::\n\n  ./more.sh\n'
	} >"$REPO/README.rst"
}

# tiny_root: make an archive of the tools that enter.sh and the commands of this test call.
tiny_root()
{
	local root=$TMP/tiny tool file

	mkdir -p "$root"/{proc,sys,dev,mnt,tmp,srv,etc,usr/bin,var/cache/apt/archives}
	for tool in bash env chroot setpriv awk cat grep readlink sleep touch ls chown nproc; do
		file=$(command -v "$tool")
		cp -L "$file" "$root/usr/bin/$tool"
		ldd "$file" | grep -o '/[^ ]*' | while read -r file; do
			[ -e "$root$file" ] || cp -L --parents "$file" "$root"
		done
	done
	ln -s usr/bin "$root/bin"
	echo 'nobody:x:65534:65534::/nonexistent:/bin/false' >"$root/etc/passwd"
	echo 'nogroup:x:65534:' >"$root/etc/group"
	script "$root/usr/bin/make" <<<'echo made >made'
	tar -C "$root" -cf "$TMP/tiny.tar" .
	rm -r "$root"
}

# setup: make the small tree, and the stand-ins for what fresh.sh calls.
setup()
{
	tiny_root
	mkdir -p "$REPO/scripts"
	git init -q -b main "$REPO"
	cp -r "$NETBPF_TOP/scripts/"{common.sh,fresh.sh,fresh} "$REPO/scripts/"
	script "$REPO/scripts/setup.sh" <<<'echo "setup.sh was run"'
	readme ./first.sh ./second.sh
	script "$REPO/first.sh" <<<'echo "first: $*"; exit 5'
	script "$REPO/second.sh" <<<'echo "second"; exit 6'
	echo committed >"$REPO/value"
	commit
	# mmdebstrap OPTION... RELEASE FILE [SOURCES]
	script "$BIN/mmdebstrap" <<-END
		echo "\$*" >>"$TMP/calls"
		[ ! -e "$TMP/mmdebstrap" ] || . "$TMP/mmdebstrap"
		while [[ \$1 == -* ]]; do
			[[ \$1 != --aptopt=* ]] || cp "\${1#*=}" "$TMP/apt.conf"
			shift
		done
		[ \$# -lt 3 ] || cp "\$3" "$TMP/sources.list"
		cp "$TMP/tiny.tar" "\$2"
	END
	script "$BIN/apt-get" <<-'END'
		[ "$1" = indextargets ] || exit 1
		echo 'Example,Debian https://third.example.org/'
		echo 'Debian,Debian https://first.example.org/debian/'
		echo 'Debian,Debian https://second.example.org/debian/'
		echo 'Debian,Debian-Security https://security.example.org/debian/'
	END
	script "$BIN/apt-config" <<-'END'
		echo 'APT::Architecture "amd64";'
		echo 'Acquire::http::Proxy "http://proxy.example.org:3128";'
		echo 'Acquire::http::Proxy::first.example.org "DIRECT";'
		echo 'Acquire::Check-Date "false";'
		echo 'Dir::Etc "etc/apt";'
	END
	PATH=$BIN:$PATH
}

# nothing_left NAMESPACES: a run must have left no files, no mounts, and no process in
# NAMESPACES, which the run has printed with readlink.
nothing_left()
{
	local namespace ticks

	read -r ticks _ </proc/uptime
	ticks=${ticks/.}
	expect_eq "directories of runs" "$(find "$KEPT" -name 'run.*')" ""
	expect_no_match /proc/self/mountinfo "$TMP"
	[ -n "$1" ] || fail "the run has not told its namespaces"
	for namespace in $1; do
		eventually 10 is_empty "$namespace" "$ticks"
	done
}

# is_empty NAMESPACE TICKS: true if it has no process that started up to TICKS after boot. When
# a namespace is gone, the kernel may give its number to a new one: a younger process there
# belongs to another test.
is_empty()
{
	local process stat

	while read -r process; do
		# The process may be gone by now. Its name ends at the last ")".
		{ read -r stat <"$process/stat"; } 2>/dev/null || continue
		read -ra stat <<<"${stat##*) }"
		[ "${stat[19]}" -gt "$2" ] || return 1
	done < <(find /proc/[0-9]*/ns -printf '%l %H\n' 2>/dev/null |
		awk -v namespace="$1" '$1 == namespace { sub("/ns$", "", $2); print $2 }')
}

# This command prints the namespaces of a run, for nothing_left.
readonly TELL='readlink /proc/self/ns/mnt /proc/self/ns/pid'

# start_run COMMAND: start a run, and wait until it has printed its namespaces. Sets RUN_PID
# and RUN_NS.
start_run()
{
	start_bg RUN_PID "$FRESH" -- bash -c "$TELL; $1"
	eventually 20 grep -q '^pid:' "$(sample_out "$RUN_PID")"
	RUN_NS=$(grep -E '^(mnt|pid):' "$(sample_out "$RUN_PID")")
}

test_help()
{
	local option

	expect_status 0 "$FRESH" --help
	for option in -d --debian --unprivileged --renew --clone; do
		expect_out "(^|[ ,])$option( |,|\$)"
	done
	expect_out '^Examples:'
	expect_eq "stderr" "$ERR" ""
}

test_usage()
{
	local args

	while read -r args; do
		# shellcheck disable=SC2086 # words
		expect_status 2 "$FRESH" $args
		expect_err "^  hint: $FRESH --help\$"
	done <<-END
		--nonsense
		-d
		-d buster
		-d bookworm,trixie
		--clone
		--clone netbpf
		--clone /
	END
	expect_status 2 "$FRESH" -d buster
	expect_err 'buster is none of the releases: bookworm trixie, all'
}

# In the user namespace we are not root, but can use root's files: nothing else is in the way.
test_needs_root()
{
	need_user_namespaces
	expect_status 1 unshare --user "$FRESH" -- true
	expect_err 'needs root'
	expect_err '^  hint: sudo '
}

test_needs_namespaces()
{
	expect_status 3 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$FRESH" -- true
	expect_err 'making a root of Debian: CAP_SYS_ADMIN missing'
	expect_err '^  hint: '
}

test_names_a_missing_tool()
{
	local tool

	mkdir "$TMP/few"
	for tool in bash dirname readlink basename id git; do
		ln -s "$(command -v "$tool")" "$TMP/few/"
	done
	expect_status 3 env PATH="$TMP/few" "$FRESH" -- true
	expect_err 'mmdebstrap is missing'
	expect_err '^  hint: .*setup.sh --all \(package mmdebstrap\)'
}

test_needs_a_repository()
{
	mv "$REPO/.git" "$TMP/aside"
	defer mv "$TMP/aside" "$REPO/.git"
	expect_status 3 "$FRESH" -- true
	expect_err 'is no git repository: there is nothing to clone'
}

test_status_and_output()
{
	expect_status 7 "$FRESH" -- bash -c \
		'echo "a  b $1"; echo "on stderr" >&2; cat; exit 7' 'x y' z <<<"on stdin"
	expect_eq "output" "$OUT" $'a  b z\non stdin'
	expect_err '^on stderr$'
	expect_status 143 "$FRESH" -- bash -c 'kill -TERM $$'
}

test_a_root_with_nothing_mounted()
{
	expect_status 0 "$FRESH" -- bash -c "$TELL;"'
		while read -r _ _ _ _ mount _ ; do
			echo "mount $mount"
		done </proc/self/mountinfo
		echo "bpf:" /sys/fs/bpf/* /sys/kernel/tracing/*
		[ "$(readlink /proc/1/ns/pid)" = "$(readlink /proc/self/ns/pid)" ] && echo own
		devices=" $(echo /dev/*) "
		devices=${devices/ \/dev\/net / }
		echo "devices" ${devices/ \/dev\/kvm / }
		echo "tun" /dev/net/*'
	expect_eq "mounts" "$(grep '^mount' "$OUT_FILE")" \
		"$(printf 'mount %s\n' / /proc /sys /dev /dev/pts /dev/shm)"
	expect_out '^bpf: /sys/fs/bpf/\* /sys/kernel/tracing/\*$'
	expect_eq "devices" "$(grep '^devices' "$OUT_FILE")" "devices$(printf ' /dev/%s' \
		fd full null ptmx pts random shm stderr stdin stdout tty urandom zero)"
	[ ! -c /dev/net/tun ] || expect_out '^tun /dev/net/tun$'
	expect_out '^own$'
	! grep -Fx -e "$(readlink /proc/self/ns/mnt)" -e "$(readlink /proc/self/ns/pid)" "$OUT_FILE" ||
		fail "a namespace of the host"
	nothing_left "$(grep -E '^(mnt|pid):' "$OUT_FILE")"
}

# Of our environment, a command gets only the variables that are named in the help.
test_environment()
{
	expect_status 0 env -u TERM NO_COLOR=1 http_proxy=http://p.example.org SECRET=1 \
		"$FRESH" -- env
	expect_out '^NO_COLOR=1$'
	expect_out '^http_proxy=http://p.example.org$'
	expect_out '^HOME=/root$'
	expect_out '^PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin$'
	expect_no_match "$OUT_FILE" 'SECRET|^O=|UNPRIVILEGED'
	# No signal is ignored, as a shell starts a command in the foreground.
	expect_status 0 "$FRESH" -- grep SigIgn /proc/self/status
	expect_out '^SigIgn:	0*$'
}

test_the_clone_is_the_last_commit()
{
	echo changed >"$REPO/value"
	defer git -C "$REPO" checkout -q value
	expect_status 0 "$FRESH" -- bash -c 'echo "$PWD $(cat value)"'
	expect_eq "output" "$OUT" "/srv/netbpf committed"
	expect_err 'what is not committed is not in the clone'
	git -C "$REPO" checkout -q value
	expect_status 0 "$FRESH" --clone "/root/a/b c" -- bash -c 'echo "$PWD"'
	expect_eq "output" "$OUT" "/root/a/b c"
	expect_no_match "$ERR_FILE" 'not committed'
}

test_others_can_read_the_clone()
{
	(umask 077; expect_status 0 "$FRESH" -- setpriv --reuid nobody --clear-groups cat value)
}

# Both commands of the README run, the second one even after a failure of the first.
test_the_commands_of_the_readme()
{
	expect_status 5 "$FRESH"
	expect_eq "output" "$OUT" $'\n$ ./first.sh\nfirst: \n\n$ ./second.sh\nsecond'
	expect_err '^fresh: ./first.sh: exit status 5 after [0-9]+ s$'
	expect_err '^fresh: ./second.sh: exit status 6 after [0-9]+ s$'
	defer commit
	defer readme ./first.sh ./second.sh
	readme 'true' './first.sh --all' 'true'
	commit
	expect_status 5 "$FRESH"
	expect_out '^first: --all$'
	readme
	commit
	expect_status 1 "$FRESH"
	expect_err 'README.rst has no commands below'
}

test_unprivileged()
{
	expect_status 0 "$FRESH" --unprivileged -- bash -c 'cat made; cat /proc/self/status
		echo "path $PATH"; touch mine && echo "mine in $HOME"'
	expect_out '^setup.sh was run$'
	expect_out '^made$'
	expect_out '^Uid:	65534	65534	65534	65534$'
	expect_out '^Gid:	65534	65534	65534	65534$'
	# cap_net_admin 12, cap_net_raw 13, cap_perfmon 38, cap_bpf 39
	expect_out '^CapEff:	000000c000003000$'
	expect_out '^CapAmb:	000000c000003000$'
	expect_out '^CapBnd:	000000c000003000$'
	expect_out '^path /usr/local/bin:/usr/bin:/bin$'
	expect_out '^mine in /nonexistent$'
	expect_status 5 "$FRESH" --unprivileged
}

test_all_releases()
{
	rm -f "$KEPT"/*.tar "$TMP/calls"
	expect_status 0 "$FRESH" -d all -- cat value
	expect_out '^== bookworm$'
	expect_out '^bookworm +exit status 0 +[0-9]+ s$'
	expect_out '^trixie +exit status 0 +[0-9]+ s$'
	expect_eq "roots made" "$(wc -l <"$TMP/calls")" 2
	touch "$KEPT/packages/bookworm/of_bookworm.deb"
	expect_status 1 "$FRESH" -d all -- \
		bash -c '[ ! -e /var/cache/apt/archives/of_bookworm.deb ] || exit 4'
	rm "$KEPT/packages/bookworm/of_bookworm.deb"
	expect_out '^bookworm +exit status 4 +[0-9]+ s$'
	expect_out '^trixie +exit status 0 +[0-9]+ s$'
}

test_a_root_is_kept_until_renewed()
{
	expect_status 0 "$FRESH" -- true
	rm -f "$TMP/calls"
	expect_status 0 "$FRESH" -- touch /etc/changed
	expect_status 0 "$FRESH" -- bash -c '[ ! -e /etc/changed ]'
	[ ! -e "$TMP/calls" ] || fail "the root was made again"
	expect_status 0 "$FRESH" --renew -- true
	expect_eq "calls" "$(wc -l <"$TMP/calls")" 1
}

# The root comes from where this machine gets Debian, and not from its other archives.
test_where_debian_comes_from()
{
	local archive=https://first.example.org/debian/

	rm -f "$TMP/calls"
	expect_status 0 "$FRESH" --renew -d trixie -- true
	expect_match "$TMP/calls" '--variant=apt .*--include=git .*--include=ca-certificates trixie '
	expect_eq "sources.list" "$(<"$TMP/sources.list")" "$(printf 'deb %s main\n' \
		"$archive trixie" "$archive trixie-updates" \
		"https://security.example.org/debian/ trixie-security")"
	expect_eq "apt.conf" "$(<"$TMP/apt.conf")" "$(printf '%s\n' \
		'Acquire::http::Proxy "http://proxy.example.org:3128";' \
		'Acquire::http::Proxy::first.example.org "DIRECT";' \
		'Acquire::Check-Date "false";')"
}

# If this is not Debian, or has no lists: mmdebstrap chooses the archive.
test_where_debian_comes_from_elsewhere()
{
	mv "$BIN/apt-get" "$BIN/aside"
	defer mv "$BIN/aside" "$BIN/apt-get"
	script "$BIN/apt-get" <<<'echo "Ubuntu,Ubuntu https://u.example.org/"'
	rm -f "$TMP/calls"
	expect_status 0 "$FRESH" --renew -- true
	expect_match "$TMP/calls" ' bookworm [^ ]*/root.tar$'
}

test_packages_are_kept()
{
	expect_status 0 "$FRESH" -- touch /var/cache/apt/archives/a_1_all.deb
	expect_status 3 "$FRESH" -- bash -c 'echo /var/cache/apt/archives/*; exit 3'
	expect_eq "packages" "$OUT" /var/cache/apt/archives/a_1_all.deb
	rm "$KEPT/packages/bookworm/a_1_all.deb"
}

test_a_root_that_cannot_be_made()
{
	echo 'for file; do [[ $file != *.tar ]] || echo half >"$file"; done
		echo "no such release" >&2; exit 25' >"$TMP/mmdebstrap"
	defer rm "$TMP/mmdebstrap"
	rm -f "$KEPT/trixie.tar"
	expect_status 1 "$FRESH" -d trixie -- true
	expect_err '^no such release$'
	expect_err 'mmdebstrap could not make a root of trixie'
	[ ! -e "$KEPT/trixie.tar" ] || fail "half a root is kept"
	expect_eq "directories of runs" "$(find "$KEPT" -name 'run.*')" ""
}

# end_by SIGNAL STATUS: end a run by SIGNAL. It must exit with STATUS, and leave nothing.
end_by()
{
	start_run 'sleep 1000 & sleep 1001'
	STATUS=0
	stop_sample "$RUN_PID" "$1" || :
	expect_eq "exit status" "$STATUS" "$2"
	nothing_left "$RUN_NS"
}

# A command gets time to clean up, but not for ever.
test_a_command_gets_time_to_end()
{
	start_run 'trap "for ((i = 0; i < 50000; i++)); do :; done; echo end; exit" TERM; sleep 1000 & wait'
	stop_sample "$RUN_PID" TERM || :
	expect_match "$(sample_out "$RUN_PID")" '^end$'
	start_run 'trap "" TERM; sleep 1000; sleep 1000'
	stop_sample "$RUN_PID" TERM || :
	expect_eq "exit status" "$STATUS" 143
	nothing_left "$RUN_NS"
}

test_sigterm_leaves_nothing()
{
	end_by TERM 143
}

test_sigint_leaves_nothing()
{
	end_by INT 130
}

test_sighup_leaves_nothing()
{
	end_by HUP 129
}

# After SIGKILL only the next run can remove the files.
test_sigkill_leaves_no_process_and_no_mount()
{
	local namespace

	start_run 'sleep 1000 & sleep 1001'
	stop_sample "$RUN_PID" KILL || :
	for namespace in $RUN_NS; do
		eventually 5 no_members "$namespace"
	done
	expect_no_match /proc/self/mountinfo "$TMP"
	expect_status 0 "$FRESH" -- bash -c "$TELL"
	nothing_left "$OUT"
}

no_members()
{
	[ -z "$(members "$1")" ]
}

test_sigterm_while_the_root_is_made()
{
	local pid

	echo "$TELL >$TMP/namespaces; sleep 1000; exit 1" >"$TMP/mmdebstrap"
	defer rm "$TMP/mmdebstrap"
	start_bg pid "$FRESH" --renew -- true
	eventually 20 grep -qs '^pid:' "$TMP/namespaces"
	stop_sample "$pid" TERM || :
	expect_eq "exit status" "$STATUS" 143
	nothing_left "$(<"$TMP/namespaces")"
}

# A run must not take the directory of another for that of a run that was killed.
test_two_at_once()
{
	start_run 'cat /proc/self/mountinfo >/tmp/here; sleep 1000'
	expect_status 0 "$FRESH" -- cat value
	expect_eq "runs" "$(find "$KEPT" -path '*/root/tmp/here' | wc -l)" 1
	stop_sample "$RUN_PID" TERM || :
	nothing_left "$RUN_NS"
}

run_tests test_help test_usage test_needs_root test_needs_namespaces test_names_a_missing_tool \
	test_needs_a_repository test_status_and_output test_a_root_with_nothing_mounted test_environment \
	test_the_clone_is_the_last_commit test_others_can_read_the_clone \
	test_the_commands_of_the_readme test_unprivileged test_all_releases \
	test_a_root_is_kept_until_renewed test_where_debian_comes_from \
	test_where_debian_comes_from_elsewhere test_packages_are_kept \
	test_a_root_that_cannot_be_made test_a_command_gets_time_to_end test_sigterm_leaves_nothing \
	test_sigint_leaves_nothing test_sighup_leaves_nothing \
	test_sigkill_leaves_no_process_and_no_mount test_sigterm_while_the_root_is_made \
	test_two_at_once
