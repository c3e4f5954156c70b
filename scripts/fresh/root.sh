# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Minimal roots of Debian, kept as an archive for each release. Unpacking it takes two
# seconds and works on every file system, which an overlay does not. Sourced by fresh.sh.

# "make clean" removes them with the rest of build/.
readonly FRESH_DIR=$NETBPF_OUT/build/fresh

# debian_archive LABEL: where this machine takes Debian (LABEL is "Debian") or its
# security updates ("Debian-Security") from; nothing if that is not known.
debian_archive()
{
	have apt-get || return 0
	# shellcheck disable=SC2016 # apt-get's variables
	apt-get indextargets --format '$(ORIGIN),$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n "s/^Debian,$1 //p;T;q" || :
}

# sources RELEASE: what its sources.list says, from where this machine takes its own
# release. Nothing if this is not Debian: mmdebstrap knows an archive then.
sources()
{
	local archive security

	archive=$(debian_archive Debian)
	security=$(debian_archive Debian-Security)
	[ -n "$archive" ] || return 0
	echo "deb $archive $1 main"
	echo "deb $archive $1-updates main"
	[ -z "$security" ] || echo "deb $security $1-security main"
}

# apt_options: the way of this machine to the archive: proxies, and whether its clock
# can be compared with that of the archive.
apt_options()
{
	have apt-config || return 0
	apt-config dump |
		grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy[^ ]*) ' || :
}

# make_root RELEASE FILE: as an archive.
make_root()
{
	local run=$RUN arguments=()

	note "making a minimal root of $1 (about a minute)"
	sources "$1" >"$run/sources.list"
	apt_options >"$run/apt.conf"
	mkdir "$run/tmp"
	[ ! -s "$run/apt.conf" ] || arguments+=(--aptopt="$run/apt.conf")
	arguments+=(--variant=apt --include=git --include=ca-certificates "$1" "$2")
	[ ! -s "$run/sources.list" ] || arguments+=("$run/sources.list")
	contained env TMPDIR="$run/tmp" mmdebstrap "${arguments[@]}"
	[ "$STATUS" -eq 0 ] ||
		die 1 "mmdebstrap could not make a root of $1" "apt-get update, then run this again"
}

# keep_root RELEASE: make it unless it is here. Made aside and moved, so that it is
# whole or absent.
keep_root()
{
	[ -n "$RENEW" ] || [ ! -s "$FRESH_DIR/$1.tar" ] || return 0
	new_run
	make_root "$1" "$RUN/root.tar"
	mv "$RUN/root.tar" "$FRESH_DIR/$1.tar"
	end_run
}

# unpack_root RELEASE: into the directory of this run, with the packages that earlier
# runs have fetched. They are installed anew in each run, but not fetched.
unpack_root()
{
	local package archives=$ROOT/var/cache/apt/archives

	mkdir "$ROOT"
	tar -C "$ROOT" -xpf "$FRESH_DIR/$1.tar" --xattrs --xattrs-include='*' --numeric-owner ||
		die 1 "cannot unpack $FRESH_DIR/$1.tar" "$PROG --renew"
	cat /etc/resolv.conf >"$ROOT/etc/resolv.conf"
	for package in "$FRESH_DIR/packages/$1"/*.deb; do
		[ ! -e "$package" ] || ln "$package" "$archives/"
	done
}

# keep_packages RELEASE: for the next run.
keep_packages()
{
	local package dir=$FRESH_DIR/packages/$1

	mkdir -p "$dir"
	for package in "$ROOT"/var/cache/apt/archives/*.deb; do
		[ ! -e "$package" ] || [ -e "$dir/${package##*/}" ] || ln "$package" "$dir/"
	done
}

# clone: what is committed here.
clone()
{
	git clone -q "$NETBPF_TOP" "$ROOT$CLONE" || die 1 "cannot clone $NETBPF_TOP"
}
