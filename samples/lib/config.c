// SPDX-License-Identifier: GPL-2.0
/* The values of the common options. This file needs no other one, and all others may need it. */
#include "lib/config.h"

struct sample_config sample;
