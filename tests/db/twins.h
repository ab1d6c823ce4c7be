/*
 * twins: what the suites of the store share. A test given to TWICE runs
 * against the store in memory and against SQLite.
 */
#ifndef SUITD_TESTS_DB_TWINS_H
#define SUITD_TESTS_DB_TWINS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/store.h"

#define OK(x) assert_int_equal((x), 0)
#define FAILS(x, err) assert_int_equal((x), (err))
#define UNUSED __attribute__((unused))

struct fixture {
	struct store *s;
	char dir[40], path[64];
};

/* Every test of SQLite's store looks at the plans of its statements. */
#define OPTS(file, full) \
	{.path = (file), .full_sync = (full), .check_plans = true}

static UNUSED int
open_mem(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return store_mem_open(&f->s);
}

static UNUSED void
reopen(struct fixture *f)
{
	struct store_sqlite_opts o = OPTS(f->path, false);
	struct why why = {0, ""};

	store_close(f->s);
	f->s = NULL;
	if (store_sqlite_open(&o, &f->s, &why) != 0)
		fail_msg("%s", why.text);
}

static UNUSED int
open_sqlite(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/suitd-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/suitd.db", f->dir);
	reopen(f);
	return 0;
}

static UNUSED int
shut(void **state)
{
	struct fixture *f = *state;
	char cmd[80];
	int err = 0;

	store_close(f->s);
	if (f->dir[0] != '\0') {
		snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
		err = system(cmd);
	}
	free(f);
	return err;
}

static UNUSED struct store *
store_of(void **state)
{
	return ((struct fixture *)*state)->s;
}

#define TWICE(t) \
	{#t " (mem)", t, open_mem, shut, NULL}, \
	{#t " (sqlite)", t, open_sqlite, shut, NULL}

/* --- one record each, in a pair of its own unless one is open --- */

static UNUSED uint64_t
add_device(struct store *s, const char *ep)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	strcpy(d.ep, ep);
	OK(store_begin(s));
	OK(s->ops->device_put(s, &d));
	OK(store_commit(s));
	return d.id;
}

/* Every text at its cap, every number large. */
static UNUSED struct store_device
full_device(void)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	memset(d.ep, 'e', LIMIT_EP);
	d.have_class = true;
	memset(d.class_id, 0x11, 16);
	d.class_set = d.have_class_said = true;
	memset(d.class_said, 0x12, 16);
	memset(d.vendor, 0x22, 16);
	d.driver = DRIVER_OBSERVE;
	d.driver_set = true;
	d.nul_trigger = true;
	memset(d.uri, 'u', LIMIT_URI);
	d.uri_set = true;
	memset(d.addr, 'a', LIMIT_ADDRESS - 1);
	d.have_psk = true;
	d.have_seq = true;
	d.seq = UINT64_MAX;
	d.seq_grade = GRADE_L2;
	memset(d.version, 'v', LIMIT_VERSION);
	d.registered = true;
	d.reg = 4711;
	d.reg_expires = INT64_MAX;
	d.reg_lt = UINT32_MAX;
	d.reg_base = true;
	d.created = -1;
	d.seen = 1234567890123;
	d.gap = UINT32_MAX;
	d.revoked = true;
	d.ahead = true;
	d.tag_count = LIMIT_TAGS;
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		memset(d.tag[i].name, 'n', LIMIT_TAG_NAME);
		d.tag[i].name[0] = (char)('a' + i);
		memset(d.tag[i].value, 'v', LIMIT_TAG_VALUE);
	}
	d.tag[3].value[0] = '\0';
	return d;
}

/* `n` names it: digest, class, image and path are made from it. */
static UNUSED int
put_release(struct store *s, unsigned n, uint64_t seq, uint64_t *ret_id)
{
	struct store_release r;
	struct store_payload p;
	int err;

	memset(&r, 0, sizeof(r));
	memset(&p, 0, sizeof(p));
	memcpy(r.digest, &n, sizeof(n));
	memcpy(p.digest, &n, sizeof(n));
	r.seq = seq;
	r.class_count = 1;
	r.class_id[0][0] = 7;
	p.size = n;
	snprintf(p.path, sizeof(p.path), "fw/%u", n);
	OK(store_begin(s));
	err = s->ops->release_put(s, &r, slice_str("envelope"), &p, 1);
	OK(store_commit(s));
	if (err == 0)
		*ret_id = r.id;
	return err;
}

static UNUSED uint64_t
add_release(struct store *s, unsigned n)
{
	uint64_t id = 0;

	OK(put_release(s, n, n, &id));
	return id;
}

static UNUSED uint64_t
add_campaign(struct store *s, uint64_t release, uint32_t concurrency)
{
	struct store_campaign c;

	memset(&c, 0, sizeof(c));
	c.release = release;
	c.concurrency = concurrency;
	c.state = CAMPAIGN_RUNNING;
	OK(store_begin(s));
	OK(s->ops->campaign_put(s, &c));
	OK(store_commit(s));
	return c.id;
}

static UNUSED struct job
make_job(uint64_t campaign, uint64_t device, uint64_t release, int64_t due)
{
	struct job j;

	memset(&j, 0, sizeof(j));
	j.campaign = campaign;
	j.device = device;
	j.release = release;
	j.due = due;
	return j;
}

static UNUSED int
put_job(struct store *s, struct job *j)
{
	int err;

	OK(store_begin(s));
	err = s->ops->job_put(s, j);
	OK(store_commit(s));
	return err;
}

static UNUSED int
save_job(struct store *s, struct job *j)
{
	int err;

	OK(store_begin(s));
	err = s->ops->job_save(s, j);
	OK(store_commit(s));
	return err;
}

static UNUSED int
seen(struct store *s, uint64_t device, const char *addr, int64_t at)
{
	struct store_seen sign = {.device = device, .addr = addr, .at = at};

	return s->ops->device_seen(s, &sign);
}

/* A write on its own: its pair is committed, whatever it said. */
#define ALONE(s, call) alone((s), (OK(store_begin(s)), (call)))
static UNUSED int
alone(struct store *s, int err)
{
	OK(store_commit(s));
	return err;
}

#endif
