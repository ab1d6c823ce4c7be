/*
 * SIGHUP: the file is read and checked whole before anything changes, and the
 * certificate, which is read once, comes first: what is wrong leaves all of it
 * as it was. Most keys are read from app->conf at each
 * use, so that to change them is to write them there; what keeps a copy is
 * told here.
 *
 * Lists of revoked certificates are read by another thread, so a reload takes
 * some turns. Whoever asks for another one meanwhile gets it after this one.
 */
#include "daemon/life_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/admit.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/runs.h"
#include "lib/conf_reload.h"

struct note {
	char all[300]; /* what has changed, and to what */
	size_t waiting; /* for a start */
	char keys[120]; /* their names */
	bool grouped; /* what makes a network group has changed */
};

static void
on_change(void *arg, const struct conf_change *c)
{
	struct note *n = arg;
	size_t len = strlen(n->keys);

	n->grouped |= strcmp(c->name, "group_tag") == 0;
	snprintf(n->all + strlen(n->all), sizeof(n->all) - strlen(n->all),
	    "; %s=%s", c->name, c->now);
	if (c->live) {
		log_info("reload: key=%s was=%s now=%s", c->name, c->was,
		    c->now);
		return;
	}
	log_warn("reload: key=%s stays %s until a restart, the file has %s",
	    c->name, c->was, c->now);
	snprintf(n->keys + len, sizeof(n->keys) - len, "%s%s",
	    n->waiting++ > 0 ? ", " : "", c->name);
}

static size_t
apply(struct app *app, const struct conf *next, struct note *n)
{
	enum log_level level;
	size_t live = conf_reload(&app->conf, next, on_change, n);

	if (log_level_parse(app->conf.log_level, &level))
		log_level_set(level);
	if (n->grouped)
		admit_regroup(app->admit);
	runs_reread(app->runs);
	engine_reloaded(app->engine);
	return live;
}

/* The first error is what status shows, the log has all. */
static void
on_error(void *arg, const char *text)
{
	struct life_stats *st = arg;

	log_error("reload: %s", text);
	if (st->reload[0] == '\0')
		snprintf(st->reload, sizeof(st->reload), "%s", text);
}

static void
finish(struct life *l, int rc)
{
	struct life_stats *st = &l->stats;

	st->reloaded = loop_now(l->app->loop);
	st->reload_ok = rc == 0;
	st->reloads += rc == 0;
	st->reloads_failed += rc != 0;
	if (rc != 0)
		log_error("reload: refused, everything stays as it was");
	else
		log_info("reload: %s", st->reload);
	life_say_ready(l);
}

static void
audit_reload(struct app *app, int err, const char *text, const char *changed)
{
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, audit_add(app, NULL,
		    AUDIT_CONFIG_RELOAD, "", "%s%s%s", err != 0 ?
		    "refused: " : "", text, changed));
	if (rc != 0)
		log_error("audit: reload not written: %s", err_text(rc));
}

/* By l->next, unless rc is an error, of which was told. */
static void
conclude(struct life *l, int rc)
{
	struct note n = {.waiting = 0};
	struct life_stats *st = &l->stats;
	size_t live = 0;

	l->reloading = false;
	if (l->state != LIFE_READY) {
		log_warn("reload: given up, suitd is %s", life_text(l->state));
		return;
	}
	if (rc == 0) {
		live = apply(l->app, &l->next, &n);
		snprintf(st->reload, sizeof(st->reload), "%zu key%s "
		    "changed%s%s", live, live == 1 ? "" : "s",
		    n.waiting > 0 ? "; for the next start: " : "", n.keys);
	}
	audit_reload(l->app, rc, st->reload, n.all);
	finish(l, rc);
	if (l->again)
		life_reload(l);
}

static void
on_certs(void *arg, int err, const struct why *why)
{
	struct life *l = arg;

	if (err != 0)
		on_error(&l->stats, why->text);
	conclude(l, err);
}

void
life_reload(struct life *l)
{
	int rc;

	if (l->state != LIFE_READY) {
		log_warn("reload: not while suitd is %s", life_text(l->state));
		return;
	}
	l->again = l->reloading;
	if (l->reloading)
		return;
	l->reloading = true;
	life_say_reloading();
	l->stats.reload[0] = '\0';
	rc = l->configure(l->arg, &l->next, on_error, &l->stats);
	if (rc != 0)
		conclude(l, rc);
	else
		front_cert_read(l->app->front, &l->next, on_certs, l);
}
