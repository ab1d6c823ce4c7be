/* What SQLite's store says and keeps when its file is damaged. */
#include "tests/db/filled.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "db/store_sqlite.h"

static int
root_row(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	*(long *)arg = strtol(value[0], NULL, 10);
	return 0;
}

/* Overwrites the root page of a table or index. */
static void
damage(const char *path, const char *table)
{
	uint8_t page[4096];
	char text[100];
	long root = 0;
	sqlite3 *db;
	int fd;

	snprintf(text, sizeof(text), "SELECT rootpage FROM sqlite_schema"
	    " WHERE name = '%s'", table);
	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, text, root_row, &root, NULL));
	OK(sqlite3_close(db));
	assert_true(root > 1);
	memset(page, 0x5a, sizeof(page));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, page, sizeof(page), (root - 1) * 4096),
	    sizeof(page));
	close(fd);
}

static void
a_damaged_table_is_told_by_its_verbs_and_the_rest_works(void **state)
{
	struct fixture *f = *state;
	struct store_event_filter ef = {.limit = 1};
	struct store_event e = {.kind = "job"};
	struct job j;
	size_t n;

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	damage(f->path, "event");
	reopen(f);
	FAILS(f->s->ops->event_list(f->s, &ef, &e, &n), ERR_CORRUPT);
	assert_true(has_device(f->s, "dev000007"));
	OK(f->s->ops->job_get(f->s, 7, &j));
	OK(store_begin(f->s));
	OK(put_device(f->s, "kept"));
	OK(store_commit(f->s));
	/* a pair that meets the damage is lost as a whole, the next is not */
	for (int reads = 0; reads < 2; reads++) {
		OK(store_begin(f->s));
		OK(put_device(f->s, "lost"));
		OK(store_begin(f->s));
		FAILS(reads ? f->s->ops->event_list(f->s, &ef, &e, &n) :
		    f->s->ops->event_put(f->s, &e), ERR_CORRUPT);
		store_rollback(f->s);
		FAILS(put_device(f->s, "too"), ERR_CORRUPT);
		FAILS(store_begin(f->s), ERR_CORRUPT);
		FAILS(store_commit(f->s), ERR_CORRUPT);
		assert_false(has_device(f->s, "lost"));
	}
	add_device(f->s, "next");
	assert_true(has_device(f->s, "kept"));
}

static void
a_damaged_device_table_leaves_releases_and_images(void **state)
{
	struct fixture *f = *state;
	struct store_device d;
	struct store_release r;
	uint8_t raw[16];
	struct buf out = buf_of(raw, sizeof(raw));

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	damage(f->path, "device");
	reopen(f);
	FAILS(f->s->ops->device_get(f->s, 3, &d), ERR_CORRUPT);
	OK(f->s->ops->release_get(f->s, 1, &r));
	OK(f->s->ops->release_envelope(f->s, 1, &out));
}

static int
no_cb(void *arg, const struct store_payload *p, enum release_state st)
{
	(void)arg;
	(void)p;
	(void)st;
	return 0;
}

/* Every verb once; what they say does not matter, that they return does. */
static void
try_everything(struct store *s)
{
	struct store_device_filter df = {.limit = 50};
	struct store_event_filter ef = {.limit = 50, .device = 3};
	static struct store_device d[50];
	static struct store_event e[50];
	struct store_release r[5];
	struct store_scan_filter sf = {.limit = 100, .tags = true};
	struct store_queue q = {CAMPAIGN, STORE_WAVES, 2000, 1000};
	struct buf plan = buf_of((uint8_t[8]){0}, 8);
	struct store_campaign c;
	struct store_tally t[5];
	struct store_counts k;
	struct store_stats st;
	struct job j[50];
	int64_t at;
	bool needed;
	size_t n;
	int err = 0;

	err |= s->ops->device_list(s, &df, d, &n);
	strcpy(df.tag_name, "site");
	err |= s->ops->device_list(s, &df, d, &n);
	for (uint64_t id = 1; id < 500; id += 37) {
		err |= s->ops->device_get(s, id, d);
		err |= s->ops->job_last(s, id, j);
	}
	err |= s->ops->device_by_addr(s, "10.0.17", d);
	err |= s->ops->event_list(s, &ef, e, &n);
	err |= s->ops->release_list(s, 0, 5, r, &n);
	err |= s->ops->payload_foreach(s, no_cb, NULL);
	err |= s->ops->image_needed(s, (uint8_t[32]){1}, &needed);
	err |= s->ops->campaign_get(s, CAMPAIGN, &c);
	err |= s->ops->campaign_counts(s, CAMPAIGN, &k);
	err |= s->ops->campaign_tally(s, CAMPAIGN, t, 5, &n);
	err |= s->ops->campaign_live(s, 0, 1, &c, &n);
	err |= s->ops->plan_get(s, CAMPAIGN, 0, &plan);
	err |= s->ops->next_due(s, &at);
	err |= s->ops->next_queued(s, CAMPAIGN, STORE_WAVES, &at);
	err |= s->ops->job_list(s, CAMPAIGN, 0, 50, j, &n);
	err |= s->ops->device_scan(s, &sf, no_scan, NULL, &sf.after);
	err |= s->ops->job_active(s, no_job, NULL);
	for (int i = 0; i <= NOTABLE_FAILED; i++)
		err |= s->ops->job_notable(s, CAMPAIGN,
		    (enum store_notable)i, j, 50, &n);
	s->ops->stats(s, &st);
	err |= store_begin(s);
	err |= put_device(s, "new");
	err |= s->ops->device_remove(s, 9);
	err |= s->ops->jobs_due(s, 2000, 1000, j, 50, &n);
	err |= s->ops->jobs_queued(s, &q, j, 50, &n);
	err |= s->ops->plan_put(s, CAMPAIGN, 0, slice_str("plan"));
	err |= s->ops->campaign_remove(s, CAMPAIGN + 1);
	err |= s->ops->event_prune(s, 10, 1000, &ef.after);
	err |= store_commit(s);
	assert_true(err <= 0);
}

static void
no_damage_makes_it_crash(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, false);
	char copy[80], cmd[300];
	unsigned rnd = 11;
	struct store *s;
	struct why why;
	struct stat st;

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	snprintf(copy, sizeof(copy), "%s.good", f->path);
	snprintf(cmd, sizeof(cmd), "cp %s %s", f->path, copy);
	OK(system(cmd));
	OK(stat(f->path, &st));
	for (int round = 0; round < 60; round++) {
		int fd;

		snprintf(cmd, sizeof(cmd), "cp %s %s; rm -f %s-*", copy,
		    f->path, f->path);
		OK(system(cmd));
		fd = open(f->path, O_WRONLY);
		for (int i = 0; i < 20; i++) {
			uint8_t junk[8];
			off_t at = 100 + rand_r(&rnd) % (st.st_size - 200);

			for (size_t k = 0; k < sizeof(junk); k++)
				junk[k] = (uint8_t)rand_r(&rnd);
			assert_int_equal(pwrite(fd, junk, 8, at), 8);
		}
		close(fd);
		if (round % 10 == 0)
			OK(truncate(f->path, st.st_size / 2));
		if (store_sqlite_open(&o, &s, &why) != 0)
			continue;
		try_everything(s);
		store_close(s);
	}
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, open_sqlite, shut)
	const struct CMUnitTest tests[] = {
		T(a_damaged_table_is_told_by_its_verbs_and_the_rest_works),
		T(a_damaged_device_table_leaves_releases_and_images),
		T(no_damage_makes_it_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
