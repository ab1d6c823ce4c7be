/*
 * The list is one buffer and its parsed view, which are replaced after the
 * commit that kept the next one; the step is checked against the store, so
 * that two lists in one turn are two steps.
 *
 * When a list takes a release away, its attempts that have not got all of the
 * image end, as failures of class P: whoever has it all is left to say what
 * became of it. What is only queued is held (admit.h), since a later list may
 * allow it again.
 */
#include "daemon/trusted.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/asker.h"
#include "daemon/audit.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/judge.h"
#include "daemon/keyhunt.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "daemon/publish.h"
#include "daemon/secret.h"
#include "lib/text.h"

#define TICK_MS 1000
#define SLICE_MS 100
#define SWEEP_MAX 500 /* attempts that end in one tick */
#define FRESH_FILE "freshness.key"
#define KEY_MAX 8192

/* An answer costs a signature, and who insists on it may wait for nothing
 * else. */
static const struct share_rule fresh_rule = {LIMIT_FRESH_RATE,
    {LIMIT_FRESH_NETWORK, LIMIT_FRESH_NETWORK, LIMIT_FRESH_DEVICE}};

struct trusted {
	struct app *app;
	uint8_t bytes[LIMIT_TRUST_LIST];
	struct trust list;
	int64_t since;
	struct cose_key *key; /* that answers nonces; NULL: none */
	struct share *share; /* of these answers */
	bool behind; /* the store has a list that could not be read yet */
	bool stale; /* the catalog was not judged by this list yet */
	bool sweep; /* attempts may be under way that it does not allow */
};

const struct trust *
trusted_list(const struct app *app)
{
	return app->trusted == NULL ? NULL : &app->trusted->list;
}

uint64_t
trusted_seq(const struct app *app)
{
	return app->trusted == NULL ? 0 : app->trusted->list.seq;
}

int64_t
trusted_since(const struct app *app)
{
	return app->trusted == NULL ? 0 : app->trusted->since;
}

uint64_t
trusted_base(const struct app *app, const uint8_t class_id[16],
    uint64_t running)
{
	const struct trust *list = trusted_list(app);

	return list == NULL ? running : trust_base(list, class_id, running);
}

uint64_t
trusted_runs(const struct app *app, const struct store_device *d)
{
	if (!d->have_seq)
		return 0;
	return d->have_class ? trusted_base(app, d->class_id, d->seq) :
	    d->seq;
}

/* --- what it allows --- */

int
trusted_author(const struct trust *list, const struct trust_claim *claim,
    struct store_author *ret, struct why *why)
{
	const struct trust_key *key = NULL;
	int rc = trust_manifest(list, claim, &key, why);
	char hex[2 * TRUST_KID + 1];

	if (rc != 0)
		return judge_forbids(rc, why);
	*ret = (struct store_author){.class_count = 0};
	memcpy(ret->kid, key->kid, sizeof(ret->kid));
	if (key->name.n == 0 ||
	    !slice_to_cstr(key->name, ret->name, sizeof(ret->name)))
		strcpy(ret->name, text_hex(slice_of(key->kid, TRUST_KID),
		    hex, sizeof(hex)));
	return 0;
}

/* --- in force --- */

static void
tell(struct app *app, const char *path)
{
	front_notify(app->front, T_UDP, path);
}

/* Observers of what has come and of what has gone; who has no news is not
 * told (front.h). */
static void
notify(void *arg, const struct catalog_release *r)
{
	for (size_t i = 0; i < r->class_count; i++)
		publish_paths(arg, r->class_id[i], tell);
}

/* The catalog as it is judged now. */
static void
serve(struct trusted *t)
{
	struct app *app = t->app;
	int rc;

	catalog_each_current(app->catalog, notify, app);
	rc = catalog_load(app->catalog, app->store);
	t->stale = rc != 0;
	if (rc != 0) {
		log_error("trust: the catalog is not judged yet, it will be "
		    "tried again: %s (%s)", err_text(rc),
		    store_why(app->store));
		return;
	}
	polled_forget(app->polled);
	catalog_each_current(app->catalog, notify, app);
	tell(app, "m");
	tell(app, "k");
	engine_reloaded(app->engine);
	t->sweep = true;
}

/* The first slice is in the turn of the list: a release that is allowed before
 * and after shall not be missed in between, where that can be had. */
static void
judge_catalog(struct trusted *t)
{
	catalog_obey(t->app->catalog, &t->list);
	(void)catalog_ask(t->app->catalog);
	serve(t);
}

/* The newest of the store; where that fails the one before is still whole. */
static int
read_list(struct trusted *t, struct why *why)
{
	uint8_t bytes[LIMIT_TRUST_LIST];
	struct store *s = t->app->store;
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct store_trust row;
	struct trust list;
	int rc = s->ops->trust_get(s, 0, &row, &b);

	if (rc == ERR_NOT_FOUND)
		return rc;
	if (rc != 0)
		return why_set(why, rc, "trust list: %s", store_why(s));
	rc = trust_parse(buf_slice(&b), &list, why);
	if (rc != 0 || list.seq != row.seq)
		return why_set(why, ERR_CORRUPT, "the store's trust list "
		    "%" PRIu64 " is damaged: restore a backup", row.seq);
	memcpy(t->bytes, b.p, b.n);
	t->since = row.at;
	return trust_parse(slice_of(t->bytes, b.n), &t->list, why);
}

static void
in_force(struct app *app)
{
	struct trusted *t = app->trusted;
	struct why why = {0};

	t->behind = read_list(t, &why) != 0;
	if (t->behind) {
		log_error("trust: the list stays %" PRIu64 ", it will be tried "
		    "again: %s", t->list.seq, why.text);
		return;
	}
	judge_catalog(t);
	log_info("trust: list=%" PRIu64 " keys=%zu roots=%u/%zu refused=%zu "
	    "waiting=%zu", t->list.seq, t->list.key_count, t->list.roots.need,
	    t->list.roots.n, catalog_refusals(app->catalog),
	    catalog_waiting(app->catalog));
}

static int
keep(struct app *app, const struct trust *list, const struct principal *who)
{
	struct store *s = app->store;
	struct store_trust row = {.seq = list->seq,
	    .at = loop_now(app->loop)};
	char number[24], hex[2 * TRUST_HASH + 1];
	int rc;

	if (who != NULL)
		strcpy(row.by, who->identity);
	snprintf(number, sizeof(number), "%" PRIu64, list->seq);
	rc = s->ops->trust_put(s, &row, list->message);
	return rc != 0 ? rc : audit_add(app, who, AUDIT_TRUST_UPDATE, number,
	    "%s, %zu keys, %u of %zu roots", text_hex(slice_of(list->hash,
	    TRUST_HASH), hex, sizeof(hex)), list->key_count, list->roots.need,
	    list->roots.n);
}

static int
publish(struct app *app, struct slice in, const struct principal *who,
    struct why *why)
{
	struct trusted *t = app->trusted;
	uint8_t bytes[LIMIT_TRUST_LIST];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct store_event ev = {.kind = "trust", .what = "trust list"};
	struct store_trust row;
	struct trust have, next;
	int rc;

	if (t == NULL)
		return why_set(why, ERR_STATE, "no trust list is pinned here, "
		    "and none is taken from the network: name the first one "
		    "by trust_root in suitd.conf and restart suitd");
	rc = trust_parse(in, &next, why);
	if (rc == 0)
		rc = app->store->ops->trust_get(app->store, 0, &row, &b);
	if (rc == 0)
		rc = trust_parse(buf_slice(&b), &have, why);
	if (rc == 0)
		rc = trust_step_chain(&have, &next, why);
	if (rc == 0)
		rc = keyhunt(app, &next, why);
	if (rc == 0 && t->key != NULL)
		rc = keyhunt_may(&next, t->key, "freshness_key", why);
	if (rc != 0 || (rc = engine_begin(app->engine)) != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "number %" PRIu64 ", %zu keys"
	    "%s%.100s", next.seq, next.key_count, who != NULL ? ", by " : "",
	    who != NULL ? who->identity : "");
	rc = keep(app, &next, who);
	if (rc == 0 && who != NULL && who->request != 0)
		rc = app->store->ops->request_remove(app->store,
		    who->request);
	if (rc == 0)
		rc = engine_log(app->engine, &ev);
	if (rc == 0)
		engine_after(app->engine, in_force);
	return engine_end(app->engine, rc);
}

int
trusted_publish(struct app *app, struct slice in, const struct principal *who,
    struct why *why)
{
	int rc = publish(app, in, who, why);

	if (rc == 0)
		app->counts.lists_taken++;
	else if (rc != ERR_EXISTS && err_coap(rc) < 500)
		app->counts.lists_refused++;
	return rc;
}

/* --- nonces --- */

static bool
may_answer(const struct trusted *t)
{
	uint8_t kid[TRUST_KID];
	const struct trust_key *k;

	if (t->key == NULL || cose_key_id(t->key, kid) != 0)
		return false;
	k = trust_find(&t->list, slice_of(kid, sizeof(kid)));
	return k != NULL && k->role == TRUST_FRESHNESS;
}

static int
answer_fresh(struct app *app, const struct req *req, const struct fresh *f,
    struct resp *resp)
{
	struct trusted *t = app->trusted;
	struct why *why = &resp->why;

	if (t == NULL || !may_answer(t))
		return why_set(why, ERR_NOT_FOUND, "nobody answers nonces "
		    "here: there is no freshness_key of the trust list");
	if (!asker_take(app, t->share, &fresh_rule, req))
		return why_set(why, ERR_LIMIT, "too many nonces at a time");
	return fresh_sign(f, t->key, &resp->out);
}

int
trusted_fresh(struct app *app, const struct req *req, const struct fresh *f,
    struct resp *resp)
{
	int rc = answer_fresh(app, req, f, resp);

	if (rc == 0)
		app->counts.fresh_signed++;
	else
		app->counts.fresh_refused++;
	return rc;
}

int
trusted_read_fresh(const struct conf *conf, const struct trust *list,
    struct cose_key **ret, struct why *why)
{
	uint8_t bytes[KEY_MAX];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct why reason = {0};
	struct cose_key *key = NULL;
	char path[SECRET_PATH];
	bool named;
	int rc;

	if (!secret_path(conf->freshness_key, FRESH_FILE, path))
		return 0;
	rc = secret_read(path, &b, &reason);
	if (rc == 0)
		rc = cose_key_parse(buf_slice(&b), &key, &reason);
	explicit_bzero(bytes, sizeof(bytes));
	if (rc == 0 && !cose_key_private(key))
		rc = why_set(&reason, ERR_KEY, "this is a public key");
	if (rc == 0)
		rc = keyhunt_may(list, key, path, &reason);
	if (rc == 0) {
		*ret = key;
		return 0;
	}
	cose_key_free(key);
	named = strstr(reason.text, path) != NULL;
	return why_set(why, rc == ERR_NOT_FOUND ? ERR_IO : rc,
	    "freshness_key: %.100s%s%.200s", named ? "" : path, named ? "" :
	    ": ", reason.text);
}

static int
read_key(struct trusted *t, struct why *why)
{
	int rc = trusted_read_fresh(&t->app->conf, &t->list, &t->key, why);

	if (rc == 0 && t->key != NULL && !may_answer(t))
		log_warn("trust: freshness_key is not in the trust list "
		    "with the role freshness: nonces are not answered");
	return rc;
}

/* --- the attempts that it ends --- */

struct sweep {
	const struct catalog *catalog;
	uint64_t job[SWEEP_MAX];
	size_t n;
};

static int
note_job(void *arg, const struct job *j)
{
	struct sweep *w = arg;

	if (j->state > JOB_FETCHING ||
	    catalog_refused(w->catalog, j->release) == NULL)
		return 0;
	w->job[w->n++] = j->id;
	return w->n == SWEEP_MAX;
}

static int
end_job(struct app *app, uint64_t job)
{
	const struct track_event ev = {.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_POLICY,
	    .reason = REASON_TRUST, .grade = GRADE_L1};
	int rc = engine_begin(app->engine);

	return rc != 0 ? rc : engine_end(app->engine,
	    engine_job_event(app->engine, job, &ev, NULL));
}

void
trusted_tick(struct trusted *t)
{
	struct store *s = t->app->store;
	struct sweep w = {.catalog = t->app->catalog};
	int rc;

	if (t->behind)
		in_force(t->app);
	if (t->stale)
		serve(t);
	/* who waits may be allowed in a moment */
	if (!t->sweep || t->stale || catalog_waiting(t->app->catalog) > 0)
		return;
	rc = s->ops->job_active(s, note_job, &w);
	for (size_t i = 0; rc >= 0 && i < w.n; i++)
		rc = end_job(t->app, w.job[i]);
	if (rc < 0) /* the next tick tries again */
		log_error("trust: attempts not ended: %s", err_text(rc));
	else
		t->sweep = w.n == SWEEP_MAX;
}

static void
on_tick(void *arg)
{
	trusted_tick(arg);
}

void
trusted_slice(struct trusted *t)
{
	if (catalog_ask(t->app->catalog))
		serve(t);
}

static void
on_slice(void *arg)
{
	trusted_slice(arg);
}

/* --- start --- */

int
trusted_read_root(const struct conf *c, uint8_t bytes[LIMIT_TRUST_LIST + 1],
    struct trust *ret, struct why *why)
{
	struct why reason = {0};
	FILE *f = fopen(c->trust_root, "re");
	size_t n;
	int rc;

	if (f == NULL)
		return why_set(why, ERR_IO, "trust_root: %s: %s",
		    c->trust_root, strerror(errno));
	n = fread(bytes, 1, LIMIT_TRUST_LIST + 1, f);
	fclose(f);
	rc = trust_parse(slice_of(bytes, n), ret, &reason);
	if (rc == 0)
		rc = trust_pin(ret, &reason);
	return rc == 0 ? 0 : why_set(why, rc, "trust_root: %.100s: %.130s",
	    c->trust_root, reason.text);
}

static int
pin(struct app *app, const struct trust *list, struct why *why)
{
	struct store_event ev = {.kind = "trust", .what = "trust list",
	    .at = loop_now(app->loop)};
	struct store *s = app->store;
	int rc = store_begin(s);

	snprintf(ev.detail, sizeof(ev.detail), "number %" PRIu64 ", pinned "
	    "from trust_root", list->seq);
	if (rc == 0)
		rc = keep(app, list, NULL);
	if (rc == 0)
		rc = s->ops->event_put(s, &ev);
	if (rc == 0)
		return store_commit(s);
	store_rollback(s);
	return why_set(why, rc, "trust_root: not stored: %s", store_why(s));
}

/* The file says with which list it all began. */
static int
same_root(struct app *app, const struct trust *root, struct why *why)
{
	uint8_t bytes[LIMIT_TRUST_LIST];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct store *s = app->store;
	struct store_trust row;
	struct trust was;
	int rc = s->ops->trust_get(s, root->seq, &row, &b);

	if (rc == 0)
		rc = trust_parse(buf_slice(&b), &was, why);
	if (rc == 0 && memcmp(was.hash, root->hash, TRUST_HASH) == 0)
		return 0;
	return why_set(why, ERR_CONFLICT, "trust_root: %.100s is not one of "
	    "the lists of this store; later ones come by suitctl trust "
	    "publish", app->conf.trust_root);
}

static int
begin(struct trusted *t, struct why *why)
{
	struct app *app = t->app;
	uint8_t bytes[LIMIT_TRUST_LIST + 1];
	struct trust root;
	int rc = read_list(t, why);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (app->conf.trust_root[0] != '\0') {
		int err = trusted_read_root(&app->conf, bytes, &root, why);

		if (err == 0)
			err = rc == 0 ? same_root(app, &root, why) :
			    pin(app, &root, why);
		if (err != 0)
			return err;
		rc = read_list(t, why);
	}
	return rc;
}

int
trusted_new(struct app *app, struct trusted **ret, struct why *why)
{
	struct trusted *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	t->app = app;
	rc = begin(t, why);
	if (rc == ERR_NOT_FOUND) { /* there is none; no other error is that */
		trusted_free(t);
		return 0;
	}
	if (rc == 0)
		rc = keyhunt(app, &t->list, why);
	if (rc == 0)
		rc = read_key(t, why);
	if (rc == 0 && (rc = asker_share_new(&t->share)) != 0)
		why_set(why, rc, "start: %s", err_text(rc));
	if (rc == 0)
		rc = loop_every(app->loop, SLICE_MS, on_slice, t);
	if (rc == 0)
		rc = loop_every(app->loop, TICK_MS, on_tick, t);
	if (rc != 0) {
		trusted_free(t);
		return rc;
	}
	catalog_obey(app->catalog, &t->list);
	t->sweep = true; /* we may have died before */
	*ret = t;
	return 0;
}

void
trusted_free(struct trusted *t)
{
	if (t == NULL)
		return;
	cose_key_free(t->key);
	free(t->share);
	free(t);
}
