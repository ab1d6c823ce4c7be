/*
 * What images can be asked for by. Made when the catalog was read, never
 * changed after that, and shared by the tables that follow one another until
 * the catalog is read again.
 */
#include "daemon/blocks_impl.h"

#include <stdlib.h>

#include "daemon/catalog.h"

static int
copy_paths(struct names *m, const struct image_path *path, size_t n)
{
	size_t bytes = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(path[i].name) + 1;
	m->path = calloc(n + 1, sizeof(*m->path));
	m->image_of = calloc(n + 1, sizeof(*m->image_of));
	m->text = p = malloc(bytes + 1);
	if (m->path == NULL || m->image_of == NULL || p == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		m->path[i] = path[i];
		m->path[i].name = p;
		p = stpcpy(p, path[i].name) + 1;
		if (image_find(m->image, m->images, slice_of(path[i].digest,
		    32), &m->image_of[i]) != 0)
			m->path[i].live = false;
	}
	m->paths = n;
	return 0;
}

/* Only what stands in an option as it stands in a path, and is short: the
 * kernel compares bytes. */
static bool
comparable(const char *s, size_t n)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_~.";

	return n > 0 && n <= STEER_SEGMENT && s[0] != '.' &&
	    strspn(s, plain) >= n;
}

/* What begins like this is for the loop's thread to answer. */
static bool
is_control(const char *s, size_t n)
{
	for (const struct route *r = routes_device; r->path != NULL; r++)
		if (!(r->flags & ROUTE_BLOCKS) && strncmp(r->path, s, n) == 0 &&
		    (r->path[n] == '/' || r->path[n] == '\0'))
			return true;
	return false;
}

/* The paths are sorted, so those with one beginning are neighbours. */
static void
find_segments(struct names *m)
{
	struct steer *st = &m->steer;

	strcpy(st->segment[st->n++], "i");
	for (size_t i = 0; i < m->paths && st->n < LIMIT_STEERED; i++) {
		const char *s = m->path[i].name;
		size_t n = strcspn(s, "/");

		if (!comparable(s, n) || is_control(s, n) ||
		    (strncmp(st->segment[st->n - 1], s, n) == 0 &&
		    st->segment[st->n - 1][n] == '\0') ||
		    (n == 1 && s[0] == 'i'))
			continue;
		memcpy(st->segment[st->n++], s, n);
	}
}

int
names_new(const struct names_source *src, struct names **ret)
{
	struct names *m = calloc(1, sizeof(*m));
	int rc;

	if (m == NULL)
		return ERR_NOMEM;
	m->refs = 1;
	m->image = calloc(src->images + 1, sizeof(*m->image));
	rc = m->image == NULL ? ERR_NOMEM : 0;
	if (rc == 0) {
		if (src->images > 0)
			memcpy(m->image, src->image, src->images *
			    sizeof(*m->image));
		m->images = src->images;
		rc = copy_paths(m, src->path, src->paths);
	}
	if (rc != 0) {
		names_unref(m);
		return rc;
	}
	find_segments(m);
	*ret = m;
	return 0;
}

struct names *
names_ref(struct names *m)
{
	m->refs++;
	return m;
}

void
names_unref(struct names *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	free(m->image);
	free(m->path);
	free(m->image_of);
	free(m->text);
	free(m);
}

int
names_find(const struct names *m, const struct get *g, size_t *ret)
{
	struct slice id = get_id(g);
	char path[LIMIT_PATH + 1];
	size_t at;
	int rc;

	if (id.p != NULL)
		return image_find_text(m->image, m->images, id, ret);
	get_path(g, path);
	rc = image_find_path(m->path, m->paths, path, &at);
	if (rc == 0)
		*ret = m->image_of[at];
	return rc;
}
