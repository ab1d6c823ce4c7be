#include "daemon/http_say.h"

#include "daemon/life.h"

static void
line(struct buf *out, const char *what, bool ok, const char *words)
{
	buf_puts(out, what);
	buf_puts(out, ok ? ": ok, " : ": NOT OK, ");
	buf_puts(out, words);
	buf_puts(out, "\n");
}

bool
http_say_health(struct app *app, struct buf *out)
{
	int64_t due;
	int rc = app->store->ops->next_due(app->store, &due);

	line(out, "loop", true, "it turns");
	line(out, "store", rc == 0, rc == 0 ? "it answers" : err_text(rc));
	return rc == 0;
}

bool
http_say_ready(struct app *app, struct buf *out)
{
	enum life_state st = life_state(app->life);
	struct health_report r;
	bool ok;

	health_read(&app->health, &r);
	line(out, "state", st == LIFE_READY, life_text(st));
	line(out, "writes", r.writable, r.writable ?
	    "the disk takes them" : r.text);
	ok = http_say_health(app, out);
	return ok && st == LIFE_READY && r.writable;
}
