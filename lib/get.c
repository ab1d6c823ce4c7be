/*
 * Reading. Two layers answer a GET on the other plane, and what they say
 * depends on the order in which they look: libcoap first parses the whole
 * message (RST), then looks for critical options that it does not know
 * (4.02), then for a proxy's options and Hop-Limit (5.05, 4.00, 5.08); the
 * front then reads the options in their order and stops at the first that it
 * must refuse. One pass collects what each of them would find; the end of
 * get_read says who speaks first.
 */
#include "lib/get_impl.h"

#include "lib/text.h"
#include "lib/uri.h"

#define HEADER 4
#define CODE_GET 1
#define NUMBER_MAX 0xffffu
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define BAD_VALUE "RFC 7252 5.4: option value"

/* Lengths of values: RFC 7252 table 4, 7641, 7959, 8613, 8768. */
static const struct rule {
	bool ruled; /* else any length will do */
	bool known; /* a critical one that is no stranger */
	uint8_t min;
	uint16_t max;
} rules[OPT_SIZE1 + 1] = {
	[OPT_IF_MATCH] = {true, true, 0, 8},
	[OPT_URI_HOST] = {true, true, 1, 255},
	[OPT_ETAG] = {true, false, 1, 8},
	[OPT_IF_NONE_MATCH] = {true, true, 0, 0},
	[OPT_OBSERVE] = {true, false, 0, 3},
	[OPT_URI_PORT] = {true, true, 0, 2},
	[OPT_LOCATION_PATH] = {true, false, 0, 255},
	[OPT_OSCORE] = {true, false, 0, 255},
	[OPT_URI_PATH] = {true, true, 0, 255},
	[OPT_CONTENT_FORMAT] = {true, false, 0, 2},
	[OPT_MAX_AGE] = {true, false, 0, 4},
	[OPT_URI_QUERY] = {true, true, 1, 255},
	[OPT_HOP_LIMIT] = {true, false, 1, 1},
	[OPT_ACCEPT] = {true, true, 0, 2},
	[OPT_LOCATION_QUERY] = {true, false, 0, 255},
	[OPT_BLOCK2] = {true, true, 0, 3},
	[OPT_BLOCK1] = {true, true, 0, 3},
	[OPT_SIZE2] = {true, false, 0, 4},
	[OPT_PROXY_URI] = {true, true, 1, 1034},
	[OPT_PROXY_SCHEME] = {true, true, 1, 255},
	[OPT_SIZE1] = {true, false, 0, 4},
};
/* Those with larger numbers, all of them elective: RFC 9175, 7967. */
static const struct rule no_rule;
static const struct rule echo_rule = {true, .max = 40};
static const struct rule no_response_rule = {true, .max = 1};
static const struct rule request_tag_rule = {true, .max = 8};

/* What libcoap would find on its way, apart from what the front reads. */
struct pass {
	struct get *g;
	bool critical, proxy, hops, no_response;
	uint8_t hop_limit; /* the first one counts */
	size_t path_n; /* length of the canonical path */
};

static const struct rule *
rule_of(uint32_t number)
{
	if (number <= OPT_SIZE1)
		return &rules[number];
	switch (number) {
	case OPT_ECHO:
		return &echo_rule;
	case OPT_NO_RESPONSE:
		return &no_response_rule;
	case OPT_REQUEST_TAG:
		return &request_tag_rule;
	default:
		return &no_rule;
	}
}

bool
get_stranger(uint32_t number)
{
	return (number & 1) && !rule_of(number)->known;
}

/* A nibble of the option's first byte, with the bytes that extend it. */
static bool
extended(uint32_t *v, const uint8_t **p, const uint8_t *end)
{
	if (*v < 13)
		return true;
	if (*v == 13 && end - *p >= 1) {
		*v = 13u + (*p)[0];
		*p += 1;
		return true;
	}
	if (*v == 14 && end - *p >= 2) {
		*v = 269u + ((uint32_t)(*p)[0] << 8 | (*p)[1]);
		*p += 2;
		return true;
	}
	return false;
}

bool
get_next(struct get_option *o, const uint8_t **p, const uint8_t *end)
{
	uint32_t delta = **p >> 4, n = **p & 15;

	*p += 1;
	if (!extended(&delta, p, end) || !extended(&n, p, end) ||
	    n > (size_t)(end - *p))
		return false;
	o->number += delta;
	o->value = slice_of(*p, n);
	*p += n;
	return o->number <= NUMBER_MAX;
}

/* uint options: RFC 7252 3.2 allows leading zeros. */
static uint32_t
uint_of(struct slice v)
{
	uint32_t u = 0;

	for (size_t i = 0; i < v.n; i++)
		u = u << 8 | v.p[i];
	return u;
}

static void
refuse(struct get *g, int err, const char *rule)
{
	g->err = err;
	g->rule = rule;
}

/* As uri_path_add joins them: a first empty segment leaves no trace. */
static void
take_path(struct pass *s, struct slice v)
{
	struct get *g = s->g;

	s->path_n += v.n + (s->path_n > 0);
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '/' || v.p[i] == '%' || v.p[i] == '\0')
			s->path_n += 2;
	if (g->segments < LIMIT_PATH_SEGMENTS)
		g->segment[g->segments] = v;
	g->segments++;
}

static void
take_query(struct get *g, struct slice v)
{
	struct slice ep;

	if (g->queries == LIMIT_QUERY) {
		refuse(g, ERR_LIMIT,
		    "more than " STRING(LIMIT_QUERY) " queries");
		return;
	}
	g->queries++;
	if (g->ep.p != NULL)
		return;
	ep = uri_query_value(v, "ep");
	if (ep.p != NULL && text_name_ok(ep, LIMIT_EP))
		g->ep = ep;
}

static void
take_block(struct get *g, struct slice v, bool *have, struct block *ret)
{
	int rc;

	if (!*have) /* a repeated one that is bad leaves the first */
		*ret = (struct block){0, false, 0};
	*have = true;
	rc = block_parse(v, ret);
	if (rc != 0)
		refuse(g, rc, BAD_VALUE);
}

/* What the front reads; elective options that mean nothing are ignored. */
static void
take_option(struct pass *s, uint32_t number, struct slice v)
{
	struct get *g = s->g;

	switch (number) {
	case OPT_IF_MATCH:
	case OPT_IF_NONE_MATCH:
		refuse(g, ERR_BAD_OPTION, BAD_VALUE);
		break;
	case OPT_ETAG:
		if (g->etags < CONTENT_ETAGS)
			g->etag[g->etags++] = v;
		break;
	case OPT_URI_PATH:
		take_path(s, v);
		break;
	case OPT_URI_QUERY:
		take_query(g, v);
		break;
	case OPT_ACCEPT:
		g->have_accept = true;
		g->accept = (uint16_t)uint_of(v);
		break;
	case OPT_BLOCK2:
		take_block(g, v, &g->have_b2, &g->b2);
		break;
	case OPT_BLOCK1:
		take_block(g, v, &g->have_b1, &g->b1);
		if (!content_whole(g->b1))
			refuse(g, ERR_BAD_OPTION, BAD_VALUE);
		break;
	case OPT_SIZE2:
		g->size2 = true;
		break;
	case OPT_ECHO:
		if (g->echo.p == NULL)
			g->echo = v;
		break;
	default:
		break;
	}
}

/* What libcoap looks at after parsing. */
static void
note_option(struct pass *s, uint32_t number, struct slice v,
    const struct rule *rule)
{
	if ((number & 1) && !rule->known)
		s->critical = true;
	if (number == OPT_PROXY_URI || number == OPT_PROXY_SCHEME)
		s->proxy = true;
	if (number == OPT_HOP_LIMIT && !s->hops) {
		s->hops = true;
		s->hop_limit = v.p[0];
	}
	if (number == OPT_NO_RESPONSE && !s->no_response) {
		s->no_response = true;
		s->g->no_response = uint_of(v);
	}
}

static enum get_verdict
verdict(struct pass *s)
{
	struct get *g = s->g;

	if (s->critical)
		return GET_CRITICAL;
	if (s->proxy)
		return GET_PROXY;
	if (s->hops && s->hop_limit <= 1)
		return s->hop_limit == 0 ? GET_HOPS_BAD : GET_HOPS_OUT;
	if (g->err == 0 && (s->path_n > LIMIT_PATH ||
	    g->segments > LIMIT_PATH_SEGMENTS))
		refuse(g, ERR_NOT_FOUND, "path too long");
	return g->err != 0 ? GET_ERROR : GET_OK;
}

/* The arrays are left alone: clearing them would cost more than reading. */
static void
begin(struct get *g, struct slice in, size_t tkl)
{
	g->con = (in.p[0] >> 4 & 3) == 0;
	g->mid = g->answer_mid = (uint16_t)(in.p[2] << 8 | in.p[3]);
	g->token = slice_of(in.p + HEADER, tkl);
	g->options = g->ep = SLICE_NONE;
	g->segments = g->queries = g->etags = 0;
	g->have_accept = g->have_b1 = g->have_b2 = g->size2 = false;
	g->echo = SLICE_NONE;
	g->most = CONTENT_ANY;
	g->no_response = 0;
	g->err = 0;
	g->rule = NULL;
}

enum get_verdict
get_read(struct slice in, struct get *ret)
{
	struct pass s = {.g = ret};
	struct get_option o = {0};
	const uint8_t *p, *end = in.p + in.n;
	size_t tkl;

	/* version 1, CON or NON */
	if (in.n < HEADER || in.p[0] >> 5 != 2 || in.p[1] != CODE_GET)
		return GET_SILENT;
	tkl = in.p[0] & 15;
	begin(ret, in, tkl);
	if (in.n > LIMIT_DATAGRAM || tkl > 8 || tkl > in.n - HEADER)
		return GET_RESET;
	p = in.p + HEADER + tkl;
	ret->options = slice_of(p, (size_t)(end - p));
	while (p < end && *p != GET_MARKER) {
		const struct rule *rule;

		if (!get_next(&o, &p, end))
			return GET_RESET;
		rule = rule_of(o.number);
		if (rule->ruled &&
		    (o.value.n < rule->min || o.value.n > rule->max))
			return GET_RESET;
		note_option(&s, o.number, o.value, rule);
		if (ret->err == 0)
			take_option(&s, o.number, o.value);
	}
	if (end - p == 1) /* a marker, and no payload */
		return GET_RESET;
	ret->options.n = (size_t)(p - ret->options.p);
	return verdict(&s);
}

struct slice
get_id(const struct get *g)
{
	size_t i = 0;

	while (i < g->segments && g->segment[i].n == 0)
		i++; /* as in take_path */
	if (g->segments - i != 2 || !slice_eq_str(g->segment[i], "i") ||
	    g->segment[i + 1].n == 0 ||
	    memchr(g->segment[i + 1].p, '\0', g->segment[i + 1].n) != NULL)
		return SLICE_NONE;
	return g->segment[i + 1];
}

void
get_path(const struct get *g, char dst[LIMIT_PATH + 1])
{
	struct buf b = buf_of(dst, LIMIT_PATH);

	for (size_t i = 0; i < g->segments; i++)
		uri_path_add(&b, g->segment[i]);
	dst[b.n] = '\0';
}
