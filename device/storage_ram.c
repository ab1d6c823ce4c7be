/*
 * A storage driver in RAM that lives longer than the device which uses it:
 * what a flash is for a simulated power loss. It holds the core to the legal
 * call order.
 */
#include "device/storage.h"

#include <stdlib.h>

void
storage_ram_init(struct storage_ram *r, size_t part_max)
{
	memset(r, 0, sizeof *r);
	r->part_max = part_max;
}

void
storage_ram_fini(struct storage_ram *r)
{
	for (unsigned s = 0; s < 2; s++)
		for (unsigned p = 0; p < STORAGE_PARTS; p++)
			free(r->part[s][p]);
	free(r->list[0]);
	free(r->list[1]);
	memset(r, 0, sizeof *r);
}

void
storage_ram_power(struct storage_ram *r)
{
	r->started = r->open = r->finished = false;
}

/* Counts a call that changes something; true when it shall fail. */
static bool
faulty(struct storage_ram *r)
{
	r->calls++;
	return r->fail_in > 0 && --r->fail_in == 0;
}

/* What a boot loader does when there is a new image to try. */
static void
try_image(struct storage_ram *r)
{
	if (!r->tried)
		return;
	r->tried = false;
	r->recovery = false;
	if (r->bad_boots == 0)
		return;
	if (r->bad_boots != STORAGE_RAM_NO_BOOT)
		r->bad_boots--;
	r->refused_boots++;
	r->slot = !r->slot;
	r->recovery = r->single_slot;
}

static int
ram_get_state(void *arg, uint8_t *dst, size_t cap, size_t *ret_n)
{
	struct storage_ram *r = arg;

	if (r->state_n > cap)
		return ERR_SPACE;
	if (r->state_n > 0)
		memcpy(dst, r->state, r->state_n);
	*ret_n = r->state_n;
	r->started = true;
	try_image(r);
	return 0;
}

static int
ram_set_state(void *arg, struct slice state)
{
	struct storage_ram *r = arg;

	if (!r->started)
		return ERR_ORDER;
	if (state.n > sizeof r->state)
		return ERR_SPACE;
	if (faulty(r))
		return ERR_IO;
	memcpy(r->state, state.p, state.n);
	r->state_n = state.n;
	return 0;
}

static int
ram_active(void *arg, unsigned *ret_slot)
{
	struct storage_ram *r = arg;

	if (!r->started)
		return ERR_ORDER;
	*ret_slot = r->slot;
	return 0;
}

static int
ram_open(struct storage_ram *r, unsigned part)
{
	if (!r->started || r->open)
		return ERR_ORDER;
	if (part >= STORAGE_PARTS)
		return ERR_RANGE;
	r->cur = part;
	r->open = true;
	r->finished = false;
	return 0;
}

static int
ram_begin(void *arg, unsigned part, uint64_t size)
{
	struct storage_ram *r = arg;
	int err;

	if (size > r->part_max)
		return ERR_NOSPACE;
	if (faulty(r))
		return ERR_IO;
	err = ram_open(r, part);
	if (err == 0)
		r->len[!r->slot][part] = 0;
	return err;
}

static int
ram_resume(void *arg, unsigned part, uint64_t off)
{
	struct storage_ram *r = arg;
	int err;

	if (part >= STORAGE_PARTS || off > r->len[!r->slot][part])
		return ERR_RANGE;
	err = ram_open(r, part);
	if (err == 0)
		r->len[!r->slot][part] = (size_t)off;
	return err;
}

static int
ram_grow(struct storage_ram *r, size_t need)
{
	size_t *cap = &r->cap[!r->slot][r->cur], n = *cap ? *cap : 16384;
	uint8_t *p;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	p = realloc(r->part[!r->slot][r->cur], n);
	if (p == NULL)
		return ERR_NOMEM;
	r->part[!r->slot][r->cur] = p;
	*cap = n;
	return 0;
}

static int
ram_write(void *arg, uint64_t off, struct slice data)
{
	struct storage_ram *r = arg;
	size_t *len = &r->len[!r->slot][r->cur];
	int err;

	if (!r->open || off != *len)
		return ERR_ORDER;
	if (data.n > r->part_max - *len)
		return ERR_NOSPACE;
	if (faulty(r))
		return ERR_IO;
	err = ram_grow(r, *len + data.n);
	if (err != 0 || data.n == 0)
		return err;
	memcpy(r->part[!r->slot][r->cur] + *len, data.p, data.n);
	*len += data.n;
	return 0;
}

static int
ram_read(void *arg, uint64_t off, uint8_t *dst, size_t n)
{
	struct storage_ram *r = arg;
	size_t len = r->len[!r->slot][r->cur];

	if (!r->open)
		return ERR_ORDER;
	if (off > len || n > len - off)
		return ERR_RANGE;
	if (n > 0)
		memcpy(dst, r->part[!r->slot][r->cur] + off, n);
	return 0;
}

static int
ram_finish(void *arg)
{
	struct storage_ram *r = arg;

	if (!r->open)
		return ERR_ORDER;
	if (faulty(r))
		return ERR_IO;
	r->open = false;
	r->finished = true;
	return 0;
}

static int
ram_abort(void *arg)
{
	struct storage_ram *r = arg;

	if (!r->open)
		return ERR_ORDER;
	r->open = false;
	return 0;
}

static int
ram_activate(void *arg)
{
	struct storage_ram *r = arg;

	if (!r->started || r->open || !r->finished)
		return ERR_ORDER;
	if (faulty(r))
		return ERR_IO;
	if (r->single_slot) /* copied over it */
		memset(r->len[r->slot], 0, sizeof r->len[r->slot]);
	r->slot = !r->slot;
	r->tried = true;
	return 0;
}

static int
ram_recovery(void *arg, bool *ret_recovery)
{
	struct storage_ram *r = arg;

	if (!r->started)
		return ERR_ORDER;
	*ret_recovery = r->recovery;
	return 0;
}

static int
ram_list_read(void *arg, unsigned place, uint8_t *dst, size_t cap,
    size_t *ret_n)
{
	struct storage_ram *r = arg;

	if (!r->started)
		return ERR_ORDER;
	if (place > 1)
		return ERR_RANGE;
	if (r->list_n[place] > cap)
		return ERR_SPACE;
	if (r->list_n[place] > 0)
		memcpy(dst, r->list[place], r->list_n[place]);
	*ret_n = r->list_n[place];
	return 0;
}

static int
ram_list_write(void *arg, unsigned place, struct slice list)
{
	struct storage_ram *r = arg;
	uint8_t *p;

	if (!r->started)
		return ERR_ORDER;
	if (place > 1)
		return ERR_RANGE;
	if (list.n > STORAGE_LIST)
		return ERR_SPACE;
	if (faulty(r))
		return ERR_IO;
	p = realloc(r->list[place], list.n + 1);
	if (p == NULL)
		return ERR_NOMEM;
	memcpy(p, list.p, list.n);
	r->list[place] = p;
	r->list_n[place] = list.n;
	return 0;
}

const struct storage storage_ram = {
	.get_state = ram_get_state, .set_state = ram_set_state,
	.active = ram_active, .begin = ram_begin, .resume = ram_resume,
	.write = ram_write, .read = ram_read, .finish = ram_finish,
	.abort = ram_abort, .activate = ram_activate,
	.recovery = ram_recovery,
	.list_read = ram_list_read, .list_write = ram_list_write,
};
