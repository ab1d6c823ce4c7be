/*
 * The loop of the device: what is due now, and where an answer belongs.
 *
 * Nothing is sent but from suitdev_tick, and there only the first of the
 * table `jobs` whose time has come. `wake` stands above all of them: it is
 * the server's word (4.29, 5.03) or the back-off after silence, and no job
 * runs before it. A block therefore waits for the same back-off as a poll,
 * and a device never has two ways to bother a server that is down.
 */
#include "device/core.h"

#define CONTACT_FAILS 7 /* 30 s doubled as often reach the cap of an hour */

/* No RFC gives these; docs/ARCHITECTURE.md says where they come from. */
const struct backoff_rule suitdev_rule[FAIL_CLASSES] = {
	[FAIL_TRANSPORT] = {30000, SUITDEV_HOUR_MS, 1, 0},
	[FAIL_OVERLOAD] = {1000, SUITDEV_DAY_MS, 1, 0},
	[FAIL_INTEGRITY] = {300000, SUITDEV_DAY_MS, 1, 0},
	[FAIL_POLICY] = {SUITDEV_DAY_MS, SUITDEV_DAY_MS, 1, 0},
	[FAIL_EXECUTION] = {900000, SUITDEV_DAY_MS, 2, 0},
};

const struct suitdev_kind suitdev_kind_plain = {
	.name = "plain", .polls = true, .by_class = true, .szx = 6,
	.manifest_max = 16384,
};
const struct suitdev_kind suitdev_kind_poll = {
	.name = "poll", .registers = true, .reports = true, .polls = true,
	.szx = 6, .manifest_max = 16384,
};
const struct suitdev_kind suitdev_kind_observe = {
	.name = "observe", .registers = true, .reports = true, .polls = true,
	.observes = true, .szx = 6, .manifest_max = 16384,
};
const struct suitdev_kind suitdev_kind_trigger = {
	.name = "trigger", .registers = true, .reports = true,
	.triggers = true, .szx = 6, .manifest_max = 16384,
};
const struct suitdev_kind suitdev_kind_manifest = {
	.name = "manifest", .registers = true, .reports = true,
	.triggers = true, .pushed = true, .szx = 6, .manifest_max = 16384,
};
const struct suitdev_kind suitdev_kind_riot = {
	.name = "riot", .triggers = true, .riot = true, .szx = 2,
	.manifest_max = 640,
};

const char *
suitdev_phase_name(enum suitdev_phase p)
{
	static const char *const name[] = {"off", "idle", "registering",
	    "asking", "fetching", "reporting", "asking for a trust list",
	    "asking for freshness", "attesting", "rebooting"};

	return p <= SUITDEV_REBOOT ? name[p] : "?";
}

int64_t
core_later(struct suitdev *d, int64_t now, int64_t base)
{
	uint64_t jitter = (uint64_t)base / 10 + 1;

	if (jitter > SUITDEV_HOUR_MS)
		jitter = SUITDEV_HOUR_MS;
	return now + base + (int64_t)(backoff_rand(&d->rnd) % jitter);
}

int64_t
core_age(struct suitdev *d, const struct suitdev_response *r, uint32_t def)
{
	const int64_t cap =
	    d->cfg.authenticated ? SUITDEV_DAY_MS : SUITDEV_HOUR_MS;

	return backoff_steered(true, r->have_max_age ? r->max_age : def, cap,
	    backoff_rand(&d->rnd));
}

void
core_steered(struct suitdev *d, int64_t now, const struct suitdev_response *r)
{
	const int64_t until = now + core_age(d, r, 60);

	d->fail = FAIL_OVERLOAD;
	(void)why_set(&d->why, ERR_BUSY, "steered by the server: %u.%02u",
	    r->code / 100, r->code % 100);
	/* a notification may say less than what an answer has said */
	if (until > d->wake)
		d->wake = until;
}

void
core_unreachable(struct suitdev *d, int64_t now)
{
	const struct backoff_rule *t = &suitdev_rule[FAIL_TRANSPORT];

	d->contact_fails++;
	d->fail = FAIL_TRANSPORT;
	if (d->nv.contact < CONTACT_FAILS) {
		d->nv.contact++;
		if (core_save(d) != 0)
			d->fail = FAIL_EXECUTION;
	}
	d->wake = now +
	    backoff_delay(t, d->nv.contact, backoff_rand(&d->rnd));
}

int
core_send(struct suitdev *d, enum suitdev_phase phase,
    const struct suitdev_request *rq)
{
	int err = d->cfg.net->send(d->cfg.net_arg, rq);

	if (err != 0)
		return why_set(&d->why, err, "cannot send to %.80s", rq->uri);
	d->phase = phase;
	d->count.requests++;
	return 0;
}

void
suitdev_init(struct suitdev *d, const struct suitdev_config *cfg)
{
	memset(d, 0, sizeof *d);
	d->cfg = *cfg;
	if (d->cfg.lifetime == 0)
		d->cfg.lifetime = 90000;
	if (d->cfg.poll == 0)
		d->cfg.poll = 3600;
	if (d->cfg.poll > SUITDEV_DAY_S)
		d->cfg.poll = SUITDEV_DAY_S;
	if (d->cfg.boot_spread == 0)
		d->cfg.boot_spread = 60;
	if (d->cfg.boot_spread > SUITDEV_DAY_S)
		d->cfg.boot_spread = SUITDEV_DAY_S;
	if (d->cfg.manifest.cap > cfg->kind->manifest_max)
		d->cfg.manifest.cap = cfg->kind->manifest_max;
	d->rnd = cfg->seed;
	d->fetch_szx = cfg->kind->szx;
}

/* The last start: did the new image come up? */
static void
judge_start(struct suitdev *d, int64_t now, unsigned slot)
{
	struct suitdev_nv *v = &d->nv;

	if (v->step >= SUITDEV_FETCHED && slot != v->slot) {
		*v = (struct suitdev_nv){.sequence = v->target_seq,
		    .slot = slot, .attempt = v->attempt,
		    .target_seq = v->target_seq, .owed = PHASE_SUCCEEDED,
		    .high = v->high, .contact = v->contact,
		    .spread = v->spread, .boot = v->boot,
		    .runs = v->tries};
	} else if (v->step == SUITDEV_STARTING ||
	    (d->recovery && !v->recovery && v->step == SUITDEV_FETCHED)) {
		/* the second: the power went before STARTING was written */
		v->step = SUITDEV_NONE;
		v->off = 0;
		v->part = 0;
		v->failed = v->tries.have ? BOOT_ROLLBACK : BOOT_OK;
		core_failed(d, now, FAIL_EXECUTION, d->recovery ?
		    REASON_RECOVERY : REASON_ROLLBACK);
	} else if (v->open) {
		/* the attempt died with the power: counted, not reported;
		 * bytes since the last write are counted at their most */
		v->spent += v->step == SUITDEV_FETCHING ? CORE_JOURNAL : 0;
		core_failed(d, now, FAIL_TRANSPORT, REASON_REBOOTED);
	} else if (v->fail != FAIL_NONE) {
		if (v->resets < UINT8_MAX)
			v->resets++;
		d->fetch_at = core_retry_at(d, now);
	}
	v->slot = slot;
	v->recovery = d->recovery;
	if (d->recovery && d->cfg.kind->reports) {
		v->owed = PHASE_FAILED;
		v->reason = REASON_RECOVERY;
	}
}

/*
 * Within how many seconds the first contact comes. A start of its own making
 * is alone; after any other the whole neighbourhood may have lost its power.
 * A start before anybody answered the last one halves it: who is switched on
 * for an hour a day would else wait for a day anew each time.
 */
static uint32_t
start_spread(struct suitdev *d, unsigned slot)
{
	struct suitdev_nv *v = &d->nv;
	uint32_t spread;

	if (v->step == SUITDEV_STARTING || slot != v->slot)
		return d->cfg.boot_spread;
	spread = v->starts < 32 ? v->spread >> v->starts : 0;
	if (v->starts < UINT8_MAX)
		v->starts++;
	return spread > d->cfg.boot_spread ? spread : d->cfg.boot_spread;
}

int
suitdev_boot(struct suitdev *d, int64_t now)
{
	const struct suitdev_config cfg = d->cfg;
	const struct suitdev_count count = d->count;
	const uint64_t rnd = d->rnd;
	unsigned slot = 0;
	int64_t first;
	int err;

	suitdev_init(d, &cfg);
	d->count = count;
	d->rnd = rnd;
	d->cfg.manifest.n = 0;
	err = core_load(d);
	if (err == 0)
		err = core_list_load(d);
	if (err == 0)
		err = cfg.storage->active(cfg.storage_arg, &slot);
	if (err == 0 && cfg.storage->recovery != NULL)
		err = cfg.storage->recovery(cfg.storage_arg, &d->recovery);
	if (err != 0)
		return err;
	first = now + core_spread(d, start_spread(d, slot));
	d->register_at = d->ask_at = first;
	d->wake = cfg.kind->riot ? now : first;
	d->fetch_at = now;
	judge_start(d, now, slot);
	core_attest_start(d);
	d->phase = SUITDEV_IDLE;
	/* flash that takes no writes still lets it ask and say so; an attempt
	 * begins with a write and therefore does not, nor is anything signed */
	if (core_save(d) != 0) {
		d->fail = FAIL_EXECUTION;
		if (d->cfg.attest != NULL)
			d->cfg.attest->at = SUITDEV_NEVER;
	}
	return 0;
}

/* --- what is due --- */

static int64_t
due_register(const struct suitdev *d)
{
	return d->cfg.kind->registers ? d->register_at : SUITDEV_NEVER;
}

static int64_t
due_report(const struct suitdev *d)
{
	bool any = d->report != PHASE_IDLE || d->nv.owed != PHASE_IDLE;

	return d->cfg.kind->reports && any ? 0 : SUITDEV_NEVER;
}

static int64_t
due_install(const struct suitdev *d)
{
	bool ready = d->loaded && d->nv.step == SUITDEV_FETCHED &&
	    !core_fresh_wanted(d);

	return ready ? d->fetch_at : SUITDEV_NEVER;
}

static int64_t
due_ask(const struct suitdev *d)
{
	int64_t due = core_wants_ask(d) ? d->ask_at : SUITDEV_NEVER;

	if (d->transfer)
		return 0;
	if (d->trigger[0] != '\0' && d->trigger_at < due)
		due = d->trigger_at;
	return due;
}

static int64_t
due_fetch(const struct suitdev *d)
{
	bool ready = d->loaded && d->nv.step < SUITDEV_FETCHED &&
	    !core_fresh_wanted(d);

	return ready ? d->fetch_at : SUITDEV_NEVER;
}

static int64_t
due_list(const struct suitdev *d)
{
	const struct suitdev_trust *t = d->cfg.trust;

	int64_t due = SUITDEV_NEVER;

	if (t == NULL)
		return due;
	if (t->heard)
		due = t->heard_at;
	if (t->wanted && t->wanted_at < due)
		due = t->wanted_at;
	return t->transfer ? 0 : due;
}

static int64_t
due_fresh(const struct suitdev *d)
{
	if (!core_fresh_wanted(d))
		return SUITDEV_NEVER;
	return d->fetch_at > d->cfg.trust->fresh_at ? d->fetch_at :
	    d->cfg.trust->fresh_at;
}

static int
do_list(struct suitdev *d, int64_t now)
{
	(void)now;
	return core_list_ask(d);
}

static int
do_fresh(struct suitdev *d, int64_t now)
{
	(void)now;
	return core_fresh_ask(d);
}

static int
do_install(struct suitdev *d, int64_t now)
{
	core_install(d, now);
	return 0;
}

static int
do_register(struct suitdev *d, int64_t now)
{
	(void)now;
	return core_register(d);
}

static int
do_report(struct suitdev *d, int64_t now)
{
	(void)now;
	return core_report(d);
}

static int
do_attest(struct suitdev *d, int64_t now)
{
	(void)now;
	return core_attest(d);
}

/* In order of importance when several are due. */
static const struct {
	int64_t (*due)(const struct suitdev *d);
	int (*run)(struct suitdev *d, int64_t now);
	enum suitdev_phase phase; /* what failed when it cannot be sent */
} jobs[] = {
	{due_register, do_register, SUITDEV_REGISTER},
	{due_report, do_report, SUITDEV_REPORT},
	{due_list, do_list, SUITDEV_LIST},
	{due_fresh, do_fresh, SUITDEV_FRESH},
	{core_attest_due, do_attest, SUITDEV_ATTEST},
	{due_install, do_install, SUITDEV_IDLE},
	{due_ask, core_ask, SUITDEV_ASK},
	{due_fetch, core_fetch, SUITDEV_FETCH},
};

static void
lost(struct suitdev *d, int64_t now, enum suitdev_phase p)
{
	if (d->cfg.kind->riot) {
		core_failed(d, now, FAIL_TRANSPORT, REASON_DOWNLOAD);
		return;
	}
	core_unreachable(d, now);
	if (p == SUITDEV_FETCH)
		core_failed(d, now, FAIL_TRANSPORT, REASON_DOWNLOAD);
	if (p == SUITDEV_ASK) {
		d->transfer = d->observing = false;
		core_trigger_lost(d);
	}
	if (p == SUITDEV_LIST)
		core_list_lost(d);
	if (p == SUITDEV_REPORT && d->nv.owed == PHASE_IDLE)
		core_reported(d); /* a sign of progress is not worth more */
}

int64_t
suitdev_tick(struct suitdev *d, int64_t now)
{
	for (;;) {
		int64_t next = SUITDEV_NEVER;
		size_t i;

		if (d->phase == SUITDEV_REBOOT) {
			if (now < d->reboot_at)
				return d->reboot_at;
			d->cfg.net->forget(d->cfg.net_arg);
			d->count.reboots++;
			if (suitdev_boot(d, now) != 0) {
				/* its state may be readable later */
				d->phase = SUITDEV_REBOOT;
				d->reboot_at = core_later(d, now,
				    suitdev_rule[FAIL_EXECUTION].base_ms);
				return d->reboot_at;
			}
		}
		if (d->phase != SUITDEV_IDLE)
			return SUITDEV_NEVER;
		for (i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
			int64_t due = jobs[i].due(d);

			if (due != SUITDEV_NEVER && due < d->wake)
				due = d->wake;
			if (due <= now)
				break;
			if (due < next)
				next = due;
		}
		if (i == sizeof jobs / sizeof jobs[0])
			return next;
		if (jobs[i].run(d, now) != 0)
			lost(d, now, jobs[i].phase);
	}
}

static bool
is_steering(unsigned code)
{
	return code == 429 || code == 503;
}

/* Somebody answered. Written with the next thing, but what would spread the
 * next start too little. */
static void
contacted(struct suitdev *d)
{
	const bool save = d->nv.starts > 0 && d->nv.spread > d->cfg.boot_spread;

	d->contact_fails = d->nv.contact = d->nv.starts = 0;
	if (save && core_save(d) != 0)
		d->fail = FAIL_EXECUTION;
}

void
suitdev_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	const enum suitdev_phase p = d->phase;

	if (p < SUITDEV_REGISTER || p > SUITDEV_ATTEST)
		return; /* nobody asked */
	d->phase = SUITDEV_IDLE;
	if (d->cfg.kind->riot && r->code != 205) {
		(void)why_set(&d->why, ERR_REJECTED, "the server answers "
		    "%u.%02u", r->code / 100, r->code % 100);
		core_failed(d, now, FAIL_TRANSPORT, REASON_DOWNLOAD);
		return;
	}
	if (p == SUITDEV_ASK)
		core_list_heard(d, r->trust);
	if (is_steering(r->code)) {
		if (p == SUITDEV_ASK)
			d->transfer = false;
		core_steered(d, now, r);
		return;
	}
	if (r->code >= 500) {
		(void)why_set(&d->why, ERR_REJECTED, "the server answers "
		    "%u.%02u", r->code / 100, r->code % 100);
		lost(d, now, p);
		return;
	}
	contacted(d);
	if (p == SUITDEV_REGISTER)
		core_registered(d, now, r);
	else if (p == SUITDEV_ASK)
		core_manifest(d, now, r);
	else if (p == SUITDEV_FETCH)
		core_block(d, now, r);
	else if (p == SUITDEV_LIST)
		core_list_answer(d, now, r);
	else if (p == SUITDEV_FRESH)
		core_fresh_answer(d, now, r);
	else if (p == SUITDEV_ATTEST)
		core_attested(d, now, r);
	else
		core_reported(d);
}

void
suitdev_lost(struct suitdev *d, int64_t now, int err)
{
	const enum suitdev_phase p = d->phase;

	if (p < SUITDEV_REGISTER || p > SUITDEV_ATTEST)
		return;
	d->phase = SUITDEV_IDLE;
	(void)why_set(&d->why, err, "no answer while %s",
	    suitdev_phase_name(p));
	lost(d, now, p);
}

/*
 * A notification says that something changed. It is taken as a reason to
 * ask, with the ETag known here, so that one path alone reads manifests:
 * a notification that repeats what is known costs nothing.
 */
void
suitdev_notified(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	if (!d->observing || d->phase == SUITDEV_OFF)
		return;
	core_list_heard(d, r->trust);
	if (r->code >= 300 || !r->observe)
		d->observing = false;
	if (is_steering(r->code)) {
		core_steered(d, now, r);
		return;
	}
	if (r->code == 205 && r->etag_len > 0 && r->etag_len == d->seen_len &&
	    memcmp(r->etag, d->seen, d->seen_len) == 0)
		return;
	d->count.notified++;
	d->ask_at = now;
}
