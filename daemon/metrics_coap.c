#include "daemon/metrics_impl.h"

#include "daemon/reach.h"

static void
tell_codes(void *arg, const char *path, const uint64_t n[CODES])
{
	struct metrics *m = arg;
	bool image = strcmp(path, FRONT_IMAGE) == 0;

	for (unsigned i = 0; i < CODES; i++) {
		uint64_t v = n[i] + (image ? m->blocks.code[i] : 0);

		if (v > 0)
			metric_count(&m->out, path, code_name(i), v);
	}
}

void
metrics_requests(struct metrics *m)
{
	front_answered(m->app->front, tell_codes, m);
}

/* The slow lane is the loop's. Not from the sum of both, which is of another
 * moment: workers do not wait for who counts. */
void
metrics_blocks(struct metrics *m)
{
	metrics_of(m, "worker", m->blocks.blocks - m->blocks.slow_blocks);
	metrics_of(m, "loop", m->front.own_blocks + m->blocks.slow_blocks);
}

void
metrics_block_bytes(struct metrics *m)
{
	metrics_of(m, "worker", m->blocks.bytes - m->blocks.slow_bytes);
	metrics_of(m, "loop", m->front.block_bytes + m->blocks.slow_bytes);
}

void
metrics_dropped(struct metrics *m)
{
	metrics_of(m, "image", m->blocks.dropped);
	metrics_of(m, "busy", m->front.dropped);
}

void
metrics_sessions(struct metrics *m)
{
	static const char *const names[TRANSPORTS] = {
		[T_UDP] = "udp", [T_DTLS] = "dtls", [T_TCP] = "tcp",
		[T_TLS] = "tls", [T_OSCORE] = "oscore",
		[T_WS] = "ws", [T_WSS] = "wss",
		[T_ADMIN] = "admin",
	};

	for (int t = 0; t < TRANSPORTS; t++)
		metrics_of(m, names[t], m->front.sessions_of[t]);
}

void
metrics_handshakes(struct metrics *m)
{
	metrics_of(m, "ok", m->front.handshakes);
	metrics_of(m, "failed", m->front.handshakes_failed);
	metrics_of(m, "slowed", m->front.handshakes_slowed);
}

void
metrics_client_certs(struct metrics *m)
{
	metrics_of(m, "ok", m->front.certs);
	metrics_of(m, "refused", m->front.certs_refused);
}

void
metrics_limits(struct metrics *m)
{
	for (int i = 0; i < FRONT_LIMITS; i++)
		metrics_of(m, front_limit_name((enum front_limit)i),
		    m->front.limit[i]);
}

/* Those that never happened are not told. */
void
metrics_refusals(struct metrics *m)
{
	for (int i = 1; i < ERR_POS_END_; i++)
		if (m->front.refused[i] > 0)
			metrics_of(m, err_name(-i), m->front.refused[i]);
}

void
metrics_strangers(struct metrics *m)
{
	const struct reach *r = m->app->reach;

	if (r == NULL)
		return;
	metrics_of(m, "challenged", atomic_load(&r->challenged));
	metrics_of(m, "shrunk", atomic_load(&r->shrunk));
	metrics_of(m, "cut", atomic_load(&r->cut));
	metrics_of(m, "shown", atomic_load(&r->shown));
	metrics_of(m, "stale", atomic_load(&r->stale));
	metrics_of(m, "evicted", atomic_load(&r->evicted));
	metrics_of(m, "unheard", atomic_load(&r->unheard));
}

/* A replay is among those that were refused. */
void
metrics_oscore(struct metrics *m)
{
	metrics_of(m, "challenged", m->front.oscore_challenged);
	metrics_of(m, "replayed", m->front.oscore_replayed);
	metrics_of(m, "refused", m->front.oscore_refused -
	    m->front.oscore_replayed);
}

void
metrics_observers(struct metrics *m)
{
	metrics_one(m, m->front.observers);
}

void
metrics_notifications(struct metrics *m)
{
	metrics_of(m, "sent", m->front.notifications);
	metrics_of(m, "reset", m->front.notify_reset);
	metrics_of(m, "timeout", m->front.notify_timeout);
}
