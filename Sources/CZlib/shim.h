// zlib: raw DEFLATE streams and CRC-32 of .npz members. Its functions and constants arrive in Swift as they
// are, except for `inflateInit2`, a macro: call `inflateInit2_` with ZLIB_VERSION and the size of `z_stream`.
#include <zlib.h>
