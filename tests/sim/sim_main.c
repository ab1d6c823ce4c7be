/*
 * sim [-v] [-l] [--seed N] [--csv FILE] SCENARIO: plays one scenario with
 * one seed. A line of figures, exit 0 when every EXPECT was met (of one that
 * says FAILS: when every one was missed), 1 when not, 2 for nonsense.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/log.h"

struct args {
	const char *file, *csv;
	uint64_t seed;
	bool verbose, log;
};

static int
usage(void)
{
	fputs("usage: sim [-v] [-l] [--seed N] [--csv FILE] SCENARIO\n"
	    "  -v  print what happens   -l  the daemon's own log\n", stderr);
	return 2;
}

static int
parse(int argc, char **argv, struct args *a)
{
	*a = (struct args){.seed = 1};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			a->verbose = true;
		else if (strcmp(argv[i], "-l") == 0)
			a->log = true;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			a->seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--csv") == 0 && i + 1 < argc)
			a->csv = argv[++i];
		else if (argv[i][0] == '-' || a->file != NULL)
			return usage();
		else
			a->file = argv[i];
	}
	return a->file == NULL ? usage() : 0;
}

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = sim_alloc(NULL, 65536, 1);
	size_t n = f == NULL ? 0 : fread(text, 1, 65535, f);

	if (f == NULL) {
		free(text);
		return NULL;
	}
	fclose(f);
	text[n] = '\0';
	return text;
}

static double
real_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
figures(const struct sim *s, double took, bool ok)
{
	const struct sim_count *c = &s->count;
	const char *name = strrchr(s->file, '/');
	const double ideal = sim_ideal(s);
	char t[24];

	name = name != NULL ? name + 1 : s->file;
	printf("  %-4s %-28s seed %-3llu %s virtual, %.1f s real, %llu "
	    "events; done %llu of %u, %.2f requests/device, peak %llu/s, ",
	    ok ? "ok" : "FAIL", name, (unsigned long long)s->seed,
	    sim_time(s->now - SIM_EPOCH, t), took,
	    (unsigned long long)s->events, (unsigned long long)c->all.done,
	    s->dev_n, s->todo ? (double)c->all.requests / s->todo : 0,
	    (unsigned long long)c->peak);
	if (ideal > 0 && c->done_at > 0)
		printf("%.3f ideal, ",
		    (double)(c->done_at - s->campaign_at) / ideal);
	printf("admitted <= %llu; %u of %u met\n",
	    (unsigned long long)c->all.loading_peak, s->expected - s->missed,
	    s->expected);
}

int
main(int argc, char **argv)
{
	struct sim *s = sim_alloc(NULL, 1, sizeof(*s));
	struct args a;
	double t0 = real_s();
	char *text;
	bool ok;
	int rc = parse(argc, argv, &a);

	if (rc != 0)
		return rc;
	log_init(a.log ? LOGL_DEBUG : LOGL_ERROR);
	memset(s, 0, sizeof(*s));
	s->file = a.file;
	s->seed = a.seed;
	s->verbose = a.verbose;
	text = slurp(a.file);
	rc = text == NULL ? why_set(&s->why, ERR_IO, "cannot be read") :
	    sim_world_open(s);
	if (rc == 0)
		rc = sim_play(s, text);
	if (rc == 0 && a.csv != NULL && (rc = sim_csv(s, a.csv)) != 0)
		(void)why_set(&s->why, rc, "%s: cannot be written", a.csv);
	ok = rc == 0 && s->missed == (s->fails ? s->expected : 0);
	if (rc != 0)
		printf("  FAIL %s:%u: %s: %s\n", a.file, s->line,
		    err_name(rc), s->why.text);
	else
		figures(s, real_s() - t0, ok);
	s->verbose = false;
	sim_world_close(s);
	free(text);
	free(s);
	return ok ? 0 : rc != 0 ? 2 : 1;
}
