/*
 * observe_int: what observe.c and observe_wait.c share.
 */
#ifndef SUITD_DAEMON_OBSERVE_INT_H
#define SUITD_DAEMON_OBSERVE_INT_H

#include <sys/queue.h>

#include "daemon/observe.h"
#include "daemon/observe_pace.h"
#include "daemon/observe_run.h"

#define OBSERVE_CHAINS 4096

/* Somebody who asked whether a device was told. */
struct wait {
	void (*done)(void *arg, int err);
	void *arg;
	size_t left; /* observers that have not answered */
	bool ready, called;
	int err;
	STAILQ_ENTRY(wait) next;
};

LIST_HEAD(chain, observer);
TAILQ_HEAD(queue, observer);

/* until the turn's commit; to be told; to be told at notify_rate */
enum { Q_NONE, Q_MARKED, Q_DIRTY, Q_PACED, QUEUES };

struct observer {
	struct observe_target t; /* what to run again */
	LIST_ENTRY(observer) by_device, by_ep, by_session;
	TAILQ_ENTRY(observer) by_path, queued, flying, gone;
	int queue; /* Q_ */
	bool paced; /* in Q_MARKED: goes on to Q_PACED */
	bool owed; /* in Q_MARKED: was in Q_PACED */
	bool force, is_gone;
	int gone_err;
	unsigned unacked;
	int64_t sent; /* monotonic ms */
	struct observe_seq seq;
	uint8_t etag[8];
	size_t etag_n;
	struct wait *wait;
};

struct observers {
	struct front *f;
	size_t n, flying_n;
	uint64_t seed;
	struct queue path[OBSERVE_CHAINS]; /* in the order of registration */
	struct chain device[OBSERVE_CHAINS], ep[OBSERVE_CHAINS],
	    peer[OBSERVE_CHAINS];
	struct queue queue[QUEUES], flying, gone;
	struct observe_pace pace;
	bool busy; /* sending: who goes meanwhile is put into `gone` */
	STAILQ_HEAD(, wait) ready;
};

/* What an observer has to say to who waits for it, if anybody does: told by
 * observe_wait_fire, in the pump or the tick, where a store may be written. */
void observe_wait_result(struct observers *o, struct observer *ob, int err);
void observe_wait_fire(struct observers *o);

#endif
