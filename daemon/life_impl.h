/*
 * life_impl: what life*.c share. Nobody else includes it.
 *
 *   life.c         signals, the tick, the drain
 *   life_state.c   what others ask; needs no loop, no systemd
 *   life_reload.c  the configuration, keys and certificates anew
 *   life_say.c     what systemd hears
 */
#ifndef SUITD_DAEMON_LIFE_IMPL_H
#define SUITD_DAEMON_LIFE_IMPL_H

#include "daemon/life.h"

#define LIFE_TICK_MS 500
#define LIFE_QUIET_MS 2000 /* no block for so long: the drain is over */
#define LIFE_STATUS_MS 10000 /* between two STATUS= lines */

struct life {
	struct app *app;
	int (*configure)(void *arg, struct conf *ret,
	    void (*tell)(void *arg, const char *text), void *tell_arg);
	void *arg;
	enum life_state state;
	uint64_t blocks; /* that were served */
	int64_t block_at; /* when that number moved; monotonic ms, as below */
	int64_t drain_until;
	uint64_t sent_away; /* devices, in this drain */
	int64_t watchdog; /* ms between two signs of life; 0: nobody asks */
	int64_t fed;
	char said[480]; /* the last STATUS= */
	int64_t said_at;
	struct life_stats stats;
	bool reloading, again; /* and once more after that */
	struct conf next; /* that is being taken */
};

/* life_say.c */
void life_say_ready(struct life *l);
void life_say_reloading(void);
void life_say_stopping(struct life *l);
void life_say_alive(struct life *l);
/* If it is another one than before, and not too soon. */
void life_say_status(struct life *l);

#endif
