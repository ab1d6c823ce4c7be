/*
 * Properties under seeds: a random sequence of verbs gets the same answers
 * from both twins, and what SQLite has after a reopen is what memory has.
 *
 * Each operation draws its arguments from its own seed, so that both twins
 * get the same call, and prints what it was told; the prints are compared.
 */
#include "tests/db/twins.h"

#include "lib/text.h"

#define OPS 6000

struct call {
	struct store *s;
	uint64_t rnd;
	char *out; /* what was said */
	size_t cap;
};

static uint64_t
draw(struct call *c, uint64_t end)
{
	uint64_t z = (c->rnd += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % end;
}

static void PRINTF(2, 3)
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

static void
say_hex(struct call *c, const void *p, size_t n)
{
	char hex[2 * 64 + 1];

	say(c, " %s", text_hex(slice_of(p, n), hex, sizeof(hex)));
}

#define U(x) ((unsigned long long)(x))

static void
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
	for (size_t i = 0; i < d->tag_count; i++)
		say(c, " %s=%s", d->tag[i].name, d->tag[i].value);
	say(c, "\n");
}

static void
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

static void
say_campaign(struct call *c, const struct store_campaign *k)
{
	say(c, " camp %llu %llu %s %d %u %s %llu %llu %u\n", U(k->id),
	    U(k->release), k->name, k->state, k->concurrency, k->select,
	    U(k->created), U(k->updated), k->version);
}

static void
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
}

static void
say_event(struct call *c, const struct store_event *e)
{
	say(c, " ev %llu %llu %llu %llu %llu %llu %s %s %s %d %s\n",
	    U(e->id), U(e->at), U(e->device), U(e->job), U(e->campaign),
	    U(e->release), e->ep, e->kind, e->what, e->grade, e->detail);
}

/* --- arguments: few names, so that calls meet --- */

static void
draw_ep(struct call *c, char ep[LIMIT_EP + 1])
{
	snprintf(ep, LIMIT_EP + 1, "%c%llu", (int)('a' + draw(c, 3)),
	    U(draw(c, 30)));
}

static void
draw_device(struct call *c, struct store_device *d)
{
	draw_ep(c, d->ep);
	d->have_class = draw(c, 2);
	if (d->have_class)
		d->class_id[0] = (uint8_t)draw(c, 3);
	d->vendor[0] = (uint8_t)draw(c, 2);
	d->driver = (enum driver)draw(c, 5); /* one is none */
	d->driver_set = draw(c, 2);
	snprintf(d->uri, sizeof(d->uri), "coap://%llu", U(draw(c, 9)));
	d->addr[0] = '\0';
	if (draw(c, 2))
		snprintf(d->addr, sizeof(d->addr), "10.%llu", U(draw(c, 20)));
	d->have_seq = draw(c, 2);
	d->seq = d->have_seq ? draw(c, UINT64_MAX) : 0;
	d->reg = draw(c, 3) ? 0 : 1 + draw(c, 30);
	d->seen = (int64_t)draw(c, 1000);
	d->tag_count = draw(c, 4);
	for (size_t i = 0; i < d->tag_count; i++) {
		snprintf(d->tag[i].name, sizeof(d->tag[i].name), "t%llu",
		    U(draw(c, 8)));
		snprintf(d->tag[i].value, sizeof(d->tag[i].value), "%llu",
		    U(draw(c, 3)));
	}
}

static void
op_device_put(struct call *c)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	if (draw(c, 2) &&
	    c->s->ops->device_get(c->s, 1 + draw(c, 60), &d) != 0)
		d.id = draw(c, 60);
	draw_device(c, &d);
	say(c, "device_put %d", c->s->ops->device_put(c->s, &d));
	say_device(c, &d);
}

static void
op_device_seen(struct call *c)
{
	char addr[16];

	snprintf(addr, sizeof(addr), "10.%llu", U(draw(c, 20)));
	say(c, "device_seen %d\n", c->s->ops->device_seen(c->s,
	    draw(c, 60), draw(c, 3) ? addr : NULL, (int64_t)draw(c, 2000)));
}

static void
op_device_find(struct call *c)
{
	struct store_device d;
	char text[LIMIT_EP + 1];
	int err;

	switch (draw(c, 4)) {
	case 0:
		err = c->s->ops->device_get(c->s, draw(c, 60), &d);
		break;
	case 1:
		draw_ep(c, text);
		err = c->s->ops->device_by_ep(c->s, text, &d);
		break;
	case 2:
		snprintf(text, sizeof(text), "10.%llu", U(draw(c, 20)));
		err = c->s->ops->device_by_addr(c->s, text, &d);
		break;
	default:
		err = c->s->ops->device_by_reg(c->s, draw(c, 30), &d);
	}
	say(c, "device %d", err);
	if (err == 0)
		say_device(c, &d);
}

static void
op_device_remove(struct call *c)
{
	if (draw(c, 12) == 0)
		say(c, "device_remove %d\n",
		    c->s->ops->device_remove(c->s, draw(c, 60)));
}

static void
op_device_list(struct call *c)
{
	struct store_device_filter f = {.limit = 1 + draw(c, 8)};
	struct store_device page[8];
	size_t n = 0;

	if (draw(c, 2))
		draw_ep(c, f.after);
	f.have_class = draw(c, 2);
	f.class_id[0] = (uint8_t)draw(c, 3);
	if (draw(c, 2))
		snprintf(f.tag_name, sizeof(f.tag_name), "t%llu",
		    U(draw(c, 8)));
	if (draw(c, 2))
		snprintf(f.tag_value, sizeof(f.tag_value), "%llu",
		    U(draw(c, 3)));
	if (f.tag_name[0] == '\0')
		f.tag_value[0] = '\0';
	if (draw(c, 3) == 0)
		f.prefix[0] = (char)('a' + draw(c, 4));
	say(c, "device_list %d\n",
	    c->s->ops->device_list(c->s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		say_device(c, &page[i]);
}

static void
op_psk(struct call *c)
{
	char id[8];
	uint8_t key[16];
	struct buf out = buf_of(key, sizeof(key));
	uint64_t dev = 0;

	snprintf(id, sizeof(id), "i%llu", U(draw(c, 20)));
	switch (draw(c, 4)) {
	case 0:
	case 1:
		say(c, "psk_put %d\n", c->s->ops->psk_put(c->s, id,
		    draw(c, 60), slice_str("0123456789abcdef")));
		break;
	case 2:
		say(c, "psk_get %d", c->s->ops->psk_get(c->s, id, &dev,
		    &out));
		say(c, " %llu %zu\n", U(dev), out.n);
		break;
	default:
		say(c, "psk_remove %d\n", c->s->ops->psk_remove(c->s, id));
	}
}

static void
op_author(struct call *c)
{
	struct store_author a = {.key_len = 1 + draw(c, 3),
	    .created = (int64_t)draw(c, 99)}, list[4];
	size_t n = 0;

	snprintf(a.name, sizeof(a.name), "n%llu", U(draw(c, 6)));
	switch (draw(c, 3)) {
	case 0:
		say(c, "author_put %d\n", c->s->ops->author_put(c->s, &a));
		break;
	case 1:
		say(c, "author_remove %d\n",
		    c->s->ops->author_remove(c->s, a.name));
		break;
	default:
		say(c, "author_list %d", c->s->ops->author_list(c->s, list,
		    4, &n));
		for (size_t i = 0; i < n; i++)
			say(c, " %s %zu %llu", list[i].name,
			    list[i].key_len, U(list[i].created));
		say(c, "\n");
	}
}

static void
op_release_put(struct call *c)
{
	struct store_release r;
	struct store_payload p[3];
	struct store_stats st;
	size_t np = draw(c, 4);

	memset(&r, 0, sizeof(r));
	memset(p, 0, sizeof(p));
	c->s->ops->stats(c->s, &st);
	r.digest[0] = (uint8_t)draw(c, 100);
	r.seq = st.releases + draw(c, 4);
	r.class_count = draw(c, 3);
	for (size_t i = 0; i < r.class_count; i++)
		r.class_id[i][0] = (uint8_t)draw(c, 4);
	for (size_t i = 0; i < np; i++) {
		p[i].digest[0] = (uint8_t)draw(c, 30);
		p[i].size = draw(c, 1000);
		p[i].external = draw(c, 5) == 0;
		if (draw(c, 2))
			snprintf(p[i].path, sizeof(p[i].path), "p%llu",
			    U(draw(c, 30)));
	}
	say(c, "release_put %d", c->s->ops->release_put(c->s, &r,
	    slice_str("an envelope"), p, np));
	say_release(c, &r);
}

static int
say_payload(void *arg, const struct store_payload *p, enum release_state st)
{
	struct call *c = arg;

	say(c, " %llu", U(p->release));
	say_hex(c, p->digest, 32);
	say(c, " %llu %s %d %d\n", U(p->size), p->path, p->external, st);
	return 0;
}

static void
op_release(struct call *c)
{
	struct store_release r, page[4];
	struct store_payload p[4];
	uint8_t key[32] = {0}, raw[16];
	struct buf out = buf_of(raw, sizeof(raw));
	uint64_t id = draw(c, 40);
	bool needed = false;
	size_t n = 0;

	memset(&r, 0, sizeof(r));
	switch (draw(c, 8)) {
	case 0:
		say(c, "release_get %d", c->s->ops->release_get(c->s, id,
		    &r));
		break;
	case 1:
		key[0] = (uint8_t)draw(c, 4);
		say(c, "current %d", c->s->ops->release_current(c->s, key,
		    &r));
		break;
	case 2:
		key[0] = (uint8_t)draw(c, 100);
		say(c, "by_digest %d", c->s->ops->release_by_digest(c->s, key,
		    &r));
		break;
	case 3:
		say(c, "set_state %d", c->s->ops->release_set_state(c->s, id,
		    (enum release_state)draw(c, 2)));
		break;
	case 4:
		say(c, "list %d\n", c->s->ops->release_list(c->s, id, 4, page,
		    &n));
		for (size_t i = 0; i < n; i++)
			say_release(c, &page[i]);
		break;
	case 5:
		say(c, "payloads %d\n", c->s->ops->release_payloads(c->s, id,
		    p, 4, &n));
		for (size_t i = 0; i < n; i++)
			say_payload(c, &p[i], 0);
		break;
	case 6:
		say(c, "envelope %d %zu", c->s->ops->release_envelope(c->s,
		    id, &out), out.n);
		break;
	default:
		key[0] = (uint8_t)draw(c, 30);
		say(c, "needed %d", c->s->ops->image_needed(c->s, key,
		    &needed));
		say(c, " %d", needed);
	}
	say_release(c, &r);
}

static void
op_campaign(struct call *c)
{
	struct store_campaign k, page[4];
	struct store_counts n;
	size_t len = 0;

	memset(&k, 0, sizeof(k));
	memset(&n, 0, sizeof(n));
	k.release = draw(c, 20);
	k.concurrency = (uint32_t)draw(c, 8);
	k.state = CAMPAIGN_RUNNING;
	switch (draw(c, 6)) {
	case 0:
		say(c, "campaign_put %d", c->s->ops->campaign_put(c->s, &k));
		break;
	case 1:
	case 2:
		if (c->s->ops->campaign_get(c->s, draw(c, 20), &k) != 0)
			break;
		k.state = (enum campaign_state)(1 + draw(c, 2));
		k.concurrency = 1 + (uint32_t)draw(c, 6);
		k.version -= draw(c, 10) == 0;
		say(c, "campaign_save %d", c->s->ops->campaign_save(c->s,
		    &k));
		break;
	case 3:
		say(c, "campaign_list %d\n", c->s->ops->campaign_list(c->s,
		    draw(c, 20), 4, page, &len));
		for (size_t i = 0; i < len; i++)
			say_campaign(c, &page[i]);
		break;
	default:
		say(c, "counts %d", c->s->ops->campaign_counts(c->s,
		    draw(c, 20), &n));
		for (int i = 0; i < JOB_STATES; i++)
			say(c, " %llu", U(n.by_state[i]));
		for (int i = 0; i < FAIL_CLASSES; i++)
			say(c, " %llu", U(n.by_class[i]));
		say(c, " %llu %llu", U(n.active), U(n.starting));
	}
	say_campaign(c, &k);
}

static void
draw_job(struct call *c, struct job *j)
{
	j->state = (enum job_state)draw(c, JOB_STATES);
	if (draw(c, 2))
		j->state = (enum job_state)draw(c, JOB_DONE);
	j->grade = (enum grade)draw(c, 3);
	j->attempt++;
	j->last_fail = (enum fail_class)draw(c, FAIL_CLASSES);
	j->fails[j->last_fail]++;
	j->reason = (enum track_reason)draw(c, REASONS);
	j->due = draw(c, 4) ? (int64_t)draw(c, 1000) : 0;
	j->started = draw(c, 2) ? (int64_t)draw(c, 1000) : 0;
	j->done += draw(c, 100);
}

static void
op_job_put(struct call *c)
{
	struct job j = make_job(draw(c, 20), draw(c, 60), draw(c, 20), 0);

	draw_job(c, &j);
	if (draw(c, 2))
		j.state = JOB_QUEUED;
	say(c, "job_put %d", c->s->ops->job_put(c->s, &j));
	say_job(c, &j);
}

static void
op_job_save(struct call *c)
{
	struct job j;

	if (c->s->ops->job_get(c->s, draw(c, 200), &j) != 0)
		return;
	draw_job(c, &j);
	j.version -= draw(c, 10) == 0;
	say(c, "job_save %d", c->s->ops->job_save(c->s, &j));
	say_job(c, &j);
}

static void
op_job_find(struct call *c)
{
	struct job j, page[5];
	size_t n = 0;
	int err = 0;

	switch (draw(c, 4)) {
	case 0:
		err = c->s->ops->job_get(c->s, draw(c, 200), &j);
		break;
	case 1:
		err = c->s->ops->job_live(c->s, draw(c, 60), &j);
		break;
	case 2:
		err = c->s->ops->job_last(c->s, draw(c, 60), &j);
		break;
	default:
		say(c, "job_list %d\n", c->s->ops->job_list(c->s,
		    draw(c, 20), draw(c, 200), 5, page, &n));
		for (size_t i = 0; i < n; i++)
			say_job(c, &page[i]);
		return;
	}
	say(c, "job %d", err);
	if (err == 0)
		say_job(c, &j);
}

static void
op_due(struct call *c)
{
	struct job page[8];
	int64_t at = -1;
	size_t n = 0;

	say(c, "next_due %d", c->s->ops->next_due(c->s, &at));
	say(c, " %lld\n", (long long)at);
	say(c, "jobs_due %d\n", c->s->ops->jobs_due(c->s,
	    (int64_t)draw(c, 1000), (int64_t)draw(c, 300), page,
	    1 + draw(c, 8), &n));
	for (size_t i = 0; i < n; i++)
		say_job(c, &page[i]);
}

static void
op_event_put(struct call *c)
{
	struct store_event e = {.at = (int64_t)draw(c, 1000),
	    .device = draw(c, 9), .job = draw(c, 9), .campaign = draw(c, 3),
	    .release = draw(c, 3), .kind = "job", .what = "done"};

	say(c, "event_put %d", c->s->ops->event_put(c->s, &e));
	say_event(c, &e);
}

static void
op_event_list(struct call *c)
{
	struct store_event_filter f = {.after = draw(c, 300),
	    .newest_first = draw(c, 2), .limit = 1 + draw(c, 8)};
	struct store_event page[8];
	uint64_t pruned = 0;
	size_t n = 0;

	f.device = draw(c, 3) ? 0 : draw(c, 9);
	f.job = draw(c, 3) ? 0 : draw(c, 9);
	f.campaign = draw(c, 3) ? 0 : draw(c, 3);
	f.release = draw(c, 3) ? 0 : draw(c, 3);
	if (draw(c, 20) == 0)
		say(c, "event_prune %d %llu\n", c->s->ops->event_prune(c->s,
		    draw(c, 200), draw(c, 30), &pruned), U(pruned));
	say(c, "event_list %d\n", c->s->ops->event_list(c->s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		say_event(c, &page[i]);
}

static void
op_meta(struct call *c)
{
	char name[8];
	uint8_t raw[16];
	struct buf out = buf_of(raw, 8);

	snprintf(name, sizeof(name), "m%llu", U(draw(c, 5)));
	if (draw(c, 2))
		say(c, "meta_put %d\n", c->s->ops->meta_put(c->s, name,
		    slice_of("0123456789", draw(c, 11))));
	say(c, "meta_get %d", c->s->ops->meta_get(c->s, name, &out));
	say_hex(c, raw, out.n);
}

static void
op_stats(struct call *c)
{
	struct store_stats st;

	c->s->ops->stats(c->s, &st);
	say(c, "stats %llu %llu %llu %llu %llu %llu %llu\n", U(st.commits),
	    U(st.devices), U(st.releases), U(st.campaigns), U(st.jobs),
	    U(st.jobs_live), U(st.events));
}

static void (*const ops[])(struct call *c) = {
	op_device_put, op_device_put, op_device_put, op_device_seen,
	op_device_find, op_device_remove, op_device_list, op_psk, op_author,
	op_release_put, op_release, op_campaign, op_job_put, op_job_put,
	op_job_save, op_job_save, op_job_save, op_job_find, op_due, op_due,
	op_event_put, op_event_list, op_meta, op_stats,
};
#define N_OPS (sizeof(ops) / sizeof(ops[0]))

/* One pair of twins, and how deep their pairs are open. */
struct twins {
	struct fixture *f; /* SQLite's, with its file */
	struct store *mem;
	int depth;
	uint64_t rnd;
};

static void
both(struct twins *t, void (*op)(struct call *c), uint64_t seed)
{
	static char said[2][64 * 1024];
	struct call a = {t->mem, seed, said[0], sizeof(said[0])};
	struct call b = {t->f->s, seed, said[1], sizeof(said[1])};

	said[0][0] = said[1][0] = '\0';
	op(&a);
	op(&b);
	assert_string_equal(said[0], said[1]);
}

static void
pairs(struct twins *t, uint64_t what)
{
	if (t->depth == 0 || (what < 4 && t->depth < 6)) {
		OK(store_begin(t->mem));
		OK(store_begin(t->f->s));
		t->depth++;
	} else if (what < 12) {
		OK(store_commit(t->mem));
		OK(store_commit(t->f->s));
		t->depth--;
	} else if (what < 15) {
		store_rollback(t->mem);
		store_rollback(t->f->s);
		t->depth--;
	}
}

static void
say_everything(struct call *c)
{
	struct store_device_filter df = {.limit = LIMIT_PAGE};
	static struct store_device d[LIMIT_PAGE];
	struct job j;
	size_t n = 0;

	OK(c->s->ops->device_list(c->s, &df, d, &n));
	for (size_t i = 0; i < n; i++)
		say_device(c, &d[i]);
	for (uint64_t id = 0; id < 300; id++)
		if (c->s->ops->job_get(c->s, id, &j) == 0)
			say_job(c, &j);
	OK(c->s->ops->payload_foreach(c->s, say_payload, c));
}

static void
run(void **state, uint64_t seed)
{
	struct twins t = {.f = *state, .rnd = seed};
	struct call dice = {.rnd = seed};
	struct store_stats st;

	OK(store_mem_open(&t.mem));
	for (int i = 0; i < OPS; i++) {
		if (draw(&dice, 3) == 0)
			pairs(&t, draw(&dice, 16));
		both(&t, ops[draw(&dice, N_OPS)], draw(&dice, UINT64_MAX));
	}
	while (t.depth > 0)
		pairs(&t, 4);
	both(&t, say_everything, 0);
	reopen(t.f);
	both(&t, say_everything, 0);
	t.mem->ops->stats(t.mem, &st); /* the run was not all refusals */
	assert_true(st.commits > 200 && st.devices > 20 && st.jobs > 10 &&
	    st.releases > 20 && st.campaigns > 5 && st.events > 20);
	store_close(t.mem);
}

static void
both_twins_give_the_same_answers_1(void **state)
{
	run(state, 1);
}

static void
both_twins_give_the_same_answers_2(void **state)
{
	run(state, 20261124);
}

static void
both_twins_give_the_same_answers_3(void **state)
{
	run(state, 0x5eed);
}

int
main(void)
{
#define SEED(t) cmocka_unit_test_setup_teardown(t, open_sqlite, shut)
	const struct CMUnitTest tests[] = {
		SEED(both_twins_give_the_same_answers_1),
		SEED(both_twins_give_the_same_answers_2),
		SEED(both_twins_give_the_same_answers_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
