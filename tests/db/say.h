/*
 * say: what a call of the twins' test was told, as text to be compared, and
 * the dice of its arguments.
 */
#ifndef SUITD_TESTS_DB_SAY_H
#define SUITD_TESTS_DB_SAY_H

#include "tests/db/twins.h"

#include "lib/text.h"

struct call {
	struct store *s;
	uint64_t rnd;
	char *out; /* what was said */
	size_t cap;
};

static UNUSED uint64_t
draw(struct call *c, uint64_t end)
{
	uint64_t z = (c->rnd += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % end;
}

static UNUSED void PRINTF(2, 3)
say(struct call *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->out, c->cap, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < c->cap);
	c->out += n;
	c->cap -= (size_t)n;
}

static UNUSED void
say_hex(struct call *c, const void *p, size_t n)
{
	char hex[2 * 64 + 1];

	say(c, " %s", text_hex(slice_of(p, n), hex, sizeof(hex)));
}

#define U(x) ((unsigned long long)(x))

static UNUSED void
say_device(struct call *c, const struct store_device *d)
{
	say(c, " dev %llu %s %d", U(d->id), d->ep, d->have_class);
	say_hex(c, d->class_id, 16);
	say_hex(c, d->vendor, 16);
	say(c, " %d %d %d %s %d %s %d %d %llu %d %s %d %llu %llu %u %d %llu "
	    "%llu", d->driver, d->driver_set, d->nul_trigger, d->uri, d->uri_set,
	    d->addr, d->have_psk, d->have_seq, U(d->seq), d->seq_grade,
	    d->version, d->registered, U(d->reg), U(d->reg_expires),
	    (unsigned)d->reg_lt, d->reg_base, U(d->created), U(d->seen));
	say(c, " %u %d %d %d %d", (unsigned)d->gap, d->revoked, d->ahead,
	    d->class_set, d->have_class_said);
	say_hex(c, d->class_said, 16);
	for (size_t i = 0; i < d->tag_count; i++)
		say(c, " %s=%s", d->tag[i].name, d->tag[i].value);
	say(c, "\n");
}

static UNUSED void
say_release(struct call *c, const struct store_release *r)
{
	say(c, " rel %llu", U(r->id));
	say_hex(c, r->digest, 32);
	say(c, " %llu %d %d %s %s %llu %llu %zu", U(r->seq), r->dialect,
	    r->state, r->author, r->label, U(r->image_bytes), U(r->created),
	    r->envelope_len);
	for (size_t i = 0; i < r->class_count; i++)
		say_hex(c, r->class_id[i], 16);
	say(c, "\n");
}

static UNUSED void
say_campaign(struct call *c, const struct store_campaign *k)
{
	say(c, " camp %llu %llu %s %d %u %s %llu %llu %u", U(k->id),
	    U(k->release), k->name, k->state, k->concurrency, k->select,
	    U(k->created), U(k->updated), k->version);
	say(c, " %d %llu %d %llu %s %d %d %d %u %u %llu %llu", k->work,
	    U(k->work_at), k->source, U(k->of), k->policy, k->planned,
	    k->start, k->hard, (unsigned)k->wave, (unsigned)k->wave_count,
	    U(k->wave_opened), U(k->wave_met));
	say(c, " %s %s %s %llu %llu %llu", k->by, k->approved, k->cause,
	    U(k->follower), U(k->started), U(k->ended));
	say_hex(c, k->plan, sizeof(k->plan));
	for (int i = 0; i < STORE_VERDICTS; i++)
		say(c, " %llu", U(k->verdict[i]));
	for (int i = 0; i < STORE_WAVES; i++)
		say(c, " %llu/%llu", U(k->waves[i].size),
		    U(k->waves[i].place));
	say(c, "\n");
}

static UNUSED void
say_job(struct call *c, const struct job *j)
{
	say(c, " job %llu %llu %llu %llu %llu %d %d %u", U(j->id),
	    U(j->campaign), U(j->device), U(j->release), U(j->target_seq),
	    j->state, j->grade, j->attempt);
	for (int i = 0; i < FAIL_CLASSES; i++)
		say(c, " %u", j->fails[i]);
	say(c, " %d %d %llu %llu %llu %llu %llu %llu %u\n", j->last_fail,
	    j->reason, U(j->created), U(j->updated), U(j->due),
	    U(j->started), U(j->done), U(j->total), j->version);
	say(c, "  wave %u\n", (unsigned)j->wave);
}

static UNUSED void
say_event(struct call *c, const struct store_event *e)
{
	say(c, " ev %llu %llu %llu %llu %llu %llu %s %s %s %d %s\n",
	    U(e->id), U(e->at), U(e->device), U(e->job), U(e->campaign),
	    U(e->release), e->ep, e->kind, e->what, e->grade, e->detail);
}

static UNUSED int
say_payload(void *arg, const struct store_payload *p, enum release_state st)
{
	struct call *c = arg;

	say(c, " %llu", U(p->release));
	say_hex(c, p->digest, 32);
	say(c, " %llu %s %d %d\n", U(p->size), p->path, p->external, st);
	return 0;
}

struct look {
	struct call *c;
	uint64_t left; /* rows until it has enough; 0: never */
};

static UNUSED int
say_scan(void *arg, const struct store_scan *row)
{
	struct look *l = arg;

	say_device(l->c, &row->d);
	say(l->c, " last %d live %d\n", row->have_last, row->have_live);
	say_job(l->c, &row->last);
	say_job(l->c, &row->live);
	return l->left > 0 && --l->left == 0 ? ERR_CANCELLED : 0;
}

static UNUSED int
say_active(void *arg, const struct job *j)
{
	struct look *l = arg;

	say_job(l->c, j);
	return l->left > 0 && --l->left == 0 ? ERR_CANCELLED : 0;
}

#endif
