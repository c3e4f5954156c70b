#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The functions of scripts/setup.sh that use apt: find packages, and install them. If apt
# fails, they look for the cause in its output.

# A package like nginx must not start its daemon when it is installed: the lab runs its
# own. The scripts of a package call policy-rc.d, whose status 101 forbids the start.
readonly POLICY=/usr/sbin/policy-rc.d

# debian_like: true if packages are installed with apt-get here.
debian_like()
{
	local ID='' ID_LIKE=''

	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	case " $ID $ID_LIKE " in
	*' debian '*) have apt-get ;;
	*) return 1 ;;
	esac
}

# is_offered PACKAGE: true if PACKAGE is in apt's lists.
is_offered()
{
	have apt-cache && [ -n "$(apt-cache show "$1" 2>/dev/null)" ]
}

forbid_daemons()
{
	[ ! -e "$POLICY" ] || return 0
	TO_REMOVE+=("$POLICY")
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

# --- the kernel tree -----------------------------------------------------------

# offered_sources: print the linux-source packages that apt knows, the newest last.
offered_sources()
{
	apt-cache pkgnames linux-source- |
		sed -nE '/^linux-source-[0-9]+\.[0-9]+(\.[0-9]+)?$/p' | sort -V
}

# newest_source: print the newest of them, if it is new enough.
newest_source()
{
	local newest

	newest=$(offered_sources | tail -n 1)
	[ -z "$newest" ] || ! new_enough "${newest##*-}" || echo "$newest"
}

# no_source: exit because there is no kernel tree, before anything is installed.
no_source()
{
	local newest VERSION_CODENAME=''

	newest=$(offered_sources | tail -n 1)
	[ -n "$newest" ] || [ -z "$UPDATE_FAILED" ] || apt_failed "apt-get update failed"
	note "failed: no kernel tree of $KSRC_OLDEST or later: the newest that apt offers is ${newest:-none at all}"
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	[ "$VERSION_CODENAME" != bookworm ] ||
		hint "Debian 12 has one in bookworm-security: name that suite in /etc/apt/sources.list"
	hint "or fetch one and say where it is: KSRC=/path/to/linux $0"
	exit 3
}

# --- apt-get -------------------------------------------------------------------

# A pattern for the output of apt and dpkg; what it means; the cure. The first line whose
# pattern matches counts: a failed update, for one, need not be why an installation failed.
readonly APT_CAUSES="
Could not get lock|Unable to (lock|acquire);another program installs packages now;wait for its end, then run this again
No space left on device|have enough free space;the disk is full;df -h / /var /tmp
dpkg was interrupted;an installation before this one was interrupted;dpkg --configure -a
Could not (resolve|connect)|Temporary failure|[Uu]nreachable|timed out|Connection (failed|refused)|Failed to fetch;packages cannot be fetched;is there a network, or a proxy to name (http_proxy=)?
Unable to locate package|no installation candidate;the apt sources do not have it;look at /etc/apt/sources.list and sources.list.d/
[Uu]nmet dependencies|broken packages;the packages that are here do not fit together;apt-get --fix-broken install
"

# apt_cause: find the line of APT_CAUSES that fits apt's output; set WORDS, CAUSE and CURE.
apt_cause()
{
	while IFS=';' read -r WORDS CAUSE CURE; do
		[ -z "$WORDS" ] || ! grep -Eq "$WORDS" "$APT_LOG" || return 0
	done <<<"$APT_CAUSES"
	WORDS='' CAUSE='' CURE="apt-get update, then run this again"
}

# apt_failed TEXT: exit with what apt printed, and what that means.
apt_failed()
{
	apt_cause
	if [ -n "$WORDS" ]; then
		grep -E "$WORDS" "$APT_LOG" | tail -n 3 >&2
	else
		tail -n 20 "$APT_LOG" >&2
	fi
	die 1 "$1${CAUSE:+: $CAUSE}" "$CURE"
}

# apt_get ARGUMENT...: run apt-get in English, because apt_cause looks for English words.
apt_get()
{
	LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$APT_LOG" 2>&1 </dev/null
}

# update_lists: update apt's lists. If that fails, go on: the old lists may do.
update_lists()
{
	APT_LOG=$(mktemp)
	TO_REMOVE+=("$APT_LOG")
	UPDATE_FAILED=
	note "reading package lists"
	! apt_get update -o APT::Update::Error-Mode=any || return 0
	UPDATE_FAILED=1
	apt_cause
	note "apt-get update failed${CAUSE:+: $CAUSE}; going on with the lists that are here"
}

# install_packages NAMES...
install_packages()
{
	note "installing: $*"
	note "that takes apt half a minute or more, by the network; it says nothing meanwhile"
	forbid_daemons
	apt_get install -y --no-install-recommends "$@" ||
		apt_failed "apt-get could not install them"
}
