#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "lib/msg_records.h"
#include "lib/text.h"

static const struct msg_record *const all[] = {&msg_status, &msg_job,
    &msg_device, &msg_device_put, &msg_tags, &msg_psk, &msg_payload,
    &msg_cert, &msg_revoked,
    &msg_release, &msg_author, &msg_author_put, &msg_image, &msg_campaign,
    &msg_campaign_start, &msg_event, &msg_attest, &msg_attest_put, &msg_explain,
    &msg_psk_set, &msg_imported};
#define ALL (sizeof(all) / sizeof(all[0]))

static uint8_t wire[256 * 1024], wire2[256 * 1024];
static uint8_t rec_a[128 * 1024], rec_b[128 * 1024];

/* Gives every field a value; n_elem elements in every array. */
static void
fill(const struct msg_record *r, void *rec, size_t n_elem)
{
	memset(rec, 0, r->size);
	for (const struct msg_field *f = r->field; f->name != NULL; f++) {
		char *at = (char *)rec + f->off;
		size_t *n = (size_t *)((char *)rec + f->n_off);
		size_t count = n_elem < f->cap ? n_elem : f->cap;

		if (f->flags & MSG_IF)
			*(bool *)((char *)rec + f->n_off) = true;
		switch (f->type) {
		case MSG_U64:
			*(uint64_t *)at = UINT64_MAX;
			break;
		case MSG_U32:
			*(uint32_t *)at = UINT32_MAX;
			break;
		case MSG_I64:
			*(int64_t *)at = INT64_MIN;
			break;
		case MSG_BOOL:
			*(bool *)at = true;
			break;
		case MSG_TEXT:
			memset(at, 'x', f->cap - 1);
			break;
		case MSG_FIXED:
		case MSG_UUID:
			memset(at, 0xa5, f->type == MSG_UUID ? 16 : f->cap);
			break;
		case MSG_BYTES:
			memset(at, 0x5a, f->cap);
			*n = f->cap;
			break;
		case MSG_UUIDS:
			memset(at, 0x77, count * 16);
			*n = count;
			break;
		case MSG_TEXTS:
			for (size_t i = 0; i < count; i++)
				at[i * f->elem] = (char)('a' + i % 26);
			*n = count;
			break;
		case MSG_TAGS:
			for (size_t i = 0; i < count; i++) {
				struct rd_tag *t = (struct rd_tag *)at + i;

				memset(t->name, 'a' + (int)i,
				    LIMIT_TAG_NAME);
				memset(t->value, 'v', LIMIT_TAG_VALUE);
			}
			*n = count;
			break;
		case MSG_RECORD:
			fill(f->rec, at, n_elem);
			break;
		case MSG_RECORDS:
			for (size_t i = 0; i < count; i++)
				fill(f->rec, at + i * f->rec->size, n_elem);
			*n = count;
			break;
		}
	}
}

static struct slice
encode(const struct msg_record *r, const void *rec)
{
	struct buf out = buf_of(wire, sizeof(wire));

	msg_put_cbor(r, rec, &out);
	assert_false(out.over);
	return buf_slice(&out);
}

static void
every_record_at_its_caps_comes_back(void **state)
{
	struct why why = {0};

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		assert_true(all[i]->size <= sizeof(rec_a));
		fill(all[i], rec_a, SIZE_MAX);
		memset(rec_b, 0xee, all[i]->size);
		if (msg_get(all[i], encode(all[i], rec_a), rec_b, &why) != 0)
			fail_msg("%s", why.text);
		assert_memory_equal(rec_a, rec_b, all[i]->size);
	}
}

static void
every_empty_record_comes_back(void **state)
{
	int rc;

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		memset(rec_a, 0, all[i]->size);
		rc = msg_get(all[i], encode(all[i], rec_a), rec_b, NULL);
		/* a field that must be there was left out as empty */
		assert_true(rc == 0 || rc == ERR_MISSING);
		if (rc == 0)
			assert_memory_equal(rec_a, rec_b, all[i]->size);
	}
}

/* A map of one field, whose value the caller appends. */
static struct buf
one_field(const char *name)
{
	struct buf out = buf_of(wire2, sizeof(wire2));

	cbr_put_map(&out, 1);
	cbr_put_str(&out, name);
	return out;
}

static void
put_past_cap(const struct msg_field *f, struct buf *out)
{
	static char text[8192];
	size_t n = f->cap + 1;

	memset(text, 'x', sizeof(text));
	switch (f->type) {
	case MSG_U32:
		cbr_put_uint(out, (uint64_t)UINT32_MAX + 1);
		return;
	case MSG_TEXT:
		cbr_put_tstr(out, slice_of(text, f->cap));
		return;
	case MSG_FIXED:
	case MSG_BYTES:
		cbr_put_bstr(out, slice_of(text, n));
		return;
	case MSG_UUID:
		cbr_put_bstr(out, slice_of(text, 17));
		return;
	case MSG_TAGS:
		cbr_put_map(out, n);
		for (size_t i = 0; i < n; i++) {
			text[0] = (char)('a' + i);
			cbr_put_tstr(out, slice_of(text, 3));
			cbr_put_str(out, "v");
		}
		return;
	default:
		cbr_put_array(out, n);
		for (size_t i = 0; i < n; i++)
			if (f->type == MSG_UUIDS)
				cbr_put_bstr(out, slice_of(text, 16));
			else if (f->type == MSG_TEXTS)
				cbr_put_str(out, "x");
			else
				cbr_put_map(out, 0);
	}
}

static void
one_past_the_cap_is_refused_for_every_field(void **state)
{
	struct buf out;
	int rc;

	(void)state;
	for (size_t i = 0; i < ALL; i++)
		for (const struct msg_field *f = all[i]->field;
		    f->name != NULL; f++) {
			if (f->type == MSG_U64 || f->type == MSG_I64 ||
			    f->type == MSG_BOOL || f->type == MSG_RECORD)
				continue;
			out = one_field(f->name);
			put_past_cap(f, &out);
			rc = msg_get(all[i], buf_slice(&out), rec_a, NULL);
			if (rc != (f->type == MSG_U32 ? ERR_RANGE : ERR_SIZE))
				fail_msg("%s.%s: %s", all[i]->name, f->name,
				    err_name(rc));
		}
}

static void
a_wrong_type_is_refused_for_every_field(void **state)
{
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ALL; i++)
		for (const struct msg_field *f = all[i]->field;
		    f->name != NULL; f++) {
			out = one_field(f->name);
			cbr_put_null(&out);
			assert_int_equal(msg_get(all[i], buf_slice(&out),
			    rec_a, NULL), ERR_TYPE);
		}
}

static void
short_fixed_bytes_are_refused(void **state)
{
	struct buf out = one_field("digest");

	(void)state;
	cbr_put_bstr(&out, slice_of(rec_a, 31));
	assert_int_equal(msg_get(&msg_image, buf_slice(&out), rec_b, NULL),
	    ERR_SIZE);
}

static int
get_bytes(const struct msg_record *r, const char *hex)
{
	uint8_t raw[256];
	struct buf out = buf_of(raw, sizeof(raw));

	assert_int_equal(text_unhex(slice_str(hex), &out), 0);
	return msg_get(r, buf_slice(&out), rec_a, NULL);
}

static void
form_is_strict(void **state)
{
	(void)state;
	/* {"tags": {}} */
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 a0"), 0);
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 a0 00"),
	    ERR_TRAILING);
	assert_int_equal(get_bytes(&msg_tags, "a2 6474616773 a0 "
	    "6474616773 a0"), ERR_DUPLICATE);
	assert_int_equal(get_bytes(&msg_tags, "bf 6474616773 a0 ff"),
	    ERR_INDEFINITE);
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 bf ff"),
	    ERR_INDEFINITE);
	assert_int_equal(get_bytes(&msg_tags, "a0"), ERR_MISSING);
	assert_int_equal(get_bytes(&msg_tags, "80"), ERR_TYPE);
	assert_int_equal(get_bytes(&msg_tags, ""), ERR_TRUNCATED);
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773"),
	    ERR_TRUNCATED);
	assert_int_equal(get_bytes(&msg_tags, "a1 00 a0"), ERR_TYPE);
	/* {"tags": {"a": "1", "a": "2"}}, {"tags": {"a b": ""}}, NUL */
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 a2 6161 6131 "
	    "6161 6132"), ERR_DUPLICATE);
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 a1 63612062 60"),
	    ERR_MALFORMED);
	assert_int_equal(get_bytes(&msg_tags, "a1 6474616773 a1 6161 6100"),
	    ERR_MALFORMED);
}

static void
unknown_fields_only_in_answers(void **state)
{
	(void)state;
	/* {"zz": [1], "tags": {}} in a request, {"zz": [1]} in an answer */
	assert_int_equal(get_bytes(&msg_tags, "a2 627a7a 8101 6474616773 a0"),
	    ERR_UNSUPPORTED);
	assert_int_equal(get_bytes(&msg_event, "a1 627a7a 8101"), 0);
}

static void
json_says_the_same(void **state)
{
	static uint8_t text[512 * 1024];
	static struct msg_device d;
	struct buf out;
	json_error_t e;
	json_t *j;

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		fill(all[i], rec_a, 3);
		/* jansson has no integers above 2^63 - 1 */
		for (const struct msg_field *f = all[i]->field;
		    f->name != NULL; f++)
			if (f->type == MSG_U64)
				*(uint64_t *)(rec_a + f->off) = INT64_MAX;
		out = buf_of(text, sizeof(text));
		msg_put_json(all[i], rec_a, &out);
		assert_false(out.over);
		j = json_loadb((char *)text, out.n, JSON_REJECT_DUPLICATES |
		    (strstr((char *)text, "18446744073709551615") ?
		    JSON_DECODE_INT_AS_REAL : 0), &e);
		if (j == NULL)
			fail_msg("%s: %s", all[i]->name, e.text);
		json_decref(j);
	}

	memset(&d, 0, sizeof(d));
	strcpy(d.ep, "a\"\\\n\x1b[31m");
	strcpy(d.version, "\xc2\x9b\xe2\x80\xae\xc3\xa9");
	d.have_seq = true;
	d.seq = 7;
	d.tag_count = 1;
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "\xff");
	out = buf_of(text, sizeof(text));
	msg_put_json(&msg_device, &d, &out);
	assert_null(memchr(text, 0x1b, out.n));
	assert_null(memmem(text, out.n, "\xe2\x80\xae", 3));
	j = json_loadb((char *)text, out.n, 0, &e);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "ep")), d.ep);
	assert_string_equal(json_string_value(json_object_get(j, "version")),
	    d.version);
	assert_int_equal(json_integer_value(json_object_get(j, "seq")), 7);
	assert_non_null(json_object_get(json_object_get(j, "tags"), "site"));
	assert_null(json_object_get(j, "class"));
	json_decref(j);
}

static struct slice
page_of(size_t n, size_t cap, const char *next, size_t *ret_added)
{
	static struct msg_event ev;
	struct buf out = buf_of(wire, cap);
	struct msg_page_out p;

	msg_page_begin(&p, &msg_event, false, &out);
	for (*ret_added = 0; *ret_added < n; ++*ret_added) {
		ev.id = *ret_added + 1;
		strcpy(ev.kind, "admin");
		if (!msg_page_add(&p, &ev))
			break;
	}
	msg_page_end(&p, next);
	assert_false(out.over);
	return buf_slice(&out);
}

static void
pages(void **state)
{
	static const size_t sizes[] = {0, 1, 23, 24, LIMIT_PAGE};
	struct msg_event ev;
	struct msg_page p;
	struct slice in;
	size_t added;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		in = page_of(sizes[i], sizeof(wire), "n77", &added);
		assert_int_equal(added, sizes[i]);
		assert_int_equal(cbr_check(in), 0);
		assert_int_equal(msg_page_open(&msg_event, in, &p), 0);
		assert_int_equal(p.left, sizes[i]);
		assert_string_equal(p.next, "n77");
		for (size_t k = 1; k <= sizes[i]; k++) {
			assert_int_equal(msg_page_item(&p, &ev, NULL), 0);
			assert_int_equal(ev.id, k);
		}
		assert_int_equal(msg_page_item(&p, &ev, NULL), ERR_NOT_FOUND);
	}
	in = page_of(3, sizeof(wire), NULL, &added);
	assert_int_equal(msg_page_open(&msg_event, in, &p), 0);
	assert_string_equal(p.next, "");
	/* one past the cap of a page, and a buffer that is full before */
	(void)page_of(LIMIT_PAGE + 1, sizeof(wire), NULL, &added);
	assert_int_equal(added, LIMIT_PAGE);
	in = page_of(LIMIT_PAGE, 1000, "5", &added);
	assert_in_range(added, 1, 40);
	assert_int_equal(msg_page_open(&msg_event, in, &p), 0);
	assert_int_equal(p.left, added);
}

static void
pages_are_strict(void **state)
{
	struct buf out = buf_of(wire, sizeof(wire));
	struct msg_page p;

	(void)state;
	assert_int_equal(msg_page_open(&msg_event, slice_str("\xa0"), &p),
	    ERR_MISSING);
	cbr_put_map(&out, 1);
	cbr_put_str(&out, "items");
	cbr_put_array(&out, LIMIT_PAGE + 1);
	for (int i = 0; i <= LIMIT_PAGE; i++)
		cbr_put_map(&out, 0);
	assert_int_equal(msg_page_open(&msg_event, buf_slice(&out), &p),
	    ERR_SIZE);
	assert_int_equal(msg_page_open(&msg_event,
	    slice_sub(buf_slice(&out), 0, 9), &p), ERR_TRUNCATED);
}

static void
json_pages(void **state)
{
	struct msg_event ev = {.id = 1, .kind = "job", .what = "done"};
	struct buf out = buf_of(wire, sizeof(wire));
	struct msg_page_out p;
	json_t *j;

	(void)state;
	msg_page_begin(&p, &msg_event, true, &out);
	assert_true(msg_page_add(&p, &ev));
	assert_true(msg_page_add(&p, &ev));
	msg_page_end(&p, "2");
	j = json_loadb((char *)wire, out.n, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 2);
	assert_string_equal(json_string_value(json_object_get(j, "next")),
	    "2");
	json_decref(j);
}

static void
problems(void **state)
{
	struct msg_problem a = {"not found", "no such release"}, b;
	struct buf out = buf_of(wire, sizeof(wire));
	static const uint8_t more[] = {0xa3, 0x20, 0x61, 't', 0x38, 0x20, 0x80,
	    0x21, 0x61, 'd'}; /* an extension entry between */

	(void)state;
	msg_put_problem(&a, false, &out);
	assert_int_equal(wire[1], 0x20); /* -1 */
	assert_int_equal(msg_get_problem(buf_slice(&out), &b), 0);
	assert_string_equal(b.title, a.title);
	assert_string_equal(b.detail, a.detail);
	assert_int_equal(msg_get_problem(slice_of(more, sizeof(more)), &b),
	    0);
	assert_string_equal(b.detail, "d");
	assert_int_equal(msg_get_problem(slice_of(more, 5), &b),
	    ERR_TRUNCATED);
	assert_int_equal(msg_get_problem(slice_str("\x64text"), &b),
	    ERR_TYPE);
}

static void
the_protocol_document_has_every_field(void **state)
{
	static char text[128 * 1024];
	char want[64];
	FILE *f = fopen("docs/PROTOCOL.md", "r");

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; i < ALL; i++) {
		if (all[i] == &msg_status)
			continue;
		for (const struct msg_field *k = all[i]->field;
		    k->name != NULL; k++) {
			snprintf(want, sizeof(want), " %s: ", k->name);
			if (strstr(text, want) == NULL)
				fail_msg("%s.%s", all[i]->name, k->name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_at_its_caps_comes_back),
		cmocka_unit_test(every_empty_record_comes_back),
		cmocka_unit_test(one_past_the_cap_is_refused_for_every_field),
		cmocka_unit_test(a_wrong_type_is_refused_for_every_field),
		cmocka_unit_test(short_fixed_bytes_are_refused),
		cmocka_unit_test(form_is_strict),
		cmocka_unit_test(unknown_fields_only_in_answers),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(pages),
		cmocka_unit_test(pages_are_strict),
		cmocka_unit_test(json_pages),
		cmocka_unit_test(problems),
		cmocka_unit_test(the_protocol_document_has_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
