/*
 * conf_key: the one table of configuration keys. Defaults, bounds, help,
 * the shipped file and the check of the man page all come from it.
 */
#ifndef SUITD_LIB_CONF_KEY_H
#define SUITD_LIB_CONF_KEY_H

#include "lib/conf.h"

enum conf_type {
	CONF_TEXT, /* any text of up to `max` bytes */
	CONF_ADDR, /* HOST:PORT, [V6]:PORT or "" */
	CONF_BOOL, /* bool */
	CONF_NUMBER, /* unsigned or uint32_t */
	CONF_BLOCK, /* unsigned: 16, 32, ... 1024 */
	CONF_BYTES, /* uint64_t */
	CONF_SECONDS, /* uint32_t */
	CONF_MS, /* int64_t, milliseconds; written as a duration */
	CONF_MS_NUMBER, /* int64_t, written as plain milliseconds */
	CONF_CHOICE, /* an enum (int), one of `words` */
	CONF_WORD, /* text, one of `words` */
	CONF_PATH, /* text: an absolute path of up to `max` bytes, or "" */
	CONF_SECRET, /* such a path, of a file with a secret in it; only a
	                file may set it */
	CONF_TAGS, /* text: up to `max` names of tags, a blank between them;
	              commas will do, too */
};

struct conf_key {
	const char *name; /* NULL ends the table */
	enum conf_type type;
	const char *unit; /* what a number counts; of CONF_ADDR "UDP" or
	                     "TCP"; NULL: the type says it */
	bool live; /* applied by a reload; else at the next start */
	size_t off;
	const char *def; /* NULL: from track_policy_default */
	uint64_t min, max; /* seconds for CONF_SECONDS and CONF_MS */
	const char *words; /* "accept|refuse" */
	const char *heading; /* starts a group in the file; else NULL */
	const char *help;
};
#define CONF_KEYS_MAX 95 /* room for them where a file is read */
extern const struct conf_key conf_keys[];

const struct conf_key *conf_key_find(const char *name); /* or NULL */
/* The key that was probably meant, or NULL. */
const struct conf_key *conf_key_near(const char *name);
/* ERR_TYPE, ERR_RANGE, ERR_SIZE, ERR_DUPLICATE; *c is untouched on failure. */
int conf_key_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why) MUST_USE;
/* The value as it is written in a file, quoted where needed. */
void conf_key_put(const struct conf_key *k, const struct conf *c,
    struct buf *out);

/* "1 .. 100000 devices" of a number of any kind, "accept|refuse" of a choice,
 * else nothing. */
void conf_key_put_range(const struct conf_key *k, struct buf *out);

#endif
