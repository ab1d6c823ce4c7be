/*
 * What is said to the server, and the judgement of a manifest.
 *
 * A manifest passes, in this order: the reject ring, the form, the sequence,
 * its commands and parameters (one that is not known ends it), vendor and
 * class, both proofs (signature over the digest, digest over the manifest),
 * the choice of one download per component, integrated payloads. What is
 * cheap comes before the signature, which takes a small device a second: who
 * floods it with what is old or for others costs it none. Nothing of a
 * manifest is fetched, and no counter is reset, before all passed: a stranger
 * who can answer in the server's place must not be able to make a device
 * forget its back-off.
 *
 * The reject ring knows an envelope by the hash of its bytes. Its claimed
 * digest would not do: a forgery that claims the good manifest's digest
 * would lock the good one out.
 */
#include "device/core.h"

#include <stdio.h>

#include "lib/report.h"
#include "lib/text.h"

#define URI_MAX 512

/* --- registration --- */

int
core_register(struct suitdev *d)
{
	const struct suitdev_config *c = &d->cfg;
	const char *links = !c->kind->triggers ? "" :
	    c->kind->pushed ? "</suit/manifest>" : "</suit/trigger>";
	struct suitdev_request rq = {.method = 2, .content_format = -1};
	char uri[URI_MAX], vendor[37], runs[64];

	rq.uri = d->location;
	if (d->location[0] == '\0') {
		snprintf(runs, sizeof runs, "&seq=%llu&v=%llu",
		    (unsigned long long)d->nv.sequence,
		    (unsigned long long)d->nv.sequence);
		snprintf(uri, sizeof uri, "/rd?ep=%s&c=%s&vendor=%s%s&lt=%u",
		    c->ep, c->class_path, text_uuid(c->vendor, vendor),
		    d->recovery ? "" : runs, c->lifetime);
		rq.uri = uri;
		rq.payload = slice_str(links);
		if (rq.payload.n > 0)
			rq.content_format = 40;
	}
	return core_send(d, SUITDEV_REGISTER, &rq);
}

void
core_registered(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	const bool refresh = d->location[0] != '\0';

	d->registered = r->code < 300;
	if (r->code == 201 && r->location.n > 0 &&
	    r->location.n < sizeof d->location - 1) {
		d->location[0] = '/';
		memcpy(d->location + 1, r->location.p, r->location.n);
		d->location[r->location.n + 1] = '\0';
	}
	if (d->registered) {
		int64_t renew = d->cfg.lifetime * INT64_C(750);

		d->register_at = now + (renew < SUITDEV_DAY_MS ? renew :
		    SUITDEV_DAY_MS);
		return;
	}
	d->location[0] = '\0';
	if (refresh) {
		d->register_at = now; /* forgotten there: in full, once */
		return;
	}
	/* a server that tracks nobody still has firmware */
	(void)why_set(&d->why, ERR_REJECTED, "registration answered %u.%02u",
	    r->code / 100, r->code % 100);
	d->register_at = core_later(d, now, SUITDEV_DAY_MS);
}

/* --- reports --- */

static uint64_t
plan_total(const struct suitdev *d)
{
	uint64_t total = 0;

	for (size_t i = 0; i < d->plan_n; i++)
		total += d->plan[i].size;
	return total;
}

static uint64_t
plan_done(const struct suitdev *d)
{
	uint64_t done = d->nv.off;

	for (size_t i = 0; i < d->nv.part && i < d->plan_n; i++)
		done += d->plan[i].size;
	return done;
}

void
suitdev_progress(const struct suitdev *d, uint64_t *ret_done,
    uint64_t *ret_total)
{
	*ret_done = d->loaded ? plan_done(d) : 0;
	*ret_total = d->loaded ? plan_total(d) : 0;
}

int
core_report(struct suitdev *d)
{
	const bool owed = d->nv.owed != PHASE_IDLE;
	struct report_status s = {
	    .phase = owed ? d->nv.owed : d->report,
	    .reason = owed ? d->nv.reason : REASON_NONE,
	    .have_sequence = !d->recovery,
	    .sequence = d->nv.sequence,
	    .have_target = d->nv.target_seq != 0,
	    .target = d->nv.target_seq,
	    .attempt = d->nv.attempt,
	};
	struct suitdev_request rq = {.method = 2, .content_format = 60};
	uint8_t bytes[256];
	struct buf b = buf_of(bytes, sizeof bytes);
	char uri[URI_MAX];

	if (owed && d->nv.reason != REASON_NONE && d->nv.reason == d->refused)
		s.target = d->refused_seq;
	suitdev_progress(d, &s.done, &s.total);
	report_put_status(&s, &b);
	snprintf(uri, sizeof uri, "/r?ep=%s", d->cfg.ep);
	rq.uri = d->cfg.authenticated ? "/r" : uri;
	rq.payload = buf_slice(&b);
	return core_send(d, SUITDEV_REPORT, &rq);
}

void
core_reported(struct suitdev *d)
{
	if (d->nv.owed != PHASE_IDLE) {
		d->nv.owed = PHASE_IDLE;
		d->nv.reason = REASON_NONE;
		if (core_save(d) != 0)
			d->nv.owed = PHASE_IDLE; /* said twice after a loss */
		return;
	}
	d->report = d->report == PHASE_DOWNLOADED ? PHASE_INSTALLING :
	    PHASE_IDLE;
}

/* --- asking --- */

/* A device that waits to be triggered asks by itself to finish a thing. */
bool
core_wants_ask(const struct suitdev *d)
{
	return d->cfg.kind->polls || (!d->cfg.kind->riot && (d->recovery ||
	    (!d->loaded && d->nv.target_seq > d->nv.sequence)));
}

static void
ask_uri(const struct suitdev *d, char *dst, size_t cap)
{
	if (d->by_trigger)
		snprintf(dst, cap, "%s", d->trigger);
	else if (d->cfg.kind->by_class)
		snprintf(dst, cap, "/m/%s", d->cfg.class_path);
	else if (d->cfg.authenticated)
		snprintf(dst, cap, "/m");
	else
		snprintf(dst, cap, "/m?ep=%s", d->cfg.ep);
}

int
core_ask(struct suitdev *d, int64_t now)
{
	const bool riot = d->cfg.kind->riot;
	struct suitdev_request rq = {.method = 1, .content_format = -1};
	char uri[URI_MAX];

	if (!d->transfer) {
		d->szx = d->cfg.kind->szx;
		d->ask_off = 0;
		rq.fresh = true;
		d->by_trigger = d->trigger[0] != '\0' && d->trigger_at <= now;
		rq.observe = d->cfg.kind->observes && !d->by_trigger;
		/* a trigger's URL is another resource, and who triggers
		 * wants to hear what became of it */
		if (!riot && !d->by_trigger && d->seen_len > 0 &&
		    now < d->seen_until) {
			rq.etag_len = d->seen_len;
			memcpy(rq.etag, d->seen, d->seen_len);
		}
	}
	ask_uri(d, uri, sizeof uri);
	rq.uri = uri;
	rq.have_block = true;
	rq.szx = d->szx;
	rq.num = (uint32_t)(d->ask_off >> (d->szx + 4));
	d->transfer = true;
	return core_send(d, SUITDEV_ASK, &rq);
}

/* --- the judgement --- */

static struct suitdev_reject *
reject_find(struct suitdev *d, const uint8_t hash[32])
{
	for (size_t i = 0; i < SUITDEV_REJECTS; i++)
		if (d->reject[i].until != 0 &&
		    memcmp(d->reject[i].hash, hash, 8) == 0)
			return &d->reject[i];
	return NULL;
}

/* What is known to be refused is told again only to who asks for it. */
static void
say_refused(struct suitdev *d, const struct suitdev_reject *r, bool tell)
{
	d->seen_until = r->until;
	d->fail = FAIL_POLICY;
	d->refused = r->reason;
	d->refused_seq = r->sequence;
	if (!tell || !d->cfg.kind->reports)
		return;
	d->nv.owed = PHASE_FAILED;
	d->nv.reason = r->reason;
	if (core_save(d) != 0)
		d->fail = FAIL_EXECUTION;
}

static void
reject(struct suitdev *d, int64_t now, const uint8_t hash[32],
    enum track_reason reason)
{
	struct suitdev_reject *slot = reject_find(d, hash);

	if (slot == NULL)
		slot = &d->reject[d->reject_next++ % SUITDEV_REJECTS];
	memcpy(slot->hash, hash, sizeof slot->hash);
	slot->until = core_later(d, now, SUITDEV_DAY_MS);
	slot->reason = reason;
	slot->sequence = d->m.sequence;
	d->count.rejects++;
	say_refused(d, slot, true);
}

static bool
slot_fits(const struct suitdev *d, const struct manifest_download *dl)
{
	return !dl->have_slot || dl->slot == d->cfg.slot_id[!d->nv.slot];
}

/* One download per component: the first that this device may take. */
static int
choose(struct suitdev *d, const struct manifest_plan *p)
{
	const struct suitdev_config *c = &d->cfg;

	d->plan_n = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct manifest_download *dl = &p->d[i];
		bool taken = false;

		for (size_t k = 0; k < d->plan_n; k++)
			if (d->plan[k].component == dl->component)
				taken = true;
		if (taken || dl->encrypted || !slot_fits(d, dl) ||
		    (dl->have_vendor && memcmp(dl->vendor, c->vendor, 16) != 0) ||
		    (dl->have_class &&
		    memcmp(dl->class_id, c->class_id, 16) != 0))
			continue;
		if (d->plan_n == STORAGE_PARTS)
			return why_set(&d->why, ERR_LIMIT, "more than %d "
			    "components", STORAGE_PARTS);
		if (dl->size > LIMIT_IMAGE || digest_size(dl->digest.alg) == 0)
			return why_set(&d->why, ERR_UNSUPPORTED,
			    "a payload without a usable size and digest");
		d->plan[d->plan_n++] = *dl;
	}
	return d->plan_n > 0 ? 0 : why_set(&d->why, ERR_UNSUPPORTED,
	    "SUIT 6.2: no payload for this device and slot");
}

static bool
names(const uint8_t ids[][16], size_t n, const uint8_t id[16])
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(ids[i], id, 16) == 0)
			return true;
	return false;
}

/* What costs nothing to read, and is believed only to say no. */
static enum track_reason
judge_claims(struct suitdev *d, struct manifest_plan *ret_plan)
{
	const uint64_t have = core_base(d);

	/* the updater may bring back what ran last, and nothing older */
	if (d->m.sequence < have || (d->m.sequence == have && !d->recovery)) {
		(void)why_set(&d->why, ERR_SEQUENCE, "SUIT 8.4.2: sequence "
		    "%llu is not above %llu, which runs",
		    (unsigned long long)d->m.sequence,
		    (unsigned long long)have);
		return REASON_SEQUENCE;
	}
	if (d->m.strange) {
		(void)why_set(&d->why, ERR_UNSUPPORTED, "SUIT 6.4: %s %lld is "
		    "not known here", d->m.strange_param ? "parameter" :
		    "command", (long long)d->m.stranger);
		return REASON_UNSUPPORTED;
	}
	if (manifest_walk(&d->m, ret_plan, &d->why) != 0)
		return REASON_UNSUPPORTED;
	if (!names(ret_plan->class_id, ret_plan->class_count,
	    d->cfg.class_id) ||
	    !names(ret_plan->vendor, ret_plan->vendor_count, d->cfg.vendor)) {
		(void)why_set(&d->why, ERR_CLASS, "SUIT 8.4.8.1: the manifest "
		    "is not for this vendor and class");
		return REASON_CLASS;
	}
	return REASON_NONE;
}

static enum track_reason
judge_content(struct suitdev *d, const struct manifest_plan *plan)
{
	if (!core_list_at_least(d, plan->list_min))
		return REASON_CONDITION;
	if (choose(d, plan) != 0)
		return REASON_UNSUPPORTED;
	if (manifest_check_integrated(&d->m, plan, &d->why) != 0)
		return REASON_DIGEST;
	return REASON_NONE;
}

static enum track_reason
judge(struct suitdev *d)
{
	struct manifest_proof proof;
	struct manifest_plan plan;
	enum track_reason reason;

	d->m.sequence = 0;
	if (manifest_parse(buf_slice(&d->cfg.manifest), &d->m, &d->why) != 0)
		return REASON_PARSE;
	reason = judge_claims(d, &plan);
	if (reason != REASON_NONE)
		return reason;
	if (d->cfg.trust != NULL)
		reason = core_list_judge(d, &plan);
	else if (manifest_verify(&d->m, d->cfg.keys, &proof, &d->why) != 0)
		reason = REASON_SIGNATURE;
	return reason != REASON_NONE ? reason : judge_content(d, &plan);
}

/* A verified manifest becomes, or still is, what is to be done. */
static void
accept_target(struct suitdev *d, int64_t now, const uint8_t hash[32])
{
	struct suitdev_nv *v = &d->nv;

	d->loaded = true;
	if (d->cfg.trust != NULL)
		d->cfg.trust->fresh_ok = false;
	if (memcmp(v->target, hash, sizeof v->target) == 0) {
		/* a state that is damaged may name a part that is not there */
		if (v->step < SUITDEV_FETCHED && v->part >= d->plan_n) {
			v->part = 0;
			v->off = v->etag_len = 0;
		}
		return;
	}
	if (d->open)
		(void)d->cfg.storage->abort(d->cfg.storage_arg);
	d->open = false;
	/* not above the last target's, but above all that ever were: two
	 * good manifests in turn must not reset anything */
	if (d->m.sequence > v->high) {
		v->high = d->m.sequence;
		memset(v->fails, 0, sizeof v->fails);
		v->fail = FAIL_NONE;
		v->resets = 0;
		v->spent = 0;
		v->attempt = 0;
		d->fetch_at = now;
	}
	core_budget(d);
	memcpy(v->target, hash, sizeof v->target);
	v->tries.have = d->m.digest.alg == DIGEST_SHA256;
	memcpy(v->tries.b, d->m.digest.b, sizeof v->tries.b);
	v->failed = BOOT_OK; /* of another one, and nobody asks any more */
	v->target_seq = d->m.sequence;
	v->step = SUITDEV_NONE;
	v->open = false;
	v->part = 0;
	v->off = v->etag_len = 0;
	d->restarts = 0;
}

void
core_refuse(struct suitdev *d, int64_t now, enum track_reason reason)
{
	struct digest hash;

	if (d->open)
		(void)d->cfg.storage->abort(d->cfg.storage_arg);
	d->open = d->loaded = false;
	d->nv.step = SUITDEV_NONE;
	d->nv.open = false;
	d->nv.part = 0;
	d->nv.off = d->nv.etag_len = 0;
	d->report = PHASE_IDLE;
	memset(d->nv.target, 0, sizeof d->nv.target);
	if (digest_compute(DIGEST_SHA256, buf_slice(&d->cfg.manifest),
	    &hash) == 0)
		reject(d, now, hash.b, reason);
}

void
core_rejudge(struct suitdev *d, int64_t now)
{
	enum track_reason reason;

	if (!d->loaded)
		return;
	reason = judge(d);
	if (reason != REASON_NONE)
		core_refuse(d, now, reason);
}

/* The whole envelope is here. */
static void
consider(struct suitdev *d, int64_t now, bool triggered)
{
	const struct suitdev_reject *known;
	struct digest hash;
	enum track_reason reason;

	core_trigger_end(d);
	if (digest_compute(DIGEST_SHA256, buf_slice(&d->cfg.manifest),
	    &hash) != 0)
		return;
	known = reject_find(d, hash.b);
	if (known != NULL && now < known->until && !d->cfg.kind->riot) {
		say_refused(d, known, triggered);
		return;
	}
	reason = judge(d);
	if (reason == REASON_SEQUENCE && d->m.sequence == d->nv.sequence &&
	    !d->cfg.kind->riot) {
		/* up to date: no failure; a trigger deserves the answer */
		if (triggered && d->cfg.kind->reports)
			d->nv.owed = PHASE_SUCCEEDED;
		return;
	}
	if (reason != REASON_NONE)
		reject(d, now, hash.b, reason);
	else
		accept_target(d, now, hash.b);
}

/* The manifest's own transfer did not work out; the next poll is next. */
static void
give_up_asking(struct suitdev *d, int64_t now, enum track_reason reason)
{
	d->transfer = false;
	core_trigger_end(d);
	d->bad_asks = 0;
	d->ask_at = core_later(d, now, d->cfg.poll * INT64_C(1000));
	d->fail = FAIL_INTEGRITY;
	d->refused = reason;
}

static bool
manifest_block_ok(struct suitdev *d, const struct suitdev_response *r)
{
	const uint64_t off = (uint64_t)r->num << (r->szx + 4);

	if (!r->have_block)
		return d->ask_off == 0;
	if (r->szx > d->szx || off != d->ask_off ||
	    (r->more && r->payload.n != (size_t)1 << (r->szx + 4)))
		return false;
	if (d->ask_off == 0 || d->cfg.kind->riot)
		return true;
	return r->etag_len == d->etag_len &&
	    memcmp(r->etag, d->etag, r->etag_len) == 0;
}

static void
manifest_part(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	if (!manifest_block_ok(d, r)) {
		/* changed under our hands, or not what was asked: anew */
		d->transfer = false;
		if (d->bad_asks++ >= 3 || d->cfg.kind->riot) {
			give_up_asking(d, now, REASON_DOWNLOAD);
			return;
		}
		d->ask_at = now;
		d->seen_len = 0;
		return;
	}
	if (d->ask_off == 0) {
		/* what was known of the former one went with it */
		d->loaded = false;
		d->seen_len = 0;
		d->cfg.manifest.n = 0;
		d->cfg.manifest.over = false;
		d->etag_len = (uint8_t)r->etag_len;
		memcpy(d->etag, r->etag, r->etag_len);
	}
	buf_put(&d->cfg.manifest, r->payload);
	d->szx = r->have_block ? r->szx : d->szx;
	d->ask_off += r->payload.n;
	if (d->cfg.manifest.over) {
		(void)why_set(&d->why, ERR_SIZE, "the manifest is larger "
		    "than %zu bytes", d->cfg.manifest.cap);
		give_up_asking(d, now, REASON_PARSE);
	} else if (!r->have_block || !r->more) {
		d->transfer = false;
		d->bad_asks = 0;
		memcpy(d->seen, d->etag, d->etag_len);
		d->seen_len = d->etag_len;
		d->seen_until = SUITDEV_NEVER;
		if (d->cfg.manifest.n > 0)
			consider(d, now, d->by_trigger);
	}
}

int
suitdev_pushed(struct suitdev *d, int64_t now, const struct block *b,
    struct slice part)
{
	const size_t off = b == NULL ? 0 : (size_t)b->num << (b->szx + 4);

	if (d->phase == SUITDEV_OFF || !d->cfg.kind->pushed)
		return ERR_STATE;
	if (d->transfer || d->phase == SUITDEV_FETCH ||
	    d->phase == SUITDEV_REBOOT)
		return ERR_BUSY;
	d->by_trigger = false;
	if (off == 0) {
		/* what was loaded is in the same buffer */
		d->loaded = false;
		d->seen_len = 0;
		d->cfg.manifest.n = 0;
		d->cfg.manifest.over = false;
	}
	if (off != d->cfg.manifest.n || d->loaded)
		return ERR_INCOMPLETE;
	buf_put(&d->cfg.manifest, part);
	if (d->cfg.manifest.over)
		return ERR_SIZE;
	if (b != NULL && b->more)
		return 1;
	consider(d, now, true);
	return 0;
}

void
core_manifest(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	int64_t age = core_age(d, r, d->cfg.poll);

	d->count.answers++;
	if (d->transfer && d->ask_off == 0 && d->cfg.kind->observes &&
	    !d->by_trigger)
		d->observing = r->observe;
	/* RFC 7641 3.3.1: a little after it went stale, to be sure */
	if (d->observing)
		age += 5000 + (int64_t)(backoff_rand(&d->rnd) % 10000);
	d->ask_at = now + age;
	if (r->code == 205) {
		manifest_part(d, now, r);
		return;
	}
	d->transfer = false;
	core_trigger_end(d);
	if (r->code == 203 || r->code == 404)
		return; /* nothing new; nothing for us */
	d->seen_len = 0;
	(void)why_set(&d->why, ERR_REJECTED, "the manifest is answered "
	    "%u.%02u", r->code / 100, r->code % 100);
}
