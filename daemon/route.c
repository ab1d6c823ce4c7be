/*
 * Path patterns are few, so the table is walked: a segment is a word, or
 * "{c}" for any one segment, or a last "{*}" for the rest. The first row
 * that fits path and method wins; but where a path is there in words, with
 * other methods, what fits it by more braces is another resource ("k/now" is
 * no list "k/{n}"). Only rows without braces can be links.
 */
#include "daemon/route.h"

#include "lib/uri.h"

static struct slice
next_segment(struct slice *rest)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct slice seg = slice_sub(*rest, 0, n);

	*rest = slice_sub(*rest, end != NULL ? n + 1 : n, rest->n);
	return seg;
}

static bool
is_open(struct slice seg)
{
	return seg.n >= 3 && seg.p[0] == '{' && seg.p[seg.n - 1] == '}';
}

/* A trailing '/' is an empty segment, so the count of '/' must agree. */
static size_t
segments(struct slice s)
{
	size_t n = s.n > 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

static bool
route_fits(const char *pattern, const char *path, struct route_match *m)
{
	struct slice want = slice_str(pattern), have = slice_str(path);
	size_t left = segments(have), args = 0;

	m->arg[0][0] = m->arg[1][0] = '\0';
	for (size_t i = segments(want); i > 0; i--, left--) {
		struct slice w = next_segment(&want), h;
		char *arg = m->arg[args];

		if (left == 0)
			return false;
		if (slice_eq_str(w, "{*}"))
			return slice_to_cstr(have, arg, LIMIT_PATH + 1);
		h = next_segment(&have);
		if (!is_open(w)) {
			if (!slice_eq(w, h))
				return false;
			continue;
		}
		if (h.n == 0 ||
		    uri_path_segment(h, 0, arg, LIMIT_PATH + 1) != 0)
			return false;
		args = 1;
	}
	return left == 0;
}

/* Segments for anything: the fewer, the nearer. */
static size_t
braces(const char *pattern)
{
	size_t n = 0;

	for (; *pattern != '\0'; pattern++)
		n += *pattern == '{';
	return n;
}

int
route_find(const struct route *table, const char *path, enum method m,
    struct route_match *ret)
{
	int rc = ERR_NOT_FOUND;
	size_t nearest = SIZE_MAX;

	for (const struct route *r = table; r->path != NULL; r++) {
		/* a path that exists is not left to the catch-all */
		if (rc == ERR_METHOD && strstr(r->path, "{*}") != NULL)
			break;
		if (braces(r->path) > nearest ||
		    !route_fits(r->path, path, ret))
			continue;
		if (r->methods & m) {
			ret->route = r;
			return 0;
		}
		/* a catch-all does not prove that the path exists */
		if (strstr(r->path, "{*}") == NULL) {
			rc = ERR_METHOD;
			nearest = braces(r->path);
		}
	}
	return rc;
}

/* The roles of which one is enough. */
static unsigned
needs(const struct route *r, enum method m)
{
	unsigned read = r->role & 0xff, write = r->role >> 8 & 0xff;

	return m == M_GET || m == M_FETCH || write == 0 ? read : write;
}

/* Nothing on the admin port is for nobody, whatever its row says. */
int
route_allows(const struct route *r, enum method m, enum transport plane,
    const struct principal *who)
{
	unsigned need = needs(r, m);

	if (need == ROLE_NOBODY && plane != T_ADMIN)
		return 0;
	if (who->role == ROLE_NOBODY)
		return ERR_UNAUTHORIZED;
	if (!(need & who->role))
		return ERR_FORBIDDEN;
	return plane != T_ADMIN || (r->flags & ROUTE_SCOPED) ||
	    scope_all(&who->scope) ? 0 : ERR_FORBIDDEN;
}

void
route_refuse(const struct route *r, enum method m,
    const struct principal *who, struct why *why)
{
	unsigned need = needs(r, m);
	char takes[64], has[64];
	struct buf t = buf_of(takes, sizeof(takes) - 1);
	struct buf h = buf_of(has, sizeof(has) - 1);

	rights_print_roles(need & ~(unsigned)ROLE_DEVICE, &t);
	rights_print_roles(who->role, &h);
	takes[t.n] = has[h.n] = '\0';
	if (need & who->role)
		why_set(why, ERR_FORBIDDEN, "this is about more than a scope: "
		    "only a principal without one may do it, with the role "
		    "%s", takes);
	else
		why_set(why, ERR_FORBIDDEN, "this takes the role %s, and this "
		    "credential has %s; somebody with the role grant may "
		    "change that", takes, has);
}

/* RFC 6690 4.1: a trailing '*' matches any rest. */
static bool
value_fits(struct slice want, struct slice have)
{
	if (want.n > 0 && want.p[want.n - 1] == '*')
		return have.n >= want.n - 1 &&
		    (want.n == 1 || memcmp(want.p, have.p, want.n - 1) == 0);
	return slice_eq(want, have);
}

/* Is one of the space-separated values of attribute `name` the wanted one? */
static bool
attr_fits(const char *attrs, struct slice name, struct slice want)
{
	const char *p = attrs;

	while (p != NULL && *p != '\0') {
		size_t n = strcspn(p, "=;");
		bool same = slice_eq(slice_of(p, n), name);

		p += n;
		if (*p == '=')
			p++;
		if (*p == '"')
			p++;
		while (*p != '\0' && *p != '"' && *p != ';') {
			n = strcspn(p, " \";");
			if (same && value_fits(want, slice_of(p, n)))
				return true;
			p += n + (p[n] == ' ');
		}
		p += strcspn(p, ";");
		p += *p == ';';
	}
	return false;
}

static bool
link_fits(const struct route *r, struct slice query)
{
	const uint8_t *eq = query.n ? memchr(query.p, '=', query.n) : NULL;
	struct slice name, want;
	char href[LIMIT_PATH + 2];
	size_t n;

	if (eq == NULL)
		return true; /* no filter that we know */
	n = (size_t)(eq - query.p);
	name = slice_sub(query, 0, n);
	want = slice_sub(query, n + 1, query.n);
	if (slice_eq_str(name, "href")) {
		struct buf b = buf_of(href, sizeof(href));

		buf_puts(&b, "/");
		buf_puts(&b, r->path);
		return value_fits(want, buf_slice(&b));
	}
	return attr_fits(r->attrs, name, want);
}

void
front_links(const struct route *table, const struct slice *query,
    size_t query_n, struct buf *out)
{
	for (const struct route *r = table; r->path != NULL; r++) {
		bool ok = !(r->flags & ROUTE_HIDDEN) &&
		    strchr(r->path, '{') == NULL;

		for (size_t i = 0; ok && i < query_n; i++)
			ok = link_fits(r, query[i]);
		if (!ok)
			continue;
		buf_puts(out, out->n > 0 ? ",</" : "</");
		buf_puts(out, r->path);
		buf_puts(out, ">");
		if (r->attrs != NULL && r->attrs[0] != '\0') {
			buf_puts(out, ";");
			buf_puts(out, r->attrs);
		}
		if (r->flags & ROUTE_OBSERVE)
			buf_puts(out, ";obs");
	}
}
