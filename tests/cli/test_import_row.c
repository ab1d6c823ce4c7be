/* Rows of devices: their columns, values and caps, and that what export
 * writes is what import reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "cli/import_row.h"

static struct import_head head;
static struct msg_import_row row;
static bool is_new;

static int
read_head(const char *text)
{
	char line[200];
	struct why why;

	snprintf(line, sizeof(line), "%s", text);
	return import_head(line, strlen(line), &head, &why);
}

static int
read_row(const char *text)
{
	static char line[4096];
	struct why why;

	snprintf(line, sizeof(line), "%s", text);
	return import_row(&head, line, strlen(line), &row, &is_new, &why);
}

static void
columns_have_names_and_any_order(void **state)
{
	(void)state;
	assert_int_equal(read_head("psk,ep,class"), 0);
	assert_int_equal(head.n, 3);
	assert_int_equal(read_row("0011223344556677,a,demo"), 0);
	assert_string_equal(row.ep, "a");
	assert_string_equal(row.class_name, "demo");
	assert_int_equal(row.key_len, 8);
	assert_int_equal(row.key[7], 0x77);
	assert_int_equal(read_row("new,a,"), 0);
	assert_true(is_new && row.key_len == 0);
	assert_int_equal(read_row(",a,"), 0);
	assert_true(!is_new && row.key_len == 0 && row.class_name[0] == '\0');
	assert_int_equal(read_head("class,tags"), ERR_INVALID);
	assert_int_equal(read_head("ep,ep"), ERR_INVALID);
	assert_int_equal(read_head("ep,key"), ERR_INVALID);
	assert_int_equal(read_head(""), ERR_INVALID);
	assert_int_equal(read_head("ep,class,tags,identity,psk,ep"),
	    ERR_INVALID);
	assert_int_equal(read_head("\"ep"), ERR_MALFORMED);
}

static void
values_are_looked_at(void **state)
{
	static const char *const bad[] = {"", "a", "a,b,c", ",x=1",
	    "a b,x=1", "a,x", "a,x=", "a,=1", "a,x y=1", "a,x=1;y"};

	(void)state;
	assert_int_equal(read_head("ep,tags"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_row(bad[i]), ERR_INVALID);
	assert_int_equal(read_row("a,x=1;y=2=3\\;4"), 0);
	assert_int_equal(row.tag_count, 2);
	assert_string_equal(row.tag[1].name, "y");
	assert_string_equal(row.tag[1].value, "2=3;4");
	assert_int_equal(read_head("ep,psk"), 0);
	assert_int_equal(read_row("a,zz"), ERR_INVALID);
	assert_int_equal(read_row("a,00112233445566"), ERR_INVALID);
	assert_int_equal(read_row("a,NEW"), ERR_INVALID);
}

/* n of a character behind `before`. */
static int
read_long(const char *before, char c, size_t n)
{
	char text[2000];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", before);

	memset(text + at, c, n);
	text[at + n] = '\0';
	return read_row(text);
}

static void
values_have_their_caps(void **state)
{
	char tags[400] = "a,";

	(void)state;
	assert_int_equal(read_head("ep"), 0);
	assert_int_equal(read_long("", 'e', LIMIT_EP), 0);
	assert_int_equal(read_long("", 'e', LIMIT_EP + 1), ERR_SIZE);
	assert_int_equal(read_head("ep,identity"), 0);
	assert_int_equal(read_long("a,", 'i', LIMIT_PSK_IDENTITY), 0);
	assert_int_equal(read_long("a,", 'i', LIMIT_PSK_IDENTITY + 1),
	    ERR_SIZE);
	assert_int_equal(read_head("ep,class_by"), 0);
	assert_int_equal(read_long("a,", 'c', MSG_WORD - 1), 0);
	assert_int_equal(read_long("a,", 'c', MSG_WORD), ERR_SIZE);
	assert_int_equal(read_head("ep,psk"), 0);
	assert_int_equal(read_long("a,", '0', 2 * LIMIT_PSK_KEY), 0);
	assert_int_equal(read_long("a,", '0', 2 * LIMIT_PSK_KEY + 2),
	    ERR_INVALID);
	assert_int_equal(read_head("ep,tags"), 0);
	assert_int_equal(read_long("a,x=", 'v', LIMIT_TAG_VALUE), 0);
	assert_int_equal(read_long("a,x=", 'v', LIMIT_TAG_VALUE + 1),
	    ERR_INVALID);
	for (int i = 0; i < LIMIT_TAGS; i++)
		snprintf(tags + strlen(tags), 20, "t%d=1;", i);
	assert_int_equal(read_row(tags), 0);
	assert_int_equal(row.tag_count, LIMIT_TAGS);
	strcat(tags, "x=1");
	assert_int_equal(read_row(tags), ERR_INVALID);
}

static void
what_is_exported_is_read(void **state)
{
	static struct msg_device d = {.ep = "a", .have_class = true,
	    .class_id = {1, 2, 3}, .identity = "a\"b,c", .tag_count = 2,
	    .tag = {{"x", "1;2\\,\"3"}, {"y", "="}}};
	static char line[4096];
	struct buf b = buf_of(line, sizeof(line) - 1);

	(void)state;
	import_put_head(&b);
	line[b.n - 1] = '\0';
	assert_int_equal(read_head(line), 0);
	b.n = 0;
	import_put_row(&d, &b);
	assert_int_equal(line[b.n - 1], '\n');
	line[b.n - 1] = '\0';
	assert_int_equal(read_row(line), 0);
	assert_string_equal(row.ep, "a");
	assert_string_equal(row.class_name,
	    "01020300-0000-0000-0000-000000000000");
	assert_string_equal(row.class_by, "device");
	assert_string_equal(row.identity, d.identity);
	assert_int_equal(row.tag_count, 2);
	assert_string_equal(row.tag[0].value, d.tag[0].value);
	assert_string_equal(row.tag[1].value, d.tag[1].value);
	assert_true(!is_new && row.key_len == 0);
	d.class_set = true;
	b.n = 0;
	import_put_row(&d, &b);
	line[b.n - 1] = '\0';
	assert_int_equal(read_row(line), 0);
	assert_string_equal(row.class_by, "operator");
	d.have_class = d.class_set = false;
	b.n = 0;
	import_put_row(&d, &b);
	line[b.n - 1] = '\0';
	assert_int_equal(read_row(line), 0);
	assert_true(row.class_name[0] == '\0' && row.class_by[0] == '\0');
}

/* Quotes and backslashes are what takes the most room. */
static void
the_longest_export_is_a_line(void **state)
{
	static struct msg_device d = {.have_class = true, .class_set = true,
	    .tag_count = LIMIT_TAGS};
	static char line[2 * LIMIT_IMPORT_LINE];
	struct buf b = buf_of(line, sizeof(line) - 1);

	(void)state;
	memset(d.ep, 'e', LIMIT_EP);
	memset(d.identity, '"', LIMIT_PSK_IDENTITY);
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		memset(d.tag[i].name, 'a' + (int)i, LIMIT_TAG_NAME);
		memset(d.tag[i].value, i % 2 == 0 ? '"' : '\\',
		    LIMIT_TAG_VALUE);
	}
	assert_int_equal(read_head("ep,class,class_by,tags,identity"), 0);
	import_put_row(&d, &b);
	assert_false(b.over);
	assert_true(b.n < LIMIT_IMPORT_LINE);
	assert_int_equal(import_row(&head, line, b.n - 1, &row, &is_new,
	    NULL), 0);
	assert_string_equal(row.tag[1].value, d.tag[1].value);
	assert_string_equal(row.identity, d.identity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_have_names_and_any_order),
		cmocka_unit_test(values_are_looked_at),
		cmocka_unit_test(values_have_their_caps),
		cmocka_unit_test(what_is_exported_is_read),
		cmocka_unit_test(the_longest_export_is_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
