/*
 * Lines of an export. They are read by making the line again from what was
 * understood and comparing: so there is one text for each entry, and nothing
 * in a line that the chain does not cover. The tree is jansson's, freed on
 * return.
 */
#include <jansson.h>

#include "lib/audit.h"
#include "lib/msg_records.h"
#include "lib/text.h"

int
audit_line_put(const struct audit_entry *e, struct buf *out)
{
	msg_put_json(&msg_audit, e, out);
	buf_puts(out, "\n");
	return out->over ? ERR_SPACE : 0;
}

static bool
text_of(const json_t *o, const char *name, char *dst, size_t cap)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) && slice_to_cstr(slice_of(
	    json_string_value(v), json_string_length(v)), dst, cap);
}

static bool
hash_of(const json_t *o, const char *name, uint8_t ret[AUDIT_HASH])
{
	struct buf b = buf_of(ret, AUDIT_HASH);
	char hex[2 * AUDIT_HASH + 1];

	return text_of(o, name, hex, sizeof(hex)) &&
	    text_unhex(slice_str(hex), &b) == 0 && b.n == AUDIT_HASH;
}

static bool
number_of(const json_t *o, const char *name, int64_t *ret)
{
	const json_t *v = json_object_get(o, name);

	*ret = json_is_integer(v) ? json_integer_value(v) : -1;
	return *ret >= 0;
}

static bool
read_members(const json_t *o, struct audit_entry *e)
{
	int64_t n;
	bool ok = number_of(o, "n", &n) && number_of(o, "at", &e->at) &&
	    text_of(o, "who", e->who, sizeof(e->who)) &&
	    text_of(o, "kind", e->kind, sizeof(e->kind)) &&
	    text_of(o, "subject", e->subject, sizeof(e->subject)) &&
	    text_of(o, "detail", e->detail, sizeof(e->detail)) &&
	    hash_of(o, "prev", e->prev) && hash_of(o, "hash", e->hash);

	e->n = ok ? (uint64_t)n : 0;
	return ok;
}

int
audit_line_get(struct slice line, struct audit_entry *ret, struct why *why)
{
	struct audit_entry e = {.n = 0};
	uint8_t again[AUDIT_LINE];
	struct buf b = buf_of(again, sizeof(again));
	json_error_t je;
	json_t *o = line.n == 0 || line.n >= AUDIT_LINE ? NULL :
	    json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES,
	    &je);
	bool ok = o != NULL && read_members(o, &e);

	json_decref(o);
	if (!ok)
		return why_set(why, ERR_MALFORMED, "not a line of an export");
	if (audit_line_put(&e, &b) != 0 || !slice_eq(slice_sub(buf_slice(&b),
	    0, b.n - 1), line))
		return why_set(why, ERR_MALFORMED, "entry %llu: the line is "
		    "not as it was exported", (unsigned long long)e.n);
	*ret = e;
	return 0;
}
