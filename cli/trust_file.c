#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/opts.h"
#include "cli/trust.h"
#include "lib/text.h"

int
trust_read(struct cli *c, const char *path, struct trust_file *ret_f)
{
	struct trust_file f;
	struct why why;
	int rc;

	if ((rc = cli_read_binary(path, LIMIT_TRUST_LIST, &f.bytes)) != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	/* a map is a payload, anything else has to be a message */
	rc = f.bytes.n > 0 && f.bytes.p[0] >> 5 == 5 ?
	    trust_parse_payload(f.bytes, &f.list, &why) :
	    trust_parse(f.bytes, &f.list, &why);
	if (rc != 0) {
		free((void *)f.bytes.p);
		return cmd_verdict(c, rc, why.text);
	}
	*ret_f = f;
	return CLI_OK;
}

int
trust_edit_open(struct cli *c, const char *path, const char *out,
    struct trust_edit *ret_e)
{
	struct trust_edit *e = ret_e;
	bool is_signed;
	struct why why;
	int rc;

	if ((rc = trust_read(c, path, &e->in)) != CLI_OK)
		return rc;
	is_signed = e->in.list.message.n > 0;
	if (is_signed && out == NULL)
		rc = cli_usage("%s is signed: the list after it needs --out "
		    "FILE", path);
	/* what is not in force has nothing after it: two would be a fork */
	else if (is_signed && trust_pin(&e->in.list, &why) != 0)
		rc = cmd_verdict(c, why.err, why.text);
	if (rc != CLI_OK) {
		free((void *)e->in.bytes.p);
		return rc;
	}
	e->out = out != NULL ? out : path;
	if (is_signed)
		trust_spec_next(&e->in.list, &e->spec);
	else
		trust_spec_same(&e->in.list, &e->spec);
	return CLI_OK;
}

void
trust_edit_drop(struct trust_edit *e)
{
	free((void *)e->in.bytes.p);
}

/* Signatures come from drawers, one by one; no sentence may undo that. */
static bool
is_signed_list(const char *path)
{
	struct slice bytes;
	struct trust list;
	struct why why;
	bool is = false;

	if (strcmp(path, "-") == 0 ||
	    cli_read_binary(path, LIMIT_TRUST_LIST, &bytes) != 0)
		return false;
	is = trust_parse(bytes, &list, &why) == 0;
	free((void *)bytes.p);
	return is;
}

int
trust_write_spec(const struct trust_spec *spec, const char *out)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct why why;
	int rc;

	if (trust_encode(spec, &b, &why) != 0)
		return cli_usage("%s", why.text);
	if (is_signed_list(out))
		return cli_usage("%s is a signed list: its signatures would be "
		    "lost; name another file by --out", out);
	if ((rc = cli_write(out, buf_slice(&b), 0644)) != 0)
		return cli_usage("%s: %s", out, err_text(rc));
	if (strcmp(out, "-") != 0)
		printf("%s: list %llu, %zu bytes, not signed yet: suitctl "
		    "trust sign %s --key PRIVATE\n", out,
		    (unsigned long long)spec->seq, b.n, out);
	return CLI_OK;
}

int
trust_edit_write(struct trust_edit *e)
{
	int rc = trust_write_spec(&e->spec, e->out);

	trust_edit_drop(e);
	return rc;
}

/* --- keys --- */

int
trust_read_public(const char *path, struct trust_public *ret_key)
{
	struct buf b = buf_of(ret_key->mem, sizeof(ret_key->mem));
	struct cose_key *key;
	struct why why;
	int rc = CLI_OK;

	if (opts_key(path, &key) != CLI_OK)
		return CLI_USAGE;
	if (cose_key_kind(key) != COSE_KEY_HMAC && cose_key_private(key))
		rc = cli_usage("%s is a private key: a list takes the public "
		    "one, suitctl key show %s has it", path, path);
	else if (trust_key_put(key, &b, &why) != 0)
		rc = cli_usage("%s: %s", path, why.text);
	else if (cose_key_id(key, ret_key->kid) != 0)
		rc = cli_usage("%s: not a usable key", path);
	cose_key_free(key);
	if (rc != CLI_OK)
		return rc;
	ret_key->cose = buf_slice(&b);
	return CLI_OK;
}

int
trust_read_kid(const char *word, uint8_t ret_kid[TRUST_KID])
{
	uint8_t mem[TRUST_KID];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust_public key;

	if (strlen(word) == 2 * TRUST_KID &&
	    text_unhex(slice_str(word), &b) == 0 && b.n == TRUST_KID) {
		memcpy(ret_kid, mem, TRUST_KID);
		return CLI_OK;
	}
	if (access(word, F_OK) != 0)
		return cli_usage("%s: neither in the list, as suitctl trust "
		    "show has it, nor a key's file", word);
	if (trust_read_public(word, &key) != CLI_OK)
		return CLI_USAGE;
	memcpy(ret_kid, key.kid, TRUST_KID);
	return CLI_OK;
}

char *
trust_kid_text(const uint8_t kid[TRUST_KID], char dst[17])
{
	return text_hex(slice_of(kid, TRUST_KID), dst, 17);
}
