/*
 * A certificate is checked in the handshake, and again when what it was
 * checked by is another one. With ten thousand sessions that is seconds of
 * work, so it is done a few at a time; but who asks in between is checked
 * before he is answered.
 */
#include "daemon/front_client.h"

#include "daemon/front_dtls.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "lib/text.h"

#define AT_ONCE 64 /* sessions in a tick, some 15 ms */
#define LOOK_TICKS 50 /* 10 s */

static void
say(const struct front *f)
{
	char text[200];

	if (f->client.ca == NULL)
		return;
	if (front_clients(f, text, sizeof(text)))
		log_warn("tls: client_ca: %s", text);
	else
		log_info("tls: client_ca: %s", text);
}

void
client_take(struct front *f, struct client_trust *t)
{
	client_drop(f, &f->client);
	f->client = *t;
	*t = (struct client_trust){.ca = NULL};
	front_recheck(f);
	say(f);
}

bool
front_clients(const struct front *f, char *dst, size_t cap)
{
	return client_describe(&f->client, loop_now(f->loop), dst, cap);
}

void
front_recheck(struct front *f)
{
	f->client_gen++;
	f->client_stale = true;
}

const enum transport front_secure[FRONT_SECURE] = {T_DTLS, T_TLS, T_WSS};

void
front_forget_certs(struct front *f, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg)
{
	for (int i = 0; i < FRONT_SECURE; i++)
		dtls_forget_certs(&f->plane[front_secure[i]], gone, arg);
}

static int
name_it(const struct front *f, const struct peercert *c,
    struct cert_peer *ret, struct why *why)
{
	ret->id = c->id;
	text_hex(slice_of(c->id.fingerprint, 32), ret->identity,
	    sizeof(ret->identity));
	return certmap_apply(&f->client.map, c->name, c->name_n, ret->ep,
	    why);
}

int
client_check(struct front *f, struct coap_tls_shown *shown,
    struct cert_peer *ret, struct why *why)
{
	static struct peercert c;
	const struct clientca_peer p = {shown->leaf, shown->chain,
	    loop_now(f->loop), f->conf->client_grace};
	int rc;

	if (f->client.ca == NULL || shown->leaf == NULL)
		return why_set(why, ERR_UNAUTHORIZED, "client_ca: "
		    "certificates are not asked for");
	rc = clientca_check(f->client.ca, &p, &shown->x509, why);
	if (rc == 0)
		rc = peercert_read(shown->leaf, &c, why);
	if (rc == 0)
		rc = name_it(f, &c, ret, why);
	if (rc == 0)
		rc = f->hooks.cert == NULL ? ERR_UNAUTHORIZED :
		    f->hooks.cert(f->app, ret, why);
	return rc;
}

/* What cannot be read is said once, and what was read before stays. */
static void
on_look(struct front *f, struct client_read *r)
{
	if (r->rc != 0) {
		log_error("tls: %s; what was read before stays", r->why.text);
		return;
	}
	log_info("tls: files of client_ca or client_crl have changed");
	client_take(f, &r->t);
}

/* What is being read already is not looked at meanwhile. */
static void
look(struct front *f)
{
	uint64_t files;

	if (f->client.ca == NULL || f->reading > 0)
		return;
	files = client_files(f->conf);
	if (files == f->client.files)
		return;
	f->client.files = files;
	client_read(f, f->conf, &(struct client_read){.done = on_look});
}

static void
settle(struct plane *pl)
{
	dtls_tell_failed(pl);
	dtls_settle(pl);
}

void
client_tick(struct front *f)
{
	bool was;

	if (++f->client_ticks % LOOK_TICKS == 0)
		look(f);
	was = f->client_stale;
	f->client_stale = false;
	for (int i = 0; i < FRONT_SECURE && was; i++)
		f->client_stale |= dtls_recheck(&f->plane[front_secure[i]],
		    AT_ONCE);
	for (int i = 0; i < FRONT_SECURE; i++)
		settle(&f->plane[front_secure[i]]);
	settle(&f->plane[T_ADMIN]);
}
