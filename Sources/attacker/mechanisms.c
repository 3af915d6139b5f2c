// Attempts that show what single protections do which are no layers: how things are mounted, what of
// /proc is hidden, what is passed on.
#include "attacker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/// Nothing but the mount keeps an owner from changing the mode of a file; landlock has no say in it.
static const char *change_mode_of_read_only_file(void) {
    char path[4096];
    ssize_t count = readlink("/proc/self/exe", path, sizeof path - 1);
    if (count < 0) return outcome(-1);
    path[count] = 0;
    return outcome(chmod(path, 0755));
}

struct mount {
    char root[4096], place[4096], options[4096], type[64];
};

/// A line of mountinfo (proc_pid_mountinfo(5)); 0 for one of another form.
static int parse(const char *line, struct mount *mount) {
    const char *rest = strstr(line, " - ");
    return rest && sscanf(rest, " - %63s", mount->type) == 1
        && sscanf(line, "%*s %*s %*s %4095s %4095s %4095s", mount->root, mount->place, mount->options) == 3;
}

/// Memory file systems and the workspace: these are there to be written to.
static int is_for_writing(const struct mount *mount) {
    static const char *const places[] = {"/tmp", "/run", "/home", "/dev/shm", "/workspace"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(mount->place, places[i]) == 0) return 1;
    return 0;
}

/// A single device, which has to be one: those in /dev, and the null device over what is hidden.
static int is_device(const struct mount *mount) {
    return strcmp(mount->type, "devtmpfs") == 0 && strcmp(mount->root, "/") != 0;
}

/// Looks for a mount without `option`, and names the first on standard error.
static const char *mount_without(const char *option, int (*passed_over)(const struct mount *)) {
    FILE *table = fopen("/proc/self/mountinfo", "re");
    if (!table) return outcome(-1);
    static char line[16384], every[4200], wanted[32];
    static struct mount mount;
    snprintf(wanted, sizeof wanted, ",%s,", option);
    const char *answer = "no mounts";
    while (fgets(line, sizeof line, table)) {
        if (!parse(line, &mount)) return "an unknown format";
        if (passed_over(&mount)) continue;
        snprintf(every, sizeof every, ",%s,", mount.options);
        answer = "nothing";
        if (strstr(every, wanted)) continue;
        fprintf(stderr, "attacker: %s is mounted without %s\n", mount.place, option);
        answer = "succeeded";
        break;
    }
    fclose(table);
    return answer;
}

static int none(const struct mount *mount) {
    (void)mount;
    return 0;
}

static const char *find_writable_mount(void) { return mount_without("ro", is_for_writing); }
static const char *find_setuid_mount(void) { return mount_without("nosuid", none); }
static const char *find_device_mount(void) { return mount_without("nodev", is_device); }

/// Whether a file says anything: what is hidden reads as empty.
static const char *reads(const char *path) {
    char bytes[256];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return outcome(-1);
    ssize_t count = read(file, bytes, sizeof bytes);
    close(file);
    return count < 0 ? outcome(-1) : count == 0 ? "nothing" : "succeeded";
}

static const char *read_boot_parameters(void) { return reads("/proc/cmdline"); }
static const char *read_keys_of_machine(void) { return reads("/proc/key-users"); }

/// An answer that nobody asked for, from a plugin that never registered. The host says what came.
static const char *forge_answer_through_relay(void) {
    static const char text[] = "{\"id\": 9, \"result\": \"corral-bait\"}";
    char frame[4 + sizeof text - 1] = {0, 0, 0, sizeof text - 1};
    memcpy(frame + 4, text, sizeof text - 1);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/var/run/tgo/tgo.sock"};
    int relay = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay < 0 || connect(relay, (struct sockaddr *)&name, sizeof name) < 0) return outcome(-1);
    if (write(relay, frame, sizeof frame) != (ssize_t)sizeof frame) return outcome(-1);
    return "sent";
}

const struct attempt mechanism_attempts[] = {
    {"change-mode-of-read-only-file", change_mode_of_read_only_file},
    {"find-writable-mount", find_writable_mount},
    {"find-setuid-mount", find_setuid_mount},
    {"find-device-mount", find_device_mount},
    {"read-boot-parameters", read_boot_parameters},
    {"read-key-users", read_keys_of_machine},
    {"forge-answer-through-relay", forge_answer_through_relay},
    {NULL, NULL},
};
