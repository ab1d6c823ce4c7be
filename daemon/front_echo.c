/*
 * What a peer of plain UDP gets that has not shown its address: answers in
 * blocks that are small enough (echo.h), which every client follows; and
 * where nothing is small enough, the means to show it. What is written here
 * is not cut at the door.
 */
#include "daemon/front_int.h"

#include "daemon/door.h"
#include "daemon/loop.h"

#define MAX_AGE_MOST 6 /* with its head */
#define BLOCK1_MOST 5
#define ECHO_MOST (2 + ECHO_VALUE)

void
echo_begin(struct exchange *x)
{
	const struct door_guest *g = door_guest(x->f->door);

	x->stranger = x->plane->t == T_UDP && g->stranger;
	x->budget = g->left;
	x->from = g->peer;
}

int
echo_check(struct exchange *x)
{
	if (!x->stranger)
		return 0;
	if (x->echo.p != NULL && door_show(x->f->door, x->echo)) {
		x->stranger = false;
		return 0;
	}
	x->challenge = x->f->reach->mode == CONF_ECHO_ALWAYS;
	return x->challenge ? ERR_UNAUTHORIZED : 0;
}

/* Who wanted to be told of changes shall know how to come to that. */
static bool
is_offered(const struct exchange *x)
{
	return x->stranger && x->req.observe && x->match.route != NULL &&
	    (x->match.route->flags & ROUTE_OBSERVE);
}

static void
put(struct exchange *x)
{
	uint8_t v[ECHO_VALUE];

	reach_echo(x->f->reach, &x->from, loop_tick(), v);
	answer_opt(&x->answer, ECHO_OPTION, slice_of(v, sizeof(v)));
}

void
echo_offer(struct exchange *x)
{
	if (is_offered(x))
		put(x);
}

void
echo_hint(struct exchange *x, int err)
{
	if (x->stranger && err == ERR_LIMIT)
		put(x);
}

int
echo_most(struct exchange *x, size_t body, uint8_t *ret_most)
{
	size_t head = CONTENT_HEAD(x->token.n) +
	    (x->resp.have_max_age ? MAX_AGE_MOST : 0) +
	    (x->have_b1 ? BLOCK1_MOST : 0) + (is_offered(x) ? ECHO_MOST : 0);

	if (!x->stranger || !(x->req.method & (M_GET | M_FETCH)) ||
	    head + body <= x->budget)
		return 0;
	reach_count(&x->f->reach->shrunk);
	if (echo_szx(x->budget, head, ret_most))
		return 0;
	x->challenge = true;
	return ERR_UNAUTHORIZED;
}

size_t
answer_size(const struct answer *a, size_t token_n)
{
	size_t n = 4 + token_n + (a->body.n > 0) + a->body.n;
	uint16_t head[2], last = 0;

	for (size_t i = 0; i < a->opts_n; i += sizeof(head) + head[1]) {
		memcpy(head, a->opts + i, sizeof(head));
		n += 1u + head[1] + (head[0] - last > 12) +
		    (head[0] - last > 268) + (head[1] > 12) +
		    (head[1] > 268);
		last = head[0];
	}
	return n;
}

void
echo_bound(struct exchange *x)
{
	struct answer *a = &x->answer;

	if (!x->stranger)
		return;
	if (x->challenge) {
		a->opts_n = 0;
		a->body = SLICE_NONE;
		put(x);
		reach_count(&x->f->reach->challenged);
	}
	if (answer_size(a, x->token.n) <= x->budget)
		return;
	a->body = SLICE_NONE;
	if (answer_size(a, x->token.n) > x->budget)
		a->opts_n = 0;
}
