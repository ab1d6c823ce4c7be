/*
 * A plain list: it is walked when a handshake has failed, which costs more,
 * and when one has succeeded while there are failed ones.
 *
 * Rejected: a row in the event log for each. Strangers would decide what is
 * in it.
 */
#include "daemon/wrongkey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/credential.h"
#include "daemon/log.h"
#include "lib/text.h"

#define AGAIN_MS 3600000
#define MINUTE_MS 60000

struct failing {
	char identity[LIMIT_PSK_IDENTITY + 1];
	bool admin; /* its plane: they have identities of their own */
	char host[LIMIT_ADDRESS]; /* the last */
	int64_t since, last; /* Unix ms */
	int64_t said; /* monotonic ms; 0: never */
	uint64_t n;
};

struct wrongkeys {
	struct failing at[LIMIT_WRONG_KEYS];
	size_t n;
	int64_t minute; /* of the lines, monotonic ms */
	unsigned lines;
	uint64_t unsaid; /* since the last line */
};

int
wrongkeys_new(struct wrongkeys **ret)
{
	struct wrongkeys *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return ERR_NOMEM;
	*ret = w;
	return 0;
}

void
wrongkeys_free(struct wrongkeys *w)
{
	free(w);
}

static struct failing *
find(struct wrongkeys *w, bool admin, const char *identity)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->at[i].admin == admin &&
		    strcmp(w->at[i].identity, identity) == 0)
			return &w->at[i];
	return NULL;
}

/* Where there is no room the one that failed longest ago goes. */
static struct failing *
take(struct wrongkeys *w)
{
	struct failing *f = w->at;

	if (w->n < LIMIT_WRONG_KEYS)
		return &w->at[w->n++];
	for (size_t i = 1; i < w->n; i++)
		if (w->at[i].last < f->last)
			f = &w->at[i];
	return f;
}

static bool
may_say(struct wrongkeys *w, const struct failing *f, int64_t now)
{
	if (f->said != 0 && now - f->said < AGAIN_MS)
		return false;
	if (w->minute == 0 || now - w->minute >= MINUTE_MS) {
		w->minute = now;
		w->lines = 0;
	}
	if (w->lines == WRONGKEY_LINES) {
		w->unsaid++;
		return false;
	}
	w->lines++;
	return true;
}

static void
say(struct wrongkeys *w, struct failing *f, int64_t now)
{
	char shown[LIMIT_PSK_IDENTITY + 1], more[64] = "";

	if (!may_say(w, f, now))
		return;
	if (w->unsaid > 0)
		snprintf(more, sizeof(more), " (and %" PRIu64 " handshakes "
		    "without a line)", w->unsaid);
	log_warn("%s: wrong key identity=%s peer=%s: its handshake fails%s",
	    f->admin ? "admin" : "tls", text_escape(slice_str(f->identity),
	    shown, sizeof(shown)), f->host, more);
	f->said = now;
	w->unsaid = 0;
}

void
wrongkey_failed(struct app *app, enum transport t, const char *identity,
    const char *host)
{
	struct wrongkeys *w = app->wrongkeys;
	int64_t now = loop_now(app->loop);
	struct failing *f;

	if (w == NULL)
		return;
	f = find(w, t == T_ADMIN, identity);
	if (f == NULL) {
		f = take(w);
		*f = (struct failing){.admin = t == T_ADMIN, .since = now};
		snprintf(f->identity, sizeof(f->identity), "%s", identity);
	}
	f->last = now;
	f->n++;
	snprintf(f->host, sizeof(f->host), "%s", host);
	say(w, f, loop_mono(app->loop));
}

void
wrongkey_proved(struct app *app, enum transport t, const char *identity)
{
	struct wrongkeys *w = app->wrongkeys;
	struct failing *f = w == NULL ? NULL :
	    find(w, t == T_ADMIN, identity);

	if (f != NULL)
		*f = w->at[--w->n];
}

static void
put_text(const struct failing *f, const char *ep, char ret[WRONGKEY_TEXT])
{
	time_t since = (time_t)(f->since / 1000);
	char when[24] = "?", who[34];
	struct tm tm;

	if (gmtime_r(&since, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	snprintf(ret, WRONGKEY_TEXT, "handshakes as %s fail since %s UTC (%"
	    PRIu64 ", the last from %.40s): wrong key; another: suitctl "
	    "device psk %s --new", text_escape(slice_str(f->identity), who,
	    sizeof(who)), when, f->n, f->host, ep);
}

void
wrongkey_say(struct app *app, const struct store_device *d,
    char ret[WRONGKEY_TEXT])
{
	struct wrongkeys *w = app->wrongkeys;
	const struct failing *f = NULL;
	struct credential_list l;

	ret[0] = '\0';
	if (w == NULL || w->n == 0 || !d->have_psk ||
	    credential_list(app, d->id, &l) != 0)
		return;
	for (size_t i = 0; f == NULL && i < l.n; i++)
		if (l.c[i].kind == CREDENTIAL_PSK)
			f = find(w, false, l.c[i].identity);
	if (f != NULL)
		put_text(f, d->ep, ret);
}

size_t
wrongkey_count(const struct app *app)
{
	return app->wrongkeys == NULL ? 0 : app->wrongkeys->n;
}
