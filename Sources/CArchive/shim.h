// The read side of libarchive.
#include <archive.h>
#include <archive_entry.h>
