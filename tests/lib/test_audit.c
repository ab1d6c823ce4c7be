#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/audit.h"
#include "lib/audit_fold.h"
#include "lib/digest.h"
#include "lib/text.h"

#define N 12

struct log {
	struct audit_entry e[N];
	struct audit_head head[N + 1]; /* after so many entries */
};

static void
make(struct log *l)
{
	struct audit_head h = {.n = 0};

	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < N; i++) {
		struct audit_entry *e = &l->e[i];

		e->at = 1790000000000 + (int64_t)i;
		snprintf(e->who, sizeof(e->who), "%s", i % 3 ? "alice" : "");
		strcpy(e->kind, audit_kind_name((enum audit_kind)i));
		snprintf(e->subject, sizeof(e->subject), "device%zu", i);
		snprintf(e->detail, sizeof(e->detail), "\"x\\ \xc3\xa9 %zu", i);
		assert_int_equal(audit_append(&h, e), 0);
		l->head[i + 1] = h;
	}
}

/* The verdict on entries from .. to - 1. */
static int
verdict(const struct log *l, size_t from, size_t to,
    const struct audit_head *kept)
{
	struct audit_verify v;
	struct why why;
	int rc = 0;

	audit_verify_begin(&v, kept);
	for (size_t i = from; rc == 0 && i < to; i++)
		rc = audit_verify_add(&v, &l->e[i], &why);
	return rc != 0 ? rc : audit_verify_end(&v, &why);
}

static void
the_bytes_are_those_of_the_header(void **state)
{
	static const char hex[] = "8801"
	    "5820" "00000000000000000000000000000000"
	    "00000000000000000000000000000000"
	    "01" "1903e8" "63626f62" "657374617274" "6173" "6164";
	struct audit_entry e = {.n = 1, .at = 1000, .who = "bob",
	    .kind = "start", .subject = "s", .detail = "d"};
	uint8_t bytes[AUDIT_BYTES], want[128];
	struct buf b = buf_of(bytes, sizeof(bytes)),
	    w = buf_of(want, sizeof(want));
	struct audit_head h = {.n = 0};
	struct digest d;

	(void)state;
	assert_int_equal(text_unhex(slice_str(hex), &w), 0);
	assert_int_equal(audit_put(&e, &b), 0);
	assert_int_equal(b.n, w.n);
	assert_memory_equal(bytes, want, w.n);
	assert_int_equal(audit_append(&h, &e), 0);
	assert_int_equal(digest_compute(DIGEST_SHA256, buf_slice(&w), &d), 0);
	assert_memory_equal(e.hash, d.b, 32);
	assert_int_equal(h.n, 1);
}

static void
an_entry_at_the_caps_fits_and_nonsense_does_not(void **state)
{
	struct audit_entry e = {.at = INT64_MAX};
	struct audit_head h = {.n = INT64_MAX - 1}, was;
	char line[AUDIT_LINE];
	struct buf b = buf_of(line, sizeof(line));

	(void)state;
	memset(e.who, 1, LIMIT_PSK_IDENTITY);
	memset(e.kind, 'k', AUDIT_KIND_MAX - 1);
	memset(e.subject, 1, LIMIT_AUDIT_SUBJECT);
	memset(e.detail, 1, LIMIT_AUDIT_DETAIL);
	assert_int_equal(audit_append(&h, &e), 0);
	assert_int_equal(audit_line_put(&e, &b), 0);
	was = h;
	assert_int_equal(audit_append(&h, &e), ERR_RANGE);
	h.n = 1;
	e.at = -1;
	assert_int_equal(audit_append(&h, &e), ERR_RANGE);
	e.at = 0;
	e.who[0] = (char)0xff;
	assert_int_equal(audit_append(&h, &e), ERR_UTF8);
	e.who[0] = 'a';
	e.kind[0] = '\0';
	assert_int_equal(audit_append(&h, &e), ERR_INVALID);
	assert_memory_equal(was.hash, h.hash, 32);
}

static void
a_whole_log_is_verified(void **state)
{
	static struct log l;

	(void)state;
	make(&l);
	for (size_t n = 0; n <= N; n++)
		assert_int_equal(verdict(&l, 0, n, NULL), 0);
	for (size_t n = 1; n <= N; n++)
		assert_int_equal(verdict(&l, 0, N, &l.head[n]), 0);
}

/* Each byte of each entry, what is not hashed by its text included. */
static void
every_edit_is_found(void **state)
{
	static struct log l;

	(void)state;
	make(&l);
	for (size_t i = 0; i < N; i++) {
		uint8_t *p[] = {(uint8_t *)l.e[i].who,
		    (uint8_t *)l.e[i].kind, (uint8_t *)l.e[i].subject,
		    (uint8_t *)l.e[i].detail, l.e[i].prev, l.e[i].hash,
		    (uint8_t *)&l.e[i].at};
		size_t n[] = {strlen(l.e[i].who), strlen(l.e[i].kind),
		    strlen(l.e[i].subject), strlen(l.e[i].detail), 32, 32, 6};

		for (size_t k = 0; k < sizeof(p) / sizeof(p[0]); k++)
			for (size_t at = 0; at < n[k]; at++) {
				p[k][at] ^= 1;
				assert_int_equal(verdict(&l, 0, N, NULL),
				    ERR_DIGEST);
				p[k][at] ^= 1;
			}
	}
	strcat(l.e[3].detail, "x");
	assert_int_equal(verdict(&l, 0, N, NULL), ERR_DIGEST);
}

/* An edit with a hash that fits is found by the entry after it. */
static void
an_edit_that_is_hashed_anew_is_found(void **state)
{
	static struct log l;
	struct audit_head h;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		make(&l);
		h = l.head[i];
		l.e[i].subject[0] = 'X';
		assert_int_equal(audit_append(&h, &l.e[i]), 0);
		assert_int_equal(verdict(&l, 0, N, NULL),
		    i + 1 < N ? ERR_DIGEST : 0);
		assert_int_equal(verdict(&l, 0, N, &l.head[N]),
		    i + 1 < N ? ERR_DIGEST : ERR_CONFLICT);
	}
}

static void
deletion_insertion_and_another_order_are_found(void **state)
{
	static struct log l;
	struct audit_entry swap;

	(void)state;
	for (size_t i = 0; i + 1 < N; i++) {
		make(&l);
		swap = l.e[i];
		l.e[i] = l.e[i + 1];
		l.e[i + 1] = swap;
		assert_int_not_equal(verdict(&l, 0, N, NULL), 0);
		make(&l);
		memmove(&l.e[i], &l.e[i + 1],
		    (N - i - 1) * sizeof(l.e[0]));
		if (i > 0)
			assert_int_equal(verdict(&l, 0, N - 1, NULL),
			    ERR_ORDER);
		else
			assert_int_equal(verdict(&l, 0, N - 1, NULL),
			    ERR_MISSING);
		make(&l);
		l.e[i + 1] = l.e[i];
		assert_int_equal(verdict(&l, 0, N, NULL), ERR_ORDER);
	}
}

static void
a_missing_end_is_found_by_a_kept_head_only(void **state)
{
	static struct log l;

	(void)state;
	make(&l);
	for (size_t n = 0; n < N; n++) {
		assert_int_equal(verdict(&l, 0, n, NULL), 0);
		assert_int_equal(verdict(&l, 0, n, &l.head[N]),
		    ERR_TRUNCATED);
	}
}

static void
a_log_made_anew_is_found_by_a_kept_head(void **state)
{
	static struct log l, other;
	struct audit_head h = {.n = 0};

	(void)state;
	make(&l);
	other = l;
	other.e[0].at++;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(audit_append(&h, &other.e[i]), 0);
	assert_int_equal(verdict(&other, 0, N, NULL), 0);
	for (size_t n = 1; n <= N; n++)
		assert_int_equal(verdict(&other, 0, N, &l.head[n]),
		    ERR_CONFLICT);
}

static void
a_pruned_log_says_so_or_is_refused(void **state)
{
	static struct log l;
	struct audit_head h;

	(void)state;
	make(&l);
	for (size_t from = 1; from < N; from++) {
		assert_int_equal(verdict(&l, from, N, NULL), ERR_MISSING);
		assert_int_equal(verdict(&l, from, N, &l.head[from]), 0);
		assert_int_equal(verdict(&l, from, N, &l.head[N]),
		    ERR_MISSING);
	}
	h = l.head[N - 1];
	strcpy(l.e[N - 1].kind, audit_kind_name(AUDIT_PRUNE));
	audit_head_text(&l.head[4], l.e[N - 1].subject);
	assert_int_equal(audit_append(&h, &l.e[N - 1]), 0);
	assert_int_equal(verdict(&l, 4, N, NULL), 0);
	assert_int_equal(verdict(&l, 5, N, NULL), ERR_MISSING);
	assert_int_equal(verdict(&l, 3, N, NULL), ERR_MISSING);
}

static void
a_first_entry_has_nothing_before_it(void **state)
{
	struct audit_head h = {.n = 0, .hash = {1}};
	struct log l;

	(void)state;
	memset(&l, 0, sizeof(l));
	strcpy(l.e[0].kind, "start");
	assert_int_equal(audit_append(&h, &l.e[0]), 0);
	assert_int_equal(verdict(&l, 0, 1, NULL), ERR_DIGEST);
	l.e[0].n = 0;
	assert_int_equal(verdict(&l, 0, 1, NULL), ERR_DIGEST);
}

static void
a_head_is_read_as_it_was_written(void **state)
{
	static struct log l;
	struct audit_head back;
	char text[AUDIT_HEAD_TEXT], bad[AUDIT_HEAD_TEXT + 2];

	(void)state;
	make(&l);
	audit_head_text(&l.head[N], text);
	assert_int_equal(audit_head_parse(slice_str(text), &back), 0);
	assert_int_equal(back.n, N);
	assert_memory_equal(back.hash, l.head[N].hash, 32);
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(audit_head_parse(slice_of(text, n), &back),
		    ERR_MALFORMED);
	snprintf(bad, sizeof(bad), "%s0", text);
	assert_int_equal(audit_head_parse(slice_str(bad), &back),
	    ERR_MALFORMED);
	strcpy(bad, text);
	bad[strlen(bad) - 1] = ' ';
	assert_int_equal(audit_head_parse(slice_str(bad), &back),
	    ERR_MALFORMED);
	strcpy(bad, text);
	bad[0] = '-';
	assert_int_not_equal(audit_head_parse(slice_str(bad), &back), 0);
}

static void
a_line_is_read_as_it_was_written_and_not_otherwise(void **state)
{
	static struct log l;
	struct audit_entry back;
	struct why why;

	(void)state;
	make(&l);
	for (size_t i = 0; i < N; i++) {
		char line[AUDIT_LINE];
		struct buf b = buf_of(line, sizeof(line));
		size_t n;

		assert_int_equal(audit_line_put(&l.e[i], &b), 0);
		n = b.n - 1;
		assert_int_equal(line[n], '\n');
		assert_int_equal(audit_line_get(slice_of(line, n), &back,
		    &why), 0);
		assert_memory_equal(&back, &l.e[i], sizeof(back));
		assert_int_equal(audit_line_get(slice_of(line, n + 1), &back,
		    &why), ERR_MALFORMED);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(audit_line_get(slice_of(line, k),
			    &back, &why), ERR_MALFORMED);
	}
}

/* Whatever is changed in an export is either no line, or no chain. */
static void
every_edit_of_an_export_is_found(void **state)
{
	static struct log l;

	(void)state;
	make(&l);
	for (size_t i = 0; i < 2; i++) {
		char line[AUDIT_LINE];
		struct buf b = buf_of(line, sizeof(line));
		struct audit_entry was = l.e[i];
		struct why why;

		assert_int_equal(audit_line_put(&was, &b), 0);
		for (size_t k = 0; k + 1 < b.n; k++)
			for (unsigned bit = 0; bit < 8; bit++) {
				line[k] ^= (char)(1u << bit);
				if (audit_line_get(slice_of(line, b.n - 1),
				    &l.e[i], &why) == 0)
					assert_int_not_equal(verdict(&l, 0, N,
					    NULL), 0);
				l.e[i] = was;
				line[k] ^= (char)(1u << bit);
			}
	}
}

static void
kinds_have_names_of_their_own(void **state)
{
	static const char *const keys[] = {"device key set",
	    "devices imported", "credential revoked", "certificate entered",
	    "certificate revoked", "certificate restored", "boot key set",
	    "boot epoch allowed", "boot key removed", "principal added",
	    "principal changed", "principal removed", "principal key set",
	    "author added", "author removed"};

	(void)state;
	for (unsigned i = 0; i < AUDIT_KINDS; i++) {
		const char *name = audit_kind_name((enum audit_kind)i);

		assert_true(strlen(name) < AUDIT_KIND_MAX);
		assert_true(audit_kind_known(name));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(name,
			    audit_kind_name((enum audit_kind)k));
	}
	assert_false(audit_kind_known("device"));
	assert_int_equal(audit_kind_of_word("published"),
	    AUDIT_RELEASE_PUBLISH);
	assert_int_equal(audit_kind_of_word("next wave"),
	    AUDIT_CAMPAIGN_NEXT);
	/* what gives somebody a way in has a kind to look for */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (audit_kind_of_word(keys[i]) == AUDIT_CHANGE)
			fail_msg("%s", keys[i]);
	assert_int_equal(audit_kind_of_word("approved"),
	    AUDIT_REQUEST_APPROVE);
	assert_int_equal(audit_kind_of_word(""), AUDIT_CHANGE);
	assert_int_equal(audit_kind_of_word("no such word"), AUDIT_CHANGE);
}

/* --- folding --- */

static bool
add(struct audit_fold *f, const char *key, int64_t now)
{
	struct audit_entry e = {.kind = "refusal"};

	snprintf(e.detail, sizeof(e.detail), "at %lld", (long long)now);
	return audit_fold_add(f, key, &e, now);
}

static void
the_first_is_written_at_once_and_the_rest_once_an_hour(void **state)
{
	static struct audit_fold f;
	struct audit_entry e;
	struct audit_slot *s;

	(void)state;
	memset(&f, 0, sizeof(f));
	assert_true(add(&f, "a", 0)); /* a clock may well begin at 0 */
	s = audit_fold_due(&f, 0, false);
	assert_non_null(s);
	audit_fold_entry(s, &e);
	assert_string_equal(e.detail, "at 0");
	audit_fold_written(s, 0);
	assert_null(audit_fold_due(&f, 0, false));
	for (int64_t t = 1; t <= 1000; t++)
		assert_false(add(&f, "a", t));
	assert_true(add(&f, "b", 1000));
	s = audit_fold_due(&f, 1000, false);
	assert_string_equal(s->key, "b");
	audit_fold_written(s, 1000);
	assert_null(audit_fold_due(&f, AUDIT_FOLD_MS - 1, false));
	s = audit_fold_due(&f, AUDIT_FOLD_MS, false);
	assert_string_equal(s->key, "a");
	assert_int_equal(s->count, 1000);
	audit_fold_entry(s, &e);
	assert_string_equal(e.detail, "1000 times, the last: at 1000");
	audit_fold_written(s, AUDIT_FOLD_MS);
	assert_null(audit_fold_due(&f, AUDIT_FOLD_MS, true));
}

static void
what_was_only_counted_is_written_at_the_end(void **state)
{
	static struct audit_fold f;

	(void)state;
	memset(&f, 0, sizeof(f));
	assert_true(add(&f, "a", 5));
	audit_fold_written(audit_fold_due(&f, 5, false), 5);
	assert_false(add(&f, "a", 6));
	assert_null(audit_fold_due(&f, 7, false));
	assert_int_equal(audit_fold_due(&f, 7, true)->count, 1);
}

/* One name does not hide that there were others. */
static void
subjects_are_counted_up_to_a_cap(void **state)
{
	static struct audit_fold f;
	struct audit_entry e = {.detail = "no"}, out;
	struct audit_slot *s;
	const size_t cap = LIMIT_AUDIT_SUBJECTS;
	char want[80];

	(void)state;
	memset(&f, 0, sizeof(f));
	for (size_t n = 1; n <= cap + 1; n++) {
		for (size_t i = 0; i < n; i++) {
			snprintf(e.subject, sizeof(e.subject), "d%zu", i);
			(void)audit_fold_add(&f, "a", &e, (int64_t)n);
			(void)audit_fold_add(&f, "a", &e, (int64_t)n);
		}
		s = audit_fold_due(&f, (int64_t)n, true);
		audit_fold_entry(s, &out);
		if (n == 1)
			strcpy(want, "2 times, the last: no");
		else
			snprintf(want, sizeof(want), "%zu times, %s%zu "
			    "subjects, the last: no", 2 * n, n > cap ?
			    "over " : "", n > cap ? cap : n);
		assert_string_equal(out.detail, want);
		assert_string_equal(out.subject, e.subject);
		audit_fold_written(s, (int64_t)n);
	}
	/* at the caps of what it is made of nothing is missing at the end */
	memset(e.detail, 'd', LIMIT_AUDIT_DETAIL);
	s->count = UINT64_MAX;
	s->subjects = cap;
	s->more = true;
	s->last = e;
	audit_fold_entry(s, &out);
	assert_true(strlen(out.detail) < LIMIT_AUDIT_DETAIL);
}

static void
beyond_the_cap_all_share_one_slot(void **state)
{
	static struct audit_fold f;
	struct audit_slot *s;
	size_t written = 0;
	char key[16];

	(void)state;
	memset(&f, 0, sizeof(f));
	for (int i = 0; i < LIMIT_AUDIT_FOLD; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_true(add(&f, key, 1));
	}
	while ((s = audit_fold_due(&f, 1, false)) != NULL) {
		assert_string_not_equal(s->key, "");
		audit_fold_written(s, 1);
		written++;
	}
	assert_int_equal(written, LIMIT_AUDIT_FOLD);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "more%d", i);
		assert_int_equal(add(&f, key, 2), true);
	}
	s = audit_fold_due(&f, 2, false);
	assert_int_equal(s->count, 100);
	audit_fold_written(s, 2);
	assert_false(add(&f, "again", 3));
	assert_false(add(&f, "key0", 3)); /* the known ones keep theirs */
	assert_int_equal(f.slot[0].count, 1);
	/* an hour later there is room for others again */
	assert_null(audit_fold_due(&f, AUDIT_FOLD_MS - 1, false));
	for (s = NULL; (s = audit_fold_due(&f, 2 * AUDIT_FOLD_MS, false)); )
		audit_fold_written(s, 2 * AUDIT_FOLD_MS);
	assert_true(add(&f, "new", 2 * AUDIT_FOLD_MS));
	s = audit_fold_due(&f, 2 * AUDIT_FOLD_MS, false);
	assert_string_equal(s->key, "new");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_those_of_the_header),
		cmocka_unit_test(an_entry_at_the_caps_fits_and_nonsense_does_not),
		cmocka_unit_test(a_whole_log_is_verified),
		cmocka_unit_test(every_edit_is_found),
		cmocka_unit_test(an_edit_that_is_hashed_anew_is_found),
		cmocka_unit_test(deletion_insertion_and_another_order_are_found),
		cmocka_unit_test(a_missing_end_is_found_by_a_kept_head_only),
		cmocka_unit_test(a_log_made_anew_is_found_by_a_kept_head),
		cmocka_unit_test(a_pruned_log_says_so_or_is_refused),
		cmocka_unit_test(a_first_entry_has_nothing_before_it),
		cmocka_unit_test(a_head_is_read_as_it_was_written),
		cmocka_unit_test(a_line_is_read_as_it_was_written_and_not_otherwise),
		cmocka_unit_test(every_edit_of_an_export_is_found),
		cmocka_unit_test(kinds_have_names_of_their_own),
		cmocka_unit_test(the_first_is_written_at_once_and_the_rest_once_an_hour),
		cmocka_unit_test(what_was_only_counted_is_written_at_the_end),
		cmocka_unit_test(subjects_are_counted_up_to_a_cap),
		cmocka_unit_test(beyond_the_cap_all_share_one_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
