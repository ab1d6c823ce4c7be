/*
 * One function for each kind of four eyes. They ask what the handler will ask,
 * and write down what they have found. That it would be refused is a line as
 * any other: the second person may know why it is still right to say yes.
 *
 * What a manifest calls something may read like a fact: it comes last in its
 * line, and never in the first one.
 */
#include "daemon/approve_facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/publish.h"
#include "daemon/res_admin.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define MORE "and more that has no room here\n"
#define LINE (LIMIT_RIGHTS + 256)

void
facts_add(struct facts *f, const char *fmt, ...)
{
	static char text[LINE], line[2 * LINE];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text_escape(slice_str(text), line, sizeof(line)));
	if (f->cut || f->out.n + n + 1 + sizeof(MORE) > LIMIT_REQUEST_FACTS) {
		f->cut = true;
		return;
	}
	buf_puts(&f->out, line);
	buf_puts(&f->out, "\n");
}

/* "UUID (alias)" */
static const char *
class_text(const struct facts *f, const uint8_t id[16], char dst[128])
{
	const struct conf *c = &f->app->conf;
	char uuid[37];
	size_t i = 0;

	while (i < c->alias_count && memcmp(c->alias[i].class_id, id, 16) != 0)
		i++;
	snprintf(dst, 128, "%s%s%.64s%s", text_uuid(id, uuid),
	    i < c->alias_count ? " (" : "",
	    i < c->alias_count ? c->alias[i].name : "",
	    i < c->alias_count ? ")" : "");
	return dst;
}

/* --- publish --- */

static void
add_class(struct facts *f, const uint8_t id[16])
{
	struct store_release cur;
	char text[128];
	int rc = ST(f->app, release_current, id, &cur);

	if (rc == 0)
		facts_add(f, "class: %s, now at sequence %" PRIu64,
		    class_text(f, id, text), cur.seq);
	else
		facts_add(f, "class: %s, has no release yet",
		    class_text(f, id, text));
}

static void
add_images(struct facts *f, const struct store_payload *p, size_t n)
{
	char hex[65];

	for (size_t i = 0; i < n; i++)
		facts_add(f, "image: %" PRIu64 " bytes, SHA-256 %s%s, at %s%s",
		    p[i].size, text_hex(slice_of(p[i].digest, 32), hex,
		    sizeof(hex)), p[i].external ? ", on another host" : "",
		    p[i].path[0] != '\0' ? "/" : "", p[i].path[0] != '\0' ?
		    p[i].path : p[i].uri);
}

/* What the manifest says of itself, whoever signed it. */
static bool
add_manifest(struct facts *f, const char *how)
{
	static struct manifest m;
	static struct manifest_plan plan;
	struct slice v;
	struct why why = {0};
	char text[160], name[80], hex[65];

	if (manifest_parse(f->req->body, &m, &why) != 0 ||
	    manifest_walk(&m, &plan, &why) != 0) {
		facts_add(f, "publish something that is no manifest: %s",
		    why.text);
		return false;
	}
	v = manifest_component_text(&m, MANIFEST_TEXT_VERSION);
	facts_add(f, "publish sequence %" PRIu64 " for %zu class%s%s",
	    m.sequence, plan.class_count, plan.class_count == 1 ? "" : "es",
	    how);
	if (v.n > 0)
		facts_add(f, "version: %s", text_escape(v, text, sizeof(text)));
	for (size_t i = 0; i < plan.class_count; i++)
		add_class(f, plan.class_id[i]);
	for (size_t i = 0; i < m.component_count; i++)
		facts_add(f, "component: %s", manifest_component_name(
		    m.component[i], name, sizeof(name)));
	facts_add(f, "manifest: %zu bytes, SHA-256 %s", f->req->body.n,
	    text_hex(digest_slice(&m.digest), hex, sizeof(hex)));
	return true;
}

static void
publish(struct facts *f)
{
	static struct publish_result r;
	const struct publish_opts o = {
		.force = admin_flag(f->req, "force"), .dry_run = true,
		.staged = admin_flag(f->req, "staged"),
		.by = f->req->who.identity, .scope = &f->req->who.scope,
	};
	struct why why = {0};
	char kid[17];
	int rc;

	if (!add_manifest(f, o.staged ? "; staged, for campaigns only" :
	    "; offered to all of them at once"))
		return;
	if (o.force)
		facts_add(f, "force: a large step of the sequence number is "
		    "meant");
	memset(&r, 0, sizeof(r));
	rc = publish_envelope(f->app, f->req->body, &o, &r, &why);
	if (rc != 0 && rc != ERR_EXISTS) {
		facts_add(f, "would be refused now: %s: %s", err_text(rc),
		    why.text);
		return;
	}
	facts_add(f, "author: %s, key %s", r.release.author,
	    text_hex(slice_of(r.kid, 8), kid, sizeof(kid)));
	add_images(f, r.payload, r.payload_count);
	for (size_t i = 0; i < r.note_count; i++)
		facts_add(f, "note: %s", r.note[i]);
	if (rc == ERR_EXISTS)
		facts_add(f, "it is published already");
}

static void
offer(struct facts *f)
{
	static struct store_payload p[LIMIT_DOWNLOADS];
	static struct store_release r;
	struct why why = {0};
	size_t n = 0;
	char hex[65];

	if (admin_release(f->app, (struct admin_named){f->req,
	    f->req->arg[0]}, &r, &why) != 0) {
		facts_add(f, "offer a release that is not there: %s",
		    why.text);
		return;
	}
	facts_add(f, "offer release %" PRIu64 ", sequence %" PRIu64 ", to "
	    "all of its %zu class%s", r.id, r.seq, r.class_count,
	    r.class_count == 1 ? "" : "es");
	if (r.label[0] != '\0')
		facts_add(f, "version: %s", r.label);
	for (size_t i = 0; i < r.class_count; i++)
		add_class(f, r.class_id[i]);
	facts_add(f, "author: %s", r.author);
	facts_add(f, "manifest: SHA-256 %s", text_hex(slice_of(r.digest, 32),
	    hex, sizeof(hex)));
	if (ST(f->app, release_payloads, r.id, p, LIMIT_DOWNLOADS, &n) == 0)
		add_images(f, p, n);
}

static void
publish_or_offer(struct facts *f)
{
	if (strcmp(f->req->path, "a/releases") == 0)
		publish(f);
	else
		offer(f);
}

/* --- author --- */

static void
add_author_classes(struct facts *f, const struct store_author *a)
{
	char text[128];

	if (a->class_count == 0)
		facts_add(f, "class: every one");
	for (size_t i = 0; i < a->class_count; i++)
		facts_add(f, "class: %s", class_text(f, a->class_id[i], text));
}

static void
add_author_before(struct facts *f, const struct store_author *a)
{
	char kid[17];

	facts_add(f, "before: key %s, for %s", text_hex(slice_of(a->kid, 8),
	    kid, sizeof(kid)), a->class_count == 0 ? "every class" :
	    "these classes:");
	if (a->class_count > 0)
		add_author_classes(f, a);
}

static void
author_put(struct facts *f, const struct store_author *was)
{
	static struct msg_author_put m;
	static struct store_author a;
	struct buf b = buf_of(a.key, sizeof(a.key));
	struct why why = {0};
	char kid[17];
	int rc = msg_get(&msg_author_put, f->req->body, &m, &why);

	memset(&a, 0, sizeof(a));
	if (rc == 0)
		rc = admin_public_key(slice_of(m.key, m.key_len), &b, a.kid,
		    &why);
	explicit_bzero(m.key, sizeof(m.key)); /* it may be a private one */
	for (size_t i = 0; rc == 0 && i < m.class_count; i++)
		rc = admin_class(f->app, m.class_name[i],
		    a.class_id[a.class_count++], &why);
	if (rc != 0) {
		facts_add(f, "%s author %s; would be refused: %s",
		    was != NULL ? "change" : "add", f->req->arg[0], why.text);
		return;
	}
	facts_add(f, "%s author %s, key %s, for %s", was != NULL ? "change" :
	    "add", f->req->arg[0], text_hex(slice_of(a.kid, 8), kid,
	    sizeof(kid)), a.class_count == 0 ? "every class" :
	    "these classes:");
	if (a.class_count > 0)
		add_author_classes(f, &a);
	if (was != NULL)
		add_author_before(f, was);
}

static void
author(struct facts *f)
{
	static struct store_author was;
	bool there = ST(f->app, author_get, f->req->arg[0], &was) == 0;
	char kid[17];

	if (f->req->method == M_PUT) {
		author_put(f, there ? &was : NULL);
		return;
	}
	facts_add(f, "remove author %s, %s%s", f->req->arg[0], there ?
	    "key " : "who is not there", there ? text_hex(slice_of(was.kid, 8),
	    kid, sizeof(kid)) : "");
	if (there)
		add_author_classes(f, &was);
}

/* --- principal --- */

static void
principal(struct facts *f)
{
	static struct msg_principal_put m;
	static struct store_principal was;
	const char *name = f->req->arg[0];
	bool there = ST(f->app, principal_get, name, &was) == 0;

	if (f->req->method == M_DELETE) {
		facts_add(f, "remove principal %s", name);
	} else if (f->req->method == M_POST) {
		facts_add(f, "a new key for principal %s, for who asks", name);
	} else if (msg_get(&msg_principal_put, f->req->body, &m, NULL) != 0) {
		facts_add(f, "something about principal %s that cannot be "
		    "read", name);
	} else {
		facts_add(f, "%s principal %s: %s", there ? "change" : "add",
		    name, m.rights);
	}
	if (there)
		facts_add(f, "%s: %s", f->req->method == M_PUT ? "before" :
		    "rights", was.rights);
}

/* --- all --- */

static void (*const kinds[EYES_KINDS])(struct facts *f) = {
	[EYES_PUBLISH] = publish_or_offer,
	[EYES_AUTHOR] = author,
	[EYES_PRINCIPAL] = principal,
	[EYES_TRUST] = facts_trust,
};

int
approve_facts(struct app *app, const struct req *req, enum eyes kind,
    char ret[LIMIT_REQUEST_FACTS + 1])
{
	struct facts f = {app, req, buf_of(ret, LIMIT_REQUEST_FACTS), false};

	if ((unsigned)kind < EYES_KINDS && kinds[kind] != NULL)
		kinds[kind](&f);
	if (f.cut && f.out.n == 0)
		return ERR_SIZE; /* the one thing that it is about */
	if (f.cut)
		buf_puts(&f.out, MORE);
	ret[f.out.n] = '\0';
	return 0;
}
