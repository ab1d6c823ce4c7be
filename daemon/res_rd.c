/*
 * rd: registration with the names of RFC 9176; LwM2M's is the same verb.
 *
 * POST rd makes or renews a registration. A known endpoint that registers
 * again without having left has restarted: its old registration is replaced
 * (same number, so that a repetition is harmless), and the tracker hears of
 * the reboot and then of what it runs now.
 *
 * A registration may fill what an operator has not set, never overwrite it:
 * driver_set, uri_set and class_set mark those (device_class.h tells more of
 * the last one); of tags, new names are taken and old ones kept, and only those
 * that register_tags allows: a campaign goes by tags, so a device that gave
 * itself any would choose its own firmware.
 */
#include "daemon/res.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "daemon/access_cert.h"
#include "daemon/campaign.h"
#include "daemon/contact.h"
#include "daemon/device_class.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/twin.h"
#include "lib/rd.h"
#include "lib/text.h"
#include "lib/uri.h"

/* Registration numbers are short but not to be guessed by a neighbour. */
#define REG_BITS 40

struct registration {
	struct app *app;
	const struct req *req;
	struct resp *resp;
	struct rd rd;
	struct ident id;
	bool known; /* the record was there before */
	bool reboot; /* registered, did not leave, registers again */
	bool update; /* of rd/{id}: what it does not say stays */
};

/* --- the record --- */

static int
set_class(struct registration *g)
{
	const struct device_saying say = {g->rd.class_id, g->id.grade,
	    g->req->addr};

	if (!g->rd.have_class && g->rd.class_alias[0] == '\0')
		return 0;
	if (!g->rd.have_class && conf_class(&g->app->conf,
	    slice_str(g->rd.class_alias), g->rd.class_id) != 0)
		return why_set(&g->resp->why, ERR_NOT_FOUND,
		    "c=: no class of this name here");
	return device_class_say(g->app, &g->id.dev, &say);
}

static bool
same_host(struct slice host, const char *addr)
{
	char a[LIMIT_ADDRESS], b[LIMIT_ADDRESS];
	struct in6_addr x, y;

	if (!slice_to_cstr(host, a, sizeof(a)))
		return false;
	snprintf(b, sizeof(b), "%s", addr);
	a[strcspn(a, "%")] = b[strcspn(b, "%")] = '\0';
	return strcmp(a, b) == 0 || (inet_pton(AF_INET6, a, &x) == 1 &&
	    inet_pton(AF_INET6, b, &y) == 1 && IN6_ARE_ADDR_EQUAL(&x, &y));
}

/* RFC 9176 8.1: a base is where we shall send triggers to, again and again.
 * A stranger may name itself only, not a victim. */
static int
check_base(struct registration *g)
{
	struct uri u;

	if (g->rd.base[0] == '\0' || g->id.grade >= GRADE_L1)
		return 0;
	if (uri_parse(slice_str(g->rd.base), &u, NULL) == 0 &&
	    same_host(u.host, g->req->addr))
		return 0;
	return why_set(&g->resp->why, ERR_FORBIDDEN, "base= of another host "
	    "needs a credential; leave it out");
}

/* RFC 9176 5.3, 5.3.1: without base= the source address and port are the
 * base, but an update keeps one that was said. */
static void
set_uri(struct registration *g)
{
	struct store_device *d = &g->id.dev;

	if (d->uri_set || (g->update && d->reg_base &&
	    g->rd.base[0] == '\0'))
		return;
	d->reg_base = g->rd.base[0] != '\0';
	if (d->reg_base)
		snprintf(d->uri, sizeof(d->uri), "%s", g->rd.base);
	else if (g->req->transport == T_UDP && strchr(g->req->peer, '%') ==
	    NULL)
		snprintf(d->uri, sizeof(d->uri), "coap://%s", g->req->peer);
	else
		d->uri[0] = '\0';
}

static void
set_driver(struct registration *g)
{
	struct store_device *d = &g->id.dev;

	if (d->driver_set)
		return;
	if (g->rd.has_trigger) {
		d->driver = DRIVER_TRIGGER;
		d->nul_trigger = true;
	} else if (!g->known) {
		d->driver = DRIVER_NONE;
	}
}

static void
set_tags(struct registration *g)
{
	struct store_device *d = &g->id.dev;
	const char *first = NULL;
	unsigned left_out = 0;

	for (size_t i = 0; i < g->rd.tag_count; i++) {
		bool old = d->tag_count == LIMIT_TAGS;

		if (!conf_register_tag(&g->app->conf, g->rd.tag[i].name)) {
			if (left_out++ == 0)
				first = g->rd.tag[i].name;
			continue;
		}
		for (size_t k = 0; k < d->tag_count && !old; k++)
			old = strcmp(d->tag[k].name, g->rd.tag[i].name) == 0;
		if (!old)
			d->tag[d->tag_count++] = g->rd.tag[i];
	}
	if (left_out > 0)
		log_debug("device: ep=%s tags_left_out=%u first=%s "
		    "(register_tags)", d->ep, left_out, first);
}

static int
new_number(struct registration *g)
{
	struct store *s = g->app->store;
	struct store_device other;
	int rc = 0;

	if (g->id.dev.reg != 0)
		return 0;
	while (rc == 0) {
		g->id.dev.reg = loop_rand(g->app->loop) >> (64 - REG_BITS);
		if (g->id.dev.reg != 0)
			rc = s->ops->device_by_reg(s, g->id.dev.reg, &other);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void
renew(struct registration *g)
{
	struct store_device *d = &g->id.dev;
	int64_t now = loop_now(g->app->loop);

	d->registered = true;
	if (!g->update || g->rd.have_lt)
		d->reg_lt = g->rd.lt;
	d->reg_expires = now + (int64_t)d->reg_lt * 1000;
	contact_note(d, now);
	snprintf(d->addr, sizeof(d->addr), "%s", g->req->addr);
	if (g->rd.version[0] != '\0')
		snprintf(d->version, sizeof(d->version), "%s", g->rd.version);
	set_uri(g);
}

static int
fill(struct registration *g)
{
	struct store_device *d = &g->id.dev;
	int rc = check_base(g);

	if (rc == 0)
		rc = set_class(g);
	if (rc == 0)
		rc = new_number(g);
	if (rc != 0)
		return rc;
	if (g->rd.have_vendor)
		memcpy(d->vendor, g->rd.vendor, 16);
	set_driver(g);
	set_tags(g);
	renew(g);
	return 0;
}

/* --- POST rd --- */

static int
admit_unknown(struct registration *g)
{
	struct store *s = g->app->store;
	struct store_stats st;

	if (g->app->conf.unknown_devices == CONF_UNKNOWN_REFUSE ||
	    (g->app->conf.unknown_devices == CONF_UNKNOWN_CERTIFIED &&
	    g->id.grade < GRADE_L1))
		return why_set(&g->resp->why, ERR_FORBIDDEN,
		    "this endpoint is not known here: suitctl device add");
	s->ops->stats(s, &st);
	if (st.devices >= g->app->conf.devices_max)
		return why_set(&g->resp->why, ERR_LIMIT,
		    "no room for more devices (devices_max)");
	g->id.dev.created = loop_now(g->app->loop);
	return 0;
}

static int
identify(struct registration *g)
{
	struct why *why = &g->resp->why;
	int rc = rd_parse(g->req->query, g->req->query_n, g->req->body,
	    &g->rd, why);

	if (rc == 0)
		rc = access_ident(g->app, g->req, g->rd.ep, &g->id, why);
	if (rc != 0)
		return rc;
	if (g->id.how == IDENT_ADDRESS ||
	    (g->id.how == IDENT_NONE && g->id.dev.ep[0] == '\0'))
		return why_set(why, ERR_MISSING,
		    "RFC 9176 5.3: ep= or a credential");
	g->known = g->id.how != IDENT_NONE;
	if (!g->known)
		return admit_unknown(g);
	g->reboot = g->id.dev.registered &&
	    g->id.dev.reg_expires > loop_now(g->app->loop);
	return 0;
}

static int
log_device(struct registration *g, const char *what)
{
	struct store_event ev = {
		.device = g->id.dev.id, .kind = "device",
		.grade = g->id.grade,
	};

	snprintf(ev.ep, sizeof(ev.ep), "%s", g->id.dev.ep);
	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.detail, sizeof(ev.detail), "%sfrom %s", g->known ? "" :
	    "not known before, ", g->req->addr);
	engine_say(g->app->engine, "device: dev=%llu ep=%s %s peer=%s grade=%d",
	    (unsigned long long)g->id.dev.id, g->id.dev.ep, what,
	    g->req->peer, (int)g->id.grade);
	return engine_log(g->app->engine, &ev);
}

/* First that it restarted, then what it runs: the tracker tells a finished
 * update from a roll-back by this order. */
static int
tell_tracker(struct registration *g)
{
	struct engine *e = g->app->engine;
	struct track_event ev = {
		.type = g->reboot ? TRACK_REBOOT : TRACK_ALIVE,
		.grade = g->id.grade,
	};
	int rc = 0;

	/* mere contact matters to a job that waits to be pushed */
	if (g->reboot || engine_pushable(e, &g->id.dev))
		rc = engine_event(e, g->id.dev.id, &ev);
	if (g->rd.have_sequence)
		twin_runs_seq(g->app, g->req, g->rd.sequence);
	if (rc == 0 && g->rd.have_sequence)
		rc = engine_running(e, &g->id.dev, g->rd.sequence,
		    g->id.grade);
	return rc;
}

/* From its first word on nobody else speaks for it. */
static int
enter_certificate(struct registration *g)
{
	struct store_credential c = {.created = loop_now(g->app->loop)};

	c.used = c.created;
	strcpy(c.identity, g->req->who.identity);
	return access_cert_enter(g->app, &g->id.dev, &c, true);
}

static int
enter(struct registration *g)
{
	struct store *s = g->app->store;
	int rc = fill(g);

	if (rc == 0)
		rc = s->ops->device_put(s, &g->id.dev);
	if (rc == 0 && !g->known && g->req->who.ep[0] != '\0')
		rc = enter_certificate(g);
	if (rc == 0)
		rc = log_device(g, g->reboot ? "registered again" :
		    "registered");
	if (rc == 0)
		rc = tell_tracker(g);
	if (rc == 0)
		rc = campaign_join(g->app, &g->id.dev);
	return rc;
}

int
res_rd(struct app *app, const struct req *req, struct resp *resp)
{
	struct registration g = {.app = app, .req = req, .resp = resp};
	int rc = identify(&g);

	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	resp->after_commit = true;
	rc = engine_end(app->engine, enter(&g));
	if (rc != 0)
		return rc;
	resp->code = 201;
	snprintf(resp->location, sizeof(resp->location), "rd/%llu",
	    (unsigned long long)g.id.dev.reg);
	return 0;
}

/* --- rd/{id} --- */

/* The number is no credential: a device that has one must use it. */
static int
by_number(struct registration *g)
{
	struct store *s = g->app->store;
	struct why *why = &g->resp->why;
	struct store_device d;
	uint64_t reg;
	int rc = text_u64(slice_str(g->req->arg[0]), &reg);

	if (rc == 0 && reg != 0)
		rc = s->ops->device_by_reg(s, reg, &d);
	if (rc != 0 || reg == 0 || !d.registered)
		return why_set(why, ERR_NOT_FOUND,
		    "no such registration: register again");
	/* (a certificate may speak for a device that is not known yet) */
	if (g->req->who.device != d.id && (d.have_psk ||
	    g->req->who.role != ROLE_NOBODY))
		return why_set(why, d.have_psk ? ERR_UNAUTHORIZED :
		    ERR_FORBIDDEN, "this is another endpoint's registration");
	rc = access_revoked(&d, why);
	if (rc != 0)
		return rc;
	g->id.how = d.have_psk ? IDENT_CREDENTIAL : IDENT_EP;
	g->id.grade = g->req->who.grade;
	g->id.dev = d;
	g->known = true;
	return 0;
}

static int
update(struct registration *g)
{
	struct store *s = g->app->store;
	int rc = check_base(g);

	if (rc != 0)
		return rc;
	g->update = true;
	renew(g);
	rc = s->ops->device_put(s, &g->id.dev);
	return rc != 0 ? rc : tell_tracker(g);
}

static int
leave(struct registration *g)
{
	struct store *s = g->app->store;
	int rc;

	g->id.dev.registered = false;
	rc = s->ops->device_put(s, &g->id.dev);
	return rc != 0 ? rc : log_device(g, "left");
}

int
res_rd_one(struct app *app, const struct req *req, struct resp *resp)
{
	struct registration g = {.app = app, .req = req, .resp = resp};
	int rc = by_number(&g);

	if (rc == 0 && req->method != M_DELETE)
		rc = rd_parse(req->query, req->query_n, req->body, &g.rd,
		    &resp->why);
	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	resp->after_commit = true;
	resp->code = req->method == M_DELETE ? 202 : 204;
	return engine_end(app->engine, req->method == M_DELETE ? leave(&g) :
	    update(&g));
}
