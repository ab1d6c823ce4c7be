#include "lib/csv.h"

/* From the quote at *at on; the text is moved over the doubled quotes. */
static int
quoted(char *s, size_t n, size_t *at, struct slice *ret)
{
	size_t i = *at + 1, to = i;
	const size_t from = i;

	for (; i < n; i++) {
		if (s[i] == '"' && (i + 1 == n || s[i + 1] != '"'))
			break;
		if (s[i] == '"')
			i++;
		s[to++] = s[i];
	}
	if (i >= n)
		return ERR_MALFORMED;
	*ret = slice_of(s + from, to - from);
	*at = i + 1;
	return 0;
}

static int
plain(const char *s, size_t n, size_t *at, struct slice *ret)
{
	size_t i = *at;

	while (i < n && s[i] != ',' && s[i] != '"')
		i++;
	if (i < n && s[i] == '"')
		return ERR_MALFORMED;
	*ret = slice_of(s + *at, i - *at);
	*at = i;
	return 0;
}

int
csv_split(char *line, size_t n, struct slice *ret, size_t cap, size_t *ret_n)
{
	size_t at = 0, k = 0;
	int rc;

	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (memchr(line, '\0', n) != NULL)
		return ERR_MALFORMED;
	for (;;) {
		if (k == cap)
			return ERR_LIMIT;
		rc = at < n && line[at] == '"' ?
		    quoted(line, n, &at, &ret[k]) :
		    plain(line, n, &at, &ret[k]);
		if (rc != 0)
			return rc;
		k++;
		if (at == n)
			break;
		if (line[at++] != ',')
			return ERR_MALFORMED;
	}
	*ret_n = k;
	return 0;
}

void
csv_put(struct buf *out, struct slice field)
{
	bool need = false;

	for (size_t i = 0; i < field.n; i++)
		need |= strchr("\",\r\n", field.p[i]) != NULL;
	if (!need) {
		buf_put(out, field);
		return;
	}
	buf_put_u8(out, '"');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '"')
			buf_put_u8(out, '"');
		buf_put_u8(out, field.p[i]);
	}
	buf_put_u8(out, '"');
}
