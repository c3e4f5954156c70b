/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replaces the message functions of samples/lib. The code under test prints nothing: the
 * last error message is kept, errors and hints are counted.
 */
#ifndef _SELFTESTS_TEST_MESSAGES_H
#define _SELFTESTS_TEST_MESSAGES_H

#include "lib/called.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "test_wrap.h"

TEST_WRAPPED(pr_err);
TEST_WRAPPED(pr_hint);
TEST_WRAPPED(pr_hint_doctor);
TEST_WRAPPED(sample_refused);
TEST_WRAPPED(sample_called);
TEST_WRAPPED(sample_called_script);

/* The last error message, and how many errors and hints there were. */
extern char last_err[512];
extern unsigned int n_errs, n_hints;

#endif /* _SELFTESTS_TEST_MESSAGES_H */
