// The parts of Linux that Swift's Glibc module does not show.
//
// Three kinds of thing live here and nothing else: calls that glibc hides without
// _GNU_SOURCE, calls that it has no wrapper for, and the code between clone3 and
// execve, where no Swift may run. The headers never define _GNU_SOURCE: that
// changes the layout of fd_set and breaks its match with Swift's own Glibc
// module; the .c files define it instead.
//
// Unless a comment says otherwise a function returns what its system call
// returns: -1 with errno set on failure. Descriptors are close-on-exec.
#ifndef CLINUX_H
#define CLINUX_H

#include "clinux_confine.h"
#include "clinux_contents.h"
#include "clinux_events.h"
#include "clinux_files.h"
#include "clinux_mounts.h"
#include "clinux_network.h"
#include "clinux_owner.h"
#include "clinux_probes.h"
#include "clinux_projects.h"
#include "clinux_rings.h"
#include "clinux_security.h"
#include "clinux_sockets.h"
#include "clinux_spawn.h"
#include "clinux_start.h"
#include "clinux_terminal.h"
#include "clinux_trees.h"
#include "clinux_volumes.h"

#endif
