/*
 * policy_value: percentages and factors are whole numbers of hundredths, so
 * that what is printed parses back to the same; a double would not.
 */
#include "lib/policy_value.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/text.h"

int
policy_hundredths(struct slice in, uint64_t *ret)
{
	const uint8_t *dot = in.n > 0 ? memchr(in.p, '.', in.n) : NULL;
	size_t whole = dot != NULL ? (size_t)(dot - in.p) : in.n;
	struct slice part = slice_sub(in, whole + 1, in.n);
	uint64_t u, f = 0;
	int rc;

	if ((rc = text_u64(slice_sub(in, 0, whole), &u)) != 0)
		return rc;
	if (dot != NULL && (part.n > 2 || text_u64(part, &f) != 0))
		return ERR_MALFORMED;
	if (part.n == 1)
		f *= 10;
	if (u > (UINT64_MAX - f) / 100)
		return ERR_RANGE;
	*ret = u * 100 + f;
	return 0;
}

int
policy_seconds(struct slice in, uint64_t *ret)
{
	int64_t s;
	int rc = text_duration(in, &s);

	if (rc == 0)
		*ret = (uint64_t)s;
	return rc;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar; y >= 1970. */
static uint64_t
days(uint64_t y, uint64_t m, uint64_t d)
{
	/* years begin in March, so that the leap day is the last one */
	uint64_t shifted = (m + 9) % 12, leap;

	y -= m <= 2;
	leap = y / 4 - y / 100 + y / 400;
	return y * 365 + leap + (shifted * 306 + 5) / 10 + d - 1 - 719468;
}

static bool
date_ok(uint64_t y, uint64_t m, uint64_t d)
{
	static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30,
	    31, 30, 31};
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	return y >= 1970 && m >= 1 && m <= 12 && d >= 1 &&
	    d <= length[m - 1] + (unsigned)(m == 2 && leap);
}

int
policy_time(struct slice in, uint64_t *ret)
{
	static const char shape[] = "####-##-##T##:##:##Z";
	/* where each number starts, and how long it is */
	static const uint8_t at[][2] = {
		{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
	uint64_t v[6] = {0};
	size_t n = in.n == 17 ? 5 : 6;

	if (in.n == 0 || memchr(in.p, '-', in.n) == NULL)
		return text_u64(in, ret);
	if (in.n != 17 && in.n != sizeof(shape) - 1)
		return ERR_MALFORMED;
	for (size_t i = 0; i < in.n - 1; i++)
		if (shape[i] != '#' && in.p[i] != (uint8_t)shape[i])
			return ERR_MALFORMED;
	if (in.p[in.n - 1] != 'Z')
		return ERR_MALFORMED;
	for (size_t i = 0; i < n; i++)
		if (text_u64(slice_sub(in, at[i][0], at[i][1]), &v[i]) != 0)
			return ERR_MALFORMED;
	if (!date_ok(v[0], v[1], v[2]) || v[3] > 23 || v[4] > 59 || v[5] > 59)
		return ERR_RANGE;
	*ret = days(v[0], v[1], v[2]) * 86400 + v[3] * 3600 + v[4] * 60 + v[5];
	return 0;
}

static void
put_u64(uint64_t u, const char *unit, struct buf *out)
{
	char t[24];

	snprintf(t, sizeof(t), "%" PRIu64, u);
	buf_puts(out, t);
	buf_puts(out, unit);
}

/* At least `least` digits after the point. */
static void
put_hundredths(uint64_t u, int least, struct buf *out)
{
	char t[32];

	if (u % 100 == 0 && least == 0)
		snprintf(t, sizeof(t), "%" PRIu64, u / 100);
	else if (u % 10 == 0)
		snprintf(t, sizeof(t), "%" PRIu64 ".%" PRIu64, u / 100,
		    u % 100 / 10);
	else
		snprintf(t, sizeof(t), "%" PRIu64 ".%02" PRIu64, u / 100,
		    u % 100);
	buf_puts(out, t);
}

/* The largest unit that says it exactly. */
static void
put_seconds(uint64_t s, struct buf *out)
{
	static const struct {
		uint64_t s;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
	size_t i = 0;

	while (s % units[i].s != 0)
		i++;
	put_u64(s / units[i].s, s == 0 ? "" : units[i].name, out);
}

void
policy_number_put(enum policy_type type, uint64_t u, struct buf *out)
{
	switch (type) {
	case POLICY_T_PERCENT:
		put_u64(u, "%", out);
		break;
	case POLICY_T_RATE:
		put_hundredths(u, 0, out);
		buf_puts(out, "%");
		break;
	case POLICY_T_FACTOR:
		put_hundredths(u, 1, out);
		break;
	case POLICY_T_SECONDS:
		put_seconds(u, out);
		break;
	default:
		put_u64(u, "", out);
		break;
	}
}

static int
count_parse(struct slice in, uint32_t *ret)
{
	uint64_t u;
	int rc = text_u64(in, &u);

	if (rc == 0 && (u == 0 || u > LIMIT_DEVICES))
		rc = ERR_RANGE;
	if (rc == 0)
		*ret = (uint32_t)u;
	return rc;
}

/* "10%", "1%:10" or "10" */
static int
wave_parse(struct slice in, struct policy_wave *ret)
{
	const uint8_t *sign = in.n > 0 ? memchr(in.p, '%', in.n) : NULL;
	struct slice rest;
	uint64_t share;
	int rc;

	ret->share = ret->least = 0;
	if (sign == NULL)
		return count_parse(in, &ret->least);
	rest = slice_sub(in, (size_t)(sign - in.p) + 1, in.n);
	rc = policy_hundredths(slice_sub(in, 0, (size_t)(sign - in.p)),
	    &share);
	if (rc == 0 && (share == 0 || share > POLICY_WHOLE))
		rc = ERR_RANGE;
	if (rc != 0)
		return rc;
	ret->share = (uint32_t)share;
	if (rest.n == 0)
		return 0;
	if (rest.p[0] != ':')
		return ERR_MALFORMED;
	return count_parse(slice_sub(rest, 1, rest.n), &ret->least);
}

/*
 * A share and a count cannot be compared before the number of devices is
 * known; each must rise on its own, and plan_waves drops what is empty then.
 */
static int
waves_order(const struct policy_wave *w, uint32_t n)
{
	uint32_t share = 0, least = 0;

	for (uint32_t i = 0; i < n; i++) {
		if ((w[i].share != 0 && w[i].share <= share) ||
		    (w[i].least != 0 && w[i].least <= least))
			return ERR_ORDER;
		share = w[i].share != 0 ? w[i].share : share;
		least = w[i].least != 0 ? w[i].least : least;
	}
	return w[n - 1].share == POLICY_WHOLE && w[n - 1].least == 0 ? 0 :
	    ERR_ORDER;
}

int
policy_waves_parse(struct slice in, struct policy_wave ret[POLICY_WAVES],
    uint32_t *ret_n)
{
	const uint8_t *comma;
	size_t len;
	uint32_t n = 0;
	int rc;

	do {
		if (n == POLICY_WAVES)
			return ERR_SIZE;
		comma = in.n > 0 ? memchr(in.p, ',', in.n) : NULL;
		len = comma != NULL ? (size_t)(comma - in.p) : in.n;
		rc = wave_parse(slice_sub(in, 0, len), &ret[n++]);
		if (rc != 0)
			return rc;
		in = slice_sub(in, len + 1, in.n);
	} while (comma != NULL);
	rc = waves_order(ret, n);
	if (rc == 0)
		*ret_n = n;
	return rc;
}

void
policy_waves_put(const struct policy_wave *w, uint32_t n, struct buf *out)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_puts(out, ",");
		if (w[i].share != 0) {
			put_hundredths(w[i].share, 0, out);
			buf_puts(out, w[i].least != 0 ? "%:" : "%");
		}
		if (w[i].least != 0)
			put_u64(w[i].least, "", out);
	}
}

int
policy_word(const char *words, struct slice in)
{
	size_t len;

	for (int i = 0;; i++) {
		len = strcspn(words, "|");
		if (slice_eq(in, slice_of(words, len)))
			return i;
		if (words[len] == '\0')
			return -1;
		words += len + 1;
	}
}

void
policy_word_put(const char *words, int i, struct buf *out)
{
	while (i-- > 0)
		words += strcspn(words, "|") + 1;
	buf_put(out, slice_of(words, strcspn(words, "|")));
}
