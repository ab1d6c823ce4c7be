/*
 * What the twins share: the last error's text and the checks of arguments.
 */
#include "db/store.h"

#include "db/store_rules.h"

const char *
store_why(const struct store *s)
{
	return s->why.text;
}

/* A C string of min .. max bytes, whatever lies behind its NUL. */
int
rules_text(const char *s, size_t min, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n > max)
		return ERR_SIZE;
	return n < min ? ERR_INVALID : 0;
}

int
rules_page(size_t limit)
{
	return limit < 1 || limit > LIMIT_PAGE ? ERR_RANGE : 0;
}

static int
rules_tags(const struct store_device *d)
{
	int err;

	if (d->tag_count > LIMIT_TAGS)
		return ERR_SIZE;
	for (size_t i = 0; i < d->tag_count; i++) {
		err = rules_text(d->tag[i].name, 1, LIMIT_TAG_NAME);
		if (err == 0)
			err = rules_text(d->tag[i].value, 0, LIMIT_TAG_VALUE);
		if (err != 0)
			return err;
		for (size_t k = 0; k < i; k++)
			if (strcmp(d->tag[i].name, d->tag[k].name) == 0)
				return ERR_DUPLICATE;
	}
	return 0;
}

/* A word against an operator's needs one, and says something else. */
static bool
class_ok(const struct store_device *d)
{
	if (!d->class_set)
		return !d->have_class_said;
	return d->have_class && !(d->have_class_said &&
	    memcmp(d->class_said, d->class_id, 16) == 0);
}

int
rules_device(const struct store_device *d)
{
	int err = rules_text(d->ep, 1, LIMIT_EP);

	if (err == 0)
		err = rules_text(d->uri, 0, LIMIT_URI);
	if (err == 0)
		err = rules_text(d->addr, 0, LIMIT_ADDRESS - 1);
	if (err == 0)
		err = rules_text(d->version, 0, LIMIT_VERSION);
	if (err == 0)
		err = rules_tags(d);
	if (err == 0 && ((unsigned)d->driver > DRIVER_OBSERVE ||
	    (unsigned)d->seq_grade > GRADE_L2 ||
	    (d->ahead && (!d->have_class || !d->have_seq)) ||
	    !class_ok(d)))
		err = ERR_INVALID;
	return err;
}

/* Bytes of a secret, by kind. */
static const struct {
	size_t least, most;
} secrets[CREDENTIAL_KINDS + 1] = {
	[CREDENTIAL_PSK] = {1, LIMIT_PSK_KEY},
	[CREDENTIAL_OSCORE] = {1, LIMIT_SECRET},
};

int
rules_credential(const struct store_credential *c)
{
	int err = rules_text(c->identity, 1, LIMIT_PSK_IDENTITY);

	if (err == 0)
		err = rules_text(c->label, 0, LIMIT_CREDENTIAL_LABEL);
	if (err == 0 && ((unsigned)c->kind > CREDENTIAL_KINDS ||
	    (unsigned)c->kind == 0))
		err = ERR_INVALID;
	if (err == 0 && c->secret_len > secrets[c->kind].most)
		err = ERR_SIZE;
	if (err == 0 && c->secret_len < secrets[c->kind].least)
		err = ERR_INVALID;
	return err;
}

int
rules_revoked(const struct store_revoked *r)
{
	int err = rules_text(r->name, 1, LIMIT_REVOKED_NAME);

	return err != 0 ? err : rules_text(r->reason, 0,
	    LIMIT_REVOKED_REASON);
}

int
rules_attest(const struct store_attest *a)
{
	if (a->device == 0 || a->key_len == 0 ||
	    (unsigned)a->result >= BOOT_RESULTS)
		return ERR_INVALID;
	return a->key_len > sizeof(a->key) || a->gone_n > LIMIT_BOOT_EPOCHS ?
	    ERR_SIZE : 0;
}

int
rules_author(const struct store_author *a)
{
	int err = rules_text(a->name, 1, LIMIT_KEY_NAME);

	if (err == 0 && a->key_len == 0)
		err = ERR_INVALID;
	if (err == 0 && (a->key_len > sizeof(a->key) ||
	    a->class_count > LIMIT_COMPONENTS))
		err = ERR_SIZE;
	return err;
}

int
rules_trust(const struct store_trust *t, struct slice list)
{
	int err = rules_text(t->by, 0, LIMIT_PSK_IDENTITY);

	if (err == 0 && (t->seq == 0 || list.n == 0))
		err = ERR_INVALID;
	if (err == 0 && (t->seq > INT64_MAX || list.n > STORE_TRUST_MAX))
		err = ERR_SIZE;
	return err;
}

static int
rules_payloads(const struct store_payload *p, size_t np)
{
	int err = 0;

	for (size_t i = 0; i < np && err == 0; i++) {
		err = rules_text(p[i].path, 0, LIMIT_PATH);
		if (err == 0)
			err = rules_text(p[i].uri, 0, LIMIT_URI);
		for (size_t k = 0; k < i && err == 0; k++)
			if (p[i].path[0] != '\0' &&
			    strcmp(p[i].path, p[k].path) == 0 &&
			    memcmp(p[i].digest, p[k].digest, 32) != 0)
				err = ERR_CONFLICT;
	}
	return err;
}

int
rules_release(const struct store_release *r, struct slice envelope,
    const struct store_payload *p, size_t np)
{
	int err = rules_text(r->author, 0, LIMIT_KEY_NAME);

	if (err == 0)
		err = rules_text(r->warning, 0, sizeof(r->warning) - 1);
	if (err == 0)
		err = rules_text(r->label, 0, LIMIT_VERSION);
	if (err == 0 && (r->class_count > LIMIT_COMPONENTS ||
	    envelope.n > LIMIT_ENVELOPE || np > LIMIT_DOWNLOADS))
		err = ERR_SIZE;
	if (err == 0 && ((unsigned)r->state > RELEASE_STAGED ||
	    envelope.n == 0))
		err = ERR_INVALID;
	for (size_t i = 0; i < r->class_count && err == 0; i++)
		for (size_t k = 0; k < i && err == 0; k++)
			if (memcmp(r->class_id[i], r->class_id[k], 16) == 0)
				err = ERR_DUPLICATE;
	return err != 0 ? err : rules_payloads(p, np);
}

int
rules_campaign(const struct store_campaign *c)
{
	int err = rules_text(c->name, 0, LIMIT_KEY_NAME);

	if (err == 0)
		err = rules_text(c->select, 0, LIMIT_SELECT);
	if (err == 0)
		err = rules_text(c->policy, 0, LIMIT_POLICY);
	if (err == 0)
		err = rules_text(c->by, 0, LIMIT_PSK_IDENTITY);
	if (err == 0)
		err = rules_text(c->approved, 0, LIMIT_PSK_IDENTITY);
	if (err == 0)
		err = rules_text(c->cause, 0, STORE_CAUSE - 1);
	if (err == 0 && c->wave_count > STORE_WAVES)
		err = ERR_SIZE;
	if (err == 0 && (c->concurrency == 0 || c->wave > c->wave_count ||
	    (unsigned)c->state > CAMPAIGN_ABORTED ||
	    (unsigned)c->work > WORK_CANCEL ||
	    (unsigned)c->source > SOURCE_CAMPAIGN))
		err = ERR_INVALID;
	return err;
}

int
rules_job(const struct job *j)
{
	if ((unsigned)j->state >= JOB_STATES || (unsigned)j->grade > GRADE_L2 ||
	    (unsigned)j->last_fail >= FAIL_CLASSES ||
	    (unsigned)j->reason >= REASONS || j->due < 0 ||
	    j->wave > STORE_WAVES || (j->campaign == 0 && j->wave != 0))
		return ERR_INVALID;
	return 0;
}

int
rules_event(const struct store_event *e)
{
	int err = rules_text(e->ep, 0, LIMIT_EP);

	if (err == 0)
		err = rules_text(e->kind, 1, sizeof(e->kind) - 1);
	if (err == 0)
		err = rules_text(e->what, 0, sizeof(e->what) - 1);
	if (err == 0)
		err = rules_text(e->detail, 0, sizeof(e->detail) - 1);
	if (err == 0 && (unsigned)e->grade > GRADE_L2)
		err = ERR_INVALID;
	return err;
}

int
rules_principal(const struct store_principal *p)
{
	int err = rules_text(p->name, 1, LIMIT_KEY_NAME);

	if (err == 0)
		err = rules_text(p->rights, 1, LIMIT_RIGHTS);
	return err != 0 ? err : rules_text(p->by, 0, LIMIT_PSK_IDENTITY);
}

int
rules_principal_key(const struct store_principal_key *k)
{
	int err = rules_text(k->identity, 1, LIMIT_PSK_IDENTITY);

	if (err == 0)
		err = rules_text(k->principal, 1, LIMIT_KEY_NAME);
	if (err == 0 && k->key_len == 0)
		err = ERR_INVALID;
	return err == 0 && k->key_len > sizeof(k->key) ? ERR_SIZE : err;
}

int
rules_request(const struct store_request *r)
{
	int err = rules_text(r->by, 1, LIMIT_PSK_IDENTITY);

	if (err == 0)
		err = rules_text(r->what, 0, STORE_REQUEST_WHAT - 1);
	if (err == 0)
		err = rules_text(r->approved, 0, LIMIT_PSK_IDENTITY);
	if (err == 0)
		err = rules_text(r->facts, 0, LIMIT_REQUEST_FACTS);
	return err == 0 && r->kind == 0 ? ERR_INVALID : err;
}

int
rules_meta(const char *name, struct slice v)
{
	int err = rules_text(name, 1, LIMIT_KEY_NAME);

	return err == 0 && v.n > STORE_META_MAX ? ERR_SIZE : err;
}

/* What the chain refuses besides is its own (audit_append). */
int
rules_audit(const struct audit_entry *e)
{
	int err = rules_text(e->who, 0, LIMIT_PSK_IDENTITY);

	if (err == 0)
		err = rules_text(e->kind, 1, AUDIT_KIND_MAX - 1);
	if (err == 0)
		err = rules_text(e->subject, 0, LIMIT_AUDIT_SUBJECT);
	return err != 0 ? err : rules_text(e->detail, 0, LIMIT_AUDIT_DETAIL);
}

int
rules_audit_filter(const struct store_audit_filter *f)
{
	int err = f->from > INT64_MAX ? ERR_RANGE : rules_page(f->limit);

	if (err == 0 && f->have_who)
		err = rules_text(f->who, 0, LIMIT_PSK_IDENTITY);
	if (err == 0)
		err = rules_text(f->kind, 0, AUDIT_KIND_MAX - 1);
	return err != 0 ? err : rules_text(f->subject, 0,
	    LIMIT_AUDIT_SUBJECT);
}

int
rules_scan(const struct store_scan_filter *f)
{
	return f->limit < 1 || f->limit > STORE_SCAN_MAX ? ERR_RANGE : 0;
}

struct store_tally
tally_of(const struct job *j)
{
	bool queued = j->state == JOB_QUEUED;
	bool outcome = !rules_live(j->state) || (queued && j->started == 0 &&
	    j->last_fail != FAIL_NONE);

	return (struct store_tally){
		.wave = j->wave,
		.state = j->state,
		.begun = queued && j->started != 0,
		.waiting = queued && j->due == 0,
		.fail = j->last_fail,
		.reason = j->reason,
		.grade = outcome ? j->grade : GRADE_L0,
		.n = 1,
	};
}

void
tally_sum(struct store_counts *k, const struct store_tally *t)
{
	k->by_state[t->state] += t->n;
	if (rules_active(t->state))
		k->active += t->n;
	if (t->begun)
		k->starting += t->n;
	if (t->waiting)
		k->waiting += t->n;
	if (t->state == JOB_DONE)
		k->done[t->grade] += t->n;
	if (t->state == JOB_FAILED) {
		k->by_class[t->fail] += t->n;
		k->failed[t->grade] += t->n;
	}
}

static bool
due_before(const struct job *a, const struct job *b)
{
	return a->due != b->due ? a->due < b->due : a->id < b->id;
}

bool
due_offer(struct due_set *set, const struct job *j)
{
	size_t i = set->n;

	if (i == set->cap && !due_before(j, &set->job[i - 1]))
		return false;
	if (i == set->cap)
		i--;
	else
		set->n++;
	for (; i > 0 && due_before(j, &set->job[i - 1]); i--)
		set->job[i] = set->job[i - 1];
	set->job[i] = *j;
	return true;
}
