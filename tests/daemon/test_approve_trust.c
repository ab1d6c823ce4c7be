/*
 * A trust list for its second person: what is another one than before, and
 * whether it would be taken.
 */
#include "daemon/approve_facts.h"
#include "daemon/res_admin.h"
#include "daemon/trusted.h"
#include "tests/daemon/fake.h"
#include "tests/lib/list_make.h"

static struct world w;
static struct lister l;
static struct cose_key *bob, *carol;
static char facts[LIMIT_REQUEST_FACTS + 1];

/* The list in force has the world's key, alice, and bob as authors. */
static int
setup(void **state)
{
	struct why why = {0};
	struct slice one;
	char root[128];
	FILE *f;

	(void)state;
	world_open(&w, store_mem_open);
	strcpy(w.app.conf.state_dir, w.dir);
	snprintf(root, sizeof(root), "%s/list.one", w.dir);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &carol), 0);
	list_add(&l, w.key, TRUST_AUTHOR)->name = slice_str("alice");
	list_add(&l, bob, TRUST_AUTHOR)->name = slice_str("bob");
	one = list_make(&l);
	f = fopen(root, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(one.p, 1, one.n, f), one.n);
	fclose(f);
	strcpy(w.app.conf.trust_root, root);
	if (trusted_new(&w.app, &w.app.trusted, &why) != 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	list_fini(&l);
	cose_key_free(bob);
	cose_key_free(carol);
	world_close(&w);
	return 0;
}

static void
reads(struct slice list)
{
	static struct req rq;

	memset(&rq, 0, sizeof(rq));
	rq.method = M_PUT;
	strcpy(rq.path, "a/trust");
	rq.body = list;
	memset(facts, 'x', sizeof(facts));
	assert_int_equal(approve_facts(&w.app, &rq, EYES_TRUST, facts), 0);
}

static void
has(const char *text)
{
	if (strstr(facts, text) == NULL)
		fail_msg("no \"%s\" in\n%s", text, facts);
}

static void
REQ_SEC_RIGHTS_a_second_person_reads_what_a_list_changes(void **state)
{
	uint8_t row[17];
	char line[100], kid[17];

	(void)state;
	row[0] = 0x50;
	memcpy(row + 1, w.class_id, 16);
	list_remove(&l, bob);
	list_add(&l, carol, TRUST_AUTHOR)->name = slice_str("carol");
	l.spec.key[0].every_class = false;
	l.spec.key[0].classes = slice_of(row, sizeof(row));
	l.spec.key[0].seq_max = 500;
	l.spec.denied_count = 1;
	memset(l.spec.denied[0], 0xd1, TRUST_HASH);
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 11, .most = 20};
	memcpy(l.spec.floor[0].class_id, w.class_id, 16);
	reads(list_make(&l));
	assert_memory_equal(facts, "publish trust list 2; in force is 1\n",
	    36);
	assert_null(strstr(facts, "refused"));
	assert_null(strstr(facts, "ROOTS"));
	has("\nnew: author carol, key ");
	has("\nchanged: author alice, key ");
	has(", class c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1, sequences 0 to "
	    "500\nbefore: author alice, key ");
	has(", every class\n");
	has("\ngone: author bob, key ");
	has("\ndenied: manifest d1d1");
	has("\nfloor: class c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1 at least 11 "
	    "and at most 20, until now 0\n");
	/* what is taken back is told as well */
	assert_int_equal(trusted_publish(&w.app, slice_of(l.bytes, l.n), NULL,
	    &(struct why){0}), 0);
	turn(&w);
	l.spec.denied_count = l.spec.floor_count = 0;
	l.spec.need = 3;
	reads(list_make_by(&l, 7));
	has("\nROOTS: 3 of 3 must sign, until now 2 of 3\n");
	has("\ndenied no longer: manifest d1d1");
	has(" at least 0, until now 11 with a ceiling\n");
	text_hex(slice_of(l.list.hash, 8), kid, sizeof(kid));
	snprintf(line, sizeof(line), ", hash %s", kid);
	has(line);
}

/* What is for later versions alone is no nothing. */
static void
fields_that_nobody_knows_here_are_told(void **state)
{
	static const uint8_t pair[] = {0x20, 0x00};

	(void)state;
	l.spec.extra = slice_of(pair, sizeof(pair));
	l.spec.extra_count = 1;
	reads(list_make(&l));
	assert_null(strstr(facts, "nothing else"));
	has("\nfields for later versions: 1, other ones than before\n");
}

static void
a_list_that_would_not_be_taken_says_so(void **state)
{
	(void)state;
	reads(list_make_by(&l, 1));
	has("\nwould be refused now: ");
	has("\nnothing else is another one than before\n");
	reads(slice_str("0"));
	assert_memory_equal(facts, "publish something that is no trust list",
	    39);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    REQ_SEC_RIGHTS_a_second_person_reads_what_a_list_changes,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    fields_that_nobody_knows_here_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_list_that_would_not_be_taken_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
