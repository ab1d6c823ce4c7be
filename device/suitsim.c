/*
 * suitsim: thousands of devices against a daemon, from one process. See
 * device/sim.h for the cut, suitsim(1) for the options.
 *
 * Exit 0 when every device ended as expected (updated, or kept what it runs
 * because that is newer, or what its fault leads to), 1 when not, 2 when
 * used wrongly.
 */
#include "device/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/text.h"

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

int64_t
sim_now(const struct sim *s)
{
	return clock_ms() - s->t0;
}

/* Which device is of which kind: dealt out in turn, by the shares. */
static void
deal_kinds(struct sim *s)
{
	unsigned all = 0, dealt[SIM_KINDS] = {0};

	for (size_t k = 0; k < SIM_KINDS; k++)
		all += s->args.mix[k];
	for (unsigned i = 0; i < s->args.n; i++) {
		size_t best = 0;
		int64_t most = INT64_MIN;

		for (size_t k = 0; k < SIM_KINDS; k++) {
			int64_t behind = (int64_t)s->args.mix[k] * (i + 1) -
			    (int64_t)dealt[k] * all;

			if (s->args.mix[k] > 0 && behind > most) {
				most = behind;
				best = k;
			}
		}
		dealt[best]++;
		s->dev[i].kind = sim_kinds[best];
	}
}

/* The last ones run a newer sequence, the first ones lose power. */
static void
deal_roles(struct sim *s)
{
	unsigned newer = s->args.newer, kill = s->args.kill_n;

	for (unsigned i = s->args.n; i-- > 0 && newer > 0;) {
		if (s->dev[i].kind->riot)
			continue; /* a server cannot know what these run */
		s->dev[i].newer = true;
		newer--;
	}
	for (unsigned i = 0; i < s->args.n && kill > 0; i++) {
		if (s->dev[i].newer || s->dev[i].kind->riot)
			continue; /* RIOT keeps nothing over a power loss */
		s->dev[i].kill = true;
		kill--;
	}
}

static int
give_key(struct sim *s, const char *ep, const char *hex)
{
	for (unsigned i = 0; i < s->args.n; i++) {
		struct sim_dev *d = &s->dev[i];
		struct buf b = buf_of(d->psk, sizeof d->psk);
		int err;

		if (strcmp(d->ep, ep) != 0)
			continue;
		err = text_unhex(slice_str(hex), &b);
		d->psk_n = b.n;
		return err;
	}
	return 0; /* a key of somebody else */
}

static int
read_keys(struct sim *s)
{
	char line[512], ep[LIMIT_EP + 1], hex[2 * LIMIT_PSK_KEY + 1];
	FILE *f = fopen(s->args.psk_file, "re");
	int err = 0;

	if (f == NULL) {
		fprintf(stderr, "suitsim: %s: %m\n", s->args.psk_file);
		return ERR_IO;
	}
	while (err == 0 && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "%63s %128s", ep, hex) == 2 && ep[0] != '#')
			err = give_key(s, ep, hex);
	fclose(f);
	for (unsigned i = 0; err == 0 && i < s->args.n; i++)
		if (s->dev[i].psk_n == 0) {
			fprintf(stderr, "suitsim: no key for %s\n",
			    s->dev[i].ep);
			err = ERR_KEY;
		}
	if (err == 0)
		err = dtls_ctx_new(&s->dtls_ctx);
	return err;
}

/* Two descriptors a device, and some. */
static void
raise_limit(unsigned n)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	if (r.rlim_cur < 2 * n + 64) {
		r.rlim_cur = r.rlim_max < 2 * n + 64 ? r.rlim_max :
		    2 * n + 64;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
setup(struct sim *s)
{
	struct why why = {0};
	int err;

	s->tty = isatty(STDERR_FILENO) == 1;
	s->rnd = s->args.seed ^ 0x77697265;
	s->t0 = clock_ms();
	s->base = event_base_new();
	s->dev = calloc(s->args.n, sizeof s->dev[0]);
	if (s->base == NULL || s->dev == NULL)
		return ERR_NOMEM;
	raise_limit(s->args.n);
	s->server.ss.ss_family = AF_INET;
	if (s->args.server != NULL && sim_net_server(s, &why) != 0) {
		fprintf(stderr, "suitsim: %s\n", why.text);
		return why.err;
	}
	if (s->args.addr_base == UINT32_MAX)
		s->args.addr_base = sim_net_loopback(s) ? 0x7f010000 : 0;
	deal_kinds(s);
	deal_roles(s);
	for (unsigned i = 0; i < s->args.n; i++) {
		err = sim_dev_new(s, i);
		if (err != 0)
			return err;
	}
	return s->args.psk_file != NULL ? read_keys(s) : 0;
}

static void
on_second(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sim_show_progress(arg);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct sim *s = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(s->base);
}

static int
run(struct sim *s)
{
	const struct timeval second = {s->tty ? 0 : 1, s->tty ? 200000 : 0};
	struct event *sig[2] = {
	    evsignal_new(s->base, SIGINT, on_signal, s),
	    evsignal_new(s->base, SIGTERM, on_signal, s)};
	int err = 0;

	s->show = event_new(s->base, -1, EV_PERSIST, on_second, s);
	if (sig[0] == NULL || sig[1] == NULL || s->show == NULL)
		err = ERR_NOMEM;
	for (unsigned i = 0; err == 0 && i < s->args.n; i++) {
		err = sim_dev_power_on(&s->dev[i]);
		if (err != 0)
			fprintf(stderr, "suitsim: %s: %s\n", s->dev[i].ep,
			    s->dev[i].core.why.text);
	}
	if (err == 0) {
		event_add(sig[0], NULL);
		event_add(sig[1], NULL);
		event_add(s->show, &second);
		if (s->args.until > 0) {
			struct timeval end = {(time_t)s->args.until,
			    (suseconds_t)((s->args.until -
			    (double)(time_t)s->args.until) * 1e6)};

			event_base_loopexit(s->base, &end);
		}
		event_base_dispatch(s->base);
	}
	for (int i = 0; i < 2; i++)
		if (sig[i] != NULL)
			event_free(sig[i]);
	if (s->show != NULL)
		event_free(s->show);
	return err;
}

static bool
all_well(const struct sim *s)
{
	for (unsigned i = 0; i < s->args.n; i++)
		if (s->dev[i].result != (s->dev[i].newer ? SIM_NEWER :
		    sim_fault_end(&s->args, s->dev[i].fault)))
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct sim s = {0};
	int code, err;

	err = sim_args_parse(argc, argv, &s.args);
	if (err != 0) {
		sim_args_fini(&s.args);
		return err == 1 ? 0 : 2;
	}
	err = setup(&s);
	code = err != 0 ? 2 : 0;
	if (err == 0 && s.args.list) {
		sim_show_list(&s);
	} else if (err == 0) {
		code = run(&s) != 0 ? 2 : 0;
		if (code == 0) {
			sim_show_end(&s);
			code = all_well(&s) ? 0 : 1;
		}
	}
	for (unsigned i = 0; s.dev != NULL && i < s.args.n; i++)
		sim_dev_free(&s.dev[i]);
	sim_net_fini(&s);
	free(s.dev);
	dtls_ctx_free(s.dtls_ctx);
	if (s.base != NULL)
		event_base_free(s.base);
	sim_args_fini(&s.args);
	return code;
}
