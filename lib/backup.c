#include "lib/backup.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "lib/text.h"

/* --- reading --- */

/* A member that must be there, of this type. */
static const json_t *
member(const json_t *o, const char *name, json_type type, int *rc,
    struct why *why)
{
	const json_t *v = json_object_get(o, name);

	if (*rc != 0)
		return NULL;
	if (v == NULL)
		*rc = why_set(why, ERR_MISSING, "%s: no \"%s\"", BACKUP_FILE,
		    name);
	else if (json_typeof(v) != type)
		*rc = why_set(why, ERR_TYPE, "%s: \"%s\" is of the wrong type",
		    BACKUP_FILE, name);
	return *rc == 0 ? v : NULL;
}

static int64_t
integer(const json_t *o, const char *name, int *rc, struct why *why)
{
	const json_t *v = member(o, name, JSON_INTEGER, rc, why);

	if (v == NULL)
		return 0;
	if (json_integer_value(v) < 0)
		*rc = why_set(why, ERR_RANGE, "%s: \"%s\" is negative",
		    BACKUP_FILE, name);
	return json_integer_value(v);
}

static int
file(const json_t *o, struct backup_file *ret, struct why *why)
{
	struct backup_file f = {.size = 0};
	struct buf b = buf_of(f.digest, sizeof(f.digest));
	const json_t *hex;
	int rc = 0;

	f.size = (uint64_t)integer(o, "size", &rc, why);
	hex = member(o, "sha256", JSON_STRING, &rc, why);
	if (rc == 0 && (json_string_length(hex) != 64 ||
	    text_unhex(slice_str(json_string_value(hex)), &b) != 0 ||
	    b.n != sizeof(f.digest)))
		rc = why_set(why, ERR_MALFORMED, "%s: a \"sha256\" is not 64 "
		    "hex digits", BACKUP_FILE);
	if (rc == 0)
		*ret = f;
	return rc;
}

static int
images(const json_t *list, struct backup *b,
    int (*image)(void *arg, const struct backup_file *f), void *arg,
    struct why *why)
{
	struct backup_file f, last = {.size = 0};
	int rc = 0;

	if (json_array_size(list) > LIMIT_BACKUP_IMAGES)
		return why_set(why, ERR_LIMIT, "%s: over %d images",
		    BACKUP_FILE, LIMIT_BACKUP_IMAGES);
	for (size_t i = 0; i < json_array_size(list); i++) {
		rc = file(json_array_get(list, i), &f, why);
		if (rc == 0 && i > 0 && memcmp(f.digest, last.digest, 32) <= 0)
			rc = why_set(why, ERR_ORDER, "%s: images are not by "
			    "rising digest", BACKUP_FILE);
		if (rc == 0 && (f.size == 0 || f.size > LIMIT_IMAGE))
			rc = why_set(why, ERR_RANGE, "%s: an image of %" PRIu64
			    " bytes", BACKUP_FILE, f.size);
		if (rc == 0 && image != NULL)
			rc = image(arg, &f);
		if (rc != 0)
			break;
		last = f;
		b->images++;
		b->image_bytes += f.size;
	}
	return rc;
}

static int
head(const json_t *o, struct backup *b, struct why *why)
{
	const json_t *v, *keys = json_object_get(o, "operators");
	int64_t n;
	int rc = 0;

	n = integer(o, "format", &rc, why);
	if (rc == 0 && n != BACKUP_FORMAT)
		return why_set(why, ERR_UNSUPPORTED, "%s: format %" PRId64
		    ", and this suitd knows %d", BACKUP_FILE, n,
		    BACKUP_FORMAT);
	v = member(o, "suitd", JSON_STRING, &rc, why);
	if (rc == 0 && !slice_to_cstr(slice_of(json_string_value(v),
	    json_string_length(v)), b->version, sizeof(b->version)))
		rc = why_set(why, ERR_SIZE, "%s: \"suitd\" is too long",
		    BACKUP_FILE);
	n = integer(o, "schema", &rc, why);
	if (rc == 0 && (n < 1 || n > INT32_MAX))
		rc = why_set(why, ERR_RANGE, "%s: schema", BACKUP_FILE);
	b->schema = (int)n;
	b->created = integer(o, "created", &rc, why);
	b->missing = (uint64_t)integer(o, "missing", &rc, why);
	v = member(o, "database", JSON_OBJECT, &rc, why);
	if (rc == 0)
		rc = file(v, &b->db, why);
	b->have_keys = keys != NULL;
	if (rc == 0 && b->have_keys)
		rc = file(keys, &b->keys, why);
	if (rc == 0 && b->keys.size > LIMIT_OPERATORS_FILE)
		rc = why_set(why, ERR_RANGE, "%s: operators' keys of over %d "
		    "bytes", BACKUP_FILE, LIMIT_OPERATORS_FILE);
	return rc;
}

/* Optional: what an earlier suitd wrote has none. */
static int
audit(const json_t *o, struct backup *b, struct why *why)
{
	const json_t *v = json_object_get(o, "audit");

	if (v == NULL)
		return 0;
	if (!json_is_string(v) || audit_head_parse(slice_of(
	    json_string_value(v), json_string_length(v)), &b->audit) != 0)
		return why_set(why, ERR_MALFORMED, "%s: \"audit\" is not a "
		    "number and a hash", BACKUP_FILE);
	return 0;
}

int
backup_read(struct slice text, struct backup *ret,
    int (*image)(void *arg, const struct backup_file *f), void *arg,
    struct why *why)
{
	struct backup b = {.schema = 0};
	const json_t *list;
	json_error_t e;
	json_t *o;
	int rc = 0;

	if (text.n > LIMIT_BACKUP_FILE)
		return why_set(why, ERR_SIZE, "%s: over %d bytes",
		    BACKUP_FILE, LIMIT_BACKUP_FILE);
	o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES,
	    &e);
	if (o == NULL)
		return why_set(why, ERR_MALFORMED, "%s: line %d: %s",
		    BACKUP_FILE, e.line, e.text);
	rc = json_is_object(o) ? head(o, &b, why) : why_set(why, ERR_TYPE,
	    "%s: not an object", BACKUP_FILE);
	if (rc == 0)
		rc = audit(o, &b, why);
	list = member(o, "images", JSON_ARRAY, &rc, why);
	if (rc == 0)
		rc = images(list, &b, image, arg, why);
	json_decref(o);
	if (rc == 0)
		*ret = b;
	return rc;
}

/* --- writing --- */

static void
put_file(const struct backup_file *f, struct buf *out)
{
	char hex[65], line[128];

	text_hex(slice_of(f->digest, 32), hex, sizeof(hex));
	snprintf(line, sizeof(line), "{\"sha256\": \"%s\", \"size\": %" PRIu64
	    "}", hex, f->size);
	buf_puts(out, line);
}

/* A version is "0.1.0": what would need an escape is left out. */
static void
put_version(const char *s, struct buf *out)
{
	for (; *s != '\0'; s++)
		if (*s > ' ' && *s < 0x7f && *s != '"' && *s != '\\')
			buf_put_u8(out, (uint8_t)*s);
}

void
backup_put_begin(const struct backup *b, struct buf *out)
{
	char line[160], head[AUDIT_HEAD_TEXT];

	snprintf(line, sizeof(line), "{\n\"format\": %d,\n\"suitd\": \"",
	    BACKUP_FORMAT);
	buf_puts(out, line);
	put_version(b->version, out);
	snprintf(line, sizeof(line), "\",\n\"schema\": %d,\n\"created\": %"
	    PRId64 ",\n\"missing\": %" PRIu64 ",\n\"database\": ", b->schema,
	    b->created, b->missing);
	buf_puts(out, line);
	put_file(&b->db, out);
	if (b->have_keys) {
		buf_puts(out, ",\n\"operators\": ");
		put_file(&b->keys, out);
	}
	if (b->audit.n > 0) {
		buf_puts(out, ",\n\"audit\": \"");
		buf_puts(out, audit_head_text(&b->audit, head));
		buf_puts(out, "\"");
	}
	buf_puts(out, ",\n\"images\": [");
}

void
backup_put_image(const struct backup_file *f, bool first, struct buf *out)
{
	buf_puts(out, first ? "\n" : ",\n");
	put_file(f, out);
}

void
backup_put_end(struct buf *out)
{
	buf_puts(out, "\n]\n}\n");
}

void
backup_image_path(const uint8_t digest[32], char ret[BACKUP_IMAGE_PATH])
{
	memcpy(ret, BACKUP_IMAGES "/", sizeof(BACKUP_IMAGES));
	text_hex(slice_of(digest, 32), ret + sizeof(BACKUP_IMAGES),
	    BACKUP_IMAGE_PATH - sizeof(BACKUP_IMAGES));
}
