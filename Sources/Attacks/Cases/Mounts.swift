// Area B: mounts, /proc, devices and cgroup files.

import Sandbox

extension Attack {
    static let mounts: [Attack] = procfs + programs + tables + devices

    private static let procfs: [Attack] = [
        Attack(
            "B05", "open-kernel-settings", "any file of /proc/sys for writing: core_pattern and all others",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace, .landlockFiles]),
        // Behind masks is a device, which a read-only mount does not keep anybody from writing to.
        Attack(
            "B05", "open-kernel-files", "any other file of the kernel's in /proc for writing: sysrq-trigger",
            expected: "nothing", control: .without([.landlockFiles], "found: *"),
            stoppedBy: [.landlockFiles, .mountNamespace]),
        Attack(
            "B05", "open-own-process-files", "one's own oom_score_adj, uid_map, attr and so on for writing",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace, .landlockFiles]),
        Attack(
            "B06", "read-kernel-secrets", "kcore, kmsg, kallsyms, keys, timers, /sys, /etc/shadow",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace, .uids]),
        Attack(
            "B06", "find-false-masks", "a mask that is neither the null device nor an empty directory",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B06", "look-into-init", "memory, variables, root, descriptors and program of the init",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.uids, .capabilities]),
    ]

    private static let programs: [Attack] = [
        Attack(
            "B02", "change-own-program", "the program's own file, by /proc/self/exe", expected: "EROFS",
            stoppedBy: [.mountNamespace]),
        // ETXTBSY is the answer of a file that can be written to as soon as it has ended.
        Attack(
            "B02", "write-init-program", "the init's file, by /proc/1/exe", expected: "EACCES",
            control: .bare("ETXTBSY"), stoppedBy: [.uids, .mountNamespace, .landlockFiles]),
        Attack(
            "B10", "write-system-directories", "a new file in /, /usr, /etc, /dev and others",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace, .landlockFiles]),
        Attack(
            "B10", "write-system-files", "files of /etc and /usr for writing", expected: "nothing",
            control: .bare("found: *"), stoppedBy: [.mountNamespace, .landlockFiles]),
    ]

    private static let tables: [Attack] = [
        Attack(
            "B11", "find-mounts-with-rights", "a mount on which setuid files or devices work",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B05", "find-writable-mounts", "a writable mount beside those that are meant to be",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B13", "find-kernel-mounts", "a cgroup file system, sysfs, debugfs or the like",
            expected: "nothing",
            control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B06", "find-host-paths", "a directory of the host's in mount tables and command lines",
            expected: "nothing", control: .bare("found: *"), stoppedBy: [.mountNamespace, .pidNamespace]),
    ]

    private static let devices: [Attack] = [
        Attack(
            "B10", "open-devices", "console, memory, loop, fuse, kvm, vhost, tun and disks",
            expected: "nothing",
            control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B10", "make-device", "a device node", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities, .userNamespace]),
        Attack(
            "B10", "make-disk", "the node of a disk", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities, .userNamespace]),
        Attack(
            "B13", "open-group-files", "cgroup.procs, tasks, release_agent for writing", expected: "nothing",
            control: .bare("found: *"), stoppedBy: [.mountNamespace]),
        Attack(
            "B13", "mount-group-files", "mounting a cgroup file system", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
    ]
}
