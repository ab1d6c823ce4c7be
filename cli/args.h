/* args: the options of a sentence, from a table to variables; see opts. */
#ifndef SUITD_CLI_ARGS_H
#define SUITD_CLI_ARGS_H

#include "cli/cli.h"

struct cli_opt {
	const char *name; /* "--class"; NULL ends the table */
	bool *flag; /* one of: an option without a value, */
	const char **value; /* one with a value, */
	const char **list; /* one that may come several times, */
	size_t *count, cap; /* into list */
	bool empty; /* "" is a value of it; else it is refused */
};

/*
 * Takes the options out of argv, which is left with the words (after "--"
 * everything is a word). Their number, checked against min and max; -1
 * after an error was printed.
 */
int cli_opts(const struct cli_opt *o, int argc, char **argv, int min,
    int max) MUST_USE;
/* A decimal number or -1 after an error that names `what`. */
int cli_number(const char *what, const char *text, uint64_t *ret) MUST_USE;

#endif
