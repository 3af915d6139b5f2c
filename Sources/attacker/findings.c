// What attempts that look around share: a list of what they found, and lines of /proc/PID/status.
#include "attacker.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static char list[1500];
static size_t used;

void found(const char *format, ...) {
    char item[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item, sizeof item, format, arguments);
    va_end(arguments);
    // The first ones are enough to go by.
    int count = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", item);
    if (count > 0 && used + (size_t)count < sizeof list) used += (size_t)count;
    list[used] = 0;
}

const char *findings(void) { return used ? words("found: %s", list) : "nothing"; }

void note_if_opened(const char *path, int flags) {
    int number = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (number < 0) return;
    close(number);
    found("%s", path);
}

const char *status_field(const char *pid, const char *field) {
    static char line[1000];
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "re");
    size_t length = strlen(field);
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, field, length) != 0 || line[length] != ':') continue;
        fclose(file);
        char *value = line + length + 1;
        while (isspace((unsigned char)*value)) value++;
        char *end = value + strlen(value);
        while (end > value && isspace((unsigned char)end[-1])) *--end = 0;
        return value;
    }
    if (file) fclose(file);
    return "";
}
