/* What a reload changes, and what it leaves to the next start. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/conf_key.h"
#include "lib/conf_reload.h"

static struct conf run, next, before;

struct told {
	size_t n;
	struct conf_change last;
};

static void
on_change(void *arg, const struct conf_change *c)
{
	struct told *t = arg;

	t->n++;
	t->last = *c;
}

static void
fresh(void)
{
	conf_default(&run);
	conf_default(&next);
}

/* Another value than the default, whatever the key is. */
static const char *
other(const struct conf_key *k, char *text, size_t cap)
{
	uint64_t def = 0;

	switch (k->type) {
	case CONF_BOOL:
		return strcmp(k->def, "true") == 0 ? "false" : "true";
	case CONF_ADDR:
		return "127.0.0.1:7";
	case CONF_TEXT:
	case CONF_TAGS:
		return "x";
	case CONF_PATH:
	case CONF_SECRET:
		return "/x";
	case CONF_CHOICE:
	case CONF_WORD:
		snprintf(text, cap, "%s", strrchr(k->words, '|') + 1);
		return text;
	default:
		conf_default(&before);
		for (def = k->min; def <= k->max; def = def ? def * 2 : 1) {
			snprintf(text, cap, "%" PRIu64, def);
			if (conf_key_set(k, text, &before, NULL) == 0 &&
			    !conf_key_same(k, &run, &before))
				return text;
		}
		return NULL;
	}
}

static void
nothing_changed_is_nothing_told(void **state)
{
	struct told t = {0};

	(void)state;
	fresh();
	assert_int_equal(conf_reload(&run, &next, on_change, &t), 0);
	assert_int_equal(t.n, 0);
}

/* Every row of the table: one that is live counts, one that is not stays. */
static void
each_key_does_what_its_row_says(void **state)
{
	unsigned live = 0, start = 0;
	char text[64];

	(void)state;
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		struct told t = {0};
		const char *value;

		fresh();
		value = other(k, text, sizeof(text));
		if (value == NULL)
			fail_msg("%s has one value only", k->name);
		assert_int_equal(conf_key_set(k, value, &next, NULL), 0);
		before = run;
		assert_int_equal(conf_reload(&run, &next, on_change, &t),
		    k->live);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.last.name, k->name);
		assert_int_equal(t.last.live, k->live);
		assert_string_not_equal(t.last.was, t.last.now);
		assert_memory_equal(&run, k->live ? &next : &before,
		    sizeof(run));
		live += k->live;
		start += !k->live;
	}
	assert_true(live > 20 && start > 5);
}

static void
aliases_are_live(void **state)
{
	static const char *const text[] = {
		"alias a { class = 00112233445566778899aabbccddeeff }",
		"alias a { class = 00112233445566778899aabbccddeefe }",
		"",
	};

	(void)state;
	fresh();
	for (size_t i = 0; i < 3; i++) {
		struct told t = {0};

		assert_int_equal(conf_parse(text[i], &next, NULL), 0);
		assert_int_equal(conf_reload(&run, &next, on_change, &t), 1);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.last.name, "alias");
		assert_memory_equal(&run.alias_count, &next.alias_count,
		    sizeof(run.alias_count));
		assert_int_equal(conf_reload(&run, &next, NULL, NULL), 0);
	}
}

static void
a_shorter_text_leaves_no_tail(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(conf_set(&run, "public_uri=coap://long.example", NULL),
	    0);
	assert_int_equal(conf_set(&next, "public_uri=coap://x", NULL), 0);
	assert_int_equal(conf_reload(&run, &next, NULL, NULL), 1);
	assert_string_equal(run.public_uri, "coap://x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changed_is_nothing_told),
		cmocka_unit_test(each_key_does_what_its_row_says),
		cmocka_unit_test(aliases_are_live),
		cmocka_unit_test(a_shorter_text_leaves_no_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
