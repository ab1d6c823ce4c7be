/*
 * fake: the engine's world without sockets and clocks. Loop, front and peer
 * are played by the test (fake_edge.h); tracker, store twin, catalog, engine
 * and resources are the real ones.
 */
#ifndef SUITD_TESTS_DAEMON_FAKE_H
#define SUITD_TESTS_DAEMON_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "daemon/publish.h"
#include "daemon/push.h"
#include "daemon/res.h"
#include "daemon/suitd.h"
#include "lib/manifest.h"
#include "lib/text.h"
#include "tests/daemon/fake_edge.h"

struct world {
	struct app app;
	struct loop loop;
	struct front front;
	struct peer peer;
	char dir[64];
	struct cose_key *key;
	uint8_t class_id[16], vendor[16];
};

static inline void
turn(struct world *w)
{
	engine_turn(w->app.engine);
}

/* Time passes; the timer runs each time it is due. */
static inline void
pass(struct world *w, int64_t ms)
{
	int64_t end = w->loop.now + ms;

	while (w->loop.timer_at != 0 && w->loop.timer_at <= end) {
		if (w->loop.timer_at > w->loop.now)
			w->loop.now = w->loop.timer_at;
		w->loop.timer_at = 0;
		engine_due(w->app.engine);
		turn(w);
	}
	w->loop.now = end;
	engine_fold(w->app.engine, false);
	turn(w);
}

/* The last request that was sent to a path, answered. */
static inline void
answer(struct world *w, const char *path, unsigned code, const char *payload)
{
	struct peer_answer a = {.code = code, .payload = slice_str(payload)};

	for (size_t i = w->peer.n; i > 0; i--) {
		struct fake_sent *s = &w->peer.sent[i - 1];

		if (s->cb == NULL || strstr(s->uri, path) == NULL)
			continue;
		if (code == 0)
			a.err = ERR_TIMEOUT;
		void (*cb)(void *, const struct peer_answer *) = s->cb;
		s->cb = NULL;
		cb(s->arg, &a);
		turn(w);
		return;
	}
	fail_msg("nothing was sent to %s", path);
}

static char fake_db[64]; /* directory of the database; "" none */

/* The real database; it dies of a statement that scans a table. */
static inline int
fake_sqlite(struct store **ret)
{
	char path[128];
	struct store_sqlite_opts so = {path, false, true, NULL};
	struct why why;

	strcpy(fake_db, "/tmp/suitd-sql-XXXXXX");
	assert_non_null(mkdtemp(fake_db));
	snprintf(path, sizeof(path), "%s/suitd.db", fake_db);
	return store_sqlite_open(&so, ret, &why);
}

static inline void
world_open(struct world *w, int (*store)(struct store **))
{
	struct blob_opts bo = {w->dir, LIMIT_IMAGE, 1u << 30};
	struct store_author a = {.name = "alice"};
	struct buf b = buf_of(a.key, sizeof(a.key));
	struct why why;

	log_init(getenv("VERBOSE") != NULL ? LOGL_DEBUG : LOGL_ERROR);
	memset(w, 0, sizeof(*w));
	strcpy(w->dir, "/tmp/suitd-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	conf_default(&w->app.conf);
	w->app.conf.downloads = 90000; /* pushes are a millisecond apart */
	strcpy(w->app.conf.public_uri, "coap://fw.example");
	w->loop.now = 1000000;
	w->loop.seed = 1;
	w->app.loop = &w->loop;
	w->app.front = &w->front;
	w->app.peer = &w->peer;
	assert_int_equal(store(&w->app.store), 0);
	assert_int_equal(blob_open(&bo, &w->app.blobs, &why), 0);
	assert_int_equal(catalog_new(&w->app.catalog), 0);
	assert_int_equal(access_open(w->dir, &w->app.access, &why), 0);
	assert_int_equal(polled_new(w->app.store, 64, &w->app.polled), 0);
	assert_int_equal(admit_new(&w->app.admit), 0);
	assert_int_equal(runs_new(&w->app.runs), 0);
	assert_int_equal(campaigns_new(&w->app.campaigns), 0);
	assert_int_equal(engine_new(&w->app, &w->app.engine), 0);
	memset(w->class_id, 0xc1, 16);
	memset(w->vendor, 0x7e, 16);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &w->key), 0);
	assert_int_equal(cose_key_id(w->key, a.kid), 0);
	assert_int_equal(cose_key_put_cose(w->key, &b), 0);
	a.key_len = b.n;
	assert_int_equal(engine_begin(w->app.engine), 0);
	assert_int_equal(engine_end(w->app.engine,
	    w->app.store->ops->author_put(w->app.store, &a)), 0);
	turn(w);
}

/* Nobody gets an answer any more. */
static inline void
fake_stop(struct world *w)
{
	const struct peer_answer stop = {.err = ERR_CANCELLED};

	for (size_t i = 0; i < w->peer.n; i++)
		if (w->peer.sent[i].cb != NULL)
			w->peer.sent[i].cb(w->peer.sent[i].arg, &stop);
	w->peer.n = 0;
}

/* The daemon stops: what waits for an answer ends, as app_close has it. */
static inline void
world_close(struct world *w)
{
	char cmd[160];

	w->app.front = NULL;
	fake_stop(w);
	if (w->front.done != NULL)
		w->front.done(w->front.done_arg, ERR_CANCELLED);
	engine_free(w->app.engine);
	campaigns_free(w->app.campaigns);
	runs_free(w->app.runs);
	admit_free(w->app.admit);
	polled_free(w->app.polled);
	catalog_free(w->app.catalog);
	access_free(w->app.access);
	blob_close(w->app.blobs);
	w->app.store->ops->close(w->app.store);
	cose_key_free(w->key);
	snprintf(cmd, sizeof(cmd), "rm -rf %s %s", w->dir, fake_db);
	assert_int_equal(system(cmd), 0);
	fake_db[0] = '\0';
}

/* kill -9 and a new start on the same store: what is in memory only is gone,
 * and so are the answers that were waited for. */
static inline void
world_kill(struct world *w)
{
	struct front *front = w->app.front;

	w->app.front = NULL;
	fake_stop(w);
	w->app.front = front;
	engine_free(w->app.engine);
	campaigns_free(w->app.campaigns);
	runs_free(w->app.runs);
	admit_free(w->app.admit);
	access_forget(w->app.access);
	polled_free(w->app.polled);
	assert_int_equal(polled_new(w->app.store, 64, &w->app.polled), 0);
	assert_int_equal(admit_new(&w->app.admit), 0);
	assert_int_equal(runs_new(&w->app.runs), 0);
	assert_int_equal(campaigns_new(&w->app.campaigns), 0);
	assert_int_equal(engine_new(&w->app, &w->app.engine), 0);
	turn(w);
}

/* An image of n bytes, all `fill`; its digest. */
static inline struct digest
upload(struct world *w, size_t n, int fill)
{
	uint8_t *bytes = malloc(n);
	struct blob_put *p;
	struct digest d;
	uint8_t digest[32];
	struct why why;

	assert_non_null(bytes);
	memset(bytes, fill, n);
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(bytes, n),
	    &d), 0);
	assert_int_equal(blob_put_begin(w->app.blobs, &p), 0);
	assert_int_equal(blob_put_write(p, slice_of(bytes, n)), 0);
	assert_int_equal(blob_put_commit(p, d.b, digest, &why), 0);
	free(bytes);
	return d;
}

/* What a release is made of; the rest is as small as can be. */
struct made {
	uint64_t seq;
	const char *uri;
	struct digest digest;
	uint64_t size;
	const uint8_t *class_id; /* NULL: the world's */
	bool no_class;
	const struct cose_key *key; /* NULL: the world's */
	const char *version; /* in its text; NULL: none */
	enum manifest_dialect dialect;
};

static inline struct slice
made(struct world *w, const struct made *m, uint8_t *dst, size_t cap)
{
	static const uint8_t id[] = {0x81, 0x41, 0x00};
	static uint8_t bare[4096];
	struct manifest_spec spec = {
		.dialect = m->dialect, .sequence = m->seq,
		.have_vendor = true, .have_class = !m->no_class,
		.component_count = 1, .text_version = m->version,
	};
	struct cose_sign_opts opts = {0};
	struct buf b = buf_of(bare, sizeof(bare)), out = buf_of(dst, cap);
	struct why why = {0};
	int rc;

	memcpy(spec.vendor, w->vendor, 16);
	memcpy(spec.class_id, m->class_id ? m->class_id : w->class_id, 16);
	spec.component[0].id = slice_of(id, sizeof(id));
	spec.component[0].payload_count = 1;
	spec.component[0].payload[0].uri = m->uri;
	spec.component[0].payload[0].digest = m->digest;
	spec.component[0].payload[0].size = m->size;
	rc = manifest_envelope(&spec, &b, &why);
	if (rc == 0)
		rc = manifest_sign(buf_slice(&b), m->key ? m->key : w->key,
		    &opts, &out, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
	return buf_slice(&out);
}

static inline int
publish(struct world *w, const struct made *m, struct publish_result *ret)
{
	static struct publish_result drop;
	uint8_t bytes[4096];
	struct publish_opts o = {0};
	struct why why = {0};
	int rc = publish_envelope(&w->app, made(w, m, bytes, sizeof(bytes)),
	    &o, ret != NULL ? ret : &drop, &why);

	turn(w);
	return rc;
}

/* A release of `size` bytes at `uri`, and its id. */
static inline uint64_t
released(struct world *w, uint64_t seq, const char *uri, size_t size)
{
	static struct publish_result r;
	struct made m = {
		.seq = seq, .uri = uri, .size = size,
		.digest = upload(w, size, (int)seq),
	};

	assert_int_equal(publish(w, &m, &r), 0);
	return r.release.id;
}

static inline struct store_device
device(struct world *w, const char *ep, enum driver driver)
{
	struct store_device d = {.driver = driver, .have_class = true};

	snprintf(d.ep, sizeof(d.ep), "%s", ep);
	memcpy(d.class_id, w->class_id, 16);
	strcpy(d.uri, driver == DRIVER_TRIGGER ? "coap://127.0.0.9" : "");
	assert_int_equal(engine_begin(w->app.engine), 0);
	assert_int_equal(engine_end(w->app.engine,
	    w->app.store->ops->device_put(w->app.store, &d)), 0);
	turn(w);
	return d;
}

/* Planned and started at once, all in one wave; more rules on top. */
static inline struct store_campaign
campaign_for(struct world *w, uint64_t release, const char *rules)
{
	struct campaign_spec spec = {.release = release, .start = true};
	struct store_campaign c;
	struct why why = {0};
	int rc;

	snprintf(spec.policy, sizeof(spec.policy), "waves=100%% soak=0 %s",
	    rules);
	rc = campaign_plan(&w->app, &spec, &c, &why);
	if (rc != 0)
		fail_msg("%s %s", err_name(rc), why.text);
	turn(w);
	return c;
}

static inline struct job
last_job(struct world *w, const struct store_device *d)
{
	struct job j;

	assert_int_equal(w->app.store->ops->job_last(w->app.store, d->id, &j),
	    0);
	return j;
}

/* One request to a handler, as the front would make it. */
static inline int
ask(struct world *w, route_fn fn, struct req *req, struct resp *resp)
{
	static uint8_t out[LIMIT_RESPONSE];
	int rc;

	memset(resp, 0, sizeof(*resp));
	resp->cf = CF_NONE;
	resp->out = buf_of(out, sizeof(out));
	if (req->arg[0] == NULL)
		req->arg[0] = req->arg[1] = "";
	if (req->method == 0)
		req->method = M_GET;
	rc = fn(&w->app, req, resp);
	blob_put_abort(resp->upload);
	return rc;
}

/* How many entries the audit log has of this kind, done to this. */
static inline size_t
audited(struct world *w, const char *kind, const char *subject)
{
	static struct audit_entry e[50];
	struct store_audit_filter f = {.limit = 50};
	size_t n = 0;

	strcpy(f.kind, kind);
	strcpy(f.subject, subject);
	assert_int_equal(w->app.store->ops->audit_list(w->app.store, &f, e,
	    &n), 0);
	return n;
}

#endif
