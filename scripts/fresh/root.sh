# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Minimal roots of Debian, kept as an archive for each release. Unpacking it takes two
# seconds and works on every file system, which an overlay does not. Sourced by fresh.sh.

# "make clean" removes them with the rest of build/.
readonly FRESH_DIR=$NETBPF_OUT/build/fresh

# debian_archive LABEL: print the URI from which this machine gets Debian (LABEL is
# "Debian") or its security updates ("Debian-Security"); nothing if that is not known.
debian_archive()
{
	have apt-get || return 0
	# shellcheck disable=SC2016 # apt-get's variables
	apt-get indextargets --format '$(ORIGIN),$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n "s/^Debian,$1 //p;T;q" || :
}

# sources RELEASE: print the sources.list for the root, with the archive that this machine
# uses. Print nothing if this is not Debian: mmdebstrap then uses an archive that it knows.
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

# apt_options: print the settings of apt with which this machine reaches the archive:
# proxies, retries, and whether apt compares the archive's dates with the clock.
apt_options()
{
	have apt-config || return 0
	apt-config dump |
		grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy[^ ]*) ' || :
}

# make_root RELEASE FILE: make a minimal root, as the archive FILE.
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

# keep_root RELEASE: make the archive of a root, unless it exists. The archive is made in the
# directory of this run and then moved, so that it is never there in part.
keep_root()
{
	[ -n "$RENEW" ] || [ ! -s "$FRESH_DIR/$1.tar" ] || return 0
	new_run
	make_root "$1" "$RUN/root.tar"
	mv "$RUN/root.tar" "$FRESH_DIR/$1.tar"
	end_run
}

# unpack_root RELEASE: unpack a root into the directory of this run, and add the packages
# that earlier runs have downloaded: apt installs them again, but does not download them.
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

# keep_packages RELEASE: keep the downloaded packages for the next run.
keep_packages()
{
	local package dir=$FRESH_DIR/packages/$1

	mkdir -p "$dir"
	for package in "$ROOT"/var/cache/apt/archives/*.deb; do
		[ ! -e "$package" ] || [ -e "$dir/${package##*/}" ] || ln "$package" "$dir/"
	done
}

# clone: clone the last commit into the root.
clone()
{
	git clone -q "$NETBPF_TOP" "$ROOT$CLONE" || die 1 "cannot clone $NETBPF_TOP"
}
