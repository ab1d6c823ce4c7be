/*
 * conf: libconfuse reads the syntax (comments, quotes, sections, line
 * numbers), the table of conf_key.c decides about each value. Every key is
 * a string to libconfuse, with a callback that checks and stores it, so
 * that a file, `-o key=value` and the defaults go one way. A key that is
 * given twice is an error: of two values one is a mistake.
 */
#include "lib/conf.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/conf_key.h"
#include "lib/policy.h"
#include "lib/text.h"
#include "lib/uri.h"

#define KEYS_MAX 63
#define CONF_TEXT_MAX (256 * 1024)

struct parse {
	struct conf *conf;
	struct why why; /* the first error; err 0: none yet */
	uint64_t seen; /* keys, by their index in the table */
};

/* libconfuse's callbacks carry no argument of ours. */
static _Thread_local struct parse *cur;

void
conf_default(struct conf *ret_conf)
{
	int rc;

	memset(ret_conf, 0, sizeof(*ret_conf));
	track_policy_default(&ret_conf->track);
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (k->def == NULL)
			continue;
		rc = conf_key_set(k, k->def, ret_conf, NULL);
		if (rc != 0)
			abort(); /* the table is wrong; test_conf sees it */
	}
}

static int
fail(cfg_t *cfg, int err, const char *text)
{
	if (cur->why.err == 0)
		why_set(&cur->why, err, "line %d: %s", cfg->line, text);
	return -1;
}

static int
on_key(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct conf_key *k = conf_key_find(opt->name);
	uint64_t bit = UINT64_C(1) << (k - conf_keys);
	struct why why = {0};
	int rc;

	if (cur->seen & bit) {
		snprintf(why.text, sizeof(why.text), "%s: given twice",
		    opt->name);
		return fail(cfg, ERR_DUPLICATE, why.text);
	}
	cur->seen |= bit;
	rc = conf_key_set(k, value, cur->conf, &why);
	if (rc != 0)
		return fail(cfg, rc, why.text);
	*(const char **)result = value;
	return 0;
}

/* What libconfuse itself refuses: syntax, and keys that it does not know. */
__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	const struct conf_key *near;
	char text[200], shown[200], out[400], *name, *end;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (strstr(text, "no such option") == NULL ||
	    (name = strchr(text, '\'')) == NULL ||
	    (end = strrchr(++name, '\'')) == NULL) {
		text_escape(slice_str(text), shown, sizeof(shown));
		fail(cfg, ERR_MALFORMED, shown);
		return;
	}
	*end = '\0';
	near = conf_key_near(name);
	text_escape(slice_str(name), shown, 80);
	snprintf(out, sizeof(out), "%s: unknown key%s%s%s", shown,
	    near ? "; did you mean " : "", near ? near->name : "",
	    near ? "?" : "");
	fail(cfg, ERR_NOT_FOUND, out);
}

static int
add_alias(cfg_t *sec)
{
	const char *name = cfg_title(sec), *class = cfg_getstr(sec, "class");
	struct conf *c = cur->conf;
	struct conf_alias a;

	memset(&a, 0, sizeof(a));
	if (name == NULL || !text_name_ok(slice_str(name), LIMIT_ALIAS))
		return fail(sec, ERR_TYPE, "alias: a name has letters, "
		    "digits and ._:@- , 32 at most");
	if (text_uuid_parse(slice_str(name), a.class_id) == 0)
		return fail(sec, ERR_TYPE, "alias: the name is a class id "
		    "itself");
	if (class == NULL)
		return fail(sec, ERR_MISSING, "alias: class is missing");
	if (text_uuid_parse(slice_str(class), a.class_id) != 0)
		return fail(sec, ERR_TYPE, "alias: class must be a UUID");
	if (c->alias_count == CONF_ALIASES)
		return fail(sec, ERR_SIZE, "alias: more than 64");
	strcpy(a.name, name);
	c->alias[c->alias_count++] = a;
	return 0;
}

/* Bytes of the comment or quoted text at p, 0 when it does not end. */
static size_t
span_at(const char *p, bool *ret_comment)
{
	const char *end;

	*ret_comment = true;
	if (*p == '#' || strncmp(p, "//", 2) == 0)
		return strcspn(p, "\n");
	if (strncmp(p, "/*", 2) == 0) {
		end = strstr(p + 2, "*/");
		return end == NULL ? 0 : (size_t)(end + 2 - p);
	}
	*ret_comment = false;
	if (*p != '"' && *p != '\'')
		return strchr(" \t\r\n={}", *p) != NULL ? 1 :
		    strcspn(p, " \t\r\n#\"'={}");
	for (end = p + 1; *end != '\0' && *end != *p; end++)
		if (*end == '\\' && end[1] != '\0')
			end++;
	return *end == '\0' ? 0 : (size_t)(end + 1 - p);
}

/*
 * Blanks comments out before libconfuse sees them: 3.3 counts the line of a
 * comment twice, and takes the end of the file for the end of a quote, a
 * comment or a section that was left open, so that what follows would be
 * lost in silence. The line of such an opening, 0 when there is none.
 */
static int
strip_comments(char *s)
{
	bool comment;
	int line = 1, brace = 0;
	size_t n;

	while (*s != '\0') {
		n = span_at(s, &comment);
		if (n == 0)
			return line;
		if (*s == '{' || *s == '}')
			brace = *s == '{' ? line : 0;
		for (; n > 0; n--, s++) {
			if (*s == '\n')
				line++;
			else if (comment)
				*s = ' ';
		}
	}
	return brace;
}

static int
parse_text(char *text)
{
	cfg_opt_t alias_opts[] = {CFG_STR("class", NULL, CFGF_NONE),
	    CFG_END()};
	cfg_opt_t opts[KEYS_MAX + 2];
	size_t n = 0;
	cfg_t *cfg;
	int rc, line = strip_comments(text);

	if (line != 0)
		return why_set(&cur->why, ERR_TRUNCATED, "line %d: a quote, "
		    "comment or section does not end", line);
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++)
		opts[n++] = (cfg_opt_t)CFG_STR_CB(k->name, NULL, CFGF_NONE,
		    on_key);
	opts[n++] = (cfg_opt_t)CFG_SEC("alias", alias_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	opts[n] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return why_set(&cur->why, ERR_NOMEM, "out of memory");
	cfg_set_error_function(cfg, on_error);
	rc = cfg_parse_buf(cfg, text);
	if (rc != CFG_SUCCESS)
		fail(cfg, ERR_MALFORMED, "not understood");
	for (unsigned i = 0; rc == CFG_SUCCESS && i < cfg_size(cfg, "alias");
	    i++)
		rc = add_alias(cfg_getnsec(cfg, "alias", i));
	cfg_free(cfg);
	return cur->why.err;
}

int
conf_parse(const char *text, struct conf *ret_conf, struct why *why)
{
	struct conf c;
	struct parse p = {.conf = &c};
	char *copy;
	int rc;

	if (strlen(text) > CONF_TEXT_MAX)
		return why_set(why, ERR_SIZE, "the file is too long");
	copy = strdup(text);
	if (copy == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	conf_default(&c);
	cur = &p;
	rc = parse_text(copy);
	cur = NULL;
	free(copy);
	if (rc != 0)
		return why_set(why, rc, "%s", p.why.text);
	rc = conf_check(&c, why);
	if (rc == 0)
		*ret_conf = c;
	return rc;
}

int
conf_set(struct conf *c, const char *assignment, struct why *why)
{
	const char *eq = strchr(assignment, '=');
	const struct conf_key *k, *near;
	char name[64], shown[80];

	if (eq == NULL || (size_t)(eq - assignment) >= sizeof(name)) {
		text_escape(slice_str(assignment), shown, sizeof(shown));
		return why_set(why, ERR_INVALID,
		    "\"%s\": must be key=value", shown);
	}
	memcpy(name, assignment, (size_t)(eq - assignment));
	name[eq - assignment] = '\0';
	k = conf_key_find(name);
	if (k != NULL)
		return conf_key_set(k, eq + 1, c, why);
	near = conf_key_near(name);
	text_escape(slice_str(name), shown, sizeof(shown));
	return why_set(why, ERR_NOT_FOUND, "%s: unknown key%s%s%s", shown,
	    near ? "; did you mean " : "", near ? near->name : "",
	    near ? "?" : "");
}

static int
check_public_uri(const struct conf *c, struct why *why)
{
	struct uri u;
	int rc;

	if (c->public_uri[0] == '\0')
		return 0;
	rc = uri_parse(slice_str(c->public_uri), &u, NULL);
	if (rc != 0 || u.scheme == URI_NONE || u.scheme == URI_OTHER ||
	    u.host.n == 0)
		return why_set(why, ERR_TYPE, "public_uri: must be a CoAP "
		    "URI, e.g. coap://fw.example.org");
	if (u.path.n > 0 || u.query.n > 0 || u.have_fragment)
		return why_set(why, ERR_TYPE, "public_uri: scheme, host and "
		    "port only, without a path");
	return 0;
}

static int
check_campaigns(const struct conf *c, struct why *why)
{
	struct policy p;
	struct why reason = {0};
	unsigned column = 0;
	int rc;

	if (c->group_tag[0] != '\0' &&
	    !text_name_ok(slice_str(c->group_tag), LIMIT_TAG_NAME))
		return why_set(why, ERR_TYPE, "group_tag: a tag's name has "
		    "letters, digits and ._:@-");
	policy_default(&p);
	rc = policy_parse(c->campaign_policy, &p, &column, &reason);
	return rc == 0 ? 0 : why_set(why, rc, "campaign_policy: %s",
	    reason.text);
}

int
conf_check(const struct conf *c, struct why *why)
{
	const char *udp[] = {c->listen_coap, c->listen_coaps,
	    c->listen_admin};
	int rc;

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < 3; j++)
			if (udp[i][0] != '\0' && strcmp(udp[i], udp[j]) == 0 &&
			    strcmp(strrchr(udp[i], ':'), ":0") != 0)
				return why_set(why, ERR_CONFLICT, "two "
				    "listen_ keys have the same address %s",
				    udp[i]);
	if (c->image_max > c->images_total)
		return why_set(why, ERR_RANGE, "image_max is above "
		    "images_total");
	for (size_t i = 0; i < FAIL_CLASSES; i++)
		if (c->track.backoff.rule[i].base_ms >
		    c->track.backoff.rule[i].cap_ms)
			return why_set(why, ERR_RANGE, "retry_%s_base is "
			    "above retry_%s_cap", fail_class_name(i),
			    fail_class_name(i));
	rc = check_campaigns(c, why);
	return rc != 0 ? rc : check_public_uri(c, why);
}

static void
put_comment(struct buf *out, const char *text)
{
	buf_puts(out, "# ");
	for (; *text != '\0'; text++) {
		buf_put_u8(out, (uint8_t)*text);
		if (*text == '\n')
			buf_puts(out, "# ");
	}
	buf_puts(out, "\n");
}

void
conf_print(const struct conf *c, struct buf *out)
{
	char uuid[37];

	buf_puts(out, "# suitd.conf: every key at its value. suitd -n -c FILE "
	    "checks a file.\n"
	    "# Durations: 90s 15m 1h 7d. Sizes: 64k 64M 1G.\n");
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		buf_puts(out, "\n");
		if (k->heading != NULL) {
			buf_puts(out, "# --- ");
			buf_puts(out, k->heading);
			buf_puts(out, "\n\n");
		}
		put_comment(out, k->help);
		buf_puts(out, k->name);
		buf_puts(out, " = ");
		conf_key_put(k, c, out);
		buf_puts(out, "\n");
	}
	buf_puts(out, "\n# --- Names for classes, in paths and commands\n#\n"
	    "# alias lamp {\n"
	    "# \tclass = 1492af14-2569-5e48-bf42-9b2d51f2ab45\n# }\n");
	for (size_t i = 0; i < c->alias_count; i++) {
		buf_puts(out, "alias ");
		buf_puts(out, c->alias[i].name);
		buf_puts(out, " {\n\tclass = ");
		buf_puts(out, text_uuid(c->alias[i].class_id, uuid));
		buf_puts(out, "\n}\n");
	}
}

bool
conf_register_tag(const struct conf *c, const char *name)
{
	const char *at = c->register_tags;
	size_t n = strlen(name), len;

	while ((len = strcspn(at, " ")) > 0) {
		if (len == n && memcmp(at, name, n) == 0)
			return true;
		at += len;
		at += *at == ' ';
	}
	return false;
}

int
conf_class(const struct conf *c, struct slice name, uint8_t ret[16])
{
	for (size_t i = 0; i < c->alias_count; i++)
		if (slice_eq_str(name, c->alias[i].name)) {
			memcpy(ret, c->alias[i].class_id, 16);
			return 0;
		}
	return text_uuid_parse(name, ret) == 0 ? 0 : ERR_NOT_FOUND;
}
