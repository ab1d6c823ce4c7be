/*
 * What the user sees: on a terminal one line that is redrawn; in a pipe a
 * plain line a second while something changes; at the end a table, or JSON.
 */
#include "device/sim.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const result_name[SIM_RESULTS] = {
    "pending", "updated", "newer", "refused", "bricked", "rolled-back",
    "recovery", "muted"};

struct tally {
	unsigned result[SIM_RESULTS], phase[SUITDEV_REBOOT + 1];
	uint64_t done, total, blocks, retransmitted;
};

static void
tally(const struct sim *s, struct tally *t)
{
	memset(t, 0, sizeof *t);
	for (unsigned i = 0; i < s->args.n; i++) {
		const struct sim_dev *d = &s->dev[i];
		uint64_t done, total;

		t->result[d->result]++;
		t->blocks += d->blocks + d->core.count.blocks;
		t->retransmitted += d->repeats +
		    d->exch.count.retransmitted;
		if (d->result != SIM_PENDING)
			continue;
		suitdev_progress(&d->core, &done, &total);
		t->phase[total > 0 ? SUITDEV_FETCH : d->core.phase]++;
		t->done += done;
		t->total += total;
	}
}

void
sim_show_list(const struct sim *s)
{
	for (unsigned i = 0; i < s->args.n; i++) {
		const struct sim_dev *d = &s->dev[i];
		const bool push = d->kind->triggers;
		char addr[LIMIT_ADDRESS];

		printf("%s %s %s %s\n", d->ep, d->kind->pushed ? "manifest" :
		    push ? "trigger" :
		    d->kind->observes ? "observe" : "none",
		    push ? sim_net_address(d, addr, sizeof addr) : "-",
		    d->kind->name);
	}
}

static void
bar(char *dst, unsigned width, unsigned part, unsigned all)
{
	const unsigned n = all > 0 ? width * part / all : 0;

	memset(dst, '-', width);
	memset(dst, '#', n);
	dst[width] = '\0';
}

void
sim_show_progress(struct sim *s)
{
	static uint64_t shown = UINT64_MAX; /* the last line's content */
	struct tally t;
	char line[31];

	if (s->args.json && !s->args.verbose)
		return;
	tally(s, &t);
	bar(line, 30, s->ended, s->args.n);
	if (s->tty) {
		fprintf(stderr, "\r[%s] %u/%u ended  %u fetching  %u off  "
		    "%llu blocks  %llu repeats  %llu lost \033[K", line,
		    s->ended, s->args.n, t.phase[SUITDEV_FETCH],
		    t.phase[SUITDEV_OFF], (unsigned long long)t.blocks,
		    (unsigned long long)t.retransmitted,
		    (unsigned long long)s->lost);
	} else if (t.blocks * 1000 + s->ended != shown) {
		fprintf(stderr, "%6.1f s  %u of %u ended, %u fetching, %u off,"
		    " %llu blocks, %llu repeats, %llu lost\n",
		    (double)sim_now(s) / 1000, s->ended, s->args.n,
		    t.phase[SUITDEV_FETCH], t.phase[SUITDEV_OFF],
		    (unsigned long long)t.blocks,
		    (unsigned long long)t.retransmitted,
		    (unsigned long long)s->lost);
	}
	shown = t.blocks * 1000 + s->ended;
}

void
sim_show_line(const struct sim_dev *d, const char *fmt, ...)
{
	va_list ap;
	char text[256];

	if (!d->sim->args.verbose)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%8.3f %s %s: %s\n", d->sim->tty ? "\r\033[K" : "",
	    (double)sim_now(d->sim) / 1000, d->ep, d->kind->name, text);
}

static const char *
reason(const struct sim_dev *d)
{
	static const char *const how[SIM_KINDS][2] = {
	    {"plain", "polled its class"}, {"poll", "polled"},
	    {"observe", "polled"},
	    {"trigger", "was triggered"}, {"manifest", "was given it"},
	    {"riot", "was triggered"}};

	if (d->result == SIM_UPDATED) {
		for (size_t i = 0; i < SIM_KINDS; i++)
			if (strcmp(how[i][0], d->kind->name) == 0)
				return d->killed ? "died on the way, went on" :
				    d->core.count.notified > 0 ?
				    "was notified" : how[i][1];
	}
	if (d->result == SIM_BRICKED)
		return "installed, and did not start again";
	if (d->result == SIM_MUTED)
		return "takes work and fetches nothing";
	if (d->result == SIM_NEWER)
		return d->core.refused == REASON_SEQUENCE ?
		    d->core.why.text : "runs a newer one; nothing was offered";
	return d->core.why.text[0] != '\0' ? d->core.why.text :
	    "waits; nothing came";
}

static void
json_text(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void
show_json(const struct sim *s)
{
	printf("{\"seconds\":%.3f,\"datagrams\":%llu,\"lost\":%llu,"
	    "\"doubled\":%llu,\"devices\":[", (double)sim_now(s) / 1000,
	    (unsigned long long)s->passed, (unsigned long long)s->lost,
	    (unsigned long long)s->doubled);
	for (unsigned i = 0; i < s->args.n; i++) {
		const struct sim_dev *d = &s->dev[i];

		printf("%s\n{\"ep\":", i > 0 ? "," : "");
		json_text(d->ep);
		printf(",\"kind\":\"%s\",\"state\":\"%s\",\"sequence\":%llu,"
		    "\"attempts\":%llu,\"blocks\":%llu,"
		    "\"retransmissions\":%llu,\"boot_reports\":%llu,"
		    "\"seconds\":%.3f,\"why\":",
		    d->kind->name, result_name[d->result],
		    (unsigned long long)d->core.nv.sequence,
		    (unsigned long long)d->attempts,
		    (unsigned long long)(d->blocks + d->core.count.blocks),
		    (unsigned long long)(d->repeats +
		    d->exch.count.retransmitted),
		    (unsigned long long)d->attest.taken,
		    (double)d->ended / 1000);
		json_text(reason(d));
		putchar('}');
	}
	printf("]}\n");
}

void
sim_show_end(struct sim *s)
{
	struct tally t;

	if (s->tty)
		fprintf(stderr, "\r\033[K");
	if (s->args.json) {
		show_json(s);
		return;
	}
	tally(s, &t);
	if (s->args.n <= 100 || s->args.verbose)
		printf("%-16s %-8s %-11s %8s %8s %8s %8s  %s\n", "device",
		    "kind", "state", "runs", "attempts", "blocks", "repeats",
		    "how");
	for (unsigned i = 0; i < s->args.n; i++) {
		const struct sim_dev *d = &s->dev[i];

		if (s->args.n > 100 && !s->args.verbose &&
		    (d->result == SIM_UPDATED || d->result == SIM_NEWER))
			continue; /* of a big fleet only what went wrong */
		printf("%-16s %-8s %-11s %8llu %8llu %8llu %8llu  %.100s\n",
		    d->ep, d->kind->name, result_name[d->result],
		    (unsigned long long)d->core.nv.sequence,
		    (unsigned long long)d->attempts,
		    (unsigned long long)(d->blocks + d->core.count.blocks),
		    (unsigned long long)(d->repeats +
		    d->exch.count.retransmitted),
		    reason(d));
	}
	printf("%u devices in %.1f s: %u updated, %u newer, %u refused, "
	    "%u pending", s->args.n, (double)sim_now(s) / 1000,
	    t.result[SIM_UPDATED], t.result[SIM_NEWER],
	    t.result[SIM_REFUSED], t.result[SIM_PENDING]);
	for (unsigned r = SIM_BRICKED; r < SIM_RESULTS; r++)
		if (t.result[r] > 0)
			printf(", %u %s", t.result[r], result_name[r]);
	printf("; %llu blocks, %llu of %llu datagrams lost\n",
	    (unsigned long long)t.blocks, (unsigned long long)s->lost,
	    (unsigned long long)s->passed);
}
