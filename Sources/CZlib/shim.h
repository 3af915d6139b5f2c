// Of zlib: inflating what is deflated, without a header, and CRC-32.
#include <zlib.h>

/// Begins to inflate raw deflate data (RFC 1951). inflateInit2 is a macro, which Swift cannot call.
static inline int czlib_begin(z_stream *stream) { return inflateInit2(stream, -15); }
