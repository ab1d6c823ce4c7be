/*
 * The front's frame: one libcoap context per plane, and the life of an
 * exchange from PDU to answer.
 *
 * libcoap's own resources, observers and block code are not used: a resource
 * for "everything else" brings every request here, so that one table decides
 * on every transport. Its block code is off (block_mode 0), since it keeps
 * state per transfer and trusts Size1.
 *
 * An answer is held by giving libcoap an empty NON to send, which it drops;
 * front_flush then sends our own ACK with the request's message ID. An
 * answer that waited for the disk is still piggy-backed, which some devices
 * insist on. While one waits, a repetition of its request is ignored, as if
 * it had been lost.
 */
#include "daemon/front_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/addr.h"
#include "daemon/block1.h"
#include "daemon/coap_can.h"
#include "daemon/coap_tls.h"
#include "daemon/dedup.h"
#include "daemon/door.h"
#include "daemon/front_client.h"
#include "daemon/front_dtls.h"
#include "daemon/front_oscore.h"
#include "daemon/front_rand.h"
#include "daemon/front_sock.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/observe.h"

#define HANDSHAKES_MAX 2000 /* libcoap's 100 is one spoofing host's prey */
#define UDP_IDLE_SESSIONS 64 /* a session of plain UDP is worth nothing */
#define DTLS_SESSION_S 86400
#define TCP_SESSION_S 300
#define TICK_MS 200

static const struct {
	const char *name;
	coap_proto_t proto;
	const char *who;
	const char *can; /* what libcoap must be able to; NULL: it is */
	bool asked_for; /* off by default, and then nobody wants to be told */
} kinds[PLANES] = {
	[T_UDP] = {.name = "coap", .proto = COAP_PROTO_UDP,
	    .who = "any device, no credential"},
	[T_DTLS] = {.name = "coaps", .proto = COAP_PROTO_DTLS,
	    .who = "devices with a PSK"},
	[T_TCP] = {.name = "coap+tcp", .proto = COAP_PROTO_TCP,
	    .who = "any device, no credential"},
	[T_TLS] = {.name = "coaps+tcp", .proto = COAP_PROTO_TLS,
	    .who = "devices with a PSK", .asked_for = true},
	[T_WS] = {.name = "coap+ws", .proto = COMPAT_PROTO_WS, .can = "ws",
	    .who = "any device, no credential", .asked_for = true},
	[T_WSS] = {.name = "coaps+ws", .proto = COMPAT_PROTO_WSS, .can = "wss",
	    .who = "devices with a PSK", .asked_for = true},
	[T_OSCORE] = {.name = "coap (OSCORE)", .proto = COAP_PROTO_UDP,
	    .who = "devices with an OSCORE context", .asked_for = true},
	[T_ADMIN] = {.name = "admin (coaps)", .proto = COAP_PROTO_DTLS,
	    .who = "operators with a PSK"},
};

/* What no handler can answer. */
static int
precheck(struct exchange *x)
{
	if (front_safe(x->req.method))
		return 0;
	if (x->have_b2 && x->b2.num > 0)
		return why_set(&x->resp.why, ERR_INCOMPLETE,
		    "RFC 7959 3.3: that answer is not kept");
	if (x->f->held_n < HELD_MAX)
		return 0;
	front_limit(x->f, FRONT_LIMIT_HELD);
	return ERR_BUSY;
}

bool
front_once(const struct exchange *x)
{
	return x->con && !front_safe(x->req.method);
}

/* A repetition gets what the first one got; or nothing, if that waits. */
static bool
seen_before(struct exchange *x)
{
	int rc;

	if (!front_once(x))
		return false;
	rc = dedup_find(x->f->dedup, &x->peer, (uint16_t)x->mid,
	    loop_mono(x->f->loop), &x->answer);
	x->silent = rc == ERR_BUSY;
	if (rc != ERR_NOT_FOUND)
		x->f->stats.dedup_hits++;
	return rc != ERR_NOT_FOUND;
}

static void
serve(struct exchange *x)
{
	struct observers *o = x->f->observers;
	int rc;

	dtls_heard(x->plane, x->session);
	resp_begin(x);
	rc = req_read(x, &x->resp.why);
	observe_heard(o, x);
	if (rc == 0)
		rc = echo_check(x);
	if (rc == 0 && seen_before(x))
		return;
	if (rc == 0)
		rc = precheck(x);
	if (rc != 0) {
		resp_error(x, rc);
		return;
	}
	front_run(x);
	if (x->ran && front_once(x))
		dedup_begin(x->f->dedup, &x->peer, (uint16_t)x->mid,
		    loop_mono(x->f->loop));
	if (x->silent)
		return;
	if (x->req.observe)
		observe_register(o, x);
	else if (x->req.observe_cancel)
		observe_cancel(o, x);
}

static void
exchange_begin(struct exchange *x, struct plane *pl, coap_session_t *session,
    const coap_pdu_t *pdu)
{
	coap_bin_const_t token = coap_pdu_get_token(pdu);

	memset(x, 0, sizeof(*x));
	x->f = pl->f;
	x->plane = pl;
	x->session = session;
	x->pdu = pdu;
	x->reliable = sock_streams(pl);
	x->con = !x->reliable && coap_pdu_get_type(pdu) == COAP_MESSAGE_CON;
	x->mid = coap_pdu_get_mid(pdu);
	x->token = slice_of(token.s, token.length > 8 ? 8 : token.length);
	echo_begin(x);
}

/* A handler wrote it here; whoever keeps it has made a copy. */
static void
wipe(struct exchange *x)
{
	if (x->resp.secret && x->resp.out.p != NULL)
		explicit_bzero(x->resp.out.p, x->resp.out.n);
}

static void
on_request(coap_resource_t *resource, coap_session_t *session,
    const coap_pdu_t *pdu, const coap_string_t *query, coap_pdu_t *response)
{
	struct plane *pl = coap_get_app_data(coap_session_get_context(session));
	struct exchange *x = &pl->f->x;

	(void)resource;
	(void)query;
	pl->handled++;
	pl->f->stats.requests++;
	exchange_begin(x, pl, session, pdu);
	if (req_may_ask(x))
		serve(x);
	else
		x->silent = true;
	if (!x->silent)
		x->silent = x->resp.after_commit && held_add(x);
	if (x->silent)
		/* an empty NON, which libcoap does not send */
		coap_pdu_set_type(response, COAP_MESSAGE_NON);
	else if (!answer_fill(&x->answer, response))
		log_error("front: answer does not fit peer=%s path=%s",
		    x->req.peer, x->req.path);
	if (!x->silent)
		front_count(pl->f, front_row(x), x->answer.code);
	if (!x->silent && x->ran && front_once(x))
		dedup_end(pl->f->dedup, &x->peer, (uint16_t)x->mid,
		    &x->answer);
	wipe(x);
	blob_unref(x->resp.image);
	blob_put_abort(x->resp.upload);
}

void
front_flush(struct front *f, struct front_span which, int commit_err)
{
	held_flush(f, which, commit_err);
	observe_flush(f->observers, commit_err);
	for (int i = 0; i < FRONT_SECURE; i++)
		dtls_settle(&f->plane[front_secure[i]]);
	dtls_settle(&f->plane[T_ADMIN]);
}

void
front_forget(struct front *f, const char *identity)
{
	for (int i = 0; i < FRONT_SECURE; i++)
		dtls_forget(&f->plane[front_secure[i]], identity);
	front_oscore_forget(f, identity);
}

static void
tell_login(struct plane *pl, coap_session_t *session)
{
	struct front *f = pl->f;
	struct principal who = {.role = ROLE_NOBODY};
	char host[LIMIT_ADDRESS], id[LIMIT_PSK_IDENTITY + 1];

	if (pl->t != T_ADMIN || f->hooks.login == NULL ||
	    !slice_to_cstr(slice_str(dtls_identity(session)), id, sizeof(id)))
		return;
	f->hooks.who(f->app, pl->t, id, &who);
	addr_host(&coap_session_get_addr_remote(session)->addr.sa, host);
	f->hooks.login(f->app, &who, host);
}

void
front_forget_admin(struct front *f, const char *identity)
{
	dtls_forget(&f->plane[T_ADMIN], identity);
}

/* Its requests will not come again. */
static void
gone(struct plane *pl, coap_session_t *session)
{
	dedup_closed(pl->f->dedup, dtls_number(pl, session));
	dtls_gone(pl, session);
}

static int
on_event(coap_session_t *session, coap_event_t event)
{
	struct plane *pl = coap_get_app_data(coap_session_get_context(session));

	if (pl->f->observers == NULL)
		return 0; /* the front is being freed */
	switch (event) {
	case COAP_EVENT_SERVER_SESSION_NEW:
		pl->sessions++;
		if (pl->t == T_TCP)
			door_shaken(pl->f->door, &coap_session_get_addr_remote(
			    session)->addr.sa);
		stream_opened(pl, session);
		break;
	case COAP_EVENT_DTLS_CONNECTED:
		pl->shaken++;
		pl->f->stats.handshakes++;
		dtls_connected(pl, session);
		tell_login(pl, session);
		door_shaken(pl->f->door, &coap_session_get_addr_remote(
		    session)->addr.sa);
		break;
	case COAP_EVENT_SERVER_SESSION_DEL:
		if (kinds[pl->t].proto == COAP_PROTO_DTLS &&
		    dtls_is_up(session) &&
		    pl->sessions >= pl->f->conf->sessions_max)
			front_limit(pl->f, FRONT_LIMIT_SESSIONS);
		pl->sessions -= pl->sessions > 0;
		pl->f->stats.handshakes_failed += dtls_is_begun(session);
		stream_closed(pl, session);
		gone(pl, session);
		kept_closed(pl->f, session);
		break;
	case COAP_EVENT_DTLS_ERROR:
		/* without a key it has not even begun */
		pl->f->stats.handshakes_failed += !dtls_is_up(session) &&
		    !dtls_is_failed(session);
		gone(pl, session);
		observe_closed(pl->f->observers, session);
		break;
	case COAP_EVENT_DTLS_CLOSED:
		pl->f->stats.handshakes_failed += dtls_is_begun(session);
		gone(pl, session);
		observe_closed(pl->f->observers, session);
		break;
	case COAP_EVENT_TCP_CLOSED:
	case COAP_EVENT_SESSION_CLOSED:
		observe_closed(pl->f->observers, session);
		break;
	default:
		break;
	}
	return 0;
}

/* The only CON messages of a server are notifications. */
static void
on_nack(coap_session_t *session, const coap_pdu_t *sent,
    const coap_nack_reason_t reason, const coap_mid_t mid)
{
	struct plane *pl = coap_get_app_data(coap_session_get_context(session));

	(void)mid;
	if (pl->f->observers == NULL)
		return; /* the front is being freed, with what was not acked */
	observe_nack(pl->f->observers, session, sent, reason);
}

static void
on_tick(void *arg)
{
	struct front *f = arg;

	block1_tick(f->block1, f, loop_mono(f->loop));
	dedup_tick(f->dedup, loop_mono(f->loop));
	observe_tick(f->observers);
	client_tick(f);
}

static void
on_log(coap_log_t level, const char *text)
{
	(void)level;
	log_debug("libcoap: %.*s", (int)strcspn(text, "\n"), text);
}

static int
add_resources(coap_context_t *ctx)
{
	coap_resource_t *rest = coap_resource_unknown_init(on_request);
	coap_resource_t *core = coap_resource_init(coap_make_str_const(
	    ".well-known/core"), 0);

	if (rest == NULL || core == NULL)
		return ERR_NOMEM;
	/* libcoap would answer .well-known/core itself */
	for (int m = COAP_REQUEST_GET; m <= COAP_REQUEST_IPATCH; m++) {
		coap_register_request_handler(rest, m, on_request);
		coap_register_request_handler(core, m, on_request);
	}
	coap_add_resource(ctx, rest);
	coap_add_resource(ctx, core);
	return 0;
}

int
plane_new(struct plane *pl, const char *listen, struct why *why)
{
	const struct conf *conf = pl->f->conf;
	unsigned idle = conf->sessions_max;
	int rc;

	if (kinds[pl->t].can != NULL && !coap_can(kinds[pl->t].can))
		return why_set(why, ERR_UNSUPPORTED, "%s: this libcoap has no "
		    "WebSockets", kinds[pl->t].name);
	snprintf(pl->listen, sizeof(pl->listen), "%s", listen);
	pl->ctx = coap_new_context(NULL);
	if (pl->ctx == NULL)
		return why_set(why, ERR_NOMEM, "%s: no CoAP context",
		    kinds[pl->t].name);
	coap_set_app_data(pl->ctx, pl);
	coap_context_set_block_mode(pl->ctx, 0);
	coap_context_set_max_handshake_sessions(pl->ctx, HANDSHAKES_MAX);
	if (pl->t == T_UDP && idle > UDP_IDLE_SESSIONS)
		idle = UDP_IDLE_SESSIONS;
	coap_context_set_max_idle_sessions(pl->ctx, idle);
	coap_context_set_session_timeout(pl->ctx,
	    kinds[pl->t].proto == COAP_PROTO_DTLS ? DTLS_SESSION_S :
	    TCP_SESSION_S);
	coap_register_event_handler(pl->ctx, on_event);
	coap_register_nack_handler(pl->ctx, on_nack);
	rc = add_resources(pl->ctx);
	if (rc == 0)
		rc = stream_new(pl);
	if (rc == 0 && dtls_secures(pl))
		rc = dtls_setup(pl);
	if (rc != 0)
		return why_set(why, rc, "%s: %s", kinds[pl->t].name,
		    err_text(rc));
	return sock_listen(pl, kinds[pl->t].proto, why);
}

static int
planes_new(struct front *f, struct why *why)
{
	const char *const listen[PLANES] = {
		[T_UDP] = f->conf->listen_coap,
		[T_DTLS] = f->conf->listen_coaps,
		[T_TCP] = f->conf->listen_tcp,
		[T_TLS] = f->conf->listen_coaps_tcp,
		[T_WS] = f->conf->listen_ws,
		[T_WSS] = f->conf->listen_wss,
		[T_ADMIN] = f->conf->listen_admin,
	};
	int rc = 0;

	for (int t = 0; t < PLANES && rc == 0; t++) {
		f->plane[t].f = f;
		f->plane[t].t = (enum transport)t;
		f->plane[t].sock = -1;
		if (listen[t] == NULL || listen[t][0] == '\0')
			continue;
		rc = plane_new(&f->plane[t], listen[t], why);
		if (rc == 0)
			rc = loop_read(f->loop, f->plane[t].fd, sock_turn,
			    &f->plane[t]);
	}
	if (rc == 0)
		rc = front_oscore_open(f, why);
	return rc == 0 ? front_cert_reload(f, f->conf, why) : rc;
}

int
front_new(const struct front_opts *o, struct front **ret, struct why *why)
{
	struct front *f;
	int rc;

	if (!coap_tls_init())
		return why_set(why, ERR_CRYPTO,
		    "OpenSSL refuses its settings");
	coap_startup();
	front_rand_install();
	coap_set_log_handler(on_log);
	coap_set_log_level(COAP_LOG_ERR);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return ERR_NOMEM;
	f->loop = o->loop;
	f->app = o->app;
	f->blobs = o->blobs;
	f->disk = o->disk;
	f->conf = o->conf;
	TAILQ_INIT(&f->later);
	f->hooks = o->hooks;
	f->device = o->device;
	f->admin = o->admin;
	f->follow_fd = -1;
	f->reach = o->reach;
	f->held = calloc(HELD_MAX, sizeof(*f->held));
	f->observers = observe_new(f);
	f->block1 = block1_new(f->blobs);
	f->dedup = dedup_new();
	rc = door_new(f->reach, &f->door) == 0 && f->held != NULL && f->observers != NULL && f->block1 != NULL &&
	    f->dedup != NULL ? planes_new(f, why) : ERR_NOMEM;
	if (rc == 0)
		rc = loop_every(f->loop, TICK_MS, on_tick, f);
	if (rc != 0) {
		front_free(f);
		return rc;
	}
	sock_say_small(f);
	*ret = f;
	return 0;
}

void
front_free(struct front *f)
{
	if (f == NULL)
		return;
	held_flush(f, FRONT_ALL, ERR_CANCELLED);
	later_free(f);
	kept_free(f);
	observe_free(f->observers);
	f->observers = NULL;
	front_follow_close(f);
	front_oscore_close(f);
	for (int t = 0; t < PLANES; t++) {
		dtls_fini(&f->plane[t]);
		door_leave(f->plane[t].sock);
		coap_free_context(f->plane[t].ctx);
		stream_free(&f->plane[t]);
	}
	door_free(f->door);
	cert_free(f->cert);
	client_unload(&f->client);
	block1_free(f->block1);
	dedup_free(f->dedup);
	free(f->held);
	free(f);
}

void
front_describe(const struct front *f,
    void (*line)(void *arg, const char *text), void *arg)
{
	char text[256];

	for (int t = 0; t < PLANES; t++) {
		const struct plane *pl = &f->plane[t];

		if (pl->ctx == NULL && kinds[t].asked_for)
			continue;
		if (pl->ctx == NULL)
			snprintf(text, sizeof(text), "%s: off",
			    kinds[t].name);
		else
			snprintf(text, sizeof(text),
			    "%s: listens on %s, open to %s%s%s", kinds[t].name,
			    pl->listen, kinds[t].who, pl->shows &&
			    f->client.ca != NULL ? ", to those with a "
			    "certificate of client_ca" : "", pl->shows &&
			    f->cert != NULL ? ", and to any device that "
			    "takes its certificate" : "");
		line(arg, text);
	}
}

uint16_t
front_port(const struct front *f, enum transport plane)
{
	return f->plane[plane].port;
}

int
front_socket(const struct front *f, enum transport plane)
{
	return f->plane[plane].sock;
}
