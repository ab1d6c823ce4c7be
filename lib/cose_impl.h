/*
 * cose_impl: what the cose_*.c files share; for nobody else.
 *
 *   cose.c        reads a message and proves it
 *   cose_sign.c   makes one
 *   cose_crypt.c  one signature by one key, and the table of algorithms
 *   cose_key.c    a key's life and its encodings
 *   cose_read.c   a key from whatever bytes somebody has
 */
#ifndef SUITD_LIB_COSE_IMPL_H
#define SUITD_LIB_COSE_IMPL_H

#include "lib/cose.h"
#include "lib/digest_ssl.h"

#define COSE_HMAC_MIN 16
#define COSE_HMAC_MAX 64
#define COSE_COORD_MAX 66

/* Header parameters, RFC 9052 3.1. */
enum { HDR_ALG = 1, HDR_CRIT = 2, HDR_CONTENT_TYPE = 3, HDR_KID = 4 };
/* COSE_Key, RFC 9052 7.1 and RFC 9053 7. */
enum { KEY_KTY = 1, KEY_KID = 2, KEY_ALG = 3, KEY_OPS = 4 };
enum { KEY_CRV = -1, KEY_X = -2, KEY_Y = -3, KEY_D = -4, KEY_K = -1 };
enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_SYMMETRIC = 4 };

struct cose_key {
	enum cose_key_kind kind;
	bool have_private;
	EVP_PKEY *pkey; /* NULL for HMAC */
	uint8_t mac[COSE_HMAC_MAX];
	size_t mac_n;
	uint8_t id[8]; /* see cose_key_id */
	uint8_t kid[LIMIT_KID];
	size_t kid_n;
};

struct cose_kind {
	const char *name;
	const char *type; /* OpenSSL's name of the key type */
	const char *group; /* ... and of the curve */
	int kty, crv;
	size_t coord; /* bytes of x, y, d */
	int alg; /* the default */
};
extern const struct cose_kind cose_kinds[];
#define COSE_KINDS (COSE_KEY_HMAC + 1)

struct cose_alg {
	int alg;
	const char *name;
	enum cose_key_kind kind;
	const EVP_MD *(*md)(void); /* NULL: the algorithm has its own */
	size_t sig; /* bytes */
};
/* NULL when it is not known here. */
const struct cose_alg *cose_alg_find(int64_t alg);

/* Takes over `pkey`, on failure too. ERR_KEY: of a kind we do not use. */
int cose_key_wrap(EVP_PKEY *pkey, struct cose_key **ret_key, struct why *why)
    MUST_USE;

/* ERR_SIGNATURE unless `sig` is this key's over `tbs`. */
int cose_crypt_verify(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, struct slice sig) MUST_USE;
/* Writes alg->sig bytes. */
int cose_crypt_sign(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, uint8_t ret_sig[COSE_SIGNATURE_MAX]) MUST_USE;

/*
 * The bytes that are signed (RFC 9052 4.4, 6.3). `signer` is the protected
 * header of a COSE_Signature; NULL for Sign1 and Mac0.
 */
#define COSE_TBS_MAX (LIMIT_ENVELOPE + 1024)
struct cose_tbs {
	const char *context;
	struct slice body;
	const struct slice *signer;
	struct slice payload;
};
void cose_tbs_put(const struct cose_tbs *t, struct buf *out);

#endif
