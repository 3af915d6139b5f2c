// Runs attempts by name, each in a process of its own, and prints one line for each:
// the name, a tab, and the answer. See attacker.h.
#include "attacker.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/// An attempt that takes longer is killed and answers `no end`.
enum { seconds_each = 15 };

static const struct attempt *const tables[] = {
    syscall_attempts, call_attempts, socket_attempts, mode_attempts, switch_attempts, abi_attempts,
    namespace_attempts, procfs_attempts, mount_attempts, reach_attempts,
    resource_attempts, process_attempts, quota_attempts, lifetime_attempts, environment_attempts,
    mechanism_attempts,
};
static const struct attempt *const parts[] = {process_parts, quota_parts, lifetime_parts};

int answer_end = -1;

const char *words(const char *format, ...) {
    static char text[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

static const struct attempt *find_in(const struct attempt *const *group, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        for (const struct attempt *attempt = group[i]; attempt->name; attempt++)
            if (strcmp(attempt->name, name) == 0) return attempt;
    return NULL;
}

static const struct attempt *find(const char *name) {
    const struct attempt *found = find_in(tables, sizeof tables / sizeof *tables, name);
    return found ? found : find_in(parts, sizeof parts / sizeof *parts, name);
}

/// Reads the answer of a child until it closes its end; false when it took too long.
static int collect(int pipe, char *answer, size_t room) {
    size_t count = 0;
    for (;;) {
        struct pollfd ready = {.fd = pipe, .events = POLLIN};
        int found = poll(&ready, 1, seconds_each * 1000);
        if (found < 0 && errno == EINTR) continue;
        if (found <= 0) return 0;
        ssize_t got = read(pipe, answer + count, room - 1 - count);
        if (got <= 0 || count + (size_t)got == room - 1) break;
        count += (size_t)got;
    }
    answer[count] = 0;
    return 1;
}

/// A signal's name with its SIG, which sigabbrev_np leaves out.
static const char *ending(int status) {
    if (!WIFSIGNALED(status)) return words("exit %d", WEXITSTATUS(status));
    const char *name = sigabbrev_np(WTERMSIG(status));
    return words("SIG%s", name ? name : "?");
}

static const char *attempt_in_child(const struct attempt *attempt, char *answer, size_t room) {
    int ends[2];
    if (pipe(ends) < 0) return outcome(-1);
    pid_t child = fork();
    if (child < 0) return words("no process: %s", outcome(-1));
    if (child == 0) {
        close(ends[0]);
        answer_end = ends[1];
        const char *said = attempt->run();
        size_t count = strlen(said);
        _exit(write(ends[1], said, count) == (ssize_t)count ? 0 : 1);
    }
    close(ends[1]);
    int ended = collect(ends[0], answer, room);
    close(ends[0]);
    if (!ended) kill(child, SIGKILL);
    int status = 0;
    // A stopped child is killed by the timeout above; what it left to init is not waited for here.
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!ended) return "no end";
    return *answer ? answer : ending(status);
}

/// One line for each attempt, whatever it says.
static void print(const char *name, const char *answer) {
    printf("%s\t", name);
    for (; *answer; answer++) putchar(*answer == '\n' || *answer == '\t' ? ' ' : *answer);
    putchar('\n');
    fflush(stdout);
}

static int usage(void) {
    fputs("usage: attacker [--bare] NAME...   each in a process of its own\n"
          "       attacker [--bare] --here NAME   in this process\n"
          "       attacker [--bare] --wait   until killed\n"
          "       attacker --lure | --exec PROGRAM ARGUMENT...\n"
          "       attacker --list | --canary | --rights | --grant FILE\n", stderr);
    return 2;
}

/// Says that it is there, and is.
static int run_wait(void) {
    puts("up");
    fflush(stdout);
    for (;;) pause();
}

int main(int count, char **arguments) {
    static char answer[2000];
    signal(SIGPIPE, SIG_IGN);
    int next = 1;
    if (next < count && strcmp(arguments[next], "--canary") == 0) return run_canary();
    if (next + 1 < count && strcmp(arguments[next], "--lure") == 0) return run_lure(arguments + next + 1);
    if (next < count && strcmp(arguments[next], "--rights") == 0) return print_rights();
    if (next + 1 < count && strcmp(arguments[next], "--grant") == 0)
        return grant_raw_sockets(arguments[next + 1]);
    if (next + 1 < count && strcmp(arguments[next], "--exec") == 0) {
        execv(arguments[next + 1], arguments + next + 1);
        puts(outcome(-1));
        return 1;
    }
    if (next < count && strcmp(arguments[next], "--list") == 0) {
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
            for (const struct attempt *attempt = tables[i]; attempt->name; attempt++) puts(attempt->name);
        return 0;
    }
    if (next < count && strcmp(arguments[next], "--bare") == 0) {
        next++;
        become_bare();
    }
    if (next < count && strcmp(arguments[next], "--wait") == 0) return run_wait();
    int here = next < count && strcmp(arguments[next], "--here") == 0;
    if (here) next++;
    if (next >= count || (here && next + 1 != count)) return usage();
    for (; next < count; next++) {
        const struct attempt *attempt = find(arguments[next]);
        if (!attempt) {
            fprintf(stderr, "attacker: there is no attempt named %s\n", arguments[next]);
            return 2;
        }
        const char *said = here ? attempt->run() : attempt_in_child(attempt, answer, sizeof answer);
        print(attempt->name, said);
    }
    return 0;
}
