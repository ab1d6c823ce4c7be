/* What no key can know alone. */
#include "lib/conf.h"

#include "lib/policy.h"
#include "lib/text.h"
#include "lib/uri.h"

static int
check_public_uri(const struct conf *c, struct why *why)
{
	struct uri u;
	int rc;

	if (c->public_uri[0] == '\0')
		return 0;
	rc = uri_parse(slice_str(c->public_uri), &u, NULL);
	if (rc != 0 || u.scheme == URI_NONE || u.scheme == URI_OTHER ||
	    u.host.n == 0)
		return why_set(why, ERR_TYPE, "public_uri: must be a CoAP "
		    "URI, e.g. coap://fw.example.org");
	if (u.path.n > 0 || u.query.n > 0 || u.have_fragment)
		return why_set(why, ERR_TYPE, "public_uri: scheme, host and "
		    "port only, without a path");
	return 0;
}

static int
check_campaigns(const struct conf *c, struct why *why)
{
	struct policy p;
	struct why reason = {0};
	unsigned column = 0;
	int rc;

	if (c->group_tag[0] != '\0' &&
	    !text_name_ok(slice_str(c->group_tag), LIMIT_TAG_NAME))
		return why_set(why, ERR_TYPE, "group_tag: a tag's name has "
		    "letters, digits and ._:@-");
	policy_default(&p);
	rc = policy_parse(c->campaign_policy, &p, &column, &reason);
	return rc == 0 ? 0 : why_set(why, rc, "campaign_policy: %s",
	    reason.text);
}

int
conf_check(const struct conf *c, struct why *why)
{
	const char *udp[] = {c->listen_coap, c->listen_coaps,
	    c->listen_admin};
	int rc;

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < 3; j++)
			if (udp[i][0] != '\0' && strcmp(udp[i], udp[j]) == 0 &&
			    strcmp(strrchr(udp[i], ':'), ":0") != 0)
				return why_set(why, ERR_CONFLICT, "two "
				    "listen_ keys have the same address %s",
				    udp[i]);
	if (c->image_max > c->images_total)
		return why_set(why, ERR_RANGE, "image_max is above "
		    "images_total");
	for (size_t i = 0; i < FAIL_CLASSES; i++)
		if (c->track.backoff.rule[i].base_ms >
		    c->track.backoff.rule[i].cap_ms)
			return why_set(why, ERR_RANGE, "retry_%s_base is "
			    "above retry_%s_cap", fail_class_name(i),
			    fail_class_name(i));
	rc = check_campaigns(c, why);
	return rc != 0 ? rc : check_public_uri(c, why);
}
