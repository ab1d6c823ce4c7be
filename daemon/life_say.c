/*
 * sd_notify does nothing where nobody listens (NOTIFY_SOCKET), so nothing
 * here asks who started us.
 */
#include "daemon/life_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "daemon/engine.h"

#define CLOSING_S 60 /* from the end of the drain to that of the process */

/* "1 200": a line for people. */
static const char *
number(uint64_t n, char dst[32])
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = dst;

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ' ';
		*to++ = digits[i];
	}
	*to = '\0';
	return dst;
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
status(const struct life *l, char *dst, size_t cap)
{
	struct app *app = l->app;
	struct store_stats st;
	struct engine_stats es;
	struct health_report health;
	char devices[32], campaigns[32], downloads[32];

	app->store->ops->stats(app->store, &st);
	engine_stats(app->engine, &es);
	health_read(&app->health, &health);
	snprintf(dst, cap, "%s %s device%s, %s campaign%s running, %s "
	    "download%s; store %s%.100s%s%s",
	    l->state == LIFE_DRAINING ? "stopping:" : "serving",
	    number(st.devices, devices), plural(st.devices),
	    number(es.running, campaigns), plural(es.running),
	    number(es.progress_slots, downloads), plural(es.progress_slots),
	    health.degraded ? "refuses: " : "ok", health.text,
	    l->stats.reload_ok ? "" : "; not reloaded: ",
	    l->stats.reload_ok ? "" : l->stats.reload);
}

void
life_say_ready(struct life *l)
{
	status(l, l->said, sizeof(l->said));
	l->said_at = loop_mono(l->app->loop);
	sd_notifyf(0, "READY=1\nSTATUS=%s", l->said);
}

/* MONOTONIC_USEC is what Type=notify-reload asks for (systemd 253). */
void
life_say_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, loop_clock());
}

/* TimeoutStopSec= need not know of drain_grace. */
void
life_say_stopping(struct life *l)
{
	uint64_t s = (uint64_t)l->app->conf.drain_grace + CLOSING_S;

	status(l, l->said, sizeof(l->said));
	l->said_at = loop_mono(l->app->loop);
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64
	    "\nSTATUS=%s", s * 1000000, l->said);
}

/* Twice as often as systemd asks for, less the tick that may be late. */
void
life_say_alive(struct life *l)
{
	int64_t now = loop_mono(l->app->loop);

	if (l->watchdog == 0 || now - l->fed < l->watchdog / 2 - LIFE_TICK_MS)
		return;
	l->fed = now;
	sd_notify(0, "WATCHDOG=1");
}

void
life_say_status(struct life *l)
{
	int64_t now = loop_mono(l->app->loop);
	char text[sizeof(l->said)];

	if (now - l->said_at < LIFE_STATUS_MS)
		return;
	status(l, text, sizeof(text));
	if (strcmp(text, l->said) == 0)
		return;
	memcpy(l->said, text, sizeof(text));
	l->said_at = now;
	sd_notifyf(0, "STATUS=%s", text);
}
