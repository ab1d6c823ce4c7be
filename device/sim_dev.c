/*
 * One device of the fleet: it joins the core to the storage in RAM and to
 * the exchanges, answers what a device answers, and loses power on cue.
 */
#include "device/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/text.h"

const struct suitdev_kind *const sim_kinds[SIM_KINDS] = {
    &suitdev_kind_plain, &suitdev_kind_poll, &suitdev_kind_observe,
    &suitdev_kind_trigger, &suitdev_kind_manifest, &suitdev_kind_riot};

static int64_t
core_now(const struct sim *s)
{
	return (int64_t)((double)sim_now(s) * s->args.scale);
}

static bool
asleep(const struct sim_dev *d, int64_t *ret_until)
{
	return sim_asleep(&d->sim->args, d->index, core_now(d->sim),
	    ret_until);
}

/* --- the core's network --- */

static int
net_send(void *arg, const struct suitdev_request *rq)
{
	struct sim_dev *d = arg;
	struct exch_target to;
	int err;

	if (d->fault == SIM_MUTE && rq->method == 1 &&
	    strncmp(rq->uri, "/m", 2) != 0)
		return 0; /* it reads what it shall fetch, and waits */
	err = sim_net_target(d->sim, rq->uri, &to);
	if (err == 0 && d->kind->riot && rq->fresh)
		err = sim_net_fresh(d);
	if (err == 0)
		err = exch_request(&d->exch, sim_now(d->sim), &to, rq);
	return err;
}

static void
net_forget(void *arg)
{
	struct sim_dev *d = arg;

	exch_forget(&d->exch);
}

static const struct suitdev_net net = {net_send, net_forget};

/* --- the exchanges' hooks --- */

static void
secure_send(void *arg, struct slice record)
{
	struct sim_dev *d = arg;

	sim_net_send(d, &d->sim->server, record);
}

static void
secure_plain(void *arg, struct slice dgram)
{
	struct sim_dev *d = arg;

	exch_input(&d->exch, sim_now(d->sim), &d->sim->server, dgram);
}

static const struct dtls_hooks secure_hooks = {secure_send, secure_plain};

/*
 * The association ended. We may be inside of it, called back with what it
 * decrypted, so it is freed at the next turn; then a datagram makes a new
 * one.
 */
static void
secure_reap(struct sim_dev *d)
{
	if (!d->dtls_over)
		return;
	dtls_free(d->dtls);
	d->dtls = NULL;
	d->dtls_over = false;
}

static void
hook_send(void *arg, const struct exch_peer *to, struct slice dgram)
{
	struct sim_dev *d = arg;
	const struct dtls_psk psk = {d->ep, slice_of(d->psk, d->psk_n)};

	if (!d->sim->secure || !exch_peer_eq(to, &d->sim->server)) {
		sim_net_send(d, to, dgram);
		return;
	}
	if (d->dtls_over)
		return; /* lost; it is repeated over the next one */
	if (d->dtls == NULL && dtls_new(d->sim->dtls_ctx, &psk, &secure_hooks,
	    d, &d->dtls) != 0)
		return;
	if (dtls_send(d->dtls, dgram) != 0)
		d->dtls_over = true;
}

static void
hook_answer(void *arg, const struct suitdev_response *r)
{
	struct sim_dev *d = arg;
	const unsigned rejects = (unsigned)d->core.count.rejects;
	const uint64_t lists = d->core.count.lists;

	suitdev_answer(&d->core, core_now(d->sim), r);
	if (d->core.count.rejects != rejects)
		sim_show_line(d, "refuses: %s", d->core.why.text);
	if (d->core.count.lists != lists)
		sim_show_line(d, "has trust list %llu",
		    (unsigned long long)d->trust->list.seq);
}

static void
hook_lost(void *arg, int err)
{
	struct sim_dev *d = arg;

	d->dtls_over = d->dtls != NULL;
	suitdev_lost(&d->core, core_now(d->sim), err);
	sim_show_line(d, "%s", d->core.why.text);
}

static void
hook_notified(void *arg, const struct suitdev_response *r)
{
	struct sim_dev *d = arg;

	suitdev_notified(&d->core, core_now(d->sim), r);
}

/* --- what a device answers --- */

static void
serve_trigger(struct sim_dev *d, const struct exch_in *in,
    struct exch_out *out)
{
	int err;

	if (in->method == 1 && d->kind->riot) {
		out->code = 408; /* as RIOT does: GET is let through */
		return;
	}
	if (in->method != 2) {
		out->code = 405;
		return;
	}
	err = d->fault == SIM_MUTE ? 0 :
	    suitdev_trigger(&d->core, core_now(d->sim), in->payload);
	out->code = err == ERR_INCOMPLETE ? 408 : err != 0 ? err_coap(err) :
	    d->kind->riot ? 201 : 204;
	if (err == 0)
		sim_show_line(d, "triggered: %.*s", (int)in->payload.n,
		    (const char *)in->payload.p);
}

static void
serve_manifest(struct sim_dev *d, const struct exch_in *in,
    struct exch_out *out)
{
	int rc;

	if (!d->kind->pushed)
		return;
	if (in->method != 2) {
		out->code = 405;
		return;
	}
	rc = suitdev_pushed(&d->core, core_now(d->sim),
	    in->have_block ? &in->block : NULL, in->payload);
	out->code = rc == 1 ? 231 : rc == 0 ? 204 : err_coap(rc);
	if (rc == 0)
		sim_show_line(d, "was given a manifest");
}

static void
serve_slot(struct sim_dev *d, const struct exch_in *in, struct exch_out *out)
{
	const unsigned active = d->ram.slot;
	const bool other = strcmp(in->path, "suit/slot/inactive") == 0;

	d->probed = d->result != SIM_PENDING;
	out->code = 205;
	out->payload = slice_str(active == (other ? 1u : 0u) ? "0" : "1");
}

static void
serve_text(struct sim_dev *d, const struct exch_in *in, struct exch_out *out)
{
	(void)d;
	out->code = 205;
	if (strcmp(in->path, "suit/version") == 0) {
		out->payload = slice_str("NONE");
	} else if (strcmp(in->path, "riot/board") == 0) {
		out->payload = slice_str(d->sim->args.class_name);
	} else {
		out->content_format = 40;
		out->payload = slice_str("</riot/board>,</suit/slot/active>,"
		    "</suit/slot/inactive>,</suit/trigger>,</suit/version>");
	}
}

static const struct {
	const char *path;
	bool any_method, riot_only;
	void (*fn)(struct sim_dev *d, const struct exch_in *in,
	    struct exch_out *out);
} served[] = {
	{"suit/trigger", true, false, serve_trigger},
	{"suit/manifest", true, false, serve_manifest},
	{"suit/slot/active", false, false, serve_slot},
	{"suit/slot/inactive", false, false, serve_slot},
	{"suit/version", false, true, serve_text},
	{"riot/board", false, true, serve_text},
	{".well-known/core", false, true, serve_text},
};

static void
hook_serve(void *arg, const struct exch_in *in, struct exch_out *out)
{
	struct sim_dev *d = arg;

	if (!d->kind->triggers)
		return;
	for (size_t i = 0; i < sizeof served / sizeof served[0]; i++) {
		if (strcmp(served[i].path, in->path) != 0 ||
		    (served[i].riot_only && !d->kind->riot))
			continue;
		if (in->method == 1 || served[i].any_method)
			served[i].fn(d, in, out);
		else
			out->code = 405;
		return;
	}
}

static const struct exch_hooks hooks = {hook_send, hook_answer, hook_lost,
    hook_notified, hook_serve};

/* --- power --- */

static void
power_off(struct sim_dev *d)
{
	d->power++;
	d->on = false;
	d->blocks += d->core.count.blocks;
	d->repeats += d->exch.count.retransmitted;
	memset(&d->exch.count, 0, sizeof d->exch.count);
	memset(&d->core.count, 0, sizeof d->core.count);
	sim_net_close(d); /* first: a dead device says no goodbye */
	d->dtls_over = d->dtls != NULL;
	secure_reap(d);
	storage_ram_power(&d->ram);
	d->core.phase = SUITDEV_OFF;
	d->core.loaded = false;
}

static void
draw(void *arg, uint8_t *dst, size_t n)
{
	(void)arg;
	while (getrandom(dst, n, 0) != (ssize_t)n)
		continue; /* up to 256 bytes are never cut */
}

static void
configure(struct sim_dev *d, struct suitdev_config *c)
{
	const struct sim_args *a = &d->sim->args;

	*c = (struct suitdev_config){
	    .kind = d->kind, .ep = d->ep, .class_path = a->class_path,
	    .slot_id = {0, 1}, .sequence = d->start_seq, .keys = &a->keys,
	    .storage = &storage_ram, .storage_arg = &d->ram,
	    .net = &net, .net_arg = d, .authenticated = d->sim->secure,
	    .manifest = buf_of(d->manifest, d->kind->manifest_max),
	    .poll = a->poll, .boot_spread = a->boot_spread,
	    .seed = a->seed * 0x9e3779b97f4a7c15u + d->index +
	    ((uint64_t)d->power << 32),
	};
	if (d->trust != NULL) {
		d->trust->first = slice_of(a->trust, a->trust_n);
		d->trust->fresh = a->fresh;
		d->trust->random = draw;
		c->trust = d->trust;
	}
	if (d->boot_key != NULL)
		c->attest = &d->attest;
	memcpy(c->class_id, a->class_id, sizeof c->class_id);
	memcpy(c->vendor, a->vendor, sizeof c->vendor);
}

int
sim_dev_power_on(struct sim_dev *d)
{
	struct suitdev_config c;
	int err;

	configure(d, &c);
	d->fd = d->fetch_fd = -1;
	suitdev_init(&d->core, &c);
	err = sim_net_open(d);
	if (err != 0)
		return err;
	exch_init(&d->exch, &hooks, d, c.seed ^ 0x65786368);
	d->exch.token_len = d->kind->riot ? 0 : 4;
	d->exch.ack_timeout = d->sim->args.ack_timeout;
	err = suitdev_boot(&d->core, core_now(d->sim));
	d->on = err == 0;
	if (d->on)
		sim_dev_run(d);
	return err;
}

static void
die(struct sim_dev *d)
{
	const double s = d->sim->args.kill_s;
	const struct timeval tv = {(time_t)s,
	    (suseconds_t)((s - (double)(time_t)s) * 1e6)};

	d->killed = true;
	sim_show_line(d, "loses power at %u %%", d->sim->args.kill_percent);
	power_off(d);
	evtimer_add(d->timer, &tv);
}

static bool
shall_die(const struct sim_dev *d)
{
	uint64_t done, total;

	if (!d->kill || d->killed)
		return false;
	suitdev_progress(&d->core, &done, &total);
	return total > 0 && done < total &&
	    done * 100 >= total * d->sim->args.kill_percent;
}

/* --- time --- */

static void
set_result(struct sim_dev *d, enum sim_result now)
{
	const enum sim_result was = d->result;

	d->result = now;
	if (was == SIM_PENDING && now != SIM_PENDING) {
		d->sim->ended++;
		d->ended = sim_now(d->sim);
	}
}

/* Nothing is left that the server should hear of. */
static bool
has_said(const struct sim_dev *d)
{
	return !d->kind->reports || (d->core.nv.owed == PHASE_IDLE &&
	    (d->boot_key == NULL || d->attest.at > 0));
}

/* Faults end a device where a sound one goes on. */
static void
note_fault(struct sim_dev *d)
{
	const bool said = has_said(d);
	const bool known = !d->kind->registers || d->core.registered;
	const bool over = d->fault == SIM_MUTE ||
	    (d->fault == SIM_BAD_BOOT && d->ram.refused_boots > 0);

	if (!over || !said || !known || d->core.phase == SUITDEV_OFF ||
	    d->result != SIM_PENDING)
		return;
	set_result(d, sim_fault_end(&d->sim->args, d->fault));
	sim_show_line(d, "%s", d->fault == SIM_MUTE ?
	    "will fetch nothing" : d->core.recovery ?
	    "is in recovery mode" : "rolled back");
}

static void
note_result(struct sim_dev *d)
{
	const struct suitdev *c = &d->core;
	const bool said = has_said(d);
	const bool known = !d->kind->registers || c->registered;
	enum sim_result now = d->result;

	note_fault(d);
	if (d->fault == SIM_MUTE || c->phase != SUITDEV_IDLE || c->loaded ||
	    !said || !known)
		return;
	if (c->nv.sequence > d->start_seq)
		now = SIM_UPDATED;
	else if (d->newer && (c->refused == REASON_SEQUENCE ||
	    c->count.answers > 0 || d->kind == &suitdev_kind_trigger))
		now = SIM_NEWER;
	else if (c->count.rejects > 0)
		now = SIM_REFUSED;
	if (now == d->result)
		return;
	set_result(d, now);
	if (now == SIM_UPDATED)
		sim_show_line(d, "runs %llu",
		    (unsigned long long)c->nv.sequence);
}

/* All ended: stay as long as the server may still want to ask. */
static void
maybe_leave(struct sim *s)
{
	const double left = s->args.linger;
	struct timeval tv = {(time_t)left,
	    (suseconds_t)((left - (double)(time_t)left) * 1e6)};
	bool asked = true;

	if (s->ended < s->args.n || s->args.until > 0)
		return;
	for (unsigned i = 0; i < s->args.n; i++)
		if (s->dev[i].kind->riot && !s->dev[i].probed &&
		    s->dev[i].result == SIM_UPDATED)
			asked = false;
	if (asked)
		tv = (struct timeval){0, 300000}; /* for the answer */
	if (!s->leaving || asked)
		event_base_loopexit(s->base, &tv);
	s->leaving = true;
}

static void
brick(struct sim_dev *d)
{
	sim_show_line(d, "does not start again");
	power_off(d);
	evtimer_del(d->timer);
	set_result(d, SIM_BRICKED);
	maybe_leave(d->sim);
}

static void
wake_at(struct sim_dev *d, int64_t due)
{
	const int64_t now = sim_now(d->sim);
	struct timeval tv;

	due = due > now ? due - now : 0;
	tv = (struct timeval){due / 1000, (due % 1000) * 1000};
	evtimer_add(d->timer, &tv);
}

static int64_t
real(const struct sim *s, int64_t core)
{
	return (int64_t)((double)core / s->args.scale) + 1;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
sim_dev_run(struct sim_dev *d)
{
	struct sim *s = d->sim;
	int64_t now, due, core, wait;

	if (!d->on)
		return;
	if (asleep(d, &core)) {
		wake_at(d, real(s, core));
		return;
	}
	secure_reap(d);
	now = sim_now(s);
	due = exch_tick(&d->exch, now);
	core = suitdev_tick(&d->core, core_now(s));
	if (d->core.nv.attempt > d->attempts)
		d->attempts = d->core.nv.attempt;
	if (shall_die(d)) {
		die(d);
		return;
	}
	if (d->fault == SIM_BRICK && d->core.phase == SUITDEV_REBOOT) {
		brick(d);
		return;
	}
	note_result(d);
	maybe_leave(s);
	if (core != SUITDEV_NEVER)
		due = earlier(due, real(s, core));
	if (d->exch.out)
		due = earlier(due, d->exch.due);
	wait = d->dtls != NULL && !d->dtls_over ? dtls_timeout(d->dtls) : -1;
	if (wait >= 0)
		due = earlier(due, now + wait);
	if (due == SUITDEV_NEVER) {
		evtimer_del(d->timer);
		return;
	}
	wake_at(d, due);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sim_dev *d = arg;
	int64_t until;

	(void)fd;
	(void)what;
	if (!d->on) {
		sim_show_line(d, "is back");
		if (sim_dev_power_on(d) != 0)
			sim_show_line(d, "%s", d->core.why.text);
		return;
	}
	if (d->dtls != NULL && !d->dtls_over && !asleep(d, &until) &&
	    dtls_timeout(d->dtls) == 1 && dtls_tick(d->dtls) != 0)
		d->dtls_over = true;
	sim_dev_run(d);
}

void
sim_dev_input(struct sim_dev *d, const struct exch_peer *from,
    struct slice dgram)
{
	int64_t until;

	if (!d->on)
		return;
	if (asleep(d, &until)) {
		d->sim->lost++;
		return;
	}
	if (d->sim->secure && exch_peer_eq(from, &d->sim->server)) {
		if (d->dtls != NULL && !d->dtls_over &&
		    dtls_input(d->dtls, dgram) != 0)
			d->dtls_over = true;
	} else {
		exch_input(&d->exch, sim_now(d->sim), from, dgram);
	}
	/* what comes delayed finds nobody who runs the device after it */
	if (d->sim->args.delay_ms > 0)
		sim_dev_run(d);
}

int
sim_dev_new(struct sim *s, unsigned index)
{
	struct sim_dev *d = &s->dev[index];

	d->sim = s;
	d->index = index;
	d->fd = d->fetch_fd = -1;
	d->start_seq = d->newer ? SIM_NEWER_SEQ : s->args.seq;
	snprintf(d->ep, sizeof d->ep, "%s%04u", s->args.prefix, index);
	storage_ram_init(&d->ram, LIMIT_IMAGE);
	d->fault = d->newer ? SIM_SOUND : sim_fault_draw(&s->args, index);
	d->ram.single_slot = s->args.single_slot;
	d->ram.bad_boots = d->fault == SIM_BAD_BOOT ? STORAGE_RAM_NO_BOOT : 0;
	d->manifest = malloc(d->kind->manifest_max);
	d->timer = evtimer_new(s->base, on_timer, d);
	if (s->args.trust_n > 0 && !d->kind->riot) /* whose knows no lists */
		d->trust = calloc(1, sizeof *d->trust);
	if (d->manifest == NULL || d->timer == NULL || (d->trust == NULL &&
	    s->args.trust_n > 0 && !d->kind->riot))
		return ERR_NOMEM;
	return sim_attest(d);
}

void
sim_dev_free(struct sim_dev *d)
{
	if (d->on)
		power_off(d);
	if (d->timer != NULL)
		event_free(d->timer);
	storage_ram_fini(&d->ram);
	cose_key_free(d->boot_key);
	free(d->manifest);
	free(d->trust);
}
