/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Events about echo requests (include/echo_event.h). */
#ifndef _SAMPLES_LIB_ECHO_H
#define _SAMPLES_LIB_ECHO_H

#include <stddef.h>

int sample_echo_event(void *ctx, void *data, size_t size);

#endif /* _SAMPLES_LIB_ECHO_H */
