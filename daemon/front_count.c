/*
 * What was answered, by route and response code: for metrics. A route is its
 * place in its table, so that counting is one addition; what serves blocks
 * is one row, since authors choose these paths.
 */
#include "daemon/front_int.h"

#include "daemon/block1.h"
#include "daemon/door.h"
#include "daemon/front_oscore.h"
#include "daemon/observe.h"

#define ROW_OTHER 0
#define ROW_IMAGE 1
#define ROW_CORE 2
#define ROW_FIRST FRONT_FIXED /* the routes of devices, then operators' */

static unsigned
rows_of(const struct route *table)
{
	unsigned n = 0;

	while (table != NULL && table[n].path != NULL)
		n++;
	return n;
}

static unsigned
row_of_route(const struct front *f, const struct route *r)
{
	unsigned n = rows_of(f->device), row;

	if (r >= f->device && r < f->device + n)
		row = ROW_FIRST + (unsigned)(r - f->device);
	else
		row = ROW_FIRST + n + (unsigned)(r - f->admin);
	return row < FRONT_ROWS ? row : ROW_OTHER;
}

/* A repetition is answered from memory, and what no handler can answer is
 * refused, before a route is looked for. */
static const struct route *
route_of(const struct exchange *x)
{
	const struct front *f = x->f;
	struct route_match m;

	if (x->match.route != NULL)
		return x->match.route;
	return route_find(x->plane->t == T_ADMIN ? f->admin : f->device,
	    x->req.path, x->req.method, &m) == 0 ? m.route : NULL;
}

unsigned
front_row(const struct exchange *x)
{
	const struct route *r;

	if (strcmp(x->req.path, ".well-known/core") == 0)
		return ROW_CORE;
	r = route_of(x);
	if (r == NULL)
		return ROW_OTHER;
	if (!(r->flags & ROUTE_BLOCKS))
		return row_of_route(x->f, r);
	/* the catch-all is where every path ends that is none */
	return strcmp(r->path, "{*}") == 0 && (x->match.route == NULL ||
	    x->answer.code == 404 || x->answer.code == 405) ? ROW_OTHER :
	    ROW_IMAGE;
}

void
front_count(struct front *f, unsigned row, unsigned code)
{
	f->answered[row][code_index(code)]++;
}

static void
tell_table(const struct front *f, const struct route *table, void (*cb)(
    void *arg, const char *path, const uint64_t n[CODES]), void *arg)
{
	for (const struct route *r = table; r != NULL && r->path != NULL; r++)
		if (!(r->flags & ROUTE_BLOCKS) &&
		    row_of_route(f, r) != ROW_OTHER)
			cb(arg, r->path, f->answered[row_of_route(f, r)]);
}

void
front_answered(const struct front *f, void (*cb)(void *arg, const char *path,
    const uint64_t n[CODES]), void *arg)
{
	cb(arg, "other", f->answered[ROW_OTHER]);
	cb(arg, FRONT_IMAGE, f->answered[ROW_IMAGE]);
	cb(arg, ".well-known/core", f->answered[ROW_CORE]);
	tell_table(f, f->device, cb, arg);
	tell_table(f, f->admin, cb, arg);
}

const char *
front_limit_name(enum front_limit l)
{
	static const char *const names[FRONT_LIMITS] = {
#define L(id, name) [FRONT_LIMIT_##id] = name,
		FRONT_LIMIT_LIST(L)
#undef L
	};

	return names[l];
}

void
front_stats(const struct front *f, struct front_stats *ret)
{
	*ret = f->stats;
	ret->own_blocks = f->stats.blocks;
	ret->observers = observe_count(f->observers);
	ret->assemblies = block1_count(f->block1);
	ret->waiting = f->later_n;
	ret->limit[FRONT_LIMIT_HANDSHAKES] = door_unheard(f->door);
	for (int t = 0; t < PLANES; t++)
		ret->sessions_of[t] = f->plane[t].sessions;
	for (unsigned i = 0; i < f->follow_n; i++)
		ret->sessions_of[T_UDP] += f->follow[i].sessions;
	for (int t = 0; t < PLANES; t++)
		ret->sessions += ret->sessions_of[t];
	front_oscore_stats(f, ret);
	if (f->hooks.stats != NULL)
		f->hooks.stats(f->app, ret);
}
