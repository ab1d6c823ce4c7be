/*
 * An image is hashed and written block by block as it comes, so that the last
 * block is as cheap as any other. Rejected: a file of our own that is copied
 * into the images when it is complete.
 */
#include "daemon/block1.h"

#include <stdlib.h>

/* Strangers cannot keep those with a credential from uploading. */
#define ASSEMBLIES_ANONYMOUS (LIMIT_ASSEMBLIES * 3 / 4)
#define MEM_FIRST 4096

struct assembly {
	bool used;
	struct peer_key peer;
	enum method method;
	char path[LIMIT_PATH + 1];
	uint8_t rtag[8];
	size_t rtag_n;
	uint64_t n; /* bytes so far */
	size_t last; /* of them in the last block */
	coap_mid_t first_mid; /* of block 0 */
	uint8_t *mem;
	size_t mem_cap;
	struct blob_put *upload; /* of a route with ROUTE_BODY_FILE */
	int64_t begun, touched; /* monotonic ms */
};

struct block1 {
	struct blob_store *blobs;
	struct assembly as[LIMIT_ASSEMBLIES];
};

struct block1 *
block1_new(struct blob_store *blobs)
{
	struct block1 *b = calloc(1, sizeof(*b));

	if (b != NULL)
		b->blobs = blobs;
	return b;
}

void
block1_drop(struct assembly *a)
{
	if (a == NULL || !a->used)
		return;
	blob_put_abort(a->upload);
	if (a->mem != NULL)
		explicit_bzero(a->mem, (size_t)a->n); /* perhaps a key */
	free(a->mem);
	memset(a, 0, sizeof(*a));
}

void
block1_free(struct block1 *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < LIMIT_ASSEMBLIES; i++)
		block1_drop(&b->as[i]);
	free(b);
}

static bool
is_it(const struct assembly *a, const struct exchange *x)
{
	return a->used && a->method == x->req.method &&
	    memcmp(&a->peer, &x->peer, sizeof(a->peer)) == 0 &&
	    slice_eq(slice_of(a->rtag, a->rtag_n), x->rtag) &&
	    strcmp(a->path, x->req.path) == 0;
}

static struct assembly *
find(struct block1 *b, const struct exchange *x)
{
	for (size_t i = 0; i < LIMIT_ASSEMBLIES; i++)
		if (is_it(&b->as[i], x))
			return &b->as[i];
	return NULL;
}

static struct assembly *
begin(struct block1 *b, const struct exchange *x)
{
	size_t max = x->req.who.role == ROLE_NOBODY ? ASSEMBLIES_ANONYMOUS :
	    LIMIT_ASSEMBLIES;
	struct assembly *a = NULL;

	if (block1_count(b) >= max) {
		front_limit(x->f, FRONT_LIMIT_ASSEMBLIES);
		return NULL;
	}
	for (size_t i = 0; a == NULL && i < LIMIT_ASSEMBLIES; i++)
		if (!b->as[i].used)
			a = &b->as[i];
	a->used = true;
	a->first_mid = x->mid;
	a->peer = x->peer;
	a->method = x->req.method;
	memcpy(a->path, x->req.path, sizeof(a->path));
	if (x->rtag.n > 0)
		memcpy(a->rtag, x->rtag.p, x->rtag.n);
	a->rtag_n = x->rtag.n;
	return a;
}

static int
append_mem(struct assembly *a, struct slice s)
{
	size_t need = (size_t)a->n + s.n, cap = a->mem_cap;
	uint8_t *mem;

	if (need > cap) {
		cap = cap == 0 ? MEM_FIRST : cap * 2;
		cap = cap < need ? need : cap;
		mem = malloc(cap); /* realloc would leave a copy */
		if (mem == NULL)
			return ERR_NOMEM;
		if (a->mem != NULL) {
			memcpy(mem, a->mem, (size_t)a->n);
			explicit_bzero(a->mem, (size_t)a->n);
		}
		free(a->mem);
		a->mem = mem;
		a->mem_cap = cap;
	}
	if (s.n > 0)
		memcpy(a->mem + a->n, s.p, s.n);
	return 0;
}

static int
append_upload(struct block1 *b, struct assembly *a, struct exchange *x)
{
	int rc = 0;

	if (a->upload == NULL)
		rc = blob_put_begin(b->blobs, &a->upload);
	if (rc == 0)
		rc = blob_put_write(a->upload, x->req.body);
	return rc == 0 ? 0 : why_set(&x->resp.why, rc,
	    "image, after %llu bytes: %s", (unsigned long long)a->n,
	    err_text(rc));
}

static int
append(struct block1 *b, struct assembly *a, struct exchange *x)
{
	struct slice s = x->req.body;
	int rc = x->match.route->flags & ROUTE_BODY_FILE ?
	    append_upload(b, a, x) : append_mem(a, s);

	if (rc != 0)
		return rc;
	a->n += s.n;
	a->last = s.n;
	return 0;
}

static void
present(struct exchange *x, struct assembly *a)
{
	x->req.body = a->upload != NULL ? SLICE_NONE :
	    slice_of(a->mem, (size_t)a->n);
	x->resp.upload = a->upload;
	a->upload = NULL;
	x->assembly = a;
}

/* Every block but the last is full; with BERT, full several times over. */
static bool
size_ok(const struct exchange *x)
{
	size_t unit = block_size(x->b1.szx), n = x->req.body.n;

	if (x->reliable && x->b1.szx == 6)
		return !x->b1.more || (n > 0 && n % unit == 0);
	return x->b1.more ? n == unit : n <= unit;
}

static int
too_large(struct exchange *x, uint64_t cap)
{
	x->size1_max = (uint32_t)cap;
	front_limit(x->f, FRONT_LIMIT_BODY);
	return why_set(&x->resp.why, ERR_SIZE,
	    "RFC 7959 2.9.3: at most %llu bytes", (unsigned long long)cap);
}

/* Where this block belongs; NULL and *rc when there is no such place. */
static struct assembly *
place(struct block1 *b, struct exchange *x, int *rc)
{
	struct assembly *a = find(b, x);

	if (x->b1_off == 0) {
		*rc = BLOCK1_MORE; /* a copy that the network made */
		if (a != NULL && !x->reliable && a->first_mid == x->mid)
			return NULL;
		block1_drop(a); /* a new try replaces the old one */
		a = begin(b, x);
		*rc = a == NULL ? ERR_BUSY : 0;
		return a;
	}
	*rc = 0;
	if (a != NULL && x->b1_off == a->n)
		return a;
	/* the last block again: its 2.31 was lost */
	if (a != NULL && x->b1.more && x->b1_off + x->req.body.n == a->n &&
	    x->req.body.n == a->last)
		*rc = BLOCK1_MORE;
	else
		*rc = why_set(&x->resp.why, ERR_INCOMPLETE,
		    "RFC 7959 2.9.2: begin again with block 0");
	return NULL;
}

int
block1_take(struct block1 *b, struct exchange *x, uint64_t cap, int64_t mono)
{
	struct assembly *a;
	int rc;

	if (x->have_size1 && x->have_b1 && x->size1 > cap)
		return too_large(x, cap);
	if (x->b1_off + x->req.body.n > cap) {
		block1_drop(find(b, x));
		return too_large(x, cap);
	}
	if (!x->have_b1 || (x->b1_off == 0 && !x->b1.more))
		return 0;
	if (!size_ok(x))
		return why_set(&x->resp.why, ERR_MALFORMED,
		    "RFC 7959 2.3: block of %zu bytes", x->req.body.n);
	a = place(b, x, &rc);
	if (a == NULL)
		return rc;
	if (a->n == 0)
		a->begun = mono;
	a->touched = mono;
	rc = append(b, a, x);
	if (rc == 0 && x->b1.more)
		return BLOCK1_MORE;
	if (rc == 0)
		present(x, a);
	else
		block1_drop(a);
	return rc;
}

bool
block1_is_slow(uint64_t bytes, int64_t ms)
{
	int64_t s = ms / 1000 - LIMIT_ASSEMBLY_GRACE;

	return s > 0 && bytes < (uint64_t)s * LIMIT_ASSEMBLY_LEAST;
}

void
block1_tick(struct block1 *b, struct front *f, int64_t mono)
{
	for (size_t i = 0; i < LIMIT_ASSEMBLIES; i++) {
		struct assembly *a = &b->as[i];

		if (!a->used)
			continue;
		if (mono - a->touched >= (int64_t)LIMIT_ASSEMBLY_IDLE * 1000)
			front_limit(f, FRONT_LIMIT_ASSEMBLY_IDLE);
		else if (block1_is_slow(a->n, mono - a->begun))
			front_limit(f, FRONT_LIMIT_ASSEMBLY_SLOW);
		else
			continue;
		block1_drop(a);
	}
}

size_t
block1_count(const struct block1 *b)
{
	size_t n = 0;

	for (size_t i = 0; i < LIMIT_ASSEMBLIES; i++)
		n += b->as[i].used;
	return n;
}
