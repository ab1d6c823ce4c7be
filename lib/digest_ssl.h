/*
 * digest_ssl: the one door to OpenSSL's headers. They have a type of the
 * name ERR_STATE, which is one of our errors; it is renamed on the way in.
 */
#ifndef SUITD_LIB_DIGEST_SSL_H
#define SUITD_LIB_DIGEST_SSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif
