/*
 * sentence: finds the row of the tables that a person's words mean, and
 * prints from the tables what can be said: help, near ones, completion.
 */
#ifndef SUITD_CLI_SENTENCE_H
#define SUITD_CLI_SENTENCE_H

#include <stdio.h>

#include "cli/cli.h"

extern const struct cli_cmd cli_self[]; /* help, completion */
/* Every table in the order of the overview; ends with NULL. */
extern const struct cli_cmd *const cli_tables[];

/*
 * The row with the most words that begin argv, NULL when there is none.
 * *ret_words (may be NULL) is the number of words it took.
 */
const struct cli_cmd *sentence_find(int argc, char *const *argv,
    int *ret_words);
/* Does the row begin with these words? For help and completion. */
bool sentence_begins(const struct cli_cmd *cmd, int argc, char *const *argv);
/* "unknown: ...", then up to five near sentences. */
void sentence_unknown(FILE *out, int argc, char *const *argv);
/* All sentences that begin with the words; false when there is none. */
bool sentence_help(FILE *out, int argc, char *const *argv);
void sentence_overview(FILE *out);
void sentence_completion(FILE *out);

#endif
