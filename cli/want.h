/*
 * want: what an operator wants of a campaign, from the options of a line to
 * the texts that the daemon understands: which devices (an expression), by
 * which rules (a policy line), in one msg_campaign_start. What the texts
 * mean is the daemon's to check; that they say what was typed is ours.
 * Errors are printed.
 */
#ifndef SUITD_CLI_WANT_H
#define SUITD_CLI_WANT_H

#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"

/* What stands for the options below in the `args` of a sentence. */
#define WANT_RULES "[RULE OPTIONS]"

struct want_rule {
	const char *name; /* "--waves"; NULL ends the table */
	const char *key; /* of the policy line */
	const char *value; /* what to write there; NULL: a flag, it says yes */
};
extern const struct want_rule want_rules[];
/* The one line of policy_keys. */
const char *want_rule_help(const struct want_rule *r);

#define WANT_RULES_MAX 32
#define WANT_TAGS 8
#define WANT_OPTS (WANT_RULES_MAX + 12)

/* Borrows from argv. */
struct want {
	const char *where, *class, *of, *name, *policy;
	const char *tag[WANT_TAGS], *ep[MSG_EPS];
	size_t tags, eps;
	const char *rule[WANT_RULES_MAX];
	bool flag[WANT_RULES_MAX];
};

/* Puts the options that fill `w` at o, of WANT_OPTS; how many. */
size_t want_opts(struct want *w, struct cli_opt *o);
/*
 * --where, --class and --tag as one expression, "" for none:
 * (WHERE) && class == "C" && tag.NAME == "VALUE". WHERE alone stays as it
 * is, so that the column of an error is that of what was typed.
 */
int want_select(const struct want *w, char ret[LIMIT_SELECT + 1]) MUST_USE;
/* --policy, then key=value for each rule; values with blanks in quotes. */
int want_policy(const struct want *w, char ret[LIMIT_POLICY + 1]) MUST_USE;
/* All of it, ret->start apart, which is false. CLI_OK or CLI_USAGE. */
int want_start(const struct want *w, const char *release,
    struct msg_campaign_start *ret) MUST_USE;
/* The rules with their help, for `suitctl help campaign plan`. */
void want_help(FILE *out);

#endif
