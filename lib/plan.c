/*
 * plan: verdicts are an ordered table of questions, the first that is
 * answered with yes is the verdict. Places are hashes and no shuffled list,
 * so that a device that is added does not move the others.
 */
#include "lib/plan.h"

#define V(id, n, name, text) [n] = {name, text},
static const struct {
	const char *name, *text;
} verdicts[PLAN_VERDICTS] = {PLAN_VERDICT_LIST(V)};
#undef V

const char *
plan_verdict_name(enum plan_verdict v)
{
	return (unsigned)v < PLAN_VERDICTS ? verdicts[v].name : "unknown";
}

const char *
plan_verdict_text(enum plan_verdict v)
{
	return (unsigned)v < PLAN_VERDICTS ? verdicts[v].text :
	    "no such verdict";
}

static bool
is_unknown(const struct plan_device *d, const struct plan_target *t)
{
	(void)t;
	return d == NULL;
}

static bool
is_revoked(const struct plan_device *d, const struct plan_target *t)
{
	(void)t;
	return d->revoked;
}

static bool
has_no_class(const struct plan_device *d, const struct plan_target *t)
{
	(void)t;
	return !d->have_class;
}

static bool
is_of_another_class(const struct plan_device *d, const struct plan_target *t)
{
	for (size_t i = 0; i < t->class_count; i++)
		if (memcmp(d->class_id, t->class_id[i], 16) == 0)
			return false;
	return true;
}

static bool
is_there(const struct plan_device *d, const struct plan_target *t)
{
	return d->have_seq && d->seq == t->seq;
}

static bool
is_newer(const struct plan_device *d, const struct plan_target *t)
{
	return d->have_seq && d->seq > t->seq;
}

static bool
must_pass_another(const struct plan_device *d, const struct plan_target *t)
{
	return (d->have_seq ? d->seq : 0) < t->policy->from;
}

static bool
lacks_credential(const struct plan_device *d, const struct plan_target *t)
{
	return t->policy->credential && !d->have_psk;
}

static bool
cannot_prove(const struct plan_device *d, const struct plan_target *t)
{
	return t->policy->grade == GRADE_L2 && !d->attested;
}

static bool
has_declined(const struct plan_device *d, const struct plan_target *t)
{
	(void)t;
	return d->declined;
}

static bool
is_silent(const struct plan_device *d, const struct plan_target *t)
{
	int64_t last = d->seen > d->created ? d->seen : d->created;

	return t->policy->silent > 0 &&
	    t->now - last > t->policy->silent * 1000;
}

static bool
is_held(const struct plan_device *d, const struct plan_target *t)
{
	if (!d->live || d->live_campaign == 0 ||
	    d->live_campaign == t->campaign)
		return false;
	return d->live_seq >= t->seq || d->live_state != JOB_QUEUED;
}

/* The order is the contract, see plan.h. */
static const struct {
	enum plan_verdict verdict;
	bool (*is)(const struct plan_device *d, const struct plan_target *t);
} questions[] = {
	{PLAN_UNKNOWN, is_unknown},
	{PLAN_REVOKED, is_revoked},
	{PLAN_NO_CLASS, has_no_class},
	{PLAN_CLASS, is_of_another_class},
	{PLAN_THERE, is_there},
	{PLAN_NEWER, is_newer},
	{PLAN_FROM, must_pass_another},
	{PLAN_CREDENTIAL, lacks_credential},
	{PLAN_PROOF, cannot_prove},
	{PLAN_DECLINED, has_declined},
	{PLAN_SILENT, is_silent},
	{PLAN_HELD, is_held},
};

enum plan_verdict
plan_judge(const struct plan_device *d, const struct plan_target *t)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (questions[i].is(d, t))
			return questions[i].verdict;
	return PLAN_UPDATE;
}

static uint64_t
fnv1a(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Every bit of the input changes each bit of the output: FNV's do not. */
static uint64_t
mix(uint64_t h)
{
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

uint64_t
plan_place(const char *campaign_name, const uint8_t release_digest[32],
    const char *ep)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = fnv1a(h, campaign_name, strlen(campaign_name) + 1);
	h = mix(fnv1a(h, release_digest, 32));
	return mix(fnv1a(h, ep, strlen(ep)));
}

/* n times the share, rounded up, without an overflow. */
static uint64_t
share_of(uint64_t n, uint32_t share)
{
	uint64_t rest = n % POLICY_WHOLE * share;

	return n / POLICY_WHOLE * share +
	    (rest + POLICY_WHOLE - 1) / POLICY_WHOLE;
}

void
plan_waves(const struct policy *p, uint64_t n, struct plan_waves *ret)
{
	uint64_t upto, before = 0;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < p->wave_count; i++) {
		upto = share_of(n, p->wave[i].share);
		if (upto < p->wave[i].least)
			upto = p->wave[i].least;
		if (upto > n)
			upto = n;
		if (upto <= before)
			continue;
		ret->upto[ret->count++] = before = upto;
	}
}

unsigned
plan_wave_of(uint64_t place, const uint64_t threshold[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (place <= threshold[i])
			return i + 1;
	return count;
}

static void
put(struct plan_digest *pd, const void *p, size_t n)
{
	if (pd->err == 0)
		pd->err = digest_update(pd->ctx, slice_of(p, n));
}

static void
put_number(struct plan_digest *pd, uint64_t u, size_t bytes)
{
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(u >> (56 - 8 * i));
	put(pd, b + 8 - bytes, bytes);
}

static void
put_text(struct plan_digest *pd, const char *s)
{
	put_number(pd, strlen(s), 4);
	put(pd, s, strlen(s));
}

int
plan_digest_begin(struct plan_digest *pd, const struct plan_head *head)
{
	pd->devices = 0;
	pd->err = 0;
	pd->ctx = digest_new(DIGEST_SHA256);
	if (pd->ctx == NULL)
		return ERR_NOMEM;
	put_text(pd, "suitd plan 1");
	put(pd, head->release_digest, 32);
	put_text(pd, head->campaign_name);
	put_text(pd, head->selection);
	put_text(pd, head->policy);
	if (pd->err != 0)
		plan_digest_free(pd);
	return pd->err;
}

void
plan_digest_add(struct plan_digest *pd, const char *ep, unsigned wave)
{
	put_text(pd, ep);
	put_number(pd, wave, 4);
	pd->devices++;
}

int
plan_digest_end(struct plan_digest *pd, uint8_t ret[32])
{
	struct digest d;

	put_number(pd, pd->devices, 8);
	if (pd->err == 0)
		pd->err = digest_final(pd->ctx, &d);
	if (pd->err == 0)
		memcpy(ret, d.b, 32);
	plan_digest_free(pd);
	return pd->err;
}

void
plan_digest_free(struct plan_digest *pd)
{
	digest_free(pd->ctx);
	pd->ctx = NULL;
}
