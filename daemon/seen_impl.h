/*
 * seen_impl: what seen.c, the writer, and seen_read.c, the reader, share.
 * Nobody else includes it.
 */
#ifndef SUITD_DAEMON_SEEN_IMPL_H
#define SUITD_DAEMON_SEEN_IMPL_H

#include <stdatomic.h>

#include "daemon/seen.h"

#define KEY 4 /* words: the peer, 8 bytes of the digest */
#define TAG_ONES UINT64_C(0x0101010101010101)
#define TAG_LOW7 UINT64_C(0x7f7f7f7f7f7f7f7f)
#define AT_SHIFT 6 /* `at` is in units of 64 ms */
#define LINE 64

struct place {
	_Atomic uint64_t key[KEY];
	_Atomic uint32_t seq, id, born, lo, hi, total, at;
	_Atomic uint8_t blocks, queued, ended, dropped;
};

_Static_assert(sizeof(struct place) == LINE, "a slot is a line of the cache");
_Static_assert(sizeof(struct seen_peer) == (KEY - 1) * 8, "no padding");

struct seen {
	/* set once */
	struct place *place;
	_Atomic uint64_t *tags; /* a word a set: a byte a slot, 0 free */
	_Atomic uint32_t *dir;
	uint8_t *depth; /* bits of the hash that a set's keys have in common */
	_Atomic uint32_t *ring;
	size_t sets, ring_n;
	unsigned bits_max;
	void *map;
	size_t map_n;

	/* the writer's */
	_Alignas(LINE) _Atomic unsigned bits; /* the directory has 2^bits */
	_Atomic uint32_t sets_used, ids_used;
	uint32_t born;
	uint32_t tail_seen;
	_Atomic uint32_t head;
	_Atomic uint64_t evicted, overflows;

	/* the reader's */
	_Alignas(LINE) _Atomic uint32_t tail;
};

#define GET(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define PUT(x, v) atomic_store_explicit(&(x), v, memory_order_relaxed)
#define ACQUIRE(x) atomic_load_explicit(&(x), memory_order_acquire)
#define RELEASE(x, v) atomic_store_explicit(&(x), v, memory_order_release)

static inline void
seen_key_of(const struct seen_peer *p, const uint8_t digest[8],
    uint64_t ret[KEY])
{
	memcpy(ret, p, sizeof(*p));
	memcpy(ret + KEY - 1, digest, 8);
}

uint64_t seen_hash_key(const uint64_t k[KEY]);

static inline uint64_t
seen_tag_of(uint64_t hash)
{
	uint64_t tag = hash >> 56;

	return tag != 0 ? tag : 1;
}

/* The high bit of each byte that is `tag`. */
static inline uint64_t
seen_tag_match(uint64_t tags, uint64_t tag)
{
	uint64_t x = tags ^ (tag * TAG_ONES);

	return ~(((x & TAG_LOW7) + TAG_LOW7) | x | TAG_LOW7);
}

static inline size_t
seen_lowest(uint64_t match)
{
	return (size_t)__builtin_ctzll(match) / 8;
}

/* Of the directory; either thread. */
static inline _Atomic uint32_t *
seen_dir_of(const struct seen *s, uint64_t hash)
{
	return &s->dir[hash & (((uint64_t)1 << ACQUIRE(s->bits)) - 1)];
}

static inline bool
seen_has_key(const struct place *t, const uint64_t key[KEY])
{
	return GET(t->key[0]) == key[0] && GET(t->key[1]) == key[1] &&
	    GET(t->key[2]) == key[2] && GET(t->key[3]) == key[3];
}

static inline struct place *
seen_find_place(const struct seen *s, uint32_t set, const uint64_t key[KEY],
    uint64_t hash)
{
	uint64_t m = seen_tag_match(ACQUIRE(s->tags[set]), seen_tag_of(hash));

	for (; m != 0; m &= m - 1) {
		struct place *t = &s->place[set * SEEN_SET + seen_lowest(m)];

		if (seen_has_key(t, key))
			return t;
	}
	return NULL;
}

#endif
