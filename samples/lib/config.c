// SPDX-License-Identifier: GPL-2.0
/* What the command line said. It needs no other file, and all others may need it. */
#include "lib/config.h"

struct sample_config sample;
