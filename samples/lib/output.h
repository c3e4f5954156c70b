/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Output on stdout: JSON Lines, and errors of writing. */
#ifndef _SAMPLES_LIB_OUTPUT_H
#define _SAMPLES_LIB_OUTPUT_H

#include <json_writer.h>
#include <stdbool.h>

void sample_output_init(void);
void sample_reader_left(void);
bool sample_reader_gone(void);
bool sample_output_check(void);
void sample_hint_file(int fd, int err);
int sample_exit_status(int err);
json_writer_t *sample_json_begin(const char *event);
void sample_json_end(json_writer_t *json);

#endif /* _SAMPLES_LIB_OUTPUT_H */
