/*
 * report_suit: SUIT_Report (draft-ietf-suit-report-18, with the readings of
 * its pull request 70), to a tracker event.
 *
 *   [tag 285] [COSE_Sign1 / COSE_Mac0, tagged or not] [tag 285] map
 *
 * Read leniently: devices in the field write the keys in any order, wrap a
 * digest in a byte string or not, and use more bytes than needed. Nothing
 * but the result is required. The report is first checked as a whole
 * (well-formed, no key twice), so that what follows may stop looking early.
 *
 * A signature that no key of the ring proves does not make the report
 * useless: it is worth what its channel is worth, and `proven` says so.
 */
#include "lib/report.h"

#include "lib/cbor.h"

#define TAG_SUIT_REPORT 285
#define TAG_COSE_ENCRYPT0 16
#define TAG_COSE_ENCRYPT 96

/* SUIT_Report, draft section 4 */
#define KEY_NONCE 2
#define KEY_RECORDS 3
#define KEY_RESULT 4
#define KEY_RESULT_RECORD 6
#define KEY_RESULT_REASON 7
#define KEY_REFERENCE 99

/* Reasons whose meaning hangs on the record. */
#define SUIT_OK 0
#define SUIT_CONDITION 10
#define SUIT_OPERATION 11
#define SUIT_INVOKE_PENDING 12

/* Command sequences and parameters of the manifest that tell them apart. */
#define SECTION_FETCH 16
#define SECTION_INVOKE 9
#define PARAM_DIGEST 3
#define PARAM_URI 21

static const struct {
	enum fail_class fail;
	enum track_reason reason;
} reasons[] = {
	[SUIT_OK] = {FAIL_EXECUTION, REASON_OTHER}, /* "ok" failed */
	[1] = {FAIL_POLICY, REASON_PARSE},
	[2] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* COSE structure */
	[3] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* algorithm */
	[4] = {FAIL_POLICY, REASON_SIGNATURE},
	[5] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* command */
	[6] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* component */
	[7] = {FAIL_POLICY, REASON_SIGNATURE}, /* no right to component */
	[8] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* parameter */
	[9] = {FAIL_POLICY, REASON_UNSUPPORTED}, /* severing */
	[SUIT_CONDITION] = {FAIL_POLICY, REASON_CONDITION},
	[SUIT_OPERATION] = {FAIL_EXECUTION, REASON_STORAGE},
	[SUIT_INVOKE_PENDING] = {FAIL_NONE, REASON_NONE},
};
#define KNOWN_REASONS (sizeof(reasons) / sizeof(reasons[0]))

/* What decides the class of a failure. */
struct result {
	bool ok;
	bool have_reason;
	uint64_t reason;
	int64_t section; /* of the failing record; 0: none */
	bool digest, uri; /* the parameters it names */
};

static struct cbr
lenient(struct slice s)
{
	struct cbr c = cbr_of(s);

	c.lenient = true;
	return c;
}

/* A well-formed item that fills `s`. */
static int
check(struct slice s)
{
	struct cbr c = lenient(s);
	int rc = cbr_skip(&c, NULL);

	if (rc != 0)
		return rc;
	return cbr_end(&c) ? 0 : ERR_TRAILING;
}

/* SUIT_Digest, bare or in a byte string. */
static int
digest(struct cbr *c, struct digest *ret)
{
	struct cbr inner = *c;
	struct cbr_item head;
	struct cbr_iter it;
	struct slice value;
	struct digest d = {0};
	int64_t alg;
	int rc = cbr_peek(c, &head);

	if (rc == 0 && head.type == CBR_BSTR) {
		rc = check(head.str);
		inner = lenient(head.str);
	}
	if (rc == 0)
		rc = cbr_enter(&inner, CBR_ARRAY, &it);
	if (rc != 0)
		return rc;
	if (!cbr_more(&inner, &it))
		return ERR_MISSING;
	if ((rc = cbr_get_int(&inner, &alg)) != 0)
		return rc;
	if (!cbr_more(&inner, &it))
		return ERR_MISSING;
	if ((rc = cbr_get_bstr(&inner, &value)) != 0)
		return rc;
	if (alg == 0 || alg < INT32_MIN || alg > INT32_MAX)
		return ERR_RANGE;
	if (value.n > DIGEST_MAX)
		return ERR_SIZE;
	d.alg = (int)alg;
	d.n = value.n;
	if (value.n > 0)
		memcpy(d.b, value.p, value.n);
	*ret = d;
	return cbr_skip(c, NULL);
}

/* [reference-uri, SUIT_Digest]; items that follow are somebody's addition. */
static int
reference(struct cbr *c, struct report *r)
{
	struct cbr_iter it;
	int rc = cbr_enter(c, CBR_ARRAY, &it);

	if (rc != 0)
		return rc;
	if (!cbr_more(c, &it))
		return ERR_MISSING;
	if ((rc = cbr_get_tstr(c, &r->reference_uri)) != 0)
		return rc;
	if (!cbr_more(c, &it))
		return ERR_MISSING;
	if ((rc = digest(c, &r->manifest)) != 0)
		return rc;
	while (cbr_more(c, &it))
		if ((rc = cbr_skip(c, NULL)) != 0)
			return rc;
	return it.err;
}

/* SUIT_Records are arrays, system property claims are maps. */
static int
records(struct cbr *c, struct report *r)
{
	struct cbr_iter it;
	struct cbr_item head;
	int rc = cbr_enter(c, CBR_ARRAY, &it);

	while (rc == 0 && cbr_more(c, &it)) {
		if (r->records++ == LIMIT_REPORT_RECORDS)
			return ERR_SIZE;
		rc = cbr_peek(c, &head);
		if (rc == 0 && head.type != CBR_ARRAY && head.type != CBR_MAP)
			rc = ERR_TYPE;
		if (rc == 0)
			rc = cbr_skip(c, NULL);
	}
	return rc != 0 ? rc : it.err;
}

static int
record_params(struct cbr *c, struct result *res)
{
	struct cbr_iter it;
	int rc = cbr_enter(c, CBR_MAP, &it);

	while (rc == 0 && cbr_more(c, &it)) {
		struct cbr_item key;

		rc = cbr_peek(c, &key);
		if (rc == 0 && key.type == CBR_UINT) {
			res->digest |= key.u == PARAM_DIGEST;
			res->uri |= key.u == PARAM_URI;
		}
		if (rc == 0)
			rc = cbr_skip(c, NULL);
		if (rc == 0)
			rc = cbr_skip(c, NULL);
	}
	return rc != 0 ? rc : it.err;
}

/*
 * [manifest-id, section, offset, component index, {params}]: the section is
 * the second element, the parameters are whichever element is a map.
 */
static int
record(struct cbr *c, struct result *res)
{
	struct cbr_iter it;
	struct cbr_item head;
	int rc = cbr_enter(c, CBR_ARRAY, &it);

	for (unsigned i = 0; rc == 0 && cbr_more(c, &it); i++) {
		rc = cbr_peek(c, &head);
		if (rc == 0 && i == 1)
			rc = cbr_get_int(c, &res->section);
		else if (rc == 0 && head.type == CBR_MAP)
			rc = record_params(c, res);
		else if (rc == 0)
			rc = cbr_skip(c, NULL);
	}
	return rc != 0 ? rc : it.err;
}

static int
result_map(struct cbr *c, struct result *res)
{
	struct cbr_iter it;
	int rc = cbr_enter(c, CBR_MAP, &it);

	while (rc == 0 && cbr_more(c, &it)) {
		struct cbr_item key, value;

		rc = cbr_peek(c, &key);
		if (rc == 0)
			rc = cbr_skip(c, NULL);
		if (rc == 0)
			rc = cbr_peek(c, &value);
		if (rc != 0)
			break;
		if (key.type == CBR_UINT && key.u == KEY_RESULT_REASON) {
			res->have_reason = true;
			rc = cbr_get_uint(c, &res->reason);
		} else if (key.type == CBR_UINT &&
		    key.u == KEY_RESULT_RECORD && value.type == CBR_ARRAY) {
			rc = record(c, res);
		} else {
			rc = cbr_skip(c, NULL);
		}
	}
	return rc != 0 ? rc : it.err;
}

static int
result(struct cbr *c, struct result *res)
{
	struct cbr_item head;
	int rc = cbr_peek(c, &head);

	if (rc != 0)
		return rc;
	if (head.type == CBR_BOOL)
		return cbr_get_bool(c, &res->ok);
	return result_map(c, res);
}

static void
set_event(const struct result *res, struct report *r)
{
	struct track_event *ev = &r->event;
	uint64_t why = res->have_reason ? res->reason : SUIT_OK;

	ev->type = TRACK_REPORT;
	ev->phase = PHASE_SUCCEEDED;
	if (res->ok)
		return;
	r->suit_reason = why > UINT32_MAX ? UINT32_MAX : (unsigned)why;
	if (why >= KNOWN_REASONS)
		why = SUIT_OK;
	ev->phase = why == SUIT_INVOKE_PENDING ? PHASE_INSTALLING :
	    PHASE_FAILED;
	ev->fail = reasons[why].fail;
	ev->reason = reasons[why].reason;
	if (why == SUIT_CONDITION && res->digest) {
		ev->fail = FAIL_INTEGRITY; /* image match */
		ev->reason = REASON_DIGEST;
	} else if (why == SUIT_OPERATION &&
	    (res->section == SECTION_FETCH || res->uri)) {
		ev->fail = FAIL_TRANSPORT;
		ev->reason = REASON_DOWNLOAD;
	} else if (why == SUIT_OPERATION &&
	    res->section == SECTION_INVOKE) {
		ev->reason = REASON_BOOT;
	}
}

static int
report_map(struct cbr *c, struct report *r)
{
	struct result res = {0};
	struct cbr_iter it;
	bool have_result = false;
	int rc = cbr_enter(c, CBR_MAP, &it);

	while (rc == 0 && cbr_more(c, &it)) {
		struct cbr_item key;

		rc = cbr_peek(c, &key);
		if (rc == 0)
			rc = cbr_skip(c, NULL);
		if (rc != 0)
			break;
		switch (key.type == CBR_UINT ? key.u : 0) {
		case KEY_REFERENCE:
			rc = reference(c, r);
			break;
		case KEY_NONCE:
			rc = cbr_get_bstr(c, &r->nonce);
			break;
		case KEY_RECORDS:
			rc = records(c, r);
			break;
		case KEY_RESULT:
			have_result = true;
			rc = result(c, &res);
			break;
		default: /* capabilities among them */
			rc = cbr_skip(c, NULL);
			break;
		}
	}
	if (rc == 0)
		rc = it.err;
	if (rc == 0 && !have_result)
		rc = ERR_MISSING;
	if (rc == 0)
		set_event(&res, r);
	return rc;
}

/* Skips one tag 285, which says no more than the media type does. */
static int
untag(struct slice *s)
{
	struct cbr c = lenient(*s);
	struct cbr_item head;
	int rc = cbr_peek(&c, &head);

	if (rc != 0 || head.type != CBR_TAG || head.u != TAG_SUIT_REPORT)
		return rc;
	rc = cbr_next(&c, &head);
	if (rc == 0)
		*s = slice_sub(*s, c.pos, s->n - c.pos);
	return rc;
}

/* Takes the payload out of a COSE message, and tries the ring on it. */
static int
open_cose(struct slice *s, const struct cose_keyring *ring, struct report *r,
    struct why *why)
{
	struct cose_msg msg;
	int rc = cose_parse(*s, &msg, why);

	if (rc != 0)
		return rc;
	if (msg.payload.p == NULL)
		return why_set(why, ERR_MISSING,
		    "SUIT report 4: the COSE payload is detached");
	r->signed_ = true;
	*s = msg.payload;
	if (ring != NULL && cose_verify(&msg, msg.payload, ring, &r->key,
	    NULL) == 0) {
		r->proven = true;
		r->event.grade = GRADE_L2;
	}
	return untag(s);
}

int
report_parse_suit(struct slice in, const struct cose_keyring *ring,
    struct report *ret_report, struct why *why)
{
	struct report r = {0};
	struct cbr_item head = {0};
	struct cbr c;
	int rc;

	if (in.n > LIMIT_REPORT)
		return why_set(why, ERR_SIZE, "SUIT report: more than %d bytes",
		    LIMIT_REPORT);
	rc = check(in);
	if (rc == 0)
		rc = untag(&in);
	if (rc == 0) {
		c = lenient(in);
		rc = cbr_peek(&c, &head);
	}
	if (rc == 0 && head.type == CBR_TAG && (head.u == TAG_COSE_ENCRYPT0 ||
	    head.u == TAG_COSE_ENCRYPT))
		return why_set(why, ERR_UNSUPPORTED,
		    "SUIT report 4: encrypted reports are not supported");
	if (rc == 0 && (head.type == CBR_TAG || head.type == CBR_ARRAY)) {
		rc = open_cose(&in, ring, &r, why);
		if (rc != 0)
			return rc;
		rc = check(in);
	}
	if (rc == 0) {
		c = lenient(in);
		rc = report_map(&c, &r);
	}
	if (rc != 0)
		return why_set(why, rc, "SUIT report 4: %s", err_text(rc));
	*ret_report = r;
	return 0;
}
