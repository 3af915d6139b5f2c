// Area J of the attack cases: what an attacker learns from what it is given, and what it can make
// others believe.
#include "attacker.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static int by_name(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/// The names of variables that neither the profile nor the test gave, sorted.
static const char *unexpected_variables(void) {
    static const char *const given[] = {"PATH=", "HOME=", "LANG=", "TERM=", "BAIT_"};
    char found[1000] = "";
    size_t count = 0;
    while (environ[count]) count++;
    qsort(environ, count, sizeof *environ, by_name);
    for (char **entry = environ; *entry; entry++) {
        size_t known = 0;
        while (known < 5 && strncmp(*entry, given[known], strlen(given[known])) != 0) known++;
        if (known < 5) continue;
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, " %.*s", (int)strcspn(*entry, "="), *entry);
    }
    return *found ? words("found:%s", found) : "nothing";
}

/// How often the secret stands in a file; never in this program's own text, which has it in two parts.
static int count_secrets(const char *path) {
    static char text[1 << 16];
    const char *const halves[] = {"corral", "-secret-"};
    char secret[32];
    snprintf(secret, sizeof secret, "%s%s", halves[0], halves[1]);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text);
    close(file);
    return count > 0 && memmem(text, (size_t)count, secret, strlen(secret)) != NULL;
}

/// In whatever /proc says of every process there is, and of the machine.
static const char *secret_in_proc(void) {
    static const char *const of_process[] = {"environ", "cmdline", "status", "maps", "mountinfo", "cgroup"};
    static const char *const of_machine[] = {"cmdline", "mounts", "keys", "net/unix", "locks", "version"};
    char path[300];
    DIR *processes = opendir("/proc");
    if (!processes) return outcome(-1);
    for (struct dirent *entry; (entry = readdir(processes));) {
        if (!isdigit((unsigned char)*entry->d_name)) continue;
        for (size_t i = 0; i < sizeof of_process / sizeof *of_process; i++) {
            snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, of_process[i]);
            if (count_secrets(path)) return words("found: %s", of_process[i]);
        }
    }
    for (size_t i = 0; i < sizeof of_machine / sizeof *of_machine; i++) {
        snprintf(path, sizeof path, "/proc/%s", of_machine[i]);
        if (count_secrets(path)) return words("found: %s", of_machine[i]);
    }
    return "nothing";
}

static const char *read_init(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return outcome(-1);
    // An address that is not mapped would be EIO: opening is what must not be possible.
    return outcome(read(file, &byte, 1) < 0 && errno != EIO ? -1 : 0);
}

static const char *read_init_environment(void) { return read_init("/proc/1/environ"); }
static const char *open_init_memory(void) { return read_init("/proc/1/mem"); }

static const char *list_init_descriptors(void) {
    DIR *list = opendir("/proc/1/fd");
    return outcome(list ? 0 : -1);
}

/// Ends with the exit code in BAIT_CODE, such as Corral itself ends with.
static const char *exit_as_corral(void) {
    const char *code = getenv("BAIT_CODE");
    if (!code) return "no bait";
    fflush(stdout);
    _exit(atoi(code));
}

/// Ends by the signal in BAIT_CODE, such as limits end with.
static const char *die_as_by_limit(void) {
    const char *number = getenv("BAIT_CODE");
    if (!number) return "no bait";
    signal(atoi(number), SIG_DFL);
    return outcome(kill(getpid(), atoi(number)));
}

/// A report, a notice and half a line, as if Corral had written them.
static const char *write_report(void) {
    static const char text[] =
        "corral run: killed: 256 MiB of memory are used up\n"
        "{\"id\":\"0123456789abcdef\",\"cause\":\"memory\",\"exit\":null,\"signal\":9,\"code\":137}\n"
        "\033[2K\xe2\x80\xa8{\"id\":\"0123456789abcdef\",\"cause\":\"memory\"";
    return write(STDERR_FILENO, text, sizeof text - 1) > 0 ? "succeeded" : outcome(-1);
}

/// Takes processes, memory and output for as long as it lives.
static const char *hog_everything(void) {
    static char page[4096];
    for (int i = 0; i < 10; i++) fork();
    for (;;) {
        char *memory = malloc(1 << 20);
        if (memory) memset(memory, 1, 1 << 20);
        if (write(STDERR_FILENO, page, sizeof page) < 0) continue;
    }
}

const struct attempt environment_attempts[] = {
    {"unexpected-variables", unexpected_variables},
    {"secret-in-proc", secret_in_proc},
    {"read-init-environment", read_init_environment},
    {"open-init-memory", open_init_memory},
    {"list-init-descriptors", list_init_descriptors},
    {"exit-as-corral", exit_as_corral},
    {"die-as-by-limit", die_as_by_limit},
    {"write-report", write_report},
    {"hog-everything", hog_everything},
    {NULL, NULL},
};
