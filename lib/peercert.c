#include "lib/peercert.h"

#include "lib/cert_ssl.h"
#include "lib/text.h"

static int
add(struct peercert *c, enum certmap_kind kind, const ASN1_STRING *s)
{
	if (c->name_n == LIMIT_CERT_NAMES)
		return ERR_LIMIT;
	c->name[c->name_n++] = (struct certmap_name){kind,
	    slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s))};
	return 0;
}

static int
add_subject(struct peercert *c, X509 *x, int nid, enum certmap_kind kind)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int rc = 0, at = -1;

	while (rc == 0 && (at = X509_NAME_get_index_by_NID(subject, nid,
	    at)) >= 0)
		rc = add(c, kind, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, at)));
	return rc;
}

/*
 * OpenSSL gives a copy of the names; the same bytes are in the extension,
 * which outlives it. Only a string in pieces is not, and DER has none
 * (X.690 10.2).
 */
static int
add_alt(struct peercert *c, const ASN1_OCTET_STRING *ext,
    const GENERAL_NAME *g)
{
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &type);
	const uint8_t *p = ASN1_STRING_get0_data(ext);
	size_t n;

	if (type != GEN_URI && type != GEN_DNS)
		return 0;
	if (c->name_n == LIMIT_CERT_NAMES)
		return ERR_LIMIT;
	n = (size_t)ASN1_STRING_length(s);
	if (n > 0)
		p = memmem(p, (size_t)ASN1_STRING_length(ext),
		    ASN1_STRING_get0_data(s), n);
	if (p == NULL)
		return ERR_MALFORMED;
	c->name[c->name_n++] = (struct certmap_name){type == GEN_URI ?
	    CERTMAP_URI : CERTMAP_DNS, slice_of(p, n)};
	return 0;
}

static int
add_alts(struct peercert *c, X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1), rc = 0;
	const ASN1_OCTET_STRING *ext;
	GENERAL_NAMES *names;

	if (at < 0)
		return 0;
	if (X509_get_ext_by_NID(x, NID_subject_alt_name, at) >= 0)
		return ERR_MALFORMED;
	ext = X509_EXTENSION_get_data(X509_get_ext(x, at));
	names = X509V3_EXT_d2i(X509_get_ext(x, at));
	if (names == NULL)
		return ERR_MALFORMED;
	for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++)
		rc = add_alt(c, ext, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return rc;
}

static int
read_names(struct peercert *c, X509 *x, struct why *why)
{
	int rc = add_alts(c, x);

	if (rc == 0)
		rc = add_subject(c, x, NID_commonName, CERTMAP_CN);
	if (rc == 0)
		rc = add_subject(c, x, NID_serialNumber, CERTMAP_SERIAL);
	if (rc == ERR_LIMIT)
		return why_set(why, rc, "RFC 5280 4.2.1.6: more than %d names",
		    LIMIT_CERT_NAMES);
	return rc == 0 ? 0 : why_set(why, rc, "RFC 5280 4.2.1.6: "
	    "subjectAltName cannot be read");
}

static int
read_serial(struct peercert_id *id, const X509 *x, struct why *why)
{
	const ASN1_INTEGER *s = X509_get0_serialNumber(x);
	struct slice b = slice_of(ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));

	if (ASN1_STRING_type(s) == V_ASN1_NEG_INTEGER)
		return why_set(why, ERR_MALFORMED, "RFC 5280 4.1.2.2: a "
		    "negative serial number");
	while (b.n > 0 && b.p[0] == 0)
		b = slice_sub(b, 1, b.n);
	if (b.n > LIMIT_CERT_SERIAL)
		return why_set(why, ERR_SIZE, "RFC 5280 4.1.2.2: a serial "
		    "number of over %d bytes", LIMIT_CERT_SERIAL);
	text_hex(b, id->serial, sizeof(id->serial));
	if (b.n == 0)
		strcpy(id->serial, "00");
	return 0;
}

static int
read_issuer(struct peercert_id *id, const X509 *x, struct why *why)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool fits = false, ok = bio != NULL && X509_NAME_print_ex(bio,
	    X509_get_issuer_name(x), 0, XN_FLAG_RFC2253) >= 0;
	char *p;
	long n;

	if (ok) {
		n = BIO_get_mem_data(bio, &p);
		fits = slice_to_cstr(slice_of(p, (size_t)n), id->issuer,
		    sizeof(id->issuer));
	}
	BIO_free(bio);
	if (!ok)
		return why_set(why, ERR_MALFORMED, "RFC 5280 4.1.2.4: an "
		    "issuer that cannot be read");
	return fits ? 0 : why_set(why, ERR_SIZE, "RFC 5280 4.1.2.4: an "
	    "issuer of over %d bytes", LIMIT_CERT_ISSUER);
}

static int
read_id(struct peercert_id *id, X509 *x, struct why *why)
{
	unsigned n = sizeof(id->fingerprint);
	int rc = read_serial(id, x, why);

	if (rc == 0)
		rc = read_issuer(id, x, why);
	if (rc == 0 && (cert_ssl_time(X509_get0_notBefore(x), &id->from) != 0 ||
	    cert_ssl_time(X509_get0_notAfter(x), &id->until) != 0))
		rc = why_set(why, ERR_MALFORMED, "RFC 5280 4.1.2.5: a time "
		    "cannot be read");
	id->ca = (X509_get_extension_flags(x) & EXFLAG_CA) != 0;
	if (rc == 0 && X509_digest(x, EVP_sha256(), id->fingerprint, &n) != 1)
		rc = why_set(why, ERR_CRYPTO, "no digest");
	return rc;
}

int
peercert_read(void *x509, struct peercert *ret, struct why *why)
{
	static struct peercert c;
	int rc;

	memset(&c, 0, sizeof(c));
	rc = read_id(&c.id, x509, why);
	if (rc == 0)
		rc = read_names(&c, x509, why);
	ERR_clear_error();
	if (rc == 0)
		*ret = c;
	return rc;
}

int
peercert_parse(struct slice bytes, struct peercert_id *ret, struct why *why)
{
	const unsigned char *p = bytes.p;
	struct peercert_id id = {.from = 0};
	X509 *x = NULL;
	BIO *bio;
	int rc;

	if (bytes.n > LIMIT_CERT_FILE)
		return why_set(why, ERR_SIZE, "over %d bytes",
		    LIMIT_CERT_FILE);
	if (bytes.n > 0 && bytes.p[0] == 0x30) {
		x = d2i_X509(NULL, &p, (long)bytes.n);
	} else if (bytes.n > 0) {
		bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
		x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL,
		    cert_ssl_no_pass, NULL);
		BIO_free(bio);
	}
	rc = x == NULL ? why_set(why, ERR_MALFORMED, "RFC 7468 5: no "
	    "certificate in PEM or DER") : read_id(&id, x, why);
	X509_free(x);
	ERR_clear_error();
	if (rc == 0)
		*ret = id;
	return rc;
}

int
peercert_serial(struct slice text, char ret[2 * LIMIT_CERT_SERIAL + 1])
{
	char digits[4 * LIMIT_CERT_SERIAL];
	uint8_t bytes[LIMIT_CERT_SERIAL + 1];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct slice in;
	size_t n = 0;

	if (text.n > 2 && text.p[0] == '0' && (text.p[1] | 32) == 'x')
		text = slice_sub(text, 2, text.n);
	digits[n++] = '0'; /* an odd number of digits becomes an even one */
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ':' || text.p[i] == ' ' ||
		    (n == 1 && text.p[i] == '0'))
			continue;
		if (n == sizeof(digits))
			return ERR_SIZE;
		digits[n++] = (char)text.p[i];
	}
	if (text.n == 0)
		return ERR_MALFORMED;
	in = slice_of(digits, n);
	if (n % 2 == 1 && n > 1)
		in = slice_sub(in, 1, n);
	switch (n == 1 ? 0 : text_unhex(in, &b)) {
	case 0:
		break;
	case ERR_SPACE:
		return ERR_SIZE;
	default:
		return ERR_MALFORMED;
	}
	if (b.n > LIMIT_CERT_SERIAL)
		return ERR_SIZE;
	text_hex(buf_slice(&b), ret, 2 * LIMIT_CERT_SERIAL + 1);
	if (b.n == 0)
		strcpy(ret, "00");
	return 0;
}
