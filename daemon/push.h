/*
 * push: how suitd reaches out to a device. One driver per kind, one file
 * per driver, one table. Only the engine calls it, and only after the turn
 * that counted the attempt is committed.
 */
#ifndef SUITD_DAEMON_PUSH_H
#define SUITD_DAEMON_PUSH_H

#include "daemon/catalog.h"
#include "daemon/suitd.h"

/* What RIOT takes: its URL buffer has 128 bytes, its request 80. */
#define PUSH_URL 120
#define PUSH_PATH 64

/* One push under way; push.c makes and frees it. */
struct push {
	struct app *app;
	struct store_device dev;
	uint64_t release, job;
	uint32_t attempt;
	uint32_t spread; /* seconds that the device may take; 0: none is told */
};

struct push_driver {
	const char *name; /* "trigger": what operators type */
	enum driver driver;
	/* 0: push_answer or push_end will be called once, later. */
	int (*fn)(struct push *p, struct why *why);
};
extern const struct push_driver push_drivers[]; /* ends with name NULL */

const char *push_name(enum driver d);
int push_by_name(struct slice name, enum driver *ret) MUST_USE;

/* The job's device, by its driver. A failure becomes an event at once. */
void push_job(struct app *app, const struct job *job);
/* Asks a device what it runs (TRACK_DO_PROBE). */
void push_probe(struct app *app, const struct job *job);

/* --- for drivers --- */

/* "coap://[2001:db8::1]:5683" + path; ERR_UNREACHABLE when no address is
 * known. `path` begins with '/'. */
int push_uri(const struct store_device *d, const char *path,
    char dst[LIMIT_URI + 1]) MUST_USE;
/* By which name an observer may say that it is this device; "" by none, it
 * has a credential, and what was observed before it had is a stranger's. */
const char *push_claim(const struct store_device *d);
/* The manifest's URL as this device should ask it; ERR_SIZE over PUSH_URL
 * or PUSH_PATH, ERR_UNREACHABLE when we do not know our own address. */
int push_manifest_url(const struct push *p, char *dst, size_t cap,
    struct why *why) MUST_USE;
/* The peer's callback; arg is the push. */
void push_answer(void *arg, const struct peer_answer *a);
/* The end of a push by its event; frees it. */
void push_end(struct push *p, const struct track_event *ev);
/* CoAP's answer as a tracker event. */
void push_outcome(const struct peer_answer *a, struct track_event *ret);

/* Before a device is pushed: which slot runs now? A different one after the
 * update is the only proof that a RIOT device gives. */
void push_note_slot(const struct push *p);

int push_trigger(struct push *p, struct why *why);
int push_manifest(struct push *p, struct why *why);
int push_observe(struct push *p, struct why *why);

#endif
