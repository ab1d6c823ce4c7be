/*
 * The two formats differ in a few words only: OpenMetrics names a family
 * without its samples' suffix, has units and an end. So there is one writer.
 */
#include "lib/metric.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "lib/text.h"

#define LE_FIRST 7 /* 128 us */
#define LE_LAST 24 /* 16.8 s */

const struct metric_info metric_table[METRICS] = {
#define M(id, name, type, unit, l1, l2, cap, help) \
	[METRIC_ID_##id] = {name, unit, help, METRIC_##type, {l1, l2}, cap},
	METRIC_LIST(M)
#undef M
};

static const struct {
	const char *name[2]; /* as either format says it */
	const char *suffix; /* of a sample */
} types[] = {
	[METRIC_COUNTER] = {{"counter", "counter"}, "_total"},
	[METRIC_GAUGE] = {{"gauge", "gauge"}, ""},
	[METRIC_HISTOGRAM] = {{"histogram", "histogram"}, ""},
	[METRIC_INFO] = {{"gauge", "info"}, "_info"},
};

const char *
metric_content_type(enum metric_format f)
{
	return f == METRIC_OPENMETRICS ?
	    "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	    "text/plain; version=0.0.4; charset=utf-8";
}

/* --- Accept --- */

static struct slice
trim(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_sub(s, 1, s.n);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* What is before the next `c`; *rest is what is behind it. */
static struct slice
cut(struct slice *rest, char c)
{
	const uint8_t *end = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct slice head = slice_sub(*rest, 0, n);

	*rest = slice_sub(*rest, end != NULL ? n + 1 : n, rest->n);
	return trim(head);
}

static bool
is_word(struct slice s, const char *word)
{
	return s.n == strlen(word) && (s.n == 0 ||
	    strncasecmp((const char *)s.p, word, s.n) == 0);
}

/* "0.75" as 750 (RFC 9110 12.4.2); what is none counts as 1. */
static unsigned
weight(struct slice v)
{
	unsigned q = 0, place = 100;

	if (v.n == 0 || v.p[0] != '0')
		return 1000;
	for (size_t i = 2; i < v.n && i < 5; i++, place /= 10)
		if (v.p[i] >= '0' && v.p[i] <= '9')
			q += (unsigned)(v.p[i] - '0') * place;
	return q;
}

static unsigned
range_weight(struct slice params)
{
	while (params.n > 0) {
		struct slice p = cut(&params, ';');
		struct slice name = cut(&p, '=');

		if (is_word(name, "q"))
			return weight(trim(p));
	}
	return 1000;
}

enum metric_format
metric_accept(struct slice accept)
{
	unsigned open = 0, plain = 0, q;

	while (accept.n > 0) {
		struct slice range = cut(&accept, ',');
		struct slice type = cut(&range, ';');

		q = range_weight(range);
		if (is_word(type, "application/openmetrics-text"))
			open = q > open ? q : open;
		else if (is_word(type, "text/plain"))
			plain = q > plain ? q : plain;
	}
	return open > 0 && open >= plain ? METRIC_OPENMETRICS :
	    METRIC_PROMETHEUS;
}

/* --- the text --- */

void
metric_begin(struct metric_out *m, enum metric_format f, void *p, size_t cap)
{
	memset(m, 0, sizeof(*m));
	m->out = buf_of(p, cap);
	m->format = f;
	m->at = METRICS;
}

static void
put_header(struct metric_out *m, const char *what, const char *text)
{
	const struct metric_info *f = &metric_table[m->at];

	buf_puts(&m->out, "# ");
	buf_puts(&m->out, what);
	buf_puts(&m->out, " ");
	buf_puts(&m->out, f->name);
	if (m->format == METRIC_PROMETHEUS)
		buf_puts(&m->out, types[f->type].suffix);
	buf_puts(&m->out, " ");
	buf_puts(&m->out, text);
	buf_puts(&m->out, "\n");
}

void
metric_family(struct metric_out *m, enum metric id)
{
	const struct metric_info *f = &metric_table[id];

	if (m->seen[id])
		m->err = ERR_ORDER;
	m->seen[id] = true;
	m->at = id;
	m->n = 0;
	put_header(m, "TYPE", types[f->type].name[m->format]);
	if (m->format == METRIC_OPENMETRICS && f->unit[0] != '\0')
		put_header(m, "UNIT", f->unit);
	put_header(m, "HELP", f->help);
}

/* A value that is too long is escaped too, which marks the cut. */
static void
put_value(struct buf *out, const char *value)
{
	char shown[LIMIT_METRIC_LABEL + 1];
	struct slice s = slice_str(value);

	if (s.n > LIMIT_METRIC_LABEL || !text_utf8_ok(s))
		value = text_escape(s, shown, sizeof(shown));
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_put_u8(out, '\\');
		if (*value == '\n')
			buf_puts(out, "\\n");
		else
			buf_put_u8(out, (uint8_t)*value);
	}
}

struct sample {
	const char *suffix; /* of the name */
	const char *label[METRIC_LABELS];
	const char *le; /* of a bucket, or NULL */
};

static void
put_label(struct buf *out, const char *name, const char *value)
{
	if (name == NULL || value == NULL)
		return;
	/* a name is open when something stands behind its brace */
	buf_puts(out, out->n > 0 && out->p[out->n - 1] == '"' ? "," : "{");
	buf_puts(out, name);
	buf_puts(out, "=\"");
	put_value(out, value);
	buf_puts(out, "\"");
}

static void
put_sample(struct metric_out *m, const struct sample *s, const char *number)
{
	const struct metric_info *f = &metric_table[m->at];

	buf_puts(&m->out, f->name);
	buf_puts(&m->out, s->suffix);
	for (size_t i = 0; i < METRIC_LABELS; i++)
		put_label(&m->out, f->label[i], s->label[i]);
	put_label(&m->out, "le", s->le);
	if (m->out.n > 0 && m->out.p[m->out.n - 1] == '"')
		buf_puts(&m->out, "}");
	buf_puts(&m->out, " ");
	buf_puts(&m->out, number);
	buf_puts(&m->out, "\n");
}

/* May another label set be written? Those that do not fit the table, never. */
static bool
admit(struct metric_out *m, const struct sample *s, bool histogram)
{
	const struct metric_info *f;

	if (m->at == METRICS) {
		m->err = ERR_ORDER;
		return false;
	}
	f = &metric_table[m->at];
	if ((f->type == METRIC_HISTOGRAM) != histogram)
		m->err = ERR_ORDER;
	for (size_t i = 0; i < METRIC_LABELS; i++)
		if ((f->label[i] == NULL) != (s->label[i] == NULL))
			m->err = ERR_ORDER;
	if (m->err != 0)
		return false;
	if (m->n == f->cap) {
		m->dropped++;
		return false;
	}
	m->n++;
	return true;
}

static void
put_plain(struct metric_out *m, const char *l1, const char *l2,
    const char *number)
{
	struct sample s = {"", {l1, l2}, NULL};

	if (!admit(m, &s, false))
		return;
	s.suffix = types[metric_table[m->at].type].suffix;
	put_sample(m, &s, number);
}

void
metric_count(struct metric_out *m, const char *l1, const char *l2, uint64_t v)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, v);
	put_plain(m, l1, l2, number);
}

void
metric_real(struct metric_out *m, const char *l1, const char *l2, double v)
{
	char number[32];

	snprintf(number, sizeof(number), "%.15g", v);
	put_plain(m, l1, l2, number);
}

void
metric_lag(struct metric_out *m, const char *l1, const struct lag *l)
{
	struct sample s = {"_bucket", {l1, NULL}, NULL};
	char number[32], le[24];

	if (!admit(m, &s, true))
		return;
	for (unsigned p = LE_FIRST; p <= LE_LAST; p++) {
		snprintf(le, sizeof(le), "%.15g",
		    (double)(UINT64_C(1) << p) / 1e6);
		snprintf(number, sizeof(number), "%" PRIu64,
		    lag_below(l, p));
		s.le = le;
		put_sample(m, &s, number);
	}
	snprintf(number, sizeof(number), "%" PRIu64, l->n);
	s.le = "+Inf";
	put_sample(m, &s, number);
	s.suffix = "_count";
	s.le = NULL;
	put_sample(m, &s, number);
	snprintf(number, sizeof(number), "%.15g", (double)l->sum_us / 1e6);
	s.suffix = "_sum";
	put_sample(m, &s, number);
}

int
metric_end(struct metric_out *m)
{
	if (m->format == METRIC_OPENMETRICS)
		buf_puts(&m->out, "# EOF\n");
	if (m->err != 0)
		return m->err;
	return m->out.over ? ERR_SPACE : 0;
}
