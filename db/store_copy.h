/*
 * store_copy: a whole copy of a SQLite store that goes on being written, and
 * the proof that such a copy is one.
 *
 * The copy is of one moment, that of its first step: a read transaction is
 * held until its last one. Commits do not wait for it, and what they write
 * stays in the log meanwhile (syncer_hold). Rejected: VACUUM INTO, one call
 * that nothing else of the same thread gets in between, for 3 times the time
 * of the processor; and steps without the transaction, which begin anew with
 * each commit of another connection and never end.
 */
#ifndef SUITD_DB_STORE_COPY_H
#define SUITD_DB_STORE_COPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/audit.h"
#include "lib/err.h"

struct store_copy;

/* Readable by any thread at any time. */
struct store_copied {
	_Atomic uint64_t done, total; /* bytes of about */
};

/*
 * Keys of principals are left out, and what they were is overwritten: who may
 * read a backup could else approve in another's name.
 *
 * From the store's file to a new one of mode 0600, which must not be there.
 * `reserve`: bytes of the file system that the copy has to leave free, at
 * each step; else it ends with ERR_NOSPACE. `progress` must outlive it.
 */
struct store_copy_opts {
	const char *from, *to;
	uint64_t reserve;
	struct store_copied *progress;
};
int store_copy_begin(const struct store_copy_opts *o,
    struct store_copy **ret) MUST_USE;
/* Some milliseconds of it; true: it is over. May run on another thread. */
bool store_copy_step(struct store_copy *c);
/* Frees it. 0: the copy is whole, durable and in order; else the file is
 * gone. */
int store_copy_end(struct store_copy *c, struct why *why) MUST_USE;

/*
 * The proof alone, of the live store and on the side: its tables one after the
 * other, by the same steps and end, which then says 0 or ERR_CORRUPT, or that
 * it could not be read. What is written meanwhile stays in the log, as with a
 * copy.
 */
int store_copy_look(const char *path, struct store_copy **ret) MUST_USE;

/*
 * Is this file a store that this suitd can open? Looks at all of it, and
 * leaves it and its folder as they are. ERR_TYPE: not a store of suitd;
 * ERR_UNSUPPORTED: of a newer one; ERR_CORRUPT; ERR_IO. ret_schema: its
 * number.
 */
int store_copy_check(const char *path, int *ret_schema, struct why *why)
    MUST_USE;
/*
 * Of one that store_copy_check let pass, and that has such a log: is its audit
 * log whole, and does it reach the head that was kept with it (n 0: none)?
 * *ret_fault: 0, or what is wrong, as audit_verify says it.
 */
int store_copy_audit(const char *path, const struct audit_head *kept,
    int *ret_fault, struct why *why) MUST_USE;
/* The number that this suitd has. */
int store_schema(void);

#endif
