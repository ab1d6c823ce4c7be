/*
 * ping: is the daemon there? Also what watches it in a container, and what
 * scripts wait with for its start: then it has an end, whatever happens, and
 * of all that was tried in vain only the last is said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/online.h"
#include "cli/render.h"

#define WAIT_MAX 3600 /* seconds */
#define PAUSE_MS 100 /* between two tries */

static double
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int
ask(struct client *cl, struct msg_status *ret, double *ret_ms)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/status"};
	double start = mono_ms();
	int rc = client_get(cl, &rq, &msg_status, ret);

	*ret_ms = mono_ms() - start;
	return rc;
}

/* Two questions: the first one has the handshake in it. `end`: 0 or when. */
static int
ping(const struct cli *c, double end)
{
	struct client *cl;
	struct msg_status m;
	double ms[2];
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	if (end > 0)
		client_end(cl, (int64_t)end);
	rc = ask(cl, &m, &ms[0]);
	if (rc == CLI_OK)
		rc = ask(cl, &m, &ms[1]);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_status, &m);
	else if (rc == CLI_OK)
		printf("suitd %s at %s: handshake and answer %.1f ms, answer "
		    "%.1f ms\n", m.version, client_uri(cl), ms[0], ms[1]);
	client_close(cl);
	return rc;
}

int
cmd_ping(struct cli *c, int argc, char **argv)
{
	static const struct timespec pause = {0, PAUSE_MS * 1000000L};
	const char *wait = NULL;
	uint64_t seconds = 0;
	double end;
	int rc;
	const struct cli_opt opts[] = {
		{.name = "--wait", .value = &wait},
		{.name = NULL},
	};

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	if (wait == NULL)
		return ping(c, 0);
	if (cli_number("--wait", wait, &seconds) < 0 || seconds < 1 ||
	    seconds > WAIT_MAX)
		return cli_usage("--wait: 1 to %d seconds", WAIT_MAX);
	end = mono_ms() + (double)seconds * 1e3;
	cli_hush();
	for (;;) {
		rc = ping(c, end);
		if (rc != CLI_UNREACHABLE || mono_ms() + PAUSE_MS >= end)
			break;
		nanosleep(&pause, NULL);
	}
	cli_speak(rc != CLI_OK);
	return rc;
}
