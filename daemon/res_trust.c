/*
 * GET k: the newest trust list; GET k/{n}: list n, for who walks root changes
 * one by one; POST k/now: freshness for a nonce. Everybody may ask: a list is
 * signed, and says nothing that a device must not know.
 */
#include <inttypes.h>

#include "daemon/access.h"
#include "daemon/catalog.h"
#include "daemon/res.h"
#include "daemon/trusted.h"
#include "lib/text.h"

static int
answer(struct app *app, const struct store_trust *row, struct resp *resp)
{
	resp->cf = CF_COSE_SIGN;
	resp->trust = trusted_seq(app);
	resp->etag_len = sizeof(resp->etag);
	for (size_t i = 0; i < sizeof(resp->etag); i++)
		resp->etag[i] = (uint8_t)(row->seq >> (56 - 8 * i));
	return 0;
}

static int
none(struct resp *resp)
{
	return why_set(&resp->why, ERR_NOT_FOUND, "there is no trust list "
	    "here");
}

int
res_trust(struct app *app, const struct req *req, struct resp *resp)
{
	const struct trust *list = trusted_list(app);
	const struct store_trust row = {.seq = trusted_seq(app)};

	(void)req;
	resp->have_max_age = true;
	resp->max_age = app->conf.poll_max_age;
	if (list == NULL)
		return none(resp);
	resp->body = list->message;
	return answer(app, &row, resp);
}

int
res_trust_one(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_trust row;
	uint64_t seq;
	int rc;

	resp->have_max_age = true;
	resp->max_age = app->conf.poll_max_age;
	if (text_u64(slice_str(req->arg[0]), &seq) != 0 || seq == 0)
		return why_set(&resp->why, ERR_INVALID, "k/{n}: a number "
		    "above 0");
	if (trusted_list(app) == NULL)
		return none(resp);
	rc = app->store->ops->trust_get(app->store, seq, &row, &resp->out);
	if (rc != 0)
		return why_set(&resp->why, rc, "there is no list %" PRIu64
		    " here, the newest is %" PRIu64, seq, trusted_seq(app));
	return answer(app, &row, resp);
}

/* --- freshness --- */

static void
add_class(struct fresh *f, const uint8_t class_id[16], uint64_t seq)
{
	memcpy(f->class_id[f->class_count], class_id, 16);
	f->seq[f->class_count++] = seq;
}

/* A campaign may bring a device to less than its class's current release:
 * then that is what is current for it. */
static uint64_t
current(struct app *app, const struct ident *id, const uint8_t class_id[16],
    uint64_t seq)
{
	const struct catalog_release *r;
	struct job job;

	if (id->how == IDENT_NONE || !id->dev.have_class ||
	    memcmp(id->dev.class_id, class_id, 16) != 0 ||
	    app->store->ops->job_live(app->store, id->dev.id, &job) != 0)
		return seq;
	r = catalog_by_id(app->catalog, job.release);
	return r != NULL ? r->seq : seq;
}

static void
fill(struct app *app, const struct ident *id, const struct fresh_ask *ask,
    struct fresh *f)
{
	const struct catalog_release *r;

	for (size_t i = 0; i < ask->class_count; i++) {
		r = catalog_current(app->catalog, ask->class_id[i]);
		if (r != NULL)
			add_class(f, ask->class_id[i], current(app, id,
			    ask->class_id[i], r->seq));
	}
}

int
res_trust_now(struct app *app, const struct req *req, struct resp *resp)
{
	struct fresh f = {.list = trusted_seq(app)};
	struct fresh_ask ask;
	struct ident id;
	int rc;

	if (req->have_cf && req->cf != CF_CBOR)
		return why_set(&resp->why, ERR_CONTENT_FORMAT, "send the "
		    "nonce as CBOR (Content-Format 60)");
	if (f.list == 0)
		return none(resp);
	rc = fresh_ask_parse(req->body, &ask, &resp->why);
	if (rc == 0)
		rc = access_ident(app, req, NULL, &id, &resp->why);
	if (rc != 0)
		return rc;
	f.nonce = ask.nonce;
	fill(app, &id, &ask, &f);
	resp->cf = CF_COSE_SIGN1;
	resp->code = 205;
	resp->trust = f.list;
	return trusted_fresh(app, req, &f, resp);
}
