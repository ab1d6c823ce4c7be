/*
 * Authors: whose signature counts, and for which classes. Public keys only:
 * a private key that comes here is refused before anything of it is kept. With
 * a trust list they are its authors, and what the store has counts for nothing.
 */
#include <stdio.h>

#include "daemon/res_admin.h"
#include "daemon/trusted.h"
#include "lib/cbor.h"
#include "lib/cose.h"
#include "lib/text.h"

struct author_filter {
	char after[LIMIT_KEY_NAME + 1];
};

/* The store lists all at once (at most LIMIT_KEYRING), by name. */
static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	static struct store_author all[LIMIT_KEYRING];
	const struct author_filter *f = filter;
	struct store_author *out = items;
	size_t n = 0, k = 0, next;
	int rc = ST(app, author_list, all, LIMIT_KEYRING, &n);

	if (rc != 0)
		return rc;
	while (k < limit) {
		next = n;
		for (size_t i = 0; i < n; i++)
			if (strcmp(all[i].name, k > 0 ? out[k - 1].name :
			    f->after) > 0 && (next == n ||
			    strcmp(all[i].name, all[next].name) < 0))
				next = i;
		if (next == n)
			break;
		out[k++] = all[next];
	}
	*ret_n = k;
	return 0;
}

static void
list_advance(void *filter, const void *item)
{
	strcpy(((struct author_filter *)filter)->after,
	    ((const struct store_author *)item)->name);
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	const struct store_author *a = item;
	struct msg_author *m = msg;
	struct cose_key *key;

	(void)app;
	strcpy(m->name, a->name);
	memcpy(m->kid, a->kid, 8);
	m->class_count = a->class_count;
	memcpy(m->class_id, a->class_id, sizeof(m->class_id));
	m->created = a->created;
	if (cose_key_parse(slice_of(a->key, a->key_len), &key, NULL) == 0) {
		snprintf(m->kind, sizeof(m->kind), "%s",
		    cose_key_kind_name(cose_key_kind(key)));
		cose_key_free(key);
	}
	return 0;
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%s",
	    ((const struct store_author *)item)->name);
}

/* False: not an author's, or one for no class, which may nothing. */
static bool
of_list(const struct trust_key *k, struct msg_author *m)
{
	struct cbr c = cbr_of(k->classes);
	struct cose_key *key;
	struct slice id;

	if (k->role != TRUST_AUTHOR || (!k->every_class && k->classes.n == 0))
		return false;
	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%.*s", (int)k->name.n,
	    k->name.n > 0 ? (const char *)k->name.p : "");
	memcpy(m->kid, k->kid, sizeof(m->kid));
	while (!k->every_class && m->class_count < LIMIT_COMPONENTS &&
	    cbr_get_bstr(&c, &id) == 0)
		memcpy(m->class_id[m->class_count++], id.p, 16);
	if (cose_key_parse(k->cose, &key, NULL) == 0) {
		snprintf(m->kind, sizeof(m->kind), "%s",
		    cose_key_kind_name(cose_key_kind(key)));
		cose_key_free(key);
	}
	return true;
}

/* Whose signature counts, when the trust list says it: few, so one page. */
static int
of_trust(struct app *app, const struct req *req, struct resp *resp)
{
	const struct trust *t = trusted_list(app);
	static struct msg_author m;
	struct msg_page_out page;
	bool json = false;
	int rc = admin_format(req, resp, &json);

	if (rc != 0)
		return rc;
	msg_page_begin(&page, &msg_author, json, &resp->out);
	for (size_t i = 0; i < t->key_count; i++) {
		if (!of_list(&t->key[i], &m))
			continue;
		m.created = trusted_since(app);
		if (!msg_page_add(&page, &m))
			return ERR_SPACE;
	}
	msg_page_end(&page, NULL);
	return 0;
}

int
res_admin_keys(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_author,
	    sizeof(struct store_author), list_fetch, list_advance,
	    list_render, list_cursor};
	struct author_filter f;

	if (trusted_list(app) != NULL)
		return of_trust(app, req, resp);
	if (!slice_to_cstr(admin_query(req, "after"), f.after,
	    sizeof(f.after)))
		return why_set(&resp->why, ERR_SIZE, "after= is too long");
	return admin_page(app, req, resp, &list, &f);
}

int
admin_public_key(struct slice in, struct buf *ret_key, uint8_t ret_kid[8],
    struct why *why)
{
	struct cose_key *key;
	int rc = cose_key_parse(in, &key, why);

	if (rc != 0)
		return rc;
	if (cose_key_private(key))
		rc = why_set(why, ERR_POLICY, "this is a private key, and "
		    "suitd never holds one; send the public key "
		    "(`suitctl key show FILE` prints it)");
	if (rc == 0)
		rc = cose_key_put_cose(key, ret_key);
	if (rc == 0)
		rc = cose_key_id(key, ret_kid);
	cose_key_free(key);
	return rc;
}

static int
author_key(struct slice in, struct store_author *a, struct why *why)
{
	struct buf b = buf_of(a->key, sizeof(a->key));
	int rc = admin_public_key(in, &b, a->kid, why);

	a->key_len = b.n;
	return rc;
}

static int
key_put(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_author_put m;
	static struct msg_author out;
	struct store_author a = {.class_count = 0};
	struct store_event ev = {.what = "author added"};
	char kid[17];
	int rc;

	rc = admin_body(req, &msg_author_put, &m, &resp->why);
	if (rc != 0)
		return rc;
	if (!text_name_ok(slice_str(req->arg[0]), LIMIT_KEY_NAME))
		return why_set(&resp->why, ERR_INVALID, "an author's name has "
		    "letters, digits and ._:@-");
	strcpy(a.name, req->arg[0]);
	a.created = loop_now(app->loop);
	rc = author_key(slice_of(m.key, m.key_len), &a, &resp->why);
	memset(m.key, 0, sizeof(m.key));
	for (size_t i = 0; rc == 0 && i < m.class_count; i++)
		rc = admin_class(app, m.class_name[i],
		    a.class_id[a.class_count++], &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "%s, kid %s, %zu classes",
	    a.name, text_hex(slice_of(a.kid, 8), kid, sizeof(kid)),
	    a.class_count);
	rc = ST(app, author_put, &a);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc != 0)
		return rc;
	memset(&out, 0, sizeof(out));
	(void)list_render(app, &a, &out);
	resp->code = 201;
	return admin_put(req, resp, &msg_author, &out);
}

int
res_admin_key(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "author removed"};
	struct store_author a;
	int rc;

	if (trusted_list(app) != NULL)
		return why_set(&resp->why, ERR_POLICY, "authors are those of "
		    "the trust list here: suitctl trust add or revoke, sign, "
		    "and publish the next list");
	if (req->method == M_PUT)
		return key_put(app, req, resp);
	rc = ST(app, author_get, req->arg[0], &a);
	if (rc == ERR_NOT_FOUND)
		return why_set(&resp->why, rc, "no such author; `suitctl "
		    "author list` shows them");
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "%s", a.name);
	rc = ST(app, author_remove, a.name);
	return admin_end(app, req, resp, &ev, rc);
}
