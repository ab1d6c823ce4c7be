/*
 * manifest_seq: the form of command sequences (SUIT 8.4.6). A sequence is a
 * flat array: code, argument, code, argument, ... Everything is checked here
 * once, at parse time, in all branches; the walk relies on it.
 *
 * Unknown commands and parameters are not refused: a device that knows them
 * may be served by us. They set MANIFEST_WARN_UNKNOWN_KEY. Negative codes
 * are an author's own (SUIT 8.4.9) and no reason to warn. A device that does
 * not know them must not go on: it asks for `strange`.
 */
#include "lib/manifest_key.h"

struct check {
	struct manifest *m;
	struct why *why;
	const char *where; /* the section */
	unsigned commands;
	unsigned depth;
};

int
manifest_seq_open(struct slice content, struct manifest_seq *ret_seq,
    struct why *why)
{
	struct manifest_seq seq = {cbr_of(content), 0};
	uint64_t n;
	int rc;

	if ((rc = cbr_check(content)) != 0 ||
	    (rc = cbr_get_array(&seq.c, &n)) != 0)
		return why_set(why, rc,
		    "SUIT 8.4.6: a command sequence is a CBOR array: %s",
		    err_text(rc));
	if (n % 2 != 0)
		return why_set(why, ERR_MALFORMED,
		    "SUIT 8.4.6: the last command has no argument");
	seq.left = n / 2;
	*ret_seq = seq;
	return 0;
}

int
manifest_seq_next(struct manifest_seq *seq, enum manifest_dialect d,
    struct manifest_cmd *ret_cmd, struct why *why)
{
	struct manifest_cmd cmd;
	int rc;

	if ((rc = cbr_get_int(&seq->c, &cmd.code)) != 0 ||
	    (rc = cbr_skip(&seq->c, &cmd.arg)) != 0)
		return why_set(why, rc,
		    "SUIT 8.4.6: a command code is an integer: %s",
		    err_text(rc));
	cmd.row = manifest_command(d, cmd.code);
	seq->left--;
	*ret_cmd = cmd;
	return 0;
}

static int
bad_arg(struct check *k, int rc, const char *what)
{
	return why_set(k->why, rc, "SUIT 8.4.6: %s: argument is not %s: %s",
	    k->where, what, err_text(rc));
}

static int
check_policy(struct check *k, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	uint64_t policy;
	int rc;

	if (k->m->dialect != MANIFEST_CURRENT &&
	    k->m->dialect != MANIFEST_DRAFT17 && cbr_get_null(&c) == 0)
		return 0;
	if ((rc = cbr_get_uint(&c, &policy)) != 0)
		return why_set(k->why, rc,
		    "SUIT 8.4.7: %s: reporting policy is not a uint",
		    k->where);
	return 0;
}

static int
check_one_index(struct check *k, struct cbr *c)
{
	size_t n = k->m->component_count + k->m->dependency_count;
	uint64_t index;
	int rc;

	if ((rc = cbr_get_uint(c, &index)) != 0)
		return bad_arg(k, rc, "a component index");
	if (index != 0 && index >= n)
		return why_set(k->why, ERR_RANGE,
		    "SUIT 8.4.10.1: %s: component index %llu of %zu",
		    k->where, (unsigned long long)index, n);
	return 0;
}

static int
check_index(struct check *k, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	uint64_t n = 1;
	bool all;
	int rc;

	if (cbr_get_bool(&c, &all) == 0)
		return all ? 0 : bad_arg(k, ERR_TYPE, "uint, true or a list");
	if (cbr_get_array(&c, &n) == 0 && n == 0)
		return bad_arg(k, ERR_RANGE, "a list of at least one index");
	for (; n > 0; n--)
		if ((rc = check_one_index(k, &c)) != 0)
			return rc;
	return 0;
}

static int
check_digest(struct check *k, struct slice content)
{
	struct cbr c = cbr_of(content);
	struct digest digest;
	uint64_t n;
	int64_t alg;
	int rc;

	rc = manifest_digest_read(k->m->dialect, content, &digest, k->why);
	if (rc != 0 || k->m->dialect != MANIFEST_RIOT09)
		return rc;
	/* RIOT reads the id as unsigned: only 2 works there. */
	if (cbr_get_array(&c, &n) == 0 && cbr_get_int(&c, &alg) == 0 &&
	    alg < 0)
		k->m->warnings |= MANIFEST_WARN_DIGEST_ID;
	return 0;
}

static int
bad_param(struct check *k, int64_t key, int rc)
{
	return why_set(k->why, rc, "SUIT 8.4.8: %s: parameter %lld: %s",
	    k->where, (long long)key, err_text(rc));
}

static int
check_bytes(struct check *k, const struct manifest_param *p, struct slice s)
{
	int rc;

	switch (p->type) {
	case TYPE_UUID:
	case TYPE_VENDOR:
		if (s.n != 16)
			return why_set(k->why, ERR_RANGE,
			    "SUIT 8.4.8.2: %s: parameter %d is no UUID of 16 "
			    "bytes", k->where, p->key);
		return 0;
	case TYPE_DIGEST:
		return check_digest(k, s);
	case TYPE_WRAPPED:
		rc = cbr_check(s);
		return rc == 0 ? 0 : bad_param(k, p->key, rc);
	default:
		return 0;
	}
}

static int
check_value(struct check *k, const struct manifest_param *p, struct slice raw)
{
	struct cbr c = cbr_of(raw);
	uint64_t tag, u;
	int64_t i;
	struct slice s;
	bool b;
	int rc;

	switch (p->type) {
	case TYPE_ANY:
		return 0;
	case TYPE_UINT:
		rc = cbr_get_uint(&c, &u);
		break;
	case TYPE_INT:
		rc = cbr_get_int(&c, &i);
		break;
	case TYPE_BOOL:
		rc = cbr_get_bool(&c, &b);
		break;
	case TYPE_TSTR:
		rc = cbr_get_tstr(&c, &s);
		break;
	default:
		if (p->type == TYPE_VENDOR && cbr_get_tag(&c, &tag) == 0)
			rc = tag == SUIT_TAG_PEN ? cbr_get_bstr(&c, &s) :
			    ERR_TYPE;
		else if ((rc = cbr_get_bstr(&c, &s)) == 0)
			return check_bytes(k, p, s);
		break;
	}
	return rc == 0 ? 0 : bad_param(k, p->key, rc);
}

static void
strange(struct manifest *m, bool param, int64_t key)
{
	if (m->strange)
		return;
	m->strange = true;
	m->strange_param = param;
	m->stranger = key;
}

static int
check_params(struct check *k, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	const struct manifest_param *p;
	struct slice raw;
	uint64_t n;
	int64_t key;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) != 0)
		return bad_arg(k, rc, "a map of parameters");
	for (; n > 0; n--) {
		if ((rc = cbr_get_int(&c, &key)) != 0 ||
		    (rc = cbr_skip(&c, &raw)) != 0)
			return bad_arg(k, rc, "a map with integer keys");
		p = manifest_param(k->m->dialect, key);
		if (p == NULL && key > 0) {
			k->m->warnings |= MANIFEST_WARN_UNKNOWN_KEY;
			strange(k->m, true, key);
		}
		if (p != NULL && (rc = check_value(k, p, raw)) != 0)
			return rc;
	}
	return 0;
}

/* {+ index => parameters} or {+ index => [+ parameter key]} */
static int
check_by_index(struct check *k, struct slice arg, bool keys_only)
{
	struct cbr c = cbr_of(arg);
	struct slice value;
	uint64_t n, count;
	int64_t key;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) != 0)
		return bad_arg(k, rc, "a map by component index");
	for (; n > 0; n--) {
		if ((rc = check_one_index(k, &c)) != 0 ||
		    (rc = cbr_skip(&c, &value)) != 0)
			return rc;
		if (!keys_only) {
			if ((rc = check_params(k, value)) != 0)
				return rc;
			continue;
		}
		struct cbr list = cbr_of(value);
		rc = cbr_get_array(&list, &count);
		for (; rc == 0 && count > 0; count--)
			rc = cbr_get_int(&list, &key);
		if (rc != 0)
			return bad_arg(k, rc, "a list of parameter keys");
	}
	return 0;
}

static int check_sequence(struct check *k, struct slice content);

static int
check_nested(struct check *k, struct cbr *c)
{
	struct slice content;
	int rc;

	if ((rc = cbr_get_bstr(c, &content)) != 0)
		return bad_arg(k, rc, "a wrapped command sequence");
	if (k->depth >= LIMIT_CBOR_DEPTH)
		return why_set(k->why, ERR_DEPTH,
		    "SUIT 8.4.6: %s: sequences nest deeper than %d", k->where,
		    LIMIT_CBOR_DEPTH);
	k->depth++;
	rc = check_sequence(k, content);
	k->depth--;
	return rc;
}

static int
check_try(struct check *k, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	uint64_t n;
	int rc;

	if ((rc = cbr_get_array(&c, &n)) != 0)
		return bad_arg(k, rc, "a list of sequences");
	if (n < 2)
		return why_set(k->why, ERR_RANGE,
		    "SUIT 8.4.10.2: %s: try-each has %llu of at least 2 "
		    "sequences", k->where, (unsigned long long)n);
	for (; n > 0; n--) {
		/* nil may stand last: nothing has to match */
		if (n == 1 && cbr_get_null(&c) == 0)
			break;
		if ((rc = check_nested(k, &c)) != 0)
			return rc;
	}
	return 0;
}

static int
check_arg(struct check *k, const struct manifest_cmd *cmd)
{
	struct cbr c = cbr_of(cmd->arg);
	uint64_t u;
	int rc;

	switch (cmd->row->arg) {
	case ARG_ANY:
		return 0;
	case ARG_POLICY:
		return check_policy(k, cmd->arg);
	case ARG_INDEX:
		return check_index(k, cmd->arg);
	case ARG_PARAMS:
		return check_params(k, cmd->arg);
	case ARG_TRY:
		return check_try(k, cmd->arg);
	case ARG_SEQUENCE:
		return check_nested(k, &c);
	case ARG_PARAMS_BY_INDEX:
		return check_by_index(k, cmd->arg, false);
	case ARG_KEYS_BY_INDEX:
		return check_by_index(k, cmd->arg, true);
	case ARG_UINT:
		rc = cbr_get_uint(&c, &u);
		return rc == 0 ? 0 : bad_arg(k, rc, "a uint");
	}
	return 0;
}

static int
check_sequence(struct check *k, struct slice content)
{
	struct manifest_seq seq;
	struct manifest_cmd cmd;
	int rc;

	if ((rc = manifest_seq_open(content, &seq, k->why)) != 0)
		return rc;
	while (seq.left > 0) {
		rc = manifest_seq_next(&seq, k->m->dialect, &cmd, k->why);
		if (rc != 0)
			return rc;
		if (++k->commands > LIMIT_COMMANDS)
			return why_set(k->why, ERR_SIZE,
			    "SUIT 8.4.6: more than %d commands",
			    LIMIT_COMMANDS);
		if (cmd.row == NULL && cmd.code >= 0)
			k->m->warnings |= MANIFEST_WARN_UNKNOWN_KEY;
		if (cmd.row == NULL)
			strange(k->m, false, cmd.code);
		if (cmd.row != NULL && (rc = check_arg(k, &cmd)) != 0)
			return rc;
	}
	return 0;
}

int
manifest_check_sequences(struct manifest *m, struct why *why)
{
	struct check k = {.m = m, .why = why, .depth = 1};
	int rc = 0;

	for (int s = 0; s < MANIFEST_SECTIONS && rc == 0; s++) {
		if (s == MANIFEST_TEXT || s == MANIFEST_COSWID ||
		    m->part[s].content.p == NULL)
			continue;
		k.where = manifest_section_name(s);
		rc = check_sequence(&k, m->part[s].content);
	}
	return rc;
}
