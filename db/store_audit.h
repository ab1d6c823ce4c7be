/*
 * store_audit: which entries of the audit log; part of store.h.
 */
#ifndef SUITD_DB_STORE_AUDIT_H
#define SUITD_DB_STORE_AUDIT_H

#include "lib/audit.h"

/* Of several filters each must fit. */
struct store_audit_filter {
	uint64_t from; /* numbers from this one on */
	uint64_t after; /* numbers above this one */
	bool newest_first; /* then `after` is a "before", 0: from the newest */
	size_t limit; /* 1 .. LIMIT_PAGE */
	bool have_who; /* "" is suitd itself, so it is no "any" */
	char who[LIMIT_PSK_IDENTITY + 1];
	char kind[AUDIT_KIND_MAX]; /* "" any */
	char subject[LIMIT_AUDIT_SUBJECT + 1]; /* "" any */
};

#endif
