/*
 * A catalog is one immutable table behind a pointer: releases by id, classes
 * to their current release, paths and image digests, each a sorted array.
 * Publishing is rare, so that a load builds a new table and swaps it in;
 * releases that both tables hold are shared by reference count, so that a
 * load reads rows, not envelopes. Rejected: patching the table in place, for
 * a commit that fails would have to be unpatched.
 *
 * A release whose envelope cannot be read is left out with a loud line; the
 * rest is served. One that the trust list does not allow is kept apart
 * (catalog_judge.c).
 */
#include "daemon/catalog_impl.h"

#include <stdlib.h>

#include "daemon/image.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "lib/manifest.h"
#include "lib/text.h"

static void *
vec_add(struct vec *v, size_t size)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 16;
		void *p = realloc(v->p, cap * size);

		if (p == NULL)
			return NULL;
		v->p = p;
		v->cap = cap;
	}
	return memset((char *)v->p + v->n++ * size, 0, size);
}

static int
cmp_release(const void *a, const void *b)
{
	uint64_t x = (*(struct release *const *)a)->pub.id;
	uint64_t y = (*(struct release *const *)b)->pub.id;

	return x < y ? -1 : x > y;
}

static int
cmp_class(const void *a, const void *b)
{
	return memcmp(((const struct class *)a)->id,
	    ((const struct class *)b)->id, 16);
}

static int
cmp_path(const void *a, const void *b)
{
	return strcmp(((const struct image_path *)a)->name,
	    ((const struct image_path *)b)->name);
}

static int
cmp_image(const void *a, const void *b)
{
	return memcmp(((const struct image_name *)a)->digest,
	    ((const struct image_name *)b)->digest, 32);
}

static void
release_unref(struct release *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	free(r->bytes);
	free(r->pub.payload);
	verdict_fini(&r->verdict);
	free(r);
}

static void
table_free(struct table *t)
{
	struct release **r = t->release.p, **no = t->refused.p;
	struct image_path *p = t->path.p;

	for (size_t i = 0; i < t->release.n; i++)
		release_unref(r[i]);
	for (size_t i = 0; i < t->refused.n; i++)
		release_unref(no[i]);
	for (size_t i = 0; i < t->path.n; i++)
		free(p[i].name);
	free(t->release.p);
	free(t->refused.p);
	free(t->class.p);
	free(t->path.p);
	free(t->image.p);
	memset(t, 0, sizeof(*t));
}

int
catalog_new(struct catalog **ret)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NOMEM;
	*ret = c;
	return 0;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	table_free(&c->t);
	judge_fini(&c->judge);
	free(c);
}

/* --- reading one release --- */

/* What may be fetched for which component, joined with the stored rows on
 * the URI as signed. */
static void
join_payloads(struct catalog_release *r, const struct manifest_plan *plan,
    const struct store_payload *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct catalog_payload *p = NULL;

		if (row[i].external)
			continue;
		for (size_t k = 0; k < r->payload_count && p == NULL; k++)
			if (memcmp(r->payload[k].digest, row[i].digest, 32) ==
			    0)
				p = &r->payload[k];
		if (p == NULL)
			p = &r->payload[r->payload_count++];
		memcpy(p->digest, row[i].digest, 32);
		p->size = row[i].size;
		for (size_t k = 0; k < plan->n; k++)
			if (slice_eq_str(plan->d[k].uri, row[i].uri))
				p->components |= 1u << plan->d[k].component;
		r->components |= p->components;
	}
}

/* Envelope and the copy that devices get, in one allocation. RIOT refuses
 * every member but authentication and manifest (SUIT envelope keys 2, 3). */
static int
read_envelope(struct store *s, uint64_t id, struct release *r,
    struct manifest *m)
{
	struct catalog_release *pub = &r->pub;
	struct buf b, severed;
	struct why why;
	int rc;

	r->bytes = malloc(LIMIT_ENVELOPE * 2);
	if (r->bytes == NULL)
		return ERR_NOMEM;
	b = buf_of(r->bytes, LIMIT_ENVELOPE);
	rc = s->ops->release_envelope(s, id, &b);
	if (rc != 0)
		return rc;
	severed = buf_of(b.p + b.n, b.cap);
	rc = manifest_parse(buf_slice(&b), m, &why);
	if (rc == 0 && m->dialect == MANIFEST_RIOT09)
		rc = manifest_sever(m, &severed);
	if (rc != 0)
		return rc;
	/* shrink; `m` borrows from the old place, so it is read anew */
	r->bytes = realloc(r->bytes, b.n + severed.n + 1);
	if (r->bytes == NULL)
		abort(); /* a shrink */
	pub->envelope = slice_of(r->bytes, b.n);
	pub->served = severed.n > 0 ? slice_of(r->bytes + b.n, severed.n) :
	    pub->envelope;
	return manifest_parse(pub->envelope, m, &why);
}

static int
release_read(struct store *s, const struct store_release *row,
    struct release **ret)
{
	struct release *r = calloc(1, sizeof(*r));
	struct store_payload *pay = calloc(LIMIT_DOWNLOADS, sizeof(*pay));
	struct manifest_plan *plan = calloc(1, sizeof(*plan));
	struct manifest m;
	struct why why;
	size_t n = 0;
	int rc = ERR_NOMEM;

	if (r == NULL || pay == NULL || plan == NULL)
		goto out;
	r->refs = 1;
	r->pub.id = row->id;
	r->pub.seq = row->seq;
	r->pub.class_count = row->class_count;
	r->pub.image_bytes = row->image_bytes;
	memcpy(r->pub.digest, row->digest, 32);
	memcpy(r->pub.class_id, row->class_id, sizeof(row->class_id));
	rc = read_envelope(s, row->id, r, &m);
	if (rc == 0)
		rc = manifest_walk(&m, plan, &why);
	if (rc == 0)
		rc = s->ops->release_payloads(s, row->id, pay,
		    LIMIT_DOWNLOADS, &n);
	if (rc != 0)
		goto out;
	r->pub.payload = calloc(n + 1, sizeof(*r->pub.payload));
	rc = r->pub.payload == NULL ? ERR_NOMEM : 0;
	if (rc == 0)
		rc = verdict_init(&r->verdict, &m, plan);
	if (rc == 0)
		join_payloads(&r->pub, plan, pay, n);
out:
	free(pay);
	free(plan);
	if (rc == 0)
		*ret = r;
	else
		release_unref(r);
	return rc;
}

/* --- building a table --- */

struct release *
catalog_find(const struct vec *v, uint64_t id)
{
	struct release key = {.pub.id = id}, *k = &key, **hit;

	hit = v->n == 0 ? NULL : bsearch(&k, v->p, v->n, sizeof(k),
	    cmp_release);
	return hit == NULL ? NULL : *hit;
}

static int
add_classes(struct table *t, const struct release *r)
{
	for (size_t i = 0; i < r->pub.class_count; i++) {
		struct class *c = t->class.p, *hit = NULL;

		for (size_t k = 0; k < t->class.n && hit == NULL; k++)
			if (memcmp(c[k].id, r->pub.class_id[i], 16) == 0)
				hit = &c[k];
		if (hit == NULL) {
			hit = vec_add(&t->class, sizeof(*hit));
			if (hit == NULL)
				return ERR_NOMEM;
			memcpy(hit->id, r->pub.class_id[i], 16);
		}
		if (hit->current == NULL || hit->current->pub.seq < r->pub.seq)
			hit->current = r;
	}
	return 0;
}

/* What cannot be judged now is not allowed: a slice tries it again. */
static int
judge(struct catalog *c, struct release *r)
{
	int rc;

	judge_look(&c->judge, &r->verdict);
	rc = judge_ask(&c->judge, &r->verdict, r->pub.envelope);
	if (rc != ERR_CRYPTO)
		return rc;
	c->asking = true;
	return 0;
}

static int
add_release(struct catalog *c, struct table *t, struct store *s,
    const struct store_release *row)
{
	struct release *r = catalog_find(&c->t.release, row->id), **slot;
	int rc = 0;

	if (row->state == RELEASE_WITHDRAWN)
		return 0;
	if (r == NULL)
		r = catalog_find(&c->t.refused, row->id);
	if (r != NULL)
		r->refs++;
	else if ((rc = release_read(s, row, &r)) == 0 &&
	    (rc = judge(c, r)) != 0)
		release_unref(r);
	if (rc == ERR_NOMEM)
		return rc;
	if (rc != 0) {
		log_error("catalog: release=%llu seq=%llu cannot be served: "
		    "%s (%s)", (unsigned long long)row->id,
		    (unsigned long long)row->seq, err_text(rc), store_why(s));
		return 0;
	}
	slot = vec_add(r->verdict.why.err == 0 ? &t->release : &t->refused,
	    sizeof(struct release *));
	if (slot == NULL) {
		release_unref(r);
		return ERR_NOMEM;
	}
	*slot = r;
	/* a staged one is served, but no class's current */
	return row->state == RELEASE_LIVE && r->verdict.why.err == 0 ?
	    add_classes(t, r) : 0;
}

#define PAGE 32

static int
add_releases(struct catalog *c, struct table *t, struct store *s)
{
	struct store_release *page = calloc(PAGE, sizeof(*page));
	uint64_t before = 0;
	size_t n = PAGE;
	int rc = page == NULL ? ERR_NOMEM : 0;

	while (rc == 0 && n == PAGE) {
		n = 0;
		rc = s->ops->release_list(s, before, PAGE, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = add_release(c, t, s, &page[i]);
		if (n > 0)
			before = page[n - 1].id;
	}
	free(page);
	return rc;
}

static int
add_payload(void *arg, const struct store_payload *p, enum release_state st)
{
	struct table *t = arg;
	struct image_name *img;
	struct image_path *path;

	if (p->external)
		return 0;
	img = vec_add(&t->image, sizeof(*img));
	if (img == NULL)
		return ERR_NOMEM;
	memcpy(img->digest, p->digest, 32);
	img->live = st != RELEASE_WITHDRAWN &&
	    catalog_find(&t->refused, p->release) == NULL;
	if (p->path[0] == '\0')
		return 0;
	path = vec_add(&t->path, sizeof(*path));
	if (path == NULL)
		return ERR_NOMEM;
	path->name = strdup(p->path);
	if (path->name == NULL)
		return ERR_NOMEM;
	memcpy(path->digest, p->digest, 32);
	path->live = img->live;
	return 0;
}

/* One entry per name, live if any of them is; then bytes that a live
 * release names are live under every path. */
static void
settle(struct table *t)
{
	struct image_name *img = t->image.p;
	struct image_path *path = t->path.p;
	size_t n = 0;

	for (size_t i = 0; i < t->image.n; i++) {
		if (n > 0 && cmp_image(&img[n - 1], &img[i]) == 0)
			img[n - 1].live |= img[i].live;
		else
			img[n++] = img[i];
	}
	t->image.n = n;
	n = 0;
	for (size_t i = 0; i < t->path.n; i++) {
		struct image_name key, *hit;

		if (n > 0 && cmp_path(&path[n - 1], &path[i]) == 0) {
			free(path[i].name);
			continue;
		}
		path[n] = path[i];
		memcpy(key.digest, path[n].digest, 32);
		hit = bsearch(&key, img, t->image.n, sizeof(key), cmp_image);
		path[n++].live = hit != NULL && hit->live;
	}
	t->path.n = n;
}

static void
sort(struct vec *v, size_t size, int (*cmp)(const void *, const void *))
{
	if (v->n > 1)
		qsort(v->p, v->n, size, cmp);
}

int
catalog_load(struct catalog *c, struct store *s)
{
	struct table t = {0};
	int rc = add_releases(c, &t, s);

	sort(&t.refused, sizeof(struct release *), cmp_release);
	if (rc == 0)
		rc = s->ops->payload_foreach(s, add_payload, &t);
	if (rc != 0) {
		table_free(&t);
		return rc;
	}
	sort(&t.release, sizeof(struct release *), cmp_release);
	sort(&t.class, sizeof(struct class), cmp_class);
	sort(&t.path, sizeof(struct image_path), cmp_path);
	sort(&t.image, sizeof(struct image_name), cmp_image);
	settle(&t);
	table_free(&c->t);
	c->t = t;
	if (c->on_load != NULL)
		c->on_load(c->arg);
	return 0;
}

void
catalog_on_load(struct catalog *c, void (*fn)(void *arg), void *arg)
{
	c->on_load = fn;
	c->arg = arg;
}

void
catalog_reload(struct app *app)
{
	int rc = catalog_load(app->catalog, app->store);

	polled_forget(app->polled);
	if (rc != 0)
		log_error("catalog: cannot be read again, the old one stays: "
		    "%s (%s)", err_text(rc), store_why(app->store));
	else
		log_info("catalog: releases=%zu", catalog_count(app->catalog));
}

/* --- asking it --- */

/* After a load that failed there is what the list does not allow any more. */
static const struct catalog_release *
allowed(const struct release *r)
{
	return r != NULL && r->verdict.why.err == 0 ? &r->pub : NULL;
}

const struct catalog_release *
catalog_current(const struct catalog *c, const uint8_t class_id[16])
{
	struct class key, *hit;

	memcpy(key.id, class_id, 16);
	hit = c->t.class.n == 0 ? NULL : bsearch(&key, c->t.class.p,
	    c->t.class.n, sizeof(key), cmp_class);
	return hit == NULL ? NULL : allowed(hit->current);
}

void
catalog_each_current(const struct catalog *c, void (*fn)(void *arg,
    const struct catalog_release *r), void *arg)
{
	const struct class *cl = c->t.class.p;

	for (size_t i = 0; i < c->t.class.n; i++)
		fn(arg, &cl[i].current->pub);
}

const struct catalog_release *
catalog_by_id(const struct catalog *c, uint64_t id)
{
	return allowed(catalog_find(&c->t.release, id));
}

const struct catalog_release *
catalog_running(const struct catalog *c, const uint8_t class_id[16],
    uint64_t seq)
{
	struct release **r = c->t.release.p;

	for (size_t i = 0; i < c->t.release.n; i++)
		for (size_t k = 0; r[i]->pub.seq == seq &&
		    k < r[i]->pub.class_count; k++)
			if (memcmp(r[i]->pub.class_id[k], class_id, 16) == 0)
				return &r[i]->pub;
	return NULL;
}

const struct catalog_release *
catalog_by_digest(const struct catalog *c, const uint8_t digest[32])
{
	struct release **r = c->t.release.p;

	for (size_t i = 0; i < c->t.release.n; i++)
		if (memcmp(r[i]->pub.digest, digest, 32) == 0)
			return allowed(r[i]);
	return NULL;
}

int
catalog_path(const struct catalog *c, const char *path, uint8_t ret_digest[32])
{
	struct image_path key = {.name = (char *)path}, *hit;

	hit = c->t.path.n == 0 ? NULL : bsearch(&key, c->t.path.p,
	    c->t.path.n, sizeof(key), cmp_path);
	if (hit == NULL)
		return ERR_NOT_FOUND;
	if (!hit->live)
		return ERR_STATE;
	memcpy(ret_digest, hit->digest, 32);
	return 0;
}

const struct image_path *
catalog_paths(const struct catalog *c, size_t *ret_n)
{
	*ret_n = c->t.path.n;
	return c->t.path.p;
}

const struct image_name *
catalog_images(const struct catalog *c, size_t *ret_n)
{
	*ret_n = c->t.image.n;
	return c->t.image.p;
}

int
catalog_mark(const struct catalog *c, const uint8_t mark[8],
    uint8_t ret_digest[32])
{
	const struct image_name *img = c->t.image.p;
	size_t at;
	int rc = image_find_mark(img, c->t.image.n, mark, &at);

	if (rc == 0)
		memcpy(ret_digest, img[at].digest, 32);
	return rc;
}

size_t
catalog_count(const struct catalog *c)
{
	return c->t.release.n;
}
