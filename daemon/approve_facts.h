/*
 * approve_facts: what a change that waits for a second person means, in words,
 * for who has to say yes to it: a digest says nothing to anybody.
 */
#ifndef SUITD_DAEMON_APPROVE_FACTS_H
#define SUITD_DAEMON_APPROVE_FACTS_H

#include "daemon/suitd.h"
#include "lib/eyes.h"
#include "lib/trust.h"

/* Lines, each escaped, for as long as there is room; then the last one says
 * that it is not all. */
struct facts {
	struct app *app;
	const struct req *req;
	struct buf out;
	bool cut;
};

/* One line. What is in it may be of a peer. */
void facts_add(struct facts *f, const char *fmt, ...) PRINTF(2, 3);

/*
 * All lines about the request, the first of them a sentence: by the store as
 * it is now, and whether it would be refused now. ERR_SIZE: there is no room
 * for the first line, which has the rights of a principal that would be: of
 * these none may be missing.
 */
int approve_facts(struct app *app, const struct req *req, enum eyes kind,
    char ret[LIMIT_REQUEST_FACTS + 1]) MUST_USE;

/* approve_trust.c: a trust list, beside the one in force. */
void facts_trust(struct facts *f);

#endif
