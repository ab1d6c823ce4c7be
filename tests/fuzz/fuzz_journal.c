/*
 * What a device finds in its storage after the power went: any state, any
 * image as far as it came, and a server that does what the rest of the input
 * says. Whatever was written there, the device starts; it never activates
 * anything but the image that its manifest names, whole; and from a state
 * that cannot be read it updates as one that has none.
 */
#include "device/core.h"
#include "tests/device/world.h"
#include "tests/fuzz/fuzz.h"

#define TURNS 400
#define HEAD 7

static struct world w;
static struct storage checked; /* storage_ram, that looks at what is started */
static struct slice script;
static bool dark; /* the power goes after this turn */

/* RFC 8032 7.1, TEST 1: a target's digest must be the same in each run. */
static const uint8_t key[] =
    "\xa4\x01\x01\x20\x06\x21\x58\x20"
    "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a"
    "\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a"
    "\x23\x58\x20"
    "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4"
    "\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static int
activate(void *arg)
{
	struct storage_ram *r = arg;

	require(r->len[!r->slot][0] == w.image_n);
	require(memcmp(r->part[!r->slot][0], w.image, w.image_n) == 0);
	return storage_ram.activate(r);
}

/* A byte of the script bends an answer; after its end the server is good. */
static bool
bend(struct world *world, struct suitdev_response *r)
{
	uint8_t op;

	(void)world;
	w.reports = 0;
	if (script.n == 0)
		return true;
	op = script.p[0];
	script = slice_sub(script, 1, script.n);
	switch (op & 7) {
	case 0:
		return false;
	case 1:
		dark = true;
		return op & 8;
	case 2:
		*r = (struct suitdev_response){.code = 503,
		    .have_max_age = true, .max_age = op};
		break;
	case 3:
		r->payload = slice_sub(r->payload, 0, op);
		break;
	case 4:
		r->num += op >> 3;
		break;
	case 5:
		r->etag[0] ^= op >> 3;
		break;
	case 6:
		r->more = !r->more;
		break;
	}
	return true;
}

/* What is read is written as it was; what is not is as if nothing were
 * there. 0x97: an array of before there were boot reports. */
static void
read_and_write(struct slice state, bool *ret_lost)
{
	static struct suitdev d;
	uint8_t bare[STORAGE_STATE];
	size_t bare_n;

	w.ram.state_n = 0;
	for (int i = 0; i < 2; i++) {
		storage_ram_power(&w.ram);
		suitdev_init(&d, &w.cfg);
		require(core_load(&d) == 0 && core_save(&d) == 0);
		if (i == 1)
			break;
		bare_n = w.ram.state_n;
		memcpy(bare, w.ram.state, bare_n);
		memcpy(w.ram.state, state.p, state.n);
		w.ram.state_n = state.n;
	}
	*ret_lost = slice_eq(slice_of(w.ram.state, w.ram.state_n),
	    slice_of(bare, bare_n));
	require(*ret_lost || state.p[0] == 0x97 || slice_eq(state,
	    slice_of(w.ram.state, w.ram.state_n)));
	memcpy(w.ram.state, state.p, state.n);
	w.ram.state_n = state.n;
}

static void
begin(uint8_t flags)
{
	world_init(&w, flags & 1 ? &suitdev_kind_observe :
	    &suitdev_kind_poll);
	cose_key_free(w.key);
	require(cose_key_parse(slice_of(key, sizeof(key) - 1), &w.key,
	    NULL) == 0);
	w.ring.key[0] = w.key;
	world_publish(&w, w.key);
	checked = storage_ram;
	checked.activate = activate;
	w.cfg.storage = &checked;
	w.twist = bend;
	w.ram.slot = flags >> 1 & 1;
	w.ram.single_slot = flags & 4;
	w.ram.recovery = w.ram.single_slot && flags & 8;
}

/* So much of the image is there, with a byte that may be another one. */
static void
half_an_image(size_t n, size_t at, uint8_t other)
{
	const unsigned slot = !w.ram.slot;

	n = n < w.image_n ? n : w.image_n;
	w.ram.part[slot][0] = malloc(w.image_n);
	require(w.ram.part[slot][0] != NULL);
	memcpy(w.ram.part[slot][0], w.image, n);
	w.ram.cap[slot][0] = w.image_n;
	w.ram.len[slot][0] = n;
	if (at < n)
		w.ram.part[slot][0][at] ^= other;
}

static void
run(bool lost)
{
	for (unsigned i = 0; i < TURNS && world_turn(&w); i++) {
		if (lost && w.dev.nv.sequence == 4)
			break;
		if (dark)
			world_boot(&w);
		dark = false;
	}
	require(!lost || w.dev.nv.sequence == 4);
	if (lost)
		world_assert_runs(&w);
}

/* flags, state's bytes, the image's bytes so far, one of them and what it is
 * changed by; the state; the script. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice state;
	bool lost;

	if (n < HEAD)
		return 0;
	state = slice_sub(slice_of(p, n), HEAD, p[1]);
	script = slice_sub(slice_of(p, n), HEAD + state.n, 64);
	if (state.n == 0)
		return 0;
	begin(p[0]);
	half_an_image((size_t)p[2] << 8 | p[3], (size_t)p[4] << 8 | p[5],
	    p[6]);
	read_and_write(state, &lost);
	dark = false;
	world_boot(&w);
	run(lost);
	world_fini(&w);
	return 0;
}
