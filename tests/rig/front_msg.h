/*
 * front_msg: datagrams of CoAP that are built by hand, sent to the front of a
 * front_rig, and taken apart.
 */
#ifndef SUITD_TESTS_RIG_FRONT_MSG_H
#define SUITD_TESTS_RIG_FRONT_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/slice.h"

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
