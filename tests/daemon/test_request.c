/*
 * What waits for a second person: what it says of itself, and how it ends.
 */
#include "tests/daemon/approve.h"

/* No request goes without a trace: the entry and the row are one commit. */
static void
what_is_over_says_so(void **state)
{
	const struct principal dan = person("dan", "role=author");

	(void)state;
	stored(&dan, "role=author");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	assert_int_equal(publishes(&dan, 3, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/2/approve"), 0);
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(drops(&alice, "a/principals/dan"), 0);
	strcpy(w.app.conf.four_eyes, "publish");
	assert_int_equal(entered("alice", "request.deny", "of dan, who is "
	    "removed"), 1);
	w.loop.now += 3600 * 1000 - 1;
	approve_tick(&w.app);
	turn(&w);
	assert_int_equal(entered("", "request.expire", ""), 0);
	w.loop.now++;
	approve_tick(&w.app);
	approve_tick(&w.app); /* once */
	turn(&w);
	assert_int_equal(entered("", "request.expire", ""), 2);
	assert_int_equal(entered("", "request.expire", "asked for by alice, "
	    "not approved: publish sequence 1"), 1);
	assert_int_equal(entered("", "request.expire", "asked for by alice, "
	    "approved by bob: publish sequence 2"), 1);
	/* who asks before the clock has come by makes room himself */
	assert_int_equal(publishes(&alice, 4, NULL), ERR_APPROVAL);
	w.loop.now += 3600 * 1000;
	assert_int_equal(publishes(&alice, 4, NULL), ERR_APPROVAL);
	assert_int_equal(entered("", "request.expire", ""), 3);
}

/* What one of them says, or of a list the first. */
static const char *
facts_of(uint64_t id)
{
	static struct msg_request m;
	char path[40];

	snprintf(path, sizeof(path), "a/requests/%u", (unsigned)id);
	assert_int_equal(gets(&w, &bob, path), 0);
	memset(&m, 0, sizeof(m));
	assert_int_equal(msg_get(&msg_request, buf_slice(&said.out), &m,
	    NULL), 0);
	return m.facts;
}

static void
has(uint64_t id, const char *text)
{
	const char *facts = facts_of(id);

	if (strstr(facts, text) == NULL)
		fail_msg("no \"%s\" in\n%s", text, facts);
}

/* By its digest nobody knows a manifest again. */
static void
REQ_SEC_RIGHTS_a_second_person_reads_what_is_published(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 3, "staged"), ERR_APPROVAL);
	assert_memory_equal(facts_of(1), "publish sequence 3", 18);
	has(1, "for 1 class; staged");
	has(1, "\nclass: ");
	has(1, "has no release yet\n");
	has(1, "\ncomponent: ");
	has(1, "\nauthor: alice, key ");
	has(1, "\nimage: 1000 bytes, SHA-256 ");
	has(1, ", at /fw\n");
	assert_int_equal(entered("alice", "request.ask", "publish sequence 3"),
	    1);
	assert_int_equal(asks(&w, &alice, &(struct asked){.m = M_POST,
	    .path = "a/releases", .raw = slice_str("\033[2J")}),
	    ERR_APPROVAL);
	has(2, "publish something that is no manifest: ");
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_int_equal(publishes(&alice, 3, "staged"), 0);
	assert_int_equal(posts(&alice, "a/releases/1/offer"), ERR_APPROVAL);
	has(3, "offer release 1, sequence 3, to all of its 1 class\n");
	has(3, "\nimage: 1000 bytes, SHA-256 ");
	assert_int_equal(posts(&bob, "a/requests/3/approve"), 0);
	assert_int_equal(posts(&alice, "a/releases/1/offer"), 0);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	has(4, ", now at sequence 3\n");
	has(4, "\nwould be refused now: ");
	assert_int_equal(posts(&alice, "a/releases/99/offer"), ERR_APPROVAL);
	has(5, "offer a release that is not there");
}

/* Who signs a manifest names its version and its images as he likes. */
static void
REQ_SEC_RIGHTS_no_name_is_read_as_what_is_done(void **state)
{
	static uint8_t bytes[4096];
	const struct made m = {.seq = 5, .size = 1000,
	    .uri = "/fw,%207%20bytes,%20SHA-256%2000",
	    .version = "9 for 0 classes; staged, for campaigns only",
	    .digest = upload(&w, 1000, 1)};
	const char *first = "publish sequence 5 for 1 class; offered to all "
	    "of them at once\n";

	(void)state;
	assert_int_equal(asks(&w, &alice, &(struct asked){.m = M_POST,
	    .path = "a/releases", .raw = made(&w, &m, bytes, sizeof(bytes))}),
	    ERR_APPROVAL);
	assert_memory_equal(facts_of(1), first, strlen(first));
	has(1, "\nversion: 9 for 0 classes; staged");
	has(1, "\nimage: 1000 bytes, SHA-256 ");
	has(1, ", at /fw, 7 bytes, SHA-256 00\n");
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(asks(&w, &alice, &(struct asked){.m = M_POST,
	    .path = "a/releases", .query = "staged",
	    .raw = made(&w, &m, bytes, sizeof(bytes))}), 0);
	strcpy(w.app.conf.four_eyes, "publish");
	assert_int_equal(posts(&alice, "a/releases/1/offer"), ERR_APPROVAL);
	has(2, "offer release 1, sequence 5, to all of its 1 class\nversion: ");
}

static void
REQ_SEC_RIGHTS_a_second_person_reads_who_may_do_what(void **state)
{
	(void)state;
	assert_int_equal(makes(&alice, "zed", "role=operator tag=site:x"),
	    ERR_APPROVAL);
	has(1, "add principal zed: role=operator tag=site:x\n");
	assert_int_equal(makes(&alice, "bob", "role=operator"), ERR_APPROVAL);
	has(2, "change principal bob: role=operator\n"
	    "before: role=operator,grant\n");
	assert_int_equal(drops(&alice, "a/principals/bob"), ERR_APPROVAL);
	has(3, "remove principal bob\nrights: role=operator,grant\n");
	assert_int_equal(posts(&alice, "a/principals/carol/key"),
	    ERR_APPROVAL);
	has(4, "a new key for principal carol");
	has(4, "rights: role=auditor\n");
	assert_int_equal(drops(&alice, "a/keys/alice"), ERR_APPROVAL);
	has(5, "remove author alice, key ");
	assert_int_equal(drops(&alice, "a/keys/none"), ERR_APPROVAL);
	has(6, "remove author none, who is not there\n");
	/* what is shown is no control character */
	assert_int_equal(makes(&alice, "yan", "role=\nclass: every one\033"),
	    ERR_APPROVAL);
	has(7, "add principal yan: role=\\x0aclass: every one\\x1b\n");
}

static void
whose_key_it_is_and_for_what(void **state)
{
	static struct msg_author_put m = {.key_len = 1, .class_count = 1};
	const struct asked put = {M_PUT, "a/keys/alice", NULL,
	    &msg_author_put, &m, SLICE_NONE};
	struct store_author a;

	(void)state;
	assert_int_equal(asks(&w, &alice, &put), ERR_APPROVAL);
	has(1, "change author alice; would be refused: ");
	assert_int_equal(w.app.store->ops->author_get(w.app.store, "alice",
	    &a), 0);
	memcpy(m.key, a.key, a.key_len);
	m.key_len = a.key_len;
	strcpy(m.class_name[0], "11111111-1111-1111-1111-111111111111");
	assert_int_equal(asks(&w, &alice, &put), ERR_APPROVAL);
	has(2, "change author alice, key ");
	has(2, ", for these classes:\n"
	    "class: 11111111-1111-1111-1111-111111111111\nbefore: key ");
	has(2, ", for every class\n");
}

/* The rights themselves are all there, or it is refused; of the rest the end
 * says that it is not the end. */
static void
what_has_no_room_is_told(void **state)
{
	char line[LIMIT_RIGHTS + 1];

	(void)state;
	memset(line, 'x', LIMIT_RIGHTS);
	line[LIMIT_RIGHTS] = '\0';
	stored(&carol, line);
	assert_int_equal(makes(&alice, "carol", line), ERR_APPROVAL);
	assert_true(strlen(facts_of(1)) <= LIMIT_REQUEST_FACTS);
	has(1, line);
	has(1, "\nand more that has no room here\n");
	memset(line, '\033', LIMIT_RIGHTS); /* escaped it is longer */
	assert_int_equal(makes(&alice, "carol", line), ERR_SIZE);
	assert_int_equal(waiting(&alice), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_over_says_so),
		T(REQ_SEC_RIGHTS_a_second_person_reads_what_is_published),
		T(REQ_SEC_RIGHTS_no_name_is_read_as_what_is_done),
		T(REQ_SEC_RIGHTS_a_second_person_reads_who_may_do_what),
		T(whose_key_it_is_and_for_what),
		T(what_has_no_room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
