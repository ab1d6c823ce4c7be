/*
 * health: does the disk take what we write? Whoever writes tells of each
 * failure and of the first success after it; the log has a line when a place
 * begins to fail and one when that is over, and no line for each refusal.
 * Serving goes on meanwhile, so this says "not writable", never "down".
 *
 * All zeros is a healthy start. The functions are the loop's.
 */
#ifndef SUITD_DAEMON_HEALTH_H
#define SUITD_DAEMON_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct app;

enum health_place {
	HEALTH_COMMIT, /* the database takes a transaction */
	HEALTH_SYNC, /* and it is durable */
	HEALTH_LOG, /* checkpoints; while they fail the database's log grows,
	               which is no refusal yet */
	HEALTH_IMAGES, /* uploads are written */
	HEALTH_DATA, /* what is in the database can be read; until a restart */
	HEALTH_PLACES
};

/* Errors of a disk; others are not counted. */
enum health_reason {
	HEALTH_NOSPACE,
	HEALTH_READONLY,
	HEALTH_IO,
	HEALTH_CORRUPT,
	HEALTH_REASONS
};

#define HEALTH_SAY_MS 60000 /* a place that fails on and off has one line in
                               this time */
#define HEALTH_ROOM (1024 * 1024) /* bytes; free again, images count as well */

struct health {
	struct {
		struct why why; /* err 0: it is well */
		int64_t since; /* Unix ms, of the first failure */
		int64_t said; /* Unix ms, of the last line that began one */
		bool told; /* this failure has its line */
	} place[HEALTH_PLACES];
	uint64_t refused[HEALTH_REASONS];
	bool trial; /* what is committed next is a trial: see health_tick */
};

struct health_report {
	bool writable; /* every place but HEALTH_LOG and _DATA is well */
	bool degraded; /* some place is not */
	int64_t since; /* Unix ms; 0: it is not degraded */
	int err; /* of the first place that fails, 0 none */
	char text[200]; /* it in words, for a person; "" none */
	uint64_t refused[HEALTH_REASONS]; /* answers, since the start */
};

/* why->err is not 0; `now` in Unix ms, as everywhere here. */
void health_failed(struct health *h, enum health_place at,
    const struct why *why, int64_t now);
/* A commit that found room after one that did not: only a trial says that the
 * disk has room, since the next small write may be the one that has none. */
void health_well(struct health *h, enum health_place at, int64_t now);
bool health_fails(const struct health *h, enum health_place at);
/* A request was answered with this error. */
void health_refused(struct health *h, int err);
/* Once a second: asks the images and the database's log how they are, and
 * tries to write a page where something failed, so that a disk that is well
 * again is found also when nobody writes. */
void health_tick(struct app *app);
/* Cheap; nothing is written or asked of the disk. */
void health_read(const struct health *h, struct health_report *ret);
/* "nospace", "readonly", "io", "corrupt": values of a label. */
const char *health_reason_name(enum health_reason r);

#endif
