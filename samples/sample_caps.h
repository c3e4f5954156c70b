/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Capabilities of this process; scripts/doctor/ asks for them, too. */
#ifndef _SAMPLES_SAMPLE_CAPS_H
#define _SAMPLES_SAMPLE_CAPS_H

#include <stdbool.h>

bool sample_has_cap(unsigned int cap);

#endif /* _SAMPLES_SAMPLE_CAPS_H */
