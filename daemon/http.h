/*
 * http: for monitoring systems and orchestrators, by GET and HEAD alone.
 *
 *   /metrics  what metrics.h collects
 *   /healthz  200 while the loop turns and the store answers; else 503
 *   /readyz   200 when suitd takes work: it has started, does not stop, and
 *             what is written is on the disk; else 503. The body says each
 *             in words
 *
 * Anybody who reaches the address may ask, so it is loopback's by default;
 * nothing secret is told. Bounded by LIMIT_HTTP_*: who is slow is cut off;
 * when all connections are taken the one that was silent for longest gives
 * way; and who asks for /metrics more often than devices could bear is told
 * 503 and Retry-After.
 */
#ifndef SUITD_DAEMON_HTTP_H
#define SUITD_DAEMON_HTTP_H

#include "daemon/suitd.h"

struct http;

/* On conf.listen_http, by the loop's events. *ret is NULL when that is "". */
int http_new(struct app *app, struct http **ret, struct why *why) MUST_USE;
void http_free(struct http *h); /* NULL is fine */
/* The port that it listens on; 0: it is off. */
uint16_t http_port(const struct http *h);
/* A line in plain words, for the log at start. NULL is fine. */
void http_describe(const struct http *h,
    void (*line)(void *arg, const char *text), void *arg);

#endif
