/*
 * access_keys: a world with an admin.psk, operators of it, and devices that
 * have keys, for the tests of daemon/access.h.
 */
#ifndef SUITD_TESTS_DAEMON_ACCESS_KEYS_H
#define SUITD_TESTS_DAEMON_ACCESS_KEYS_H

#include "tests/daemon/fake.h"
#include "tests/db/psk.h"

#define KEY_A "00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100"

static struct world w;

/* The fake front has none, and nothing here asks for the status. */
static inline int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static inline struct store_device
with_psk(const char *ep, const char *identity)
{
	struct store_device d = device(&w, ep, DRIVER_NONE);
	struct store *s = w.app.store;

	d.have_psk = true;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(s->ops->device_put(s, &d), 0);
	assert_int_equal(engine_end(w.app.engine, psk_put(s, identity,
	    d.id, slice_str("0123456789abcdef"))), 0);
	turn(&w);
	access_forget(w.app.access);
	return d;
}

static inline void
path_of(const char *name, char dst[256])
{
	snprintf(dst, 256, "%s/%s", w.dir, name);
}

static inline void
write_file(const char *name, struct slice s, unsigned mode)
{
	char path[256];
	FILE *f;

	path_of(name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static inline bool
operates(const char *identity)
{
	struct principal p;

	access_who(&w.app, T_ADMIN, identity, &p);
	assert_string_equal(p.identity, p.role == ROLES_ADMIN ? identity :
	    "");
	return p.role == ROLES_ADMIN;
}

static inline bool
has_key(const char *identity, const char *hex)
{
	uint8_t k[64], want[64];
	struct buf key = buf_of(k, sizeof(k));
	struct buf b = buf_of(want, sizeof(want));

	assert_int_equal(text_unhex(slice_str(hex), &b), 0);
	return access_psk(&w.app, T_ADMIN, identity, &key) == 0 &&
	    slice_eq(buf_slice(&key), buf_slice(&b));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
