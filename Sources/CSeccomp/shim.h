// The part of libseccomp that Corral uses, for system call filters.
#include <seccomp.h>
