#include "cli/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "lib/text.h"
#include "lib/track.h"

#define JSON_MAX (512 * 1024)

static size_t
text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void
table_begin(struct table *t, FILE *out, const char *const *head, size_t cols)
{
	memset(t, 0, offsetof(struct table, cell));
	t->out = out;
	t->cols = cols;
	for (size_t i = 0; i < cols; i++) {
		t->head[i] = head[i];
		t->width[i] = strlen(head[i]);
	}
}

static void
put_row(const struct table *t, const char *const *cell)
{
	size_t most;

	for (size_t i = 0; i < t->cols; i++) {
		fputs(cell[i], t->out);
		/* no blanks before a last head that is empty */
		if (i + 1 == t->cols || (i + 2 == t->cols &&
		    cell[i + 1][0] == '\0'))
			break;
		most = t->most != 0 && t->width[i] > t->most ? t->most :
		    t->width[i];
		for (size_t n = text_width(cell[i]); n < most; n++)
			fputc(' ', t->out);
		fputs("  ", t->out);
	}
	fputc('\n', t->out);
}

static void
table_flush(struct table *t)
{
	const char *cell[TABLE_COLS];

	if (!t->headed)
		put_row(t, t->head);
	t->headed = true;
	for (size_t r = 0; r < t->rows; r++) {
		for (size_t i = 0; i < t->cols; i++)
			cell[i] = t->cell[r][i];
		put_row(t, cell);
	}
	t->rows = 0;
}

void
table_cell(struct table *t, const char *text)
{
	char *cell = t->cell[t->rows][t->col];
	size_t n;

	text_escape(slice_str(text[0] != '\0' ? text : "-"), cell,
	    TABLE_CELL);
	n = text_width(cell);
	if (n > t->width[t->col])
		t->width[t->col] = n;
	if (++t->col < t->cols)
		return;
	t->col = 0;
	if (++t->rows == TABLE_ROWS)
		table_flush(t);
}

void
table_printf(struct table *t, const char *fmt, ...)
{
	char text[4 * TABLE_CELL];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

void
table_end(struct table *t)
{
	table_flush(t);
}

static void
put_json(FILE *out, const struct msg_record *rec, const void *msg)
{
	static uint8_t text[JSON_MAX];
	struct buf b = buf_of(text, sizeof(text));

	msg_put_json(rec, msg, &b);
	fwrite(text, 1, b.n, out);
}

void
json_begin(struct json_list *j, FILE *out, const struct msg_record *rec)
{
	*j = (struct json_list){out, rec, 0};
}

void
json_item(struct json_list *j, const void *msg)
{
	fputs(j->n++ == 0 ? "[\n" : ",\n", j->out);
	put_json(j->out, j->rec, msg);
}

void
json_end(struct json_list *j)
{
	fputs(j->n == 0 ? "[]\n" : "\n]\n", j->out);
}

void
json_print(FILE *out, const struct msg_record *rec, const void *msg)
{
	put_json(out, rec, msg);
	fputc('\n', out);
}

void
render_line(FILE *out, const char *label, const char *text)
{
	char shown[4 * LIMIT_POLICY + 1]; /* escaped, whole */

	if (text[0] == '\0')
		return;
	fprintf(out, "%-12s %s\n", label, text_escape(slice_str(text), shown,
	    sizeof(shown)));
}

void
render_linef(FILE *out, const char *label, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	render_line(out, label, text);
}

char *
render_bar(char *dst, size_t cap, unsigned width, uint64_t done,
    uint64_t total)
{
	unsigned n = total == 0 ? 0 : done >= total ? width :
	    (unsigned)((double)done / (double)total * width);

	if (cap < width + 3)
		return strcpy(dst, "");
	dst[0] = '[';
	for (unsigned i = 0; i < width; i++)
		dst[1 + i] = i < n ? '#' : '.';
	dst[width + 1] = ']';
	dst[width + 2] = '\0';
	return dst;
}

char *
render_age(char *dst, size_t cap, int64_t now, int64_t then)
{
	int64_t s = (now - then) / 1000;
	const char *in = s < 0 ? "in " : "";

	s = s < 0 ? -s : s;
	if (then == 0)
		snprintf(dst, cap, "-");
	else if (s < 120)
		snprintf(dst, cap, "%s%" PRId64 "s", in, s);
	else if (s < 120 * 60)
		snprintf(dst, cap, "%s%" PRId64 "m", in, s / 60);
	else if (s < 48 * 3600)
		snprintf(dst, cap, "%s%" PRId64 "h", in, s / 3600);
	else
		snprintf(dst, cap, "%s%" PRId64 "d", in, s / 86400);
	return dst;
}

char *
render_time(char *dst, size_t cap, int64_t at)
{
	time_t t = (time_t)(at / 1000);
	struct tm tm;

	if (at == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(dst, cap, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(dst, cap, "-");
	return dst;
}

char *
render_bytes(char *dst, size_t cap, uint64_t n)
{
	static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)n / 1024;
	size_t i = 0;

	if (n < 1024) {
		snprintf(dst, cap, "%" PRIu64 " B", n);
		return dst;
	}
	while (v >= 1024 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		v /= 1024;
		i++;
	}
	snprintf(dst, cap, "%.1f %s", v, unit[i]);
	return dst;
}

uint64_t
render_total(const struct msg_counts *n)
{
	return n->queued + n->active + n->done + n->failed + n->cancelled +
	    n->superseded;
}

/* " (L1)" where all are alike, " (L2 9, L1 3)"; "" when not all are known. */
static const char *
grades(char *dst, size_t cap, uint64_t all, const uint64_t n[GRADES])
{
	size_t len = 0;

	dst[0] = '\0';
	if (all == 0 || n[0] + n[1] + n[2] != all)
		return dst;
	for (int g = GRADES - 1; g >= 0; g--) {
		if (n[g] == all)
			snprintf(dst, cap, " (L%d)", g);
		else if (n[g] > 0 && len < cap)
			len += (size_t)snprintf(dst + len, cap - len,
			    "%sL%d %" PRIu64, len == 0 ? " (" : ", ", g,
			    n[g]);
	}
	if (len > 0 && len + 1 < cap)
		strcpy(dst + len, ")");
	return dst;
}

char *
render_counts(char *dst, size_t cap, const struct msg_counts *n)
{
	const struct {
		uint64_t n;
		const char *what;
	} part[] = {
		{n->queued, "waiting"},
		{n->active, "active"},
		{n->failed, "failed"},
		{n->cancelled, "cancelled"},
		{n->superseded, "superseded"},
	};
	const uint64_t done[] = {n->done_l0, n->done_l1, n->done_l2};
	const uint64_t failed[] = {n->failed_l0, n->failed_l1, n->failed_l2};
	char by[96];
	size_t len = (size_t)snprintf(dst, cap, "%" PRIu64 "/%" PRIu64
	    " done%s", n->done, render_total(n), grades(by, sizeof(by),
	    n->done, done));

	(void)grades(by, sizeof(by), n->failed, failed);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i].n > 0 && len < cap)
			len += (size_t)snprintf(dst + len, cap - len,
			    ", %" PRIu64 " %s%s", part[i].n, part[i].what,
			    i == 2 ? by : "");
	return dst;
}

int64_t
render_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
