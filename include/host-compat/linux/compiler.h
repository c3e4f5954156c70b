/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Empty stand-in for tools/include/linux/compiler.h. bpftool's json_writer.h includes that header
 * for __printf(), which scripts/Makefile.lib defines here. tools/include itself cannot be in the
 * include path, because its headers conflict with those of libc.
 */
