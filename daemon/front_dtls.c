/*
 * A device that restarts often has the port it had before, and said no
 * goodbye. Its ClientHello meets our old session, where OpenSSL drops it in
 * silence, so the device would be locked out until the session times out.
 *
 * So a hello (a plain-text handshake record with one of the first numbers)
 * on an established session ends it, if the session was silent for a while,
 * or if the hello comes again while nothing valid does. The peer repeats the
 * hello anyway, and then meets nobody. RFC 6347 4.2.8 would verify the peer's
 * address first, which libcoap leaves no room for; a forger who knows the
 * port of a silent device can make it do one more handshake.
 */
#include "daemon/front_dtls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/addr.h"
#include "daemon/coap_tls.h"
#include "daemon/front_client.h"
#include "daemon/log.h"
#include "daemon/loop.h"

#define SILENT_MS 10000
#define AGAIN_MS 400
#define FINISHED_AGAIN 2 /* the first may have come before what makes the key */
#define SOON_MS (30 * 86400 * INT64_C(1000))

struct watch {
	LIST_ENTRY(watch) next;
	struct plane *pl;
	coap_session_t *session;
	bool connected, over;
	bool stranger; /* showed no key */
	bool failed; /* and counted, while it may go on */
	char *named; /* identity, until its key is proven; or NULL */
	unsigned finished; /* times that it said so meanwhile */
	uint64_t number;
	struct cert_peer *peer; /* its certificate, or NULL */
	uint64_t gen; /* by which it was checked */
	int64_t heard, hello; /* monotonic ms; hello 0: none since heard */
};

static void
on_hello(void *arg)
{
	struct watch *w = arg;
	int64_t now = loop_mono(w->pl->f->loop);

	if (!w->connected)
		return;
	if (now - w->heard >= SILENT_MS ||
	    (w->hello != 0 && now - w->hello >= AGAIN_MS))
		w->over = w->pl->dtls_over = true;
	else if (w->hello == 0)
		w->hello = now;
}

/* With the right key it would be connected before the next one. */
static void
on_sealed(void *arg)
{
	struct watch *w = arg;

	if (w->connected || w->named == NULL)
		return;
	w->finished++;
	w->pl->unproven = true;
}

static struct watch *
watch_of(coap_session_t *session)
{
	return coap_session_get_app_data(session);
}

/* During the handshake, since later OpenSSL would not call back. */
static void
watch_new(struct plane *pl, coap_session_t *session, void *ssl)
{
	struct watch *w = watch_of(session);

	if (w != NULL)
		return;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return;
	w->pl = pl;
	w->session = session;
	w->number = ++pl->f->watched;
	LIST_INSERT_HEAD(&pl->watches, w, next);
	coap_session_set_app_data(session, w);
	coap_tls_watch(ssl, on_hello, on_sealed, w);
}

/* A fast client of TLS is answered before libcoap knows the session's SSL;
 * it has met on_setup already. */

static void
host_of(const coap_session_t *session, char ret[LIMIT_ADDRESS])
{
	addr_host(&coap_session_get_addr_remote(session)->addr.sa, ret);
}

/* May it go on? Only operators' keys are worth guessing online: a device's
 * speaks for one device. */
static bool
may_knock(struct plane *pl, const coap_session_t *session)
{
	char host[LIMIT_ADDRESS];
	bool may;

	if (pl->t != T_ADMIN || pl->f->hooks.knock == NULL)
		return true;
	host_of(session, host);
	may = pl->f->hooks.knock(pl->f->app, host);
	pl->f->stats.handshakes_slowed += !may;
	return may;
}

static void
note_identity(coap_session_t *session, const char *id)
{
	struct watch *w = watch_of(session);

	if (w == NULL)
		return;
	free(w->named);
	w->named = strdup(id);
	w->finished = 0;
}

static const coap_bin_const_t *
on_psk(coap_bin_const_t *identity, coap_session_t *session, void *arg)
{
	struct plane *pl = arg;
	struct buf key = buf_of(pl->key, sizeof(pl->key));
	char id[LIMIT_PSK_IDENTITY + 1];
	void *ssl = coap_session_get_tls(session, NULL);

	if ((ssl == NULL && watch_of(session) == NULL) ||
	    !may_knock(pl, session) ||
	    !slice_to_cstr(slice_of(identity->s, identity->length), id,
	    sizeof(id)) || pl->f->hooks.psk(pl->f->app, pl->t, id,
	    &key) != 0 || key.over || key.n == 0)
		return NULL;
	if (watch_of(session) == NULL) {
		coap_tls_no_cache(ssl);
		watch_new(pl, session, ssl);
	}
	note_identity(session, id);
	pl->key_ref = (coap_bin_const_t){key.n, pl->key};
	return &pl->key_ref;
}

/*
 * libcoap asks whether a ClientHello is for a PSK only where it has a key of
 * its own; else it takes each for one that wants a certificate. Nobody can
 * use this one: on_psk decides about every identity.
 */
static const coap_bin_const_t *
decoy(struct plane *pl)
{
	if (pl->decoy_ref.s == NULL) {
		coap_prng(pl->decoy, sizeof(pl->decoy));
		pl->decoy_ref = (coap_bin_const_t){sizeof(pl->decoy),
		    pl->decoy};
	}
	return &pl->decoy_ref;
}

bool
dtls_secures(const struct plane *pl)
{
	return pl->t == T_DTLS || pl->t == T_TLS || pl->t == T_WSS ||
	    pl->t == T_ADMIN;
}

int
dtls_setup(struct plane *pl)
{
	coap_dtls_spsk_t spsk = {
		.version = COAP_DTLS_SPSK_SETUP_VERSION,
		.validate_id_call_back = on_psk,
		.id_call_back_arg = pl,
	};

	if (pl->t != T_ADMIN)
		spsk.psk_info.key = *decoy(pl);
	return coap_context_set_psk2(pl->ctx, &spsk) ? dtls_show(pl) :
	    ERR_CRYPTO;
}

/*
 * What strangers signed is not worth a line each. Nor is the rest: a copy of
 * what was revoked, or its serial number, is enough to be told so, since the
 * signature and the key are asked for after that.
 */
static void
say_refused(const struct watch *w, int rc, const struct why *why)
{
	struct front *f = w->pl->f;
	char more[FEW_TEXT];
	struct req at;

	f->stats.certs_refused++;
	req_addresses(w->pl, w->session, &at);
	if (rc != ERR_SIGNATURE &&
	    few_may(&f->refusals, loop_mono(f->loop), more))
		log_warn("tls: certificate refused peer=%s: %s%s", at.peer,
		    why->text, more);
	else
		log_debug("tls: certificate refused peer=%s: %s", at.peer,
		    why->text);
}

static bool
on_certificate(void *arg, struct coap_tls_shown *shown)
{
	struct watch *w = arg;
	struct front *f = w->pl->f;
	struct cert_peer p;
	struct why why = {0};
	int rc = client_check(f, shown, &p, &why);

	if (rc == 0 && w->peer == NULL &&
	    (w->peer = malloc(sizeof(*w->peer))) == NULL)
		rc = why_set(&why, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		say_refused(w, rc, &why);
		return false;
	}
	*w->peer = p;
	w->gen = f->client_gen;
	return true;
}

/* A client that has none goes on without. */
static int
ask(struct plane *pl, void *ssl)
{
	const struct clientca *ca = pl->f->client.ca;

	return ca == NULL || pl->t == T_ADMIN || coap_tls_ask(ssl,
	    clientca_names(ca), LIMIT_CERT_PEER, on_certificate);
}

/* While a ClientHello is looked at, of either kind. Who shows no PSK never
 * meets on_psk, so he is watched from here on. */
static int
on_setup(void *ssl, coap_dtls_pki_t *setup)
{
	struct plane *pl = setup->cn_call_back_arg;
	coap_session_t *session = ssl != NULL ? coap_tls_session(ssl) : NULL;
	struct cert_parts p = {NULL, NULL, NULL};

	if (session == NULL)
		return 1;
	coap_tls_no_cache(ssl);
	if (sock_streams(pl) && !coap_tls_only_12(ssl))
		return 0;
	watch_new(pl, session, ssl);
	if (pl->f->cert != NULL)
		p = cert_parts(pl->f->cert);
	return coap_tls_show(ssl, p.leaf, p.key, p.chain) && ask(pl, ssl);
}

/*
 * libcoap would read the certificate and its key from PEM anew for each
 * ClientHello, which takes thrice as long as the handshake, and it knows no
 * issuers. So it is given a certificate that it cannot use, goes on without
 * one, in 4.3.1 as in 4.3.4, and asks us. Over TLS it is asked to from the
 * start, also for who has a key: see coap_tls_only_12.
 */
int
dtls_show(struct plane *pl)
{
	static const uint8_t none[1];
	coap_dtls_pki_t pki = {
		.version = COAP_DTLS_PKI_SETUP_VERSION,
		.additional_tls_setup_call_back = on_setup,
		.cn_call_back_arg = pl,
		.pki_key.key_type = COAP_PKI_KEY_ASN1,
		.pki_key.key.asn1 = {.public_cert = none,
		    .public_cert_len = sizeof(none)},
	};

	if (pl->shows || (pl->f->cert == NULL && !sock_streams(pl)) ||
	    pl->t == T_ADMIN)
		return 0;
	pl->shows = coap_context_set_pki(pl->ctx, &pki) != 0;
	return pl->shows ? 0 : ERR_CRYPTO;
}

const char *
dtls_identity(coap_session_t *session)
{
	void *ssl = coap_session_get_tls(session, NULL);
	const char *id = ssl != NULL ? coap_tls_identity(ssl) : NULL;

	return id != NULL ? id : "";
}

/* Strangers must not push out devices, which are as idle as they are. */
static void
end_a_stranger(struct plane *pl)
{
	struct watch *w, *longest = NULL;

	LIST_FOREACH(w, &pl->watches, next)
		if (w->stranger && !w->over &&
		    (longest == NULL || w->heard <= longest->heard))
			longest = w; /* the last one in is the first here */
	if (longest != NULL)
		longest->over = pl->dtls_over = true;
	front_limit(pl->f, FRONT_LIMIT_KEYLESS);
}

static void
shown(struct watch *w)
{
	struct front *f = w->pl->f;
	int64_t left = w->peer->id.until - loop_now(f->loop);

	f->stats.certs++;
	if (left < SOON_MS)
		log_warn("tls: certificate of ep=%s %s serial=%s", w->peer->ep,
		    left < 0 ? "has expired, client_grace lets it in" :
		    "ends within 30 days", w->peer->id.serial);
	if (f->hooks.cert_shown != NULL)
		f->hooks.cert_shown(f->app, w->peer);
}

static void
proved(struct watch *w)
{
	struct front *f = w->pl->f;

	if (w->named != NULL && f->hooks.key_proved != NULL)
		f->hooks.key_proved(f->app, w->pl->t, w->named);
	free(w->named);
	w->named = NULL;
}

/* OpenSSL drops what a wrong key has sealed, and DTLS goes on waiting. */
static void
tell_failed(struct watch *w)
{
	struct front *f = w->pl->f;
	char host[LIMIT_ADDRESS];

	w->failed = true;
	host_of(w->session, host);
	if (f->hooks.key_failed != NULL)
		f->hooks.key_failed(f->app, w->pl->t, w->named, host);
}

void
dtls_tell_failed(struct plane *pl)
{
	struct watch *w;

	if (!pl->unproven)
		return;
	pl->unproven = false;
	LIST_FOREACH(w, &pl->watches, next) {
		if (w->failed || w->named == NULL ||
		    w->finished < FINISHED_AGAIN)
			continue;
		pl->f->stats.handshakes_failed++;
		tell_failed(w);
	}
}

void
dtls_connected(struct plane *pl, coap_session_t *session)
{
	struct watch *w = watch_of(session);
	char host[LIMIT_ADDRESS];

	if (pl->t == T_ADMIN && pl->f->hooks.proved != NULL) {
		host_of(session, host);
		pl->f->hooks.proved(pl->f->app, host);
	}
	if (w == NULL)
		return;
	w->connected = true;
	w->heard = loop_mono(pl->f->loop);
	proved(w);
	if (w->peer != NULL)
		shown(w);
	w->stranger = w->peer == NULL && dtls_identity(session)[0] == '\0';
	if (w->stranger && ++pl->strangers > LIMIT_STRANGERS)
		end_a_stranger(pl);
}

uint64_t
dtls_number(const struct plane *pl, coap_session_t *session)
{
	struct watch *w = dtls_secures(pl) ? watch_of(session) : NULL;

	return w != NULL ? w->number : 0;
}

bool
dtls_is_over(const struct plane *pl, coap_session_t *session)
{
	struct watch *w = dtls_secures(pl) ? watch_of(session) : NULL;

	return w != NULL && w->over;
}

bool
dtls_is_up(coap_session_t *session)
{
	struct watch *w = watch_of(session);

	return w != NULL && w->connected;
}

bool
dtls_is_begun(coap_session_t *session)
{
	struct watch *w = watch_of(session);

	return w != NULL && !w->connected && !w->failed;
}

bool
dtls_is_failed(coap_session_t *session)
{
	struct watch *w = watch_of(session);

	return w != NULL && w->failed;
}

void
dtls_heard(struct plane *pl, coap_session_t *session)
{
	struct watch *w = watch_of(session);

	if (w == NULL)
		return;
	w->heard = loop_mono(pl->f->loop);
	w->hello = 0;
}

static void
watch_free(struct watch *w)
{
	void *ssl = coap_session_get_tls(w->session, NULL);

	if (ssl != NULL)
		coap_tls_unwatch(ssl);
	coap_session_set_app_data(w->session, NULL);
	w->pl->strangers -= w->stranger;
	LIST_REMOVE(w, next);
	free(w->named);
	free(w->peer);
	free(w);
}

void
dtls_gone(struct plane *pl, coap_session_t *session)
{
	struct watch *w = watch_of(session);

	(void)pl;
	if (w == NULL)
		return;
	if (w->named != NULL && w->finished > 0 && !w->failed)
		tell_failed(w);
	watch_free(w);
}

void
dtls_settle(struct plane *pl)
{
	struct watch *w, *next;
	coap_tick_t now;

	if (!pl->dtls_over)
		return;
	pl->dtls_over = false;
	for (w = LIST_FIRST(&pl->watches); w != NULL; w = next) {
		next = LIST_NEXT(w, next);
		/* tells of the end, which frees the watch */
		if (w->over)
			coap_session_disconnected(w->session,
			    COAP_NACK_NOT_DELIVERABLE);
	}
	/* libcoap drops dead sessions on its way to sleep */
	coap_ticks(&now);
	(void)coap_io_prepare_epoll(pl->ctx, now);
}

void
dtls_forget(struct plane *pl, const char *identity)
{
	struct watch *w;

	LIST_FOREACH(w, &pl->watches, next)
		if (strcmp(dtls_identity(w->session), identity) == 0 ||
		    (w->peer != NULL && strcmp(w->peer->identity,
		    identity) == 0))
			w->over = pl->dtls_over = true;
}

/* --- certificates of open sessions --- */

void
dtls_forget_certs(struct plane *pl, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg)
{
	struct watch *w;

	LIST_FOREACH(w, &pl->watches, next)
		if (w->peer != NULL && !w->over && gone(arg, w->peer))
			w->over = pl->dtls_over = true;
}

/* It must be good, and speak for whom it spoke before. */
static void
recheck(struct watch *w)
{
	void *ssl = coap_session_get_tls(w->session, NULL);
	struct coap_tls_shown s = {NULL, NULL, 0};
	struct cert_peer p;
	struct why why = {0};
	int rc;

	if (ssl != NULL)
		s = coap_tls_peer(ssl);
	rc = client_check(w->pl->f, &s, &p, &why);
	w->gen = w->pl->f->client_gen;
	if (rc == 0 && strcmp(p.ep, w->peer->ep) == 0)
		return;
	w->over = w->pl->dtls_over = true;
	log_info("tls: session ended ep=%s serial=%s: %s", w->peer->ep,
	    w->peer->id.serial, rc != 0 ? why.text : "cert_endpoint");
}

bool
dtls_recheck(struct plane *pl, size_t most)
{
	struct watch *w;

	LIST_FOREACH(w, &pl->watches, next) {
		if (w->peer == NULL || !w->connected || w->over ||
		    w->gen == pl->f->client_gen)
			continue;
		if (most-- == 0)
			return true;
		recheck(w);
	}
	return false;
}

const struct cert_peer *
dtls_peer(struct plane *pl, coap_session_t *session)
{
	struct watch *w = watch_of(session);

	if (!dtls_secures(pl) || w == NULL || w->peer == NULL ||
	    !w->connected)
		return NULL;
	if (w->gen != pl->f->client_gen)
		recheck(w);
	return w->over ? NULL : w->peer;
}

void
dtls_fini(struct plane *pl)
{
	while (!LIST_EMPTY(&pl->watches))
		watch_free(LIST_FIRST(&pl->watches));
}
