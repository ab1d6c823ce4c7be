/*
 * conf_reload: from the configuration that runs to one that was read anew.
 * What a key's row calls live counts at once; the others are told, so that
 * nobody waits for something that comes at the next start.
 */
#ifndef SUITD_LIB_CONF_RELOAD_H
#define SUITD_LIB_CONF_RELOAD_H

#include "lib/conf.h"

struct conf_key;

struct conf_change {
	const char *name; /* of the key, or "alias": those are live */
	bool live;
	/* as a file has them; "" for the aliases */
	char was[LIMIT_POLICY + 3], now[LIMIT_POLICY + 3];
};

bool conf_key_same(const struct conf_key *k, const struct conf *a,
    const struct conf *b);
/*
 * *run gets the live keys and the aliases of *next, which was checked; fn (or
 * NULL) hears of each key that differed, in the order of the table, valid for
 * the call. Returns how many of them were live.
 */
size_t conf_reload(struct conf *run, const struct conf *next,
    void (*fn)(void *arg, const struct conf_change *c), void *arg);

#endif
