/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How the user called this program: its name in messages, hints and the help. */
#ifndef _SAMPLES_LIB_CALLED_H
#define _SAMPLES_LIB_CALLED_H

enum {
	SAMPLE_CALLED_LEN = 4096,
	SAMPLE_LINE_LEN = 8192,
};

void sample_called_init(int argc, char **argv);
const char *sample_called(void);
const char *sample_called_name(void);
const char *sample_called_script(const char *name, char buf[SAMPLE_CALLED_LEN]);
const char *sample_called_file(char buf[SAMPLE_CALLED_LEN]);
const char *sample_called_line(char buf[SAMPLE_LINE_LEN]);
void sample_called_examples(const char *text);

#endif /* _SAMPLES_LIB_CALLED_H */
