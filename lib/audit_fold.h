/*
 * audit_fold: what may happen a thousand times a second is written into the
 * audit log at once the first time, and then once an hour with its count. So
 * neither those who are refused nor a program that logs in each minute can
 * fill a disk, and nothing that happened is missing from the sums.
 *
 * What is alike is told by a key, which is not to hold what strangers can
 * choose: beyond LIMIT_AUDIT_FOLD keys all others share one slot. In memory
 * only; times are ms of a clock that does not go back.
 */
#ifndef SUITD_LIB_AUDIT_FOLD_H
#define SUITD_LIB_AUDIT_FOLD_H

#include "lib/audit.h"

#define AUDIT_FOLD_MS (3600 * 1000)
#define AUDIT_FOLD_KEY 256 /* bytes with the NUL; longer ones are cut */

struct audit_slot {
	char key[AUDIT_FOLD_KEY]; /* "": free */
	struct audit_entry last; /* who, kind, subject, detail */
	uint64_t count; /* not written yet */
	size_t subjects; /* different ones among them, at least */
	bool more; /* than LIMIT_AUDIT_SUBJECTS */
	uint64_t subject[LIMIT_AUDIT_SUBJECTS];
	int64_t written; /* when something was, if `old` */
	bool old;
};

struct audit_fold {
	struct audit_slot slot[LIMIT_AUDIT_FOLD + 1]; /* the last: all others */
};

/* It happened; true: there is something to write now. */
bool audit_fold_add(struct audit_fold *f, const char *key,
    const struct audit_entry *e, int64_t now);
/* One that is to be written now; `all`: whatever was counted, at the end.
 * NULL: none. Slots of which nothing was heard for an hour are freed. */
struct audit_slot *audit_fold_due(struct audit_fold *f, int64_t now, bool all);
/* The entry to write of it: the last one, with the count if it is not 1, and
 * how many subjects these had. */
void audit_fold_entry(const struct audit_slot *s, struct audit_entry *ret);
void audit_fold_written(struct audit_slot *s, int64_t now);

#endif
