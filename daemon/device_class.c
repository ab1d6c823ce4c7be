/*
 * Refusing a registration that names another class than an operator's was
 * rejected: the device would be unreachable, too, and whoever does not know
 * what was set here could not tell why.
 */
#include "daemon/device_class.h"

#include <stdio.h>

#include "daemon/ahead.h"
#include "daemon/engine.h"
#include "lib/text.h"

#define ID 16

void
device_class_set(struct store_device *d, const uint8_t class_id[16])
{
	uint8_t id[ID]; /* it may be d's own */

	memcpy(id, class_id, ID);
	if (!d->class_set && d->have_class && d->reg != 0) {
		memcpy(d->class_said, d->class_id, ID);
		d->have_class_said = true;
	}
	if (d->have_class_said && memcmp(d->class_said, id, ID) == 0)
		d->have_class_said = false;
	memcpy(d->class_id, id, ID);
	d->have_class = d->class_set = true;
}

void
device_class_unset(struct store_device *d)
{
	if (d->have_class_said)
		memcpy(d->class_id, d->class_said, ID);
	d->class_set = d->have_class_said = false;
}

/* Of a job that a campaign has given it, the event is the campaign's, too. */
static int
tell(struct app *app, const struct store_device *d,
    const struct device_saying *say, struct store_event *ev)
{
	char uuid[37];
	struct job j;
	int rc = app->store->ops->job_live(app->store, d->id, &j);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	ev->device = d->id;
	ev->grade = say->grade;
	strcpy(ev->kind, "device");
	strcpy(ev->ep, d->ep);
	if (rc == 0 && j.campaign != 0) {
		ev->job = j.id;
		ev->campaign = j.campaign;
		ev->release = j.release;
	}
	engine_say(app->engine, "device: dev=%llu ep=%s %s says=%s peer=%s "
	    "grade=%d camp=%llu", (unsigned long long)d->id, d->ep, ev->what,
	    text_uuid(say->class_id, uuid), say->addr, (int)say->grade,
	    (unsigned long long)ev->campaign);
	return engine_log(app->engine, ev);
}

/* What was set stays. */
static int
keep(struct app *app, struct store_device *d, const struct device_saying *say)
{
	struct store_event ev = {.what = "class not taken"};
	bool same = memcmp(d->class_id, say->class_id, ID) == 0;
	char said[37], set[37];

	app->counts.classes[CLASS_COUNT_KEPT] += !same;
	if (same ? !d->have_class_said : d->have_class_said &&
	    memcmp(d->class_said, say->class_id, ID) == 0)
		return 0; /* no news */
	d->have_class_said = !same;
	memcpy(d->class_said, say->class_id, ID);
	text_uuid(d->class_id, set);
	if (same) {
		strcpy(ev.what, "class as set");
		snprintf(ev.detail, sizeof(ev.detail), "says class %s again, "
		    "from %s", set, say->addr);
	} else {
		snprintf(ev.detail, sizeof(ev.detail), "says class %s, set is "
		    "%s, from %s", text_uuid(say->class_id, said), set,
		    say->addr);
	}
	return tell(app, d, say, &ev);
}

int
device_class_say(struct app *app, struct store_device *d,
    const struct device_saying *say)
{
	struct store_event ev = {.what = "class changed"};
	char was[37], is[37];
	int rc;

	if (d->class_set)
		return keep(app, d, say);
	if (d->have_class && memcmp(d->class_id, say->class_id, ID) == 0)
		return 0;
	snprintf(ev.detail, sizeof(ev.detail), "from %s to %s, from %s",
	    text_uuid(d->class_id, was), text_uuid(say->class_id, is),
	    say->addr);
	memcpy(d->class_id, say->class_id, ID);
	if (!d->have_class) {
		d->have_class = true;
		return 0; /* its first one */
	}
	app->counts.classes[CLASS_COUNT_CHANGED]++;
	rc = tell(app, d, say, &ev);
	return rc == 0 ? ahead_judge(app, d) : rc;
}
