/*
 * A struct resp becomes an answer: which block of the body, which options,
 * or which diagnostic. An answer is kept apart from a PDU because it may be
 * held until the commit, remembered for a repeated request, or compared
 * with what an observer was told last.
 */
#include "daemon/front_int.h"

#include "lib/digest.h"
#include "lib/uri.h"

void
answer_opt(struct answer *a, uint16_t number, struct slice value)
{
	uint16_t head[2] = {number, (uint16_t)value.n};
	struct buf b = {a->opts, a->opts_n, sizeof(a->opts), false};

	buf_put(&b, slice_of(head, sizeof(head)));
	buf_put(&b, value);
	if (!b.over)
		a->opts_n = b.n;
}

void
answer_opt_uint(struct answer *a, uint16_t number, uint32_t v)
{
	uint8_t raw[4];
	unsigned n = coap_encode_var_safe(raw, sizeof(raw), v);

	answer_opt(a, number, slice_of(raw, n));
}

static void
answer_block(struct answer *a, uint16_t number, struct block b)
{
	uint8_t raw[3];
	size_t n = block_put(b, raw);

	answer_opt(a, number, slice_of(raw, n));
}

bool
answer_fill(const struct answer *a, coap_pdu_t *pdu)
{
	uint16_t head[2];

	coap_pdu_set_code(pdu, COAP_RESPONSE_CODE(a->code));
	for (size_t i = 0; i < a->opts_n; i += sizeof(head) + head[1]) {
		memcpy(head, a->opts + i, sizeof(head));
		if (coap_add_option(pdu, head[0], head[1],
		    a->opts + i + sizeof(head)) == 0)
			return false;
	}
	return a->body.n == 0 || coap_add_data(pdu, a->body.n, a->body.p);
}

void
resp_begin(struct exchange *x)
{
	memset(&x->resp, 0, sizeof(x->resp));
	x->resp.cf = CF_NONE;
	x->resp.out = buf_of(x->f->out, sizeof(x->f->out));
}

static unsigned
code_of(const struct exchange *x, int rc)
{
	if (rc != 0)
		return err_coap(rc);
	if (x->resp.code != 0)
		return x->resp.code;
	switch (x->req.method) {
	case M_GET:
	case M_FETCH:
		return 205;
	case M_DELETE:
		return 202;
	default:
		return 204;
	}
}

/* RFC 9290 for those who can read it, else the plain text of RFC 7252. */
static void
diagnose(struct exchange *x, int rc)
{
	struct answer *a = &x->answer;
	struct buf b = buf_of(x->small, sizeof(x->small));
	bool problem = x->req.have_accept ? x->req.accept == CF_PROBLEM :
	    x->plane->t == T_ADMIN;

	if (problem)
		answer_opt_uint(a, COAP_OPTION_CONTENT_FORMAT, CF_PROBLEM);
	content_diagnose(rc, x->resp.why.text, problem, &b);
	a->body = buf_slice(&b);
}

static void
put_max_age(struct exchange *x)
{
	if (x->resp.have_max_age)
		answer_opt_uint(&x->answer, COAP_OPTION_MAXAGE,
		    x->resp.max_age);
}

/* The highest of all options, so the last one. */
static void
put_trust(struct exchange *x)
{
	uint64_t seq = x->resp.trust;
	uint8_t raw[8];
	size_t n = 0;

	for (int i = 56; i >= 0; i -= 8)
		if (n > 0 || (seq >> i) != 0)
			raw[n++] = (uint8_t)(seq >> i);
	if (n > 0)
		answer_opt(&x->answer, OPT_TRUST, slice_of(raw, n));
}

void
resp_error(struct exchange *x, int err)
{
	struct answer *a = &x->answer;

	a->code = err_coap(err);
	a->opts_n = 0;
	a->body = SLICE_NONE;
	if (a->code == 503 && !x->resp.have_max_age) {
		x->resp.have_max_age = true;
		x->resp.max_age = CONTENT_BUSY_S;
	}
	diagnose(x, err);
	put_max_age(x);
	if (x->have_b1)
		answer_block(a, COAP_OPTION_BLOCK1, x->b1);
	if (x->size1_max > 0)
		answer_opt_uint(a, COAP_OPTION_SIZE1, x->size1_max);
	echo_hint(x, err);
	put_trust(x);
	echo_bound(x);
	x->f->stats.errors++;
	x->f->stats.refused[-err]++;
	if (x->f->hooks.refused != NULL)
		x->f->hooks.refused(x->f->app, err);
	if (x->f->hooks.denied != NULL && x->plane->t == T_ADMIN)
		x->f->hooks.denied(x->f->app, &x->req, err, &x->resp.why);
}

static struct slice
whole_body(const struct resp *resp)
{
	if (resp->image != NULL)
		return blob_bytes(resp->image);
	return resp->body.p != NULL ? resp->body : buf_slice(&resp->out);
}

/* By content, so that it is the same over sessions, restarts and sizes. */
static int
make_etag(struct resp *resp, struct slice body)
{
	struct digest d;
	int rc;

	if (resp->etag_len > 0)
		return 0;
	resp->etag_len = sizeof(resp->etag);
	if (resp->image != NULL) {
		memcpy(resp->etag, blob_digest(resp->image), 8);
		return 0;
	}
	rc = digest_compute(DIGEST_SHA256, body, &d);
	if (rc == 0)
		memcpy(resp->etag, d.b, 8);
	return rc;
}

static void
put_location(struct answer *a, const char *path)
{
	char seg[LIMIT_PATH + 1];

	for (size_t i = 0; uri_path_segment(slice_str(path), i, seg,
	    sizeof(seg)) == 0; i++)
		answer_opt(a, COAP_OPTION_LOCATION_PATH, slice_str(seg));
}

static void
tell_blocks(struct exchange *x, const struct block_slice *s, size_t total)
{
	const struct front_hooks *h = &x->f->hooks;

	if (x->resp.image == NULL)
		return;
	x->f->stats.blocks++;
	x->f->stats.block_bytes += s->len;
	if (h->blocks != NULL && !x->req.notify &&
	    (x->match.route->flags & ROUTE_BLOCKS))
		h->blocks(x->f->app, &x->req, x->resp.image, s->off + s->len,
		    total);
}

/* Options in ascending order; the body is the block that was asked for. */
static int
fill_content(struct exchange *x, unsigned code)
{
	struct answer *a = &x->answer;
	struct resp *resp = &x->resp;
	struct slice body = whole_body(resp);
	struct content_ask ask = {
		.b2 = x->have_b2 ? &x->b2 : NULL,
		.size2 = x->want_size2,
		.szx = content_szx(x->f->conf->block_size),
		.most = CONTENT_ANY,
	};
	struct content_part part;
	int rc;

	a->code = code;
	if (code == 205 && (x->req.method & (M_GET | M_FETCH))) {
		rc = make_etag(resp, body);
		if (rc != 0)
			return rc;
		answer_opt(a, COAP_OPTION_ETAG, slice_of(resp->etag,
		    resp->etag_len));
		if (content_has_etag(x->req.etag, x->req.etag_n,
		    slice_of(resp->etag, resp->etag_len))) {
			a->code = 203;
			put_max_age(x);
			put_trust(x);
			return 0;
		}
	}
	rc = echo_most(x, body.n, &ask.most);
	if (rc == 0)
		rc = content_cut(&ask, body.n, &part, &resp->why);
	if (rc != 0)
		return rc;
	if (resp->location[0] != '\0')
		put_location(a, resp->location);
	if (resp->cf != CF_NONE && body.n > 0)
		answer_opt_uint(a, COAP_OPTION_CONTENT_FORMAT, resp->cf);
	put_max_age(x);
	if (part.s.use_option)
		answer_block(a, COAP_OPTION_BLOCK2, part.s.block);
	if (part.size2)
		answer_opt_uint(a, COAP_OPTION_SIZE2, (uint32_t)body.n);
	if (x->have_b1)
		answer_block(a, COAP_OPTION_BLOCK1, x->b1);
	put_trust(x);
	echo_offer(x);
	a->body = slice_sub(body, part.s.off, part.s.len);
	a->secret = resp->secret;
	tell_blocks(x, &part.s, body.n);
	return 0;
}

void
resp_finish(struct exchange *x, int rc)
{
	struct resp *resp = &x->resp;
	unsigned code;

	x->answer.opts_n = 0;
	x->answer.body = SLICE_NONE;
	if (rc == 0 && resp->out.over)
		rc = why_set(&resp->why, ERR_SPACE, "answer over %d bytes",
		    LIMIT_RESPONSE);
	code = code_of(x, rc);
	if (rc == 0 && code == 205 && x->req.have_accept &&
	    resp->cf != CF_NONE && resp->cf != x->req.accept)
		rc = why_set(&resp->why, ERR_ACCEPT,
		    "RFC 7252 5.10.4: only Content-Format %u", resp->cf);
	if (rc == 0)
		rc = fill_content(x, code);
	if (rc != 0)
		resp_error(x, rc);
	else
		echo_bound(x);
}
