/*
 * One exchange: who asks, whether he may, whether his body is whole, and the
 * handler. What is asked is asked anew of every request, so that a right that
 * was taken is gone, whatever its session says.
 */
#include "daemon/front_int.h"

#include "daemon/block1.h"
#include "daemon/front_dtls.h"
#include "daemon/front_oscore.h"
#include "daemon/loop.h"
#include "lib/uri.h"

/* "": nobody. */
static const char *
identity_of(const struct exchange *x)
{
	if (dtls_secures(x->plane))
		return dtls_identity(x->session);
	return x->plane->t != T_OSCORE ? "" :
	    front_oscore_identity(x->f, x->session);
}

static void
ask_principal(struct exchange *x)
{
	struct principal *who = &x->req.who;
	const struct cert_peer *peer;
	struct front *f = x->f;

	*who = (struct principal){.role = ROLE_NOBODY};
	peer = dtls_peer(x->plane, x->session);
	if (peer != NULL && f->hooks.cert_who != NULL) {
		f->hooks.cert_who(f->app, peer, who);
		return;
	}
	if (!slice_to_cstr(slice_str(identity_of(x)), who->identity,
	    sizeof(who->identity)) || who->identity[0] == '\0')
		return;
	f->hooks.who(f->app, x->plane->t, who->identity, who);
}

/* Whose key was changed or taken since is nobody at once, not only after this
 * turn; the question itself may find that out. */
static void
set_principal(struct exchange *x)
{
	ask_principal(x);
	if (dtls_is_over(x->plane, x->session))
		x->req.who = (struct principal){.role = ROLE_NOBODY};
}

/* Nothing on the admin port is for nobody, whatever its row says. */
static int
check_somebody(struct exchange *x)
{
	if (x->plane->t != T_ADMIN || x->req.who.role != ROLE_NOBODY)
		return 0;
	return why_set(&x->resp.why, ERR_UNAUTHORIZED,
	    "this credential is not valid any more");
}

static int
check_role(struct exchange *x)
{
	int rc = route_allows(x->match.route, x->req.method, x->plane->t,
	    &x->req.who);

	if (rc == ERR_UNAUTHORIZED)
		why_set(&x->resp.why, rc, "a credential is needed: use coaps");
	else if (rc != 0)
		route_refuse(x->match.route, x->req.method, &x->req.who,
		    &x->resp.why);
	return rc;
}

int
front_still_may(struct exchange *x)
{
	const struct principal was = x->req.who;
	int rc;

	set_principal(x);
	x->req.who.request = was.request;
	strcpy(x->req.who.approved, was.approved);
	rc = check_somebody(x);
	return rc != 0 ? rc : check_role(x);
}

static const struct route *
table_of(const struct exchange *x)
{
	return x->plane->t == T_ADMIN ? x->f->admin : x->f->device;
}

static int
serve_links(struct exchange *x)
{
	if (x->req.method != M_GET)
		return ERR_METHOD;
	front_links(table_of(x), x->req.query, x->req.query_n, &x->resp.out);
	x->resp.cf = CF_LINK;
	return 0;
}

/* 0: the body is whole, the handler may run. */
static int
take_body(struct exchange *x)
{
	uint64_t cap = x->match.route->flags & ROUTE_BODY_FILE ?
	    x->f->conf->image_max : LIMIT_BODY_MEM;
	int rc;

	if (x->req.method == M_GET)
		return 0; /* what it may carry means nothing */
	rc = block1_take(x->f->block1, x, cap, loop_mono(x->f->loop));

	if (rc == BLOCK1_MORE)
		x->resp.code = 231;
	return rc;
}

static int
call_route(struct exchange *x)
{
	int rc = check_somebody(x);

	if (rc == 0 && strcmp(x->req.path, ".well-known/core") == 0)
		return serve_links(x);
	if (rc == 0)
		rc = route_find(table_of(x), x->req.path, x->req.method,
		    &x->match);
	if (rc == 0)
		rc = check_role(x);
	if (rc == 0)
		rc = take_body(x);
	if (rc == BLOCK1_MORE)
		return 0;
	if (rc != 0)
		return rc;
	x->ran = true;
	if (x->plane->t == T_ADMIN && x->f->hooks.admit != NULL)
		rc = x->f->hooks.admit(x->f->app, x->match.route, &x->req,
		    &x->resp);
	if (rc != 0 || kept_find(x))
		return rc;
	rc = x->match.route->fn(x->f->app, &x->req, &x->resp);
	kept_put(x, rc);
	return rc;
}

/*
 * A device that puts its whole path into one option means the slashes, but
 * only when nothing has that very name.
 */
static int
call_route_loosely(struct exchange *x)
{
	int rc = call_route(x);

	if (rc != ERR_NOT_FOUND || strstr(x->req.path, "%2F") == NULL ||
	    (x->ran && !front_safe(x->req.method)))
		return rc;
	uri_path_loose(x->req.path);
	resp_begin(x);
	return call_route(x);
}

void
front_conclude(struct exchange *x, int rc)
{
	if (rc == 0 && x->resp.wait != 0)
		rc = later_add(x);
	else if (rc == 0)
		x->silent = x->resp.drop;
	x->f->stats.dropped += x->resp.drop;
	if (!x->silent)
		resp_finish(x, rc);
}

void
front_run(struct exchange *x)
{
	set_principal(x);
	if (x->req.who.credential != 0 && x->f->hooks.heard != NULL)
		x->f->hooks.heard(x->f->app, &x->req);
	resp_begin(x);
	front_conclude(x, call_route_loosely(x));
	block1_drop(x->assembly);
	x->assembly = NULL;
}
