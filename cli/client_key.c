#include "cli/client_key.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"

int
client_key_parse(struct slice text, struct client_key *ret)
{
	const uint8_t *sp = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;
	struct client_key k = {.key_len = 0};
	struct buf out = buf_of(k.key, sizeof(k.key));
	size_t n;

	if (sp == NULL)
		return ERR_MALFORMED;
	n = (size_t)(sp - text.p);
	if (n == 0 || !slice_to_cstr(slice_sub(text, 0, n), k.identity,
	    sizeof(k.identity)))
		return ERR_MALFORMED;
	if (text_unhex(slice_sub(text, n + 1, text.n), &out) != 0 ||
	    out.n == 0)
		return ERR_KEY;
	k.key_len = out.n;
	*ret = k;
	return 0;
}

static int
read_key(const char *path, struct client_key *ret)
{
	struct slice text;
	int rc = cli_read(path, 1024, &text);

	if (rc != 0)
		return rc;
	rc = client_key_parse(text, ret);
	free((void *)text.p);
	if (rc == 0)
		snprintf(ret->file, sizeof(ret->file), "%s", path);
	return rc;
}

int
client_key_find(const struct cli *c, struct client_key *ret)
{
	const char *dir[] = {getenv("SUITD_STATE"), ".", "/var/lib/suitd"};
	char path[3][512], tried[1600] = "";
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
		rc = read_key(path[i], ret);
		if (rc == 0)
			return CLI_OK;
		len += (size_t)snprintf(tried + len, sizeof(tried) - len,
		    "\n  %s: %s", path[i], rc == ERR_FORBIDDEN ?
		    "no permission (try as the user suitd runs as)" :
		    err_text(rc));
		if (rc != ERR_NOT_FOUND)
			break;
	}
	cli_usage("no operator's key; suitd makes one at its first start. "
	    "Tried:%s\nName its directory with -d DIR, or the file with "
	    "--psk-file FILE.", tried);
	return CLI_UNREACHABLE;
}
