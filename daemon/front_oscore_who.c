/* What is known of contexts without any socket. */
#include "daemon/front_oscore.h"

#include "daemon/oscore.h"

bool
front_oscore_who(const struct front *f, const coap_session_t *s,
    struct oscore_who *ret)
{
	const coap_address_t *a = coap_session_get_addr_remote(s);

	return f->contexts != NULL && oscore_who(f->contexts,
	    ntohl(a->addr.sin.sin_addr.s_addr) & 0xffffff, ret);
}

const char *
front_oscore_identity(const struct front *f, const coap_session_t *s)
{
	struct oscore_who who;

	return front_oscore_who(f, s, &who) ? who.identity : "";
}

void
front_oscore_forget(struct front *f, const char *identity)
{
	if (f->contexts != NULL)
		oscore_forget(f->contexts, identity);
}

void
front_oscore_stats(const struct front *f, struct front_stats *ret)
{
	struct oscore_stats st = {0};

	if (f->contexts != NULL)
		oscore_stats(f->contexts, &st);
	ret->oscore_contexts = st.live;
	ret->oscore_challenged = st.challenged;
	ret->oscore_replayed = st.replayed;
	ret->oscore_refused = st.refused;
}
