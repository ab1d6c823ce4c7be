/*
 * Rows that are asked for again: of devices, by id and by name, and of their
 * live jobs. They outlive the transaction, since whoever reports once does so
 * again, but they are looked at only while one is open: then nobody else
 * writes, and whether somebody did before is known (the pager's version).
 *
 * Every verb that writes a row tells it here. What was put in or changed
 * here in a transaction is on a list, all of which a rollback drops; where
 * the list is full, it drops everything.
 *
 * Places are by id, so that ids that follow each other never meet; of two
 * that do, the older one goes. A device is kept without the room for tags
 * that it has not.
 */
#include <stddef.h>
#include <stdlib.h>

#include "db/store_sqlite.h"

#define TOUCHED 1024 /* devices in one transaction */
#define NAMES (2 * LIMIT_MEMO)

struct sq_memo {
	struct store_device *device[LIMIT_MEMO];
	uint64_t name[NAMES]; /* device ids, by the hash of the name */
	struct job job[LIMIT_MEMO]; /* live ones, by device; id 0: none */
	uint64_t home[LIMIT_MEMO]; /* the device of a kept job, by the job */
	uint64_t touched[TOUCHED];
	size_t touched_n; /* TOUCHED: there may be more */
	bool filled; /* since all was dropped */
	unsigned version; /* the pager's */
};

int
sq_memo_new(struct sq *s)
{
	s->memo = calloc(1, sizeof(*s->memo));
	return s->memo == NULL ? ERR_NOMEM : 0;
}

static void
drop_all(struct sq_memo *m)
{
	for (size_t i = 0; i < LIMIT_MEMO && m->filled; i++) {
		free(m->device[i]);
		m->device[i] = NULL;
		m->job[i].id = 0;
	}
	m->filled = false;
}

void
sq_memo_free(struct sq *s)
{
	if (s->memo != NULL)
		drop_all(s->memo);
	free(s->memo);
}

/* --- transactions --- */

/* It moves with our own commits, too. */
static unsigned
version(struct sq *s)
{
	unsigned v = 0;
	int rc = sqlite3_file_control(s->db, "main",
	    SQLITE_FCNTL_DATA_VERSION, &v);

	return rc == SQLITE_OK ? v : s->memo->version + 1;
}

void
sq_memo_begin(struct sq *s)
{
	unsigned now = version(s);

	s->memo->touched_n = 0;
	if (now != s->memo->version)
		drop_all(s->memo);
	s->memo->version = now;
}

void
sq_memo_kept(struct sq *s)
{
	s->memo->version = version(s);
}

static void
touch(struct sq_memo *m, uint64_t device)
{
	if (m->touched_n > 0 && m->touched[m->touched_n - 1] == device)
		return;
	if (m->touched_n < TOUCHED)
		m->touched[m->touched_n++] = device;
}

static void
drop(struct sq_memo *m, uint64_t device)
{
	size_t i = device % LIMIT_MEMO;

	if (m->device[i] != NULL && m->device[i]->id == device) {
		free(m->device[i]);
		m->device[i] = NULL;
	}
	if (m->job[i].device == device)
		m->job[i].id = 0;
}

void
sq_memo_undone(struct sq *s)
{
	struct sq_memo *m = s->memo;

	if (m->touched_n == TOUCHED)
		drop_all(m);
	for (size_t i = 0; i < m->touched_n; i++)
		drop(m, m->touched[i]);
}

void
sq_memo_forget(struct sq *s, uint64_t device)
{
	drop(s->memo, device);
}

/* --- devices --- */

static uint64_t *
name_of(struct sq_memo *m, const char *ep)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *ep != '\0'; ep++)
		h = (h ^ (uint8_t)*ep) * 1099511628211u;
	return &m->name[(h ^ h >> 32) % NAMES];
}

static size_t
size_of(const struct store_device *d)
{
	return offsetof(struct store_device, tag) +
	    d->tag_count * sizeof(d->tag[0]);
}

void
sq_memo_device(struct sq *s, const struct store_device *d)
{
	struct sq_memo *m = s->memo;
	struct store_device **at = &m->device[d->id % LIMIT_MEMO];
	void *p;

	if (s->depth == 0)
		return;
	p = *at != NULL && (*at)->tag_count == d->tag_count ? *at :
	    realloc(*at, size_of(d));
	if (p == NULL)
		return; /* what was there is right, of its own device */
	touch(m, d->id);
	*at = memcpy(p, d, size_of(d));
	*name_of(m, d->ep) = d->id;
	m->filled = true;
}

bool
sq_memo_get(struct sq *s, uint64_t id, struct store_device *ret)
{
	const struct store_device *d = s->memo->device[id % LIMIT_MEMO];

	if (s->depth == 0 || d == NULL || d->id != id)
		return false;
	memcpy(ret, d, size_of(d));
	memset(ret->tag + d->tag_count, 0,
	    sizeof(*ret) - size_of(d));
	return true;
}

bool
sq_memo_named(struct sq *s, const char *ep, struct store_device *ret)
{
	uint64_t id = *name_of(s->memo, ep);
	const struct store_device *d = s->memo->device[id % LIMIT_MEMO];

	return d != NULL && d->id == id && strcmp(d->ep, ep) == 0 &&
	    sq_memo_get(s, id, ret);
}

void
sq_memo_seen(struct sq *s, const struct store_seen *seen)
{
	struct store_device *d = s->memo->device[seen->device % LIMIT_MEMO];

	if (d == NULL || d->id != seen->device)
		return;
	touch(s->memo, seen->device);
	if (seen->at > d->seen)
		d->seen = seen->at;
	if (seen->gap != 0)
		d->gap = seen->gap;
	if (seen->addr != NULL && seen->addr[0] != '\0')
		strcpy(d->addr, seen->addr); /* its length was looked at */
}

/* --- live jobs --- */

void
sq_memo_job(struct sq *s, const struct job *j)
{
	struct sq_memo *m = s->memo;
	uint64_t *home = &m->home[j->id % LIMIT_MEMO];
	struct job *other = &m->job[*home % LIMIT_MEMO];

	if (s->depth == 0)
		return;
	/* who shares the place of its number would not be found by it */
	if (other->id % LIMIT_MEMO == j->id % LIMIT_MEMO)
		other->id = 0;
	touch(m, j->device);
	*home = j->device;
	m->job[j->device % LIMIT_MEMO] = *j;
	m->filled = true;
}

bool
sq_memo_live(struct sq *s, uint64_t device, struct job *ret)
{
	const struct job *j = &s->memo->job[device % LIMIT_MEMO];

	if (s->depth == 0 || j->id == 0 || j->device != device)
		return false;
	*ret = *j;
	return true;
}

bool
sq_memo_job_get(struct sq *s, uint64_t id, struct job *ret)
{
	const struct sq_memo *m = s->memo;
	const struct job *j = &m->job[m->home[id % LIMIT_MEMO] % LIMIT_MEMO];

	if (s->depth == 0 || id == 0 || j->id != id)
		return false;
	*ret = *j;
	return true;
}

void
sq_memo_saved(struct sq *s, const struct job *j)
{
	struct sq_memo *m = s->memo;
	struct job *was = &m->job[m->home[j->id % LIMIT_MEMO] % LIMIT_MEMO];

	if (was->id != j->id)
		return;
	touch(m, j->device);
	*was = *j;
	if (!rules_live(j->state))
		was->id = 0;
}

void
sq_memo_leased(struct sq *s, const struct job *j, int64_t due)
{
	struct job now = *j;

	now.due = due;
	sq_memo_job(s, &now);
}
