/*
 * publish: what can be checked here is checked before anything is sent, so
 * that a wrong file costs no upload. The daemon checks everything again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/release.h"
#include "cli/render.h"
#include "lib/digest.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define FILES LIMIT_DOWNLOADS

struct publish {
	struct cli *cli;
	struct client *client;
	struct slice envelope;
	struct manifest manifest;
	struct manifest_plan plan;
	const char *file[FILES];
	size_t file_n;
	bool force, staged, dry_run;
	const char *uploading; /* for the bar */
};

static void
show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct publish *p = arg;
	char bar[64], a[32], b[32];

	if (!p->cli->tty || p->cli->json)
		return;
	printf("\r\033[K%s %s %s of %s%s", p->uploading, render_bar(bar,
	    sizeof(bar), 30, done, total), render_bytes(a, sizeof(a), done),
	    render_bytes(b, sizeof(b), total), done == total ? "\n" : "");
	fflush(stdout);
}

/* Is this image one that the manifest names? By its own algorithm. */
/*
 * Of an encrypted payload the manifest has the plaintext's digest: what is
 * uploaded is named by where devices fetch it, i/DIGEST.
 */
static bool
is_address(struct slice uri, const struct digest *d)
{
	char path[2 + 44] = "i/";
	const size_t n = 2 + strlen(text_b64u(digest_slice(d), path + 2,
	    sizeof(path) - 2));

	return uri.n >= n && memcmp(uri.p + uri.n - n, path, n) == 0;
}

/* `sha` is its SHA-256. */
static bool
is_named(const struct publish *p, struct slice image, const struct digest *sha)
{
	struct digest d;

	for (size_t i = 0; i < p->plan.n; i++) {
		const struct manifest_download *dl = &p->plan.d[i];

		if (dl->encrypted ? is_address(dl->uri, sha) :
		    digest_compute(dl->digest.alg, image, &d) == 0 &&
		    digest_eq(&d, &dl->digest))
			return true;
	}
	return false;
}

static int
upload(struct publish *p, const char *file, struct slice image)
{
	struct client_req rq = {.method = CLIENT_GET};
	struct client_answer a;
	struct digest d;
	char hex[65], size[32];
	int rc;

	if (digest_compute(DIGEST_SHA256, image, &d) != 0)
		return cli_usage("%s: SHA-256 failed", file), CLI_REFUSED;
	text_hex(digest_slice(&d), hex, sizeof(hex));
	if (!is_named(p, image, &d))
		return cli_usage("%s is not a payload of this manifest (its "
		    "SHA-256 is %s)", file, hex), CLI_REFUSED;
	if (p->dry_run)
		return CLI_OK;
	client_path(&rq, "a", "images", hex, NULL);
	rc = client_try(p->client, &rq, &a);
	if (rc != CLI_OK)
		return rc;
	if (a.code != 404) {
		if (!p->cli->json)
			printf("%s is there already\n", file);
		return CLI_OK;
	}
	rq.method = CLIENT_PUT;
	rq.body = image;
	rq.progress = show_progress;
	rq.arg = p;
	p->uploading = file;
	rc = client_call(p->client, &rq, &a);
	if (rc == CLI_OK && !p->cli->json && !p->cli->tty)
		printf("%s uploaded, %s\n", file, render_bytes(size,
		    sizeof(size), image.n));
	return rc;
}

static int
upload_file(struct publish *p, const char *file)
{
	struct slice image;
	int rc = cli_read(file, LIMIT_IMAGE, &image);

	if (rc != 0)
		return cli_usage("%s: %s", file, err_text(rc)), CLI_REFUSED;
	rc = upload(p, file, image);
	free((void *)image.p);
	return rc;
}

static int
ask(struct publish *p, const char *query, struct msg_release *ret)
{
	struct client_req rq = {.method = CLIENT_POST, .path = "a/releases",
	    .body = p->envelope};

	if (p->force)
		client_query(&rq, "force=1");
	if (p->staged)
		client_query(&rq, "staged=1");
	if (query != NULL)
		client_query(&rq, "%s=1", query);
	return client_get(p->client, &rq, &msg_release, ret);
}

/* What would be refused is refused before the images go up. */
static int
upload_all(struct publish *p)
{
	static struct msg_release drop;
	int rc = p->file_n > 0 ? ask(p, "before_upload", &drop) : CLI_OK;

	for (size_t i = 0; rc == CLI_OK && i < p->file_n; i++)
		rc = upload_file(p, p->file[i]);
	return rc;
}

static int
post(struct publish *p)
{
	static struct msg_release m;
	const char *dry = p->file_n > 0 ? "before_upload" : "dry_run";
	int rc = ask(p, p->dry_run ? dry : NULL, &m);

	if (rc != CLI_OK)
		return rc;
	if (p->cli->json) {
		json_print(stdout, &msg_release, &m);
		return CLI_OK;
	}
	if (p->dry_run)
		puts("dry run: this would be published");
	else if (m.exists)
		puts("published already");
	release_show(&m);
	return CLI_OK;
}

static int
check(struct publish *p, const char *file)
{
	struct why why = {0};
	int rc = cli_read_binary(file, LIMIT_ENVELOPE, &p->envelope);

	if (rc != 0)
		return cli_usage("%s: %s", file, err_text(rc)), CLI_REFUSED;
	if (manifest_parse(p->envelope, &p->manifest, &why) != 0 ||
	    manifest_walk(&p->manifest, &p->plan, &why) != 0 ||
	    manifest_check_integrated(&p->manifest, &p->plan, &why) != 0)
		return cli_usage("%s: %s", file, why.text), CLI_REFUSED;
	return CLI_OK;
}

int
cmd_publish(struct cli *c, int argc, char **argv)
{
	static struct publish p;
	const struct cli_opt opts[] = {
		{.name = "--payload", .list = p.file, .count = &p.file_n,
		    .cap = FILES},
		{.name = "--force", .flag = &p.force},
		{.name = "--staged", .flag = &p.staged},
		{.name = "--dry-run", .flag = &p.dry_run},
		{.name = NULL},
	};
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	p.cli = c;
	rc = check(&p, argv[0]);
	if (rc == CLI_OK)
		rc = client_open(c, &p.client);
	if (rc == CLI_OK)
		rc = upload_all(&p);
	if (rc == CLI_OK)
		rc = post(&p);
	client_close(p.client);
	free((void *)p.envelope.p);
	return rc;
}
