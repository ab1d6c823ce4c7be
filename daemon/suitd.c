/*
 * suitd: firmware server and status tracker server of RFC 9019 over CoAP.
 * Options, the check of the configuration, start and stop.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/conf_load.h"
#include "daemon/fsck.h"
#include "daemon/life.h"
#include "daemon/log.h"
#include "daemon/restore.h"
#include "daemon/selfcheck.h"

struct options {
	struct conf_source source;
	const char *restore;
	bool check, verbose, fsck, repair, force;
};

static void
usage(FILE *f)
{
	fputs("usage: suitd [-nv] [-c FILE] [-d DIR] [-o KEY=VALUE]...\n"
	    "       suitd --restore BACKUP [--force] [-c FILE] [-d DIR]\n"
	    "  -c, --config FILE   configuration; without it, safe defaults\n"
	    "  -d, --dir DIR       state directory (default /var/lib/suitd; "
	    "for users other\n                      than root ./suitd-state)\n"
	    "  -o KEY=VALUE        a configuration key, over the file's\n"
	    "  -n, --check         look at all that could stop it, and say so\n"
	    "      --fsck          check the state directory and stop; 0: all "
	    "is well\n"
	    "      --repair        with --fsck: repair what is safe to "
	    "repair\n"
	    "  -v, --verbose       log more\n"
	    "      --restore BACKUP  makes the state directory of a folder of "
	    "suitctl backup\n"
	    "      --force         with it: moves aside what is there\n"
	    "      --version       print the version\n"
	    "  -h, --help          print this\n", f);
}

/* 0, or the exit code. */
static int
add_setting(struct conf_source *s, const char *setting)
{
	if (s->settings == CONF_SETTINGS) {
		fputs("suitd: too many -o; put them into a file (-c)\n",
		    stderr);
		return 2;
	}
	s->setting[s->settings++] = setting;
	return 0;
}

static int
check_options(const struct options *o, int rest)
{
	if (rest == 0 && (o->fsck || !o->repair) &&
	    (o->restore != NULL || !o->force))
		return -1;
	usage(stderr);
	return 2;
}

/* >= 0: exit with it. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"dir", required_argument, NULL, 'd'},
		{"check", no_argument, NULL, 'n'},
		{"fsck", no_argument, NULL, 'F'},
		{"repair", no_argument, NULL, 'R'},
		{"verbose", no_argument, NULL, 'v'},
		{"restore", required_argument, NULL, 'B'},
		{"force", no_argument, NULL, 'O'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:d:o:nvh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->source.file = optarg;
			break;
		case 'd':
			o->source.dir = optarg;
			break;
		case 'o':
			if (add_setting(&o->source, optarg) != 0)
				return 2;
			break;
		case 'n':
			o->check = true;
			break;
		case 'F':
			o->fsck = true;
			break;
		case 'R':
			o->repair = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'B':
			o->restore = optarg;
			break;
		case 'O':
			o->force = true;
			break;
		case 'V':
			puts("suitd " SUITD_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	return check_options(o, argc - optind);
}

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
	int rc = read_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	rc = configure(&o, &app.conf, tell, NULL);
	if (rc != 0 || o.check)
		return rc != 0 ? 1 : selfcheck_main(&app.conf);
	umask(077);
	if (o.fsck)
		return (int)fsck_run(app.conf.state_dir, o.repair);
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
