/* trusted_world: a world whose store has a trust list, and its successors. */
#ifndef SUITD_TESTS_DAEMON_TRUSTED_WORLD_H
#define SUITD_TESTS_DAEMON_TRUSTED_WORLD_H

#include "daemon/trusted.h"
#include "tests/daemon/fleet.h"
#include "tests/lib/list_make.h"

#define URI "coap://fw.example/a.bin"

static struct world w;
static struct lister l;
static struct cose_key *bob;
static char root[128], lies[128];
static struct req from; /* who asks with a nonce */

static inline void
put_file(const char *path, struct slice s)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static inline void
put_key(const char *path, const struct cose_key *key)
{
	uint8_t bytes[2048];
	struct buf b = buf_of(bytes, sizeof(bytes));

	assert_int_equal(cose_key_put_pem(key, true, &b), 0);
	put_file(path, buf_slice(&b));
}

static inline int
begin(struct why *why)
{
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	catalog_obey(w.app.catalog, NULL);
	return trusted_new(&w.app, &w.app.trusted, why);
}

/* A store with the list in which the world's key, and bob's, are authors. */
static inline int
setup(void **state)
{
	struct why why = {0};

	(void)state;
	memset(&from, 0, sizeof(from));
	world_open(&w, store_mem_open);
	strcpy(w.app.conf.state_dir, w.dir);
	snprintf(root, sizeof(root), "%s/list.one", w.dir);
	snprintf(lies, sizeof(lies), "%s/secret", w.dir);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	list_add(&l, w.key, TRUST_AUTHOR)->name = slice_str("alice");
	list_add(&l, bob, TRUST_AUTHOR);
	put_file(root, list_make(&l));
	strcpy(w.app.conf.trust_root, root);
	if (begin(&why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(trusted_seq(&w.app), 1);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	list_fini(&l);
	cose_key_free(bob);
	world_close(&w);
	return 0;
}

static inline int
publish_list(struct slice list)
{
	const struct principal who = {.role = ROLE_OPERATOR,
	    .identity = "anna"};
	struct why why = {0};
	int rc = trusted_publish(&w.app, list, &who, &why);

	turn(&w);
	return rc;
}

static inline struct made
good(void)
{
	return (struct made){
		.seq = 10, .uri = URI, .size = 100,
		.digest = upload(&w, 100, 1),
	};
}

#endif
