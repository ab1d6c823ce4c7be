/*
 * A table from COSE's algorithm numbers to OpenSSL's. SHAKE (-18, -45) is
 * left out: no device that we know of uses it, and OpenSSL's default output
 * lengths differ from RFC 9054's.
 */
#include "lib/digest.h"

#include <stdlib.h>

#include "lib/digest_ssl.h"

static const struct {
	int alg;
	size_t size;
	const EVP_MD *(*md)(void);
} algs[] = {
	{DIGEST_SHA256, 32, EVP_sha256},
	{DIGEST_SHA384, 48, EVP_sha384},
	{DIGEST_SHA512, 64, EVP_sha512},
};

struct digest_ctx {
	int alg;
	EVP_MD_CTX *md;
};

static int
find(int alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (algs[i].alg == alg)
			return (int)i;
	}
	return -1;
}

size_t
digest_size(int alg)
{
	int i = find(alg);

	return i < 0 ? 0 : algs[i].size;
}

int
digest_compute(int alg, struct slice in, struct digest *ret)
{
	struct digest d = {0};
	int i = find(alg);

	if (i < 0)
		return ERR_ALGORITHM;
	d.alg = alg;
	d.n = algs[i].size;
	if (EVP_Digest(in.p, in.n, d.b, NULL, algs[i].md(), NULL) != 1)
		return ERR_CRYPTO;
	*ret = d;
	return 0;
}

bool
digest_eq(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && slice_eq(digest_slice(a), digest_slice(b));
}

int
digest_sha1(struct slice a, struct slice b, uint8_t ret[DIGEST_SHA1_SIZE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t h[EVP_MAX_MD_SIZE];
	int rc = 0;

	if (md == NULL)
		return ERR_NOMEM;
	if (EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(md, a.p, a.n) != 1 ||
	    EVP_DigestUpdate(md, b.p, b.n) != 1 ||
	    EVP_DigestFinal_ex(md, h, NULL) != 1)
		rc = ERR_CRYPTO;
	else
		memcpy(ret, h, DIGEST_SHA1_SIZE);
	EVP_MD_CTX_free(md);
	return rc;
}

struct digest_ctx *
digest_new(int alg)
{
	struct digest_ctx *c;
	int i = find(alg);

	if (i < 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->alg = alg;
	c->md = EVP_MD_CTX_new();
	if (c->md == NULL ||
	    EVP_DigestInit_ex(c->md, algs[i].md(), NULL) != 1) {
		digest_free(c);
		return NULL;
	}
	return c;
}

int
digest_update(struct digest_ctx *c, struct slice in)
{
	return EVP_DigestUpdate(c->md, in.p, in.n) == 1 ? 0 : ERR_CRYPTO;
}

int
digest_final(struct digest_ctx *c, struct digest *ret)
{
	struct digest d = {0};

	d.alg = c->alg;
	d.n = digest_size(c->alg);
	if (EVP_DigestFinal_ex(c->md, d.b, NULL) != 1)
		return ERR_CRYPTO;
	*ret = d;
	return 0;
}

void
digest_free(struct digest_ctx *c)
{
	if (c == NULL)
		return;
	EVP_MD_CTX_free(c->md);
	free(c);
}
