#include "lib/fresh.h"

#include "lib/cbor.h"

#define KEY_NONCE 1
#define KEY_CLASSES 2 /* of an ask */
#define KEY_LIST 2 /* of an answer */
#define KEY_SEQS 3
#define PAYLOAD (64 + LIMIT_NONCE + LIMIT_FRESH_CLASSES * 32)

static int
bad(struct why *why, int rc, const char *what)
{
	return why_set(why, rc, "freshness: %s: %s", what, err_text(rc));
}

static int
get_nonce(struct cbr *c, struct slice *ret, struct why *why)
{
	struct slice nonce;
	int rc = cbr_get_bstr(c, &nonce);

	if (rc == 0 && (nonce.n < LIMIT_NONCE_LEAST || nonce.n > LIMIT_NONCE))
		rc = ERR_SIZE;
	if (rc != 0)
		return bad(why, rc, "a nonce is a bstr of 8 to 32 bytes");
	*ret = nonce;
	return 0;
}

static int
get_class(struct cbr *c, uint8_t dst[16])
{
	struct slice id;
	int rc = cbr_get_bstr(c, &id);

	if (rc == 0 && id.n != 16)
		rc = ERR_RANGE;
	if (rc == 0)
		memcpy(dst, id.p, 16);
	return rc;
}

static int
get_key(struct cbr *c, uint64_t want, struct why *why)
{
	uint64_t key = 0;
	int rc = cbr_get_uint(c, &key);

	if (rc == 0 && key != want)
		rc = ERR_MISSING;
	return rc == 0 ? 0 : bad(why, rc, "keys");
}

/* --- the question --- */

static int
ask_classes(struct cbr *c, struct fresh_ask *a)
{
	uint64_t n;
	int rc = cbr_get_array(c, &n);

	if (rc == 0 && (n < 1 || n > LIMIT_FRESH_CLASSES))
		rc = ERR_SIZE;
	while (rc == 0 && a->class_count < n)
		rc = get_class(c, a->class_id[a->class_count++]);
	return rc;
}

int
fresh_ask_parse(struct slice in, struct fresh_ask *ret, struct why *why)
{
	struct fresh_ask a = {.class_count = 0};
	struct cbr c = cbr_of(in);
	uint64_t n;
	int rc = cbr_check(in);

	if (rc == 0)
		rc = cbr_get_map(&c, &n);
	if (rc == 0 && (n < 1 || n > 2))
		rc = n == 0 ? ERR_MISSING : ERR_SIZE;
	if (rc != 0)
		return bad(why, rc, "a map with a nonce");
	rc = get_key(&c, KEY_NONCE, why);
	if (rc == 0)
		rc = get_nonce(&c, &a.nonce, why);
	if (rc == 0 && n == 2)
		rc = get_key(&c, KEY_CLASSES, why);
	if (rc != 0)
		return rc;
	if (n == 2 && (rc = ask_classes(&c, &a)) != 0)
		return bad(why, rc, "1 to 8 classes of 16 bytes");
	*ret = a;
	return 0;
}

void
fresh_ask_put(const struct fresh_ask *ask, struct buf *out)
{
	cbr_put_map(out, ask->class_count > 0 ? 2 : 1);
	cbr_put_uint(out, KEY_NONCE);
	cbr_put_bstr(out, ask->nonce);
	if (ask->class_count == 0)
		return;
	cbr_put_uint(out, KEY_CLASSES);
	cbr_put_array(out, ask->class_count);
	for (size_t i = 0; i < ask->class_count; i++)
		cbr_put_bstr(out, slice_of(ask->class_id[i], 16));
}

/* --- the answer --- */

int
fresh_sign(const struct fresh *f, const struct cose_key *key, struct buf *out)
{
	struct cose_sign_opts o = {.attached = true};
	uint8_t bytes[PAYLOAD], kid[TRUST_KID];
	struct buf b = buf_of(bytes, sizeof(bytes));
	int rc = cose_key_id(key, kid);

	cbr_put_map(&b, 3);
	cbr_put_uint(&b, KEY_NONCE);
	cbr_put_bstr(&b, f->nonce);
	cbr_put_uint(&b, KEY_LIST);
	cbr_put_uint(&b, f->list);
	cbr_put_uint(&b, KEY_SEQS);
	cbr_put_map(&b, f->class_count);
	for (size_t i = 0; i < f->class_count; i++) {
		cbr_put_bstr(&b, slice_of(f->class_id[i], 16));
		cbr_put_uint(&b, f->seq[i]);
	}
	if (rc != 0 || b.over)
		return rc != 0 ? rc : ERR_SPACE;
	o.kid = slice_of(kid, sizeof(kid));
	return cose_sign(key, buf_slice(&b), &o, out);
}

static int
get_seqs(struct cbr *c, struct fresh *f)
{
	uint64_t n;
	int rc = cbr_get_map(c, &n);

	if (rc == 0 && n > LIMIT_FRESH_CLASSES)
		rc = ERR_SIZE;
	while (rc == 0 && f->class_count < n) {
		rc = get_class(c, f->class_id[f->class_count]);
		if (rc == 0)
			rc = cbr_get_uint(c, &f->seq[f->class_count++]);
	}
	return rc;
}

int
fresh_parse(struct slice payload, struct fresh *ret, struct why *why)
{
	struct fresh f = {.list = 0};
	struct cbr c = cbr_of(payload);
	uint64_t n;
	int rc = cbr_check(payload);

	if (rc == 0)
		rc = cbr_get_map(&c, &n);
	if (rc == 0 && n != 3)
		rc = ERR_MISSING;
	if (rc != 0)
		return bad(why, rc, "a map of three");
	rc = get_key(&c, KEY_NONCE, why);
	if (rc == 0)
		rc = get_nonce(&c, &f.nonce, why);
	if (rc == 0)
		rc = get_key(&c, KEY_LIST, why);
	if (rc == 0 && (rc = cbr_get_uint(&c, &f.list)) != 0)
		return bad(why, rc, "the list's number");
	if (rc == 0)
		rc = get_key(&c, KEY_SEQS, why);
	if (rc == 0 && (rc = get_seqs(&c, &f)) != 0)
		return bad(why, rc, "sequences by class");
	if (rc == 0)
		*ret = f;
	return rc;
}

int
fresh_verify(struct slice in, const struct trust *list, struct fresh *ret,
    struct why *why)
{
	struct trust_ring ring;
	struct cose_msg msg;
	size_t at;
	int rc = cose_parse(in, &msg, why);

	if (rc != 0)
		return rc;
	if (msg.tag != COSE_TAG_SIGN1 || msg.payload.p == NULL)
		return bad(why, ERR_TYPE, "a COSE_Sign1 with its payload");
	rc = trust_ring_open(list, TRUST_FRESHNESS, NULL, &ring);
	if (rc != 0)
		return bad(why, rc, "keys");
	rc = cose_verify(&msg, SLICE_NONE, &ring.ring, &at, why);
	trust_ring_close(&ring);
	return rc == 0 ? fresh_parse(msg.payload, ret, why) : rc;
}

bool
fresh_seq(const struct fresh *f, const uint8_t class_id[16], uint64_t *ret)
{
	for (size_t i = 0; i < f->class_count; i++)
		if (memcmp(f->class_id[i], class_id, 16) == 0) {
			*ret = f->seq[i];
			return true;
		}
	return false;
}
