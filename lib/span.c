#include "lib/span.h"

enum span_news
span_block(struct span *s, uint32_t end, uint32_t total)
{
	bool start = end <= SPAN_BLOCK;

	s->total = total;
	if (s->hi == 0 || end > s->hi + SPAN_BLOCK ||
	    (start && (end < s->hi || s->ended))) {
		s->lo = start ? 0 : end - SPAN_BLOCK;
		s->hi = end;
		s->blocks = 1;
		s->ended = false;
		return start ? SPAN_STARTED : SPAN_JUMPED;
	}
	if (end <= s->hi)
		return SPAN_REPEATED;
	s->hi = end;
	if (s->blocks < UINT8_MAX)
		s->blocks++;
	return SPAN_GREW;
}

bool
span_whole(const struct span *s)
{
	return s->total > 0 && s->hi == s->total &&
	    (s->lo == 0 || s->blocks >= 2);
}

bool
span_step(const struct span *s, uint32_t noted)
{
	return s->hi < noted || s->hi - noted >= s->total / SPAN_SHARE;
}
