/* Expressions that select devices: what is accepted parses again to the same,
 * its opposite selects the other devices, and a device that it selects
 * satisfies its hint. What is refused has a column inside of the text. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "lib/select.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1700000000000)

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static const uint8_t id[16] = {0xab, [15] = 1};
static const struct rd_tag tags[] = {{"site", "north"}, {"a", ""}};
static const struct select_subject devices[] = {
	{.ep = "lab-1", .have_class = true, .class_id = id, .vendor = id,
	    .have_seq = true, .seq = 7, .grade = GRADE_L1, .version = "1.2.0",
	    .driver = "trigger", .seen = NOW - 90000, .psk = true,
	    .registered = true, .tag_count = 2, .tag = tags},
	{.ep = "b", .driver = "none", .revoked = true, .grade = GRADE_L2,
	    .tag_count = 1, .tag = tags},
	{.ep = "\xc3\xb6", .have_seq = true, .seen = NOW + 1},
	{.ep = NULL},
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

static void
hint_holds(const struct select *s, const struct select_subject *d)
{
	struct select_hint h;
	bool tag;

	select_hint(s, &h);
	tag = h.tag_name[0] == '\0';
	for (size_t i = 0; i < d->tag_count; i++)
		tag = tag || (strcmp(d->tag[i].name, h.tag_name) == 0 &&
		    (h.tag_value[0] == '\0' ||
		    strcmp(d->tag[i].value, h.tag_value) == 0));
	require(tag);
	require(select_uses_tags(s) || h.tag_name[0] == '\0');
	require(!h.have_class || (d->have_class &&
	    memcmp(d->class_id, h.class_id, 16) == 0));
	require(h.prefix[0] == '\0' || (d->ep != NULL &&
	    strncmp(d->ep, h.prefix, strlen(h.prefix)) == 0));
	require(!h.exact || strcmp(d->ep, h.prefix) == 0);
}

/* "!(text)" selects what `s` does not, if it is within the caps. */
static void
opposite(const struct select *s, const struct conf *conf)
{
	char text[LIMIT_SELECT + 4];
	struct select not;
	bool have;

	snprintf(text, sizeof(text), "!(%s)", s->text);
	have = s->count > 0 && select_parse(text, conf, &not, NULL, NULL) == 0;
	for (size_t i = 0; i < DEVICES; i++) {
		bool yes = select_match(s, &devices[i], NOW);

		if (yes)
			hint_holds(s, &devices[i]);
		require(!have ||
		    select_match(&not, &devices[i], NOW) == !yes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct conf conf = {.alias_count = 1,
	    .alias = {{"sensor-v1", {0xab, [15] = 1}}}};
	/* of its exact size, so that a read past its end shows */
	char *text = malloc(n + 1);
	struct select s, again;
	unsigned column = 0;

	require(text != NULL);
	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	if (select_parse(text, &conf, &s, &column, NULL) == 0) {
		require(strlen(text) <= LIMIT_SELECT &&
		    s.count <= LIMIT_SELECT_NODES);
		require(strcmp(s.text, text) == 0);
		require(select_parse(s.text, &conf, &again, NULL, NULL) == 0);
		require(again.count == s.count);
		for (size_t i = 0; i < DEVICES; i++)
			require(select_match(&s, &devices[i], NOW) ==
			    select_match(&again, &devices[i], NOW));
		opposite(&s, &conf);
	} else {
		require(column >= 1 && column <= strlen(text) + 1);
	}
	free(text);
	return 0;
}
