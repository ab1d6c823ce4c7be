#include "lib/uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

/*
 * RFC 3986 to the letter where it costs nothing: characters outside of its
 * set and bad percent-escapes are refused, so that nothing later has to
 * wonder. Userinfo and IPvFuture have no use with CoAP and are refused too.
 */

static const struct {
	const char *name;
	enum uri_scheme scheme;
	uint16_t port;
} schemes[] = {
	{"coap", URI_COAP, 5683},
	{"coaps", URI_COAPS, 5684},
	{"coap+tcp", URI_COAP_TCP, 5683},
	{"coaps+tcp", URI_COAPS_TCP, 5684},
};

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_char(uint8_t c)
{
	return is_alpha(c) || is_digit(c) ||
	    (c != '\0' && strchr("-._~!$&'()*+,;=:@/?#[]%", c) != NULL);
}

static int
check_chars(struct slice in, struct why *why)
{
	for (size_t i = 0; i < in.n; i++) {
		if (!is_char(in.p[i]))
			return why_set(why, ERR_MALFORMED,
			    "RFC 3986 2: byte 0x%02x at %zu", in.p[i], i);
		if (in.p[i] == '%' && (in.n - i < 3 ||
		    hex_digit(in.p[i + 1]) < 0 || hex_digit(in.p[i + 2]) < 0))
			return why_set(why, ERR_MALFORMED,
			    "RFC 3986 2.1: bad percent-escape at %zu", i);
	}
	return 0;
}

/* Length of the part before the first byte of `stop`. */
static size_t
span_to(struct slice s, const char *stop)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == '\0' || strchr(stop, s.p[i]) == NULL))
		i++;
	return i;
}

static struct slice
take(struct slice *rest, size_t n)
{
	struct slice s = slice_sub(*rest, 0, n);

	*rest = slice_sub(*rest, n, rest->n);
	return s;
}

static bool
starts(struct slice s, const char *prefix)
{
	return s.n >= strlen(prefix) &&
	    memcmp(s.p, prefix, strlen(prefix)) == 0;
}

static int
parse_scheme(struct slice *rest, struct uri *u, struct why *why)
{
	size_t n = span_to(*rest, ":/?#");
	struct slice name;

	if (n == rest->n || rest->p[n] != ':')
		return 0; /* a relative reference */
	name = take(rest, n);
	(void)take(rest, 1);
	if (n == 0 || !is_alpha(name.p[0]))
		return why_set(why, ERR_MALFORMED, "RFC 3986 3.1: no scheme");
	for (size_t i = 0; i < n; i++)
		if (!is_alpha(name.p[i]) && !is_digit(name.p[i]) &&
		    strchr("+-.", name.p[i]) == NULL)
			return why_set(why, ERR_MALFORMED,
			    "RFC 3986 3.1: bad scheme");
	u->scheme = URI_OTHER;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (n == strlen(schemes[i].name) && strncasecmp(
		    (const char *)name.p, schemes[i].name, n) == 0) {
			u->scheme = schemes[i].scheme;
			u->port = schemes[i].port;
		}
	}
	return 0;
}

/* "[" IPv6 [ "%25" zone ] "]" */
static int
parse_literal(struct slice *auth, struct uri *u, struct why *why)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	struct slice host;
	size_t end, n;

	(void)take(auth, 1);
	end = span_to(*auth, "]");
	if (end == auth->n)
		return why_set(why, ERR_MALFORMED,
		    "RFC 3986 3.2.2: missing ']'");
	host = take(auth, end);
	(void)take(auth, 1);
	n = span_to(host, "%");
	if (!slice_to_cstr(slice_sub(host, 0, n), text, sizeof(text)) ||
	    inet_pton(AF_INET6, text, &addr) != 1)
		return why_set(why, ERR_MALFORMED,
		    "RFC 3986 3.2.2: not an IPv6 address");
	if (n < host.n && (!starts(slice_sub(host, n, host.n), "%25") ||
	    host.n - n == 3))
		return why_set(why, ERR_MALFORMED, "RFC 6874 2: bad zone");
	u->host = host;
	u->host_ipv6 = true;
	return 0;
}

static int
parse_port(struct slice s, struct uri *u, struct why *why)
{
	unsigned long v = 0;

	if (s.n == 0)
		return 0; /* "host:" means the default */
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return why_set(why, ERR_MALFORMED,
			    "RFC 3986 3.2.3: bad port");
		v = v * 10 + (s.p[i] - '0');
		if (v > 65535)
			break;
	}
	if (v == 0 || v > 65535)
		return why_set(why, ERR_RANGE, "RFC 3986 3.2.3: port range");
	u->port = (uint16_t)v;
	return 0;
}

static int
parse_authority(struct slice auth, struct uri *u, struct why *why)
{
	int rc;

	if (span_to(auth, "@") < auth.n)
		return why_set(why, ERR_UNSUPPORTED,
		    "RFC 7252 6.1: userinfo in a URI");
	if (starts(auth, "[")) {
		rc = parse_literal(&auth, u, why);
		if (rc != 0)
			return rc;
	} else {
		u->host = take(&auth, span_to(auth, ":"));
		if (span_to(u->host, "[]") < u->host.n)
			return why_set(why, ERR_MALFORMED,
			    "RFC 3986 3.2.2: bad host");
	}
	if (auth.n == 0)
		return 0;
	if (auth.p[0] != ':')
		return why_set(why, ERR_MALFORMED,
		    "RFC 3986 3.2.2: text after ']'");
	return parse_port(slice_sub(auth, 1, auth.n), u, why);
}

static bool
is_coap(enum uri_scheme s)
{
	return s != URI_NONE && s != URI_OTHER;
}

int
uri_parse(struct slice in, struct uri *ret, struct why *why)
{
	struct uri u = {.scheme = URI_NONE};
	struct slice rest = in;
	int rc;

	if (in.n > LIMIT_URI)
		return why_set(why, ERR_SIZE, "URI of %zu bytes", in.n);
	rc = check_chars(in, why);
	if (rc == 0)
		rc = parse_scheme(&rest, &u, why);
	if (rc != 0)
		return rc;
	if (starts(rest, "//")) {
		(void)take(&rest, 2);
		rc = parse_authority(take(&rest, span_to(rest, "/?#")), &u,
		    why);
		if (rc != 0)
			return rc;
	}
	if (is_coap(u.scheme) && u.host.n == 0)
		return why_set(why, ERR_MALFORMED,
		    "RFC 7252 6.1: a CoAP URI without a host");
	if (starts(rest, "/"))
		(void)take(&rest, 1);
	u.path = take(&rest, span_to(rest, "?#"));
	if (starts(rest, "?")) {
		(void)take(&rest, 1);
		u.query = take(&rest, span_to(rest, "#"));
	}
	if (rest.n > 0) {
		u.have_fragment = true;
		u.fragment = slice_sub(rest, 1, rest.n);
	}
	if (span_to(u.path, "[]") < u.path.n ||
	    span_to(u.query, "[]") < u.query.n ||
	    span_to(u.fragment, "[]#") < u.fragment.n)
		return why_set(why, ERR_MALFORMED,
		    "RFC 3986 2.2: reserved character in the wrong place");
	*ret = u;
	return 0;
}

/* '/', '%' and NUL of a segment are escaped: see the header. */
static void
put_escaped(struct buf *b, uint8_t c)
{
	char hex[4];

	if (c != '/' && c != '%' && c != '\0') {
		buf_put_u8(b, c);
		return;
	}
	snprintf(hex, sizeof(hex), "%%%02X", c);
	buf_puts(b, hex);
}

void
uri_path_add(struct buf *b, struct slice segment)
{
	if (b->n > 0)
		buf_put_u8(b, '/');
	for (size_t i = 0; i < segment.n; i++)
		put_escaped(b, segment.p[i]);
}

/* One byte of an escaped text, and the step to the next. */
static uint8_t
unescape(struct slice s, size_t *i)
{
	uint8_t c = s.p[*i];

	if (c == '%' && s.n - *i >= 3 && hex_digit(s.p[*i + 1]) >= 0 &&
	    hex_digit(s.p[*i + 2]) >= 0) {
		c = (uint8_t)(hex_digit(s.p[*i + 1]) << 4 |
		    hex_digit(s.p[*i + 2]));
		*i += 2;
	}
	*i += 1;
	return c;
}

/* Drops the last segment: RFC 3986 5.2.4. */
static void
pop_segment(struct buf *b)
{
	while (b->n > 0 && b->p[b->n - 1] != '/')
		b->n--;
	if (b->n > 0)
		b->n--;
}

int
uri_path(const struct uri *u, char *dst, size_t cap)
{
	struct slice rest = u->path;
	struct buf b = buf_of(dst, cap);
	size_t segments = 0;

	while (rest.n > 0) {
		struct slice seg = take(&rest, span_to(rest, "/"));
		bool last = rest.n == 0;

		(void)take(&rest, 1);
		if (slice_eq_str(seg, "."))
			continue;
		if (slice_eq_str(seg, "..")) {
			pop_segment(&b);
			continue;
		}
		if (++segments > LIMIT_PATH_SEGMENTS)
			return ERR_SIZE;
		if (b.n > 0)
			buf_put_u8(&b, '/');
		for (size_t i = 0; i < seg.n;)
			put_escaped(&b, unescape(seg, &i));
		/* "a/" ends with an empty segment */
		if (!last && rest.n == 0 && b.n > 0)
			buf_put_u8(&b, '/');
	}
	buf_put_u8(&b, '\0');
	return b.over ? ERR_SPACE : 0;
}

int
uri_path_segment(struct slice path, size_t n, char *dst, size_t cap)
{
	struct slice seg = SLICE_NONE;
	struct buf b = buf_of(dst, cap);
	bool more = path.n > 0;

	for (size_t i = 0; i <= n; i++) {
		if (!more)
			return ERR_NOT_FOUND;
		seg = take(&path, span_to(path, "/"));
		more = path.n > 0;
		(void)take(&path, 1);
	}
	for (size_t i = 0; i < seg.n;) {
		uint8_t c = unescape(seg, &i);

		if (c == '\0') /* dst is a C string */
			return ERR_MALFORMED;
		buf_put_u8(&b, c);
	}
	buf_put_u8(&b, '\0');
	return b.over ? ERR_SPACE : 0;
}

int
uri_query(const struct uri *u, size_t n, struct buf *out)
{
	struct slice rest = u->query, part = SLICE_NONE;
	bool more = rest.n > 0;

	for (size_t i = 0; i <= n; i++) {
		if (!more)
			return ERR_NOT_FOUND;
		part = take(&rest, span_to(rest, "&"));
		more = rest.n > 0;
		(void)take(&rest, 1);
	}
	for (size_t i = 0; i < part.n;)
		buf_put_u8(out, unescape(part, &i));
	return out->over ? ERR_SPACE : 0;
}

void
uri_path_loose(char *path)
{
	char *w = path;

	for (char *r = path; *r != '\0'; w++) {
		if (strncasecmp(r, "%2f", 3) == 0) {
			*w = '/';
			r += 3;
		} else {
			*w = *r++;
		}
	}
	*w = '\0';
}

struct slice
uri_query_value(struct slice option, const char *name)
{
	size_t n = strlen(name);

	if (!starts(option, name))
		return SLICE_NONE;
	if (option.n == n) /* "name" alone: present and empty */
		return slice_sub(option, n, 0);
	if (option.p[n] != '=')
		return SLICE_NONE;
	return slice_sub(option, n + 1, option.n);
}
