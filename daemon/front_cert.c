/* The certificate of coaps: read, shown, and told of. */
#include "daemon/cert_load.h"
#include "daemon/front_client.h"
#include "daemon/front_dtls.h"
#include "daemon/log.h"
#include "daemon/loop.h"

static void
say(const struct front *f)
{
	char text[LIMIT_CERT_NAME + 64];

	if (f->cert == NULL)
		return;
	switch (cert_verdict(f->cert, loop_now(f->loop), text, sizeof(text))) {
	case CERT_GOOD:
		log_info("tls: %s", text);
		break;
	case CERT_SOON:
		log_warn("tls: %s; then clients that verify the server stay "
		    "away", text);
		break;
	case CERT_EARLY:
	case CERT_EXPIRED:
		log_error("tls: %s; clients that verify the server stay away",
		    text);
		break;
	}
}

static bool
any_secure(const struct front *f)
{
	for (int i = 0; i < FRONT_SECURE; i++)
		if (f->plane[front_secure[i]].ctx != NULL)
			return true;
	return false;
}

static int
reload(struct front *f, const struct conf *c, struct why *why)
{
	struct cert *was = f->cert, *new = NULL;
	bool on = any_secure(f);
	int rc = 0;

	if (on || c->listen_coaps[0] != '\0' ||
	    c->listen_coaps_tcp[0] != '\0' || c->listen_wss[0] != '\0')
		rc = cert_load(c, &new, why);
	if (rc != 0 || !on) {
		cert_free(new);
		return rc;
	}
	f->cert = new;
	for (int i = 0; i < FRONT_SECURE && rc == 0; i++)
		if (f->plane[front_secure[i]].ctx != NULL)
			rc = dtls_show(&f->plane[front_secure[i]]);
	if (rc != 0) {
		f->cert = was;
		cert_free(new);
		return why_set(why, rc, "tls_cert: libcoap refuses it");
	}
	cert_free(was); /* sessions have references of their own */
	say(f);
	return 0;
}

/* What was read is good: it is taken with the server's own certificate, or
 * both are not. */
static int
cert_take(struct front *f, const struct conf *c, struct client_trust *t,
    struct why *why)
{
	int rc = reload(f, c, why);

	if (rc == 0 && any_secure(f))
		client_take(f, t);
	else
		client_drop(f, t);
	return rc;
}

int
front_cert_reload(struct front *f, const struct conf *c, struct why *why)
{
	struct client_trust t = {.ca = NULL};
	int rc = client_load(c, &t, why);

	return rc == 0 ? cert_take(f, c, &t, why) : rc;
}

static void
on_read(struct front *f, struct client_read *r)
{
	int rc = r->rc;

	if (rc == 0)
		rc = cert_take(f, &r->conf, &r->t, &r->why);
	r->told(r->arg, rc, &r->why);
}

void
front_cert_read(struct front *f, const struct conf *c,
    void (*done)(void *arg, int err, const struct why *why), void *arg)
{
	client_read(f, c, &(struct client_read){.done = on_read,
	    .told = done, .arg = arg});
}

int64_t
front_cert_expiry(const struct front *f)
{
	return f->cert == NULL ? 0 : cert_until(f->cert);
}
