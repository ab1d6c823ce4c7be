/*
 * libconfuse reads the syntax (comments, quotes, sections, line numbers), the
 * table of conf_key.c decides about each value. Every key is a string to
 * libconfuse, with a callback that checks and stores it, so that a file,
 * `-o key=value` and the defaults go one way. A key that is given twice is an
 * error: of two values one is a mistake.
 */
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/conf_key.h"
#include "lib/text.h"

#define KEYS_MAX 63
#define CONF_TEXT_MAX (256 * 1024)

struct parse {
	struct conf *conf;
	struct why why; /* the first error; err 0: none yet */
	uint64_t seen; /* keys, by their index in the table */
};

/* libconfuse's callbacks carry no argument of ours. */
static _Thread_local struct parse *cur;

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
static void
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
