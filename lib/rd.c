/*
 * rd: a registration is a table of parameters. An option whose name is not
 * in it is somebody else's (d, et, and LwM2M's lwm2m, b, sms, Q among them)
 * and is ignored; one in it with a bad value is refused, because a device
 * that is registered under half of what it said is worse than one that is
 * told so.
 *
 * Query options are raw here: CoAP has no percent-encoding in options.
 */
#include "lib/rd.h"

#include "lib/text.h"
#include "lib/uri.h"

#define LT_DEFAULT 90000 /* RFC 9176 5 */
#define TRIGGER "/suit/trigger"
#define TAG_PREFIX "tag."

static int
put_ep(struct rd *rd, struct slice v)
{
	if (v.n > LIMIT_EP)
		return ERR_SIZE;
	if (!text_name_ok(v, LIMIT_EP) ||
	    !slice_to_cstr(v, rd->ep, sizeof(rd->ep)))
		return ERR_MALFORMED;
	return 0;
}

static int
put_lt(struct rd *rd, struct slice v)
{
	uint64_t u;
	int rc = text_u64(v, &u);

	if (rc != 0)
		return rc;
	if (u == 0 || u > UINT32_MAX)
		return ERR_RANGE;
	rd->lt = (uint32_t)u;
	rd->have_lt = true;
	return 0;
}

static int
put_base(struct rd *rd, struct slice v)
{
	struct uri u;
	int rc;

	if (v.n > LIMIT_URI)
		return ERR_SIZE;
	rc = uri_parse(v, &u, NULL);
	if (rc != 0)
		return rc;
	if (u.scheme == URI_NONE || u.scheme == URI_OTHER)
		return ERR_UNSUPPORTED;
	if (!slice_to_cstr(v, rd->base, sizeof(rd->base)))
		return ERR_MALFORMED;
	return 0;
}

static int
put_class(struct rd *rd, struct slice v)
{
	if (text_uuid_parse(v, rd->class_id) == 0) {
		rd->have_class = true;
		return 0;
	}
	if (v.n > LIMIT_ALIAS)
		return ERR_SIZE;
	if (!text_name_ok(v, LIMIT_ALIAS) ||
	    !slice_to_cstr(v, rd->class_alias, sizeof(rd->class_alias)))
		return ERR_MALFORMED;
	return 0;
}

static int
put_vendor(struct rd *rd, struct slice v)
{
	int rc = text_uuid_parse(v, rd->vendor);

	if (rc == 0)
		rd->have_vendor = true;
	return rc;
}

static int
put_seq(struct rd *rd, struct slice v)
{
	int rc = text_u64(v, &rd->sequence);

	if (rc == 0)
		rd->have_sequence = true;
	return rc;
}

static int
put_version(struct rd *rd, struct slice v)
{
	if (v.n > LIMIT_VERSION)
		return ERR_SIZE;
	if (!text_utf8_ok(v))
		return ERR_UTF8;
	if (!slice_to_cstr(v, rd->version, sizeof(rd->version)))
		return ERR_MALFORMED;
	return 0;
}

static const struct {
	const char *name;
	int (*put)(struct rd *rd, struct slice v);
} params[] = {
	{"ep", put_ep},
	{"lt", put_lt},
	{"base", put_base},
	{"c", put_class},
	{"vendor", put_vendor},
	{"seq", put_seq},
	{"v", put_version},
};
#define PARAMS (sizeof(params) / sizeof(params[0]))

/* "tag.NAME=VALUE", with the prefix already seen. */
static int
put_tag(struct rd *rd, struct slice option)
{
	size_t skip = strlen(TAG_PREFIX);
	struct slice s = slice_sub(option, skip, option.n - skip);
	const uint8_t *eq = s.n ? memchr(s.p, '=', s.n) : NULL;
	struct slice name, value;
	struct rd_tag t = {0};

	if (eq == NULL)
		return ERR_MALFORMED;
	name = slice_sub(s, 0, (size_t)(eq - s.p));
	value = slice_sub(s, name.n + 1, s.n);
	if (name.n > LIMIT_TAG_NAME || value.n > LIMIT_TAG_VALUE ||
	    rd->tag_count == LIMIT_TAGS)
		return ERR_SIZE;
	if (!text_name_ok(name, LIMIT_TAG_NAME) ||
	    !slice_to_cstr(name, t.name, sizeof(t.name)))
		return ERR_MALFORMED;
	if (!text_utf8_ok(value))
		return ERR_UTF8;
	if (!slice_to_cstr(value, t.value, sizeof(t.value)))
		return ERR_MALFORMED;
	for (size_t i = 0; i < rd->tag_count; i++)
		if (strcmp(rd->tag[i].name, t.name) == 0)
			return ERR_DUPLICATE;
	rd->tag[rd->tag_count++] = t;
	return 0;
}

static int
option(struct rd *rd, struct slice o, unsigned *seen, struct why *why)
{
	int rc;

	if (slice_eq_str(slice_sub(o, 0, strlen(TAG_PREFIX)), TAG_PREFIX)) {
		rc = put_tag(rd, o);
		return rc == 0 ? 0 : why_set(why, rc,
		    "registration: tag.NAME=VALUE: %s", err_text(rc));
	}
	for (size_t i = 0; i < PARAMS; i++) {
		struct slice v = uri_query_value(o, params[i].name);

		if (v.p == NULL)
			continue;
		if (*seen & 1u << i)
			return why_set(why, ERR_DUPLICATE,
			    "RFC 9176 5: %s is given twice", params[i].name);
		*seen |= 1u << i;
		rc = params[i].put(rd, v);
		return rc == 0 ? 0 : why_set(why, rc,
		    "RFC 9176 5: %s: %s", params[i].name, err_text(rc));
	}
	return 0;
}

/* --- link format (RFC 6690 2) --- */

static size_t
skip_space(struct slice s, size_t i)
{
	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' ||
	    s.p[i] == '\r' || s.p[i] == '\n'))
		i++;
	return i;
}

/* Attributes of one link, up to the comma before the next or the end. */
static int
skip_attributes(struct slice s, size_t *pos)
{
	size_t i = *pos;
	bool quoted = false;

	for (; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.p[i] == ',')
			break;
	}
	if (quoted)
		return ERR_TRUNCATED;
	*pos = i < s.n ? i : s.n;
	return 0;
}

static int
links(struct slice s, bool *ret_trigger)
{
	size_t i = skip_space(s, 0);
	bool trigger = false;

	while (i < s.n) {
		const uint8_t *gt;
		size_t len;
		int rc;

		if (s.p[i] != '<')
			return ERR_MALFORMED;
		i++;
		gt = i < s.n ? memchr(s.p + i, '>', s.n - i) : NULL;
		if (gt == NULL)
			return ERR_TRUNCATED;
		len = (size_t)(gt - (s.p + i));
		if (slice_eq_str(slice_sub(s, i, len), TRIGGER))
			trigger = true;
		i = skip_space(s, i + len + 1);
		if (i < s.n && s.p[i] != ';' && s.p[i] != ',')
			return ERR_MALFORMED;
		rc = skip_attributes(s, &i);
		if (rc != 0)
			return rc;
		if (i < s.n)
			i = skip_space(s, i + 1);
	}
	*ret_trigger = trigger;
	return 0;
}

int
rd_parse(const struct slice *query, size_t n, struct slice payload,
    struct rd *ret, struct why *why)
{
	struct rd rd = {.lt = LT_DEFAULT};
	unsigned seen = 0;
	int rc;

	if (n > LIMIT_QUERY)
		return why_set(why, ERR_SIZE,
		    "registration: more than %d query options", LIMIT_QUERY);
	for (size_t i = 0; i < n; i++) {
		rc = option(&rd, query[i], &seen, why);
		if (rc != 0)
			return rc;
	}
	rc = links(payload, &rd.has_trigger);
	if (rc != 0)
		return why_set(why, rc, "RFC 6690 2: links: %s",
		    err_text(rc));
	*ret = rd;
	return 0;
}
