/*
 * One tick does it all: it feeds the watchdog, so that a loop that hangs is
 * not taken for one that is alive, and looks whether blocks still leave.
 *
 * The tick also runs while nothing ends: at the moment of the signal it is
 * known when the last block left, and a suitd that serves nobody stops at
 * once.
 */
#include "daemon/life_impl.h"

#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/engine.h"
#include "daemon/log.h"

static void
end(struct life *l, const char *why)
{
	log_info("stop: %s; devices sent away: %llu", why,
	    (unsigned long long)l->sent_away);
	l->state = LIFE_STOPPED;
	/* should the disk not answer, one more signal is heard by the kernel */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	loop_stop(l->app->loop);
}

static void
look_at_blocks(struct life *l)
{
	struct front_stats fs;

	front_stats(l->app->front, &fs);
	if (fs.blocks == l->blocks)
		return;
	l->blocks = fs.blocks;
	l->block_at = loop_mono(l->app->loop);
}

static void
drain(struct life *l)
{
	int64_t now = loop_mono(l->app->loop);

	if (now >= l->drain_until)
		end(l, "drain_grace is over");
	else if (now - l->block_at >= LIFE_QUIET_MS &&
	    !engine_awaits(l->app->engine))
		end(l, "no block was asked for");
}

void
life_stop(struct life *l, int signo)
{
	if (l->state == LIFE_STOPPED)
		return;
	if (l->state == LIFE_DRAINING) {
		end(l, "a second signal");
		return;
	}
	log_info("stop: signal=%d drain_grace=%u", signo,
	    l->app->conf.drain_grace);
	l->state = LIFE_DRAINING;
	l->drain_until = loop_mono(l->app->loop) +
	    (int64_t)l->app->conf.drain_grace * 1000;
	front_quiet(l->app->front);
	life_say_stopping(l);
	look_at_blocks(l);
	drain(l);
}

static void
on_stop(void *arg, int signo)
{
	life_stop(arg, signo);
}

static void
on_reload(void *arg, int signo)
{
	(void)signo;
	life_reload(arg);
}

static void
on_tick(void *arg)
{
	struct life *l = arg;

	life_say_alive(l);
	look_at_blocks(l);
	if (l->state == LIFE_DRAINING)
		drain(l);
	life_say_status(l);
}

int
life_new(const struct life_opts *o, struct life **ret)
{
	struct loop *loop = o->app->loop;
	struct life *l = calloc(1, sizeof(*l));
	int64_t tick = LIFE_TICK_MS;
	uint64_t usec = 0;
	int rc;

	if (l == NULL)
		return ERR_NOMEM;
	l->app = o->app;
	l->configure = o->configure;
	l->arg = o->arg;
	l->stats.reload_ok = true;
	l->block_at = INT64_MIN / 2;
	if (sd_watchdog_enabled(0, &usec) > 0)
		l->watchdog = (int64_t)(usec / 1000);
	if (l->watchdog != 0 && l->watchdog / 4 < tick)
		tick = l->watchdog / 4 + 1;
	rc = loop_signal(loop, SIGTERM, on_stop, l);
	if (rc == 0)
		rc = loop_signal(loop, SIGINT, on_stop, l);
	if (rc == 0)
		rc = loop_signal(loop, SIGHUP, on_reload, l);
	if (rc == 0)
		rc = loop_every(loop, tick, on_tick, l);
	if (rc != 0)
		free(l);
	else
		*ret = l;
	return rc;
}

void
life_free(struct life *l)
{
	free(l);
}

void
life_ready(struct life *l)
{
	l->state = LIFE_READY;
	look_at_blocks(l);
	l->block_at = INT64_MIN / 2; /* those were none of ours */
	log_info("ready: suitd " SUITD_VERSION);
	life_say_ready(l);
}
