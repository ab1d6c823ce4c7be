/*
 * What does a device run that never says so? A RIOT device with two slots
 * has GET /suit/slot/active: one digit. It is asked before each push, kept
 * as the record's version text ("slot 0"), and another digit after the
 * update proves it. Others may have a number at /suit/version. A device
 * that has neither is not asked for more.
 *
 * All of it is grade L0: it came from an address.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/push.h"
#include "lib/text.h"

#define SLOT_PATH "/suit/slot/active"
#define VERSION_PATH "/suit/version"
#define ASK_S 20

struct probe {
	struct app *app;
	uint64_t device, job, target;
	bool before; /* only to remember, no update to prove */
};

static void on_slot(void *arg, const struct peer_answer *a);
static void on_version(void *arg, const struct peer_answer *a);

static void
ask(struct probe *pr, const struct store_device *d, const char *path,
    void (*cb)(void *arg, const struct peer_answer *a))
{
	char uri[LIMIT_URI + 1];
	struct peer_request rq = {
		.method = M_GET, .uri = uri, .cf = CF_NONE,
		.timeout_s = ASK_S,
	};

	if (push_uri(d, path, uri) != 0 ||
	    peer_send(pr->app->peer, &rq, cb, pr) != 0)
		free(pr);
}

static bool
asks(const struct store_device *d)
{
	return d->driver == DRIVER_TRIGGER || d->driver == DRIVER_MANIFEST;
}

static bool
slot_text(const char *version)
{
	return version[0] == '\0' || strncmp(version, "slot ", 5) == 0;
}

static int
seen_slot(struct probe *pr, struct store_device *d, char digit)
{
	struct store *s = pr->app->store;
	char now[8] = {'s', 'l', 'o', 't', ' ', digit, '\0'};
	bool flipped = d->version[0] != '\0' && strcmp(d->version, now) != 0;
	int rc = 0;

	if (!slot_text(d->version))
		return 0;
	if (strcmp(d->version, now) != 0) {
		snprintf(d->version, sizeof(d->version), "%s", now);
		rc = s->ops->device_put(s, d);
	}
	if (rc != 0 || pr->before || !flipped)
		return rc;
	log_info("probe: dev=%llu ep=%s runs another slot, %c",
	    (unsigned long long)d->id, d->ep, digit);
	return engine_running(pr->app->engine, d, pr->target, GRADE_L0);
}

static int
keep(struct probe *pr, int rc)
{
	rc = engine_end(pr->app->engine, rc);
	if (rc != 0)
		log_error("probe: dev=%llu not kept: %s",
		    (unsigned long long)pr->device, err_text(rc));
	return rc;
}

static void
on_slot(void *arg, const struct peer_answer *a)
{
	struct probe *pr = arg;
	struct store *s = pr->app->store;
	struct store_device d;
	bool digit = a->err == 0 && a->code == 205 && a->payload.n == 1 &&
	    a->payload.p[0] >= '0' && a->payload.p[0] <= '9';

	if (s->ops->device_get(s, pr->device, &d) != 0) {
		free(pr);
		return;
	}
	if (!digit && a->err == 0 && !pr->before) {
		ask(pr, &d, VERSION_PATH, on_version);
		return;
	}
	if (digit && engine_begin(pr->app->engine) == 0)
		(void)keep(pr, seen_slot(pr, &d, (char)a->payload.p[0]));
	free(pr);
}

static void
on_version(void *arg, const struct peer_answer *a)
{
	struct probe *pr = arg;
	struct store *s = pr->app->store;
	struct store_device d;
	uint64_t seq;

	if (a->err == 0 && a->code == 205 &&
	    text_u64(a->payload, &seq) == 0 &&
	    s->ops->device_get(s, pr->device, &d) == 0 &&
	    engine_begin(pr->app->engine) == 0)
		(void)keep(pr, engine_running(pr->app->engine, &d, seq,
		    GRADE_L0));
	free(pr);
}

static struct probe *
probe_new(struct app *app, uint64_t device)
{
	struct probe *pr = calloc(1, sizeof(*pr));

	if (pr == NULL)
		abort(); /* all state is on the disk */
	pr->app = app;
	pr->device = device;
	return pr;
}

void
push_note_slot(const struct push *p)
{
	struct probe *pr;

	if (!asks(&p->dev) || !slot_text(p->dev.version))
		return;
	pr = probe_new(p->app, p->dev.id);
	pr->before = true;
	ask(pr, &p->dev, SLOT_PATH, on_slot);
}

void
push_probe(struct app *app, const struct job *job)
{
	struct store *s = app->store;
	struct store_device d;
	struct probe *pr;

	if (s->ops->device_get(s, job->device, &d) != 0 || !asks(&d))
		return;
	pr = probe_new(app, d.id);
	pr->job = job->id;
	pr->target = job->target_seq;
	ask(pr, &d, SLOT_PATH, on_slot);
}
