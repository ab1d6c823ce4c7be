#include "lib/eyes.h"

#include <string.h>

#include "lib/rights.h"

static const struct {
	const char *name;
	unsigned role;
} kinds[EYES_KINDS] = {
	[EYES_NONE] = {"", ROLE_NOBODY},
	[EYES_PUBLISH] = {"publish", ROLE_AUTHOR | ROLE_OPERATOR},
	[EYES_AUTHOR] = {"author", ROLE_OPERATOR},
	[EYES_PRINCIPAL] = {"principal", ROLE_GRANT},
	[EYES_TRUST] = {"trust", ROLE_OPERATOR},
	[EYES_CAMPAIGN] = {"campaign", ROLE_OPERATOR},
};

const char *
eyes_name(enum eyes kind)
{
	return (unsigned)kind < EYES_KINDS ? kinds[kind].name : "";
}

unsigned
eyes_roles(enum eyes kind)
{
	return (unsigned)kind < EYES_KINDS ? kinds[kind].role : ROLE_NOBODY;
}

static int
add_word(const char *word, size_t n, unsigned *set, struct why *why)
{
	for (unsigned k = EYES_NONE + 1; k < EYES_KINDS; k++) {
		if (strlen(kinds[k].name) != n ||
		    memcmp(kinds[k].name, word, n) != 0)
			continue;
		if (*set & 1u << k)
			return why_set(why, ERR_DUPLICATE, "%s is there "
			    "twice", kinds[k].name);
		*set |= 1u << k;
		return 0;
	}
	return why_set(why, ERR_NOT_FOUND, "%.*s: there are publish, author, "
	    "principal, trust and campaign", (int)(n < 64 ? n : 64), word);
}

int
eyes_parse(const char *text, unsigned *ret, struct why *why)
{
	unsigned set = 0;
	size_t n;
	int rc = 0;

	while (rc == 0 && *(text += strspn(text, " ,")) != '\0') {
		n = strcspn(text, " ,");
		rc = add_word(text, n, &set, why);
		text += n;
	}
	if (rc == 0)
		*ret = set == 0 ? 0 : set | 1u << EYES_PRINCIPAL;
	return rc;
}

bool
eyes_wanted(const struct conf *c, enum eyes kind)
{
	unsigned set = 0;

	if (eyes_parse(c->four_eyes, &set, NULL) != 0)
		return true; /* conf_check does not let it pass */
	if (c->campaign_approval)
		set |= 1u << EYES_CAMPAIGN | 1u << EYES_PRINCIPAL;
	return kind != EYES_NONE && (set & 1u << kind) != 0;
}
