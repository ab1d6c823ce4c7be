#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/conf.h"
#include "lib/conf_key.h"
#include "lib/near.h"

#define CLASS_A "1492af14-2569-5e48-bf42-9b2d51f2ab45"
#define CLASS_B "00112233445566778899aabbccddeeff"

static struct conf conf; /* big: not on the stack of every test */

static int
parse(const char *text)
{
	struct why why = {0};
	int rc = conf_parse(text, &conf, &why);

	assert_int_equal(rc, rc == 0 ? 0 : why.err);
	return rc;
}

static void
the_line_is_named(const char *text, int err, const char *line)
{
	struct why why = {0};

	assert_int_equal(conf_parse(text, &conf, &why), err);
	assert_memory_equal(why.text, line, strlen(line));
}

static void
empty_is_the_default(void **state)
{
	static struct conf def;

	(void)state;
	conf_default(&def);
	assert_int_equal(parse(""), 0);
	assert_memory_equal(&def, &conf, sizeof(def));
	assert_string_equal(conf.listen_coap, "[::]:5683");
	assert_string_equal(conf.listen_admin, "127.0.0.1:5685");
	assert_string_equal(conf.listen_http, "127.0.0.1:9683");
	assert_int_equal(conf.poll_max_age, 900);
	assert_false(conf.allow_unsigned);
	assert_true(conf.synchronous_full);
	assert_int_equal(conf_check(&def, NULL), 0);
}

static void
delivery_defaults_are_the_trackers(void **state)
{
	struct track_policy p;

	(void)state;
	track_policy_default(&p);
	assert_int_equal(parse("# nothing\n"), 0);
	assert_memory_equal(&p.backoff.rule, &conf.track.backoff.rule,
	    sizeof(p.backoff.rule));
	assert_int_equal(conf.track.notify_ms, p.notify_ms);
	assert_int_equal(conf.track.install_ms, p.install_ms);
}

static void
printed_text_is_read_back_the_same(void **state)
{
	static uint8_t text[32768];
	static struct conf a;
	struct buf out = buf_of(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(conf_parse("poll_max_age = 61\nimage_max = 3M\n"
	    "listen_tcp = \"\"\nunknown_devices = refuse\n"
	    "register_tags = \"site, room\"\n"
	    "deadline_install = 36h\nretry_policy_attempts = 0\n"
	    "alias lamp { class = " CLASS_A " }\n", &a, NULL), 0);
	conf_print(&a, &out);
	assert_false(out.over);
	text[out.n] = '\0';
	assert_int_equal(parse((char *)text), 0);
	assert_memory_equal(&a, &conf, sizeof(a));
	assert_int_equal(a.poll_max_age, 61);
	assert_int_equal(a.image_max, 3 << 20);
	assert_int_equal(a.unknown_devices, CONF_UNKNOWN_REFUSE);
	assert_int_equal(a.track.install_ms, 36 * 3600 * 1000);
}

static void
shipped_file_is_printed_from_the_table(void **state)
{
	static uint8_t want[32768], got[32768];
	struct buf out = buf_of(want, sizeof(want));
	FILE *f = fopen("config/suitd.conf", "r");
	size_t n;

	(void)state;
	conf_default(&conf);
	conf_print(&conf, &out);
	assert_false(out.over);
	assert_non_null(f);
	n = fread(got, 1, sizeof(got), f);
	fclose(f);
	assert_int_equal(n, out.n);
	assert_memory_equal(got, want, n);
}

/* "*key* = value (range; reload)" of the table's row. */
static void
man_entry(const struct conf_key *k, struct buf *b)
{
	size_t n;

	buf_puts(b, "\n*");
	buf_puts(b, k->name);
	buf_puts(b, "* = ");
	conf_key_put(k, &conf, b);
	buf_puts(b, " (");
	n = b->n;
	conf_key_put_range(k, b);
	buf_puts(b, b->n > n ? "; " : "");
	buf_puts(b, k->live ? "reload)\n" : "restart)\n");
	b->p[b->n] = '\0';
}

static void
the_man_page_has_every_row_of_the_table(void **state)
{
	static char text[65536];
	uint8_t line[512];
	FILE *f = fopen("docs/man/suitd.conf.5.scd", "r");
	size_t n;

	(void)state;
	conf_default(&conf);
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		struct buf b = buf_of(line, sizeof(line) - 1);

		man_entry(k, &b);
		if (strstr(text, (char *)line) == NULL)
			fail_msg("not in suitd.conf.5.scd:%s", (char *)line);
	}
}

static void
every_row_says_what_it_counts(void **state)
{
	(void)state;
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (k->type == CONF_ADDR)
			assert_true(k->unit != NULL && (strcmp(k->unit,
			    "UDP") == 0 || strcmp(k->unit, "TCP") == 0));
		if (k->type == CONF_NUMBER && k->unit == NULL)
			fail_msg("%s: no unit", k->name);
		if (k->type == CONF_ADDR || k->type == CONF_BLOCK)
			assert_false(k->live); /* made at the start */
	}
}

static int
set_number(const struct conf_key *k, uint64_t u)
{
	char text[128];

	snprintf(text, sizeof(text), "%s=%" PRIu64, k->name, u);
	return conf_set(&conf, text, NULL);
}

static void
numbers_at_their_bounds_and_one_past(void **state)
{
	unsigned checked = 0;

	(void)state;
	conf_default(&conf);
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (k->type < CONF_NUMBER || k->type > CONF_MS_NUMBER)
			continue;
		checked++;
		assert_int_equal(set_number(k, k->min), 0);
		assert_int_equal(set_number(k, k->max), 0);
		assert_int_equal(set_number(k, k->max + 1), ERR_RANGE);
		if (k->min > 0)
			assert_int_equal(set_number(k, k->min - 1), ERR_RANGE);
	}
	assert_true(checked > 20);
}

static void
texts_at_their_cap_and_one_past(void **state)
{
	char text[2048];
	int n, cut;

	(void)state;
	conf_default(&conf);
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (k->type != CONF_TEXT && k->type != CONF_PATH)
			continue;
		n = snprintf(text, sizeof(text), "%s=%s", k->name,
		    k->type == CONF_PATH ? "/" : "");
		cut = (int)(strlen(k->name) + 1 + k->max);
		memset(text + n, 'a', k->max + 1);
		text[cut + 1] = '\0';
		assert_int_equal(conf_set(&conf, text, NULL), ERR_SIZE);
		text[cut] = '\0';
		assert_int_equal(conf_set(&conf, text, NULL), 0);
	}
	assert_int_equal(conf_set(&conf, "state_dir=", NULL), ERR_RANGE);
	assert_int_equal(conf_set(&conf, "state_dir=a\"b", NULL), ERR_TYPE);
	assert_int_equal(conf_set(&conf, "state_dir=a\nb", NULL), ERR_TYPE);
}

static int
set_names(size_t n, size_t len, const char *between)
{
	char text[2 * LIMIT_TAGS * (LIMIT_TAG_NAME + 2)] = "register_tags=";

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s%0*zu", i > 0 ? between : "", (int)len, i);
	return conf_set(&conf, text, NULL);
}

static void
secrets_come_from_files_and_are_not_told(void **state)
{
	static const char *const keys[] = {"tls_key", "admin_psk"};
	struct why why;
	char text[64];

	(void)state;
	conf_default(&conf);
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "%s=/run/a", keys[i]);
		assert_int_equal(conf_set(&conf, text, &why), ERR_FORBIDDEN);
		snprintf(text, sizeof(text), "%s=00ff00ff", keys[i]);
		assert_int_equal(conf_set(&conf, text, &why), ERR_FORBIDDEN);
		assert_null(strstr(why.text, "00ff"));
		/* the thing itself instead of its file */
		snprintf(text, sizeof(text), "%s = 00ff00ff", keys[i]);
		assert_int_equal(conf_parse(text, &conf, &why), ERR_TYPE);
		assert_null(strstr(why.text, "00ff"));
	}
	assert_string_equal(conf.tls_key, "");
	assert_int_equal(parse("tls_key = \"/run/k\""), ERR_MISSING);
	assert_int_equal(parse("tls_cert = \"/run/c\"\n"
	    "tls_key = \"/run/k\"\nadmin_psk = \"/run/a\"\n"), 0);
	assert_string_equal(conf.tls_cert, "/run/c");
	assert_string_equal(conf.tls_key, "/run/k");
	assert_string_equal(conf.admin_psk, "/run/a");
	assert_int_equal(parse("tls_cert = c.pem"), ERR_TYPE);
	assert_int_equal(conf_set(&conf, "tls_cert=/x", NULL), 0);
}

static void
names_are_a_list(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_string_equal(conf.register_tags, "");
	assert_false(conf_register_tag(&conf, "site"));
	assert_false(conf_register_tag(&conf, ""));
	assert_int_equal(parse("register_tags = \" site,room\track , b@1\""),
	    0);
	assert_string_equal(conf.register_tags, "site room rack b@1");
	assert_true(conf_register_tag(&conf, "site"));
	assert_true(conf_register_tag(&conf, "room"));
	assert_true(conf_register_tag(&conf, "b@1"));
	assert_false(conf_register_tag(&conf, "sit"));
	assert_false(conf_register_tag(&conf, "rack "));
	assert_false(conf_register_tag(&conf, "site room"));
	assert_false(conf_register_tag(&conf, ""));
	assert_int_equal(conf_set(&conf, "register_tags=", NULL), 0);
	assert_false(conf_register_tag(&conf, "site"));
	assert_int_equal(parse("register_tags = \"a/b\""), ERR_TYPE);
	assert_int_equal(parse("register_tags = \"a b a\""), ERR_DUPLICATE);
}

static void
names_at_their_cap_and_one_past(void **state)
{
	(void)state;
	conf_default(&conf);
	assert_int_equal(set_names(LIMIT_TAGS, LIMIT_TAG_NAME, " , "), 0);
	assert_true(conf_register_tag(&conf,
	    "00000000000000000000000000000015"));
	assert_int_equal(strlen(conf.register_tags),
	    sizeof(conf.register_tags) - 1);
	assert_int_equal(set_names(LIMIT_TAGS + 1, LIMIT_TAG_NAME, ","),
	    ERR_SIZE);
	assert_int_equal(set_names(LIMIT_TAGS + 1, 2, " "), ERR_SIZE);
	assert_int_equal(set_names(1, LIMIT_TAG_NAME + 1, ""), ERR_TYPE);
	/* what was refused changed nothing */
	assert_true(conf_register_tag(&conf,
	    "00000000000000000000000000000015"));
}

static void
units(void **state)
{
	(void)state;
	assert_int_equal(parse("poll_max_age = 90s"), 0);
	assert_int_equal(conf.poll_max_age, 90);
	assert_int_equal(parse("poll_max_age = 7d"), 0);
	assert_int_equal(conf.poll_max_age, 7 * 86400);
	assert_int_equal(parse("retry_transport_cap = 2h"), 0);
	assert_int_equal(conf.track.backoff.rule[FAIL_TRANSPORT].cap_ms,
	    7200000);
	assert_int_equal(parse("images_total = 1G"), 0);
	assert_int_equal(conf.images_total, 1 << 30);
	assert_int_equal(parse("image_workers = 16"), 0);
	assert_int_equal(conf.image_workers, LIMIT_IMAGE_WORKERS);
	assert_int_equal(parse("image_workers = 17"), ERR_RANGE);
	assert_int_equal(parse("image_workers = 0"), 0);
	assert_int_equal(conf.image_workers, 0);
	assert_int_equal(parse("events_keep = 1000"), 0);
	assert_int_equal(conf.events_keep, 1000);
	assert_int_equal(parse("events_keep = 999"), ERR_RANGE);
	assert_int_equal(parse("deadline_fetch_per_kib = 250"), 0);
	assert_int_equal(conf.track.fetch_per_kib_ms, 250);
}

static void
wrong_types(void **state)
{
	static const char *const bad[] = {
		"poll_max_age = soon", "poll_max_age = 15q",
		"image_max = 64X", "devices_max = many", "devices_max = -1",
		"concurrency = 1.5", "synchronous_full = maybe",
		"allow_unsigned = 1", "unknown_devices = ignore",
		"log_level = loud", "block_size = 100", "block_size = 1023",
		"listen_coap = 5683", "listen_coap = \"host\"",
		"listen_coap = \"host:65536\"", "listen_coap = \"::1:5683\"",
		"listen_coap = \"[::1]5683\"", "listen_coap = \"[]:5683\"",
		"listen_coap = \":5683\"", "listen_coap = \"a b:5683\"",
		"listen_coap = \"[::1:5683\"", "listen_coap = \"host:x\"",
		"public_uri = \"http://x\"", "public_uri = \"x\"",
		"public_uri = \"coap://x/path\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != ERR_TYPE)
			fail_msg("not refused: %s", bad[i]);
}

static void
addresses(void **state)
{
	static const char *const good[] = {
		"listen_coap = \"[::]:0\"", "listen_coap = \"127.0.0.1:1\"",
		"listen_coap = \"[fe80::1%eth0]:65535\"",
		"listen_coap = \"localhost:5683\"", "listen_coap = \"\"",
		"public_uri = \"coap://[2001:db8::1]:5683\"",
		"public_uri = \"coaps+tcp://fw.example.org\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (parse(good[i]) != 0)
			fail_msg("refused: %s", good[i]);
}

static void
errors_name_the_line(void **state)
{
	(void)state;
	the_line_is_named("\n\nlisen_coap = \"x:1\"\n", ERR_NOT_FOUND,
	    "line 3: lisen_coap: unknown key; did you mean listen_coap?");
	the_line_is_named("zzzz = 1", ERR_NOT_FOUND,
	    "line 1: zzzz: unknown key");
	the_line_is_named("# c\nimage_max = 1M\nimage_max = 2M\n",
	    ERR_DUPLICATE, "line 3: image_max: given twice");
	the_line_is_named("# a\n/* b\n c */ // d\n\nimage_max = 0\n",
	    ERR_RANGE, "line 5: image_max: ");
	the_line_is_named("state_dir = \"# no comment\"\nimage_max = 0\n",
	    ERR_RANGE, "line 2: image_max: ");
	the_line_is_named("\nblock_size = 17\n", ERR_TYPE, "line 2: ");
	the_line_is_named("a b c", ERR_NOT_FOUND, "line 1: ");
	the_line_is_named("image_max 1M", ERR_MALFORMED, "line 1: ");
	the_line_is_named("alias x {\n clas = 1\n}\n", ERR_NOT_FOUND,
	    "line 2: clas: unknown key");
}

static void
what_is_left_open_is_refused(void **state)
{
	(void)state;
	the_line_is_named("\n/* x\nimage_max = 1M\n", ERR_TRUNCATED,
	    "line 2: ");
	the_line_is_named("\"", ERR_TRUNCATED, "line 1: ");
	the_line_is_named("\n\nstate_dir = 'x\\'\n", ERR_TRUNCATED,
	    "line 3: ");
	the_line_is_named("\nalias a {\n class = " CLASS_A "\n",
	    ERR_TRUNCATED, "line 2: ");
	assert_int_equal(parse("image_max ="), ERR_MALFORMED);
	assert_int_equal(parse("}"), ERR_MALFORMED);
	assert_int_equal(parse("state_dir = \"/a\" # end\n"), 0);
	assert_int_equal(parse("public_uri = coap://x # end"), 0);
	assert_string_equal(conf.public_uri, "coap://x");
}

static void
aliases(void **state)
{
	uint8_t id[16];

	(void)state;
	assert_int_equal(parse("alias lamp { class = " CLASS_A " }\n"
	    "alias pump { class = \"" CLASS_B "\" }\n"), 0);
	assert_int_equal(conf.alias_count, 2);
	assert_int_equal(conf_class(&conf, slice_str("lamp"), id), 0);
	assert_int_equal(id[0], 0x14);
	assert_int_equal(conf_class(&conf, slice_str(CLASS_B), id), 0);
	assert_int_equal(id[1], 0x11);
	assert_int_equal(conf_class(&conf, slice_str("lam"), id),
	    ERR_NOT_FOUND);

	assert_int_equal(parse("alias a { }"), ERR_MISSING);
	assert_int_equal(parse("alias a { class = x }"), ERR_TYPE);
	assert_int_equal(parse("alias \"a b\" { class = " CLASS_A " }"),
	    ERR_TYPE);
	assert_int_equal(parse("alias " CLASS_A " { class = " CLASS_A " }"),
	    ERR_TYPE);
	assert_int_equal(parse("alias a { class = " CLASS_A " }\n"
	    "alias a { class = " CLASS_B " }"), ERR_MALFORMED);
	assert_int_equal(parse("alias { class = " CLASS_A " }"),
	    ERR_MALFORMED);
}

static void
aliases_at_their_cap_and_one_past(void **state)
{
	static char text[CONF_ALIASES * 80 + 200];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < CONF_ALIASES; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "alias a%d { class = " CLASS_A " }\n", i);
	assert_int_equal(parse(text), 0);
	assert_int_equal(conf.alias_count, CONF_ALIASES);
	snprintf(text + n, sizeof(text) - n, "alias b { class = " CLASS_A
	    " }\n");
	assert_int_equal(parse(text), ERR_SIZE);
	snprintf(text, sizeof(text), "alias %032d { class = " CLASS_A " }", 1);
	assert_int_equal(parse(text), ERR_TYPE); /* a UUID's digits */
	snprintf(text, sizeof(text), "alias x%031d { class = " CLASS_A " }",
	    1);
	assert_int_equal(parse(text), 0);
	snprintf(text, sizeof(text), "alias x%032d { class = " CLASS_A " }",
	    1);
	assert_int_equal(parse(text), ERR_TYPE);
}

static void
assignments(void **state)
{
	static struct conf before;

	(void)state;
	conf_default(&conf);
	assert_int_equal(conf_set(&conf, "log_level=debug", NULL), 0);
	assert_string_equal(conf.log_level, "debug");
	assert_int_equal(conf_set(&conf, "listen_tcp=", NULL), 0);
	assert_string_equal(conf.listen_tcp, "");
	before = conf;
	assert_int_equal(conf_set(&conf, "log_levle=debug", NULL),
	    ERR_NOT_FOUND);
	assert_int_equal(conf_set(&conf, "log_level", NULL), ERR_INVALID);
	assert_int_equal(conf_set(&conf, "=x", NULL), ERR_NOT_FOUND);
	assert_int_equal(conf_set(&conf, "log_level=x", NULL), ERR_TYPE);
	assert_int_equal(conf_set(&conf, "devices_max=0", NULL), ERR_RANGE);
	assert_memory_equal(&before, &conf, sizeof(conf));
}

static void
caps_of_keys_and_one_past(void **state)
{
	char text[600];

	(void)state;
	conf_default(&conf);
	snprintf(text, sizeof(text), "devices_max=%d", LIMIT_DEVICES);
	assert_int_equal(conf_set(&conf, text, NULL), 0);
	snprintf(text, sizeof(text), "devices_max=%d", LIMIT_DEVICES + 1);
	assert_int_equal(conf_set(&conf, text, NULL), ERR_RANGE);
	snprintf(text, sizeof(text), "trusted_networks=%-*s",
	    LIMIT_NETWORKS_TEXT, "::1");
	assert_int_equal(conf_set(&conf, text, NULL), 0);
	assert_int_equal(strlen(conf.trusted_networks), LIMIT_NETWORKS_TEXT);
	strcat(text, " ");
	assert_int_equal(conf_set(&conf, text, NULL), ERR_SIZE);
}

static void
checks_across_keys(void **state)
{
	(void)state;
	assert_int_equal(parse("listen_coap = \"\"\nlisten_coaps = \"\"\n"
	    "listen_tcp = \"\""), 0); /* operators only */
	assert_int_equal(parse("listen_coaps = \"[::]:5683\""), ERR_CONFLICT);
	assert_int_equal(parse("listen_coap = \"[::]:0\"\n"
	    "listen_coaps = \"[::]:0\""), 0);
	assert_int_equal(parse("image_max = 2M\nimages_total = 1M"),
	    ERR_RANGE);
	assert_int_equal(parse("retry_transport_base = 2h\n"
	    "retry_transport_cap = 1h"), ERR_RANGE);
}

static void
a_failed_parse_changes_nothing(void **state)
{
	static struct conf before;

	(void)state;
	assert_int_equal(parse("poll_max_age = 5m"), 0);
	before = conf;
	assert_int_equal(parse("poll_max_age = 6m\nx = 1"), ERR_NOT_FOUND);
	assert_memory_equal(&before, &conf, sizeof(conf));
}

static void
near_words(void **state)
{
	char longer[NEAR_MAX + 2];

	(void)state;
	assert_int_equal(near_distance("", ""), 0);
	assert_int_equal(near_distance("abc", ""), 3);
	assert_int_equal(near_distance("", "ab"), 2);
	assert_int_equal(near_distance("abcd", "abdc"), 1); /* a swap */
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_true(near_match("lisen_coap", "listen_coap"));
	assert_false(near_match("x", "listen_coap"));
	memset(longer, 'a', sizeof(longer));
	longer[NEAR_MAX + 1] = '\0';
	assert_true(near_distance(longer, "a") > NEAR_MAX);
	longer[NEAR_MAX] = '\0';
	assert_int_equal(near_distance(longer, "a"), NEAR_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_the_default),
		cmocka_unit_test(delivery_defaults_are_the_trackers),
		cmocka_unit_test(printed_text_is_read_back_the_same),
		cmocka_unit_test(shipped_file_is_printed_from_the_table),
		cmocka_unit_test(the_man_page_has_every_row_of_the_table),
		cmocka_unit_test(every_row_says_what_it_counts),
		cmocka_unit_test(numbers_at_their_bounds_and_one_past),
		cmocka_unit_test(texts_at_their_cap_and_one_past),
		cmocka_unit_test(secrets_come_from_files_and_are_not_told),
		cmocka_unit_test(names_are_a_list),
		cmocka_unit_test(names_at_their_cap_and_one_past),
		cmocka_unit_test(units),
		cmocka_unit_test(wrong_types),
		cmocka_unit_test(addresses),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(what_is_left_open_is_refused),
		cmocka_unit_test(aliases),
		cmocka_unit_test(aliases_at_their_cap_and_one_past),
		cmocka_unit_test(assignments),
		cmocka_unit_test(caps_of_keys_and_one_past),
		cmocka_unit_test(checks_across_keys),
		cmocka_unit_test(a_failed_parse_changes_nothing),
		cmocka_unit_test(near_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
