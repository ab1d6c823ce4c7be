/*
 * libconfuse reads the syntax (comments, quotes, sections, line numbers), the
 * table of conf_key.c decides about each value. Every key is a string to
 * libconfuse, with a callback that checks and stores it, so that a file,
 * `-o key=value` and the defaults go one way. A key that is given twice is an
 * error: of two values one is a mistake.
 *
 * A wrong value does not stop libconfuse, but a key that it does not know and
 * what is no syntax do. To tell the errors behind such a place, too, it is
 * blanked out, and the text is read again from its beginning.
 */
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/conf_key.h"
#include "lib/text.h"

struct parse {
	struct conf *conf;
	struct conf_errors *errors; /* of all readings so far */
	size_t fatal; /* of them, that stopped a reading */
	int stopped; /* the line where this one stopped; 0: it did not */
	int line[CONF_KEYS_MAX]; /* where each key was given; 0: nowhere */
};

/* libconfuse's callbacks carry no argument of ours. */
static _Thread_local struct parse *cur;

static void
add_error(int line, int err, const char *text)
{
	struct conf_errors *e = cur->errors;

	if (e->n == LIMIT_CONF_ERRORS) {
		e->more++;
		return;
	}
	e->at[e->n].line = line;
	(void)why_set(&e->at[e->n++].why, err, "%s", text);
}

/* A wrong value, after which libconfuse can go on. */
static int
wrong(cfg_t *cfg, int err, const char *text)
{
	add_error(cfg->line, err, text);
	return 0;
}

/* Only what stops this reading first is told: libconfuse says more of it. */
static void
stop(int line, int err, const char *text)
{
	if (cur->stopped != 0)
		return;
	/* the values before it will be judged again */
	cur->errors->n = cur->fatal;
	cur->errors->more = 0;
	add_error(line, err, text);
	cur->fatal = cur->errors->n;
	cur->stopped = line > 0 ? line : 1;
}

static int
on_key(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct conf_key *k = conf_key_find(opt->name);
	int *line = &cur->line[k - conf_keys];
	struct why why = {0};
	int rc;

	*(const char **)result = value;
	if (*line != 0) {
		snprintf(why.text, sizeof(why.text), "%s: given twice, in "
		    "line %d, too", opt->name, *line);
		return wrong(cfg, ERR_DUPLICATE, why.text);
	}
	*line = cfg->line;
	rc = conf_key_set(k, value, cur->conf, &why);
	return rc != 0 ? wrong(cfg, rc, why.text) : 0;
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
		stop(cfg->line, ERR_MALFORMED, shown);
		return;
	}
	*end = '\0';
	near = conf_key_near(name);
	text_escape(slice_str(name), shown, 80);
	snprintf(out, sizeof(out), "%s: unknown key%s%s%s", shown,
	    near ? "; did you mean " : "", near ? near->name : "",
	    near ? "?" : "");
	stop(cfg->line, ERR_NOT_FOUND, out);
}

static int
add_alias(cfg_t *sec)
{
	const char *name = cfg_title(sec), *class = cfg_getstr(sec, "class");
	struct conf *c = cur->conf;
	struct conf_alias a;

	memset(&a, 0, sizeof(a));
	if (name == NULL || !text_name_ok(slice_str(name), LIMIT_ALIAS))
		return wrong(sec, ERR_TYPE, "alias: a name has letters, "
		    "digits and ._:@- , 32 at most");
	if (text_uuid_parse(slice_str(name), a.class_id) == 0)
		return wrong(sec, ERR_TYPE, "alias: the name is a class id "
		    "itself");
	if (class == NULL)
		return wrong(sec, ERR_MISSING, "alias: class is missing");
	if (text_uuid_parse(slice_str(class), a.class_id) != 0)
		return wrong(sec, ERR_TYPE, "alias: class must be a UUID");
	if (c->alias_count == CONF_ALIASES)
		return wrong(sec, ERR_SIZE, "alias: more than 64");
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

/* One reading, until something stops it. */
static int
read_once(const char *text)
{
	cfg_opt_t alias_opts[] = {CFG_STR("class", NULL, CFGF_NONE),
	    CFG_END()};
	cfg_opt_t opts[CONF_KEYS_MAX + 2];
	size_t n = 0;
	cfg_t *cfg;
	int rc;

	for (const struct conf_key *k = conf_keys; k->name != NULL; k++)
		opts[n++] = (cfg_opt_t)CFG_STR_CB(k->name, NULL, CFGF_NONE,
		    on_key);
	opts[n++] = (cfg_opt_t)CFG_SEC("alias", alias_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	opts[n] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return ERR_NOMEM;
	cfg_set_error_function(cfg, on_error);
	rc = cfg_parse_buf(cfg, text);
	if (rc != CFG_SUCCESS)
		stop(cfg->line, ERR_MALFORMED, "not understood");
	for (unsigned i = 0; rc == CFG_SUCCESS && i < cfg_size(cfg, "alias");
	    i++)
		(void)add_alias(cfg_getnsec(cfg, "alias", i));
	cfg_free(cfg);
	return 0;
}

/*
 * Blanks a line; where it belongs to a section, all of that, which is worth
 * nothing without it. False: nothing is there.
 */
static bool
blank_out(char *text, int line)
{
	char *start = text, *section = NULL, *s = text;
	bool found = false, open;

	for (; line > 0 && *s != '\0'; s++) {
		if (*s == '{' && section == NULL)
			section = start;
		else if (*s == '}')
			section = NULL;
		if (*s == '\n' && --line > 0)
			start = s + 1;
	}
	open = section != NULL;
	for (s = open ? section : start; *s != '\0' && (open || *s != '\n');
	    s++) {
		if (*s == '}')
			open = false;
		if (strchr(" \t\r\n", *s) == NULL) {
			*s = ' ';
			found = true;
		}
	}
	return found;
}

static int
by_line(const void *a, const void *b)
{
	const struct conf_error *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static void
on_check(void *arg, const char *key, const struct why *why)
{
	const struct parse *p = arg;

	add_error(p->line[conf_key_find(key) - conf_keys], why->err,
	    why->text);
}

static int
read_text(char *text)
{
	int rc = 0, line = strip_comments(text);

	if (line != 0) {
		add_error(line, ERR_TRUNCATED, "a quote, comment or section "
		    "does not end");
		return 0;
	}
	do {
		cur->stopped = 0;
		memset(cur->line, 0, sizeof(cur->line));
		conf_default(cur->conf);
		rc = read_once(text);
	} while (rc == 0 && cur->stopped != 0 && cur->errors->more == 0 &&
	    blank_out(text, cur->stopped));
	if (rc == 0 && cur->errors->n == 0)
		conf_check_each(cur->conf, on_check, cur);
	qsort(cur->errors->at, cur->errors->n, sizeof(cur->errors->at[0]),
	    by_line);
	return rc;
}

int
conf_read(const char *text, struct conf *ret_conf,
    struct conf_errors *ret_errors)
{
	struct conf c;
	struct parse p = {.conf = &c, .errors = ret_errors};
	char *copy = NULL;
	int rc = 0;

	memset(ret_errors, 0, sizeof(*ret_errors));
	cur = &p;
	if (strlen(text) > LIMIT_CONF_FILE)
		add_error(0, ERR_SIZE, "the file is too long");
	else if ((copy = strdup(text)) == NULL)
		rc = ERR_NOMEM;
	else
		rc = read_text(copy);
	if (rc != 0)
		add_error(0, rc, err_text(rc));
	cur = NULL;
	free(copy);
	if (ret_errors->n > 0)
		return ret_errors->at[0].why.err;
	*ret_conf = c;
	return 0;
}

void
conf_error_text(const struct conf_error *e, const char *file, char *dst,
    size_t cap)
{
	if (e->line == 0)
		snprintf(dst, cap, "%s%s%s", file != NULL ? file : "",
		    file != NULL ? ": " : "", e->why.text);
	else
		snprintf(dst, cap, "%s%s%d: %s", file != NULL ? file : "line ",
		    file != NULL ? ":" : "", e->line, e->why.text);
}

int
conf_parse(const char *text, struct conf *ret_conf, struct why *why)
{
	struct conf_errors errors;
	char first[sizeof(why->text)];
	int rc = conf_read(text, ret_conf, &errors);

	if (rc == 0)
		return 0;
	conf_error_text(&errors.at[0], NULL, first, sizeof(first));
	return why_set(why, rc, "%s", first);
}
