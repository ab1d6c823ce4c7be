/*
 * store_sqlite_rules: what the rows of a database must be, a statement each.
 */
#ifndef SUITD_DB_STORE_SQLITE_RULES_H
#define SUITD_DB_STORE_SQLITE_RULES_H

#define RESTORE "restore a backup: suitd --restore DIR"

/* Each row of `bad` is a text that names what is wrong. */
struct rule {
	const char *name;
	int schema; /* from this one on */
	const char *what, *bad;
	const char *fix; /* NULL: a person has to, */
	const char *todo; /* and this is what */
};

/* All end with a NULL name. Until CREDENTIAL_SCHEMA keys were in psk. */
#define CREDENTIAL_SCHEMA 5
extern const struct rule rules_of_psk[];
extern const struct rule rules_of_rows[];
/* What a person should know of, though nothing is wrong with the rows. */
extern const struct rule rules_of_notes[];

#endif
