// Area E of the attack cases: outliving the sandbox.
#include "attacker.h"

const struct attempt lifetime_attempts[] = {
    {NULL, NULL},
};
