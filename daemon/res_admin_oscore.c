/* A new OSCORE context of a device; it is shown in this answer only. */
#include <stdio.h>

#include "daemon/credential.h"
#include "daemon/oscore.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

static int
read_context(const struct req *req, struct buf *out,
    struct credential_oscore *k, struct why *why)
{
	struct slice hex = admin_query(req, "context");

	if (hex.p == NULL)
		return 0;
	if (hex.n == 0 || text_unhex(hex, out) != 0)
		return why_set(why, ERR_INVALID, "context: 1 to %d bytes in "
		    "hex", LIMIT_OSCORE_CONTEXT);
	k->context = buf_slice(out);
	return 0;
}

static int
give(struct app *app, const struct req *req, struct resp *resp,
    struct store_device *d, const struct credential_oscore *k,
    struct oscore_secret *ret)
{
	struct store_event ev = {.what = "device context set",
	    .device = d->id};
	static struct store_credential c;
	struct credential_list had;
	int rc = credential_list(app, d->id, &had);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	strcpy(ev.ep, d->ep);
	rc = credential_give_oscore(app, d, k, &c, ret, &resp->why);
	if (rc == 0)
		snprintf(ev.detail, sizeof(ev.detail), "%.60s%s", c.identity,
		    k->overlap_ms > 0 ? " beside the old one" : "");
	rc = admin_end(app, req, resp, &ev, rc);
	credential_settle(app, d->id, &had);
	explicit_bzero(&c, sizeof(c));
	return rc;
}

/* The device's sender is our recipient. */
static void
render(const struct oscore_secret *s, struct msg_oscore *m)
{
	memset(m, 0, sizeof(*m));
	m->secret_len = s->master_n;
	memcpy(m->secret, s->master, s->master_n);
	m->salt_len = s->salt_n;
	memcpy(m->salt, s->salt, s->salt_n);
	m->sender_len = s->recipient.n;
	memcpy(m->sender, s->recipient.b, s->recipient.n);
	m->recipient_len = s->sender.n;
	memcpy(m->recipient, s->sender.b, s->sender.n);
	m->context_len = s->context_n;
	memcpy(m->context, s->context, s->context_n);
	oscore_identity(slice_of(s->recipient.b, s->recipient.n),
	    s->have_context, slice_of(s->context, s->context_n), m->identity);
}

int
res_admin_device_oscore(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	uint8_t context[LIMIT_OSCORE_CONTEXT];
	struct buf b = buf_of(context, sizeof(context));
	struct credential_oscore k = {.overlap_ms = 0};
	struct oscore_secret s;
	struct msg_oscore m;
	uint64_t overlap = 0;
	int rc = admin_device(app, req, &d, &resp->why);

	resp->secret = true;
	if (rc == 0)
		rc = admin_query_u64(req, "overlap", 0, &overlap, &resp->why);
	if (rc == 0)
		rc = read_context(req, &b, &k, &resp->why);
	if (rc != 0)
		return rc;
	k.overlap_ms = (int64_t)(overlap > LIMIT_OVERLAP_S ?
	    LIMIT_OVERLAP_S + 1LL : (int64_t)overlap) * 1000;
	rc = give(app, req, resp, &d, &k, &s);
	if (rc != 0)
		return rc;
	resp->code = 201;
	render(&s, &m);
	rc = admin_put(req, resp, &msg_oscore, &m);
	explicit_bzero(&s, sizeof(s));
	explicit_bzero(&m, sizeof(m));
	return rc;
}
