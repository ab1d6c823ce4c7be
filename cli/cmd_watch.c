/*
 * cmd_watch: campaign watch. Everything follows from the daemon's news about
 * the campaign; which devices are slow or stuck is asked then, and not more
 * often than every few seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/online.h"
#include "cli/watch.h"
#include "lib/text.h"

#define NOTABLE_MS 5000
#define LINE 1024
#define TRIES 5 /* to find the daemon again, AGAIN_S apart at least */
#define AGAIN_S 1

struct watch {
	struct cli *cli;
	struct client *client;
	struct msg_campaign m;
	struct notable slow, stuck;
	int64_t asked; /* for these, when */
	struct screen screen;
	char last[LINE]; /* the line that was shown last */
	unsigned tries; /* left */
};

static void
measure(struct screen *s)
{
	struct winsize w;

	s->rows = 24;
	s->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 &&
	    w.ws_col > 0) {
		s->rows = w.ws_row;
		s->columns = w.ws_col;
	}
}

static int
ask_notable(struct watch *w, int64_t now)
{
	int rc;

	/* a clock that was set back must not stop it */
	if ((now >= w->asked && now - w->asked < NOTABLE_MS) ||
	    campaign_over(&w->m) ||
	    strcmp(w->m.state, "draft") == 0)
		return CLI_OK;
	w->asked = now;
	rc = campaign_get_notable(w->client, w->m.id, "slow", &w->slow);
	return rc != CLI_OK ? rc : campaign_get_notable(w->client, w->m.id,
	    "stuck", &w->stuck);
}

static int
draw(struct watch *w)
{
	struct watch_view v = {&w->m, &w->slow, &w->stuck, render_now(), 0};
	char *frame = NULL;
	size_t n;
	FILE *f;
	int rc = ask_notable(w, v.now);

	if (rc != CLI_OK)
		return rc;
	f = open_memstream(&frame, &n);
	if (f == NULL)
		return cli_usage("%s", err_text(ERR_NOMEM)), CLI_REFUSED;
	measure(&w->screen);
	v.columns = w->screen.columns;
	watch_frame(f, &v);
	if (fclose(f) == 0)
		watch_draw(stdout, &w->screen, frame);
	free(frame);
	return CLI_OK;
}

static int
show(struct watch *w)
{
	char line[LINE], shown[LINE];

	if (w->cli->json) {
		json_print(stdout, &msg_campaign, &w->m);
		return CLI_OK;
	}
	if (w->cli->tty)
		return draw(w);
	watch_line(&w->m, line, sizeof(line));
	if (strcmp(line, w->last) != 0)
		puts(text_escape(slice_str(line), shown, sizeof(shown)));
	strcpy(w->last, line);
	return CLI_OK;
}

static int
on_campaign(void *arg, const struct client_answer *a)
{
	struct watch *w = arg;
	struct why why = {0};
	int rc;

	if (!a->cbor || msg_get(&msg_campaign, a->body, &w->m, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    a->cbor ? why.text : "not CBOR"), CLI_REFUSED;
	w->tries = TRIES;
	rc = show(w);
	fflush(stdout);
	if (rc != CLI_OK || !campaign_over(&w->m))
		return rc;
	return w->m.counts.failed > 0 || strcmp(w->m.state, "finished") != 0 ?
	    CLI_REFUSED : -1;
}

/* A session ends with its daemon; whoever watches a campaign through the
 * night wants to see it after a restart, too. */
static bool
again(struct watch *w)
{
	if (w->tries == 0)
		return false;
	w->tries--;
	w->screen.shown = 0; /* below what was said about it */
	sleep(AGAIN_S);
	cli_usage("asking again");
	return true;
}

int
cmd_campaign_watch(struct cli *c, int argc, char **argv)
{
	static const struct cli_opt no_opts[] = {{.name = NULL}};
	static struct watch w;
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "campaigns", argv[0], NULL);
	w = (struct watch){.cli = c};
	do {
		rc = client_open(c, &w.client);
		if (rc != CLI_OK)
			return rc;
		rc = client_observe(w.client, &rq, on_campaign, &w);
		client_close(w.client);
	} while (rc == CLI_UNREACHABLE && again(&w));
	return rc;
}
