/*
 * suitd: firmware server and status tracker server of RFC 9019 over CoAP.
 * Options, the check of the configuration, start and stop.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/conf_load.h"
#include "daemon/log.h"
#include "daemon/selfcheck.h"

struct options {
	struct conf_source source;
	bool check, verbose;
};

static void
usage(FILE *f)
{
	fputs("usage: suitd [-nv] [-c FILE] [-d DIR] [-o KEY=VALUE]...\n"
	    "  -c, --config FILE   configuration; without it, safe defaults\n"
	    "  -d, --dir DIR       state directory (default /var/lib/suitd; "
	    "for users other\n                      than root ./suitd-state)\n"
	    "  -o KEY=VALUE        a configuration key, over the file's\n"
	    "  -n, --check         look at all that could stop it, say so, and stop\n"
	    "  -v, --verbose       log more\n"
	    "      --version       print the version\n"
	    "  -h, --help          print this\n", f);
}

/* >= 0: exit with it. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"dir", required_argument, NULL, 'd'},
		{"check", no_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},
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
			if (o->source.settings == CONF_SETTINGS) {
				fprintf(stderr, "suitd: over %d -o; put them "
				    "into a file (-c)\n", CONF_SETTINGS);
				return 2;
			}
			o->source.setting[o->source.settings++] = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'v':
			o->verbose = true;
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
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	return -1;
}

static void
tell(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "suitd: %s\n", text);
}

static void
on_stop(void *arg, int signo)
{
	log_info("stop: signal=%d", signo);
	sd_notify(0, "STOPPING=1");
	loop_stop(arg);
}

static void
on_watchdog(void *arg)
{
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

static int
run(struct app *app, struct why *why)
{
	uint64_t usec = 0;
	int rc = app_open(app, why);

	if (rc == 0)
		rc = loop_signal(app->loop, SIGTERM, on_stop, app->loop);
	if (rc == 0)
		rc = loop_signal(app->loop, SIGINT, on_stop, app->loop);
	if (rc == 0 && sd_watchdog_enabled(0, &usec) > 0)
		rc = loop_every(app->loop, (int64_t)(usec / 2000),
		    on_watchdog, NULL);
	if (rc != 0)
		return rc;
	app_describe(app);
	log_info("ready: suitd " SUITD_VERSION);
	sd_notify(0, "READY=1");
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
	rc = conf_load(&o.source, &app.conf, tell, NULL);
	if (rc != 0 || o.check)
		return rc != 0 ? 1 : selfcheck_main(&app.conf);
	(void)log_level_parse(app.conf.log_level, &level);
	log_init(o.verbose ? LOGL_DEBUG : level);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	rc = run(&app, &why);
	if (rc != 0)
		log_error("suitd: %s", why.text[0] ? why.text : err_text(rc));
	app_close(&app);
	return rc != 0;
}
