/* opts: how words become options, and the option values of keys. */
#include "cli/opts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "lib/cbor.h"
#include "lib/text.h"

#define KEY_FILE_MAX 16384

int
opts_next(struct opts *o, const struct opt *table)
{
	const char *arg, *eq;
	size_t n;

	if (o->at == o->argc)
		return OPT_END;
	arg = o->argv[o->at++];
	o->value = arg;
	if (o->words || arg[0] != '-' || arg[1] == '\0')
		return OPT_WORD;
	if (strcmp(arg, "--") == 0) {
		o->words = true;
		return opts_next(o, table);
	}
	eq = strchr(arg, '=');
	n = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
	for (int i = 0; table[i].name != NULL; i++) {
		if (strlen(table[i].name) != n ||
		    strncmp(table[i].name, arg, n) != 0)
			continue;
		if (!table[i].value) {
			if (eq == NULL)
				return i;
			cli_usage("%s takes no value", table[i].name);
			return OPT_BAD;
		}
		if (eq == NULL && o->at == o->argc) {
			cli_usage("%s needs a value", arg);
			return OPT_BAD;
		}
		o->value = eq != NULL ? eq + 1 : o->argv[o->at++];
		if (o->value[0] != '\0' || o->empty)
			return i;
		opts_refuse_empty(table[i].name);
		return OPT_BAD;
	}
	cli_usage("unknown option %s", arg);
	return OPT_BAD;
}

void
opts_refuse_empty(const char *name)
{
	/* --tag "$UNSET" must not mean the whole fleet */
	cli_usage("%s: the value is empty", name);
}

/* "kid: 6b6579" as the first line, which every reader of PEM skips. */
static int
take_kid(struct slice file, struct cose_key *key)
{
	uint8_t kid[LIMIT_KID];
	struct buf b = buf_of(kid, sizeof(kid));
	const uint8_t *end;

	if (file.n < 5 || memcmp(file.p, "kid: ", 5) != 0)
		return 0;
	end = memchr(file.p, '\n', file.n);
	if (end == NULL)
		return ERR_MALFORMED;
	if (text_unhex(slice_of(file.p + 5, (size_t)(end - file.p) - 5),
	    &b) != 0)
		return ERR_MALFORMED;
	return cose_key_set_kid(key, buf_slice(&b));
}

int
opts_key(const char *path, struct cose_key **ret_key)
{
	struct cose_key *key;
	struct slice file;
	struct why why;
	int rc;

	if ((rc = cli_read(path, KEY_FILE_MAX, &file)) != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	rc = cose_key_parse(file, &key, &why);
	if (rc != 0) {
		cli_usage("%s: %s", path, why.text);
	} else if ((rc = take_kid(file, key)) != 0) {
		cli_usage("%s: the line kid: is not hex", path);
		cose_key_free(key);
	}
	explicit_bzero((void *)file.p, file.n);
	free((void *)file.p);
	if (rc != 0)
		return CLI_USAGE;
	*ret_key = key;
	return CLI_OK;
}

int
opts_hex(const char *option, const char *hex, struct buf *b)
{
	int rc = text_unhex(slice_str(hex), b);

	if (rc == 0 && b->n > 0)
		return CLI_OK;
	return cli_usage("%s takes 1 to %zu bytes in hex, not \"%s\"", option,
	    b->cap, hex);
}

int
opts_vendor(const char *vendor, uint8_t ret[16])
{
	int rc;

	if (text_uuid_parse(slice_str(vendor), ret) == 0)
		return CLI_OK;
	rc = text_uuid5(text_uuid_dns, slice_str(vendor), ret);
	return rc == 0 ? CLI_OK : cli_usage("vendor id: %s", err_text(rc));
}

int
opts_class(const char *vendor, const char *name, uint8_t ret[16])
{
	uint8_t ns[16];
	int rc;

	if (text_uuid_parse(slice_str(name), ret) == 0)
		return CLI_OK;
	if (vendor == NULL)
		return cli_usage("--class NAME needs --vendor: the class id "
		    "is made of both (SUIT 8.4.8.2)");
	if (opts_vendor(vendor, ns) != CLI_OK)
		return CLI_USAGE;
	rc = text_uuid5(ns, slice_str(name), ret);
	return rc == 0 ? CLI_OK : cli_usage("class id: %s", err_text(rc));
}

/* --- component ids --- */

static bool
is_byte(const char *id)
{
	return isxdigit((unsigned char)id[0]) &&
	    isxdigit((unsigned char)id[1]) && id[2] == '\0';
}

static int
put_part(struct buf *out, struct slice part, bool hex)
{
	uint8_t bytes[128];
	struct buf b = buf_of(bytes, sizeof(bytes));

	if (!hex) {
		cbr_put_bstr(out, part);
		return 0;
	}
	if (text_unhex(part, &b) != 0)
		return ERR_MALFORMED;
	cbr_put_bstr(out, buf_slice(&b));
	return 0;
}

static int
put_id(struct buf *out, const char *id)
{
	size_t parts = 1;
	int rc = 0;

	for (const char *p = id; *p != '\0'; p++)
		parts += *p == '/';
	cbr_put_array(out, parts);
	if (is_byte(id))
		return put_part(out, slice_str(id), true);
	for (size_t i = 0; i < parts && rc == 0; i++) {
		size_t n = strcspn(id, "/");
		bool hex = n > 2 && id[0] == '0' && id[1] == 'x';

		if (n == 0)
			return ERR_MALFORMED;
		rc = put_part(out, slice_of(id + (hex ? 2 : 0),
		    n - (hex ? 2 : 0)), hex);
		id += n + 1;
	}
	return rc != 0 ? rc : out->over ? ERR_SPACE : 0;
}

int
opts_component(const char *id, struct buf *out)
{
	return put_id(out, id) == 0 ? CLI_OK : cli_usage("--component %s: "
	    "parts of text or 0xHEX with '/' between", id);
}

int
opts_alg(const char *name)
{
	static const int known[] = {COSE_ES256, COSE_ES384, COSE_ES512,
	    COSE_EDDSA, COSE_ESP256, COSE_ESP384, COSE_ESP512, COSE_ED25519,
	    COSE_HMAC256};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", known[i]);
		if (strcasecmp(name, cose_alg_name(known[i])) == 0 ||
		    strcmp(name, number) == 0)
			return known[i];
	}
	cli_usage("unknown algorithm %s: ES256, ES384, ES512, EdDSA, ESP256, "
	    "ESP384, ESP512, Ed25519 or HMAC256", name);
	return 0;
}
