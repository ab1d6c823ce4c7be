/*
 * Words of a scenario's line, and the two statements that have many.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"

char *
sim_word(char **rest)
{
	char *p = *rest + strspn(*rest, " \t"), *w = p;

	if (*p == '\0')
		return NULL;
	p += strcspn(p, " \t");
	if (*p != '\0')
		*p++ = '\0';
	*rest = p;
	return w;
}

int
sim_ms(const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", SIM_HOUR},
		{"d", 24 * SIM_HOUR},
	};
	char *end;
	double v = strtod(text, &end);

	if (end == text || v < 0 || v > 1e9)
		return ERR_INVALID;
	if (v == 0 && *end == '\0') {
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ret = (int64_t)(v * (double)units[i].ms);
			return 0;
		}
	return ERR_INVALID;
}

int
sim_share(const char *text, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || strcmp(end, "%") != 0 || v < 0)
		return ERR_INVALID;
	*ret = v / 100;
	return 0;
}

/* --- FLEET n [option=value]... --- */

static int
o_kind(struct sim_group *g, char *v)
{
	static const struct suitdev_kind *const kinds[] = {
		&suitdev_kind_plain, &suitdev_kind_poll,
		&suitdev_kind_observe, &suitdev_kind_trigger,
		&suitdev_kind_manifest, &suitdev_kind_riot,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, v) == 0) {
			g->kind = *kinds[i];
			return 0;
		}
	return ERR_INVALID;
}

static int
o_seq(struct sim_group *g, char *v)
{
	return text_u64(slice_str(v), &g->seq);
}

/* 23h/1h: asleep, awake; with @0 they all fall asleep at AT 0. */
static int
o_sleep(struct sim_group *g, char *v)
{
	char *wake = strchr(v, '/'), *at = strchr(v, '@');
	int rc = wake == NULL ? ERR_INVALID : 0;

	if (rc == 0) {
		*wake++ = '\0';
		g->in_step = at != NULL && strcmp(at, "@0") == 0;
		if (at != NULL)
			*at = '\0';
		rc = sim_ms(v, &g->sleep);
	}
	if (rc == 0)
		rc = sim_ms(wake, &g->wake);
	return rc == 0 && (g->sleep == 0 || g->wake == 0) ? ERR_RANGE : rc;
}

static int
o_gone(struct sim_group *g, char *v)
{
	return sim_share(v, &g->gone);
}

static int
o_boot(struct sim_group *g, char *v)
{
	return sim_ms(v, &g->boot);
}

static int
o_prefix(struct sim_group *g, char *v)
{
	size_t n = strlen(v);

	/* a number follows: it must be seen where it begins */
	if (n == 0 || n >= sizeof(g->prefix) ||
	    strchr("0123456789", v[n - 1]) != NULL)
		return ERR_INVALID;
	strcpy(g->prefix, v);
	return 0;
}

static int
o_net(struct sim_group *g, char *v)
{
	char tail;

	return sscanf(v, "%3u.%3u%c", &g->net[0], &g->net[1], &tail) == 2 ?
	    0 : ERR_INVALID;
}

static const struct {
	const char *name;
	int (*fn)(struct sim_group *g, char *v);
} options[] = {
	{"kind", o_kind}, {"seq", o_seq}, {"sleep", o_sleep},
	{"gone", o_gone}, {"boot", o_boot}, {"prefix", o_prefix},
	{"net", o_net},
};

static int
option(struct sim_group *g, char *w)
{
	char *v = strchr(w, '=');

	bool *flag = strcmp(w, "auth") == 0 ? &g->auth :
	    strcmp(w, "attest") == 0 ? &g->attest :
	    strcmp(w, "rude") == 0 ? &g->rude : NULL;

	if (flag != NULL) {
		*flag = true;
		return 0;
	}
	if (v == NULL)
		return ERR_INVALID;
	*v++ = '\0';
	if (strncmp(w, "tag.", 4) == 0) {
		snprintf(g->tag_name, sizeof(g->tag_name), "%s", w + 4);
		snprintf(g->tag_value, sizeof(g->tag_value), "%s", v);
		return 0;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, w) == 0)
			return options[i].fn(g, v);
	return ERR_INVALID;
}

int
sim_fleet(struct sim *s, char *rest)
{
	struct sim_group *g = &s->group[s->group_n];
	char *w = sim_word(&rest);
	uint64_t n = 0;
	int rc = 0;

	if (s->group_n == SIM_GROUPS || w == NULL ||
	    text_u64(slice_str(w), &n) != 0 || n == 0 || n > 65536)
		return why_set(&s->why, ERR_RANGE, "FLEET n: 1 to 65536, up "
		    "to %d groups", SIM_GROUPS);
	*g = (struct sim_group){
		.n = (unsigned)n, .kind = suitdev_kind_poll, .seq = 1,
		.net = {10, (unsigned)s->group_n},
	};
	snprintf(g->prefix, sizeof(g->prefix), "g%c-",
	    (char)('a' + s->group_n));
	if (s->group_n > 0)
		g->first = g[-1].first + g[-1].n;
	while (rc == 0 && (w = sim_word(&rest)) != NULL) {
		rc = option(g, w);
		if (rc != 0)
			return why_set(&s->why, rc, "FLEET: %s", w);
	}
	s->group_n++;
	return 0;
}

/* --- RELEASE seq [BRICK p%] [BADBOOT p%] --- */

struct sim_release *
sim_release_by(struct sim *s, uint64_t seq)
{
	for (size_t i = 0; i < s->release_n; i++)
		if (s->release[i].seq == seq)
			return &s->release[i];
	return NULL;
}

int
sim_release(struct sim *s, char *rest)
{
	struct sim_release *r = &s->release[s->release_n];
	char *w = sim_word(&rest), *v;
	double *to;

	if (s->release_n == SIM_RELEASES || w == NULL ||
	    text_u64(slice_str(w), &r->seq) != 0 || r->seq == 0)
		return why_set(&s->why, ERR_INVALID, "RELEASE sequence");
	while ((w = sim_word(&rest)) != NULL) {
		to = strcmp(w, "BRICK") == 0 ? &r->brick :
		    strcmp(w, "BADBOOT") == 0 ? &r->badboot : NULL;
		v = sim_word(&rest);
		if (to == NULL || v == NULL || sim_share(v, to) != 0)
			return why_set(&s->why, ERR_INVALID, "RELEASE: %s",
			    w);
	}
	s->release_n++;
	return 0;
}
