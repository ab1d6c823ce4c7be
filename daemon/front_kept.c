/*
 * Answers to operators that take several blocks. A status, or a list, is
 * another one at each request, so that blocks of two of them would be put
 * together, or refused by their ETag for ever. What the first block was cut
 * from is kept for its session and served to the end, for half a minute at
 * most; a first block is always new. Who may ask is asked again each time.
 *
 * Not for devices: their answers are releases and images, which stay, and one
 * copy for each of a hundred thousand sessions is what this server avoids.
 */
#include "daemon/front_int.h"

#include <stdlib.h>

#include "daemon/loop.h"
#include "lib/content.h"
#include "lib/digest.h"

#define KEPT_MS 30000

struct kept {
	coap_session_t *session; /* NULL: free */
	struct digest key; /* of what was asked for */
	int64_t until; /* loop_mono */
	uint16_t cf;
	size_t n;
	uint8_t *body;
};

struct kepts {
	struct kept k[FRONT_KEPT];
};

static bool
key_of(const struct exchange *x, struct digest *ret)
{
	struct digest_ctx *c = digest_new(DIGEST_SHA256);
	uint8_t accept[3] = {x->req.have_accept, x->req.accept >> 8 & 255,
	    x->req.accept & 255};
	int rc = c == NULL ? ERR_NOMEM : digest_update(c, slice_of(accept,
	    sizeof(accept)));

	/* with their NULs, so that no two of them look alike */
	if (rc == 0)
		rc = digest_update(c, slice_of(x->req.path,
		    strlen(x->req.path) + 1));
	for (size_t i = 0; rc == 0 && i < x->req.query_n; i++) {
		rc = digest_update(c, x->req.query[i]);
		if (rc == 0)
			rc = digest_update(c, slice_of("", 1));
	}
	if (rc == 0)
		rc = digest_final(c, ret);
	digest_free(c);
	return rc == 0;
}

static void
drop(struct kept *k)
{
	free(k->body);
	memset(k, 0, sizeof(*k));
}

static bool
is_for(const struct exchange *x)
{
	return x->plane->t == T_ADMIN && x->req.method == M_GET &&
	    x->pdu != NULL;
}

bool
kept_find(struct exchange *x)
{
	struct kepts *ks = x->f->kept;
	struct digest key;

	if (ks == NULL || !is_for(x) || !x->have_b2 || x->b2.num == 0 ||
	    !key_of(x, &key))
		return false;
	for (struct kept *k = ks->k; k < ks->k + FRONT_KEPT; k++)
		if (k->session == x->session && digest_eq(&k->key, &key) &&
		    loop_mono(x->f->loop) < k->until) {
			x->resp.body = slice_of(k->body, k->n);
			x->resp.cf = k->cf;
			return true;
		}
	return false;
}

/* Its own of before, else a free one, else the one that ends first. */
static struct kept *
place(struct kepts *ks, const struct exchange *x, const struct digest *key)
{
	struct kept *to = ks->k;

	for (struct kept *k = ks->k; k < ks->k + FRONT_KEPT; k++) {
		if (k->session == x->session && digest_eq(&k->key, key))
			return k;
		if (k->until < to->until)
			to = k;
	}
	return to;
}

void
kept_put(struct exchange *x, int rc)
{
	const struct resp *r = &x->resp;
	struct slice body = r->body.n > 0 ? r->body : buf_slice(&r->out);
	struct digest key;
	struct kept *k;

	if (rc != 0 || !is_for(x) || r->wait != 0 || r->drop ||
	    r->image != NULL || r->after_commit || r->secret ||
	    (x->have_b2 && x->b2.num > 0) || body.n <= block_size(x->have_b2 ?
	    x->b2.szx : content_szx(x->f->conf->block_size)) ||
	    !key_of(x, &key))
		return;
	if (x->f->kept == NULL)
		x->f->kept = calloc(1, sizeof(*x->f->kept));
	if (x->f->kept == NULL)
		return;
	k = place(x->f->kept, x, &key);
	drop(k);
	k->body = malloc(body.n);
	if (k->body == NULL)
		return;
	memcpy(k->body, body.p, body.n);
	k->n = body.n;
	k->session = x->session;
	k->key = key;
	k->cf = r->cf;
	k->until = loop_mono(x->f->loop) + KEPT_MS;
}

void
kept_closed(struct front *f, const coap_session_t *session)
{
	for (size_t i = 0; f->kept != NULL && i < FRONT_KEPT; i++)
		if (f->kept->k[i].session == session)
			drop(&f->kept->k[i]);
}

void
kept_free(struct front *f)
{
	for (size_t i = 0; f->kept != NULL && i < FRONT_KEPT; i++)
		drop(&f->kept->k[i]);
	free(f->kept);
	f->kept = NULL;
}
