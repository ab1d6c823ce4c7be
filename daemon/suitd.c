/*
 * suitd: firmware server and status tracker server of RFC 9019 over CoAP.
 * Options, the check of the configuration, start and stop.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/fsck.h"
#include "daemon/life.h"
#include "daemon/log.h"

#define CONF_FILE_MAX (256 * 1024)
#define SETTINGS 64 /* -o */

struct options {
	const char *file, *dir;
	const char *setting[SETTINGS];
	size_t settings;
	bool check, verbose, fsck, repair;
};

static void
usage(FILE *f)
{
	fputs("usage: suitd [-nv] [-c FILE] [-d DIR] [-o KEY=VALUE]...\n"
	    "  -c, --config FILE   configuration; without it, safe defaults\n"
	    "  -d, --dir DIR       state directory (default /var/lib/suitd; "
	    "for users other\n                      than root ./suitd-state)\n"
	    "  -o KEY=VALUE        a configuration key, over the file's\n"
	    "  -n, --check         check the configuration and stop\n"
	    "      --fsck          check the state directory and stop; 0: all "
	    "is well\n"
	    "      --repair        with --fsck: repair what is safe to "
	    "repair\n"
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
		{"fsck", no_argument, NULL, 'F'},
		{"repair", no_argument, NULL, 'R'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:d:o:nvh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 'd':
			o->dir = optarg;
			break;
		case 'o':
			if (o->settings == SETTINGS) {
				fprintf(stderr, "suitd: over %d -o; put them "
				    "into a file (-c)\n", SETTINGS);
				return 2;
			}
			o->setting[o->settings++] = optarg;
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
	if (optind < argc || (o->repair && !o->fsck)) {
		usage(stderr);
		return 2;
	}
	return -1;
}

static int
read_file(const char *path, struct conf *c, struct why *why)
{
	static char text[CONF_FILE_MAX + 1];
	FILE *f = fopen(path, "r");
	size_t n;
	bool whole;

	if (f == NULL)
		return why_set(why, ERR_IO, "%s", strerror(errno));
	n = fread(text, 1, sizeof(text), f);
	whole = !ferror(f) && n < sizeof(text);
	fclose(f);
	if (!whole)
		return why_set(why, ERR_SIZE, "cannot be read, or over %d "
		    "bytes", CONF_FILE_MAX);
	text[n] = '\0';
	if (strlen(text) != n)
		return why_set(why, ERR_MALFORMED, "not a text file: it has "
		    "a zero byte");
	return conf_parse(text, c, why);
}

static int
configure(const struct options *o, struct conf *c, struct why *why)
{
	const char *dir = o->dir;
	int rc = 0;

	conf_default(c);
	if (o->file != NULL)
		rc = read_file(o->file, c, why);
	else if (dir == NULL && geteuid() != 0)
		dir = "suitd-state";
	if (dir != NULL && (size_t)snprintf(c->state_dir,
	    sizeof(c->state_dir), "%s", dir) >= sizeof(c->state_dir))
		rc = why_set(why, ERR_SIZE, "-d: too long");
	for (size_t i = 0; i < o->settings && rc == 0; i++)
		rc = conf_set(c, o->setting[i], why);
	if (rc == 0)
		rc = conf_check(c, why);
	if (o->verbose)
		strcpy(c->log_level, "debug");
	return rc;
}

/* As at the start, for a reload. */
static int
configure_again(void *arg, struct conf *ret, struct why *why)
{
	const struct options *o = arg;
	struct why reason = {0};
	int rc = configure(o, ret, &reason);

	return rc == 0 ? 0 : why_set(why, rc, "%s%s%s",
	    o->file ? o->file : "", o->file ? ": " : "", reason.text);
}

static int
run(struct app *app, struct options *o, struct why *why)
{
	const struct life_opts lo = {app, configure_again, o};
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
	rc = configure(&o, &app.conf, &why);
	if (rc != 0 || o.check) {
		fprintf(stderr, "suitd: %s%s%s\n", o.file ? o.file : "",
		    o.file ? ": " : "", rc ? why.text : "configuration ok");
		return rc != 0;
	}
	if (o.fsck)
		return (int)fsck_run(app.conf.state_dir, o.repair);
	(void)log_level_parse(app.conf.log_level, &level);
	log_init(level);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* a reload that comes before there is a loop */
	rc = run(&app, &o, &why);
	if (rc != 0)
		log_error("suitd: %s", why.text[0] ? why.text : err_text(rc));
	app_close(&app);
	life_free(app.life);
	return rc != 0;
}
