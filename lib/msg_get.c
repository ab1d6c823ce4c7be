/* The decoder of lib/msg.h. Everything in here comes from a stranger. */
#include "lib/msg.h"

#include "lib/rd.h"
#include "lib/text.h"

static int get_record(struct cbr *c, const struct msg_record *r, void *ret,
    struct why *why);

static int
get_text(struct cbr *c, char *dst, size_t cap)
{
	struct slice s;
	int rc = cbr_get_tstr(c, &s);

	if (rc == 0 && !slice_to_cstr(s, dst, cap))
		rc = s.n >= cap ? ERR_SIZE : ERR_MALFORMED;
	return rc;
}

static int
get_bytes(struct cbr *c, uint8_t *dst, size_t cap, size_t *ret_n)
{
	struct slice s;
	int rc = cbr_get_bstr(c, &s);

	if (rc != 0)
		return rc;
	if (s.n > cap)
		return ERR_SIZE;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	*ret_n = s.n;
	return 0;
}

static int
get_exact(struct cbr *c, uint8_t *dst, size_t n)
{
	uint8_t tmp[64];
	size_t got;
	int rc = get_bytes(c, tmp, n, &got);

	if (rc == 0 && got != n)
		rc = ERR_SIZE;
	if (rc == 0)
		memcpy(dst, tmp, n);
	return rc;
}

static int
get_tag(struct cbr *c, struct rd_tag *tags, size_t i)
{
	int rc = get_text(c, tags[i].name, sizeof(tags[i].name));

	if (rc == 0 && !text_name_ok(slice_str(tags[i].name), LIMIT_TAG_NAME))
		rc = ERR_MALFORMED;
	for (size_t j = 0; rc == 0 && j < i; j++)
		if (strcmp(tags[j].name, tags[i].name) == 0)
			rc = ERR_DUPLICATE;
	return rc ? rc : get_text(c, tags[i].value, sizeof(tags[i].value));
}

static int
get_array(struct cbr *c, const struct msg_field *f, void *rec,
    struct why *why)
{
	char *at = (char *)rec + f->off;
	uint64_t n;
	int rc = f->type == MSG_TAGS ? cbr_get_map(c, &n) :
	    cbr_get_array(c, &n);

	if (rc == 0 && n > f->cap)
		rc = ERR_SIZE;
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		if (f->type == MSG_TAGS)
			rc = get_tag(c, (struct rd_tag *)at, i);
		else if (f->type == MSG_UUIDS)
			rc = get_exact(c, (uint8_t *)at + i * 16, 16);
		else if (f->type == MSG_TEXTS)
			rc = get_text(c, at + i * f->elem, f->elem);
		else
			rc = get_record(c, f->rec, at + i * f->rec->size, why);
	}
	if (rc == 0)
		*(size_t *)((char *)rec + f->n_off) = (size_t)n;
	return rc;
}

static int
get_value(struct cbr *c, const struct msg_field *f, void *rec,
    struct why *why)
{
	char *at = (char *)rec + f->off;
	uint64_t u;
	int rc;

	switch (f->type) {
	case MSG_U64:
		return cbr_get_uint(c, (uint64_t *)at);
	case MSG_U32:
		rc = cbr_get_uint(c, &u);
		if (rc == 0 && u > UINT32_MAX)
			return ERR_RANGE;
		if (rc == 0)
			*(uint32_t *)at = (uint32_t)u;
		return rc;
	case MSG_I64:
		return cbr_get_int(c, (int64_t *)at);
	case MSG_BOOL:
		return cbr_get_bool(c, (bool *)at);
	case MSG_TEXT:
		return get_text(c, at, f->cap);
	case MSG_FIXED:
		return get_exact(c, (uint8_t *)at, f->cap);
	case MSG_UUID:
		return get_exact(c, (uint8_t *)at, 16);
	case MSG_BYTES:
		return get_bytes(c, (uint8_t *)at, f->cap,
		    (size_t *)((char *)rec + f->n_off));
	case MSG_RECORD:
		return get_record(c, f->rec, at, why);
	default:
		return get_array(c, f, rec, why);
	}
}

static const struct msg_field *
field_find(const struct msg_record *r, struct slice name)
{
	for (const struct msg_field *f = r->field; f->name != NULL; f++)
		if (slice_eq_str(name, f->name))
			return f;
	return NULL;
}

/* Nothing where something narrows a request down would widen it: no name in
 * a list of devices must not mean every device. Leave the field out. */
static bool
blank(const struct msg_field *f, const void *rec)
{
	const char *r = rec;

	if (!(f->flags & MSG_OPT))
		return false;
	if (f->type == MSG_TEXT)
		return r[f->off] == '\0';
	return (f->type == MSG_TEXTS || f->type == MSG_UUIDS) &&
	    *(const size_t *)(r + f->n_off) == 0;
}

/* One name and its value. */
static int
get_pair(struct cbr *c, const struct msg_record *r, void *ret,
    bool seen[MSG_FIELDS], struct why *why)
{
	const struct msg_field *f;
	struct slice key;
	char shown[64];
	int rc = cbr_get_tstr(c, &key);

	if (rc != 0)
		return why_set(why, rc, "%s: a field name must be text",
		    r->name);
	f = field_find(r, key);
	if (f == NULL) {
		if (!r->closed)
			return cbr_skip(c, NULL);
		return why_set(why, ERR_UNSUPPORTED, "%s: unknown field %s",
		    r->name, text_escape(key, shown, sizeof(shown)));
	}
	if (seen[f - r->field])
		return why_set(why, ERR_DUPLICATE, "%s: %s is there twice",
		    r->name, f->name);
	seen[f - r->field] = true;
	rc = get_value(c, f, ret, why);
	if (rc == 0 && r->closed && blank(f, ret))
		rc = ERR_MISSING;
	if (rc != 0 && (f->rec == NULL || why == NULL || why->err != rc))
		why_set(why, rc, "%s: %s: %s", r->name, f->name,
		    err_text(rc));
	if (rc == 0 && (f->flags & MSG_IF))
		*(bool *)((char *)ret + f->n_off) = true;
	return rc;
}

static int
get_record(struct cbr *c, const struct msg_record *r, void *ret,
    struct why *why)
{
	bool seen[MSG_FIELDS] = {false};
	uint64_t pairs;
	int rc = cbr_get_map(c, &pairs);

	if (rc == 0 && pairs > LIMIT_CBOR_MAP)
		rc = ERR_SIZE;
	if (rc != 0)
		return why_set(why, rc, "%s: must be a CBOR map", r->name);
	memset(ret, 0, r->size);
	while (pairs-- > 0) {
		rc = get_pair(c, r, ret, seen, why);
		if (rc != 0)
			return rc;
	}
	for (const struct msg_field *f = r->field; f->name != NULL; f++)
		if ((f->flags & MSG_REQ) && !seen[f - r->field])
			return why_set(why, ERR_MISSING, "%s: %s is missing",
			    r->name, f->name);
	return 0;
}

int
msg_get(const struct msg_record *r, struct slice in, void *ret,
    struct why *why)
{
	struct cbr c = cbr_of(in);
	struct why w = {0};
	int rc = get_record(&c, r, ret, &w);

	if (rc == 0 && !cbr_end(&c))
		rc = why_set(&w, ERR_TRAILING, "%s: bytes after the end",
		    r->name);
	return rc == 0 ? 0 : why_set(why, rc, "%s", w.text);
}

int
msg_page_open(const struct msg_record *rec, struct slice in,
    struct msg_page *ret)
{
	struct msg_page p = {.rec = rec};
	struct cbr c = cbr_of(in);
	struct slice key;
	uint64_t pairs;
	bool items = false;
	int rc = cbr_get_map(&c, &pairs);

	if (rc == 0 && pairs > 8)
		rc = ERR_SIZE;
	for (; rc == 0 && pairs > 0; pairs--) {
		rc = cbr_get_tstr(&c, &key);
		if (rc != 0)
			break;
		if (slice_eq_str(key, "items") && !items) {
			items = true;
			p.c = c;
			rc = cbr_get_array(&p.c, &p.left);
			if (rc == 0 && p.left > LIMIT_PAGE)
				rc = ERR_SIZE;
			if (rc == 0)
				rc = cbr_skip(&c, NULL);
		} else if (slice_eq_str(key, "next")) {
			rc = get_text(&c, p.next, sizeof(p.next));
		} else {
			rc = cbr_skip(&c, NULL);
		}
	}
	if (rc == 0 && !items)
		rc = ERR_MISSING;
	if (rc == 0 && !cbr_end(&c))
		rc = ERR_TRAILING;
	if (rc == 0)
		*ret = p;
	return rc;
}

int
msg_page_item(struct msg_page *p, void *ret, struct why *why)
{
	struct why w = {0};
	int rc;

	if (p->left == 0)
		return why_set(why, ERR_NOT_FOUND, "no more items");
	p->left--;
	rc = get_record(&p->c, p->rec, ret, &w);
	return rc == 0 ? 0 : why_set(why, rc, "%s", w.text);
}

int
msg_get_problem(struct slice in, struct msg_problem *ret)
{
	struct msg_problem p = {{0}, {0}};
	struct cbr c = cbr_of(in);
	struct cbr_item key;
	uint64_t pairs;
	int rc = cbr_get_map(&c, &pairs);

	if (rc == 0 && pairs > 16)
		rc = ERR_SIZE;
	for (; rc == 0 && pairs > 0; pairs--) {
		rc = cbr_peek(&c, &key);
		if (rc == 0)
			rc = cbr_skip(&c, NULL);
		if (rc != 0)
			break;
		if (key.type == CBR_NINT && key.u == 0)
			rc = get_text(&c, p.title, sizeof(p.title));
		else if (key.type == CBR_NINT && key.u == 1)
			rc = get_text(&c, p.detail, sizeof(p.detail));
		else
			rc = cbr_skip(&c, NULL);
	}
	if (rc == 0 && !cbr_end(&c))
		rc = ERR_TRAILING;
	if (rc == 0)
		*ret = p;
	return rc;
}
