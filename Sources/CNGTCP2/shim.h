// ngtcp2 0.12 with its GnuTLS helper, and what Swift's importer leaves out of their headers.
#pragma once

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

// GNUTLS_SERVER and GNUTLS_CLIENT are an enum's cases and macros at once, which is ambiguous in
// Swift. No session tickets: there is no resumption, so no 0-RTT whose data could be replayed.
enum {
  CNGTCP2_TLS_SERVER = GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_TICKETS,
  CNGTCP2_TLS_CLIENT = GNUTLS_CLIENT | GNUTLS_NO_TICKETS,
  // Macros that compute.
  CNGTCP2_RETRY_TOKEN_MAX = NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN,
};

// A macro with a cast.
static inline unsigned cngtcp2_p256_bits(void) {
  return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
}
