// OpenSSL's libcrypto, of which mio needs one function: its headers have far more, and macros that Swift cannot read.
#include <openssl/evp.h>
#include <openssl/hmac.h>

/// HMAC-SHA256 of a message, 32 bytes.
/// @return 1, or 0 if the library has it not, as where only some algorithms are allowed.
static inline int mio_hmac_sha256(
    const void *key, int key_count, const unsigned char *message, size_t count, unsigned char result[32]) {
    unsigned int written = 0;
    return HMAC(EVP_sha256(), key, key_count, message, count, result, &written) != NULL && written == 32;
}
