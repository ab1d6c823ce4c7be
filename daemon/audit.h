/*
 * audit: what people and programs did here, into the chained log of the
 * store (lib/audit.h), in the transaction of what they did: there is no
 * change without its entry, and no entry without its change.
 *
 * The head of the log, its last number and hash, goes to the journal at the
 * start and every AUDIT_ANCHOR entries, to /metrics and into backups: kept on
 * another machine, it shows that the log's end is missing, or that all of it
 * was made anew (suitctl audit verify --head).
 */
#ifndef SUITD_DAEMON_AUDIT_H
#define SUITD_DAEMON_AUDIT_H

#include "daemon/suitd.h"
#include "lib/audit.h"

#define AUDIT_ANCHOR 100

/* In memory: what was refused and is not written yet, and the head. NULL in
 * tests that have none: then audit_add works, and refusals are not kept. */
struct audit;

int audit_new(struct audit **ret) MUST_USE;
void audit_free(struct audit *a); /* NULL is fine */
/* After the engine is there: reads the head, and enters the start. What the
 * store says is logged, and no reason not to start. */
void audit_started(struct app *app);

/*
 * An entry, between engine_begin and engine_end, beside the change; what it
 * returns has to undo the pair. `who` NULL: suitd itself. `subject` is what
 * it was done to: a name, a number, a path; it and the rest are cut where
 * they are too long, and made fit to show. What a second person has approved
 * (who->request) ends in ", approved by NAME, request N".
 */
int audit_add(struct app *app, const struct principal *who,
    enum audit_kind kind, const char *subject, const char *fmt, ...)
    PRINTF(5, 6) MUST_USE;

/*
 * Something was refused, by a rule with a short name (of the program's, never
 * of the peer's). May be called anywhere, in a pair or not: the entry is one
 * of its own, at the end of the turn. Alike are those of one rule and one
 * principal: the first is written at once, the others once an hour with their
 * number.
 */
void audit_refuse(struct app *app, const struct principal *who,
    const char *rule, const char *subject, const char *fmt, ...)
    PRINTF(5, 6);
/* An operator's session began, from this host; the same is done with those
 * of one operator and host. */
void audit_login(struct app *app, const struct principal *who,
    const char *host);

/* The front's hook: an answer of the admin port with this error. What is
 * refused by a rule is kept: who was not let in, and what would have changed
 * something; not what was misspelt, or came at a bad time. */
void audit_denied(struct app *app, const struct req *req, int err,
    const struct why *why);

/* Driven by the engine, outside of pairs: writes what is to be written. */
void audit_settle(struct app *app);
void audit_tick(struct app *app); /* once a second */
/* Before the end: also what was only counted. */
void audit_ended(struct app *app);
/* What that wrote is durable: the last head goes to the journal. */
void audit_closed(const struct app *app);

/* Of memory; all 0 without a log. */
struct audit_stats {
	struct audit_head head; /* durable; n 0: none */
	struct audit_head anchor; /* the one that the journal has */
	uint64_t refused; /* since the start */
	bool broken; /* the log is not the chain it should be */
};
void audit_stats(const struct app *app, struct audit_stats *ret);

#endif
