/*
 * Being told to come. A trigger is a URL from anybody who can reach us, so
 * it is a hint and never a command:
 *
 * - It does not end a wait that the server asked for (4.29, 5.03) nor the
 *   back-off after silence. Whoever may trigger could otherwise make the
 *   whole fleet knock on a server that has just said "later"; and the
 *   server that said so knows what it said. The trigger is kept, and is the
 *   first thing after the wait.
 * - It does not begin an update that backs off, and resets no counter.
 * - `w=SECONDS` in its query spreads the fleet: the request comes after
 *   U(0, w). Another trigger cannot move it to later, only to sooner, and
 *   the same one again draws nothing: repeats would pull the whole fleet to
 *   the front.
 * - A URL that never answers is forgotten after TRIES, about an hour and a
 *   half; the device is then back at its own server's disposal.
 *
 * RIOT knows none of this: `w` is just a part of its URL.
 */
#include "device/core.h"

#include "lib/text.h"
#include "lib/uri.h"

#define TRIES 8
#define TRIGGER_MAX 127 /* RIOT's buffer; the same for all */

int64_t
core_spread(struct suitdev *d, uint32_t seconds)
{
	return (int64_t)(backoff_rand(&d->rnd) %
	    (seconds * UINT64_C(1000) + 1));
}

/* w= of a URL's query, at most a day; 0 when there is none. */
static uint32_t
announced(struct slice url)
{
	struct uri u;
	uint64_t w = 0;

	if (uri_parse(url, &u, NULL) != 0)
		return 0;
	for (size_t n = 0; n < LIMIT_QUERY; n++) {
		uint8_t bytes[TRIGGER_MAX + 1];
		struct buf b = buf_of(bytes, sizeof bytes);
		struct slice v;

		if (uri_query(&u, n, &b) != 0)
			break;
		v = uri_query_value(buf_slice(&b), "w");
		if (v.p != NULL && text_u64(v, &w) == 0)
			break;
		w = 0;
	}
	return w < SUITDEV_DAY_S ? (uint32_t)w : SUITDEV_DAY_S;
}

/* The wait before a trigger's request; remembered for the next start. */
static int64_t
draw_wait(struct suitdev *d, struct slice url)
{
	const uint32_t w = d->cfg.kind->riot ? 0 : announced(url);
	const uint32_t most = d->cfg.authenticated ? SUITDEV_DAY_S :
	    SUITDEV_HOUR_MS / 1000;

	if (w == 0)
		return 0;
	/* written with the next thing: flash is not worn by triggers */
	d->nv.spread = w < most ? w : most;
	return core_spread(d, w);
}

int
suitdev_trigger(struct suitdev *d, int64_t now, struct slice payload)
{
	const uint8_t *nul = payload.n > 0 ?
	    memchr(payload.p, 0, payload.n) : NULL;
	const size_t n = nul ? (size_t)(nul - payload.p) : payload.n;
	const struct slice url = slice_of(payload.p, n);
	const bool waits = d->trigger[0] != '\0';
	const bool busy = d->transfer || (d->cfg.kind->riot &&
	    (waits || d->phase != SUITDEV_IDLE || d->loaded));
	int64_t at;

	if (d->phase == SUITDEV_OFF)
		return ERR_STATE;
	if (n == 0)
		return ERR_INCOMPLETE;
	if (n > TRIGGER_MAX)
		return ERR_SIZE;
	if (busy || (waits && slice_eq_str(url, d->trigger)))
		return 0;
	if (!slice_to_cstr(url, d->trigger, sizeof d->trigger))
		return ERR_SIZE;
	at = now + draw_wait(d, url);
	if (!waits || at < d->trigger_at)
		d->trigger_at = at;
	d->trigger_tries = 0;
	return 0;
}

void
core_trigger_end(struct suitdev *d)
{
	if (d->by_trigger)
		d->trigger[0] = '\0';
	d->by_trigger = false;
}

void
core_trigger_lost(struct suitdev *d)
{
	if (d->by_trigger && ++d->trigger_tries >= TRIES)
		d->trigger[0] = '\0';
	d->by_trigger = false;
}
