/*
 * The device's trust list: which one is in force, how the next one comes, and
 * what it says of a manifest; and freshness by nonce.
 *
 * A list lies in one of two places of the storage, behind its SHA-256: the
 * next one is written to the other place, so that a power loss leaves that
 * torn, which the digest tells, and this one whole. The image brings a list,
 * too; the newest of the three is in force. What the other place has is the
 * list before: a key that was in it and is no longer is a key that was
 * removed, and no reason to ask for a newer list.
 *
 * A newer list is asked for when an answer to a poll names one, when a
 * manifest is signed by a key that nobody knows or asks for a list itself,
 * or when a fresh answer does. When that was for nothing, not before a day is
 * over: whoever can forge such hints must not make the device ask all the
 * time. Roots that are others than ours are met one list at a time.
 */
#include "device/core.h"

#include <stdio.h>

#include "lib/fresh.h"

#define HASH 32
#define NONCE 16

/* --- in force --- */

/* What is in a place, into t->next. False: nothing, or a torn one. */
static bool
read_place(struct suitdev *d, unsigned place, struct trust *ret)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct digest hash;
	struct slice s;
	size_t n = 0;

	if (d->cfg.storage->list_read(d->cfg.storage_arg, place, t->next,
	    sizeof t->next, &n) != 0 || n <= HASH)
		return false;
	s = slice_of(t->next + HASH, n - HASH);
	return digest_compute(DIGEST_SHA256, s, &hash) == 0 &&
	    memcmp(hash.b, t->next, HASH) == 0 &&
	    trust_parse(s, ret, NULL) == 0;
}

/* These bytes are in force from now on. They have been read before. */
static int
put_in_force(struct suitdev_trust *t, struct slice s)
{
	memmove(t->bytes, s.p, s.n);
	return trust_parse(slice_of(t->bytes, s.n), &t->list, NULL);
}

/* Durable first. The other place is the one that may get torn. */
static int
keep(struct suitdev *d, size_t n)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct digest hash;
	int err = digest_compute(DIGEST_SHA256, slice_of(t->next + HASH, n),
	    &hash);

	if (err != 0)
		return err;
	memcpy(t->next, hash.b, HASH);
	err = d->cfg.storage->list_write(d->cfg.storage_arg, !t->place,
	    slice_of(t->next, HASH + n));
	if (err != 0)
		return why_set(&d->why, err, "the trust list cannot be "
		    "stored");
	t->place = !t->place;
	err = put_in_force(t, slice_of(t->next + HASH, n));
	if (err == 0)
		core_attest_list(d);
	return err;
}

int
core_list_load(struct suitdev *d)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct trust list, first;
	int err;

	if (t == NULL)
		return 0;
	if (d->cfg.storage->list_read == NULL ||
	    (t->fresh && t->random == NULL))
		return why_set(&d->why, ERR_UNSUPPORTED, "a trust list needs "
		    "list_read and list_write, and freshness a random");
	t->heard = t->wanted = t->transfer = t->fresh_ok = false;
	t->walk = 0;
	t->heard_at = t->wanted_at = t->fresh_at = 0;
	t->list = (struct trust){.seq = 0};
	t->place = 1;
	for (unsigned i = 0; i < 2; i++) {
		if (!read_place(d, i, &list) || list.seq <= t->list.seq)
			continue;
		t->place = i;
		err = put_in_force(t, list.message);
		if (err != 0)
			return err;
	}
	/* what the image brings came with what we run */
	err = trust_parse(t->first, &first, &d->why);
	if (err == 0)
		err = trust_pin(&first, &d->why);
	if (err != 0 || first.seq <= t->list.seq)
		return t->list.seq > 0 ? 0 : err;
	memcpy(t->next + HASH, t->first.p, t->first.n);
	if (keep(d, t->first.n) != 0) /* as good from the image, for now */
		return put_in_force(t, t->first);
	return 0;
}

/* --- asking for a newer one --- */

void
core_list_heard(struct suitdev *d, uint64_t seq)
{
	struct suitdev_trust *t = d->cfg.trust;

	if (t != NULL && seq > t->list.seq)
		t->heard = true;
}

int
core_list_ask(struct suitdev *d)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct suitdev_request rq = {.method = 1, .content_format = -1};
	char uri[32] = "/k";

	if (!t->transfer) {
		t->szx = d->cfg.kind->szx;
		t->next_n = 0;
		rq.fresh = true;
	}
	if (t->walk != 0)
		snprintf(uri, sizeof uri, "/k/%llu",
		    (unsigned long long)t->walk);
	rq.uri = uri;
	rq.have_block = true;
	rq.szx = t->szx;
	rq.num = (uint32_t)(t->next_n >> (t->szx + 4));
	t->transfer = true;
	return core_send(d, SUITDEV_LIST, &rq);
}

/* For nothing. Who sends manifests of unknown keys must not delay what the
 * server says, so each has a wait of its own. */
static void
not_again(struct suitdev *d, int64_t now)
{
	struct suitdev_trust *t = d->cfg.trust;
	int64_t at = core_later(d, now, suitdev_rule[FAIL_POLICY].base_ms);

	if (t->heard)
		t->heard_at = at;
	if (t->wanted)
		t->wanted_at = at;
	t->heard = t->wanted = t->transfer = false;
	t->walk = 0;
}

static void
bad_list(struct suitdev *d, int64_t now, int err)
{
	d->count.bad_lists++;
	d->fail = FAIL_POLICY;
	d->why.err = err;
	not_again(d, now);
}

static void
accepted(struct suitdev *d, int64_t now)
{
	struct suitdev_trust *t = d->cfg.trust;

	d->count.lists++;
	t->heard_at = t->wanted_at = t->fresh_at = now;
	/* what was refused may be allowed now, and what was not, not */
	memset(d->reject, 0, sizeof d->reject);
	d->seen_len = 0;
	d->ask_at = core_wants_ask(d) ? now : d->ask_at;
	core_rejudge(d, now);
}

static void
consider(struct suitdev *d, int64_t now)
{
	struct suitdev_trust *t = d->cfg.trust;
	const bool walking = t->walk != 0;
	struct trust next;
	int err;

	t->transfer = false;
	err = trust_parse(slice_of(t->next + HASH, t->next_n), &next,
	    &d->why);
	if (err == 0)
		err = trust_step(&t->list, &next, &d->why);
	if (err == ERR_ORDER && !walking) {
		t->walk = t->list.seq + 1; /* other roots: one by one */
		return;
	}
	if (err == ERR_EXISTS || err == ERR_SEQUENCE) {
		not_again(d, now);
		return;
	}
	if (err == 0)
		err = keep(d, t->next_n);
	if (err != 0) {
		bad_list(d, now, err);
		return;
	}
	t->walk = 0;
	t->wanted = false;
	t->heard = walking; /* and after it, the newest */
	accepted(d, now);
}

static bool
block_ok(const struct suitdev_trust *t, const struct suitdev_response *r)
{
	if (!r->have_block)
		return t->next_n == 0;
	return r->szx <= t->szx &&
	    (uint64_t)r->num << (r->szx + 4) == t->next_n &&
	    (!r->more || r->payload.n == (size_t)1 << (r->szx + 4)) &&
	    (t->next_n == 0 || (r->etag_len == t->etag_len &&
	    memcmp(r->etag, t->etag, r->etag_len) == 0));
}

void
core_list_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	struct suitdev_trust *t = d->cfg.trust;

	if (r->code != 205 || !block_ok(t, r)) {
		(void)why_set(&d->why, ERR_REJECTED, "the trust list is "
		    "answered %u.%02u", r->code / 100, r->code % 100);
		not_again(d, now);
		return;
	}
	if (t->next_n + r->payload.n > LIMIT_TRUST_LIST) {
		bad_list(d, now, why_set(&d->why, ERR_SIZE, "the trust list "
		    "is larger than %d bytes", LIMIT_TRUST_LIST));
		return;
	}
	if (t->next_n == 0) {
		t->etag_len = (uint8_t)r->etag_len;
		memcpy(t->etag, r->etag, r->etag_len);
	}
	memcpy(t->next + HASH + t->next_n, r->payload.p, r->payload.n);
	t->next_n += r->payload.n;
	t->szx = r->have_block ? r->szx : t->szx;
	if (!r->have_block || !r->more)
		consider(d, now);
}

void
core_list_lost(struct suitdev *d)
{
	if (d->cfg.trust != NULL)
		d->cfg.trust->transfer = false;
}

/* --- what it says of a manifest --- */

uint64_t
core_base(const struct suitdev *d)
{
	const struct suitdev_trust *t = d->cfg.trust;

	return t == NULL ? d->nv.sequence : trust_base(&t->list,
	    d->cfg.class_id, d->nv.sequence);
}

/* Signed by a key that neither this list nor the one before knows? */
static bool
unheard_of(struct suitdev *d)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct trust before;
	const bool have = !t->transfer && read_place(d, !t->place, &before);

	for (size_t i = 0; i < d->m.auth_count; i++) {
		struct cose_msg msg;

		if (cose_parse(d->m.auth[i], &msg, NULL) != 0)
			continue;
		if (msg.kid.n == 0 || (trust_find(&t->list, msg.kid) == NULL &&
		    !(have && trust_find(&before, msg.kid) != NULL)))
			return true;
	}
	return false;
}

enum track_reason
core_list_judge(struct suitdev *d, const struct manifest_plan *plan)
{
	const struct suitdev_trust *t = d->cfg.trust;
	struct trust_claim claim = trust_claim_of(&d->m, plan);

	switch (trust_manifest(&t->list, &claim, NULL, &d->why)) {
	case 0:
		return REASON_NONE;
	case ERR_CLASS:
		return REASON_CLASS;
	case ERR_SEQUENCE:
	case ERR_RANGE:
		return REASON_SEQUENCE;
	case ERR_SIGNATURE:
		if (unheard_of(d))
			d->cfg.trust->wanted = true;
		return REASON_SIGNATURE;
	default:
		return REASON_SIGNATURE;
	}
}

bool
core_list_at_least(struct suitdev *d, uint64_t seq)
{
	const uint64_t have = d->cfg.trust != NULL ?
	    d->cfg.trust->list.seq : 0;

	if (seq <= have)
		return true;
	core_list_heard(d, seq);
	(void)why_set(&d->why, ERR_POLICY, "the manifest asks for trust list "
	    "%llu, this device has %llu", (unsigned long long)seq,
	    (unsigned long long)have);
	return false;
}

/* --- freshness --- */

bool
core_fresh_wanted(const struct suitdev *d)
{
	const struct suitdev_trust *t = d->cfg.trust;

	return t != NULL && t->fresh && !t->fresh_ok && d->loaded;
}

int
core_fresh_ask(struct suitdev *d)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct fresh_ask ask = {.nonce = slice_of(t->nonce, NONCE),
	    .class_count = 1};
	struct suitdev_request rq = {.method = 2, .content_format = 60};
	uint8_t bytes[64];
	struct buf b = buf_of(bytes, sizeof bytes);
	char uri[LIMIT_EP + 16];

	t->random(t->random_arg, t->nonce, NONCE);
	memcpy(ask.class_id[0], d->cfg.class_id, 16);
	fresh_ask_put(&ask, &b);
	snprintf(uri, sizeof uri, "/k/now?ep=%s", d->cfg.ep);
	rq.uri = d->cfg.authenticated ? "/k/now" : uri;
	rq.payload = buf_slice(&b);
	return core_send(d, SUITDEV_FRESH, &rq);
}

static void
not_fresh(struct suitdev *d, int64_t now)
{
	struct suitdev_trust *t = d->cfg.trust;

	if (t->fresh_fails < UINT8_MAX)
		t->fresh_fails++;
	d->fail = FAIL_POLICY;
	t->fresh_at = now + backoff_delay(&suitdev_rule[FAIL_TRANSPORT],
	    t->fresh_fails, backoff_rand(&d->rnd));
}

void
core_fresh_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	struct suitdev_trust *t = d->cfg.trust;
	struct fresh f;
	uint64_t seq;

	if (r->code != 205) {
		(void)why_set(&d->why, ERR_REJECTED, "the nonce is answered "
		    "%u.%02u", r->code / 100, r->code % 100);
		not_fresh(d, now);
		return;
	}
	if (fresh_verify(r->payload, &t->list, &f, &d->why) != 0) {
		not_fresh(d, now);
		return;
	}
	if (!slice_eq(f.nonce, slice_of(t->nonce, NONCE))) {
		(void)why_set(&d->why, ERR_POLICY, "an answer to another "
		    "nonce");
		not_fresh(d, now);
		return;
	}
	if (f.list > t->list.seq) {
		core_list_heard(d, f.list);
		not_fresh(d, now); /* again with that list, or later */
		return;
	}
	t->fresh_fails = 0;
	if (fresh_seq(&f, d->cfg.class_id, &seq) && d->m.sequence >= seq) {
		t->fresh_ok = true;
		return;
	}
	(void)why_set(&d->why, ERR_SEQUENCE, "the manifest is not the "
	    "current one");
	core_refuse(d, now, REASON_SEQUENCE);
}
