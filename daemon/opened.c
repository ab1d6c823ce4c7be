#include "daemon/opened.h"

#include <stdio.h>
#include <string.h>

#include "lib/eyes.h"

bool
opened_rights(const struct conf *c, char dst[OPENED_TEXT])
{
	size_t n = 0;

	for (unsigned k = EYES_NONE + 1; k < EYES_KINDS; k++)
		if (eyes_wanted(c, (enum eyes)k))
			n += (size_t)snprintf(dst + n, OPENED_TEXT - n, "%s%s",
			    n == 0 ? "two persons for " : ", ",
			    eyes_name((enum eyes)k));
	if (n == 0)
		snprintf(dst, OPENED_TEXT, "open: one person alone may do all "
		    "that his role allows (four_eyes)");
	return n == 0;
}

/* Signed manifests and images are for everybody, which is as it should be. */
bool
opened_strangers(const struct conf *c, char dst[OPENED_TEXT])
{
	static const char *const echo[] = {
		[CONF_ECHO_OFF] = "open: they get long answers to forged "
		    "addresses (echo)",
		[CONF_ECHO_AMPLIFYING] = "until their address is shown they "
		    "get three times what they send",
		[CONF_ECHO_ALWAYS] = "they have to show their address first",
	};
	static const char *const unknown[] = {
		[CONF_UNKNOWN_ACCEPT] = "open: they may register as new "
		    "devices (unknown_devices)",
		[CONF_UNKNOWN_CERTIFIED] = "with a certificate they may "
		    "register",
		[CONF_UNKNOWN_REFUSE] = "they may not register",
	};

	snprintf(dst, OPENED_TEXT, "%s; %s", echo[c->echo],
	    unknown[c->unknown_devices]);
	return c->echo == CONF_ECHO_OFF ||
	    c->unknown_devices == CONF_UNKNOWN_ACCEPT;
}

bool
opened_authors(const struct conf *c, char dst[OPENED_TEXT])
{
	bool open = c->allow_unsigned || !eyes_wanted(c, EYES_AUTHOR);

	snprintf(dst, OPENED_TEXT, "%s", c->allow_unsigned ? "open: manifests "
	    "without a signature can be published (allow_unsigned)" : open ?
	    "open: who has an operator's key makes authors (trust_root)" :
	    "two operators make authors");
	return open;
}
