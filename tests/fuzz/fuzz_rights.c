/*
 * Rights, and behind a newline a selection: what is accepted prints and
 * parses back to the same, and a selection that looks bounded by the scope,
 * whoever wrote it, selects no device without one of its tags.
 */
#include <stdlib.h>

#include "lib/rights.h"
#include "lib/select.h"
#include "tests/fuzz/fuzz.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
comes_back(const struct rights *r)
{
	static uint8_t one[LIMIT_RIGHTS], two[LIMIT_RIGHTS];
	struct buf a = buf_of(one, sizeof(one)), b = buf_of(two, sizeof(two));
	struct rights again;

	rights_print(r, &a);
	require(!a.over);
	require(rights_parse(buf_slice(&a), NULL, &again, NULL) == 0);
	rights_print(&again, &b);
	require(slice_eq(buf_slice(&a), buf_slice(&b)));
	require((r->role & ~(unsigned)ROLES_ADMIN) == 0 && r->role != 0);
}

/* Of a device that has everything but a tag. */
static void
is_bounded(const struct scope *s, const char *text)
{
	static const uint8_t id[16] = {1};
	const struct select_subject d = {.ep = "x", .have_class = true,
	    .class_id = id, .vendor = id, .have_seq = true, .version = "1",
	    .driver = "none", .seen = 1, .psk = true, .registered = true};
	struct select sel;

	if (s->tag_count > 0 && scope_has_select(s, text) &&
	    select_parse(text, NULL, &sel, NULL, NULL) == 0)
		require(!select_match(&sel, &d, 1000));
}

static void
bounds(const struct scope *s, struct slice expr)
{
	char text[2 * LIMIT_RIGHTS], typed[LIMIT_SELECT + 1];
	struct buf b = buf_of(text, sizeof(text) - 1);
	struct select sel;

	if (!slice_to_cstr(expr, typed, sizeof(typed)))
		return;
	is_bounded(s, typed);
	scope_print_select(s, &b);
	buf_puts(&b, "(");
	buf_puts(&b, typed);
	buf_puts(&b, ")");
	require(!b.over);
	text[b.n] = '\0';
	is_bounded(s, text);
	if (s->tag_count > 0 && typed[strspn(typed, " \t\r\n")] != '\0' &&
	    select_parse(typed, NULL, &sel, NULL, NULL) == 0)
		require(scope_has_select(s, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nl = n > 0 ? memchr(p, '\n', n) : NULL;
	size_t line = nl != NULL ? (size_t)(nl - p) : n;
	struct rights r;

	memset(&r, 0, sizeof(r));
	if (rights_parse(slice_of(p, line), NULL, &r, NULL) != 0)
		return 0;
	comes_back(&r);
	if (nl != NULL)
		bounds(&r.scope, slice_of(nl + 1, n - line - 1));
	return 0;
}
