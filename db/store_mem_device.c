/*
 * Devices and their credentials, in memory.
 */
#include "db/store_mem.h"

enum { BY_ID, BY_EP, BY_ADDR, BY_REG, BY_AHEAD };

static int
cmp_id(const void *a, const void *b)
{
	const struct store_device *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_ep(const void *a, const void *b)
{
	const struct store_device *x = a, *y = b;

	return strcmp(x->ep, y->ep);
}

static int
cmp_addr(const void *a, const void *b)
{
	const struct store_device *x = a, *y = b;
	int c = strcmp(x->addr, y->addr);

	return c != 0 ? c : cmp_id(a, b);
}

static bool
has_addr(const void *row)
{
	return ((const struct store_device *)row)->addr[0] != '\0';
}

static int
cmp_reg(const void *a, const void *b)
{
	const struct store_device *x = a, *y = b;

	return mem_cmp(x->reg, y->reg);
}

static bool
has_reg(const void *row)
{
	return ((const struct store_device *)row)->reg != 0;
}

static int
cmp_ahead(const void *a, const void *b)
{
	const struct store_device *x = a, *y = b;
	int c = memcmp(x->class_id, y->class_id, sizeof(x->class_id));

	if (c == 0)
		c = mem_cmp(x->seq, y->seq);
	return c != 0 ? c : cmp_id(a, b);
}

static bool
is_ahead(const void *row)
{
	return ((const struct store_device *)row)->ahead;
}

static struct store_device *
device_find(struct mem *m, uint64_t id)
{
	struct store_device probe = {.id = id};

	return mem_find(m, MEM_DEVICE, BY_ID, &probe);
}

static int
device_put(struct store *s, struct store_device *d)
{
	struct mem *m = mem_of(s);
	struct store_device *old = NULL, *other, now;
	int err = rules_device(d);

	if (err != 0)
		return mem_refuse(m, err, "device");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (d->id != 0 && (old = device_find(m, d->id)) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	other = mem_find(m, MEM_DEVICE, BY_EP, d);
	if ((other == NULL || other == old) && d->reg != 0)
		other = mem_find(m, MEM_DEVICE, BY_REG, d);
	if (other != NULL && other != old)
		return mem_refuse(m, ERR_EXISTS, "device");
	if (old == NULL)
		d->id = mem_next(m, MEM_DEVICE);
	now = *d;
	if (!d->have_class)
		memset(now.class_id, 0, sizeof(now.class_id));
	if (!d->have_seq)
		now.seq = 0;
	if (!d->have_class_said)
		memset(now.class_said, 0, sizeof(now.class_said));
	mem_set(m, MEM_DEVICE, old, &now);
	store_wrote(s, d->id);
	return 0;
}

static int
device_seen(struct store *s, const struct store_seen *seen)
{
	struct mem *m = mem_of(s);
	const char *addr = seen->addr;
	struct store_device *old, now;
	int err = addr ? rules_text(addr, 0, LIMIT_ADDRESS - 1) : 0;

	if (err != 0)
		return mem_refuse(m, err, "address");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if ((old = device_find(m, seen->device)) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	now = *old;
	if (seen->at > now.seen)
		now.seen = seen->at;
	if (seen->gap != 0)
		now.gap = seen->gap;
	if (addr != NULL && addr[0] != '\0')
		memcpy(now.addr, addr, strlen(addr) + 1);
	mem_set(m, MEM_DEVICE, old, &now);
	store_wrote(s, seen->device);
	return 0;
}

static int
give(struct mem *m, const struct store_device *d, struct store_device *ret)
{
	if (d == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	*ret = *d;
	return 0;
}

static int
device_get(struct store *s, uint64_t id, struct store_device *ret)
{
	return give(mem_of(s), device_find(mem_of(s), id), ret);
}

static int
device_by_ep(struct store *s, const char *ep, struct store_device *ret)
{
	struct mem *m = mem_of(s);
	struct store_device probe = {0};

	if (!slice_to_cstr(slice_str(ep), probe.ep, sizeof(probe.ep)))
		return give(m, NULL, ret);
	return give(m, mem_find(m, MEM_DEVICE, BY_EP, &probe), ret);
}

static int
device_by_addr(struct store *s, const char *addr, struct store_device *ret)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_DEVICE, BY_ADDR);
	struct store_device probe = {0}, *found = NULL;
	size_t i;

	if (!slice_to_cstr(slice_str(addr), probe.addr, sizeof(probe.addr)))
		return give(m, NULL, ret);
	i = mem_lower(m, MEM_DEVICE, BY_ADDR, &probe);
	for (; i < x->n; i++) {
		if (strcmp(((struct store_device *)x->row[i])->addr,
		    addr) != 0)
			break;
		if (found != NULL)
			return mem_refuse(m, ERR_CONFLICT, "address");
		found = x->row[i];
	}
	return give(m, found, ret);
}

static int
device_by_reg(struct store *s, uint64_t reg, struct store_device *ret)
{
	struct mem *m = mem_of(s);
	struct store_device probe = {.reg = reg};

	return give(m, mem_find(m, MEM_DEVICE, BY_REG, &probe), ret);
}

static int
device_remove(struct store *s, uint64_t id)
{
	struct mem *m = mem_of(s);
	struct store_device *d;
	struct mem_index *x;
	struct job last = {.device = id, .id = UINT64_MAX}, *j;
	size_t i;
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if ((d = device_find(m, id)) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	x = mem_ix(m, MEM_JOB, 1); /* by (device, id) */
	while ((i = mem_lower(m, MEM_JOB, 1, &last)) > 0 &&
	    (j = x->row[i - 1])->device == id)
		mem_set(m, MEM_JOB, j, NULL);
	mem_credential_drop(m, id);
	mem_attest_drop(m, id);
	mem_set(m, MEM_DEVICE, d, NULL);
	store_wrote(s, id);
	return 0;
}

static bool
tag_match(const struct store_device *d, const struct store_device_filter *f)
{
	for (size_t i = 0; i < d->tag_count; i++)
		if (strcmp(d->tag[i].name, f->tag_name) == 0)
			return f->tag_value[0] == '\0' ||
			    strcmp(d->tag[i].value, f->tag_value) == 0;
	return f->tag_name[0] == '\0';
}

static int
device_list(struct store *s, const struct store_device_filter *f,
    struct store_device *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_DEVICE, BY_EP);
	struct store_device probe = {0}, *d;
	size_t n = 0, i;
	int err = rules_page(f->limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	memcpy(probe.ep, f->after, sizeof(probe.ep));
	i = mem_lower(m, MEM_DEVICE, BY_EP, &probe);
	for (; i < x->n && n < f->limit; i++) {
		d = x->row[i];
		if (strcmp(d->ep, f->after) == 0 || !tag_match(d, f) ||
		    strncmp(d->ep, f->prefix, strlen(f->prefix)) != 0 ||
		    (f->have_class && (!d->have_class ||
		    memcmp(d->class_id, f->class_id, 16) != 0)))
			continue;
		ret[n++] = *d;
	}
	*ret_n = n;
	return 0;
}

/* All but what a plan has no use for; texts by their length. */
static void
scan_device(const struct store_device *d, bool tags, struct store_device *ret)
{
	ret->id = d->id;
	memcpy(ret->ep, d->ep, strlen(d->ep) + 1);
	ret->have_class = d->have_class;
	memcpy(ret->class_id, d->class_id, sizeof(ret->class_id));
	ret->class_set = d->class_set;
	ret->have_class_said = d->have_class_said;
	memcpy(ret->class_said, d->class_said, sizeof(ret->class_said));
	memcpy(ret->vendor, d->vendor, sizeof(ret->vendor));
	ret->driver = d->driver;
	ret->nul_trigger = d->nul_trigger;
	ret->uri_set = d->uri_set;
	ret->have_psk = d->have_psk;
	ret->have_seq = d->have_seq;
	ret->seq = d->seq;
	ret->seq_grade = d->seq_grade;
	memcpy(ret->version, d->version, strlen(d->version) + 1);
	ret->registered = d->registered;
	ret->reg = d->reg;
	ret->reg_expires = d->reg_expires;
	memcpy(ret->addr, d->addr, strlen(d->addr) + 1);
	ret->created = d->created;
	ret->seen = d->seen;
	ret->gap = d->gap;
	ret->revoked = d->revoked;
	ret->ahead = d->ahead;
	ret->tag_count = tags ? d->tag_count : 0;
	memcpy(ret->tag, d->tag, ret->tag_count * sizeof(ret->tag[0]));
}

static struct job
scan_job(const struct job *j)
{
	return (struct job){
		.id = j->id,
		.campaign = j->campaign,
		.release = j->release,
		.target_seq = j->target_seq,
		.state = j->state,
		.reason = j->reason,
		.attempt = j->attempt,
	};
}

/* Jobs are sorted by device, too: *at walks along with the devices. */
static void
scan_jobs(const struct mem_index *x, size_t *at, struct store_scan *row)
{
	const struct job *j;

	row->have_last = row->have_live = false;
	for (; *at < x->n; (*at)++) {
		j = x->row[*at];
		if (j->device > row->d.id)
			break;
		if (j->device < row->d.id)
			continue;
		row->have_last = true;
		row->last = scan_job(j);
		if (rules_live(j->state)) {
			row->have_live = true;
			row->live = row->last;
		}
	}
	if (!row->have_last)
		memset(&row->last, 0, sizeof(row->last));
	if (!row->have_live)
		memset(&row->live, 0, sizeof(row->live));
}

static int
device_scan(struct store *s, const struct store_scan_filter *f,
    int (*cb)(void *arg, const struct store_scan *scan), void *arg,
    uint64_t *ret_after)
{
	struct mem *m = mem_of(s);
	const struct mem_index *x = mem_ix(m, MEM_DEVICE, BY_ID);
	struct store_device probe = {.id = f->after};
	struct job first = {.device = f->after, .id = UINT64_MAX};
	struct store_scan row = {.have_last = false}; /* one for all */
	uint64_t after = f->after;
	size_t i, jobs, n = 0;
	int err = rules_scan(f);

	if (err != 0)
		return mem_refuse(m, err, "scan");
	i = mem_lower(m, MEM_DEVICE, BY_ID, &probe);
	jobs = mem_lower(m, MEM_JOB, 1, &first); /* by (device, id) */
	for (; i < x->n && n < f->limit && err == 0; i++) {
		const struct store_device *d = x->row[i];

		if (d->id == f->after)
			continue;
		scan_device(d, f->tags, &row.d);
		scan_jobs(mem_ix(m, MEM_JOB, 1), &jobs, &row);
		err = cb(arg, &row);
		if (err != 0)
			break;
		after = d->id;
		n++;
	}
	*ret_after = i < x->n ? after : 0;
	return err;
}

/* The last one of this class up to `seq`, or of the classes before it. */
static const struct store_device *
ahead_upto(struct mem *m, const uint8_t class_id[16], uint64_t seq)
{
	struct store_device probe = {.id = UINT64_MAX, .seq = seq};
	size_t i;

	memcpy(probe.class_id, class_id, sizeof(probe.class_id));
	i = mem_lower(m, MEM_DEVICE, BY_AHEAD, &probe);
	return i == 0 ? NULL : mem_ix(m, MEM_DEVICE, BY_AHEAD)->row[i - 1];
}

static int
ahead_class(struct store *s, const uint8_t *after, uint8_t ret_class[16])
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_DEVICE, BY_AHEAD);
	struct store_device probe = {.id = UINT64_MAX, .seq = UINT64_MAX};
	size_t i = 0;

	if (after != NULL) {
		memcpy(probe.class_id, after, sizeof(probe.class_id));
		i = mem_lower(m, MEM_DEVICE, BY_AHEAD, &probe);
	}
	if (i == x->n)
		return mem_refuse(m, ERR_NOT_FOUND, "class");
	memcpy(ret_class, ((struct store_device *)x->row[i])->class_id, 16);
	return 0;
}

static int
ahead_max(struct store *s, const uint8_t class_id[16], uint64_t *ret_seq)
{
	struct mem *m = mem_of(s);
	const struct store_device *d = ahead_upto(m, class_id, UINT64_MAX);

	if (d == NULL || memcmp(d->class_id, class_id, 16) != 0)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	*ret_seq = d->seq;
	return 0;
}

static int
ahead_settle(struct store *s, const uint8_t class_id[16], uint64_t seq,
    size_t limit, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_DEVICE, BY_AHEAD);
	struct store_device probe = {0}, now;
	size_t n = 0, i;
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (limit == 0 || limit > STORE_SETTLE_MAX)
		return mem_refuse(m, ERR_RANGE, "limit");
	memcpy(probe.class_id, class_id, sizeof(probe.class_id));
	i = mem_lower(m, MEM_DEVICE, BY_AHEAD, &probe);
	for (; n < limit && i < x->n; n++) {
		now = *(struct store_device *)x->row[i];
		if (memcmp(now.class_id, class_id, 16) != 0 || now.seq > seq)
			break;
		now.ahead = false;
		mem_set(m, MEM_DEVICE, x->row[i], &now);
		store_wrote(s, now.id);
	}
	*ret_n = n;
	return 0;
}

void
mem_device_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_DEVICE] = (struct mem_table){
		.size = sizeof(struct store_device),
		.ix = {
			[BY_ID] = {.cmp = cmp_id},
			[BY_EP] = {.cmp = cmp_ep},
			[BY_ADDR] = {.cmp = cmp_addr, .has = has_addr},
			[BY_REG] = {.cmp = cmp_reg, .has = has_reg},
			[BY_AHEAD] = {.cmp = cmp_ahead, .has = is_ahead},
		},
	};
	ops->device_put = device_put;
	ops->device_seen = device_seen;
	ops->device_get = device_get;
	ops->device_by_ep = device_by_ep;
	ops->device_by_addr = device_by_addr;
	ops->device_by_reg = device_by_reg;
	ops->device_remove = device_remove;
	ops->device_list = device_list;
	ops->device_scan = device_scan;
	ops->ahead_class = ahead_class;
	ops->ahead_max = ahead_max;
	ops->ahead_settle = ahead_settle;
}
