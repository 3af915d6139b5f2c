// The part of wslay that Corral uses: frames of WebSocket connections.
#include <wslay/wslay.h>
