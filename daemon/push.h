/*
 * push: how suitd reaches out to a device. One driver per kind, one file
 * per driver, one table. Only the engine calls it, and only after the turn
 * that counted the attempt is committed.
 */
#ifndef SUITD_DAEMON_PUSH_H
#define SUITD_DAEMON_PUSH_H

#include "daemon/catalog.h"
#include "daemon/suitd.h"

/* RIOT: the URL buffer is 128 bytes, header and path have 80 (SUIT 7.1). */
#define PUSH_URL 120
#define PUSH_PATH 64

struct push {
	struct app *app;
	struct store_device dev;
	const struct catalog_release *rel; /* valid during the call */
	uint64_t job;
	uint32_t attempt;
};

struct push_driver {
	const char *name; /* "trigger": what operators type */
	enum driver driver;
	/* 0: an answer will come and becomes an event. ERR_UNREACHABLE: no
	 * address. */
	int (*fn)(const struct push *p);
};
extern const struct push_driver push_drivers[]; /* ends with name NULL */

const char *push_name(enum driver d);
int push_by_name(struct slice name, enum driver *ret) MUST_USE;

/* The job's device, by its driver. A failure becomes an event at once. */
void push_job(struct app *app, const struct job *job);
/* Asks a device what it runs (TRACK_DO_PROBE). */
void push_probe(struct app *app, const struct job *job);

/* For drivers: the device's base URI into dst, "coap://[::1]:5683". */
int push_base(const struct store_device *d, char *dst, size_t cap) MUST_USE;
/* The manifest's URL for this device, as the device should ask it. */
int push_manifest_url(const struct push *p, char *dst, size_t cap) MUST_USE;
/* CoAP's answer to a push as a tracker event. */
void push_outcome(const struct peer_answer *a, struct track_event *ret);

extern int push_trigger(const struct push *p);
extern int push_manifest(const struct push *p);
extern int push_observe(const struct push *p);

#endif
