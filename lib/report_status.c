/*
 * report_status: the compact status map (docs/PROTOCOL.md, "Status").
 *
 * One table lists the keys; each value is read by its type into a slot, and
 * only when the whole map has been read is it given a meaning. Two dialects
 * share the map: ours (integer keys, or their short names) and the one of
 * Golioth's clients, whose "s" and "r" have LwM2M's numbers (object 5,
 * resources 3 and 5). Unknown keys are skipped, whatever they hold.
 */
#include "lib/report.h"

#include "lib/cbor.h"
#include "lib/text.h"

enum field {
	F_PHASE,
	F_REASON,
	F_SEQUENCE,
	F_TARGET,
	F_ATTEMPT,
	F_DONE,
	F_TOTAL,
	F_VERSION,
	F_MANIFEST,
	F_EP,
	F_OUR_KEYS, /* the numbers above are the integer keys on the wire */
	F_STATE = F_OUR_KEYS, /* "s" */
	F_RESULT, /* "r" */
	FIELDS,
};

static const struct {
	const char *name;
	enum cbr_type type;
} fields[FIELDS] = {
	[F_PHASE] = {"p", CBR_UINT},
	[F_REASON] = {"e", CBR_UINT},
	[F_SEQUENCE] = {"seq", CBR_UINT},
	[F_TARGET] = {"tgt", CBR_UINT},
	[F_ATTEMPT] = {"n", CBR_UINT},
	[F_DONE] = {"done", CBR_UINT},
	[F_TOTAL] = {"of", CBR_UINT},
	[F_VERSION] = {"v", CBR_TSTR},
	[F_MANIFEST] = {"m", CBR_BSTR},
	[F_EP] = {"ep", CBR_TSTR},
	[F_STATE] = {"s", CBR_UINT},
	[F_RESULT] = {"r", CBR_UINT},
};

struct status {
	bool have[FIELDS];
	uint64_t u[FIELDS];
	struct slice s[FIELDS];
};

/* What class a reason is that a device may give; the rest is OTHER. */
static const enum fail_class reason_class[REASONS] = {
	[REASON_PARSE] = FAIL_POLICY,
	[REASON_SIGNATURE] = FAIL_POLICY,
	[REASON_UNSUPPORTED] = FAIL_POLICY,
	[REASON_CONDITION] = FAIL_POLICY,
	[REASON_SEQUENCE] = FAIL_POLICY,
	[REASON_CLASS] = FAIL_POLICY,
	[REASON_DOWNLOAD] = FAIL_TRANSPORT,
	[REASON_REBOOTED] = FAIL_TRANSPORT,
	[REASON_DIGEST] = FAIL_INTEGRITY,
	[REASON_STORAGE] = FAIL_EXECUTION,
	[REASON_BOOT] = FAIL_EXECUTION,
	[REASON_ROLLBACK] = FAIL_EXECUTION,
	[REASON_OTHER] = FAIL_EXECUTION,
	[REASON_RECOVERY] = FAIL_EXECUTION,
};

/* "s": LwM2M 5/0/3 */
static const enum report_phase states[] = {
	PHASE_IDLE, PHASE_DOWNLOADING, PHASE_DOWNLOADED, PHASE_INSTALLING,
};
#define STATES (sizeof(states) / sizeof(states[0]))

/* "r": LwM2M 5/0/5; 0 says nothing and 1 is success. */
static const enum track_reason results[] = {
	[2] = REASON_STORAGE, /* not enough flash */
	[3] = REASON_STORAGE, /* out of memory */
	[4] = REASON_DOWNLOAD, /* connection lost */
	[5] = REASON_DIGEST,
	[6] = REASON_UNSUPPORTED, /* package type */
	[7] = REASON_UNSUPPORTED, /* URI */
	[8] = REASON_OTHER, /* update failed */
	[9] = REASON_UNSUPPORTED, /* protocol */
	[10] = REASON_STORAGE, /* input or output */
	[11] = REASON_DOWNLOAD, /* the device will try again by itself */
};
#define RESULTS (sizeof(results) / sizeof(results[0]))
#define RESULT_SUCCESS 1

static int
read_key(struct cbr *c, enum field *ret_f)
{
	struct cbr_item key;
	int rc = cbr_peek(c, &key);

	if (rc != 0)
		return rc;
	*ret_f = FIELDS;
	if (key.type == CBR_UINT && key.u < F_OUR_KEYS)
		*ret_f = (enum field)key.u;
	if (key.type == CBR_TSTR)
		for (unsigned i = 0; i < FIELDS; i++)
			if (slice_eq_str(key.str, fields[i].name))
				*ret_f = (enum field)i;
	return cbr_skip(c, NULL);
}

static int
read_value(struct cbr *c, enum field f, struct status *st)
{
	if (st->have[f])
		return ERR_DUPLICATE; /* 2 and "seq" are one field */
	st->have[f] = true;
	switch (fields[f].type) {
	case CBR_UINT:
		return cbr_get_uint(c, &st->u[f]);
	case CBR_TSTR:
		return cbr_get_tstr(c, &st->s[f]);
	default:
		return cbr_get_bstr(c, &st->s[f]);
	}
}

static int
read_map(struct slice in, struct status *st)
{
	struct cbr c = cbr_of(in);
	struct cbr_iter it;
	int rc;

	c.lenient = true;
	rc = cbr_skip(&c, NULL); /* well-formed, no key twice */
	if (rc != 0)
		return rc;
	if (!cbr_end(&c))
		return ERR_TRAILING;
	c.pos = 0;
	rc = cbr_enter(&c, CBR_MAP, &it);
	while (rc == 0 && cbr_more(&c, &it)) {
		enum field f;

		rc = read_key(&c, &f);
		if (rc == 0)
			rc = f == FIELDS ? cbr_skip(&c, NULL) :
			    read_value(&c, f, st);
	}
	return rc != 0 ? rc : it.err;
}

static void
failed(struct report *r, enum track_reason why)
{
	r->event.phase = PHASE_FAILED;
	r->event.reason = why;
	r->event.fail = reason_class[why];
}

static int
ours(const struct status *st, struct report *r)
{
	uint64_t why = st->u[F_REASON];

	if (st->u[F_PHASE] > PHASE_DECLINED)
		return ERR_RANGE;
	r->event.phase = (enum report_phase)st->u[F_PHASE];
	if (r->event.phase == PHASE_DECLINED)
		r->event.reason = REASON_DECLINED;
	if (r->event.phase != PHASE_FAILED)
		return 0;
	if (why >= REASONS || reason_class[why] == FAIL_NONE)
		why = REASON_OTHER;
	failed(r, (enum track_reason)why);
	return 0;
}

static int
golioth(const struct status *st, struct report *r)
{
	uint64_t result = st->u[F_RESULT];

	if (st->u[F_STATE] >= STATES)
		return ERR_RANGE;
	r->event.phase = states[st->u[F_STATE]];
	if (result > RESULT_SUCCESS)
		failed(r, result < RESULTS ? results[result] : REASON_OTHER);
	else if (result == RESULT_SUCCESS && r->event.phase == PHASE_IDLE)
		r->event.phase = PHASE_SUCCEEDED;
	return 0;
}

static int
texts(const struct status *st, struct report *r)
{
	struct slice digest = st->s[F_MANIFEST];

	if (st->s[F_VERSION].n > LIMIT_VERSION || st->s[F_EP].n > LIMIT_EP)
		return ERR_SIZE;
	if (st->have[F_EP] && !text_name_ok(st->s[F_EP], LIMIT_EP))
		return ERR_MALFORMED;
	r->version = st->s[F_VERSION];
	r->ep = st->s[F_EP];
	if (!st->have[F_MANIFEST])
		return 0;
	if (digest.n != digest_size(DIGEST_SHA256))
		return ERR_SIZE;
	r->manifest.alg = DIGEST_SHA256;
	r->manifest.n = digest.n;
	memcpy(r->manifest.b, digest.p, digest.n);
	return 0;
}

static void
numbers(const struct status *st, struct report *r)
{
	struct track_event *ev = &r->event;

	r->have_sequence = st->have[F_SEQUENCE];
	r->sequence = st->u[F_SEQUENCE];
	r->have_target = st->have[F_TARGET];
	r->target = ev->target = st->u[F_TARGET];
	r->done = ev->done = st->u[F_DONE];
	r->total = ev->total = st->u[F_TOTAL];
	r->attempt = st->u[F_ATTEMPT] > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)st->u[F_ATTEMPT];
	ev->type = TRACK_REPORT;
	/* what runs is stronger than "it went well" */
	if (r->have_sequence && (ev->phase == PHASE_IDLE ||
	    ev->phase == PHASE_SUCCEEDED)) {
		ev->type = TRACK_SEEN_RUNNING;
		ev->sequence = r->sequence;
	}
}

int
report_parse_status(struct slice in, struct report *ret_report,
    struct why *why)
{
	struct status st = {0};
	struct report r = {0};
	int rc;

	if (in.n > LIMIT_REPORT)
		return why_set(why, ERR_SIZE, "status: more than %d bytes",
		    LIMIT_REPORT);
	rc = read_map(in, &st);
	if (rc == 0 && st.have[F_STATE] && !st.have[F_PHASE])
		rc = golioth(&st, &r);
	else if (rc == 0)
		rc = ours(&st, &r);
	if (rc == 0)
		rc = texts(&st, &r);
	if (rc != 0)
		return why_set(why, rc, "status map: %s", err_text(rc));
	numbers(&st, &r);
	*ret_report = r;
	return 0;
}

static void
put_uint(struct buf *out, enum field f, uint64_t u)
{
	cbr_put_uint(out, f);
	cbr_put_uint(out, u);
}

void
report_put_status(const struct report_status *s, struct buf *out)
{
	bool why = s->reason != REASON_NONE;

	cbr_put_map(out, 1u + why + s->have_sequence + s->have_target +
	    (s->attempt != 0) + 2u * (s->total != 0) + (s->version != NULL));
	put_uint(out, F_PHASE, s->phase);
	if (why)
		put_uint(out, F_REASON, s->reason);
	if (s->have_sequence)
		put_uint(out, F_SEQUENCE, s->sequence);
	if (s->have_target)
		put_uint(out, F_TARGET, s->target);
	if (s->attempt != 0)
		put_uint(out, F_ATTEMPT, s->attempt);
	if (s->total != 0) {
		put_uint(out, F_DONE, s->done);
		put_uint(out, F_TOTAL, s->total);
	}
	if (s->version != NULL) {
		cbr_put_uint(out, F_VERSION);
		cbr_put_str(out, s->version);
	}
}
