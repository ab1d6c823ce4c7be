#include "lib/cert_ssl.h"

#include <time.h>

int
cert_ssl_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return ERR_MALFORMED;
	*ret = (int64_t)timegm(&tm) * 1000;
	return 0;
}

int
cert_ssl_no_pass(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}
