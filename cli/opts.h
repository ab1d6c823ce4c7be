/*
 * opts: options and words in any order, "--name value" or "--name=value".
 * The order is kept, because `manifest create` gives it a meaning.
 */
#ifndef SUITD_CLI_OPTS_H
#define SUITD_CLI_OPTS_H

#include <stdbool.h>

#include "lib/cose.h"

struct opt {
	const char *name; /* "--out"; NULL ends the table */
	bool value;
};

#define OPT_WORD (-1)
#define OPT_END (-2)
#define OPT_BAD (-3) /* and has been said */

struct opts {
	int argc;
	char **argv;
	int at;
	bool words; /* after "--" */
	bool empty; /* the caller minds values that are empty */
	const char *value; /* of the option, or the word */
};

/* The row of `table`, or one of the above. */
int opts_next(struct opts *o, const struct opt *table);

/* Says that an option must not have an empty value. */
void opts_refuse_empty(const char *name);

/*
 * Reads a key of any form; a PEM file made by `key new --kid` gives its kid
 * too. Says what is wrong; CLI_OK or CLI_USAGE.
 */
int opts_key(const char *path, struct cose_key **ret_key);
/* Hex to bytes in b; says what is wrong. */
int opts_hex(const char *option, const char *hex, struct buf *b);
/* A vendor's id from a domain name or a UUID; says what is wrong. */
int opts_vendor(const char *vendor, uint8_t ret[16]);
/*
 * A class id from a UUID, or from a name and its vendor, who may be NULL;
 * says what is wrong.
 */
int opts_class(const char *vendor, const char *name, uint8_t ret[16]);
/* Appends a component id, as `manifest create` takes it; as above. */
int opts_component(const char *id, struct buf *out);
/* "ES256", case ignored, or a number; 0 when unknown, and has been said. */
int opts_alg(const char *name);

#endif
