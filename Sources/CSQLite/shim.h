// The part of sqlite that Corral uses, for the daemon's records; and what Swift cannot call: a function
// with variable arguments, and one that takes a constant that is a cast (SQLITE_TRANSIENT: sqlite copies).
#ifndef CORRAL_CSQLITE_H
#define CORRAL_CSQLITE_H

#include <sqlite3.h>

/// Switches one SQLITE_DBCONFIG_* of a connection on or off.
static inline int corral_sqlite_configure(sqlite3 *database, int option, int on) {
    return sqlite3_db_config(database, option, on, (int *)0);
}

/// Binds UTF-8 that is copied. No bytes are an empty text, not NULL.
static inline int corral_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 size) {
    return sqlite3_bind_text64(statement, index, size ? text : "", size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/// Binds bytes that are copied. No bytes are an empty blob, not NULL.
static inline int corral_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 size) {
    if (size == 0) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, bytes, size, SQLITE_TRANSIENT);
}

#endif
