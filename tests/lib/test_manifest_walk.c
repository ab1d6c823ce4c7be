/* What a device may download, as the walk finds it. */
#include "tests/lib/manifest_judge.h"

/* Components 00 .. n-1, a shared sequence and an install sequence. */
static int
walk_sequences(unsigned components, const char *shared, const char *install)
{
	char text[8192];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
	    "a4 01 01 02 07 03 <a2 02 %02x", 0x80 + components);
	for (unsigned i = 0; i < components; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " 8141%02x",
		    i);
	n += (size_t)snprintf(text + n, sizeof(text) - n,
	    " 04 <%s>> 14 <%s>", shared, install);
	assert_true(n < sizeof(text));
	return judge(text);
}

static bool
uri_is(size_t i, const char *uri)
{
	return i < plan.n && slice_eq_str(plan.d[i].uri, uri);
}

#define SLOT(n) "14 a1 05 " n " 05 05"
#define IMAGE_A "14 a2 03 " DIGEST_D "0e 01"
#define IMAGE_B "14 a2 03 " DIGEST_E "0e 02"
#define GET(c) "14 a1 15 61" c /* one letter */
#define FETCH "15 02"

static void
slots_pair_digest_and_uri(void **state)
{
	(void)state;
	/* the condition on the slot ties both try-each together */
	assert_int_equal(walk_sequences(1,
	    "82 0f 82 <86 " SLOT("00") IMAGE_A "> <86 " SLOT("01") IMAGE_B ">",
	    "84 0f 82 <86 " SLOT("00") GET("61") "> <86 " SLOT("01") GET("62")
	    "> " FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_true(uri_is(0, "a") && uri_is(1, "b"));
	assert_int_equal(plan.d[0].size, 1);
	assert_int_equal(plan.d[1].size, 2);
	assert_int_equal(plan.d[0].digest.b[0], 0x00);
	assert_int_equal(plan.d[1].digest.b[0], 0xff);
	assert_true(plan.d[0].have_slot && plan.d[1].have_slot);
	assert_int_equal(plan.d[0].slot, 0);
	assert_int_equal(plan.d[1].slot, 1);
}

static void
branches_without_a_condition_are_all_taken(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "80",
	    "84 0f 82 <82 " GET("61") "> <82 " GET("62") "> " FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_true(uri_is(0, "a") && uri_is(1, "b"));
	/* nil: as it was before */
	assert_int_equal(walk_sequences(1, "80",
	    "86 " GET("7a") "0f 82 <82 " GET("61") "> f6 " FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_true(uri_is(0, "a") && uri_is(1, "z"));
	/* a fetch inside of the branch */
	assert_int_equal(walk_sequences(1, "80",
	    "82 0f 82 <84 " GET("61") FETCH "> <84 " GET("62") FETCH ">"), 0);
	assert_int_equal(plan.n, 2);
}

static void
classes_pair_as_slots_do(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1,
	    "82 0f 82 <86 14 a1 02 " CLASS " 02 0f " IMAGE_A "> "
	    "<86 14 a1 02 " CLASS2 " 02 0f " IMAGE_B ">",
	    "84 0f 82 <86 14 a1 02 " CLASS " 02 0f " GET("61") "> "
	    "<86 14 a1 02 " CLASS2 " 02 0f " GET("62") "> " FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_int_equal(plan.d[0].size, 1);
	assert_int_equal(plan.d[1].size, 2);
	assert_int_equal(plan.class_count, 2);
	assert_int_equal(plan.d[0].class_id[0], 0xff);
	assert_int_equal(plan.d[1].class_id[0], 0x0f);
}

static void
an_aborted_branch_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "80",
	    "84 0f 82 <84 " GET("61") "0e 00> <82 " GET("62") "> " FETCH), 0);
	assert_int_equal(plan.n, 1);
	assert_true(uri_is(0, "b"));
	/* all branches abort: nothing after try-each happens */
	assert_int_equal(walk_sequences(1, "80", "86 " GET("7a")
	    "0f 82 <82 0e 00> <82 0e 00> " FETCH), 0);
	assert_int_equal(plan.n, 0);
	/* nothing happens after abort in a shared sequence */
	assert_int_equal(walk_sequences(1, "82 0e 00", "84 " GET("7a") FETCH),
	    0);
	assert_int_equal(plan.n, 0);
}

static void
set_yields_to_what_is_there_and_override_does_not(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "82" GET("61"),
	    "84 13 a1 15 61 62" FETCH), 0);
	assert_int_equal(plan.n, 1);
	assert_true(uri_is(0, "a"));
	assert_int_equal(walk_sequences(1, "80", "84 13 a1 15 61 62" FETCH),
	    0);
	assert_true(uri_is(0, "b"));
	assert_int_equal(walk_sequences(1, "82" GET("61"),
	    "84" GET("62") FETCH), 0);
	assert_int_equal(plan.n, 1);
	assert_true(uri_is(0, "b"));
	/* both were named */
	assert_int_equal(plan.uri_count, 2);
}

static void
component_index_selects_one_all_or_some(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(3, "80", "86 0c 02" GET("61") FETCH),
	    0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].component, 2);
	assert_int_equal(walk_sequences(3, "80", "86 0c f5" GET("61") FETCH),
	    0);
	assert_int_equal(plan.n, 3);
	assert_int_equal(walk_sequences(3, "80", "86 0c 82 00 02" GET("61")
	    FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_int_equal(plan.d[0].component, 0);
	assert_int_equal(plan.d[1].component, 2);
	/* parameters belong to a component */
	assert_int_equal(walk_sequences(2, "80", "88 0c 00" GET("61")
	    "0c 01" FETCH), 0);
	assert_int_equal(plan.n, 0);
	/* index 0 is the start of every section */
	assert_int_equal(walk_sequences(2, "82 0c 01", "84" GET("61") FETCH),
	    0);
	assert_int_equal(plan.d[0].component, 0);
}

static void
sequences_as_arguments_run_once_per_component(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(2, "80",
	    "84 0c f5 18 20 <84" GET("61") FETCH ">"), 0);
	assert_int_equal(plan.n, 2);
	/* two components with two choices each are four downloads, not 16 */
	assert_int_equal(walk_sequences(2, "80",
	    "86 0c f5 0f 82 <82" GET("61") "> <82" GET("62") ">" FETCH), 0);
	assert_int_equal(plan.n, 4);
	/* the index of a branch ends with it */
	assert_int_equal(walk_sequences(2, "80",
	    "86 18 20 <82 0c 01>" GET("61") FETCH), 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].component, 0);
}

static void
run_sequence_is_part_of_its_caller(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "80",
	    "84 18 20 <82" GET("61") ">" FETCH), 0);
	assert_int_equal(plan.n, 1);
	/* a failing one ends its caller, */
	assert_int_equal(walk_sequences(1, "80",
	    "86" GET("61") "18 20 <82 0e 00>" FETCH), 0);
	assert_int_equal(plan.n, 0);
	/* unless failures are soft there */
	assert_int_equal(walk_sequences(1, "80",
	    "86" GET("61") "18 20 <84 14 a1 0d f5 0e 00>" FETCH), 0);
	assert_int_equal(plan.n, 1);
}

static void
sections_start_from_the_shared_sequence(void **state)
{
	(void)state;
	/* payload-fetch (16) sets what install (20) does not see */
	assert_int_equal(judge("a5 01 01 02 07" COMMON
	    "10 <84" GET("61") FETCH "> 14 <82" FETCH ">"), 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].section, MANIFEST_PAYLOAD_FETCH);
	assert_int_equal(plan.d[0].size, 5000);
}

static void
update_management_parameters(void **state)
{
	(void)state;
	/* override-multiple by index; copy-params from component 0 */
	assert_int_equal(walk_sequences(2, "80",
	    "86 18 22 a2 00 a1 15 6161 01 a1 15 6162 0c f5" FETCH), 0);
	assert_int_equal(plan.n, 2);
	assert_true(uri_is(0, "a") && uri_is(1, "b"));
	assert_int_equal(walk_sequences(2, "80",
	    "88" GET("61") "0c 01 18 23 a1 00 81 15" FETCH), 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].component, 1);
	assert_true(uri_is(0, "a"));
}

static void
a_digest_set_after_the_fetch_still_counts(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "80",
	    "88" GET("61") FETCH IMAGE_A "03 0f"), 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].digest.alg, DIGEST_SHA256);
	assert_true(plan.d[0].have_size);
}

static void
REQ_SEC_IMG_CONFIDENTIALITY_decrypted_came_encrypted(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(2, "80",
	    "8c 0c 01" GET("61") FETCH
	    "0c 00 14 a2 13 <d860 84 40 a0 f6 80> 16 01 16 02"), 0);
	assert_int_equal(plan.n, 1);
	assert_true(plan.d[0].encrypted);
	assert_int_equal(walk_sequences(2, "80",
	    "8c 0c 01" GET("61") FETCH "0c 00 14 a1 16 01 16 02"), 0);
	assert_false(plan.d[0].encrypted);
}

static void
riot_sets_like_it_overrides(void **state)
{
	static const char manifest[] = "a4 01 01 02 07"
	    "03 <a2 02 81814100 04 <82 0f 82 "
	    "<84 14 a1 05 191000 05 05> <84 14 a1 05 192000 05 05>>>"
	    "09 <84 0f 82 <86 13 a1 05 191000 05 05 13 a1 15 6161>"
	    "<86 13 a1 05 192000 05 05 13 a1 15 6162> 15 02>";

	(void)state;
	make_riot(&made, manifest);
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan), 0);
	assert_int_equal(plan.n, 2);
	assert_true(uri_is(0, "a") && uri_is(1, "b"));
	assert_int_equal(plan.d[0].slot, 0x1000);
	assert_int_equal(plan.d[1].slot, 0x2000);
}

/* n URIs, one fetch each. */
static int
walk_fetches(unsigned n)
{
	static char text[8192];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), 
	    n < 64 ? "98%02x" : "99%04x", 4 * n);
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "14 a1 15 62 %02x%02x 15 02", 'a' + i / 16, 'a' + i % 16);
	return walk_sequences(1, "80", text);
}

/* try-each over and over: alternatives double each time. */
static int
walk_doubling(unsigned n)
{
	static const char *const set[] = {"01" VENDOR, "02" CLASS, "05 01",
	    "0e 01", "15 6161", "16 01", "1819 40", "03" DIGEST_D};
	char text[8192];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "%02x", 0x80 + 2 * n);
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "0f 82 <82 14 a1 %s> <80>", set[i]);
	return walk_sequences(1, "80", text);
}

/* n distinct values of one parameter, set one after the other. */
static int
walk_values(unsigned n, const char *before, const char *after)
{
	static char text[16384];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), n < 128 ? "98%02x" :
	    "99%04x", 2 * n);
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "14 a1 %s %02x%s", before, 0x40 + i, after);
	return walk_sequences(1, "80", text);
}

static void
lists_of_the_plan_are_capped(void **state)
{
	static const char rest[] = "000102030405060708090a0b0c0d0e";

	(void)state;
	assert_int_equal(walk_values(LIMIT_COMPONENTS, "01 50", rest), 0);
	assert_int_equal(plan.vendor_count, LIMIT_COMPONENTS);
	assert_int_equal(walk_values(LIMIT_COMPONENTS + 1, "01 50", rest),
	    ERR_SIZE);
	assert_int_equal(walk_values(LIMIT_COMPONENTS, "02 50", rest), 0);
	assert_int_equal(plan.class_count, LIMIT_COMPONENTS);
	assert_int_equal(walk_values(LIMIT_COMPONENTS + 1, "02 50", rest),
	    ERR_SIZE);
	assert_int_equal(walk_values(LIMIT_DOWNLOADS, "0e 18", ""), 0);
	assert_int_equal(plan.size_count, LIMIT_DOWNLOADS);
	assert_int_equal(walk_values(LIMIT_DOWNLOADS + 1, "0e 18", ""),
	    ERR_SIZE);
	assert_int_equal(walk_values(LIMIT_DOWNLOADS - 1, "15 62 61", ""), 0);
	assert_int_equal(plan.uri_count, LIMIT_DOWNLOADS - 1);
}

/* {1 => {}, 2 => {}, ...} beside one component */
static int
walk_dependencies(unsigned n)
{
	static char text[2048];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
	    "a3 01 01 02 07 03 <a2 01 b8%02x", n);
	for (unsigned i = 1; i <= n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    i < 24 ? "%02x a0" : "18%02x a0", i);
	snprintf(text + len, sizeof(text) - len, "02 81814100>");
	return judge(text);
}

static void
REQ_SEC_MFST_CHECK_dependencies_are_capped(void **state)
{
	(void)state;
	assert_int_equal(walk_dependencies(LIMIT_COMPONENTS), 0);
	assert_int_equal(m.dependency_count, LIMIT_COMPONENTS);
	assert_int_equal(walk_dependencies(LIMIT_COMPONENTS + 1), ERR_SIZE);
	/* one is fetched as the component after the last */
	assert_int_equal(judge("a4 01 01 02 07 03 <a2 01 a1 01 a0 02 81814100>"
	    "14 <86 0c 01" GET("61") FETCH ">"), 0);
	assert_int_equal(plan.d[0].component, 1);
	assert_int_equal(judge("a4 01 01 02 07 03 <a2 01 a1 01 a0 02 81814100>"
	    "14 <86 0c 02" GET("61") FETCH ">"), ERR_RANGE);
}

static void
work_is_capped(void **state)
{
	(void)state;
	assert_int_equal(walk_fetches(LIMIT_DOWNLOADS - 1), 0);
	assert_int_equal(walk_fetches(LIMIT_DOWNLOADS), 0);
	assert_int_equal(plan.n, LIMIT_DOWNLOADS);
	assert_int_equal(walk_fetches(LIMIT_DOWNLOADS + 1), ERR_SIZE);
	/* of 256 places, 64 alternatives and their double use 192 */
	assert_int_equal(walk_doubling(7), 0);
	assert_int_equal(walk_doubling(8), ERR_SIZE);
}

static void
REQ_SEC_MFST_CHECK_loops_over_components_count_as_work(void **state)
{
	static char text[8192];
	size_t len;

	(void)state;
	/* 8 components x 63 commands + 2 are 506, x 64 are over 512 */
	len = (size_t)snprintf(text, sizeof(text), "84 0c f5 18 20 <98%02x",
	    63 * 2);
	for (unsigned i = 0; i < 63; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "030f");
	snprintf(text + len, sizeof(text) - len, ">");
	assert_int_equal(walk_sequences(8, "80", text), 0);
	len = (size_t)snprintf(text, sizeof(text), "84 0c f5 18 20 <98%02x",
	    64 * 2);
	for (unsigned i = 0; i < 64; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "030f");
	snprintf(text + len, sizeof(text) - len, ">");
	assert_int_equal(walk_sequences(8, "80", text), ERR_SIZE);
}

/* the condition is 39544b */
static void
the_least_trust_list_is_the_highest_of_all_branches(void **state)
{
	(void)state;
	assert_int_equal(walk_sequences(1, "80", "80"), 0);
	assert_true(plan.list_min == 0);
	assert_int_equal(walk_sequences(1, "82 39544b 07", "80"), 0);
	assert_true(plan.list_min == 7);
	assert_int_equal(walk_sequences(1, "82 39544b 07",
	    "82 0f 82 <82 39544b 1902bc> <82 39544b 08>"), 0);
	assert_true(plan.list_min == 700);
	assert_int_equal(walk_sequences(1,
	    "82 39544b 1bffffffffffffffff", "80"), 0);
	assert_true(plan.list_min == UINT64_MAX);
	/* others of an author's own stay his own */
	assert_int_equal(walk_sequences(1, "82 39544c 07", "80"), 0);
	assert_true(plan.list_min == 0);
	assert_int_equal(walk_sequences(1, "82 39544b 20", "80"), ERR_TYPE);
	assert_int_equal(walk_sequences(1, "82 39544b f6", "80"), ERR_TYPE);
}

static void
component_names(void **state)
{
	static const struct {
		const char *cbor, *name;
	} rows[] = {
		{"81 4100", "00"},
		{"82 43 72616d 41 30", "ram/0"},
		{"82 41 61 43 1b5b41", "a/1b5b41"},
		{"81 43 612f62", "612f62"},
		{"80", ""},
		{"05", ""},
		{"81 52 6161616161616161616161616161616161 61", "aaaaaaaaa..."},
	};
	char name[13];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_raw(&made, rows[i].cbor);
		assert_ptr_equal(manifest_component_name(made_slice(&made),
		    name, sizeof(name)), name);
		if (strlen(rows[i].name) < 12)
			assert_string_equal(name, rows[i].name);
		else
			assert_string_equal(name + strlen(name) - 3, "...");
	}
}

static void
a_component_name_at_its_cap_is_whole_and_one_past_is_cut(void **state)
{
	char name[LIMIT_COMPONENT_ID + 1];
	uint8_t id[LIMIT_COMPONENT_ID + 1], mem[LIMIT_COMPONENT_ID + 8];

	(void)state;
	memset(id, 'a', sizeof(id));
	for (size_t more = 0; more < 2; more++) {
		struct buf b = buf_of(mem, sizeof(mem));

		cbr_put_array(&b, 1);
		cbr_put_bstr(&b, slice_of(id, LIMIT_COMPONENT_ID + more));
		manifest_component_name(buf_slice(&b), name, sizeof(name));
		assert_int_equal(strlen(name),
		    more == 0 ? LIMIT_COMPONENT_ID : 3);
		assert_int_equal(name[0], more == 0 ? 'a' : '.');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_pair_digest_and_uri),
		cmocka_unit_test(branches_without_a_condition_are_all_taken),
		cmocka_unit_test(classes_pair_as_slots_do),
		cmocka_unit_test(an_aborted_branch_is_not_taken),
		cmocka_unit_test(
		    set_yields_to_what_is_there_and_override_does_not),
		cmocka_unit_test(component_index_selects_one_all_or_some),
		cmocka_unit_test(
		    sequences_as_arguments_run_once_per_component),
		cmocka_unit_test(run_sequence_is_part_of_its_caller),
		cmocka_unit_test(sections_start_from_the_shared_sequence),
		cmocka_unit_test(update_management_parameters),
		cmocka_unit_test(a_digest_set_after_the_fetch_still_counts),
		cmocka_unit_test(
		    REQ_SEC_IMG_CONFIDENTIALITY_decrypted_came_encrypted),
		cmocka_unit_test(riot_sets_like_it_overrides),
		cmocka_unit_test(lists_of_the_plan_are_capped),
		cmocka_unit_test(REQ_SEC_MFST_CHECK_dependencies_are_capped),
		cmocka_unit_test(work_is_capped),
		cmocka_unit_test(
		    REQ_SEC_MFST_CHECK_loops_over_components_count_as_work),
		cmocka_unit_test(
		    the_least_trust_list_is_the_highest_of_all_branches),
		cmocka_unit_test(component_names),
		cmocka_unit_test(
		    a_component_name_at_its_cap_is_whole_and_one_past_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
