/*
 * Extendible hashing: a directory indexed by the low bits of the hash names
 * sets of 8 slots; a set that is full moves half of itself to the next
 * unused set, so that the sets in use are the first ones of the memory and
 * the rest costs nothing. Without a set left the least recently seen of the
 * full set goes. A word of 8 tags a set says which slot to look at: a block
 * touches one line of slots. Rejected: a table of the final size, whose
 * pages are all touched by a few ten thousand peers; doubling it in one go,
 * which stops the worker; linear hashing, whose sets that are not split yet
 * are twice as full as the others and lose peers before the cap.
 *
 * Every word that both threads use is atomic. A slot that changes its
 * meaning is written under `seq`, which is odd in the meantime; a mark that
 * grows is one store. `queued` is exchanged by both sides: the reader clears
 * it before it reads a slot, the writer sets it after it wrote one, so news
 * are in the ring or were read. What the reader writes into a slot (`ended`,
 * `dropped`) is the low byte of the download's number: it means nothing to
 * the next one, which may be there already.
 */
#include "daemon/seen_impl.h"

#include <stdlib.h>
#include <sys/mman.h>

#define DEPTH_SPARE 2 /* bits of the directory beyond those of the sets */

/* --- memory --- */

/* Parts of one mapping, each from a line of its own on. */
static size_t
part(size_t *n, size_t bytes)
{
	size_t at = *n;

	*n += (bytes + LINE - 1) / LINE * LINE;
	return at;
}

static int
map_parts(struct seen *s)
{
	size_t n = 0;
	size_t place = part(&n, s->sets * SEEN_SET * sizeof(*s->place));
	size_t tags = part(&n, s->sets * sizeof(*s->tags));
	size_t dir = part(&n, sizeof(*s->dir) << s->bits_max);
	size_t depth = part(&n, s->sets);
	size_t ring = part(&n, s->ring_n * sizeof(*s->ring));
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	s->map = p;
	s->map_n = n;
	s->place = (void *)(p + place);
	s->tags = (void *)(p + tags);
	s->dir = (void *)(p + dir);
	s->depth = p + depth;
	s->ring = (void *)(p + ring);
	return 0;
}

int
seen_new(size_t slots, struct seen **ret)
{
	struct seen *s;
	int rc;

	if (slots < SEEN_SET || slots > LIMIT_SEEN)
		return ERR_RANGE;
	s = aligned_alloc(LINE, sizeof(*s));
	if (s == NULL)
		return ERR_NOMEM;
	memset(s, 0, sizeof(*s));
	s->sets = slots / SEEN_SET;
	while ((size_t)1 << s->bits_max < s->sets)
		s->bits_max++;
	s->bits_max += DEPTH_SPARE;
	s->ring_n = 1;
	while (s->ring_n < slots && s->ring_n < SEEN_RING)
		s->ring_n *= 2;
	s->sets_used = 1;
	rc = map_parts(s);
	if (rc != 0) {
		free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	munmap(s->map, s->map_n);
	free(s);
}

/* --- keys --- */

/* Both halves of a product of 128 bits: each bit moves many of them. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Odd numbers without a pattern: fractions of square roots of primes. */
uint64_t
seen_hash_key(const uint64_t k[KEY])
{
	uint64_t h = mix(k[0] ^ UINT64_C(0x6a09e667f3bcc909),
	    k[1] ^ UINT64_C(0xbb67ae8584caa73b)) ^
	    mix(k[2] ^ UINT64_C(0x3c6ef372fe94f82b),
	    k[3] ^ UINT64_C(0xa54ff53a5f1d36f1));

	return mix(h ^ UINT64_C(0x510e527fade682d1),
	    UINT64_C(0x9b05688c2b3e6c1f));
}

uint64_t
seen_hash(const struct seen_peer *p, const uint8_t digest[8])
{
	uint64_t k[KEY];

	seen_key_of(p, digest, k);
	return seen_hash_key(k);
}

void
seen_prefetch(const struct seen *s, uint64_t hash, unsigned step)
{
	uint32_t set;
	uint64_t m;

	if (step == 0) {
		__builtin_prefetch(seen_dir_of(s, hash));
		return;
	}
	set = GET(*seen_dir_of(s, hash));
	if (step == 1) {
		__builtin_prefetch(&s->tags[set]);
		return;
	}
	m = seen_tag_match(GET(s->tags[set]), seen_tag_of(hash));
	if (m != 0)
		__builtin_prefetch(&s->place[set * SEEN_SET + seen_lowest(m)], 1);
}

/* --- the writer --- */

static void
add(_Atomic uint64_t *n)
{
	PUT(*n, GET(*n) + 1); /* one writer */
}

static void
push(struct seen *s, struct place *t)
{
	uint32_t head = GET(s->head);

	if (atomic_exchange(&t->queued, 1) != 0)
		return;
	if (head - s->tail_seen == s->ring_n)
		s->tail_seen = ACQUIRE(s->tail);
	if (head - s->tail_seen == s->ring_n) {
		PUT(t->queued, 0);
		add(&s->overflows);
		return;
	}
	PUT(s->ring[head % s->ring_n], (uint32_t)(t - s->place));
	RELEASE(s->head, head + 1);
}

static void
set_tag(struct seen *s, size_t at, uint64_t tag)
{
	_Atomic uint64_t *w = &s->tags[at / SEEN_SET];
	unsigned shift = at % SEEN_SET * 8;

	RELEASE(*w, (GET(*w) & ~(UINT64_C(0xff) << shift)) | tag << shift);
}

/* Between these two the slot means nothing. */
static void
open_place(struct place *t)
{
	PUT(t->seq, GET(t->seq) + 1);
}

static void
close_place(struct place *t)
{
	RELEASE(t->seq, GET(t->seq) + 1);
}

static uint32_t
next_born(struct seen *s)
{
	if (++s->born == 0)
		s->born = 1;
	return s->born;
}

/* The key in words as the slot has it. */
static uint64_t
hash_place(const struct place *t)
{
	uint64_t k[KEY];

	for (size_t i = 0; i < KEY; i++)
		k[i] = GET(t->key[i]);
	return seen_hash_key(k);
}

/* The stores are releases so that whoever reads one of them finds `seq` odd
 * or moved on. */
static void
move(struct seen *s, struct place *from, struct place *to)
{
	open_place(to);
	for (size_t i = 0; i < KEY; i++)
		RELEASE(to->key[i], GET(from->key[i]));
	RELEASE(to->id, GET(from->id));
	RELEASE(to->born, GET(from->born));
	RELEASE(to->lo, GET(from->lo));
	RELEASE(to->hi, GET(from->hi));
	RELEASE(to->total, GET(from->total));
	RELEASE(to->at, GET(from->at));
	RELEASE(to->blocks, GET(from->blocks));
	RELEASE(to->ended, GET(from->ended));
	RELEASE(to->dropped, GET(from->dropped));
	close_place(to);
	push(s, to); /* so that the reader learns where it is */
}

static void
vacate(struct seen *s, struct place *t)
{
	open_place(t);
	RELEASE(t->born, 0);
	close_place(t);
	set_tag(s, (size_t)(t - s->place), 0);
}

/* A directory twice as long says the same twice. */
static void
lengthen(struct seen *s)
{
	unsigned bits = GET(s->bits);
	size_t n = (size_t)1 << bits;

	for (size_t i = 0; i < n; i++)
		PUT(s->dir[n + i], GET(s->dir[i]));
	RELEASE(s->bits, bits + 1);
}

/*
 * Keys whose next bit is set move to a new set. They are there before the
 * directory says so, and here until it has, so that the reader finds each of
 * them in one or the other.
 */
static bool
split(struct seen *s, uint32_t set, uint64_t hash)
{
	unsigned depth = s->depth[set];
	uint32_t to = GET(s->sets_used);
	size_t step = (size_t)1 << depth, n = 0;
	struct place *moved[SEEN_SET];

	if (to == s->sets || depth == s->bits_max)
		return false;
	if (depth == GET(s->bits))
		lengthen(s);
	s->depth[set] = s->depth[to] = (uint8_t)(depth + 1);
	RELEASE(s->sets_used, to + 1);
	for (size_t i = 0; i < SEEN_SET; i++) {
		struct place *t = &s->place[set * SEEN_SET + i];
		uint64_t h = hash_place(t);

		if ((h & step) == 0)
			continue;
		move(s, t, &s->place[to * SEEN_SET + n]);
		set_tag(s, to * SEEN_SET + n, seen_tag_of(h));
		moved[n++] = t;
	}
	for (size_t i = (hash & (step - 1)) | step; i >> GET(s->bits) == 0;
	    i += 2 * step)
		RELEASE(s->dir[i], to);
	while (n > 0)
		vacate(s, moved[--n]);
	return true;
}

static size_t
stalest(const struct seen *s, uint32_t set)
{
	size_t first = (size_t)set * SEEN_SET, old = first;

	for (size_t i = first + 1; i < first + SEEN_SET; i++)
		if ((int32_t)(GET(s->place[i].at) -
		    GET(s->place[old].at)) < 0)
			old = i;
	return old;
}

/* A free place of the set, else the stalest; it gets a name for the reader
 * that is nobody else's. */
static struct place *
make(struct seen *s, const uint64_t key[KEY], uint64_t hash)
{
	uint32_t set = GET(*seen_dir_of(s, hash));
	uint64_t room = seen_tag_match(GET(s->tags[set]), 0);
	struct place *t;
	uint32_t id;
	size_t at;

	/* once more for keys that the next bit does not tell apart */
	for (int i = 0; i < 2 && room == 0 && split(s, set, hash); i++) {
		set = GET(*seen_dir_of(s, hash));
		room = seen_tag_match(GET(s->tags[set]), 0);
	}
	at = room != 0 ? set * SEEN_SET + seen_lowest(room) : stalest(s, set);
	t = &s->place[at];
	if (room == 0) {
		add(&s->evicted);
		id = GET(t->id);
		set_tag(s, at, 0);
	} else {
		id = GET(s->ids_used);
		PUT(s->ids_used, id + 1);
	}
	open_place(t);
	for (size_t i = 0; i < KEY; i++)
		RELEASE(t->key[i], key[i]);
	RELEASE(t->id, id);
	RELEASE(t->born, 0);
	RELEASE(t->hi, 0);
	close_place(t);
	set_tag(s, at, seen_tag_of(hash));
	return t;
}

/* A download begins, or goes on somewhere else. */
static void
rewrite(struct seen *s, struct place *t, const struct span *p, bool another)
{
	open_place(t);
	if (another) {
		uint32_t born = next_born(s);

		RELEASE(t->born, born);
		RELEASE(t->ended, (uint8_t)(born - 1));
		RELEASE(t->dropped, (uint8_t)(born - 1));
	}
	RELEASE(t->lo, p->lo);
	RELEASE(t->hi, p->hi);
	RELEASE(t->total, p->total);
	RELEASE(t->blocks, p->blocks);
	close_place(t);
}

void
seen_block(struct seen *s, const struct seen_mark *m, int64_t now_ms)
{
	uint64_t key[KEY];
	struct span p = {0};
	struct place *t;
	enum span_news news;
	uint32_t born;

	seen_key_of(m->peer, m->digest, key);
	t = seen_find_place(s, GET(*seen_dir_of(s, m->hash)), key, m->hash);
	if (t == NULL)
		t = make(s, key, m->hash);
	born = GET(t->born);
	if (born != 0 && GET(t->dropped) == (uint8_t)born)
		born = 0;
	if (born != 0)
		p = (struct span){GET(t->lo), GET(t->hi), GET(t->total),
		    GET(t->blocks), GET(t->ended) == (uint8_t)born};
	news = span_block(&p, m->end, m->total);
	PUT(t->at, (uint32_t)((uint64_t)now_ms >> AT_SHIFT));
	if (news == SPAN_REPEATED)
		return;
	if (news == SPAN_GREW) {
		PUT(t->hi, p.hi);
		PUT(t->blocks, p.blocks);
	} else {
		rewrite(s, t, &p, born == 0 || news == SPAN_STARTED);
	}
	push(s, t);
}
