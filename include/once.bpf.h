/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Read and write memory that other CPUs may change at the same time, with exactly one access.
 *
 * Without these macros, the compiler may read a variable twice and get two values, or use a
 * value that it read earlier. The macros do not order accesses: if you need order between two
 * variables, use an atomic operation, such as __sync_val_compare_and_swap().
 */
#ifndef _ONCE_BPF_H
#define _ONCE_BPF_H

/**
 * READ_ONCE() - read a variable with exactly one access
 * @x: variable of 1, 2, 4 or 8 bytes
 *
 * Return: its value.
 */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))

/**
 * WRITE_ONCE() - write a variable with exactly one access
 * @x: variable of 1, 2, 4 or 8 bytes
 * @value: new value
 */
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

#endif /* _ONCE_BPF_H */
