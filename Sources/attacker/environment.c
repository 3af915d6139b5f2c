// Area J of the attack cases: environment, names, logs.
#include "attacker.h"

#include <stdlib.h>

/// A variable that Corral itself was started with and nobody passed on.
static const char *read_callers_variable(void) {
    return getenv("CORRAL_ATTACK_SECRET") ? "succeeded" : "absent";
}

const struct attempt environment_attempts[] = {
    {"read-callers-variable", read_callers_variable},
    {NULL, NULL},
};
