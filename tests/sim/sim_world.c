/*
 * The daemon's life, after daemon/app.c: opened over what survives (store,
 * images, the operator's key), killed without warning, opened again. A kill
 * comes at the next turn that has written something: before its commit
 * (the turn is undone) or after it, before its answers and pushes leave.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "daemon/publish.h"
#include "lib/text.h"
#include "tests/db/psk.h"

/* --- stores --- */

static int
open_store(struct sim *s)
{
	char path[220];
	struct store_sqlite_opts o = {path, false, true, NULL};

	if (!s->sqlite)
		return s->app.store != NULL ? 0 :
		    store_mem_open(&s->app.store);
	snprintf(path, sizeof(path), "%s/suitd.db", s->dir);
	return store_sqlite_open(&o, &s->app.store, &s->why);
}

static void
close_store(struct sim *s)
{
	if (!s->sqlite && !s->over)
		return; /* it lives on; its open pair is undone already */
	store_close(s->app.store);
	s->app.store = NULL;
}

/* --- life --- */

int
sim_daemon_start(struct sim *s)
{
	struct blob_opts bo = {s->dir, LIMIT_IMAGE, 1u << 30};
	struct app *a = &s->app;
	int rc = open_store(s);

	s->life++;
	s->up = true;
	a->loop = &s->loop;
	a->front = &s->front;
	a->peer = &s->peer;
	a->started = s->now;
	if (rc == 0)
		rc = blob_open(&bo, &a->blobs, &s->why);
	if (rc == 0)
		rc = access_open(s->dir, &a->access, &s->why);
	if (rc == 0)
		rc = catalog_new(&a->catalog);
	if (rc == 0)
		rc = catalog_load(a->catalog, a->store);
	if (rc == 0)
		rc = polled_new(a->store, LIMIT_POLLED, &a->polled);
	if (rc == 0)
		rc = admit_new(&a->admit);
	if (rc == 0)
		rc = runs_new(&a->runs);
	if (rc == 0)
		rc = campaigns_new(&a->campaigns);
	if (rc == 0)
		rc = engine_new(a, &a->engine);
	s->touched = rc == 0;
	return rc;
}

void
sim_daemon_kill(struct sim *s)
{
	struct app *a = &s->app;

	if (!s->up)
		return;
	sim_trace(s, NULL, "the daemon is killed");
	s->up = s->touched = false;
	s->kill = KILL_NO;
	a->front = NULL; /* what is out gives back its memory, no more */
	sim_peer_close(s);
	sim_front_close(s);
	s->loop.timer_at = 0;
	engine_free(a->engine);
	campaigns_free(a->campaigns);
	runs_free(a->runs);
	admit_free(a->admit);
	polled_free(a->polled);
	catalog_free(a->catalog);
	access_free(a->access);
	blob_close(a->blobs);
	a->engine = NULL;
	a->campaigns = NULL;
	a->runs = NULL;
	a->admit = NULL;
	a->polled = NULL;
	a->catalog = NULL;
	a->access = NULL;
	a->blobs = NULL;
	close_store(s);
}

static uint64_t
commits(struct sim *s)
{
	struct store_stats st;

	s->app.store->ops->stats(s->app.store, &st);
	return st.commits;
}

/* Is the turn's pair open? Then a begin in it is a savepoint, and the
 * store does not say: a write outside of a pair would be refused. */
static bool
wrote(struct sim *s)
{
	struct store *st = s->app.store;

	return st->ops->meta_put(st, "sim", slice_str("x")) != ERR_STATE;
}

bool
sim_daemon_dying(struct sim *s)
{
	return s->kill == KILL_SENT && commits(s) != s->commits;
}

void
sim_turn(struct sim *s)
{
	s->touched = false;
	if (!s->up)
		return;
	if (s->kill == KILL_TURN && wrote(s)) {
		sim_trace(s, NULL, "... before a commit");
		sim_daemon_kill(s);
		return;
	}
	if (s->kill == KILL_SENT)
		s->commits = commits(s);
	s->loop.hook(s->loop.hook_arg);
	if (sim_daemon_dying(s)) {
		sim_trace(s, NULL, "... behind a commit");
		sim_daemon_kill(s);
	}
}

/* --- what it serves --- */

int
sim_publish(struct sim *s, struct sim_release *r)
{
	static const uint8_t id[] = {0x81, 0x41, 0x00};
	static struct publish_result res;
	struct manifest_spec spec = {
		.dialect = MANIFEST_CURRENT, .sequence = r->seq,
		.have_vendor = true, .have_class = true, .component_count = 1,
	};
	struct manifest_spec_payload *p = &spec.component[0].payload[0];
	struct publish_opts o = {0};
	struct cose_sign_opts sign = {0};
	uint8_t bare[2048], out[2048], *image, digest[32];
	struct buf b = buf_of(bare, sizeof(bare));
	struct buf e = buf_of(out, sizeof(out));
	struct blob_put *put;
	char uri[32];
	int rc;

	if (r->id != 0)
		return 0;
	image = sim_alloc(NULL, s->image_n, 1);
	memset(image, (int)r->seq, s->image_n);
	rc = digest_compute(DIGEST_SHA256, slice_of(image, s->image_n),
	    &p->digest);
	if (rc == 0)
		rc = blob_put_begin(s->app.blobs, &put);
	if (rc == 0)
		rc = blob_put_write(put, slice_of(image, s->image_n));
	if (rc == 0)
		rc = blob_put_commit(put, p->digest.b, digest, &s->why);
	free(image);
	snprintf(uri, sizeof(uri), "/fw/%llu.bin",
	    (unsigned long long)r->seq);
	memcpy(spec.vendor, s->vendor, 16);
	memcpy(spec.class_id, s->class_id, 16);
	spec.component[0].id = slice_of(id, sizeof(id));
	spec.component[0].payload_count = 1;
	p->uri = uri;
	p->size = s->image_n;
	if (rc == 0)
		rc = manifest_envelope(&spec, &b, &s->why);
	if (rc == 0)
		rc = manifest_sign(buf_slice(&b), s->key, &sign, &e, &s->why);
	if (rc == 0)
		rc = publish_envelope(&s->app, buf_slice(&e), &o, &res,
		    &s->why);
	r->id = rc == 0 ? res.release.id : 0;
	sim_trace(s, NULL, "published %llu: %s",
	    (unsigned long long)r->seq, err_name(rc));
	return rc;
}

/* What cannot be said in a registration was said by an operator: a key, a
 * tag, that the manifest itself is to be sent. */
static int
add_device(struct sim *s, const struct sim_dev *d)
{
	const struct sim_group *g = d->g;
	struct store *st = s->app.store;
	struct store_device row = {
		.have_class = true, .driver = g->kind.pushed ?
		    DRIVER_MANIFEST : g->kind.triggers ? DRIVER_TRIGGER :
		    DRIVER_NONE,
		.driver_set = g->kind.triggers, .nul_trigger = g->kind.riot,
		.have_seq = true, .seq = g->seq,
		.created = s->now,
	};
	int rc;

	snprintf(row.ep, sizeof(row.ep), "%s", d->ep);
	snprintf(row.addr, sizeof(row.addr), "%s", d->addr);
	memcpy(row.class_id, s->class_id, 16);
	memcpy(row.vendor, s->vendor, 16);
	if (g->tag_name[0] != '\0') {
		strcpy(row.tag[0].name, g->tag_name);
		strcpy(row.tag[0].value, g->tag_value);
		row.tag_count = 1;
	}
	rc = st->ops->device_put(st, &row);
	if (rc == 0 && g->auth)
		rc = psk_put(st, d->ep, row.id,
		    slice_str("0123456789abcdef"));
	return rc;
}

static int
add_all(struct sim *s)
{
	struct store_author a = {.name = "alice"};
	struct buf b = buf_of(a.key, sizeof(a.key));
	int rc = cose_key_id(s->key, a.kid);

	if (rc == 0)
		rc = cose_key_put_cose(s->key, &b);
	a.key_len = b.n;
	if (rc == 0)
		rc = engine_begin(s->app.engine);
	if (rc != 0)
		return rc;
	rc = s->app.store->ops->author_put(s->app.store, &a);
	for (unsigned i = 0; rc == 0 && i < s->dev_n; i++) {
		const struct sim_group *g = s->dev[i].g;

		if (g->auth || !g->kind.registers || g->kind.pushed ||
		    g->tag_name[0] != '\0')
			rc = add_device(s, &s->dev[i]);
	}
	return engine_end(s->app.engine, rc);
}

int
sim_world_open(struct sim *s)
{
	const char *tmp = getenv("TMPDIR");
	int rc = cose_key_generate(COSE_KEY_P256, &s->key);

	if (snprintf(s->dir, sizeof(s->dir), "%s/suitd-sim-XXXXXX",
	    tmp != NULL ? tmp : "/tmp") >= (int)sizeof(s->dir) ||
	    mkdtemp(s->dir) == NULL)
		rc = why_set(&s->why, ERR_IO, "%s: cannot be made", s->dir);
	s->ring.key[s->ring.n++] = s->key;
	memset(s->class_id, 0xc1, 16);
	memset(s->vendor, 0x7e, 16);
	text_hex(slice_of(s->class_id, 16), s->class_hex,
	    sizeof(s->class_hex));
	conf_default(&s->app.conf);
	strcpy(s->app.conf.public_uri, "coap://fw.example");
	s->loop.s = s->front.s = s->peer.s = s;
	s->loop_rnd = s->seed * 3 + 1;
	s->net_rnd = s->seed * 3 + 2;
	s->dev_rnd = s->seed * 3 + 3;
	s->block_szx = 6;
	s->image_n = 16384;
	return rc;
}

int
sim_world_begin(struct sim *s)
{
	int rc;

	s->now = SIM_EPOCH - s->settle;
	for (size_t i = 0; i < s->group_n; i++)
		s->dev_n += s->group[i].n;
	s->dev = sim_alloc(NULL, s->dev_n, sizeof(*s->dev));
	s->front.marked = sim_alloc(NULL, s->dev_n, sizeof(uint32_t));
	s->front.dirty = sim_alloc(NULL, s->dev_n, sizeof(uint32_t));
	rc = sim_daemon_start(s);
	for (size_t i = 0; i < s->group_n && rc == 0; i++)
		for (unsigned k = 0; k < s->group[i].n && rc == 0; k++)
			rc = sim_dev_init(s, s->group[i].first + k,
			    &s->group[i]);
	if (rc == 0)
		rc = add_all(s);
	if (rc == 0)
		sim_turn(s);
	return rc;
}

void
sim_world_close(struct sim *s)
{
	char cmd[220];

	sim_daemon_kill(s);
	s->app.front = NULL;
	sim_drain(s);
	close_store(s);
	for (unsigned i = 0; i < s->dev_n; i++)
		sim_dev_fini(&s->dev[i]);
	free(s->dev);
	free(s->front.marked);
	free(s->front.dirty);
	free(s->front.held);
	free(s->count.minute);
	cose_key_free(s->key);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", s->dir);
	if (system(cmd) != 0)
		fprintf(stderr, "sim: %s is left\n", s->dir);
}
