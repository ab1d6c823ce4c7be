/*
 * front_rig: a real front on loopback, and datagrams built by hand. Server
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

enum { CON, NON, ACK, RST };

/* A message in the making, or one that was received. */
struct msg {
	uint8_t b[2048];
	size_t n;
	unsigned last; /* number of the last option */
	/* of a received one: */
	unsigned type, code; /* code as ccdd */
	uint16_t mid;
	struct slice token, body;
};

/* The test's own idea of what handlers may use. */
struct app {
	struct front *front;
	struct loop *loop;
	struct conf conf;
	int fd[2]; /* two clients */
	int commit_err;
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
	uint64_t trust; /* that "big" tells */
	bool who_last; /* sessions end when it is asked whose they are */
	bool who_gone; /* whoever has a key is nobody now */
	int64_t played; /* what loop_mono says instead of the time; 0: that */
};

extern struct app rig;
extern const struct route rig_device[], rig_admin[];

extern unsigned rig_sessions_max; /* of the next rig_start; else 100 */

extern struct reach *rig_reach; /* of the next rig_start; else NULL */

int rig_start(void **state);
int rig_stop(void **state);
#define RIG_HANGS 60000 /* ms; what takes longer never comes */
/* Runs the loop for at most ms or until client i has a datagram. */
bool rig_wait(int i, int ms);
/* For ms and some turns: whatever has come until then is worked on, however
 * little of the time this process got. */
void rig_run(int ms);

void msg_begin(struct msg *m, unsigned type, unsigned code, uint16_t mid,
    const char *token);
void msg_opt(struct msg *m, unsigned number, const void *v, size_t n);
void msg_opt_uint(struct msg *m, unsigned number, uint32_t v);
void msg_path(struct msg *m, const char *path); /* split on '/' */
void msg_block(struct msg *m, unsigned number, uint32_t num, bool more,
    unsigned szx);
void msg_body(struct msg *m, const void *p, size_t n);
void msg_send(const struct msg *m, int i);
void msg_read(struct msg *m); /* the n bytes in b */
bool msg_recv(struct msg *m, int i, int ms);
/* Value of an option; false when absent. */
bool msg_get(const struct msg *m, unsigned number, struct slice *ret);
uint32_t msg_get_uint(const struct msg *m, unsigned number);
/* Sends from client 0 and fails the test without an answer. */
void msg_ask(const struct msg *m, struct msg *ret);

#define OPT_ETAG 4
#define OPT_OBSERVE 6
#define OPT_LOCATION_PATH 8
#define OPT_URI_PATH 11
#define OPT_CF 12
#define OPT_MAX_AGE 14
#define OPT_URI_QUERY 15
#define OPT_ACCEPT 17
#define OPT_BLOCK2 23
#define OPT_BLOCK1 27
#define OPT_SIZE2 28
#define OPT_SIZE1 60
#define OPT_ECHO 252
#define OPT_NO_RESPONSE 258
#define OPT_RTAG 292

#endif
