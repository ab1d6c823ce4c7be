/*
 * The front: a device's request becomes a struct req, its route's handler
 * runs, a struct resp becomes an answer. What libcoap is not needed for is
 * as in daemon/front*.c: canonical paths, stateless Block2, ETags and 2.03,
 * answers held until the turn's commit, and answers remembered for repeated
 * exchanges that must not run twice.
 */
#include "tests/sim/sim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/access.h"
#include "daemon/engine.h"
#include "lib/block.h"
#include "lib/uri.h"
#include "tests/sim/sim_route.h"

static struct sim_ans *
ans_new(struct sim_dev *d, uint32_t id, struct slice body)
{
	struct sim_ans *a = sim_alloc(NULL, 1, sizeof(*a) + body.n);

	memset(a, 0, sizeof(*a));
	a->refs = 1;
	a->d = d;
	a->id = id;
	if (body.n > 0)
		memcpy(a->bytes, body.p, body.n);
	a->r.payload = slice_of(a->bytes, body.n);
	return a;
}

/* --- the request --- */

struct parsed {
	struct req req;
	struct sim_route match;
	uint8_t query[256];
};

static int
read_uri(const struct sim_req *rq, struct parsed *p)
{
	struct buf b = buf_of(p->query, sizeof(p->query));
	struct req *req = &p->req;
	struct uri u;
	int rc = uri_parse(slice_str(rq->uri), &u, NULL);

	if (rc == 0)
		rc = uri_path(&u, req->path, sizeof(req->path));
	while (rc == 0 && req->query_n < LIMIT_QUERY) {
		size_t at = b.n;

		rc = uri_query(&u, req->query_n, &b);
		if (rc == 0)
			req->query[req->query_n++] = slice_of(p->query + at,
			    b.n - at);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
read_req(struct sim *s, const struct sim_req *rq, struct parsed *p)
{
	static const enum method methods[] = {
		[1] = M_GET, [2] = M_POST, [3] = M_PUT, [4] = M_DELETE,
	};
	struct sim_dev *d = rq->d;
	struct req *req = &p->req;
	int rc;

	memset(req, 0, sizeof(*req));
	req->method = methods[rq->method];
	req->transport = d->g->auth ? T_DTLS : T_UDP;
	req->body = slice_of(rq->payload, rq->n);
	req->have_cf = rq->cf >= 0;
	req->cf = rq->cf >= 0 ? (uint16_t)rq->cf : CF_NONE;
	req->observe = rq->observe;
	req->first_block = rq->num == 0;
	req->etag[0] = slice_of(rq->etag, rq->etag_n);
	req->etag_n = rq->etag_n > 0;
	strcpy(req->addr, d->addr);
	strcpy(req->peer, d->peer);
	strcpy(req->local, "fw.example:5683");
	if (d->g->auth)
		access_who(&s->app, T_DTLS, d->ep, &req->who);
	rc = read_uri(rq, p);
	if (rc == 0)
		rc = sim_route_find(req->path, req->method, &p->match);
	if (rc == 0 && p->match.route->role != ROLE_NOBODY &&
	    !(p->match.route->role & req->who.role))
		rc = ERR_UNAUTHORIZED;
	req->arg[0] = p->match.arg[0];
	req->arg[1] = p->match.arg[1];
	return rc;
}

/* --- the answer, see front_resp.c --- */

static unsigned
code_of(const struct req *req, const struct resp *resp)
{
	if (resp->code != 0)
		return resp->code;
	return req->method == M_GET ? 205 : req->method == M_DELETE ? 202 :
	    204;
}

static void
make_etag(struct resp *resp, struct slice body)
{
	struct digest d;

	if (resp->etag_len > 0 ||
	    digest_compute(DIGEST_SHA256, body, &d) != 0)
		return;
	resp->etag_len = sizeof(resp->etag);
	memcpy(resp->etag, d.b, sizeof(resp->etag));
}

static void
put_common(struct sim_ans *a, const struct resp *resp)
{
	a->r.have_max_age = resp->have_max_age;
	a->r.max_age = resp->max_age;
	a->r.etag_len = resp->etag_len;
	memcpy(a->r.etag, resp->etag, sizeof(resp->etag));
}

static struct sim_ans *
refuse(const struct sim_req *rq, struct resp *resp, int rc)
{
	struct slice text = slice_str(resp->why.text[0] != '\0' ?
	    resp->why.text : err_text(rc));
	struct sim_ans *a = ans_new(rq->d, rq->id, text);

	a->r.code = err_coap(rc);
	if (a->r.code == 503 && !resp->have_max_age) {
		resp->have_max_age = true;
		resp->max_age = 30;
	}
	resp->etag_len = 0;
	put_common(a, resp);
	return a;
}

static struct sim_ans *
content(struct sim *s, const struct sim_req *rq, struct parsed *p,
    struct resp *resp)
{
	struct slice body = resp->image != NULL ? blob_bytes(resp->image) :
	    resp->body.p != NULL ? resp->body : buf_slice(&resp->out);
	const struct block b2 = {rq->num, false, rq->szx};
	struct block_slice cut;
	struct sim_ans *a;
	unsigned code = code_of(&p->req, resp);
	int rc;

	if (code == 205 && p->req.method == M_GET)
		make_etag(resp, body);
	if (code == 205 && rq->etag_n > 0 && slice_eq(slice_of(rq->etag,
	    rq->etag_n), slice_of(resp->etag, resp->etag_len))) {
		a = ans_new(rq->d, rq->id, SLICE_NONE);
		a->r.code = 203;
		put_common(a, resp);
		return a;
	}
	rc = block_slice(body.n, rq->have_block ? &b2 : NULL, 6, &cut);
	if (rc != 0)
		return refuse(rq, resp, rc);
	body = resp->location[0] != '\0' ? slice_str(resp->location) :
	    slice_sub(body, cut.off, cut.len);
	a = ans_new(rq->d, rq->id, body);
	a->r.code = code;
	put_common(a, resp);
	if (resp->location[0] != '\0') {
		a->r.location = a->r.payload;
		a->r.payload = SLICE_NONE;
	}
	a->r.have_block = cut.use_option;
	a->r.num = cut.block.num;
	a->r.szx = cut.block.szx;
	a->r.more = cut.block.more;
	if (resp->image != NULL && !p->req.notify &&
	    (p->match.route->flags & ROUTE_BLOCKS))
		engine_blocks(&s->app, &p->req, resp->image,
		    cut.off + cut.len, blob_bytes(resp->image).n);
	if (resp->image != NULL)
		sim_count_bytes(rq->d, cut.len);
	return a;
}

struct sim_ans *
sim_front_run(struct sim *s, struct sim_req *rq, bool notify, bool *ret_hold)
{
	static uint8_t out[LIMIT_RESPONSE];
	static struct parsed p;
	struct resp resp = {.cf = CF_NONE, .out = buf_of(out, sizeof(out))};
	struct sim_ans *a;
	int rc;

	p.match.route = NULL;
	rc = read_req(s, rq, &p);

	p.req.notify = notify;
	s->touched = true;
	if (rc == 0)
		rc = p.match.route->fn(&s->app, &p.req, &resp);
	if (rc == 0 && resp.out.over)
		rc = ERR_SPACE;
	a = rc != 0 ? refuse(rq, &resp, rc) : content(s, rq, &p, &resp);
	blob_unref(resp.image);
	a->admission = rq->admission && !notify;
	if (rq->observe && p.match.route != NULL && !notify &&
	    (p.match.route->flags & ROUTE_OBSERVE) && a->r.code / 100 == 2) {
		a->r.observe = true;
		sim_obs_register(s, rq, a);
	}
	*ret_hold = resp.after_commit;
	return a;
}

/* --- exchanges --- */

static void
hold(struct front *f, struct sim_ans *a)
{
	if (f->held_n == f->held_cap) {
		f->held_cap = f->held_cap ? f->held_cap * 2 : 64;
		f->held = sim_alloc(f->held, f->held_cap, sizeof(*f->held));
	}
	f->held[f->held_n++] = sim_ans_ref(a);
}

/* An answer that the daemon never gave. */
static bool
lies(struct sim *s, struct sim_req *rq)
{
	struct sim_ans *a;

	if (s->now >= s->net.lie_until || !rq->admission)
		return false;
	a = ans_new(rq->d, rq->id, SLICE_NONE);
	a->admission = true;
	a->r.code = s->net.lie_code;
	a->r.have_max_age = true;
	a->r.max_age = s->net.lie_age;
	sim_wire_answer(s, a);
	sim_ans_unref(a);
	return true;
}

/* true: it ran already, and has been told again what it was told */
static bool
repeated(struct sim *s, struct sim_req *rq)
{
	struct sim_dev *d = rq->d;

	if (rq->method == 1 || d->memo == NULL || d->memo_life != s->life ||
	    d->memo_id != rq->id)
		return false;
	if (!d->memo_held)
		sim_wire_answer(s, d->memo);
	return true;
}

static void
remember(struct sim *s, struct sim_dev *d, struct sim_ans *a, bool held)
{
	sim_ans_unref(d->memo);
	d->memo = sim_ans_ref(a);
	d->memo_id = a->id;
	d->memo_life = s->life;
	d->memo_held = held;
}

/* A daemon that was restarted cannot read an old session's records, and
 * says nothing: the device finds out by silence. */
static bool
readable(struct sim *s, struct sim_dev *d)
{
	if (!d->g->auth)
		return true;
	if (d->session == 0)
		d->session = s->life;
	return d->session == s->life;
}

void
sim_front_request(struct sim *s, struct sim_req *rq)
{
	struct sim_ans *a;
	bool held;

	sim_count_arrival(s, rq);
	if (lies(s, rq) || !s->up || !readable(s, rq->d))
		return;
	sim_obs_heard(rq->d);
	if (repeated(s, rq))
		return;
	a = sim_front_run(s, rq, false, &held);
	if (a->admission)
		sim_trace(s, rq->d, "GET %.40s -> %u, max-age %u", rq->uri,
		    a->r.code, a->r.max_age);
	else if (rq->method != 1)
		sim_trace(s, rq->d, "POST %.*s -> %u",
		    (int)strcspn(rq->uri, "?"), rq->uri, a->r.code);
	if (rq->method != 1)
		remember(s, rq->d, a, held);
	if (held)
		hold(&s->front, a);
	else
		sim_wire_answer(s, a);
	sim_ans_unref(a);
}

static void
commit_failed(struct sim_ans *a, int err)
{
	a->r = (struct suitdev_response){
		.code = err_coap(err), .have_max_age = err_coap(err) == 503,
		.max_age = 30,
	};
}

uint64_t
front_held(const struct front *f)
{
	return f->held_n;
}

/* A daemon that dies between its commit and its answers says nothing. Here
 * a commit is durable at once: they are always decided all together. */
void
front_flush(struct front *f, struct front_span which, int commit_err)
{
	struct sim *s = f->s;
	size_t n = f->held_n;

	if (sim_daemon_dying(s))
		return;
	if (which.after >= n || which.upto == 0)
		n = 0;
	else
		f->held_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct sim_ans *a = f->held[i];

		if (commit_err != 0)
			commit_failed(a, commit_err);
		if (a->d->memo == a)
			a->d->memo_held = false;
		sim_wire_answer(s, a);
		sim_ans_unref(a);
	}
	sim_obs_flush(s, commit_err);
}

void
sim_front_close(struct sim *s)
{
	struct front *f = &s->front;

	for (size_t i = 0; i < f->held_n; i++)
		sim_ans_unref(f->held[i]);
	f->held_n = f->marked_n = f->dirty_n = f->dirty_at = 0;
	for (unsigned i = 0; i < s->dev_n; i++) {
		sim_obs_drop(&s->dev[i], ERR_CANCELLED);
		s->dev[i].obs.queued = false;
	}
}

/* Sessions of an identity end; its observation goes with them. */
/* Nothing waits for a thread here. */
size_t
front_resume(struct front *f, uint64_t ticket, int err,
    struct blob_put *upload)
{
	(void)f;
	(void)ticket;
	(void)err;
	(void)upload;
	return 0;
}

/* No session here has a certificate. */
void
front_forget_certs(struct front *f, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg)
{
	(void)f;
	(void)gone;
	(void)arg;
}

void
front_forget(struct front *f, const char *identity)
{
	struct sim_dev *d = sim_dev_by_ep(f->s, identity);

	if (d != NULL && d->g->auth) {
		d->session = UINT_MAX;
		sim_obs_drop(d, ERR_UNREACHABLE);
	}
}

void
front_forget_admin(struct front *f, const char *identity)
{
	(void)f; /* no operator has a session here */
	(void)identity;
}
