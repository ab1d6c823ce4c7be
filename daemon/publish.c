#include "daemon/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/ahead.h"
#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/publish_impl.h"
#include "daemon/trusted.h"
#include "lib/text.h"

/* --- who signed it --- */

struct authors {
	struct store_author row[LIMIT_KEYRING];
	struct cose_key *key[LIMIT_KEYRING];
	struct cose_keyring ring;
};

static void
authors_free(struct authors *a)
{
	for (size_t i = 0; a != NULL && i < a->ring.n; i++)
		cose_key_free(a->key[i]);
	free(a);
}

/* A stored key that cannot be read any more is one key less, loudly. */
static int
authors_read(struct store *s, struct authors **ret)
{
	struct authors *a = calloc(1, sizeof(*a));
	size_t n = 0, k = 0;
	struct why why;
	int rc;

	if (a == NULL)
		return ERR_NOMEM;
	rc = s->ops->author_list(s, a->row, LIMIT_KEYRING, &n);
	if (rc != 0) {
		authors_free(a);
		return rc;
	}
	for (size_t i = 0; i < n; i++) {
		struct store_author row = a->row[i];

		if (cose_key_parse(slice_of(row.key, row.key_len), &a->key[k],
		    &why) != 0) {
			log_error("author: name=%s key unreadable: %s",
			    row.name, why.text);
			continue;
		}
		a->row[k] = row;
		a->ring.key[k] = a->key[k];
		a->ring.n = ++k;
	}
	*ret = a;
	return 0;
}

/* allow_unsigned is for a bench with a new device; the digest still holds. */
static int
unsigned_ok(struct publish *p)
{
	struct digest d;
	int rc = digest_compute(p->m.digest.alg, p->m.manifest_raw, &d);

	if (rc != 0 || !digest_eq(&d, &p->m.digest))
		return why_set(p->why, ERR_DIGEST,
		    "SUIT 6.2: manifest digest does not match");
	publish_note(p, "not signed: taken because allow_unsigned is set");
	return 0;
}

/* With a trust list nobody else says who is an author, and allow_unsigned
 * says nothing. */
static int
verify_by_list(struct publish *p, const struct trust *list)
{
	const struct trust_claim claim = trust_claim_of(&p->m, &p->plan);

	return trusted_author(list, &claim, &p->author, p->why);
}

static int
verify(struct publish *p)
{
	const struct trust *list = trusted_list(p->app);
	struct authors *a;
	int rc;

	if (list != NULL)
		return verify_by_list(p, list);
	rc = authors_read(p->app->store, &a);
	if (rc != 0)
		return rc;
	rc = manifest_verify(&p->m, &a->ring, &p->proof, p->why);
	if (rc == 0)
		p->author = a->row[p->proof.key];
	else if (rc == ERR_UNSIGNED && p->app->conf.allow_unsigned)
		rc = unsigned_ok(p);
	else if (rc == ERR_SIGNATURE && a->ring.n == 0)
		rc = why_set(p->why, ERR_SIGNATURE, "no author is known yet: "
		    "suitctl author add NAME PUBLIC-KEY");
	authors_free(a);
	if (rc == 0 && p->proof.warning[0] != '\0')
		publish_note(p, "%s", p->proof.warning);
	return rc;
}

/* --- for whom, and in which order --- */

static int
check_rights(struct publish *p)
{
	const struct store_author *a = &p->author;
	char text[37];

	if (p->plan.class_count == 0)
		return why_set(p->why, ERR_MISSING, "no class identifier: "
		    "nobody can tell which devices it is for (SUIT 8.4.8.2)");
	for (size_t i = 0; i < p->plan.class_count; i++) {
		bool ok = a->class_count == 0;

		for (size_t k = 0; k < a->class_count && !ok; k++)
			ok = memcmp(a->class_id[k], p->plan.class_id[i], 16) ==
			    0;
		if (!ok)
			return why_set(p->why, ERR_CLASS,
			    "author %s may not publish for class %s", a->name,
			    text_uuid(p->plan.class_id[i], text));
		if (p->opts->scope != NULL && !scope_has_class(p->opts->scope,
		    p->plan.class_id[i]))
			return why_set(p->why, ERR_CLASS, "class %s is "
			    "outside of the scope of %s",
			    text_uuid(p->plan.class_id[i], text), p->opts->by);
	}
	return 0;
}

static int
too_far(struct publish *p, const uint8_t class_id[16], uint64_t above)
{
	const bool list = trusted_list(p->app) != NULL;
	char text[37];

	return why_set(p->why, ERR_POLICY, "sequence %llu is more than "
	    "%" PRIu32 " above %llu of class %s: devices never go back below "
	    "it; %s", (unsigned long long)p->m.sequence,
	    p->app->conf.sequence_step, (unsigned long long)above,
	    text_uuid(class_id, text), list ? "a floor of the trust list "
	    "allows it" : "force it if meant");
}

/* The current sequence of a class, or where its floor stands above that. */
static int
check_step(struct publish *p, const uint8_t class_id[16], uint64_t cur,
    bool any)
{
	const struct trust *list = trusted_list(p->app);
	uint64_t seq = p->m.sequence, step = p->app->conf.sequence_step;
	uint64_t least;

	if (list == NULL)
		return any && seq - cur > step && !p->opts->force ?
		    too_far(p, class_id, cur) : 0;
	least = trust_floor_of(list, class_id).least;
	if (least > cur)
		cur = least;
	else if (!any && step < PUBLISH_SEQ_FIRST)
		step = PUBLISH_SEQ_FIRST;
	return seq > cur && seq - cur > step ? too_far(p, class_id, cur) : 0;
}

/* A current one above a ceiling of the trust list was burnt: it is not served,
 * and the order goes on below it. */
static int
check_above(struct publish *p, const uint8_t class_id[16],
    const struct store_release *cur)
{
	uint64_t above = trusted_base(p->app, class_id, cur->seq);
	char text[37];

	if (p->m.sequence <= above)
		return why_set(p->why, ERR_SEQUENCE, "sequence %llu "
		    "is not above %llu, the current one of class %s",
		    (unsigned long long)p->m.sequence,
		    (unsigned long long)above, text_uuid(class_id, text));
	return check_step(p, class_id, above, true);
}

static int
check_sequence(struct publish *p)
{
	struct store *s = p->app->store;
	struct store_release cur;
	int rc = s->ops->release_by_digest(s, p->r.release.digest, &cur);

	if (rc == 0) {
		p->r.release = cur;
		return why_set(p->why, ERR_EXISTS,
		    "published already as release %llu",
		    (unsigned long long)cur.id);
	}
	for (size_t i = 0; i < p->plan.class_count && rc == ERR_NOT_FOUND;
	    i++) {
		const uint8_t *class = p->plan.class_id[i];

		rc = s->ops->release_current(s, class, &cur);
		if (rc == 0)
			rc = check_above(p, class, &cur);
		else if (rc == ERR_NOT_FOUND)
			rc = check_step(p, class, 0, false);
		if (rc == 0)
			rc = ERR_NOT_FOUND;
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Devices run as much already: after an old backup was restored nobody here
 * remembers that this number has been given before. */
static int
warn_ahead(struct publish *p)
{
	struct store *s = p->app->store;
	uint64_t max;
	char text[37];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->plan.class_count; i++) {
		rc = s->ops->ahead_max(s, p->plan.class_id[i], &max);
		if (rc == 0 && max >= p->m.sequence)
			publish_note(p, "devices of class %s run sequence %llu"
			    " already, which is not below %llu: they will "
			    "refuse this", text_uuid(p->plan.class_id[i],
			    text), (unsigned long long)max,
			    (unsigned long long)p->m.sequence);
		if (rc == ERR_NOT_FOUND)
			rc = 0;
	}
	return rc;
}

static void
fill(struct publish *p, struct slice envelope)
{
	struct store_release *r = &p->r.release;

	memcpy(p->r.kid, p->author.kid, sizeof(p->r.kid));
	memcpy(r->digest, p->m.digest.b, 32);
	r->seq = p->m.sequence;
	r->dialect = p->m.dialect;
	r->created = loop_now(p->app->loop);
	r->envelope_len = envelope.n;
	/* a version that is too long to show is none */
	(void)slice_to_cstr(manifest_component_text(&p->m,
	    MANIFEST_TEXT_VERSION), r->label, sizeof(r->label));
	snprintf(r->author, sizeof(r->author), "%s", p->author.name[0] ?
	    p->author.name : "(unsigned)");
	r->class_count = p->plan.class_count;
	memcpy(r->class_id, p->plan.class_id, sizeof(r->class_id));
	if (p->plan.vendor_count > 0)
		memcpy(r->vendor, p->plan.vendor[0], 16);
}

static int
check(struct publish *p, struct slice envelope)
{
	int rc;

	if (envelope.n > p->app->conf.envelope_max)
		return why_set(p->why, ERR_SIZE,
		    "envelope of %zu bytes: at most %llu (envelope_max)",
		    envelope.n, (unsigned long long)p->app->conf.envelope_max);
	rc = manifest_parse(envelope, &p->m, p->why);
	if (rc == 0)
		rc = manifest_walk(&p->m, &p->plan, p->why);
	if (rc == 0)
		rc = verify(p);
	if (rc == 0)
		rc = check_rights(p);
	if (rc != 0)
		return rc;
	fill(p, envelope);
	rc = check_sequence(p);
	if (rc == 0)
		rc = publish_payloads(p);
	if (rc == 0)
		rc = warn_ahead(p);
	if (rc == 0 && p->r.note_count > 0)
		snprintf(p->r.release.warning, sizeof(p->r.release.warning),
		    "%s", p->r.note[0]);
	return rc;
}

/* --- and in --- */

void
publish_paths(struct app *app, const uint8_t class_id[16],
    void (*fn)(struct app *app, const char *path))
{
	char uuid[37], hex[33], path[64];

	snprintf(path, sizeof(path), "m/%s", text_uuid(class_id, uuid));
	fn(app, path);
	snprintf(path, sizeof(path), "m/%s", text_hex(slice_of(class_id, 16),
	    hex, sizeof(hex)));
	fn(app, path);
	for (size_t i = 0; i < app->conf.alias_count; i++) {
		if (memcmp(app->conf.alias[i].class_id, class_id, 16) != 0)
			continue;
		snprintf(path, sizeof(path), "m/%s", app->conf.alias[i].name);
		fn(app, path);
	}
}

static void
notify(struct app *app, const char *path)
{
	engine_notify(app->engine, T_UDP, path);
}

/* A staged one is nobody's news: its campaign tells its devices. */
static void
announce(struct app *app, const struct store_release *r, bool staged)
{
	engine_after(app->engine, catalog_reload);
	engine_after(app->engine, ahead_published);
	if (staged)
		return;
	for (size_t i = 0; i < r->class_count; i++)
		publish_paths(app, r->class_id[i], notify);
	notify(app, "m");
}

static int
log_release(struct app *app, const struct store_release *r, const char *what,
    const char *by)
{
	struct store_event ev = {.release = r->id, .kind = "release"};
	char hex[17];

	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.detail, sizeof(ev.detail), "sequence %llu, author %s%s%s",
	    (unsigned long long)r->seq, r->author, by ? ", by " : "",
	    by ? by : "");
	engine_say(app->engine, "release: release=%llu seq=%llu digest=%s "
	    "author=%s %s", (unsigned long long)r->id, (unsigned long long)r->seq,
	    text_hex(slice_of(r->digest, 8), hex, sizeof(hex)), r->author,
	    what);
	return engine_log(app->engine, &ev);
}

/* The lowest of its classes: what is above it was burnt in one of them. */
static uint64_t
ceiling(const struct publish *p)
{
	const struct trust *list = trusted_list(p->app);
	uint64_t least = UINT64_MAX, most;

	for (size_t i = 0; list != NULL && i < p->plan.class_count; i++) {
		most = trust_floor_of(list, p->plan.class_id[i]).most;
		if (most < least)
			least = most;
	}
	return least;
}

static int
store(struct publish *p, struct slice envelope)
{
	struct app *app = p->app;
	struct store *s = app->store;
	int rc = engine_begin(app->engine);

	if (rc != 0)
		return rc;
	p->r.release.ceiling = ceiling(p);
	p->r.release.state = p->opts->staged ? RELEASE_STAGED : RELEASE_LIVE;
	rc = s->ops->release_put(s, &p->r.release, envelope, p->r.payload,
	    p->r.payload_count);
	if (rc == ERR_SEQUENCE)
		why_set(p->why, rc, "sequence %llu is not above that of every "
		    "release of its class, withdrawn ones included",
		    (unsigned long long)p->r.release.seq);
	else if (rc == ERR_CONFLICT)
		why_set(p->why, rc, "a path of its downloads has served "
		    "other bytes before, and a path never changes its bytes");
	if (rc == 0)
		rc = log_release(app, &p->r.release, p->opts->staged ?
		    "staged" : "published", p->opts->by);
	if (rc == 0)
		announce(app, &p->r.release, p->opts->staged);
	return engine_end(app->engine, rc);
}

int
publish_envelope(struct app *app, struct slice envelope,
    const struct publish_opts *o, struct publish_result *ret, struct why *why)
{
	struct publish *p = calloc(1, sizeof(*p));
	struct why none;
	int rc;

	if (p == NULL)
		return ERR_NOMEM;
	p->app = app;
	p->opts = o;
	p->why = why != NULL ? why : &none;
	p->why->text[0] = '\0';
	rc = check(p, envelope);
	if (rc == 0 && !o->dry_run)
		rc = store(p, envelope);
	p->r.exists = rc == ERR_EXISTS;
	if (rc == 0 || rc == ERR_EXISTS)
		*ret = p->r;
	if (rc != 0)
		log_warn("release: refused err=%s by=%s: %s", err_name(rc),
		    o->by != NULL ? o->by : "-", p->why->text);
	free(p);
	return rc;
}

/* --- and out --- */

static int
find(struct store *s, uint64_t release, struct store_release *ret,
    struct why *why)
{
	int rc = s->ops->release_get(s, release, ret);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no release %llu",
		    (unsigned long long)release);
	return rc;
}

int
publish_offer(struct app *app, uint64_t release, struct why *why)
{
	struct store *s = app->store;
	struct store_release r;
	int rc = find(s, release, &r, why);

	if (rc == 0 && r.state != RELEASE_STAGED)
		return why_set(why, ERR_STATE, r.state == RELEASE_LIVE ?
		    "it is offered already" : "it is withdrawn");
	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	rc = s->ops->release_set_state(s, release, RELEASE_LIVE);
	if (rc == 0)
		rc = log_release(app, &r, "offered", NULL);
	if (rc == 0)
		announce(app, &r, false);
	return engine_end(app->engine, rc);
}

int
publish_withdraw(struct app *app, uint64_t release, struct why *why)
{
	struct store *s = app->store;
	struct store_release r;
	int rc = find(s, release, &r, why);

	if (rc == 0 && r.state == RELEASE_WITHDRAWN)
		return why_set(why, ERR_STATE, "withdrawn already");
	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	rc = s->ops->release_set_state(s, release, RELEASE_WITHDRAWN);
	if (rc == 0)
		rc = campaign_withdrawn(app, release);
	if (rc == 0)
		rc = log_release(app, &r, "withdrawn", NULL);
	if (rc == 0)
		announce(app, &r, false);
	return engine_end(app->engine, rc);
}
