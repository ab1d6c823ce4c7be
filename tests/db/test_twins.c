/*
 * Properties under seeds: a random sequence of verbs gets the same answers
 * from both twins, and what SQLite has after a reopen is what memory has.
 *
 * Each operation draws its arguments from its own seed, so that both twins
 * get the same call, and prints what it was told; the prints are compared.
 */
#include "tests/db/op_job.h"
#include "tests/db/op_rollout.h"

#define OPS 8000

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
	d->class_set = d->have_class && draw(c, 2);
	d->have_class_said = draw(c, 3) == 0; /* some of them are refused */
	d->class_said[0] = (uint8_t)draw(c, 3);
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
	d->gap = (uint32_t)draw(c, 3);
	d->revoked = draw(c, 2);
	d->ahead = d->have_class && d->have_seq && draw(c, 2);
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
	struct store_seen sign = {.device = draw(c, 60),
	    .at = (int64_t)draw(c, 2000), .gap = (uint32_t)draw(c, 3)};
	char addr[16];

	snprintf(addr, sizeof(addr), "10.%llu", U(draw(c, 20)));
	sign.addr = draw(c, 3) ? addr : NULL;
	say(c, "device_seen %d\n", c->s->ops->device_seen(c->s, &sign));
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
op_device_scan(struct call *c)
{
	struct store_scan_filter f = {.after = draw(c, 60),
	    .limit = draw(c, 12), .tags = draw(c, 2)};
	struct look l = {c, draw(c, 12)};
	uint64_t after = 777;
	int err = c->s->ops->device_scan(c->s, &f, say_scan, &l, &after);

	say(c, "device_scan %d %llu\n", err, U(after));
}

static void
say_credential(struct call *c, const struct store_credential *k)
{
	say(c, " cred %llu %llu %d %s %s %zu %llu %llu %llu %llu\n", U(k->id),
	    U(k->device), k->kind, k->identity, k->label, k->secret_len,
	    U(k->created), U(k->used), U(k->ends), U(k->counter));
}

static void
op_credential_put(struct call *c)
{
	struct store_credential k = {.id = draw(c, 2) == 0 ? draw(c, 60) : 0,
	    .device = draw(c, 30), .kind = (enum credential_kind)draw(c, 5),
	    .secret_len = draw(c, 70), .created = 3, .used = 4,
	    .ends = (int64_t)draw(c, 50), .counter = draw(c, 9)};

	snprintf(k.identity, sizeof(k.identity), "i%llu", U(draw(c, 20)));
	if (k.kind == CREDENTIAL_CERT)
		k.secret_len = 0;
	say(c, "credential_put %d", c->s->ops->credential_put(c->s, &k));
	say(c, " %llu\n", U(k.id));
}

static void
op_credential(struct call *c)
{
	const struct store_ops *o = c->s->ops;
	struct store_credential k = {.id = draw(c, 60)},
	    all[STORE_CREDENTIALS];
	char id[8];
	size_t n = 0;

	snprintf(id, sizeof(id), "i%llu", U(draw(c, 20)));
	say(c, "credential_get %d", o->credential_get(c->s,
	    (enum credential_kind)draw(c, 4), id, &k));
	say_credential(c, &k);
	say(c, "credential_list %d\n", o->credential_list(c->s, draw(c, 30),
	    all, draw(c, 7), &n));
	for (size_t i = 0; i < n && i < STORE_CREDENTIALS; i++)
		say_credential(c, &all[i]);
	n = 0;
	say(c, "credential_ended %d\n", o->credential_ended(c->s,
	    (int64_t)draw(c, 50), draw(c, 6), all, &n));
	for (size_t i = 0; i < n; i++)
		say_credential(c, &all[i]);
	k.kind = (enum credential_kind)(1 + draw(c, 3));
	k.device = draw(c, 30);
	k.secret_len = draw(c, 70);
	say(c, "credential_same %d", o->credential_same(c->s, &k, &all[0]));
	say_credential(c, &all[0]);
	if (draw(c, 2) == 0)
		say(c, "used %d\n", o->credential_used(c->s, draw(c, 60),
		    (int64_t)draw(c, 9)));
	if (draw(c, 2) == 0)
		say(c, "count %d\n", o->credential_count(c->s, draw(c, 60),
		    draw(c, 2) << 63 | draw(c, 9)));
	if (draw(c, 4) == 0)
		say(c, "remove %d\n", o->credential_remove(c->s, k.id));
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
op_principal(struct call *c)
{
	const struct store_ops *o = c->s->ops;
	struct store_principal p = {.rights = "role=author",
	    .last_key = (uint32_t)draw(c, 9)}, list[3];
	struct store_principal_key k = {.key_len = 1 + draw(c, 3),
	    .ends = (int64_t)draw(c, 99)}, keys[3];
	size_t n = 0;

	snprintf(p.name, sizeof(p.name), "p%llu", U(draw(c, 4)));
	snprintf(k.principal, sizeof(k.principal), "p%llu", U(draw(c, 4)));
	snprintf(k.identity, sizeof(k.identity), "k%llu", U(draw(c, 6)));
	switch (draw(c, 6)) {
	case 0:
		say(c, "principal_put %d\n", o->principal_put(c->s, &p));
		break;
	case 1:
		say(c, "principal_remove %d\n",
		    o->principal_remove(c->s, p.name));
		break;
	case 2:
		say(c, "principal_key_put %d\n",
		    o->principal_key_put(c->s, &k));
		break;
	case 3:
		say(c, "principal_key_remove %d\n",
		    o->principal_key_remove(c->s, k.identity));
		break;
	case 4:
		say(c, "principal_key_list %d", o->principal_key_list(c->s,
		    p.name, keys, 3, &n));
		for (size_t i = 0; i < n; i++)
			say(c, " %s %zu %llu", keys[i].identity,
			    keys[i].key_len, U(keys[i].ends));
		say(c, "\n");
		break;
	default:
		say(c, "principal_list %d", o->principal_list(c->s, p.name,
		    3, list, &n));
		for (size_t i = 0; i < n; i++)
			say(c, " %s %u", list[i].name, list[i].last_key);
		say(c, "\n");
	}
}

static void
op_request(struct call *c)
{
	const struct store_ops *o = c->s->ops;
	struct store_request r = {.id = draw(c, 3) == 0 ? draw(c, 40) : 0,
	    .kind = 1 + (uint32_t)draw(c, 3), .by = "a",
	    .expires = (int64_t)draw(c, 99)}, list[5];
	uint64_t id = draw(c, 40);
	size_t n = 0;

	switch (draw(c, 5)) {
	case 0:
	case 1:
		say(c, "request_put %d", o->request_put(c->s, &r));
		say(c, " %llu\n", U(r.id));
		break;
	case 2:
	case 3:
		say(c, "request_remove %d\n", o->request_remove(c->s, id));
		break;
	default:
		say(c, "request_list %d", o->request_list(c->s, id, 5, list,
		    &n));
		for (size_t i = 0; i < n; i++)
			say(c, " %llu %u %llu", U(list[i].id), list[i].kind,
			    U(list[i].expires));
		say(c, "\n");
	}
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
op_audit(struct call *c)
{
	struct store_audit_filter f = {.after = draw(c, 60),
	    .newest_first = draw(c, 2), .limit = 1 + draw(c, 8)};
	struct audit_entry e = {.at = (int64_t)draw(c, 1000)}, page[8];
	struct audit_head h = {.n = 0}, base = {.n = 0};
	uint64_t pruned = 0;
	size_t n = 0;

	snprintf(e.who, sizeof(e.who), "%s", draw(c, 2) ? "alice" : "");
	snprintf(e.kind, sizeof(e.kind), "kind%llu", U(draw(c, 3)));
	snprintf(e.subject, sizeof(e.subject), "s%llu", U(draw(c, 4)));
	f.have_who = draw(c, 3) == 0;
	strcpy(f.who, draw(c, 2) ? "alice" : "");
	strcpy(f.kind, draw(c, 3) ? "" : e.kind);
	strcpy(f.subject, draw(c, 3) ? "" : e.subject);
	f.from = draw(c, 2) ? 0 : draw(c, 60);
	say(c, "audit %d", c->s->ops->audit_append(c->s, &e));
	say(c, " %llu", U(e.n));
	say_hex(c, e.hash, AUDIT_HASH);
	if (draw(c, 9) == 0)
		say(c, " prune %d", c->s->ops->audit_prune(c->s, 1 + draw(c,
		    20), draw(c, 9), &base, &pruned));
	say(c, " %llu %llu", U(pruned), U(base.n));
	say_hex(c, base.hash, AUDIT_HASH);
	say(c, " %d", c->s->ops->audit_head(c->s, &h));
	say_hex(c, h.hash, AUDIT_HASH);
	say(c, " %d\n", c->s->ops->audit_list(c->s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		say(c, "%llu %s %s %s\n", U(page[i].n), page[i].who,
		    page[i].kind, page[i].subject);
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
	say(c, "stats %llu %llu %llu %llu %llu %llu %llu %llu\n", U(st.commits),
	    U(st.devices), U(st.releases), U(st.campaigns), U(st.jobs),
	    U(st.jobs_live), U(st.events), U(st.ahead));
}

static void
op_ahead(struct call *c)
{
	uint8_t class_id[16] = {(uint8_t)draw(c, 3)}, found[16] = {0};
	uint64_t seq = draw(c, UINT64_MAX), max = 0, highest = 0;
	size_t n = 0;

	say(c, "ahead %d", c->s->ops->ahead_class(c->s, draw(c, 2) ?
	    class_id : NULL, found));
	say_hex(c, found, sizeof(found));
	say(c, " %d", c->s->ops->ahead_max(c->s, class_id, &max));
	say(c, " %llu %d", U(max), c->s->ops->release_highest(c->s, class_id,
	    &highest));
	say(c, " %llu", U(highest));
	if (draw(c, 3) == 0)
		say(c, " %d", c->s->ops->ahead_settle(c->s, class_id, seq,
		    (size_t)draw(c, 4), &n));
	say(c, " %zu\n", n);
}

static void (*const ops[])(struct call *c) = {
	op_device_put, op_device_put, op_device_put, op_device_seen,
	op_device_find, op_device_remove, op_device_list, op_author,
	op_credential_put, op_credential_put, op_credential,
	op_principal, op_request,
	op_release_put, op_release, op_campaign_put, op_campaign_save,
	op_campaign_list, op_tally, op_gauges, op_plan, op_device_scan, op_job_put,
	op_job_put, op_job_save, op_job_save, op_job_save, op_job_find,
	op_ahead, op_due, op_queue, op_queue, op_notable, op_event_put, op_event_list,
	op_audit, op_meta, op_stats,
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
	static char said[2][256 * 1024];
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
	struct store_campaign k;
	struct job j;
	size_t n = 0;

	OK(c->s->ops->device_list(c->s, &df, d, &n));
	for (size_t i = 0; i < n; i++)
		say_device(c, &d[i]);
	for (uint64_t id = 0; id < 300; id++)
		if (c->s->ops->job_get(c->s, id, &j) == 0)
			say_job(c, &j);
	for (uint64_t id = 0; id < 60; id++)
		if (c->s->ops->campaign_get(c->s, id, &k) == 0)
			say_campaign(c, &k);
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
