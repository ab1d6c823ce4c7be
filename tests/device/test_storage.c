/*
 * One contract for every storage driver: the legal order works, any other
 * is refused, and what was stored is there after a power loss.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device/storage.h"

static struct storage_ram ram;
static struct storage_file file;
static char dir[64];

struct driver {
	const struct storage *s;
	void *arg;
	void (*power)(void);
};

static void
power_ram(void)
{
	storage_ram_power(&ram);
}

static void
power_file(void)
{
	storage_file_fini(&file);
	assert_int_equal(storage_file_init(&file, dir), 0);
}

static struct driver drivers[] = {
	{&storage_ram, &ram, power_ram},
	{&storage_file, &file, power_file},
};

static int
setup(void **state)
{
	(void)state;
	storage_ram_init(&ram, 1 << 20);
	snprintf(dir, sizeof dir, "/tmp/suitdev-test.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : storage_file_init(&file, dir);
}

static int
teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	(void)state;
	storage_ram_fini(&ram);
	storage_file_fini(&file);
	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	return rmdir(dir);
}

static size_t
state_of(struct driver *v, uint8_t dst[64])
{
	size_t n = 99;

	assert_int_equal(v->s->get_state(v->arg, dst, 64, &n), 0);
	return n;
}

static void
legal_order(struct driver *v)
{
	const struct storage *s = v->s;
	uint8_t bytes[64], got[8];
	unsigned slot = 9;

	assert_int_equal(state_of(v, bytes), 0);
	assert_int_equal(s->active(v->arg, &slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(s->begin(v->arg, 0, 8), 0);
	assert_int_equal(s->write(v->arg, 0, slice_str("abcd")), 0);
	assert_int_equal(s->set_state(v->arg, slice_str("one")), 0);
	assert_int_equal(s->write(v->arg, 4, slice_str("XX")), 0);

	v->power();
	assert_int_equal(state_of(v, bytes), 3);
	assert_memory_equal(bytes, "one", 3);
	assert_int_equal(s->resume(v->arg, 0, 4), 0);
	assert_int_equal(s->write(v->arg, 4, slice_str("efgh")), 0);
	assert_int_equal(s->read(v->arg, 0, got, 8), 0);
	assert_memory_equal(got, "abcdefgh", 8);
	assert_int_equal(s->read(v->arg, 1, got, 8), ERR_RANGE);
	assert_int_equal(s->finish(v->arg), 0);
	assert_int_equal(s->begin(v->arg, 1, 0), 0);
	assert_int_equal(s->write(v->arg, 0, slice_str("z")), 0);
	assert_int_equal(s->finish(v->arg), 0);
	assert_int_equal(s->activate(v->arg), 0);

	v->power();
	assert_int_equal(state_of(v, bytes), 3);
	assert_int_equal(s->active(v->arg, &slot), 0);
	assert_int_equal(slot, 1);
}

static void
wrong_order(struct driver *v)
{
	const struct storage *s = v->s;
	uint8_t bytes[64];
	unsigned slot;

	assert_int_equal(s->active(v->arg, &slot), ERR_ORDER);
	assert_int_equal(s->set_state(v->arg, slice_str("x")), ERR_ORDER);
	assert_int_equal(s->begin(v->arg, 0, 1), ERR_ORDER);
	assert_int_equal(s->activate(v->arg), ERR_ORDER);
	(void)state_of(v, bytes);
	assert_int_equal(s->write(v->arg, 0, slice_str("x")), ERR_ORDER);
	assert_int_equal(s->read(v->arg, 0, bytes, 1), ERR_ORDER);
	assert_int_equal(s->finish(v->arg), ERR_ORDER);
	assert_int_equal(s->abort(v->arg), ERR_ORDER);
	assert_int_equal(s->activate(v->arg), ERR_ORDER);
	assert_int_equal(s->begin(v->arg, STORAGE_PARTS, 1), ERR_RANGE);
	assert_int_equal(s->begin(v->arg, STORAGE_PARTS - 1, 1), 0);
	assert_int_equal(s->begin(v->arg, 0, 1), ERR_ORDER);
	assert_int_equal(s->write(v->arg, 1, slice_str("x")), ERR_ORDER);
	assert_int_equal(s->activate(v->arg), ERR_ORDER);
	assert_int_equal(s->abort(v->arg), 0);
	assert_int_equal(s->activate(v->arg), ERR_ORDER);
	assert_int_equal(s->resume(v->arg, 0, 1), ERR_RANGE);
}

static void
state_size(struct driver *v)
{
	static uint8_t big[STORAGE_STATE + 1], got[STORAGE_STATE];
	size_t n = 0;

	(void)state_of(v, big);
	memset(big, 7, sizeof big);
	assert_int_equal(v->s->set_state(v->arg,
	    slice_of(big, STORAGE_STATE)), 0);
	assert_int_equal(v->s->set_state(v->arg,
	    slice_of(big, STORAGE_STATE + 1)), ERR_SPACE);
	assert_int_equal(v->s->get_state(v->arg, got, sizeof got, &n), 0);
	assert_int_equal(n, STORAGE_STATE);
	assert_memory_equal(got, big, STORAGE_STATE);
}

static void
ram_keeps_the_legal_order(void **state)
{
	(void)state;
	legal_order(&drivers[0]);
}

static void
ram_refuses_any_other(void **state)
{
	(void)state;
	wrong_order(&drivers[0]);
	state_size(&drivers[0]);
}

static void
a_directory_keeps_the_legal_order(void **state)
{
	(void)state;
	legal_order(&drivers[1]);
}

static void
a_directory_refuses_any_other(void **state)
{
	(void)state;
	wrong_order(&drivers[1]);
	state_size(&drivers[1]);
}

/* Two places, each replaced as a whole, and there after a power loss. */
static void
keeps_two_lists(struct driver *d)
{
	static uint8_t big[STORAGE_LIST + 1], back[STORAGE_LIST];
	uint8_t state[STORAGE_STATE];
	size_t n = 0;

	assert_int_equal(d->s->list_read(d->arg, 0, back, sizeof back, &n),
	    ERR_ORDER);
	(void)state_of(d, state);
	assert_int_equal(d->s->list_read(d->arg, 0, back, sizeof back, &n),
	    0);
	assert_int_equal(n, 0);
	memset(big, 0x5a, sizeof big);
	assert_int_equal(d->s->list_write(d->arg, 0, slice_of(big,
	    STORAGE_LIST)), 0);
	assert_int_equal(d->s->list_write(d->arg, 1, slice_str("abc")), 0);
	assert_int_equal(d->s->list_write(d->arg, 1, slice_of(big,
	    STORAGE_LIST + 1)), ERR_SPACE);
	assert_int_equal(d->s->list_write(d->arg, 2, slice_str("x")),
	    ERR_RANGE);
	d->power();
	(void)state_of(d, state);
	assert_int_equal(d->s->list_read(d->arg, 0, back, sizeof back, &n),
	    0);
	assert_int_equal(n, STORAGE_LIST);
	assert_memory_equal(back, big, n);
	assert_int_equal(d->s->list_read(d->arg, 1, back, sizeof back, &n),
	    0);
	assert_int_equal(n, 3);
	assert_memory_equal(back, "abc", 3);
}

static void
both_keep_two_lists(void **state)
{
	(void)state;
	keeps_two_lists(&drivers[0]);
	keeps_two_lists(&drivers[1]);
}

static void
ram_is_full_at_its_size(void **state)
{
	uint8_t bytes[64];

	(void)state;
	storage_ram_fini(&ram);
	storage_ram_init(&ram, 4);
	(void)state_of(&drivers[0], bytes);
	assert_int_equal(storage_ram.begin(&ram, 0, 5), ERR_NOSPACE);
	assert_int_equal(storage_ram.begin(&ram, 0, 4), 0);
	assert_int_equal(storage_ram.write(&ram, 0, slice_str("abcd")), 0);
	assert_int_equal(storage_ram.write(&ram, 4, slice_str("e")),
	    ERR_NOSPACE);
}

static void
a_missing_directory_is_an_error(void **state)
{
	struct storage_file f;

	(void)state;
	assert_int_equal(storage_file_init(&f, "/nonexistent/suitdev"),
	    ERR_IO);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(ram_keeps_the_legal_order, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(ram_refuses_any_other, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(a_directory_keeps_the_legal_order,
		setup, teardown),
	    cmocka_unit_test_setup_teardown(a_directory_refuses_any_other,
		setup, teardown),
	    cmocka_unit_test_setup_teardown(ram_is_full_at_its_size, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(both_keep_two_lists, setup,
		teardown),
	    cmocka_unit_test(a_missing_directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
