/* Values as they are written, and as they are kept: one way for each type. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/conf_key.h"
#include "lib/text.h"

#define DAY 86400u

/* The index of `s` in "a|b|c", or -1. */
static int
word_index(const char *words, const char *s)
{
	size_t n = strlen(s), len;

	for (int i = 0;; i++) {
		len = strcspn(words, "|");
		if (len == n && memcmp(words, s, n) == 0)
			return i;
		if (words[len] == '\0')
			return -1;
		words += len + 1;
	}
}

static int
addr_check(const char *s)
{
	const char *colon = strrchr(s, ':');
	const char *host_end = colon;
	uint64_t port;

	if (*s == '\0')
		return 0;
	if (strlen(s) >= LIMIT_ADDRESS)
		return ERR_SIZE;
	if (colon == NULL || text_u64(slice_str(colon + 1), &port) != 0 ||
	    port > 65535)
		return ERR_TYPE;
	if (*s == '[') {
		s++;
		if (--host_end <= s || *host_end != ']')
			return ERR_TYPE;
		s += strspn(s, "0123456789abcdefABCDEF:.");
		if (*s == '%') /* a scope */
			s += strcspn(s, "]/\" ");
		return s == host_end ? 0 : ERR_TYPE;
	}
	if (host_end == s || strcspn(s, ":") != (size_t)(host_end - s) ||
	    strcspn(s, "/[]@\" \t") < (size_t)(host_end - s))
		return ERR_TYPE;
	return 0;
}

/* A number of any of the numeric types, in the unit of min and max. */
static int
number_parse(const struct conf_key *k, const char *value, uint64_t *ret)
{
	struct slice s = slice_str(value);
	int64_t sec;
	int rc;

	switch (k->type) {
	case CONF_BYTES:
		return text_bytes(s, ret);
	case CONF_SECONDS:
	case CONF_MS:
		rc = text_duration(s, &sec);
		if (rc == 0)
			*ret = (uint64_t)sec;
		return rc;
	default:
		return text_u64(s, ret);
	}
}

static void
number_store(const struct conf_key *k, void *at, uint64_t u)
{
	switch (k->type) {
	case CONF_BYTES:
		*(uint64_t *)at = u;
		break;
	case CONF_MS:
		*(int64_t *)at = (int64_t)u * 1000;
		break;
	case CONF_MS_NUMBER:
		*(int64_t *)at = (int64_t)u;
		break;
	default:
		*(uint32_t *)at = (uint32_t)u;
		break;
	}
}

/* The largest unit that says it exactly. */
static void
put_unit(struct buf *out, uint64_t u, const uint64_t *unit, const char *name)
{
	char t[32];
	size_t i = 0;

	while (name[i] != '\0' && (u == 0 || u % unit[i] != 0))
		i++;
	if (name[i] == '\0')
		snprintf(t, sizeof(t), "%" PRIu64, u);
	else
		snprintf(t, sizeof(t), "%" PRIu64 "%c", u / unit[i], name[i]);
	buf_puts(out, t);
}

static void
put_seconds(struct buf *out, uint64_t s)
{
	static const uint64_t unit[] = {DAY, 3600, 60, 1};

	put_unit(out, s, unit, "dhms");
}

static void
put_bytes(struct buf *out, uint64_t n)
{
	static const uint64_t unit[] = {1u << 30, 1u << 20, 1u << 10};

	put_unit(out, n, unit, "GMk");
}

static void
put_number(struct buf *out, uint64_t u)
{
	static const uint64_t one[] = {1};

	put_unit(out, u, one, "");
}

static void
put_bound(const struct conf_key *k, uint64_t u, struct buf *out)
{
	if (k->type == CONF_BYTES)
		put_bytes(out, u);
	else if (k->type == CONF_SECONDS || k->type == CONF_MS)
		put_seconds(out, u);
	else
		put_number(out, u);
}

/* Is it a number of any kind? Then it has bounds. */
static bool
is_number(const struct conf_key *k)
{
	return k->type >= CONF_NUMBER && k->type <= CONF_MS_NUMBER;
}

void
conf_key_put_range(const struct conf_key *k, struct buf *out)
{
	if (k->type == CONF_BOOL)
		buf_puts(out, "true|false");
	if (k->words != NULL)
		buf_puts(out, k->words);
	if (!is_number(k))
		return;
	put_bound(k, k->min, out);
	buf_puts(out, " .. ");
	put_bound(k, k->max, out);
	buf_puts(out, k->unit != NULL ? " " : "");
	buf_puts(out, k->unit != NULL ? k->unit : "");
}

static const char *const shapes[] = {
	[CONF_NUMBER] = "a number",
	[CONF_BLOCK] = "16, 32, 64, 128, 256, 512 or 1024",
	[CONF_BYTES] = "a size such as 65536, 64k or 64M",
	[CONF_SECONDS] = "a duration such as 90s, 15m, 1h or 7d",
	[CONF_MS] = "a duration such as 90s, 15m, 1h or 7d",
	[CONF_MS_NUMBER] = "a number of milliseconds",
};

static int
number_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	uint64_t u = 0;
	int rc = number_parse(k, value, &u);
	char range[80];
	struct buf b = buf_of(range, sizeof(range) - 1);

	conf_key_put_range(k, &b);
	range[b.n] = '\0';
	if (rc == ERR_RANGE || (rc == 0 && (u < k->min || u > k->max)))
		return why_set(why, ERR_RANGE, "%s: not within %s", k->name,
		    range);
	if (rc != 0 || (k->type == CONF_BLOCK && (u & (u - 1)) != 0))
		return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
		    shapes[k->type]);
	number_store(k, (char *)c + k->off, u);
	return 0;
}

static int
text_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	char *at = (char *)c + k->off;
	size_t n = strlen(value);
	int rc = 0;

	if ((k->type == CONF_PATH || k->type == CONF_SECRET) && n > 0 &&
	    value[0] != '/')
		return why_set(why, ERR_TYPE, "%s: must be the path of a "
		    "file, from / on", k->name);
	if (k->type == CONF_ADDR)
		rc = addr_check(value);
	else if (n > k->max)
		rc = ERR_SIZE;
	else if (n < k->min)
		return why_set(why, ERR_RANGE, "%s: must not be empty",
		    k->name);
	if (rc == ERR_SIZE)
		return why_set(why, ERR_SIZE, "%s: too long", k->name);
	if (rc != 0)
		return why_set(why, rc, "%s: must be HOST:PORT, [V6]:PORT or "
		    "\"\"", k->name);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == '"' ||
		    value[i] == '\\')
			return why_set(why, ERR_TYPE, "%s: control "
			    "characters, '\"' and '\\' cannot be used",
			    k->name);
	memcpy(at, value, n + 1);
	return 0;
}

/* "a, b c" becomes "a b c"; the storage holds `max` of the longest names. */
static int
tags_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	struct conf list = {.register_tags = ""};
	struct buf b = buf_of(list.register_tags,
	    sizeof(list.register_tags) - 1);
	char name[LIMIT_TAG_NAME + 1];
	size_t n, found = 0;

	for (;; value += n) {
		value += strspn(value, " \t,");
		n = strcspn(value, " \t,");
		if (n == 0)
			break;
		if (!text_name_ok(slice_of(value, n), LIMIT_TAG_NAME) ||
		    !slice_to_cstr(slice_of(value, n), name, sizeof(name)))
			return why_set(why, ERR_TYPE, "%s: a name has letters, "
			    "digits and ._:@- , %d at most", k->name,
			    LIMIT_TAG_NAME);
		if (conf_register_tag(&list, name))
			return why_set(why, ERR_DUPLICATE, "%s: %s is there "
			    "twice", k->name, name);
		if (found++ == k->max)
			return why_set(why, ERR_SIZE, "%s: over %" PRIu64
			    " names", k->name, k->max);
		buf_puts(&b, found > 1 ? " " : "");
		buf_puts(&b, name);
	}
	memcpy((char *)c + k->off, list.register_tags,
	    sizeof(list.register_tags));
	return 0;
}

int
conf_key_set(const struct conf_key *k, const char *value, struct conf *c,
    struct why *why)
{
	void *at = (char *)c + k->off;
	int i;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_ADDR:
	case CONF_PATH:
	case CONF_SECRET:
		return text_set(k, value, c, why);
	case CONF_BOOL:
	case CONF_CHOICE:
	case CONF_WORD:
		i = word_index(k->words ? k->words
		    : "false|true|no|yes|off|on", value);
		if (i < 0)
			return why_set(why, ERR_TYPE, "%s: must be %s", k->name,
			    k->words ? k->words : "true or false");
		if (k->type == CONF_BOOL)
			*(bool *)at = i & 1;
		else if (k->type == CONF_CHOICE)
			*(int *)at = i;
		else
			strcpy(at, value);
		return 0;
	case CONF_TAGS:
		return tags_set(k, value, c, why);
	default:
		return number_set(k, value, c, why);
	}
}

static void
put_word(struct buf *out, const char *words, int i)
{
	while (i-- > 0)
		words += strcspn(words, "|") + 1;
	buf_put(out, slice_of(words, strcspn(words, "|")));
}

void
conf_key_put(const struct conf_key *k, const struct conf *c, struct buf *out)
{
	const void *at = (const char *)c + k->off;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_ADDR:
	case CONF_PATH:
	case CONF_SECRET:
	case CONF_TAGS:
		buf_puts(out, "\"");
		buf_puts(out, at);
		buf_puts(out, "\"");
		break;
	case CONF_BOOL:
		buf_puts(out, *(const bool *)at ? "true" : "false");
		break;
	case CONF_BYTES:
		put_bytes(out, *(const uint64_t *)at);
		break;
	case CONF_SECONDS:
		put_seconds(out, *(const uint32_t *)at);
		break;
	case CONF_MS:
		put_seconds(out, (uint64_t)*(const int64_t *)at / 1000);
		break;
	case CONF_MS_NUMBER:
		put_number(out, (uint64_t)*(const int64_t *)at);
		break;
	case CONF_CHOICE:
		put_word(out, k->words, *(const int *)at);
		break;
	case CONF_WORD:
		buf_puts(out, at);
		break;
	case CONF_NUMBER:
	case CONF_BLOCK:
		put_number(out, *(const uint32_t *)at);
		break;
	}
}
