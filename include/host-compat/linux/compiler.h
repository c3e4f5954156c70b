/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bpftool's json_writer.h includes this header of tools/include for __printf(),
 * which scripts/Makefile.lib defines. The rest of tools/include does not mix
 * with the headers of libc.
 */
