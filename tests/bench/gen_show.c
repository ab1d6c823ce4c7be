#include "tests/bench/gen.h"

#include <stdio.h>
#include <sys/resource.h>

static void
number(const char *name, uint64_t v)
{
	printf(",\"%s\":%llu", name, (unsigned long long)v);
}

static void
fraction(const char *name, double v)
{
	printf(",\"%s\":%.6g", name, v);
}

static void
show_hist(const struct hist *h)
{
	static const struct {
		const char *name;
		double q;
	} rows[] = {
		{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99},
		{"p999_us", 0.999},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		number(rows[i].name, hist_quantile(h, rows[i].q));
	number("max_us", h->max);
}

static void
show_codes(const struct tally *t)
{
	const char *comma = "";

	fputs(",\"codes\":{", stdout);
	for (unsigned c = 0; c < 256; c++) {
		if (t->codes[c] == 0)
			continue;
		printf("%s\"%u\":%llu", comma, code_number((uint8_t)c),
		    (unsigned long long)t->codes[c]);
		comma = ",";
	}
	putchar('}');
}

static void
show_mode(const struct gen *g, const struct span *s)
{
	const struct tally *t = &g->t;

	if (g->a->from_start)
		number("images", t->images);
	if (g->a->think > 0)
		number("overslept_p99_us", hist_quantile(&t->overslept, 0.99));
	if (g->a->mode == GEN_OBSERVE) {
		number("registered", t->registered);
		number("notifications", t->notifications);
		fraction("first_seconds", (double)t->first_us / 1e6);
		fraction("last_seconds", (double)t->last_us / 1e6);
	}
	if (g->tls != NULL) {
		number("handshakes", t->handshakes);
		number("refused", t->refused);
		number("lost_sessions", t->lost_sessions);
		fraction("handshake_seconds", g->handshake_seconds);
	}
	fraction("cpu_us", t->done > 0 ? 1e6 * s->cpu / (double)t->done : 0);
}

void
show_json(const struct gen *g, const struct span *s)
{
	const struct tally *t = &g->t;
	const struct net_counts n = net_counts(g->net);
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("{\"mode\":\"%s\"", gen_mode_name(g->a->mode));
	number("peers", g->a->peers);
	number("window", g->a->window);
	if (g->a->szx != GEN_UNSET)
		number("szx", g->a->szx);
	number("done", t->done);
	number("bad", t->bad);
	number("retransmissions", t->retransmissions);
	number("given_up", t->given_up);
	number("strays", t->strays);
	number("strangers", n.strangers);
	number("unsent", n.unsent);
	number("late", t->late);
	fraction("seconds", s->seconds);
	fraction("rate", s->seconds > 0 ? (double)t->done / s->seconds : 0);
	fraction("cpu", s->cpu);
	show_hist(&t->latency);
	fraction("answer_bytes", t->latency.n > 0 ?
	    (double)t->answer_bytes / (double)t->latency.n : 0);
	show_codes(t);
	show_mode(g, s);
	number("rss_kib", (uint64_t)ru.ru_maxrss);
	puts("}");
}

void
show_progress(const struct gen *g)
{
	const struct tally *t = &g->t;

	fprintf(stderr, "coapgen: %.0f s, %llu done, %llu bad, %llu repeated, "
	    "%llu given up, %u in sight",
	    (double)(g->now - g->start) / 1e6, (unsigned long long)t->done,
	    (unsigned long long)t->bad,
	    (unsigned long long)t->retransmissions,
	    (unsigned long long)t->given_up, g->in_sight);
	if (g->tls != NULL)
		fprintf(stderr, ", %llu sessions",
		    (unsigned long long)t->handshakes);
	if (g->a->mode == GEN_OBSERVE)
		fprintf(stderr, ", %llu notifications",
		    (unsigned long long)t->notifications);
	fputc('\n', stderr);
}
