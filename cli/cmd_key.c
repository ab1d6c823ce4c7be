/*
 * cmd_key: keys of authors. A private key is written once, for its owner
 * alone, and never over another file. PEM has no place for a key id: it
 * stands in a line before the key, which readers of PEM skip.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "lib/cbor.h"
#include "lib/text.h"

struct key_new {
	const char *out, *type, *public_out, *kid;
	uint8_t kid_bytes[LIMIT_KID];
	struct buf kid_buf;
};

static int
write_new(const char *path, struct slice s)
{
	int fd, rc = CLI_OK;

	if (strcmp(path, "-") == 0)
		return cli_write(path, s, 0600) == 0 ? CLI_OK :
		    cli_usage("cannot write to standard output");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 && errno == EEXIST)
		return cli_usage("%s exists: keys are never overwritten", path);
	if (fd < 0)
		return cli_usage("%s: %s", path, strerror(errno));
	if (write(fd, s.p, s.n) != (ssize_t)s.n || fsync(fd) != 0) {
		rc = cli_usage("%s: %s", path, strerror(errno));
		unlink(path);
	}
	close(fd);
	return rc;
}

static void
put_kid_line(const struct cose_key *key, struct buf *b)
{
	char hex[2 * LIMIT_KID + 1];
	struct slice kid = cose_key_kid(key);

	if (kid.n == 0)
		return;
	buf_puts(b, "kid: ");
	buf_puts(b, text_hex(kid, hex, sizeof(hex)));
	buf_puts(b, "\n");
}

static int
put_pem(const struct cose_key *key, bool with_private, struct buf *b)
{
	put_kid_line(key, b);
	return cose_key_put_pem(key, with_private, b);
}

/* A shared secret has no PEM: a COSE_Key in hex. */
static int
new_hmac(const struct key_new *k, struct buf *out)
{
	uint8_t secret[32], cose[128];
	struct buf b = buf_of(cose, sizeof(cose));
	char hex[2 * sizeof(cose) + 1];

	if (k->public_out != NULL)
		return cli_usage("a hmac key has no public part");
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return cli_usage("no randomness: %s", strerror(errno));
	cbr_put_map(&b, k->kid_buf.n > 0 ? 3 : 2);
	cbr_put_int(&b, 1); /* kty: symmetric, RFC 9053 7 */
	cbr_put_int(&b, 4);
	if (k->kid_buf.n > 0) {
		cbr_put_int(&b, 2);
		cbr_put_bstr(&b, buf_slice(&k->kid_buf));
	}
	cbr_put_int(&b, -1);
	cbr_put_bstr(&b, slice_of(secret, sizeof(secret)));
	buf_puts(out, text_hex(buf_slice(&b), hex, sizeof(hex)));
	buf_puts(out, "\n");
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(cose, sizeof(cose));
	explicit_bzero(hex, sizeof(hex));
	return CLI_OK;
}

/* Its text, and that of its public half if somebody wants it. */
static int
new_pair(const struct key_new *k, enum cose_key_kind kind, struct buf *out,
    struct buf *public)
{
	struct cose_key *key;
	int rc;

	if ((rc = cose_key_generate(kind, &key)) != 0)
		return cli_usage("making a key: %s", err_text(rc));
	if (k->kid_buf.n > 0)
		rc = cose_key_set_kid(key, buf_slice(&k->kid_buf));
	if (rc == 0)
		rc = put_pem(key, true, out);
	if (rc == 0 && k->public_out != NULL)
		rc = put_pem(key, false, public);
	cose_key_free(key);
	return rc == 0 ? CLI_OK : cli_usage("making a key: %s", err_text(rc));
}

/* Both halves, or none. */
static int
write_pair(const struct key_new *k, struct slice private, struct slice public)
{
	int rc = write_new(k->out, private), err;

	if (rc != CLI_OK || k->public_out == NULL)
		return rc;
	err = cli_write(k->public_out, public, 0644);
	if (err == 0)
		return CLI_OK;
	if (strcmp(k->out, "-") != 0)
		unlink(k->out);
	return cli_usage("%s: %s", k->public_out, err_text(err));
}

static int
make_key(const struct key_new *k)
{
	uint8_t bytes[4096], public_bytes[2048];
	struct buf out = buf_of(bytes, sizeof(bytes));
	struct buf public = buf_of(public_bytes, sizeof(public_bytes));
	int kind = 0, rc;

	while (kind <= COSE_KEY_HMAC &&
	    strcmp(cose_key_kind_name(kind), k->type) != 0)
		kind++;
	if (kind > COSE_KEY_HMAC)
		return cli_usage("--type %s: p256, p384, p521, ed25519 or "
		    "hmac", k->type);
	if (strcmp(k->out, "-") != 0 && access(k->out, F_OK) == 0)
		return cli_usage("%s exists: keys are never overwritten",
		    k->out);
	rc = kind == COSE_KEY_HMAC ? new_hmac(k, &out) :
	    new_pair(k, kind, &out, &public);
	if (rc == CLI_OK)
		rc = write_pair(k, buf_slice(&out), buf_slice(&public));
	explicit_bzero(bytes, sizeof(bytes));
	if (rc == CLI_OK && strcmp(k->out, "-") != 0)
		printf("%s: private %s key. Keep it offline.\n", k->out,
		    k->type);
	return rc;
}

int
cmd_key_new(struct cli *c, int argc, char **argv)
{
	static const struct opt table[] = {{"--out", true}, {"--type", true},
	    {"--public", true}, {"--kid", true}, {NULL, false}};
	struct key_new k = {.type = "p256"};
	const char **to[] = {&k.out, &k.type, &k.public_out, &k.kid};
	struct opts o = {.argc = argc, .argv = argv};
	int i;

	(void)c;
	while ((i = opts_next(&o, table)) != OPT_END) {
		if (i == OPT_BAD)
			return CLI_USAGE;
		if (i == OPT_WORD)
			return cli_usage("key new: what is %s?", o.value);
		*to[i] = o.value;
	}
	if (k.out == NULL)
		return cli_usage("key new: --out FILE is missing");
	k.kid_buf = buf_of(k.kid_bytes, sizeof(k.kid_bytes));
	if (k.kid != NULL && opts_hex("--kid", k.kid, &k.kid_buf) != CLI_OK)
		return CLI_USAGE;
	return make_key(&k);
}

int
cmd_key_show(struct cli *c, int argc, char **argv)
{
	const char *path = cmd_one_word(argc, argv, "key show");
	struct cose_key *key;
	uint8_t id[8], bytes[2048];
	struct buf b = buf_of(bytes, sizeof(bytes));
	char hex[2 * LIMIT_KID + 1];
	bool hmac;
	int rc;

	(void)c;
	if (path == NULL || opts_key(path, &key) != CLI_OK)
		return CLI_USAGE;
	hmac = cose_key_kind(key) == COSE_KEY_HMAC;
	printf("kind       %s, %s\n", cose_key_kind_name(cose_key_kind(key)),
	    hmac ? "a shared secret" : cose_key_private(key) ? "private" :
	    "public");
	printf("algorithm  %s (%d)\n", cose_alg_name(cose_key_alg(key)),
	    cose_key_alg(key));
	printf("kid        %s\n", cose_key_kid(key).n > 0 ?
	    text_hex(cose_key_kid(key), hex, sizeof(hex)) : "none");
	rc = cose_key_id(key, id);
	if (rc == 0)
		printf("id         %s\n", text_hex(slice_of(id, 8), hex,
		    sizeof(hex)));
	if (rc == 0 && !hmac && (rc = cose_key_put_pem(key, false, &b)) == 0)
		printf("%.*s", (int)b.n, (char *)b.p);
	cose_key_free(key);
	return rc == 0 ? CLI_OK : cli_usage("%s: %s", path, err_text(rc));
}
