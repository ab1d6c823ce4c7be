/*
 * fake_edge: loop, front and peer as the test plays them; the linker takes
 * these instead of the archive's. For fake.h, which has the world behind.
 */
#ifndef SUITD_TESTS_DAEMON_FAKE_EDGE_H
#define SUITD_TESTS_DAEMON_FAKE_EDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/front.h"
#include "daemon/loop.h"
#include "daemon/peer.h"
#include "lib/backoff.h"

/* --- loop --- */

struct loop {
	int64_t now, timer_at;
	uint64_t seed;
	void (*timer)(void *arg);
	void (*hook)(void *arg);
	void (*tick)(void *arg);
	void *arg;
	struct lag lag;
};

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

int64_t
loop_mono(const struct loop *l)
{
	return l->now;
}

int64_t
loop_spent(const struct loop *l)
{
	(void)l;
	return 0;
}

uint64_t
loop_rand(struct loop *l)
{
	return backoff_rand(&l->seed);
}

const struct lag *
loop_lag(const struct loop *l)
{
	return &l->lag;
}

void
loop_timer(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->timer = cb;
	l->arg = arg;
}

void
loop_timer_at(struct loop *l, int64_t at)
{
	l->timer_at = at;
}

void
loop_before_sleep(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->hook = cb;
	l->arg = arg;
}

int
loop_every(struct loop *l, int64_t ms, void (*cb)(void *arg), void *arg)
{
	(void)ms;
	(void)arg;
	l->tick = cb;
	return 0;
}

int
loop_read(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
{
	(void)l;
	(void)fd;
	(void)cb;
	(void)arg;
	return ERR_UNSUPPORTED; /* there are no threads here */
}

/* --- front --- */

struct front {
	int flushes, flush_err; /* the last error that was not 0 */
	uint64_t held, flushed; /* numbers of answers */
	bool quiet;
	int certs; /* read anew */
	int cert_err; /* it cannot be */
	size_t topics;
	char topic[64][64];
	char observes[LIMIT_EP + 1]; /* this endpoint observes */
	char forgot[400]; /* whose sessions were ended, with a blank each */
	void (*done)(void *arg, int err);
	void *done_arg;
	size_t told;
};

uint64_t
front_held(const struct front *f)
{
	return f->held;
}

void
front_flush(struct front *f, struct front_span which, int commit_err)
{
	f->flushes++;
	if (which.upto > f->flushed)
		f->flushed = which.upto;
	if (commit_err != 0)
		f->flush_err = commit_err;
}

size_t
front_resume(struct front *f, uint64_t ticket, int err,
    struct blob_put *upload)
{
	(void)f;
	(void)ticket;
	(void)err;
	(void)upload;
	return 0;
}

void
front_notify(struct front *f, enum transport plane, const char *path)
{
	(void)plane;
	if (f->topics < 64)
		snprintf(f->topic[f->topics++], 64, "%s", path);
}

static uint64_t *fake_blocks; /* that left; NULL: 7 */

void
front_stats(const struct front *f, struct front_stats *ret)
{
	(void)f;
	*ret = (struct front_stats){.requests = 5,
	    .blocks = fake_blocks != NULL ? *fake_blocks : 7,
	    .image_workers = 2, .image_slow = 3, .image_dropped = 4,
	    .image_peers = 8, .image_evicted = 9, .images_mapped = 10};
}

int
front_cert_reload(struct front *f, const struct conf *c, struct why *why)
{
	if (f->cert_err != 0)
		return why_set(why, f->cert_err, "tls_cert: %s", c->tls_cert);
	f->certs++;
	return 0;
}

static bool fake_reads_later; /* fake_has_read tells */
static void (*fake_reader)(void *arg, int err, const struct why *why);
static void *fake_reader_arg;

static inline void
fake_has_read(int err)
{
	struct why why = {err, "client_crl"};

	fake_reader(fake_reader_arg, err, &why);
}

void
front_cert_read(struct front *f, const struct conf *c,
    void (*done)(void *arg, int err, const struct why *why), void *arg)
{
	struct why why = {0};
	int rc;

	fake_reader = done;
	fake_reader_arg = arg;
	if (fake_reads_later)
		return;
	rc = front_cert_reload(f, c, &why);
	done(arg, rc, &why);
}

int64_t
front_cert_expiry(const struct front *f)
{
	(void)f;
	return 0;
}

void
front_quiet(struct front *f)
{
	f->quiet = true;
}

bool
front_device_observes(const struct front *f, uint64_t device, const char *ep)
{
	(void)device;
	return f->observes[0] != '\0' && strcmp(f->observes, ep) == 0;
}

void
front_forget_certs(struct front *f, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg)
{
	(void)f;
	(void)gone;
	(void)arg;
}

bool
front_clients(const struct front *f, char *dst, size_t cap)
{
	(void)f;
	snprintf(dst, cap, "authorities 1");
	return false;
}

void
front_forget(struct front *f, const char *identity)
{
	size_t n = strlen(f->forgot);

	snprintf(f->forgot + n, sizeof(f->forgot) - n, "%s ", identity);
}

void
front_forget_admin(struct front *f, const char *identity)
{
	front_forget(f, identity);
}

size_t
front_notify_device(struct front *f, uint64_t device, const char *ep,
    void (*done)(void *arg, int err), void *arg)
{
	if (!front_device_observes(f, device, ep))
		return 0;
	f->told++;
	f->done = done;
	f->done_arg = arg;
	return 1;
}

/* --- peer --- */

#ifndef FAKE_SENT
#define FAKE_SENT 32
#endif

struct fake_sent {
	enum method method;
	char uri[LIMIT_URI + 1];
	uint8_t payload[1024];
	size_t n;
	void (*cb)(void *arg, const struct peer_answer *a);
	void *arg;
};

struct peer {
	size_t n;
	struct fake_sent sent[FAKE_SENT];
	size_t inflight;
};

int
peer_send(struct peer *p, const struct peer_request *rq,
    void (*cb)(void *arg, const struct peer_answer *a), void *arg)
{
	struct fake_sent *s = &p->sent[p->n++];

	assert_true(p->n <= FAKE_SENT);
	s->method = rq->method;
	snprintf(s->uri, sizeof(s->uri), "%s", rq->uri);
	assert_true(rq->payload.n <= sizeof(s->payload));
	if (rq->payload.n > 0)
		memcpy(s->payload, rq->payload.p, rq->payload.n);
	s->n = rq->payload.n;
	s->cb = cb;
	s->arg = arg;
	return 0;
}

size_t
peer_inflight(const struct peer *p)
{
	return p->inflight;
}

#endif
