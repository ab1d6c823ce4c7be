/* watch: frames. Escapes are those that every terminal since the VT100 has. */
#include "cli/watch.h"

#include <inttypes.h>

#define FAILURES_SHOWN 5

void
watch_frame(FILE *out, const struct watch_view *v)
{
	const struct msg_campaign *m = v->m;

	render_linef(out, "campaign", "%" PRIu64 " %s%s%s, release %" PRIu64
	    ", sequence %" PRIu64, m->id, m->name, m->name[0] != '\0' ?
	    ", " : "", m->state, m->release, m->target);
	render_line(out, "because", m->cause);
	campaign_progress(out, m, v->now);
	campaign_waves(out, m, v->columns);
	campaign_failures(out, m, FAILURES_SHOWN);
	if (campaign_over(m))
		return;
	campaign_notable(out, "slowest", v->slow, v->now);
	campaign_notable(out, "stuck", v->stuck, v->now);
}

void
watch_line(const struct msg_campaign *m, char *dst, size_t cap)
{
	char bar[64], counts[192], wave[48] = "", work[MSG_WORD + 3] = "";
	char flow[64] = "";

	if (m->wave_count > 0)
		snprintf(wave, sizeof(wave), ", wave %u of %zu", m->wave,
		    m->wave_count);
	if (m->work[0] != '\0')
		snprintf(work, sizeof(work), " (%s)", m->work);
	/* by percents, so that a log has a hundred lines of it at most */
	if (m->downloads > 0 && m->bytes_total > 0)
		snprintf(flow, sizeof(flow), ", %" PRIu64 " download now (%u "
		    "%%)", m->downloads, (unsigned)(100.0 *
		    (double)m->bytes_done / (double)m->bytes_total));
	snprintf(dst, cap, "campaign %" PRIu64 " %s%s %s %s%s%s%s%s%s%s",
	    m->id, m->state, work, render_bar(bar, sizeof(bar), 30,
	    m->counts.done, render_total(&m->counts)), render_counts(counts,
	    sizeof(counts), &m->counts), flow, wave,
	    m->cause[0] != '\0' ? ", " : "", m->cause,
	    m->hold[0] != '\0' ? ", on hold: " : "", m->hold);
}

/*
 * Bytes of the line that fit into `columns`. A character from U+1100 on may
 * be two columns wide and is taken for it: a line too short does no harm,
 * one that wraps would move all below it.
 */
static size_t
fit(const char *line, size_t n, unsigned columns)
{
	unsigned used = 0, width;
	size_t i = 0, len;

	while (i < n) {
		unsigned char c = (unsigned char)line[i];

		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		width = c > 0xe1 || (c == 0xe1 && i + 1 < n &&
		    (unsigned char)line[i + 1] >= 0x84) ? 2 : 1;
		if (used + width > columns)
			break;
		used += width;
		i += len;
	}
	return i < n ? i : n;
}

void
watch_draw(FILE *out, struct screen *s, const char *frame)
{
	/* the last row is the cursor's; a frame of 0 lines would say nothing */
	unsigned room = s->rows > 2 ? s->rows - 1 : 1, lines = 0, left;
	size_t n;

	for (const char *p = frame; *p != '\0'; p++)
		lines += *p == '\n';
	if (s->shown > 0)
		fprintf(out, "\033[%uA\r", s->shown > room ? room : s->shown);
	left = lines > room ? room - 1 : lines;
	s->shown = lines > room ? room : lines;
	for (unsigned i = 0; i < left; i++) {
		n = strcspn(frame, "\n");
		fprintf(out, "%.*s\033[K\n", (int)fit(frame, n, s->columns),
		    frame);
		frame += n + 1;
	}
	if (lines > room)
		fprintf(out, "%.*s\033[K\n", (int)s->columns,
		    "... the terminal is too low for the rest");
	fputs("\033[J", out);
}
