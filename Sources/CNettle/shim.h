// The part of nettle that Corral uses: digests, and what the handshake of a WebSocket is made of.
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
