#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Running commands as another user. Tests run as root, often in a clone below /root, which
# other users cannot enter. So the scripts that the other user runs are copied to a
# directory that everybody can read.

# as_nobody COMMAND...: run COMMAND as a user without privileges, and without O=, which
# names a build directory of root.
as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups env -u O "$@"
}

# public_scripts: make a directory that everybody can read, with a copy of scripts/ and, if
# it is built, of doctor_probe, which doctor.sh runs. PUBLIC is the path of the directory.
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

# need_user_namespaces: skip if the kernel allows no user namespaces, as in a chroot or
# when a sysctl forbids them.
need_user_namespaces()
{
	unshare -Ur true 2>"$TMP/unshare" || skip "no user namespace can be made here: $(<"$TMP/unshare")"
}
