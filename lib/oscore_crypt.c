/*
 * Each call leaves OpenSSL's error queue as it found it, for the reason that
 * cose_crypt.c gives.
 */
#include "lib/oscore_impl.h"

#include "lib/cbor.h"
#include "lib/digest_ssl.h"

#define ALG 10 /* AES-CCM-16-64-128, RFC 9053 4.2 */
#define MAC 32 /* bytes of HMAC with SHA-256 */

static bool
hmac(struct slice key, struct slice in, uint8_t ret[MAC])
{
	static const uint8_t none[MAC]; /* OpenSSL wants a pointer */

	return HMAC(EVP_sha256(), key.n > 0 ? key.p : none, (int)key.n, in.p,
	    in.n, ret, NULL) != NULL;
}

/* HKDF of what is at most one block long (RFC 5869 2.3). */
static bool
expand(const uint8_t prk[MAC], struct slice info, uint8_t *ret, size_t n)
{
	uint8_t in[128], block[MAC];
	struct buf b = buf_of(in, sizeof(in));
	bool ok;

	buf_put(&b, info);
	buf_put_u8(&b, 1);
	ok = !b.over && n <= MAC &&
	    hmac(slice_of(prk, MAC), buf_slice(&b), block);
	if (ok)
		memcpy(ret, block, n);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

/* RFC 8613 3.2.1: id NULL is for the common IV. */
static bool
derive(const struct oscore_secret *s, const uint8_t prk[MAC],
    const struct oscore_id *id, uint8_t *ret)
{
	uint8_t info[96];
	struct buf b = buf_of(info, sizeof(info));
	size_t n = id != NULL ? OSCORE_KEY : OSCORE_NONCE;

	cbr_put_array(&b, 5);
	cbr_put_bstr(&b, id != NULL ? slice_of(id->b, id->n) : SLICE_NONE);
	if (s->have_context)
		cbr_put_bstr(&b, slice_of(s->context, s->context_n));
	else
		cbr_put_null(&b);
	cbr_put_uint(&b, ALG);
	cbr_put_str(&b, id != NULL ? "Key" : "IV");
	cbr_put_uint(&b, n);
	return !b.over && expand(prk, buf_slice(&b), ret, n);
}

int
oscore_derive(const struct oscore_secret *s, struct oscore_keys *ret)
{
	uint8_t prk[MAC];
	bool ok;

	ERR_set_mark();
	ok = hmac(slice_of(s->salt, s->salt_n), slice_of(s->master,
	    s->master_n), prk) &&
	    derive(s, prk, &s->sender, ret->sender_key) &&
	    derive(s, prk, &s->recipient, ret->recipient_key) &&
	    derive(s, prk, NULL, ret->iv);
	ERR_pop_to_mark();
	OPENSSL_cleanse(prk, sizeof(prk));
	ret->sender = s->sender;
	ret->recipient = s->recipient;
	return ok ? 0 : ERR_CRYPTO;
}

static void
make_nonce(const struct oscore_text *t, uint8_t ret[OSCORE_NONCE])
{
	const struct oscore_nonce *n = t->nonce;

	memset(ret, 0, OSCORE_NONCE);
	ret[0] = n->id.n;
	memcpy(ret + 1 + OSCORE_ID - n->id.n, n->id.b, n->id.n);
	memcpy(ret + OSCORE_NONCE - n->piv.n, n->piv.p, n->piv.n);
	for (int i = 0; i < OSCORE_NONCE; i++)
		ret[i] ^= t->iv[i];
}

/* What is authenticated beside the text. */
static bool
make_aad(const struct oscore_text *t, struct buf *out)
{
	uint8_t ext[64];
	struct buf b = buf_of(ext, sizeof(ext));

	cbr_put_array(&b, 5);
	cbr_put_uint(&b, 1); /* version */
	cbr_put_array(&b, 1);
	cbr_put_uint(&b, ALG);
	cbr_put_bstr(&b, t->request_kid);
	cbr_put_bstr(&b, t->request_piv);
	cbr_put_bstr(&b, SLICE_NONE); /* class I options, of which none is */
	cbr_put_array(out, 3);
	cbr_put_str(out, "Encrypt0");
	cbr_put_bstr(out, SLICE_NONE);
	cbr_put_bstr(out, buf_slice(&b));
	return !b.over && !out->over;
}

struct crypt {
	EVP_CIPHER_CTX *ctx;
	bool seals;
	uint8_t nonce[OSCORE_NONCE];
	uint8_t tag[OSCORE_TAG];
};

static bool
set_up(struct crypt *c, const uint8_t *key)
{
	return EVP_CipherInit_ex(c->ctx, EVP_aes_128_ccm(), NULL, NULL, NULL,
	    c->seals) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_IVLEN, OSCORE_NONCE,
	    NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, OSCORE_TAG,
	    c->seals ? NULL : c->tag) == 1 &&
	    EVP_CipherInit_ex(c->ctx, NULL, NULL, key, c->nonce,
	    c->seals) == 1;
}

/* CCM tells whether the tag is right when the text is there. */
static int
run(struct crypt *c, const struct oscore_text *t, struct slice in,
    uint8_t *out)
{
	uint8_t aad[96];
	struct buf b = buf_of(aad, sizeof(aad));
	int n = 0, rc = ERR_CRYPTO;

	ERR_set_mark();
	c->ctx = EVP_CIPHER_CTX_new();
	make_nonce(t, c->nonce);
	if (c->ctx != NULL && make_aad(t, &b) && set_up(c, t->key) &&
	    EVP_CipherUpdate(c->ctx, NULL, &n, NULL, (int)in.n) == 1 &&
	    EVP_CipherUpdate(c->ctx, NULL, &n, b.p, (int)b.n) == 1)
		rc = EVP_CipherUpdate(c->ctx, out, &n, in.p, (int)in.n) == 1 &&
		    (size_t)n == in.n ? 0 : ERR_DIGEST;
	if (rc == 0 && c->seals && EVP_CIPHER_CTX_ctrl(c->ctx,
	    EVP_CTRL_AEAD_GET_TAG, OSCORE_TAG, c->tag) != 1)
		rc = ERR_CRYPTO;
	EVP_CIPHER_CTX_free(c->ctx);
	ERR_pop_to_mark();
	return rc;
}

int
oscore_encrypt(const struct oscore_text *t, struct slice in, uint8_t *out)
{
	struct crypt c = {.seals = true};
	int rc = run(&c, t, in, out);

	if (rc == 0)
		memcpy(out + in.n, c.tag, OSCORE_TAG);
	return rc == ERR_DIGEST ? ERR_CRYPTO : rc;
}

int
oscore_decrypt(const struct oscore_text *t, struct slice in, uint8_t *out)
{
	struct crypt c = {.seals = false};

	if (in.n <= OSCORE_TAG)
		return ERR_DIGEST;
	memcpy(c.tag, in.p + in.n - OSCORE_TAG, OSCORE_TAG);
	return run(&c, t, slice_sub(in, 0, in.n - OSCORE_TAG), out);
}
