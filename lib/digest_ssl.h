/*
 * digest_ssl: the one door to OpenSSL's headers. They have a type of the
 * name ERR_STATE, which is one of our errors; it is renamed on the way in.
 */
#ifndef SUITD_LIB_DIGEST_SSL_H
#define SUITD_LIB_DIGEST_SSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

#endif
