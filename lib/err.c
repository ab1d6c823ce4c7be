#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	unsigned coap;
	const char *text;
} errs[ERR_POS_END_] = {
	[0] = {"OK", 205, "ok"},
#define E(name, code, text) [ERR_POS_##name] = {#name, code, text},
	ERR_LIST(E)
#undef E
};

static int
err_index(int err)
{
	return err <= 0 && -err < ERR_POS_END_ ? -err : -1;
}

const char *
err_name(int err)
{
	int i = err_index(err);

	return i < 0 ? "UNKNOWN" : errs[i].name;
}

const char *
err_text(int err)
{
	int i = err_index(err);

	return i < 0 ? "unknown error" : errs[i].text;
}

unsigned
err_coap(int err)
{
	int i = err_index(err);

	return i < 0 ? 500 : errs[i].coap;
}

int
why_set(struct why *w, int err, const char *fmt, ...)
{
	va_list ap;

	if (w == NULL)
		return err;
	w->err = err;
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	return err;
}
