#include "cli/want.h"

#include "lib/policy.h"
#include "lib/text.h"

const struct want_rule want_rules[] = {
	{"--waves", "waves", "LIST"},
	{"--soak", "soak", "TIME"},
	{"--sample", "sample", "N"},
	{"--confidence", "confidence", "PERCENT"},
	{"--broke", "broke", "PERCENT"},
	{"--unreachable", "unreachable", "PERCENT"},
	{"--success", "success", "PERCENT"},
	{"--settle", "settle", "PERCENT"},
	{"--on-failure", "on_failure", "WORD"},
	{"--rollback", "rollback", "RELEASE"},
	{"--concurrency", "concurrency", "N"},
	{"--rate", "rate", "N"},
	{"--rate-factor", "rate_factor", "F"},
	{"--rate-step", "rate_step", "N"},
	{"--rate-max", "rate_max", "N"},
	{"--at", "start", "WHEN"},
	{"--window", "window", "WHEN"},
	{"--silent", "silent", "TIME"},
	{"--grade", "grade", "WORD"},
	{"--grade-nonce", "grade_nonce", NULL},
	{"--credential", "credential", NULL},
	{"--from", "from", "SEQUENCE"},
	{"--approval", "approval", NULL},
	{"--continuous", "continuous", NULL},
	{"--attempts", "attempts", "PERCENT"},
	{"--expire", "expire", "TIME"},
	{"--announce", "announce", "TIME"},
	{.name = NULL},
};
#define RULE_COUNT (sizeof(want_rules) / sizeof(want_rules[0]) - 1)
_Static_assert(RULE_COUNT <= WANT_RULES_MAX, "rules");

static const struct policy_key *
key_of(const struct want_rule *r)
{
	const struct policy_key *k = policy_keys;

	while (k->name != NULL && strcmp(k->name, r->key) != 0)
		k++;
	return k;
}

const char *
want_rule_help(const struct want_rule *r)
{
	const struct policy_key *k = key_of(r);

	return k->name != NULL ? k->help : "";
}

size_t
want_opts(struct want *w, struct cli_opt *o)
{
	const struct cli_opt fixed[] = {
		{.name = "--where", .value = &w->where},
		{.name = "--class", .value = &w->class},
		{.name = "--tag", .list = w->tag, .count = &w->tags,
		    .cap = WANT_TAGS},
		{.name = "--device", .list = w->ep, .count = &w->eps,
		    .cap = MSG_EPS},
		{.name = "--of", .value = &w->of},
		{.name = "--name", .value = &w->name},
		{.name = "--policy", .value = &w->policy},
	};
	size_t n = sizeof(fixed) / sizeof(fixed[0]);

	memcpy(o, fixed, sizeof(fixed));
	for (size_t i = 0; i < RULE_COUNT; i++) {
		o[n] = (struct cli_opt){.name = want_rules[i].name};
		if (want_rules[i].value == NULL)
			o[n++].flag = &w->flag[i];
		else
			o[n++].value = &w->rule[i];
		/* what suitd.conf asks for is taken away */
		o[n - 1].empty = key_of(&want_rules[i])->type == POLICY_T_TEXT;
	}
	return n;
}

/* Neither could be written between quotes. */
static bool
quotable(const char *s)
{
	if (!text_utf8_ok(slice_str(s)))
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || *s == '"')
			return false;
	return true;
}

static int
put_equal(struct buf *b, const char *option, const char *value)
{
	if (!quotable(value) || strchr(value, '\\') != NULL)
		return cli_usage("%s: the value cannot have quotes, "
		    "backslashes or control characters; say it with --where",
		    option);
	buf_puts(b, " == \"");
	buf_puts(b, value);
	buf_puts(b, "\"");
	return CLI_OK;
}

static int
put_tag(struct buf *b, const char *tag)
{
	size_t n = strcspn(tag, "=");

	if (tag[n] != '=' || tag[n + 1] == '\0' ||
	    !text_name_ok(slice_of(tag, n), LIMIT_TAG_NAME))
		return cli_usage("--tag must be NAME=VALUE");
	if (b->n > 0)
		buf_puts(b, " && ");
	buf_puts(b, "tag.");
	buf_put(b, slice_of(tag, n));
	return put_equal(b, "--tag", tag + n + 1);
}

int
want_select(const struct want *w, char ret[LIMIT_SELECT + 1])
{
	struct buf b = buf_of(ret, LIMIT_SELECT);
	bool more = w->class != NULL || w->tags > 0;

	if (w->where != NULL && !text_utf8_ok(slice_str(w->where)))
		return cli_usage("--where: the text is not UTF-8");
	if (w->where != NULL) {
		buf_puts(&b, more ? "(" : "");
		buf_puts(&b, w->where);
		buf_puts(&b, more ? ")" : "");
	}
	if (w->class != NULL) {
		buf_puts(&b, b.n > 0 ? " && class" : "class");
		if (put_equal(&b, "--class", w->class) != CLI_OK)
			return CLI_USAGE;
	}
	for (size_t i = 0; i < w->tags; i++)
		if (put_tag(&b, w->tag[i]) != CLI_OK)
			return CLI_USAGE;
	ret[b.n] = '\0';
	if (b.over)
		return cli_usage("--where, --class and --tag together: more "
		    "than %d bytes; tag the devices and select by the tag",
		    LIMIT_SELECT);
	return CLI_OK;
}

static int
put_rule(struct buf *b, const struct want_rule *r, const char *value)
{
	bool quotes = value[0] == '\0' || strchr(value, ' ') != NULL;

	if (!quotable(value))
		return cli_usage("%s: the value cannot have quotes or control "
		    "characters", r->name);
	buf_puts(b, b->n > 0 ? " " : "");
	buf_puts(b, r->key);
	buf_puts(b, quotes ? "=\"" : "=");
	buf_puts(b, value);
	buf_puts(b, quotes ? "\"" : "");
	return CLI_OK;
}

int
want_policy(const struct want *w, char ret[LIMIT_POLICY + 1])
{
	struct buf b = buf_of(ret, LIMIT_POLICY);
	const char *value;

	if (w->policy != NULL && !text_utf8_ok(slice_str(w->policy)))
		return cli_usage("--policy: the text is not UTF-8");
	buf_puts(&b, w->policy != NULL ? w->policy : "");
	for (size_t i = 0; i < RULE_COUNT; i++) {
		value = w->flag[i] ? "yes" : w->rule[i];
		if (value != NULL &&
		    put_rule(&b, &want_rules[i], value) != CLI_OK)
			return CLI_USAGE;
	}
	ret[b.n] = '\0';
	if (b.over)
		return cli_usage("the rules together have more than %d bytes",
		    LIMIT_POLICY);
	return CLI_OK;
}

/* An endpoint list, a campaign and an expression are three different ways
 * to say whose devices; one that is not looked at would be a surprise. */
static int
one_source(const struct want *w)
{
	int n = (w->where != NULL || w->class != NULL || w->tags > 0) +
	    (w->eps > 0) + (w->of != NULL);

	return n <= 1 ? CLI_OK : cli_usage("one of --device, --of, and "
	    "--where with --class and --tag");
}

int
want_start(const struct want *w, const char *release,
    struct msg_campaign_start *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (one_source(w) != CLI_OK ||
	    want_select(w, ret->select) != CLI_OK ||
	    want_policy(w, ret->policy) != CLI_OK ||
	    (w->of != NULL && cli_number("--of", w->of, &ret->of) < 0))
		return CLI_USAGE;
	if (!slice_to_cstr(slice_str(release), ret->release,
	    sizeof(ret->release)))
		return cli_usage("RELEASE is its number or the first digits "
		    "of its digest");
	if (!slice_to_cstr(slice_str(w->name), ret->name, sizeof(ret->name)))
		return cli_usage("--name: at most %d bytes", LIMIT_KEY_NAME);
	for (size_t i = 0; i < w->eps; i++)
		if (!slice_to_cstr(slice_str(w->ep[i]), ret->ep[i],
		    sizeof(ret->ep[i])))
			return cli_usage("--device %s: at most %d bytes",
			    w->ep[i], LIMIT_EP);
	ret->ep_count = w->eps;
	return CLI_OK;
}

void
want_help(FILE *out)
{
	char option[64];

	fputs("    RULE OPTIONS [built-in default]:\n", out);
	for (const struct want_rule *r = want_rules; r->name != NULL; r++) {
		const struct policy_key *k = key_of(r);

		snprintf(option, sizeof(option), "%s%s%s", r->name,
		    r->value != NULL ? " " : "", r->value != NULL ?
		    r->value : "");
		fprintf(out, "      %-24s %s%s%s", option, want_rule_help(r),
		    k->words != NULL ? " " : "",
		    k->words != NULL ? k->words : "");
		if (r->value != NULL && k->name != NULL && k->def[0] != '\0')
			fprintf(out, " [%s]", k->def);
		fputc('\n', out);
	}
	fprintf(out, "      %-24s %s\n", "--policy TEXT",
	    "rules as the daemon writes them, key=value ...");
}
