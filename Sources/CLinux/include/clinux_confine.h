// A process that gives up everything but the files below one directory.
#ifndef CLINUX_CONFINE_H
#define CLINUX_CONFINE_H

#include <stdint.h>

/// Closes every descriptor from `first` on.
int clinux_close_from(int first);

/// Allows the caller, which must have no other thread, for ever only calls that read and write what is open,
/// that make, change and remove names, and that take memory: no sockets, no processes, no exec, no signals to
/// others. Any other call fails with EPERM. Sets no-new-privs first. Names are landlock's to bound.
int clinux_load_file_filter(void);

/// How many system calls that filter allows.
int clinux_file_filter_size(void);

#endif
