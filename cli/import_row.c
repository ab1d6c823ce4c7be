#include "cli/import_row.h"

#include "lib/text.h"

const char *const import_columns[IMPORT_COLUMNS] = {
	[IMPORT_EP] = "ep", [IMPORT_CLASS] = "class",
	[IMPORT_CLASS_BY] = "class_by", [IMPORT_TAGS] = "tags",
	[IMPORT_IDENTITY] = "identity", [IMPORT_PSK] = "psk",
};

static int
not_csv(int err, struct why *why)
{
	return err == ERR_LIMIT ? why_set(why, ERR_INVALID,
	    "more values than columns") : why_set(why, err,
	    "not CSV: a quote where none may be, or one that is not closed");
}

int
import_head(char *line, size_t n, struct import_head *ret, struct why *why)
{
	struct slice f[IMPORT_COLUMNS];
	struct import_head h = {.n = 0};
	unsigned seen = 0;
	char name[40];
	size_t nf = 0;
	int rc = csv_split(line, n, f, IMPORT_COLUMNS, &nf);

	if (rc != 0)
		return not_csv(rc, why);
	for (size_t i = 0; i < nf; i++) {
		unsigned k = 0;

		while (k < IMPORT_COLUMNS && !slice_eq_str(f[i],
		    import_columns[k]))
			k++;
		if (k == IMPORT_COLUMNS || (seen & 1u << k) != 0)
			return why_set(why, ERR_INVALID, "%s is no column, or "
			    "is there twice; there are ep, class, class_by, "
			    "tags, identity and psk", text_escape(f[i], name,
			    sizeof(name)));
		seen |= 1u << k;
		h.column[h.n++] = k;
	}
	if ((seen & 1u << IMPORT_EP) == 0)
		return why_set(why, ERR_INVALID, "the first line has the "
		    "names of the columns, of which ep must be there");
	*ret = h;
	return 0;
}

/* A character at *at, with its backslash taken; -1: a ; or the end. */
static int
tag_char(struct slice s, size_t *at)
{
	if (*at == s.n || s.p[*at] == ';')
		return -1;
	if (s.p[*at] == '\\' && *at + 1 < s.n)
		++*at;
	return s.p[(*at)++];
}

static int
read_tag(struct slice s, size_t *at, struct rd_tag *t, struct why *why)
{
	struct buf name = buf_of(t->name, LIMIT_TAG_NAME);
	struct buf value = buf_of(t->value, LIMIT_TAG_VALUE), *b = &name;
	int c;

	while ((c = tag_char(s, at)) >= 0) {
		if (c == '=' && b == &name)
			b = &value;
		else
			buf_put_u8(b, (uint8_t)c);
	}
	t->name[name.n] = t->value[value.n] = '\0';
	if (b == &name || name.over || value.over || value.n == 0 ||
	    !text_name_ok(buf_slice(&name), LIMIT_TAG_NAME))
		return why_set(why, ERR_INVALID, "tags: must be NAME=VALUE, "
		    "of at most %d and %d bytes, with ; between them",
		    LIMIT_TAG_NAME, LIMIT_TAG_VALUE);
	return 0;
}

static int
read_tags(struct slice s, struct msg_import_row *r, struct why *why)
{
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && at < s.n) {
		if (r->tag_count == LIMIT_TAGS)
			return why_set(why, ERR_INVALID, "tags: more than %d",
			    LIMIT_TAGS);
		rc = read_tag(s, &at, &r->tag[r->tag_count++], why);
		at += at < s.n; /* the ; */
	}
	return rc;
}

static int
read_key(struct slice s, struct msg_import_row *r, bool *ret_new,
    struct why *why)
{
	struct buf key = buf_of(r->key, sizeof(r->key));

	*ret_new = slice_eq_str(s, "new");
	if (*ret_new)
		return 0;
	if (text_unhex(s, &key) != 0 || key.n < LIMIT_PSK_KEY_LEAST)
		return why_set(why, ERR_INVALID, "psk: must be new, or %d to "
		    "%d bytes in hex", LIMIT_PSK_KEY_LEAST, LIMIT_PSK_KEY);
	r->key_len = key.n;
	return 0;
}

static int
read_text(enum import_column c, struct slice s, char *dst, size_t cap,
    struct why *why)
{
	return slice_to_cstr(s, dst, cap) ? 0 : why_set(why, ERR_SIZE,
	    "%s: longer than %zu bytes", import_columns[c], cap - 1);
}

static int
read_value(enum import_column c, struct slice s, struct msg_import_row *r,
    struct why *why)
{
	switch (c) {
	case IMPORT_EP:
		return read_text(c, s, r->ep, sizeof(r->ep), why);
	case IMPORT_CLASS:
		return read_text(c, s, r->class_name, sizeof(r->class_name),
		    why);
	case IMPORT_CLASS_BY:
		return read_text(c, s, r->class_by, sizeof(r->class_by), why);
	case IMPORT_IDENTITY:
		return read_text(c, s, r->identity, sizeof(r->identity), why);
	default:
		return read_tags(s, r, why);
	}
}

int
import_row(const struct import_head *h, char *line, size_t n,
    struct msg_import_row *ret, bool *ret_new, struct why *why)
{
	struct slice f[IMPORT_COLUMNS];
	size_t nf = 0;
	int rc = csv_split(line, n, f, h->n, &nf);

	if (rc != 0)
		return not_csv(rc, why);
	if (nf != h->n)
		return why_set(why, ERR_INVALID, "%zu values for %zu columns",
		    nf, h->n);
	memset(ret, 0, sizeof(*ret));
	*ret_new = false;
	for (size_t i = 0; i < nf && rc == 0; i++) {
		if (f[i].n == 0)
			continue;
		rc = h->column[i] == IMPORT_PSK ? read_key(f[i], ret, ret_new,
		    why) : read_value(h->column[i], f[i], ret, why);
	}
	if (rc == 0 && !text_name_ok(slice_str(ret->ep), LIMIT_EP))
		rc = why_set(why, ERR_INVALID, "ep: an endpoint name has "
		    "letters, digits and ._:@- , %d at most", LIMIT_EP);
	return rc;
}

void
import_put_head(struct buf *out)
{
	for (unsigned i = 0; i < IMPORT_PSK; i++) {
		buf_puts(out, i > 0 ? "," : "");
		buf_puts(out, import_columns[i]);
	}
	buf_puts(out, "\n");
}

static void
put_tag(struct buf *out, const struct rd_tag *t)
{
	buf_puts(out, t->name);
	buf_puts(out, "=");
	for (const char *p = t->value; *p != '\0'; p++) {
		if (*p == ';' || *p == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)*p);
	}
}

void
import_put_row(const struct msg_device *d, struct buf *out)
{
	uint8_t raw[LIMIT_TAGS * 2 * (LIMIT_TAG_NAME + LIMIT_TAG_VALUE + 2)];
	struct buf tags = buf_of(raw, sizeof(raw));
	char uuid[37];

	for (size_t i = 0; i < d->tag_count; i++) {
		buf_puts(&tags, i > 0 ? ";" : "");
		put_tag(&tags, &d->tag[i]);
	}
	buf_puts(out, d->ep);
	buf_puts(out, ",");
	if (d->have_class)
		buf_puts(out, text_uuid(d->class_id, uuid));
	buf_puts(out, !d->have_class ? ",," : d->class_set ? ",operator," :
	    ",device,");
	csv_put(out, buf_slice(&tags));
	buf_puts(out, ",");
	csv_put(out, slice_str(d->identity));
	buf_puts(out, "\n");
}
