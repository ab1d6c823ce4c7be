#include "lib/cbor.h"
#include "lib/oscore.h"
#include "lib/text.h"

static bool
same(const struct oscore_id *a, const struct oscore_id *b)
{
	return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

int
oscore_secret_check(const struct oscore_secret *s, struct why *why)
{
	if (s->master_n < LIMIT_OSCORE_MASTER_LEAST)
		return why_set(why, ERR_KEY, "a master secret has %d to %d "
		    "bytes", LIMIT_OSCORE_MASTER_LEAST, LIMIT_OSCORE_MASTER);
	if (same(&s->sender, &s->recipient))
		return why_set(why, ERR_KEY, "RFC 8613 3.3: both ids are "
		    "the same");
	return 0;
}

void
oscore_secret_put(const struct oscore_secret *s, struct buf *out)
{
	cbr_put_array(out, 5);
	cbr_put_bstr(out, slice_of(s->master, s->master_n));
	cbr_put_bstr(out, slice_of(s->salt, s->salt_n));
	cbr_put_bstr(out, slice_of(s->sender.b, s->sender.n));
	cbr_put_bstr(out, slice_of(s->recipient.b, s->recipient.n));
	if (s->have_context)
		cbr_put_bstr(out, slice_of(s->context, s->context_n));
	else
		cbr_put_null(out);
}

static int
get(struct cbr *c, uint8_t *dst, size_t cap, size_t *ret_n)
{
	struct slice v;
	int rc = cbr_get_bstr(c, &v);

	if (rc != 0 || v.n > cap)
		return rc != 0 ? rc : ERR_SIZE;
	if (v.n > 0)
		memcpy(dst, v.p, v.n);
	*ret_n = v.n;
	return 0;
}

static int
get_id(struct cbr *c, struct oscore_id *ret)
{
	size_t n = 0;
	int rc = get(c, ret->b, OSCORE_ID, &n);

	ret->n = (uint8_t)n;
	return rc;
}

int
oscore_secret_get(struct slice in, struct oscore_secret *ret)
{
	struct oscore_secret s = {0};
	struct cbr c = cbr_of(in);
	uint64_t n = 0;
	int rc = cbr_get_array(&c, &n);

	if (rc == 0 && n != 5)
		rc = ERR_MALFORMED;
	if (rc == 0)
		rc = get(&c, s.master, sizeof(s.master), &s.master_n);
	if (rc == 0)
		rc = get(&c, s.salt, sizeof(s.salt), &s.salt_n);
	if (rc == 0)
		rc = get_id(&c, &s.sender);
	if (rc == 0)
		rc = get_id(&c, &s.recipient);
	if (rc == 0 && cbr_get_null(&c) != 0) {
		s.have_context = true;
		rc = get(&c, s.context, sizeof(s.context), &s.context_n);
	}
	if (rc == 0 && !cbr_end(&c))
		rc = ERR_TRAILING;
	if (rc == 0)
		rc = oscore_secret_check(&s, NULL);
	if (rc == 0)
		*ret = s;
	explicit_bzero(&s, sizeof(s));
	return rc;
}

void
oscore_identity(struct slice id, bool have_context, struct slice context,
    char ret[OSCORE_IDENTITY + 1])
{
	size_t n = id.n <= OSCORE_ID ? id.n : OSCORE_ID;

	text_hex(slice_sub(id, 0, n), ret, OSCORE_IDENTITY + 1);
	if (!have_context)
		return;
	ret[2 * n] = '@';
	text_hex(slice_sub(context, 0, LIMIT_OSCORE_CONTEXT), ret + 2 * n + 1,
	    OSCORE_IDENTITY - 2 * n);
}
