/*
 * Slots. The truth is in the store: a slot is a job in a state that holds
 * one. The table follows each move, and is made anew from the store at the
 * start and whenever a pair was undone under it.
 *
 * Rejected: counting in SQL at each poll. It is exact as well, but groups by
 * address would need a column on the job and an index more.
 */
#include "daemon/admit_slot.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"

#define GONE UINT64_MAX
#define GROUP_PROBE 16
#define MEAN_FIRST_MS 60000 /* until one was measured */

int
admit_new(struct admit **ret)
{
	struct admit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return ERR_NOMEM;
	a->slot = calloc(ADMIT_SLOTS, sizeof(*a->slot));
	a->group = calloc(ADMIT_GROUPS, sizeof(*a->group));
	a->booking = calloc(ADMIT_BOOKINGS, sizeof(*a->booking));
	a->mean = MEAN_FIRST_MS;
	a->doubt = true;
	if (a->slot == NULL || a->group == NULL || a->booking == NULL) {
		admit_free(a);
		return ERR_NOMEM;
	}
	*ret = a;
	return 0;
}

void
admit_free(struct admit *a)
{
	if (a == NULL)
		return;
	free(a->slot);
	free(a->group);
	free(a->booking);
	free(a);
}

/* --- groups --- */

bool
slot_prefix(const char *addr, char *dst, size_t cap)
{
	char host[LIMIT_ADDRESS], text[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	snprintf(host, sizeof(host), "%s", addr);
	host[strcspn(host, "%")] = '\0';
	if (inet_pton(AF_INET6, host, &a6) == 1) {
		if (IN6_IS_ADDR_LOOPBACK(&a6))
			return false;
		if (!IN6_IS_ADDR_V4MAPPED(&a6)) {
			memset(&a6.s6_addr[8], 0, 8);
			inet_ntop(AF_INET6, &a6, text, sizeof(text));
			snprintf(dst, cap, "%s/64", text);
			return true;
		}
		memcpy(&a4, &a6.s6_addr[12], 4);
	} else if (inet_pton(AF_INET, host, &a4) != 1) {
		return false;
	}
	if (ntohl(a4.s_addr) >> 24 == 127)
		return false;
	a4.s_addr &= htonl(0xffffff00);
	inet_ntop(AF_INET, &a4, text, sizeof(text));
	snprintf(dst, cap, "%s/24", text);
	return true;
}

static bool
group_name(const struct app *app, const struct store_device *d, char *dst,
    size_t cap)
{
	const char *tag = app->conf.group_tag;

	if (tag[0] == '\0')
		return slot_prefix(d->addr, dst, cap);
	for (size_t i = 0; i < d->tag_count; i++) {
		if (strcmp(d->tag[i].name, tag) == 0) {
			snprintf(dst, cap, "%s=%.44s", tag, d->tag[i].value);
			return true;
		}
	}
	return false;
}

static uint64_t
hash_text(const char *s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	return h ^ h >> 29;
}

struct group *
slot_group(struct app *app, const struct store_device *d)
{
	struct admit *a = app->admit;
	struct group *idle = NULL, *g;
	char name[LIMIT_ADDRESS];
	size_t at;

	if (!group_name(app, d, name, sizeof(name)))
		return NULL;
	at = hash_text(name) % ADMIT_GROUPS;
	for (size_t i = 0; i < GROUP_PROBE; i++) {
		g = &a->group[(at + i) % ADMIT_GROUPS];
		if (strcmp(g->name, name) == 0) {
			g->used = loop_now(app->loop);
			return g;
		}
		if (g->slots == 0 && (idle == NULL || g->used < idle->used))
			idle = g;
	}
	if (idle == NULL)
		return NULL;
	memset(idle, 0, sizeof(*idle));
	snprintf(idle->name, sizeof(idle->name), "%s", name);
	idle->used = loop_now(app->loop);
	return idle;
}

/* --- slots --- */

static size_t
slot_find(const struct admit *a, uint64_t job, bool *ret_there)
{
	size_t i = job * 0x9e3779b97f4a7c15u % ADMIT_SLOTS, grave = SIZE_MAX;

	for (;; i = (i + 1) % ADMIT_SLOTS) {
		if (a->slot[i].job == job) {
			*ret_there = true;
			return i;
		}
		if (a->slot[i].job == GONE && grave == SIZE_MAX)
			grave = i;
		if (a->slot[i].job == 0) {
			*ret_there = false;
			return grave != SIZE_MAX ? grave : i;
		}
	}
}

static void
slot_take(struct app *app, const struct job *j, int64_t since)
{
	struct admit *a = app->admit;
	struct store_device d;
	struct group *g = NULL;
	bool there;
	size_t i = slot_find(a, j->id, &there);

	/* a table that is almost full would be searched for ever */
	if (there || a->slots + a->dead >= ADMIT_SLOTS / 4 * 3) {
		a->doubt |= !there && a->dead > 0;
		return;
	}
	if (app->store->ops->device_get(app->store, j->device, &d) == 0)
		g = slot_group(app, &d);
	if (a->slot[i].job == GONE)
		a->dead--;
	a->slot[i].job = j->id;
	a->slot[i].since = since;
	a->slot[i].group = g == NULL ? 0 : (uint32_t)(g - a->group) + 1;
	a->slots++;
	a->moves++;
	if (g != NULL)
		g->slots++;
}

static void
slot_give(struct admit *a, const struct job *was, int64_t now)
{
	bool there;
	size_t i = slot_find(a, was->id, &there);

	if (!there)
		return;
	if (a->slot[i].group != 0)
		a->group[a->slot[i].group - 1].slots--;
	if (was->state == JOB_FETCHING && a->slot[i].since != 0)
		a->mean = pace_mean(a->mean, now - a->slot[i].since);
	a->slot[i].job = GONE;
	a->dead++;
	a->slots--;
	a->moves++;
	if (a->dead > ADMIT_SLOTS / 2)
		a->doubt = true; /* the graves are cleared */
}

/* Does the campaign announce a spread? runs.h may have dropped it: it keeps
 * what runs, and a download may outlive its campaign. */
static bool
run_announces(struct app *app, uint64_t campaign)
{
	static struct store_campaign c;
	struct admit *a = app->admit;
	const struct run *r = runs_peek(app, campaign);
	struct policy p;

	if (r != NULL || campaign == 0)
		return r != NULL && r->policy.announce > 0;
	if (a->memo.campaign == campaign)
		return a->memo.announces;
	policy_default(&p);
	if (app->store->ops->campaign_get(app->store, campaign, &c) != 0 ||
	    policy_parse(c.policy, &p, NULL, NULL) != 0)
		return false;
	a->memo.campaign = campaign;
	a->memo.announces = p.announce > 0;
	return a->memo.announces;
}

/* A trigger that announces a spread takes none: the device asks when it
 * comes. */
static bool
holds(struct app *app, const struct job *j)
{
	static struct store_device d;

	if (j->state == JOB_FETCHING)
		return true;
	if (j->state != JOB_NOTIFIED &&
	    (j->state != JOB_QUEUED || j->started == 0))
		return false;
	return !run_announces(app, j->campaign) ||
	    app->store->ops->device_get(app->store, j->device, &d) != 0 ||
	    !admit_is_told(&d);
}

/* Not by what the job was: what decides may have changed meanwhile (the
 * device's driver), and a slot that nobody gives back would be lost. */
void
admit_moved(struct app *app, const struct job *was, const struct job *now)
{
	if (holds(app, now))
		slot_take(app, now, loop_now(app->loop));
	else
		slot_give(app->admit, was, loop_now(app->loop));
}

uint64_t
admit_moves(const struct admit *a)
{
	return a->moves;
}

void
admit_undone(struct admit *a, uint64_t moves)
{
	a->doubt |= a->moves != moves;
}

void
admit_regroup(struct admit *a)
{
	a->doubt = true;
}

static int
count_one(void *arg, const struct job *j)
{
	struct app *app = arg;

	if (holds(app, j))
		slot_take(app, j, j->state == JOB_FETCHING ? 0 : j->started);
	return 0;
}

static void
recount(struct app *app)
{
	struct admit *a = app->admit;
	struct store *s = app->store;
	int rc;

	a->doubt = false;
	a->moves++; /* it sees what may be undone, even when that is nothing */
	a->slots = 0;
	a->dead = 0;
	memset(a->slot, 0, ADMIT_SLOTS * sizeof(*a->slot));
	for (size_t i = 0; i < ADMIT_GROUPS; i++)
		a->group[i].slots = 0;
	rc = s->ops->job_active(s, count_one, app);
	if (rc != 0) {
		a->doubt = true;
		log_error("store: running jobs: %s (%s)", err_text(rc),
		    store_why(s));
	}
}

uint32_t
admit_slots(struct app *app)
{
	if (app->admit->doubt)
		recount(app);
	return app->admit->slots;
}
