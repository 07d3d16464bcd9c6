/* CURVE key pairs in files: NAME.secret, which only its owner may read, and NAME.public, which
 * others get. Each holds one key, 40 characters of Z85 (ZeroMQ RFC 32), and a newline. */
#ifndef RUD_AGENT_BRIDGE_KEYS_H
#define RUD_AGENT_BRIDGE_KEYS_H

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_KEY_TEXT = 41 }; /* with the zero behind it */

/* Makes a pair and writes <name>.secret, mode 0600, and <name>.public. RUD_EEXIST if one of them is
 * there. */
rud_status rud_keys_generate(const char *name);

/* Reads a secret key and derives its public one. RUD_EINVAL if others than the owner may read the
 * file. */
rud_status rud_keys_read_secret(const char *path, char secret[RUD_KEY_TEXT],
                                char public_key[RUD_KEY_TEXT]);

rud_status rud_keys_read_public(const char *path, char public_key[RUD_KEY_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
