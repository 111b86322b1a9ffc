/* What the launcher tells the program that started it: one line of JSON each, on one descriptor. */
#ifndef CORDON_REPORT_H
#define CORDON_REPORT_H

/* The descriptor of words and answers. It closes on exec. */
#define CHANNEL 3

/* `{"NAME": NUMBER}` */
void report_number(const char *name, long number);

/*
 * `{"trouble": "HEX"}` with the message and the text of errno, unless it is 0, and the end of this
 * process with status 125. Nothing has been executed by then, and nothing will be.
 */
void fail(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* As `fail`, for mounts that are no longer where they were made: `{"stale": 1}` goes before it. */
void fail_stale(const char *path) __attribute__((noreturn));

/* `restrict` has no channel: failures then go to standard error. */
void report_to_stderr(void);

#endif
