#include "daemon/app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/access_cert.h"

#include "daemon/approve.h"
#include "daemon/ahead.h"
#include "daemon/admit.h"
#include "daemon/audit.h"
#include "daemon/backup.h"
#include "daemon/blocks.h"
#include "daemon/boots.h"
#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/checks.h"
#include "daemon/disk.h"
#include "daemon/engine.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/look.h"
#include "daemon/polled.h"
#include "daemon/reach.h"
#include "daemon/restore.h"
#include "daemon/survey.h"
#include "daemon/twin.h"
#include "daemon/wrongkey.h"

#include "daemon/trusted.h"
#include "db/store_sync.h"

/* The lock goes with the process, however it ends. */
static int
lock(struct app *app, struct why *why)
{
	const char *dir = app->conf.state_dir;
	char path[512];

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return why_set(why, ERR_IO, "%s: %s; make it, or choose "
		    "another with -d", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/lock", dir);
	app->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (app->lock_fd < 0)
		return why_set(why, errno == EROFS ? ERR_READONLY : ERR_IO,
		    "%s: %s", path, strerror(errno));
	if (flock(app->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return why_set(why, ERR_BUSY, "another suitd uses %s", dir);
	return 0;
}

static int
open_state(struct app *app, struct why *why)
{
	const struct conf *c = &app->conf;
	char path[512];
	struct store_sqlite_opts so = {path, c->synchronous_full,
	    SUITD_DEBUG, loop_clock};
	struct blob_opts bo = {c->state_dir, c->image_max, c->images_total};
	int rc;

	snprintf(path, sizeof(path), "%s/suitd.db", c->state_dir);
	rc = store_sqlite_open(&so, &app->store, why);
	if (rc == 0)
		rc = blob_open(&bo, &app->blobs, why);
	if (rc == 0)
		rc = access_open_conf(c, &app->access, why);
	return rc;
}

static void
on_refused(struct app *app, int err)
{
	health_refused(&app->health, err);
}

static int
open_front(struct app *app, struct why *why)
{
	const struct front_opts o = {
		.loop = app->loop,
		.app = app,
		.blobs = app->blobs,
		.disk = app->disk,
		.conf = &app->conf,
		.hooks = {
			.psk = access_psk,
			.who = access_who,
			.blocks = engine_blocks,
			.refused = on_refused,
			.knock = access_knock,
			.proved = access_proved,
			.key_failed = wrongkey_failed,
			.key_proved = wrongkey_proved,
			.admit = approve_admit,
			.denied = audit_denied,
			.login = audit_login,
			.stats = blocks_count,
			.heard = twin_heard,
			.oscore = access_oscore,
			.oscore_count = access_oscore_count,
			.oscore_life = access_oscore_life,
			.cert = access_cert,
			.cert_shown = access_cert_shown,
			.cert_who = access_cert_who,
		},
		.reach = app->reach,
		.device = routes_device,
		.admin = routes_admin,
	};

	return front_new(&o, &app->front, why);
}

/* The turn that follows settles it. */
static void
on_synced(void *arg)
{
	(void)arg;
}

/* Where there may be no threads each commit waits for the disk. */
static int
follow_disk(struct app *app)
{
	struct syncer *s = app->store->syncer;

	if (s != NULL)
		return loop_read(app->loop, syncer_fd(s), on_synced, NULL);
	log_warn("store: no thread for the disk; who asks waits for it");
	return 0;
}

/* What needs no more than the store, the catalog and memory. */
static int
open_parts(struct app *app)
{
	int rc = polled_new(app->store, LIMIT_POLLED, &app->polled);

	if (rc == 0)
		rc = twins_new(&app->twins);
	if (rc == 0)
		rc = wrongkeys_new(&app->wrongkeys);
	if (rc == 0)
		rc = boots_new(&app->boots);
	if (rc == 0)
		rc = admit_new(&app->admit);
	if (rc == 0)
		rc = runs_new(&app->runs);
	if (rc == 0)
		rc = campaigns_new(&app->campaigns);
	if (rc == 0)
		rc = engine_new(app, &app->engine);
	if (rc == 0)
		rc = audit_new(&app->audit);
	if (rc == 0)
		rc = follow_disk(app);
	if (rc == 0)
		rc = disk_new(app->loop, &app->disk);
	return rc;
}

static int
open_rest(struct app *app, struct why *why)
{
	int rc = loop_new(0, &app->loop);

	if (rc == 0 && getrandom(app->nonce.b, sizeof(app->nonce.b), 0) !=
	    sizeof(app->nonce.b))
		rc = ERR_IO;
	if (rc == 0)
		rc = catalog_new(&app->catalog);
	if (rc == 0) {
		rc = trusted_new(app, &app->trusted, why);
		if (rc != 0)
			return rc;
		rc = catalog_load(app->catalog, app->store);
	}
	if (rc != 0)
		return why_set(why, rc, "start: %s (%s)", err_text(rc),
		    store_why(app->store));
	rc = open_parts(app);
	if (rc != 0)
		return why_set(why, rc, "start: %s", err_text(rc));
	rc = reach_new(&app->conf, &app->reach);
	if (rc != 0)
		return why_set(why, rc, "start: %s", err_text(rc));
	rc = peer_new(app->loop, &app->conf, &app->peer, why);
	if (rc == 0) {
		peer_tells(app->peer, app->reach);
		rc = open_front(app, why);
	}
	if (rc != 0)
		return rc;
	rc = checks_new(app, &app->checks);
	if (rc == 0)
		rc = look_new(app, &app->look);
	if (rc == 0)
		rc = blocks_new(app, &app->blocks);
	if (rc == 0)
		rc = backups_new(app, &app->backups, why);
	else
		why_set(why, rc, "start: %s", err_text(rc));
	return rc == 0 ? ahead_new(app, &app->ahead, why) : rc;
}

/* Neither the old state nor the new one is there as a whole. */
static int
refuse_half(struct app *app, struct why *why)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/" RESTORE_MOVING,
	    app->conf.state_dir);
	if (access(path, F_OK) != 0)
		return 0;
	return why_set(why, ERR_STATE, "%s: a suitd --restore was interrupted "
	    "while it moved files; do it again, with --force",
	    app->conf.state_dir);
}

/* What nobody asks is not walked for. */
static int
open_http(struct app *app, struct why *why)
{
	int rc = http_new(app, &app->http, why);

	if (rc != 0 || app->http == NULL)
		return rc;
	rc = survey_new(app, &app->survey);
	return rc == 0 ? 0 : why_set(why, rc, "start: %s", err_text(rc));
}

int
app_open(struct app *app, struct why *why)
{
	int rc;

	app->lock_fd = -1;
	rc = lock(app, why);
	if (rc == 0)
		rc = refuse_half(app, why);
	if (rc == 0)
		rc = access_refuse_private_keys(app->conf.state_dir, why);
	if (rc == 0)
		rc = open_state(app, why);
	if (rc == 0)
		rc = open_rest(app, why);
	if (rc == 0)
		rc = open_http(app, why);
	if (rc != 0)
		return rc;
	app->started = loop_now(app->loop);
	audit_started(app);
	return 0;
}

void
app_close(struct app *app)
{
	struct front *f = app->front;

	http_free(app->http);
	survey_free(app->survey);
	disk_free(app->disk); /* what was uploaded is answered, too */
	app->disk = NULL;
	if (f != NULL) {
		audit_ended(app);
		engine_drain(app->engine);
		audit_closed(app);
	}
	blocks_stop(app->blocks);
	app->front = NULL; /* pushes that end now say nothing of devices */
	front_free(f);
	peer_free(app->peer);
	engine_free(app->engine);
	audit_free(app->audit);
	blocks_free(app->blocks);
	reach_free(app->reach);
	checks_free(app->checks);
	look_free(app->look);
	ahead_free(app->ahead);
	backups_free(app->backups);
	campaigns_free(app->campaigns);
	runs_free(app->runs);
	admit_free(app->admit);
	wrongkeys_free(app->wrongkeys);
	twins_free(app->twins);
	boots_free(app->boots);
	polled_free(app->polled);
	catalog_free(app->catalog);
	trusted_free(app->trusted);
	access_free(app->access);
	blob_close(app->blobs);
	if (app->store != NULL)
		app->store->ops->close(app->store);
	loop_free(app->loop);
	if (app->lock_fd >= 0)
		close(app->lock_fd);
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	log_info("listen: %s", text);
}

void
app_describe(const struct app *app)
{
	const struct conf *c = &app->conf;
	struct store_stats st;

	app->store->ops->stats(app->store, &st);
	log_info("state: dir=%s devices=%llu releases=%llu live_jobs=%llu "
	    "image_bytes=%llu", c->state_dir, (unsigned long long)st.devices,
	    (unsigned long long)st.releases, (unsigned long long)st.jobs_live,
	    (unsigned long long)blob_total(app->blobs));
	front_describe(app->front, say, NULL);
	blocks_describe(app->blocks, say, NULL);
	http_describe(app->http, say, NULL);
	log_info("open: anybody may fetch published manifests and images; "
	    "they are signed");
	log_info("open: %s", c->unknown_devices == CONF_UNKNOWN_ACCEPT ?
	    "unknown devices may register themselves (grade L0; "
	    "unknown_devices = refuse forbids it)" :
	    c->unknown_devices == CONF_UNKNOWN_CERTIFIED ?
	    "unknown devices may register with a certificate" :
	    "unknown devices may not register");
	log_info("open: a device with a credential must use it; admin needs "
	    "a key of %s", access_file(app->access));
	if (app->trusted != NULL)
		log_info("open: authors are those of trust list %llu; %zu "
		    "releases are not allowed by it",
		    (unsigned long long)trusted_seq(app),
		    catalog_refusals(app->catalog));
	else if (c->allow_unsigned)
		log_warn("open: allow_unsigned is set: manifests without a "
		    "signature can be published");
}
