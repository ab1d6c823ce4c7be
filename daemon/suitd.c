/*
 * suitd: firmware server and status tracker server of RFC 9019 over CoAP.
 * The check of the configuration, start and stop.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/app.h"
#include "daemon/conf_load.h"
#include "daemon/fsck.h"
#include "daemon/life.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/restore.h"
#include "daemon/selfcheck.h"

static void
tell(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "suitd: %s\n", text);
}

/* At the start and at each reload. */
static int
configure(void *arg, struct conf *ret, void (*tell_fn)(void *arg,
    const char *text), void *tell_arg)
{
	const struct options *o = arg;
	int rc = conf_load(&o->source, ret, tell_fn, tell_arg);

	if (rc == 0 && o->verbose)
		strcpy(ret->log_level, "debug");
	return rc;
}

static int
run(struct app *app, struct options *o, struct why *why)
{
	const struct life_opts lo = {app, configure, o};
	int rc = app_open(app, why);

	if (rc == 0)
		rc = life_new(&lo, &app->life);
	if (rc != 0)
		return rc;
	app_describe(app);
	life_ready(app->life);
	return loop_run(app->loop);
}

int
main(int argc, char **argv)
{
	static struct app app;
	struct options o = {0};
	enum log_level level = LOGL_INFO;
	struct why why = {0};
	int rc = options_read(argc, argv, &o);

	if (rc >= 0)
		return rc;
	rc = configure(&o, &app.conf, tell, NULL);
	if (rc != 0 || o.check)
		return rc != 0 ? 1 : selfcheck_main(&app.conf);
	app.conf_file = o.source.file;
	umask(077);
	if (o.fsck)
		return (int)fsck_run(&(struct fsck_opts){app.conf.state_dir,
		    o.repair, o.audit_head});
	if (o.restore != NULL)
		return restore_run(&(struct restore_opts){o.restore,
		    app.conf.state_dir, o.force, loop_coarse()});
	(void)log_level_parse(app.conf.log_level, &level);
	log_init(level);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* a reload, before there is a loop */
	rc = run(&app, &o, &why);
	if (rc != 0)
		log_error("suitd: %s", why.text[0] ? why.text : err_text(rc));
	app_close(&app);
	life_free(app.life);
	return rc != 0;
}
