/*
 * window_text: a window's text form. One pass by hand, so that a refusal
 * knows its column and what could have stood there.
 */
#include "lib/window.h"

#include <stdio.h>
#include <strings.h>

#include "lib/zone.h"

#define EVERY_DAY 0x7f

static const char days[7][4] = {
	"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct reader {
	const char *text, *at;
	unsigned *column;
	struct why *why;
};

/* Refuses at a place in the text. */
static int
refuse(struct reader *r, const char *at, int err, const char *what)
{
	unsigned column = (unsigned)(at - r->text) + 1;

	if (r->column != NULL)
		*r->column = column;
	return why_set(r->why, err, "window: column %u: %s", column, what);
}

static void
skip(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The word at the reader's place, which does not move. */
static struct slice
word(const struct reader *r)
{
	size_t n = 0;

	while (is_letter(r->at[n]))
		n++;
	return slice_of(r->at, n);
}

static bool
word_is(struct slice w, const char *name)
{
	return w.n == strlen(name) &&
	    strncasecmp((const char *)w.p, name, w.n) == 0;
}

/* 0 .. 6, or -1. */
static int
day_of(struct slice w)
{
	for (int i = 0; i < 7; i++) {
		if (word_is(w, days[i]))
			return i;
	}
	return -1;
}

/* "mon", "fri-mon" or "daily", added to *mask. */
static int
read_days(struct reader *r, uint8_t *mask)
{
	struct slice w = word(r);
	int from = day_of(w), to = from;

	if (word_is(w, "daily")) {
		*mask = EVERY_DAY;
		r->at += w.n;
		return 0;
	}
	if (from < 0)
		return refuse(r, r->at, ERR_MALFORMED,
		    "expected a day (mon ... sun, daily) or HH:MM");
	r->at += w.n;
	if (*r->at == '-') {
		r->at++;
		w = word(r);
		if ((to = day_of(w)) < 0)
			return refuse(r, r->at, ERR_MALFORMED,
			    "expected the last day of the range, mon ... sun");
		r->at += w.n;
	}
	for (int d = from;; d = (d + 1) % 7) {
		*mask |= (uint8_t)(1 << d);
		if (d == to)
			return 0;
	}
}

/* "HH:MM" up to `last` minutes. */
static int
read_time(struct reader *r, unsigned last, uint16_t *ret)
{
	const char *p = r->at;
	unsigned h, m;

	if (!is_digit(p[0]) || !is_digit(p[1]) || p[2] != ':' ||
	    !is_digit(p[3]) || !is_digit(p[4]) || is_digit(p[5]))
		return refuse(r, p, ERR_MALFORMED,
		    "expected a time as HH:MM, two digits each");
	h = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
	m = (unsigned)(p[3] - '0') * 10 + (unsigned)(p[4] - '0');
	if (m > 59 || h * 60 + m > last)
		return refuse(r, p, ERR_RANGE, last < 1440 ?
		    "expected a start of 00:00 to 23:59" :
		    "expected an end of 00:00 to 24:00");
	r->at += 5;
	*ret = (uint16_t)(h * 60 + m);
	return 0;
}

/* One range more than fit needs "HH:MM-HH:MM," so often, less a comma: the
 * text would be too long before. */
_Static_assert((LIMIT_WINDOW_RANGES + 1) * 12 - 1 > LIMIT_WINDOW,
    "a text within its limit can have more ranges than there is room for");

/* "HH:MM-HH:MM"; an end of 00:00 is 24:00 under another name. */
static int
read_range(struct reader *r, uint8_t mask, struct window *w)
{
	struct window_range x = {.days = mask != 0 ? mask : EVERY_DAY};
	int rc;

	if ((rc = read_time(r, 1439, &x.start)) != 0)
		return rc;
	if (*r->at != '-')
		return refuse(r, r->at, ERR_MALFORMED,
		    "expected '-' and the end of the range");
	r->at++;
	if ((rc = read_time(r, 1440, &x.end)) != 0)
		return rc;
	if (x.end == 0)
		x.end = 1440;
	w->range[w->n++] = x;
	return 0;
}

/* The zone's name and the end, or the end alone. */
static int
read_zone(struct reader *r, struct window *w)
{
	const char *first = r->at;
	size_t n = strcspn(first, " \t,");
	char what[LIMIT_ZONE + 120];

	if (*first == '\0')
		return 0;
	if (day_of(word(r)) >= 0 || is_digit(*first))
		return refuse(r, first, ERR_MALFORMED,
		    "expected ',' before another range");
	if (is_digit(first[-1]))
		return refuse(r, first, ERR_MALFORMED,
		    "expected ',', a space and a time zone, or the end");
	if (!zone_name_ok(slice_of(first, n)))
		return refuse(r, first, ERR_MALFORMED, "expected ',', the name "
		    "of a time zone like Europe/Berlin, or the end");
	memset(w->zone, 0, sizeof(w->zone));
	memcpy(w->zone, first, n);
	if (!zone_exists(w->zone)) {
		snprintf(what, sizeof(what), "no time zone '%s' on the server "
		    "(check the name; is tzdata installed?)", w->zone);
		return refuse(r, first, ERR_UNSUPPORTED, what);
	}
	r->at += n;
	skip(r);
	if (*r->at != '\0')
		return refuse(r, r->at, ERR_TRAILING,
		    "expected the end after the time zone");
	return 0;
}

/* From the first day or time to the end. */
static int
read_ranges(struct reader *r, struct window *w)
{
	uint8_t mask = 0;
	int rc;

	for (;;) {
		skip(r);
		if (!is_digit(*r->at)) {
			if ((rc = read_days(r, &mask)) != 0)
				return rc;
			if (is_digit(*r->at))
				return refuse(r, r->at, ERR_MALFORMED,
				    "expected a space before the time");
			skip(r);
			if (*r->at == ',') {
				r->at++;
				continue;
			}
			if (!is_digit(*r->at))
				return refuse(r, r->at, ERR_MALFORMED,
				    "expected ',' or HH:MM after a day");
		}
		if ((rc = read_range(r, mask, w)) != 0)
			return rc;
		mask = 0;
		skip(r);
		if (*r->at != ',')
			return read_zone(r, w);
		r->at++;
	}
}

int
window_parse(const char *text, struct window *ret, unsigned *ret_column,
    struct why *why)
{
	struct reader r = {text, text, ret_column, why};
	struct window w = {.n = 0, .zone = "UTC"};
	int rc = 0;

	if (strnlen(text, LIMIT_WINDOW + 1) > LIMIT_WINDOW)
		return refuse(&r, text + LIMIT_WINDOW, ERR_SIZE,
		    "the text is longer than 200 bytes");
	skip(&r);
	if (word_is(word(&r), "always")) {
		r.at += strlen("always");
		skip(&r);
		if (*r.at != '\0')
			return refuse(&r, r.at, ERR_TRAILING,
			    "expected the end after 'always'");
	} else if (*r.at != '\0')
		rc = read_ranges(&r, &w);
	if (rc == 0)
		*ret = w;
	return rc;
}

/* Runs of days, those over the week's end in one: the shortest form. */
static void
put_days(uint8_t mask, struct buf *out)
{
	bool first = true;

	for (unsigned d = 0; d < 7 && mask != EVERY_DAY; d++) {
		unsigned n = 1;

		if (!(mask >> d & 1) || mask >> (d + 6) % 7 & 1)
			continue;
		while (mask >> (d + n) % 7 & 1)
			n++;
		if (!first)
			buf_puts(out, ",");
		first = false;
		buf_puts(out, days[d]);
		if (n > 1) {
			buf_puts(out, n == 2 ? "," : "-");
			buf_puts(out, days[(d + n - 1) % 7]);
		}
	}
	if (!first)
		buf_puts(out, " ");
}

static void
put_ranges(const struct window *w, const char *comma, struct buf *out)
{
	char s[32];

	for (unsigned i = 0; i < w->n; i++) {
		const struct window_range *r = &w->range[i];

		if (i > 0)
			buf_puts(out, comma);
		put_days(r->days, out);
		snprintf(s, sizeof(s), "%02u:%02u-%02u:%02u", r->start / 60u,
		    r->start % 60u, r->end / 60u, r->end % 60u);
		buf_puts(out, s);
	}
	if (w->n == 0)
		buf_puts(out, "always");
	else if (strcmp(w->zone, "UTC") != 0) {
		buf_puts(out, " ");
		buf_puts(out, w->zone);
	}
}

/*
 * A space after each comma is for the eye, and dropped where the text could
 * then not be read back. Without, nothing is longer than in any text that
 * parses to the same window.
 */
void
window_print(const struct window *w, struct buf *out)
{
	uint8_t scratch[LIMIT_WINDOW];
	struct buf b = buf_of(scratch, sizeof(scratch));

	put_ranges(w, ", ", &b);
	if (b.over) {
		b = buf_of(scratch, sizeof(scratch));
		put_ranges(w, ",", &b);
	}
	if (b.over)
		out->over = true;
	buf_put(out, buf_slice(&b));
}
