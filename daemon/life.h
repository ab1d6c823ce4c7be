/*
 * life: from the start to the end. Signals, what systemd hears of us
 * (sd_notify(3): READY=1, STATUS=, WATCHDOG=1, RELOADING=1, STOPPING=1), the
 * configuration that is read again, and the drain before the end.
 *
 *   STARTING --life_ready--> READY --SIGTERM, SIGINT--> DRAINING --> STOPPED
 *
 * In DRAINING nothing new is started: the engine admits nobody, polls of /m
 * get 5.03 with a Max-Age, and blocks are served until none was asked for
 * 2 s and nobody is about to ask for the first one (engine_awaits), at most
 * for drain_grace. Another SIGTERM or SIGINT ends it at once;
 * one in STOPPED ends the process where it stands, which costs nothing that
 * was acknowledged.
 */
#ifndef SUITD_DAEMON_LIFE_H
#define SUITD_DAEMON_LIFE_H

#include "daemon/suitd.h"

enum life_state { LIFE_STARTING, LIFE_READY, LIFE_DRAINING, LIFE_STOPPED };

struct life;

struct life_opts {
	struct app *app;
	/* At SIGHUP: the configuration anew, checked as at a start; see
	   conf_load */
	int (*configure)(void *arg, struct conf *ret,
	    void (*tell)(void *arg, const char *text), void *tell_arg);
	void *arg;
};

/* After app_open: signals, the watchdog and the tick are the loop's. */
int life_new(const struct life_opts *o, struct life **ret) MUST_USE;
/* After app_close. NULL is fine. */
void life_free(struct life *l);
/* Says so to systemd; the loop runs next. */
void life_ready(struct life *l);

/* What the signals do; also for tests. */
void life_reload(struct life *l);
void life_stop(struct life *l, int signo);

/* NULL is a life without signals: READY. */
enum life_state life_state(const struct life *l);
const char *life_text(enum life_state s); /* "ready" */
/*
 * In DRAINING: the seconds after which the next device that asked shall ask
 * again. After the end and a start, each a little later than those before.
 */
uint32_t life_come_back(struct life *l);

struct life_stats {
	uint64_t reloads, reloads_failed;
	int64_t reloaded; /* Unix ms of the last, good or not; 0: none */
	bool reload_ok;
	char reload[240]; /* what came of it, for a person */
};
void life_stats(const struct life *l, struct life_stats *ret);

#endif
