/*
 * A device: the core over storage in RAM, its power, its sleep, and what
 * becomes of it when it starts an image. It has one event in the clock, at
 * the earliest of what it waits for.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define FALL_ASLEEP 10000 /* looks again when it was busy */

bool
sim_dev_hears(const struct sim_dev *d)
{
	return d->on && !d->asleep;
}

/* --- the event --- */

static void
event(struct sim *s, void *arg, int64_t at)
{
	struct sim_dev *d = arg;

	if (s->over || d->armed != at)
		return; /* an earlier one took its place */
	d->armed = SIM_NEVER;
	sim_dev_run(d);
}

static void
arm(struct sim_dev *d, int64_t at)
{
	if (at < d->s->now)
		at = d->s->now;
	if (at >= d->armed)
		return;
	d->armed = at;
	sim_at(d->s, at, event, d, at);
}

/* --- sleep --- */

/* Time until the next change of a sleeper's plan. */
static int64_t
plan(const struct sim_dev *d, bool *ret_sleep)
{
	const struct sim *s = d->s;
	const struct sim_group *g = d->g;
	int64_t t;

	*ret_sleep = false;
	if (g->sleep == 0 || !s->began)
		return SIM_NEVER;
	t = (s->now - s->start + d->phase) % (g->sleep + g->wake);
	*ret_sleep = t < g->sleep;
	return *ret_sleep ? g->sleep - t : g->sleep + g->wake - t;
}

static bool
idle(const struct sim_dev *d)
{
	return d->core.phase == SUITDEV_IDLE && d->ask == NULL &&
	    !d->core.loaded && !d->core.transfer &&
	    d->core.trigger[0] == '\0' && d->core.nv.owed == PHASE_IDLE;
}

/* false: it sleeps; its event is set. An update keeps it awake. */
static bool
stay_awake(struct sim_dev *d)
{
	bool sleep;
	int64_t left = plan(d, &sleep);

	d->asleep = sleep && idle(d);
	if (left != SIM_NEVER)
		arm(d, d->s->now + (sleep && !d->asleep ? FALL_ASLEEP :
		    left));
	return !d->asleep;
}

/* --- what starting an image does --- */

static void
start_image(struct sim_dev *d)
{
	struct sim *s = d->s;
	const struct sim_release *r = sim_release_by(s,
	    d->core.nv.target_seq);

	if (r == NULL || d->core.nv.step != SUITDEV_STARTING)
		return;
	if (sim_chance(&s->dev_rnd) < r->brick) {
		sim_trace(s, d, "bricked");
		d->fate = FATE_BRICKED;
		s->count.bricked++;
		sim_dev_power(d, false);
	} else if (sim_chance(&s->dev_rnd) < r->badboot) {
		/* the boot loader takes the old slot again */
		sim_trace(s, d, "rolled back");
		d->ram.slot = !d->ram.slot;
		s->count.rolled_back++;
	}
}

void
sim_dev_run(struct sim_dev *d)
{
	const int64_t now = d->s->now;
	int64_t next;

	if (!d->on || !stay_awake(d))
		return;
	sim_wire_again(d);
	if (d->ask != NULL)
		arm(d, d->again);
	if (now < d->busy) {
		arm(d, d->busy);
		return;
	}
	if (d->core.phase == SUITDEV_REBOOT && now >= d->core.reboot_at)
		start_image(d);
	if (!d->on)
		return;
	if (d->core.phase == SUITDEV_REBOOT && now >= d->core.reboot_at)
		storage_ram_power(&d->ram);
	next = suitdev_tick(&d->core, now);
	sim_count_state(d);
	if (next != SUITDEV_NEVER)
		arm(d, next);
	if (d->ask != NULL)
		arm(d, d->again);
}

/* --- power --- */

void
sim_dev_power(struct sim_dev *d, bool on)
{
	if (d->on == on || (on && d->fate != FATE_ALIVE))
		return;
	d->on = on;
	sim_wire_forget(d);
	d->busy = d->not_before = 0;
	if (on) {
		storage_ram_power(&d->ram);
		if (suitdev_boot(&d->core, d->s->now) != 0)
			sim_trace(d->s, d, "does not start");
		d->tried = d->s->now;
		sim_dev_run(d);
	}
	sim_count_state(d);
}

static void
first_power(struct sim *s, void *arg, int64_t n)
{
	(void)n;
	if (!s->over)
		sim_dev_power(arg, true);
}

int
sim_dev_init(struct sim *s, unsigned index, struct sim_group *g)
{
	struct sim_dev *d = &s->dev[index];
	const unsigned k = index - g->first;
	struct suitdev_config c = {
		.kind = &g->kind, .ep = d->ep, .class_path = s->class_hex,
		.slot_id = {0, 1}, .sequence = g->seq, .keys = &s->ring,
		.storage = &storage_ram, .storage_arg = &d->ram,
		.net = &sim_wire, .net_arg = d, .authenticated = g->auth,
		.manifest = buf_of(d->manifest, sizeof(d->manifest)),
		.seed = backoff_rand(&s->dev_rnd),
	};

	memset(d, 0, sizeof(*d));
	d->s = s;
	d->g = g;
	d->index = index;
	d->armed = SIM_NEVER;
	d->push_end = &d->push;
	snprintf(d->ep, sizeof(d->ep), "%s%05u", g->prefix, k);
	snprintf(d->addr, sizeof(d->addr), "%u.%u.%u.%u", g->net[0] & 255,
	    g->net[1] & 255, k >> 8 & 255, k & 255);
	snprintf(d->peer, sizeof(d->peer), "%s:5683", d->addr);
	d->phase = g->in_step ? 0 : sim_below(&s->dev_rnd, g->sleep +
	    g->wake);
	memcpy(c.class_id, s->class_id, 16);
	memcpy(c.vendor, s->vendor, 16);
	storage_ram_init(&d->ram, s->image_n);
	if (g->attest && sim_boot_init(d) != 0)
		return ERR_CRYPTO;
	c.attest = g->attest ? &d->attest : NULL;
	suitdev_init(&d->core, &c);
	sim_at(s, s->now + sim_below(&s->dev_rnd, g->boot), first_power, d,
	    0);
	return 0;
}

void
sim_dev_fini(struct sim_dev *d)
{
	sim_wire_forget(d);
	sim_ans_unref(d->memo);
	cose_key_free(d->boot_key);
	storage_ram_fini(&d->ram);
}

/* --- by name --- */

static const struct sim_group *
group_of_addr(const struct sim *s, const unsigned part[4])
{
	for (size_t i = 0; i < s->group_n; i++)
		if (s->group[i].net[0] == part[0] &&
		    s->group[i].net[1] == part[1])
			return &s->group[i];
	return NULL;
}

static struct sim_dev *
nth(struct sim *s, const struct sim_group *g, unsigned k)
{
	return g != NULL && k < g->n ? &s->dev[g->first + k] : NULL;
}

struct sim_dev *
sim_dev_by_addr(struct sim *s, struct slice host)
{
	char text[LIMIT_ADDRESS];
	unsigned a[4];

	if (!slice_to_cstr(host, text, sizeof(text)) ||
	    sscanf(text, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]) != 4)
		return NULL;
	return nth(s, group_of_addr(s, a), a[2] << 8 | a[3]);
}

struct sim_dev *
sim_dev_by_ep(struct sim *s, const char *ep)
{
	for (size_t i = 0; i < s->group_n; i++) {
		const struct sim_group *g = &s->group[i];
		size_t n = strlen(g->prefix);

		if (strncmp(g->prefix, ep, n) == 0 &&
		    strspn(ep + n, "0123456789") == strlen(ep + n))
			return nth(s, g, (unsigned)strtoul(ep + n, NULL, 10));
	}
	return NULL;
}
