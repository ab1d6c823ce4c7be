#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/client.h"
#include "cli/client_key.h"
#include "cli/args.h"
#include "cli/render.h"
#include "cli/sentence.h"

/* --- sentences --- */

static const char *
found(int *ret_words, ...)
{
	char *argv[8];
	const struct cli_cmd *cmd;
	va_list ap;
	int n = 0;

	va_start(ap, ret_words);
	while ((argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	cmd = sentence_find(n, argv, ret_words);
	return cmd == NULL ? "" : cmd->words;
}

static void
the_longest_sentence_wins(void **state)
{
	int n = -1;

	(void)state;
	assert_string_equal(found(&n, "campaign", "start", "7", NULL),
	    "campaign start");
	assert_int_equal(n, 2);
	assert_string_equal(found(&n, "status", NULL), "status");
	assert_int_equal(n, 1);
	assert_string_equal(found(&n, "publish", "release", NULL), "publish");
	n = -1;
	assert_string_equal(found(&n, "campaign", NULL), "");
	assert_string_equal(found(&n, "campaig", "start", NULL), "");
	assert_string_equal(found(&n, "campaign", "star", NULL), "");
	assert_string_equal(found(&n, NULL), "");
	assert_int_equal(n, -1);
}

static void
sentences_are_unique_and_whole(void **state)
{
	const struct cli_cmd *all[128];
	size_t n = 0;

	(void)state;
	for (const struct cli_cmd *const *t = cli_tables; *t != NULL; t++)
		for (const struct cli_cmd *c = *t; c->words != NULL; c++) {
			assert_non_null(c->fn);
			assert_true(c->help[0] != '\0' && c->args != NULL);
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(all[i]->words,
				    c->words);
			all[n++] = c;
		}
	assert_true(n > 25);
}

static char *
printed(void (*fn)(FILE *out, void *arg), void *arg)
{
	char *text = NULL, *copy;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fn(f, arg);
	fclose(f);
	copy = strdup(text);
	free(text);
	return copy;
}

static void
print_unknown(FILE *out, void *arg)
{
	char **argv = arg;
	int n = 0;

	while (argv[n] != NULL)
		n++;
	sentence_unknown(out, n, argv);
}

static void
unknown_words_show_near_sentences(void **state)
{
	char *typo[] = {"campain", "start", "7", NULL};
	char *late[] = {"device", "credentils", "lamp", NULL};
	char *half[] = {"device", NULL};
	char *evil[] = {"\033[31mx", NULL};
	char *text;

	(void)state;
	text = printed(print_unknown, typo);
	assert_non_null(strstr(text, "suitctl campaign start --plan"));
	assert_null(strstr(text, "image list"));
	free(text);
	/* the near one alone, however many begin with its word */
	text = printed(print_unknown, late);
	assert_non_null(strstr(text, "suitctl device credentials"));
	assert_null(strstr(text, "suitctl device list"));
	free(text);
	text = printed(print_unknown, half);
	assert_non_null(strstr(text, "suitctl device list"));
	assert_non_null(strstr(text, "suitctl device revoked-certs"));
	free(text);
	text = printed(print_unknown, evil);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void
what_another_program_does_is_told(void **state)
{
	char *restore[] = {"restore", "backup", NULL};
	char *metrics[] = {"metrics", NULL};
	char *none[] = {"nothing", NULL};
	char *text;

	(void)state;
	text = printed(print_unknown, restore);
	assert_non_null(strstr(text, "That is: suitd --restore"));
	free(text);
	text = printed(print_unknown, metrics);
	assert_non_null(strstr(text, "That is: http"));
	free(text);
	text = printed(print_unknown, none);
	assert_null(strstr(text, "That is"));
	free(text);
}

static void
print_help(FILE *out, void *arg)
{
	char *argv[] = {arg, NULL};

	assert_true(sentence_help(out, 1, argv));
}

static void
print_completion(FILE *out, void *arg)
{
	(void)arg;
	sentence_completion(out);
}

static void
help_and_completion_come_from_the_tables(void **state)
{
	char *nothing[] = {"nothing", NULL};
	char *text = printed(print_help, "campaign");

	(void)state;
	assert_non_null(strstr(text, "suitctl campaign watch ID\n"));
	assert_null(strstr(text, "suitctl device"));
	free(text);
	assert_false(sentence_help(stdout, 1, nothing));
	text = printed(print_completion, NULL);
	assert_non_null(strstr(text, "\ncampaign plan| --where --class "));
	assert_non_null(strstr(text, " --approval --continuous "));
	assert_non_null(strstr(text, "\ndevice show|\n"));
	for (const struct cli_cmd *const *t = cli_tables; *t != NULL; t++)
		for (const struct cli_cmd *c = *t; c->words != NULL; c++)
			assert_non_null(strstr(text, c->words));
	free(text);
}

static void
the_man_page_has_every_sentence(void **state)
{
	static char text[65536];
	char line[128];
	FILE *f = fopen("docs/man/suitctl.1.scd", "r");

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (const struct cli_cmd *const *t = cli_tables; *t != NULL; t++)
		for (const struct cli_cmd *c = *t; c->words != NULL; c++) {
			snprintf(line, sizeof(line), "\n*%s*", c->words);
			if (strstr(text, line) == NULL)
				fail_msg("%s is not in suitctl.1.scd",
				    c->words);
		}
}

/* --- options --- */

static void
options_and_words_are_told_apart(void **state)
{
	bool flag = false;
	const char *value = NULL, *list[2] = {NULL, NULL};
	size_t n = 0;
	const struct cli_opt opts[] = {
		{.name = "--flag", .flag = &flag},
		{.name = "--value", .value = &value},
		{.name = "--item", .list = list, .count = &n, .cap = 2},
		{.name = NULL},
	};
	char *ok[] = {"a", "--flag", "-", "--value", "--x", "--item=1",
	    "--item", "2", "--", "--flag", NULL};
	char *unknown[] = {"--flug", NULL}, *bare[] = {"--value", NULL};
	char *flagged[] = {"--flag=1", NULL};
	char *many[] = {"--item", "3", NULL};
	char *words[] = {"a", "b", NULL};

	(void)state;
	assert_int_equal(cli_opts(opts, 10, ok, 0, 3), 3);
	assert_string_equal(ok[0], "a");
	assert_string_equal(ok[1], "-");
	assert_string_equal(ok[2], "--flag");
	assert_true(flag);
	assert_string_equal(value, "--x");
	assert_int_equal(n, 2);
	assert_int_equal(cli_opts(opts, 1, unknown, 0, 3), -1);
	assert_int_equal(cli_opts(opts, 1, bare, 0, 3), -1);
	assert_int_equal(cli_opts(opts, 1, flagged, 0, 3), -1);
	assert_int_equal(cli_opts(opts, 2, many, 0, 3), -1); /* past the cap */
	assert_int_equal(cli_opts(opts, 2, words, 0, 1), -1);
	assert_int_equal(cli_opts(opts, 2, words, 3, 4), -1);
}

/* --- rendering --- */

static void
print_table(FILE *out, void *arg)
{
	static const char *const head[] = {"A", "LONG HEAD", "C"};
	static struct table t;
	int rows = *(int *)arg;

	table_begin(&t, out, head, 3);
	for (int i = 0; i < rows; i++) {
		table_printf(&t, "%d", i);
		table_cell(&t, i == 1 ? "\033[2J\xe2\x80\xae" : "\xc3\xa9");
		table_cell(&t, "");
	}
	table_end(&t);
}

static void
tables_are_aligned_and_escaped(void **state)
{
	int rows = 2;
	char *text = printed(print_table, &rows), *p;

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	p = strstr(text, "\xc3\xa9");
	assert_non_null(p);
	free(text);
	rows = 1;
	text = printed(print_table, &rows);
	assert_string_equal(text, "A  LONG HEAD  C\n0  \xc3\xa9          -\n");
	free(text);
	rows = 0;
	text = printed(print_table, &rows);
	assert_string_equal(text, "A  LONG HEAD  C\n");
	free(text);
	rows = 3 * TABLE_ROWS + 1;
	text = printed(print_table, &rows);
	p = strstr(text, "LONG HEAD");
	assert_null(strstr(p + 1, "LONG HEAD")); /* once */
	for (p = text, rows = 0; (p = strchr(p, '\n')) != NULL; p++)
		rows++;
	assert_int_equal(rows, 3 * TABLE_ROWS + 2);
	free(text);
}

static void
bars(void **state)
{
	char t[32], small[5];

	(void)state;
	assert_string_equal(render_bar(t, sizeof(t), 4, 0, 10), "[....]");
	assert_string_equal(render_bar(t, sizeof(t), 4, 5, 10), "[##..]");
	assert_string_equal(render_bar(t, sizeof(t), 4, 9, 10), "[###.]");
	assert_string_equal(render_bar(t, sizeof(t), 4, 10, 10), "[####]");
	assert_string_equal(render_bar(t, sizeof(t), 4, 99, 10), "[####]");
	assert_string_equal(render_bar(t, sizeof(t), 4, 0, 0), "[....]");
	assert_string_equal(render_bar(t, sizeof(t), 4, UINT64_MAX,
	    UINT64_MAX), "[####]");
	assert_string_equal(render_bar(small, sizeof(small), 4, 1, 2), "");
}

static void
ages_times_and_sizes(void **state)
{
	char t[64];
	int64_t now = 1700000000000;

	(void)state;
	assert_string_equal(render_age(t, sizeof(t), now, now), "0s");
	assert_string_equal(render_age(t, sizeof(t), now, now - 119000),
	    "119s");
	assert_string_equal(render_age(t, sizeof(t), now, now - 120000),
	    "2m");
	assert_string_equal(render_age(t, sizeof(t), now, now - 7200000),
	    "2h");
	assert_string_equal(render_age(t, sizeof(t), now,
	    now - 172800000), "2d");
	assert_string_equal(render_age(t, sizeof(t), now, now + 60000),
	    "in 60s");
	assert_string_equal(render_age(t, sizeof(t), now, 0), "-");
	assert_string_equal(render_time(t, sizeof(t), now),
	    "2023-11-14 22:13:20");
	assert_string_equal(render_time(t, sizeof(t), 0), "-");
	assert_string_equal(render_bytes(t, sizeof(t), 1023), "1023 B");
	assert_string_equal(render_bytes(t, sizeof(t), 1024), "1.0 KiB");
	assert_string_equal(render_bytes(t, sizeof(t), 3 << 19), "1.5 MiB");
	assert_string_equal(render_bytes(t, sizeof(t), UINT64_C(5) << 29),
	    "2.5 GiB");
	assert_string_equal(render_bytes(t, sizeof(t), UINT64_C(3) << 49),
	    "1536.0 TiB");
}

static void
counts_say_only_what_there_is(void **state)
{
	struct msg_counts n = {.done = 3, .queued = 2, .fetching = 1,
	    .active = 1, .failed = 1};
	char t[128];

	(void)state;
	assert_string_equal(render_counts(t, sizeof(t), &n),
	    "3/7 done, 2 waiting, 1 active, 1 failed");
	n = (struct msg_counts){.done = 2};
	assert_string_equal(render_counts(t, sizeof(t), &n), "2/2 done");
}

static void
print_json(FILE *out, void *arg)
{
	struct msg_image m = {.size = 5};
	struct json_list j;

	json_begin(&j, out, &msg_image);
	for (int i = 0; i < *(int *)arg; i++)
		json_item(&j, &m);
	json_end(&j);
}

static void
json_lists(void **state)
{
	int n = 0;
	char *text = printed(print_json, &n);

	(void)state;
	assert_string_equal(text, "[]\n");
	free(text);
	n = 2;
	text = printed(print_json, &n);
	assert_memory_equal(text, "[\n{\"digest\":\"00", 14);
	assert_non_null(strstr(text, "},\n{"));
	assert_non_null(strstr(text, "}\n]\n"));
	free(text);
}

/* --- files and keys --- */

static void
the_operators_key(void **state)
{
	struct client_key k;

	(void)state;
	assert_int_equal(client_key_parse(slice_str("admin 00ff10\n"), NULL,
	    &k), 0);
	assert_string_equal(k.identity, "admin");
	assert_int_equal(k.key_len, 3);
	assert_int_equal(k.key[1], 0xff);
	assert_int_equal(client_key_parse(slice_str(""), NULL, &k),
	    ERR_MALFORMED);
	assert_int_equal(client_key_parse(slice_str("admin"), NULL, &k),
	    ERR_MALFORMED);
	assert_int_equal(client_key_parse(slice_str(" 00"), NULL, &k),
	    ERR_MALFORMED);
	assert_int_equal(client_key_parse(slice_str("admin zz"), NULL, &k),
	    ERR_KEY);
	assert_int_equal(client_key_parse(slice_str("admin "), NULL, &k),
	    ERR_KEY);
}

static void
one_of_several_operators(void **state)
{
	struct slice file = slice_str("# operators\n\nalice 01\nbob 02\n"
	    "al 03\nbroken\ncarol 04");
	struct client_key k;

	(void)state;
	assert_int_equal(client_key_parse(file, NULL, &k), 0);
	assert_string_equal(k.identity, "alice");
	assert_int_equal(client_key_parse(file, "al", &k), 0);
	assert_string_equal(k.identity, "al");
	assert_int_equal(k.key[0], 3);
	assert_int_equal(client_key_parse(file, "carol", &k), 0);
	assert_int_equal(k.key_len, 1);
	assert_int_equal(k.key[0], 4);
	/* rights are the daemon's matter; a principal's keys have numbers */
	assert_int_equal(client_key_parse(slice_str("x 0a\nnora:12 0b0c 0d "
	    "role=operator tag=a:b"), "nora", &k), 0);
	assert_string_equal(k.identity, "nora:12");
	assert_int_equal(k.key_len, 3);
	assert_int_equal(k.key[2], 0x0d);
	assert_int_equal(client_key_parse(slice_str("nora role=author"), NULL,
	    &k), ERR_KEY);
	assert_int_equal(client_key_parse(file, "dave", &k), ERR_MISSING);
	assert_int_equal(client_key_parse(file, "#", &k), ERR_MISSING);
	assert_int_equal(client_key_parse(slice_str(""), "al", &k),
	    ERR_MISSING);
}

static void
paths_keep_what_a_name_holds(void **state)
{
	static struct client_req rq;
	char longer[LIMIT_PATH + 1];

	(void)state;
	client_path(&rq, "a", "devices", "x/y%", NULL);
	assert_string_equal(rq.path, "a/devices/x%2Fy%25");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[LIMIT_PATH] = '\0';
	client_path(&rq, "a", longer, NULL);
	assert_string_equal(rq.path, "");
}

static void
files_have_a_cap_and_hex_is_seen(void **state)
{
	char dir[] = "/tmp/suitctl-test-XXXXXX", path[64];
	struct slice s;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(cli_write(path, slice_str("00 ff\n0A"), 0640), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(cli_read(path, 8, &s), 0);
	assert_int_equal(s.n, 8);
	free((void *)s.p);
	assert_int_equal(cli_read(path, 7, &s), ERR_SIZE);
	assert_int_equal(cli_read_binary(path, 3, &s), 0);
	assert_memory_equal(s.p, "\x00\xff\x0a", 3);
	free((void *)s.p);
	assert_int_equal(cli_read_binary(path, 2, &s), ERR_SIZE);
	assert_int_equal(cli_write(path, slice_str("00f"), 0600), 0);
	assert_int_equal(cli_read_binary(path, 3, &s), 0); /* odd: no hex */
	assert_int_equal(s.n, 3);
	free((void *)s.p);
	unlink(path);
	assert_int_equal(cli_read(path, 8, &s), ERR_NOT_FOUND);
	rmdir(dir);
	assert_int_equal(cli_write(path, slice_str("x"), 0600),
	    ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_sentence_wins),
		cmocka_unit_test(sentences_are_unique_and_whole),
		cmocka_unit_test(unknown_words_show_near_sentences),
		cmocka_unit_test(what_another_program_does_is_told),
		cmocka_unit_test(help_and_completion_come_from_the_tables),
		cmocka_unit_test(the_man_page_has_every_sentence),
		cmocka_unit_test(options_and_words_are_told_apart),
		cmocka_unit_test(tables_are_aligned_and_escaped),
		cmocka_unit_test(bars),
		cmocka_unit_test(ages_times_and_sizes),
		cmocka_unit_test(counts_say_only_what_there_is),
		cmocka_unit_test(json_lists),
		cmocka_unit_test(the_operators_key),
		cmocka_unit_test(one_of_several_operators),
		cmocka_unit_test(paths_keep_what_a_name_holds),
		cmocka_unit_test(files_have_a_cap_and_hex_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
