// The part of nettle that Corral uses, for digests.
#include <nettle/sha2.h>
#include <nettle/version.h>
