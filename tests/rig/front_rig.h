/*
 * front_rig: a real front on loopback; its datagrams are front_msg's. Server
 * and client share one thread: a step runs the loop until the client's
 * socket has something or the time is up.
 */
#ifndef SUITD_TESTS_RIG_FRONT_RIG_H
#define SUITD_TESTS_RIG_FRONT_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/front.h"
#include "daemon/loop.h"
#include "tests/rig/front_msg.h"

/* The test's own idea of what handlers may use. */
struct app {
	struct front *front;
	struct disk *disk; /* NULL: none */
	struct loop *loop;
	struct conf conf;
	int fd[2]; /* two clients */
	int commit_err;
	bool unsure; /* whether it was kept all the same */
	bool no_flush;
	unsigned turns; /* requests that "a/turns" ran for */
	int get_err; /* what "big" returns */
	int calls; /* of the counting handler */
	char seen[512];
	uint8_t body_digest[32];
	size_t body_n;
	struct slice served; /* what "big" and "img" answer */
	uint64_t blocks_end, blocks_total;
	int blocks, unrefs;
	int beside; /* blocks that others served */
	uint64_t ticket; /* that "wait" waits for; 0: it drops the request */
	int put_err, puts; /* uploads: what a write says; how many there are */
	size_t most_written; /* at a time */
	int done, done_err;
	struct cert_peer cert; /* the last that was asked for, and */
	int cert_err; /* what is said of it */
	int certs_shown, certs_asked;
	bool cert_last; /* the next request is the last with it */
	int keys_failed, keys_proved; /* handshakes; and */
	char key_failed[64]; /* whose, on which plane, from where */
	uint64_t trust; /* that "big" tells */
	bool who_last; /* sessions end when it is asked whose they are */
	bool who_gone; /* whoever has a key is nobody now */
	int64_t played; /* what loop_mono says instead of the time; 0: that */
};

extern struct app rig;
extern const struct route rig_device[], rig_admin[];

extern unsigned rig_sessions_max; /* of the next rig_start; else 100 */

extern struct reach *rig_reach; /* of the next rig_start; else NULL */
extern bool rig_threaded; /* the next rig_start makes rig.disk */

int rig_start(void **state);
int rig_stop(void **state);
#define RIG_HANGS 60000 /* ms; what takes longer never comes */
/* Runs the loop for at most ms or until client i has a datagram. */
bool rig_wait(int i, int ms);
/* For ms and some turns: whatever has come until then is worked on, however
 * little of the time this process got. */
void rig_run(int ms);

#endif
