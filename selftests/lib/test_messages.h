/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replaces the message functions of samples/lib. The code under test prints nothing: messages are
 * kept and counted.
 */
#ifndef _SELFTESTS_TEST_MESSAGES_H
#define _SELFTESTS_TEST_MESSAGES_H

#include <stdbool.h>
#include "lib/called.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "test_wrap.h"

TEST_WRAPPED(pr_err);
TEST_WRAPPED(pr_info);
TEST_WRAPPED(pr_hint);
TEST_WRAPPED(pr_hint_doctor);
TEST_WRAPPED(sample_refused);
TEST_WRAPPED(sample_called);
TEST_WRAPPED(sample_called_script);

enum {
	MESSAGE_MAX = 1024,
};

/* Messages since forget(), one per line. */
extern char errors[1024], infos[4096], hints[1024];

/* The last message of a kind, and how many messages there were. */
extern char last_err[MESSAGE_MAX], last_info[MESSAGE_MAX];
extern unsigned int n_errs, n_infos, n_hints;

void forget(void);

/* True if @text is @wanted. A '*' at the end of @wanted matches any rest. */
bool matches(const char *wanted, const char *text);

#endif /* _SELFTESTS_TEST_MESSAGES_H */
