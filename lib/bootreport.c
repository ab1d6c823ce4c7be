/*
 * bootreport: one table says which keys the payload has, in their order, and
 * reader and writer walk it alike. An unknown key is refused and not skipped:
 * what a bootloader signs and nobody reads would be believed to have been
 * read. Something new needs another format number.
 */
#include "lib/bootreport.h"

#include <inttypes.h>

#include "lib/cbor.h"

#define FORMAT 1

enum {
	KEY_FORMAT,
	KEY_EPOCH,
	KEY_BOOT_CTR,
	KEY_REPORT_SEQ,
	KEY_MANIFEST,
	KEY_SEQUENCE,
	KEY_LIST,
	KEY_RESULT,
	KEY_TRIED,
	KEY_NONCE,
	KEYS,
};
#define OPTIONAL \
	(1u << KEY_MANIFEST | 1u << KEY_LIST | 1u << KEY_TRIED | \
	1u << KEY_NONCE)

static const struct {
	const char *name;
	enum report_phase phase;
	enum fail_class fail;
	enum track_reason reason;
} results[BOOT_RESULTS] = {
	[BOOT_OK] = {"ok", PHASE_SUCCEEDED, FAIL_NONE, REASON_NONE},
	[BOOT_ROLLBACK] = {"rollback", PHASE_FAILED, FAIL_EXECUTION,
	    REASON_ROLLBACK},
	[BOOT_RECOVERY] = {"recovery", PHASE_FAILED, FAIL_EXECUTION,
	    REASON_RECOVERY},
	[BOOT_REFUSED] = {"refused", PHASE_FAILED, FAIL_INTEGRITY,
	    REASON_DIGEST},
};

const char *
boot_result_name(enum boot_result r)
{
	return (unsigned)r < BOOT_RESULTS ? results[r].name : "?";
}

/* --- write --- */

static unsigned
keys_of(const struct bootreport *r)
{
	unsigned keys = ((1u << KEYS) - 1) & ~OPTIONAL;

	keys |= r->have_manifest ? 1u << KEY_MANIFEST : 0;
	keys |= r->have_list ? 1u << KEY_LIST : 0;
	keys |= r->have_tried ? 1u << KEY_TRIED : 0;
	return keys | (r->nonce.n > 0 ? 1u << KEY_NONCE : 0);
}

static void
put_value(const struct bootreport *r, unsigned key, struct buf *b)
{
	const uint64_t number[KEYS] = {
		[KEY_FORMAT] = FORMAT, [KEY_BOOT_CTR] = r->boot_ctr,
		[KEY_REPORT_SEQ] = r->report_seq,
		[KEY_SEQUENCE] = r->sequence, [KEY_LIST] = r->list_seq,
		[KEY_RESULT] = (uint64_t)r->result,
	};
	const struct slice bytes[KEYS] = {
		[KEY_EPOCH] = slice_of(r->epoch, sizeof(r->epoch)),
		[KEY_MANIFEST] = slice_of(r->manifest, sizeof(r->manifest)),
		[KEY_TRIED] = slice_of(r->tried, sizeof(r->tried)),
		[KEY_NONCE] = r->nonce,
	};

	if (bytes[key].p != NULL)
		cbr_put_bstr(b, bytes[key]);
	else
		cbr_put_uint(b, number[key]);
}

/* Rules across fields; the reader's as well. */
static int
check_fields(const struct bootreport *r, struct why *why)
{
	if ((unsigned)r->result >= BOOT_RESULTS)
		return why_set(why, ERR_INVALID, "boot report: result %u",
		    (unsigned)r->result);
	if (r->have_tried != (r->result != BOOT_OK))
		return why_set(why, ERR_INVALID, "boot report: the manifest "
		    "that did not run belongs to a failure, and to no other");
	if (r->nonce.n != 0 && (r->nonce.n < BOOTREPORT_NONCE_LEAST ||
	    r->nonce.n > LIMIT_BOOT_NONCE))
		return why_set(why, ERR_INVALID, "boot report: a nonce has "
		    "%d to %d bytes", BOOTREPORT_NONCE_LEAST,
		    LIMIT_BOOT_NONCE);
	return 0;
}

int
bootreport_put(const struct bootreport *r, struct buf *out)
{
	const unsigned keys = keys_of(r);
	struct buf b = *out;
	int rc = check_fields(r, NULL);

	if (rc != 0)
		return rc;
	b.over = false;
	cbr_put_map(&b, (size_t)__builtin_popcount(keys));
	for (unsigned k = 0; k < KEYS; k++) {
		if (!(keys & 1u << k))
			continue;
		cbr_put_uint(&b, k);
		put_value(r, k, &b);
	}
	if (b.over)
		return ERR_SPACE;
	*out = b;
	return 0;
}

int
bootreport_sign(const struct bootreport *r, const struct cose_key *key,
    struct buf *out)
{
	uint8_t mem[LIMIT_BOOTREPORT], kid[8];
	struct buf b = buf_of(mem, sizeof(mem));
	struct cose_sign_opts opts = {
		.attached = true, .kid = slice_of(kid, sizeof(kid)),
	};
	int rc = cose_key_kind(key) == COSE_KEY_HMAC ? ERR_KEY : 0;

	if (rc == 0)
		rc = cose_key_id(key, kid);
	if (rc == 0)
		rc = bootreport_put(r, &b);
	return rc != 0 ? rc : cose_sign(key, buf_slice(&b), &opts, out);
}

/* --- read --- */

int
bootreport_open(struct slice in, struct cose_msg *ret_msg, struct why *why)
{
	struct cose_msg m;
	int rc;

	if (in.n > LIMIT_BOOTREPORT)
		return why_set(why, ERR_SIZE, "boot report: more than %d "
		    "bytes", LIMIT_BOOTREPORT);
	rc = cose_parse(in, &m, why);
	if (rc != 0)
		return rc;
	if ((m.tag != COSE_TAG_SIGN1 && m.tag != 0) || m.rest.n != 0)
		return why_set(why, ERR_ALGORITHM,
		    "boot report: not a COSE_Sign1");
	if (m.payload.p == NULL)
		return why_set(why, ERR_MISSING,
		    "boot report: the payload is detached");
	if (m.kid.n == 0)
		return why_set(why, ERR_MISSING,
		    "boot report: no kid says whose it is");
	*ret_msg = m;
	return 0;
}

static int
get_bytes(struct cbr *c, size_t n, uint8_t *ret)
{
	struct slice s;
	int rc = cbr_get_bstr(c, &s);

	if (rc == 0 && s.n != n)
		rc = ERR_SIZE;
	if (rc == 0)
		memcpy(ret, s.p, n);
	return rc;
}

static int
get_format(struct cbr *c)
{
	uint64_t format = 0;
	int rc = cbr_get_uint(c, &format);

	return rc == 0 && format != FORMAT ? ERR_UNSUPPORTED : rc;
}

static int
get_result(struct cbr *c, enum boot_result *ret)
{
	uint64_t u = 0;
	int rc = cbr_get_uint(c, &u);

	if (rc == 0 && u >= BOOT_RESULTS)
		rc = ERR_RANGE;
	if (rc == 0)
		*ret = (enum boot_result)u;
	return rc;
}

static int
get_nonce(struct cbr *c, struct slice *ret)
{
	int rc = cbr_get_bstr(c, ret);

	return rc == 0 && ret->n < BOOTREPORT_NONCE_LEAST ? ERR_SIZE : rc;
}

static int
get_value(struct cbr *c, uint64_t key, struct bootreport *r)
{
	switch (key) {
	case KEY_FORMAT:
		return get_format(c);
	case KEY_EPOCH:
		return get_bytes(c, sizeof(r->epoch), r->epoch);
	case KEY_BOOT_CTR:
		return cbr_get_uint(c, &r->boot_ctr);
	case KEY_REPORT_SEQ:
		return cbr_get_uint(c, &r->report_seq);
	case KEY_MANIFEST:
		r->have_manifest = true;
		return get_bytes(c, sizeof(r->manifest), r->manifest);
	case KEY_SEQUENCE:
		return cbr_get_uint(c, &r->sequence);
	case KEY_LIST:
		r->have_list = true;
		return cbr_get_uint(c, &r->list_seq);
	case KEY_RESULT:
		return get_result(c, &r->result);
	case KEY_TRIED:
		r->have_tried = true;
		return get_bytes(c, sizeof(r->tried), r->tried);
	case KEY_NONCE:
		return get_nonce(c, &r->nonce);
	default:
		return ERR_UNSUPPORTED;
	}
}

/* Keys ascend, so that none is there twice. */
static int
get_map(struct cbr *c, struct bootreport *r)
{
	unsigned keys = 0;
	uint64_t n = 0, key, least = 0;
	int rc = cbr_get_map(c, &n);

	for (; rc == 0 && n > 0; n--) {
		rc = cbr_get_uint(c, &key);
		if (rc == 0 && key < least)
			rc = ERR_ORDER;
		if (rc == 0)
			rc = get_value(c, key, r);
		if (rc != 0)
			break;
		least = key + 1;
		keys |= 1u << key;
	}
	if (rc == 0 && ((keys | OPTIONAL) != (1u << KEYS) - 1))
		rc = ERR_MISSING;
	return rc == 0 && !cbr_end(c) ? ERR_TRAILING : rc;
}

/* One form of each report: what would be written is what is there. */
int
bootreport_claim(const struct cose_msg *msg, struct bootreport *ret,
    struct why *why)
{
	const struct slice in = msg->payload;
	uint8_t mem[LIMIT_BOOTREPORT];
	struct buf again = buf_of(mem, sizeof(mem));
	struct bootreport r = {.nonce = SLICE_NONE};
	struct cbr c = cbr_of(in);
	int rc = get_map(&c, &r);

	if (rc != 0)
		return why_set(why, rc, "boot report: %s", err_text(rc));
	rc = check_fields(&r, why);
	if (rc != 0)
		return rc;
	rc = bootreport_put(&r, &again);
	if (rc == 0 && !slice_eq(buf_slice(&again), in))
		rc = ERR_MALFORMED;
	if (rc != 0)
		return why_set(why, rc, "boot report: not in the one form "
		    "that RFC 8949 4.2.1 gives it");
	*ret = r;
	return 0;
}

int
bootreport_verify(const struct cose_msg *msg, const struct cose_key *key,
    struct bootreport *ret, struct why *why)
{
	const struct cose_keyring ring = {{key}, 1};
	size_t at;
	int rc;

	if (cose_key_kind(key) == COSE_KEY_HMAC)
		return why_set(why, ERR_KEY,
		    "boot report: a symmetric key proves no device");
	rc = cose_verify(msg, SLICE_NONE, &ring, &at, why);
	return rc != 0 ? rc : bootreport_claim(msg, ret, why);
}

/* --- what it is worth --- */

static bool
above(const struct bootreport_mark *m, const struct bootreport *r)
{
	if (r->boot_ctr != m->boot_ctr)
		return r->boot_ctr > m->boot_ctr;
	return r->report_seq > m->report_seq;
}

int
bootreport_fresh(struct bootreport_mark *mark, const struct bootreport *r,
    struct why *why)
{
	if (mark->have && memcmp(mark->epoch, r->epoch,
	    sizeof(r->epoch)) != 0)
		return why_set(why, ERR_CONFLICT, "boot report: its counters "
		    "began anew (another epoch); an operator has to allow it");
	if (mark->have && !above(mark, r))
		return why_set(why, ERR_SEQUENCE, "boot report: (%" PRIu64
		    ", %" PRIu64 ") is not above (%" PRIu64 ", %" PRIu64
		    "): a replay", r->boot_ctr, r->report_seq, mark->boot_ctr,
		    mark->report_seq);
	mark->have = true;
	memcpy(mark->epoch, r->epoch, sizeof(mark->epoch));
	mark->boot_ctr = r->boot_ctr;
	mark->report_seq = r->report_seq;
	return 0;
}

void
bootreport_event(const struct bootreport *r, struct track_event *ret)
{
	*ret = (struct track_event){
		.type = TRACK_REPORT, .grade = GRADE_L2,
		.phase = results[r->result].phase,
		.fail = results[r->result].fail,
		.reason = results[r->result].reason,
	};
}

/* --- the device's counters --- */

void
bootreport_start(struct bootreport_ctr *c)
{
	c->boot_ctr++;
	c->next = c->reserved;
	c->reserved += BOOT_RESERVE;
}

bool
bootreport_next(struct bootreport_ctr *c, struct bootreport *r)
{
	const bool store = c->next >= c->reserved;

	if (store)
		c->reserved = c->next + BOOT_RESERVE;
	memcpy(r->epoch, c->epoch, sizeof(r->epoch));
	r->boot_ctr = c->boot_ctr;
	r->report_seq = c->next++;
	return store;
}
