#include "lib/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/conf_key.h"
#include "lib/text.h"

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
	if (k != NULL && k->type == CONF_SECRET)
		return why_set(why, ERR_FORBIDDEN, "%s: not on the command "
		    "line, which everybody can read: name its file in the "
		    "configuration file (-c), or use the systemd credential",
		    k->name);
	if (k != NULL)
		return conf_key_set(k, eq + 1, c, why);
	near = conf_key_near(name);
	text_escape(slice_str(name), shown, sizeof(shown));
	return why_set(why, ERR_NOT_FOUND, "%s: unknown key%s%s%s", shown,
	    near ? "; did you mean " : "", near ? near->name : "",
	    near ? "?" : "");
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
