// Area D of the attack cases: taking more than the limits give.
#include "attacker.h"

#include <stdlib.h>
#include <sys/mman.h>

/// 1 GiB, each page written.
static const char *eat_memory(void) {
    const size_t size = (size_t)1 << 30;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return outcome(-1);
    for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
    return "succeeded";
}

const struct attempt resource_attempts[] = {
    {"eat-memory", eat_memory},
    {NULL, NULL},
};
