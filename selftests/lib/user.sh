#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Another user. Tests run as root, often in a clone below /root, which nobody else may
# enter: what such a user is to run is copied to where he can read it.

# as_nobody COMMAND...: as a user without privileges. Whoever tells where the build goes
# (O=) means root's.
as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups env -u O "$@"
}

# public_scripts: PUBLIC, a directory that everybody can read, with a copy of scripts/ and
# of the program that the doctor runs, if that is built.
public_scripts()
{
	PUBLIC=$TMP/public
	chmod 711 "$TMP"
	mkdir -p "$PUBLIC/build"
	cp -r "$NETBPF_TOP/scripts" "$PUBLIC/"
	[ ! -e "$NETBPF_OUT/build/doctor_probe" ] ||
		cp "$NETBPF_OUT/build/doctor_probe" "$PUBLIC/build/"
	chmod -R a+rX "$PUBLIC"
	as_nobody test -x "$PUBLIC/scripts/doctor.sh" || skip "other users cannot enter ${TMP%/*}"
}

# need_user_namespaces: skip where there can be none, in a chroot or by a sysctl.
need_user_namespaces()
{
	unshare -Ur true 2>"$TMP/unshare" || skip "no user namespace can be made here: $(<"$TMP/unshare")"
}
