/*
 * cmd_manifest: sign, verify, lint. What a script needs is the exit code
 * and the last line; everything before it is for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "lib/text.h"

#define FINDINGS 64

const char *
cmd_one_word(int argc, char **argv, const char *sentence)
{
	if (argc == 1 && (argv[0][0] != '-' || argv[0][1] == '\0'))
		return argv[0];
	cli_usage("%s takes one FILE", sentence);
	return NULL;
}

int
cmd_verdict(struct cli *c, int err, const char *reason)
{
	if (c->json) {
		json_t *j = json_pack("{s:b, s:s, s:s}", "accepted", err == 0,
		    "code", err_name(err), "reason", reason);

		json_dumpf(j, stdout, 0);
		putchar('\n');
		json_decref(j);
	} else {
		printf("%s: %s\n", err == 0 ? "accepted" : "refused", reason);
	}
	return err == 0 ? CLI_OK : CLI_REFUSED;
}

int
cmd_read_manifest(struct cli *c, const char *path, struct slice *ret_bytes,
    struct manifest *ret_m)
{
	struct slice bytes;
	struct why why;
	int rc;

	if ((rc = cli_read_binary(path, LIMIT_ENVELOPE, &bytes)) != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	if ((rc = manifest_parse(bytes, ret_m, &why)) != 0) {
		free((void *)bytes.p);
		return cmd_verdict(c, rc, why.text);
	}
	*ret_bytes = bytes;
	return CLI_OK;
}

/* --- sign --- */

static int
sign_opts(const struct cmd_sign *s, const struct cose_key *key,
    struct cose_sign_opts *opts, struct buf *kid)
{
	opts->kid = cose_key_kid(key);
	if (s->kid != NULL) {
		if (opts_hex("--kid", s->kid, kid) != CLI_OK)
			return CLI_USAGE;
		opts->kid = buf_slice(kid);
	}
	if (s->alg != NULL && (opts->alg = opts_alg(s->alg)) == 0)
		return CLI_USAGE;
	if (!cose_key_private(key))
		return cli_usage("%s: a public key signs nothing", s->key);
	return CLI_OK;
}

int
cmd_sign_to(struct slice envelope, const struct cmd_sign *s)
{
	static uint8_t signed_bytes[LIMIT_ENVELOPE];
	struct buf out = buf_of(signed_bytes, sizeof(signed_bytes));
	uint8_t kid_bytes[LIMIT_KID];
	struct buf kid = buf_of(kid_bytes, sizeof(kid_bytes));
	struct cose_sign_opts opts = {0};
	struct cose_key *key;
	struct why why;
	int rc;

	if (opts_key(s->key, &key) != CLI_OK)
		return CLI_USAGE;
	rc = sign_opts(s, key, &opts, &kid);
	if (rc == CLI_OK && manifest_sign(envelope, key, &opts, &out,
	    &why) != 0) {
		fprintf(stderr, "suitctl: not signed: %s\n", why.text);
		rc = CLI_REFUSED;
	}
	cose_key_free(key);
	if (rc != CLI_OK)
		return rc;
	if ((rc = cli_write(s->out, buf_slice(&out), 0644)) != 0)
		return cli_usage("%s: %s", s->out, err_text(rc));
	if (strcmp(s->out, "-") != 0)
		printf("%s: %zu bytes, signed\n", s->out, out.n);
	return CLI_OK;
}

int
cmd_manifest_sign(struct cli *c, int argc, char **argv)
{
	static const struct opt table[] = {{"--key", true}, {"--kid", true},
	    {"--alg", true}, {"--out", true}, {NULL, false}};
	struct cmd_sign s = {0};
	const char **to[] = {&s.key, &s.kid, &s.alg, &s.out};
	struct opts o = {.argc = argc, .argv = argv};
	const char *in = NULL;
	struct slice bytes;
	int i, rc;

	(void)c;
	while ((i = opts_next(&o, table)) != OPT_END) {
		if (i == OPT_BAD)
			return CLI_USAGE;
		if (i >= 0)
			*to[i] = o.value;
		else if (in == NULL)
			in = o.value;
		else
			return cli_usage("manifest sign: what is %s?",
			    o.value);
	}
	if (in == NULL || s.key == NULL || s.out == NULL)
		return cli_usage("manifest sign needs --key PRIVATE, FILE and "
		    "--out FILE");
	if ((rc = cli_read_binary(in, LIMIT_ENVELOPE, &bytes)) != 0)
		return cli_usage("%s: %s", in, err_text(rc));
	rc = cmd_sign_to(bytes, &s);
	free((void *)bytes.p);
	return rc;
}

/* --- verify --- */

struct verify {
	struct cose_key *key[LIMIT_KEYRING];
	const char *name[LIMIT_KEYRING];
	struct cose_keyring ring;
	const char *file;
};

static int
add_key(struct verify *v, const char *path)
{
	if (v->ring.n == LIMIT_KEYRING)
		return cli_usage("at most %d keys", LIMIT_KEYRING);
	if (opts_key(path, &v->key[v->ring.n]) != CLI_OK)
		return CLI_USAGE;
	v->name[v->ring.n] = path;
	v->ring.key[v->ring.n] = v->key[v->ring.n];
	v->ring.n++;
	return CLI_OK;
}

static int
judge(struct cli *c, struct verify *v, struct slice bytes)
{
	static struct manifest_plan plan;
	struct manifest m;
	struct manifest_proof proof;
	struct why why = {0};
	char reason[400];
	int rc;

	if ((rc = manifest_parse(bytes, &m, &why)) != 0 ||
	    (rc = manifest_verify(&m, &v->ring, &proof, &why)) != 0 ||
	    (rc = manifest_walk(&m, &plan, &why)) != 0 ||
	    (rc = manifest_check_integrated(&m, &plan, &why)) != 0)
		return cmd_verdict(c, rc, why.text);
	if (proof.warning[0] != '\0' && !c->json)
		printf("warning: %s\n", proof.warning);
	snprintf(reason, sizeof(reason), "sequence %llu, %s by %s",
	    (unsigned long long)m.sequence, cose_alg_name(proof.alg),
	    v->name[proof.key]);
	return cmd_verdict(c, 0, reason);
}

static int
read_verify(struct verify *v, int argc, char **argv)
{
	static const struct opt table[] = {{"--key", true}, {NULL, false}};
	struct opts o = {.argc = argc, .argv = argv};
	int i;

	while ((i = opts_next(&o, table)) != OPT_END) {
		if (i == OPT_BAD || (i == 0 && add_key(v, o.value) != CLI_OK))
			return CLI_USAGE;
		if (i == OPT_WORD && v->file != NULL)
			return cli_usage("manifest verify: what is %s?",
			    o.value);
		if (i == OPT_WORD)
			v->file = o.value;
	}
	if (v->file == NULL || v->ring.n == 0)
		return cli_usage("manifest verify needs --key PUBLIC and FILE");
	return CLI_OK;
}

int
cmd_manifest_verify(struct cli *c, int argc, char **argv)
{
	static struct verify v;
	struct slice bytes;
	int rc, err;

	if ((rc = read_verify(&v, argc, argv)) == CLI_OK) {
		err = cli_read_binary(v.file, LIMIT_ENVELOPE, &bytes);
		if (err == ERR_SIZE)
			rc = cmd_verdict(c, err,
			    "SUIT 8.2: larger than 64 KiB");
		else if (err != 0)
			rc = cli_usage("%s: %s", v.file, err_text(err));
		else
			rc = judge(c, &v, bytes);
		if (err == 0)
			free((void *)bytes.p);
	}
	while (v.ring.n > 0)
		cose_key_free(v.key[--v.ring.n]);
	return rc;
}

/* --- lint --- */

static int
print_findings(struct cli *c, const struct manifest_finding *f, size_t n)
{
	json_t *list = json_array();
	size_t errors = 0;

	for (size_t i = 0; i < n; i++) {
		const char *kind = f[i].error ? "error" : "warning";

		errors += f[i].error;
		if (c->json)
			json_array_append_new(list, json_pack("{s:s, s:s}",
			    "kind", kind, "text", f[i].text));
		else
			printf("%s: %s\n", kind, f[i].text);
	}
	if (c->json)
		json_dumpf(list, stdout, 0);
	else
		printf("%zu errors, %zu warnings", errors, n - errors);
	putchar('\n');
	json_decref(list);
	return errors > 0 ? CLI_REFUSED : CLI_OK;
}

struct lint {
	const char *file, *image;
	enum manifest_device device;
};

static int
lint_files(struct cli *c, const struct lint *l)
{
	static struct manifest_finding found[FINDINGS];
	static struct manifest_plan plan;
	struct slice bytes, image = SLICE_NONE;
	struct manifest m;
	struct why why;
	int rc;

	if (l->image != NULL &&
	    (rc = cli_read(l->image, LIMIT_IMAGE, &image)) != 0)
		return cli_usage("%s: %s", l->image, err_text(rc));
	rc = cmd_read_manifest(c, l->file, &bytes, &m);
	if (rc == CLI_OK) {
		if ((rc = manifest_walk(&m, &plan, &why)) != 0)
			rc = cmd_verdict(c, rc, why.text);
		else
			rc = print_findings(c, found, manifest_lint(&m, &plan,
			    l->device, image, found, FINDINGS));
		free((void *)bytes.p);
	}
	free((void *)image.p);
	return rc;
}

int
cmd_manifest_lint(struct cli *c, int argc, char **argv)
{
	static const struct opt table[] = {{"--device", true},
	    {"--image", true}, {NULL, false}};
	struct lint l = {.device = MANIFEST_DEVICE_ANY};
	struct opts o = {.argc = argc, .argv = argv};
	int i;

	while ((i = opts_next(&o, table)) != OPT_END) {
		if (i == OPT_BAD)
			return CLI_USAGE;
		if (i == 0 && strcmp(o.value, "riot") != 0)
			return cli_usage("--device %s: only riot is known",
			    o.value);
		if (i == 0)
			l.device = MANIFEST_DEVICE_RIOT;
		else if (i == 1)
			l.image = o.value;
		else if (l.file == NULL)
			l.file = o.value;
		else
			return cli_usage("manifest lint: what is %s?",
			    o.value);
	}
	if (l.file == NULL)
		return cli_usage("manifest lint needs FILE");
	return lint_files(c, &l);
}
