/*
 * store_mem: private parts of the store in memory, the twin for tests and
 * simulations. Rows in sorted arrays, an undo log for begin/rollback.
 */
#ifndef SUITD_DB_STORE_MEM_H
#define SUITD_DB_STORE_MEM_H

#include "db/store.h"
#include "db/store_rules.h"

#define MEM_INDEXES 5

struct mem_index {
	int (*cmp)(const void *a, const void *b);
	bool (*has)(const void *row); /* NULL: every row */
	void **row;
	size_t n, cap;
};

struct mem;

struct mem_table {
	size_t size; /* of a row */
	struct mem_index ix[MEM_INDEXES]; /* the first is the primary key */
	/* after each change and each undo; NULL each for none */
	void (*changed)(struct mem *m, const void *old, const void *now);
	uint64_t next; /* id */
};

enum mem_name {
	MEM_DEVICE,
	MEM_CREDENTIAL,
	MEM_REVOKED,
	MEM_AUTHOR,
	MEM_RELEASE,
	MEM_ENVELOPE,
	MEM_PAYLOAD,
	MEM_CAMPAIGN,
	MEM_PLAN,
	MEM_JOB,
	MEM_EVENT,
	MEM_META,
	MEM_TABLES,
};

struct mem_undo {
	enum mem_name table;
	void *before; /* owned; NULL: was not there */
	void *after; /* in the table; NULL: is not there */
};

#define MEM_DEPTH 16

struct mem {
	struct store base;
	struct mem_table table[MEM_TABLES];
	struct mem_undo *undo;
	size_t undo_n, undo_cap;
	int depth;
	struct {
		size_t undo_n;
		uint64_t next[MEM_TABLES];
	} frame[MEM_DEPTH];
	uint64_t commits;
	struct mem_tally *tally; /* by campaign and kind */
	size_t tally_n, tally_cap;
};

struct mem_tally {
	uint64_t campaign, attempts;
	struct store_tally t;
};

static inline struct mem *
mem_of(struct store *s)
{
	return (struct mem *)s; /* base is the first member */
}

void *mem_alloc(void *old, size_t n, size_t size); /* aborts without memory */
/* The row that equals `probe`, or NULL. */
void *mem_find(struct mem *m, enum mem_name t, unsigned ix, const void *probe);
/* Position of the first row that is not before `probe`. */
size_t mem_lower(struct mem *m, enum mem_name t, unsigned ix,
    const void *probe);
static inline struct mem_index *
mem_ix(struct mem *m, enum mem_name t, unsigned ix)
{
	return &m->table[t].ix[ix];
}
/* Replaces `old` (NULL: inserts) by a copy of `now` (NULL: deletes). */
void mem_set(struct mem *m, enum mem_name t, void *old, const void *now);
int mem_refuse(struct mem *m, int err, const char *what) MUST_USE;
int mem_writable(struct mem *m) MUST_USE;
static inline uint64_t
mem_next(struct mem *m, enum mem_name t)
{
	return ++m->table[t].next;
}
static inline int
mem_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

struct mem_envelope {
	uint64_t id;
	size_t n;
	uint8_t b[LIMIT_ENVELOPE];
};
struct mem_payload {
	struct store_payload p;
	size_t ord;
};
struct mem_plan_key {
	uint64_t campaign, part;
};
struct mem_plan {
	struct mem_plan_key key; /* first: a probe has no more */
	size_t n;
	uint8_t b[STORE_PLAN_PART];
};
struct mem_meta {
	char name[LIMIT_KEY_NAME + 1];
	size_t n;
	uint8_t b[STORE_META_MAX];
};

/* The tallies follow the job table: after each change of it. */
void mem_tally_changed(struct mem *m, const void *old, const void *now);

/* Each group names its tables and verbs. */
void mem_device_init(struct mem *m, struct store_ops *ops);
/* All of a device's. */
void mem_credential_drop(struct mem *m, uint64_t device);
void mem_credential_init(struct mem *m, struct store_ops *ops);
void mem_revoked_init(struct mem *m, struct store_ops *ops);
void mem_release_init(struct mem *m, struct store_ops *ops);
void mem_campaign_init(struct mem *m, struct store_ops *ops);
void mem_job_init(struct mem *m, struct store_ops *ops);
void mem_event_init(struct mem *m, struct store_ops *ops);

#endif
