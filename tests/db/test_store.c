/*
 * The contract of db/store.h, one suite run against both twins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/store.h"

struct fixture {
	struct store *s;
	char path[64];
};

static int
open_mem(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return store_mem_open(&f->s);
}

static int
open_sqlite(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_sqlite_opts o = {f->path, false};
	struct why why;

	*state = f;
	snprintf(f->path, sizeof(f->path), "/tmp/suitd-store-XXXXXX");
	close(mkstemp(f->path));
	return store_sqlite_open(&o, &f->s, &why);
}

static int
shut(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	struct fixture *f = *state;
	char path[80];

	store_close(f->s);
	for (size_t i = 0; i < 3 && f->path[0]; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		unlink(path);
	}
	free(f);
	return 0;
}

static struct store *
store_of(void **state)
{
	return ((struct fixture *)*state)->s;
}

#define OK(x) assert_int_equal((x), 0)
#define FAILS(x, err) assert_int_equal((x), (err))

static uint64_t
add_device(struct store *s, const char *ep)
{
	struct store_device d = {.seq = 0};

	strcpy(d.ep, ep);
	OK(s->ops->device_put(s, &d));
	return d.id;
}

static void
a_write_outside_of_a_pair_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = {.ep = "a"};

	FAILS(s->ops->device_put(s, &d), ERR_STATE);
	FAILS(store_commit(s), ERR_STATE);
	FAILS(s->ops->device_by_ep(s, "a", &d), ERR_NOT_FOUND);
}

static void
an_inner_rollback_leaves_its_neighbours(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;

	OK(store_begin(s));
	add_device(s, "one");
	OK(store_begin(s));
	add_device(s, "two");
	store_rollback(s);
	OK(store_begin(s));
	add_device(s, "three");
	OK(store_commit(s));
	OK(store_commit(s));
	OK(s->ops->device_by_ep(s, "one", &d));
	FAILS(s->ops->device_by_ep(s, "two", &d), ERR_NOT_FOUND);
	OK(s->ops->device_by_ep(s, "three", &d));
}

int
main(void)
{
#define TWICE(t) \
	{#t " (mem)", t, open_mem, shut, NULL}, \
	{#t " (sqlite)", t, open_sqlite, shut, NULL}
	const struct CMUnitTest tests[] = {
		TWICE(a_write_outside_of_a_pair_is_refused),
		TWICE(an_inner_rollback_leaves_its_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
