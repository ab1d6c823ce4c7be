#include "cli/client_key.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"

#define KEY_FILE_MAX (64 * 1024)

/* Up to the rights that may stand behind a key: words with a = in them. */
static struct slice
without_rights(struct slice s)
{
	const uint8_t *eq = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
	size_t n = eq != NULL ? (size_t)(eq - s.p) : s.n;

	while (eq != NULL && n > 0 && s.p[n - 1] != ' ' && s.p[n - 1] != '\t')
		n--;
	return slice_sub(s, 0, n);
}

static int
parse_line(struct slice line, struct client_key *ret)
{
	const uint8_t *sp = memchr(line.p, ' ', line.n);
	struct buf out = buf_of(ret->key, sizeof(ret->key));
	size_t n;

	if (sp == NULL)
		return ERR_MALFORMED;
	n = (size_t)(sp - line.p);
	if (n == 0 || !slice_to_cstr(slice_sub(line, 0, n), ret->identity,
	    sizeof(ret->identity)))
		return ERR_MALFORMED;
	if (text_unhex(without_rights(slice_sub(line, n + 1, line.n)),
	    &out) != 0 ||
	    out.n == 0)
		return ERR_KEY;
	ret->key_len = out.n;
	return 0;
}

int
client_key_parse(struct slice text, const char *as, struct client_key *ret)
{
	size_t want = as != NULL ? strlen(as) : 0;
	struct client_key k = {.key_len = 0};
	struct slice line;
	const uint8_t *nl;
	int rc = as != NULL ? ERR_MISSING : ERR_MALFORMED;

	while (text.n > 0) {
		nl = memchr(text.p, '\n', text.n);
		line = slice_sub(text, 0, nl != NULL ?
		    (size_t)(nl - text.p) : text.n);
		text = slice_sub(text, line.n + 1, text.n);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		/* of a principal of the store the file has NAME:NUMBER */
		if (as != NULL && (line.n <= want || (line.p[want] != ' ' &&
		    line.p[want] != ':') || memcmp(line.p, as, want) != 0))
			continue;
		rc = parse_line(line, &k);
		if (rc == 0)
			*ret = k;
		break;
	}
	explicit_bzero(&k, sizeof(k));
	return rc;
}

static int
read_key(const char *path, const char *as, struct client_key *ret)
{
	struct slice text;
	int rc = cli_read(path, KEY_FILE_MAX, &text);

	if (rc != 0)
		return rc;
	rc = client_key_parse(text, as, ret);
	explicit_bzero((void *)text.p, text.n);
	free((void *)text.p);
	if (rc == 0)
		snprintf(ret->file, sizeof(ret->file), "%s", path);
	return rc;
}

static const char *
problem(int rc)
{
	if (rc == ERR_FORBIDDEN)
		return "no permission; try as root, or as the user that "
		    "suitd runs as";
	if (rc == ERR_MISSING)
		return "has no line of the operator that --as names; "
		    "`suitctl operator new NAME` makes one to be added";
	return err_text(rc);
}

int
client_key_find(const struct cli *c, struct client_key *ret)
{
	const char *dir[] = {getenv("SUITD_STATE"), ".", "/var/lib/suitd"};
	char path[3][512], tried[2000] = "";
	size_t n = 0, len = 0;
	int rc = ERR_NOT_FOUND;

	if (c->psk_file != NULL)
		snprintf(path[n++], sizeof(path[0]), "%s", c->psk_file);
	else if (c->state_dir != NULL)
		snprintf(path[n++], sizeof(path[0]), "%s/admin.psk",
		    c->state_dir);
	else
		for (size_t i = 0; i < 3; i++)
			if (dir[i] != NULL)
				snprintf(path[n++], sizeof(path[0]),
				    "%s/admin.psk", dir[i]);
	for (size_t i = 0; i < n; i++) {
		rc = read_key(path[i], c->as, ret);
		if (rc == 0)
			return CLI_OK;
		len += (size_t)snprintf(tried + len, sizeof(tried) - len,
		    "\n  %s: %s", path[i], problem(rc));
		if (rc != ERR_NOT_FOUND)
			break;
	}
	cli_usage("no operator's key; suitd makes one at its first start. "
	    "Tried:%s\nName its directory with -d DIR, or the file with "
	    "--psk-file FILE.", tried);
	return CLI_UNREACHABLE;
}
