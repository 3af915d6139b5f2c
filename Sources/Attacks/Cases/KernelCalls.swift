// Area A: calls that reach into the kernel, change the machine, or mount.

import Sandbox

/// Of bpf and modules, which a program may try without dying of it, but not in `strict`.
private let tripwireInStrict = ("EPERM" as Expectation).but(in: "strict", "SIGSYS")

extension Attack {
    static let kernelCalls: [Attack] =
        // bpf(2) is for everybody where kernel.unprivileged_bpf_disabled is 0.
        refused("A11", tripwireInStrict, ["bpf": "a map of bpf(2)"])
        + refused(
            "A11", "EPERM",
            [
                "perf-event-open": "a performance counter", "userfaultfd": "handling one's own page faults",
                "fanotify-init": "watching a filesystem",
            ])
        + refused(
            "A11", "EPERM", control: .bare(["EINVAL", "EBADF"]),
            ["fanotify-mark": "marking a filesystem to be watched"])
        + refused(
            "A11", ["ENOSYS", "not in this kernel"], control: .bare(["succeeded", "not in this kernel"]),
            ["memfd-secret": "memory that the kernel itself does not see"])
        + refused("A/26", "EPERM", by: privileged, ["syslog": "the kernel's log"])
        + machine + leftovers

    private static let machine: [Attack] =
        refused(
            "A/26", tripwireInStrict, control: .bare(["ENOEXEC", "EFAULT", "ENOSYS"]), by: privileged,
            ["init-module": "loading a module from memory"])
        + refused(
            "A/26", tripwireInStrict, control: .bare(["EBADF", "ENOENT", "ENOSYS"]), by: privileged,
            ["finit-module": "loading a module's file", "delete-module": "unloading a module"])
        + refused(
            "A/26", "SIGSYS", control: .bare(["EINVAL", "EBADF", "ENOENT", "EPERM", "ENOSYS"]),
            by: privileged,
            [
                "kexec-load": "another kernel, from memory", "kexec-file-load": "another kernel, from a file",
                "reboot": "a reboot", "swapon": "swapping to a file", "swapoff": "no more swapping",
            ])
        + refused(
            "A/26", "EPERM", control: .bare(["ENOENT", "EBADF", "ENOSYS"]), by: privileged,
            [
                "acct": "process accounting into a file", "quotactl": "a filesystem's quotas",
                "quotactl-fd": "the same by a descriptor",
            ])
        + refused(
            "A/26", "EPERM", control: .bare("EINVAL"), by: privileged,
            ["clock-settime": "setting the machine's clock"])
        + refused(
            "A/26", "EPERM",
            ["adjtimex": "the clock's parameters", "clock-adjtime": "the same by clock_adjtime(2)"])
        + refused(
            "A/26", "EPERM", by: privileged,
            [
                "settimeofday": "setting the clock, by the old call",
                "sethostname": "the host's name", "setdomainname": "the domain's name",
                "vhangup": "hanging up the terminal",
            ])

    private static let leftovers: [Attack] =
        refused(
            "A/26", "EPERM", by: [.seccomp, .capabilities],
            ["open-by-handle-at": "a file by its handle, past every path"])
        + refused("A/26", "EPERM", ["name-to-handle-at": "a file's handle"])
        + refused(
            "A/26", ["ENOSYS", "not in this kernel"], control: .bare(["succeeded", "not in this kernel"]),
            [
                "mbind": "memory policy: mbind", "set-mempolicy": "memory policy: set_mempolicy",
                "get-mempolicy": "memory policy: get_mempolicy",
                "set-mempolicy-home-node": "memory policy: set_mempolicy_home_node",
                "move-pages": "memory policy: move_pages", "migrate-pages": "memory policy: migrate_pages",
            ])
        + refused("A/23", "ENOSYS", ["vmsplice": "one's own pages in a pipe"])
        + [
            Attack(
                "A/23", "dirty-pipe",
                "writing into the page cache of a file that is read-only (CVE-2022-0847)",
                expected: ("unchanged" as Expectation).but(in: "strict", "ENOSYS"),
                control: .none("no kernel since Linux 5.16.11 lets it through"), stoppedBy: [.seccomp])
        ] + processor

    private static var processor: [Attack] {
        #if arch(x86_64)
            refused(
                "A/26", "SIGSYS", control: .bare(["succeeded", "ENOSYS", "EPERM"]), by: privileged,
                ["iopl": "every port of the machine", "ioperm": "one port of the machine"])
                + refused("A/26", "ENOSYS", ["modify-ldt": "the processor's descriptor table"])
        #else
            []
        #endif
    }

    static let mountCalls: [Attack] =
        refused(
            "A12", "EPERM", by: privileged,
            [
                "mount": "a tmpfs, by mount(2)", "remount": "a mount without its flags",
                "umount2": "taking a mount away", "chroot": "another root, by chroot(2)",
            ])
        + refused(
            "A12", "EPERM", control: .bare(["EBUSY", "EINVAL"]), by: privileged,
            ["pivot-root": "another root, by pivot_root(2)"])
        + refused(
            "A12", "ENOSYS", by: privileged,
            [
                "open-tree": "a copy of the root, by open_tree(2)",
                "fsopen": "a new filesystem, by fsopen(2)",
                "fspick": "a filesystem's options, by fspick(2)",
                "mount-setattr": "a mount's flags, by mount_setattr(2)",
            ])
        + refused(
            "A12", "ENOSYS", control: .bare(["EBADF", "EINVAL"]), by: privileged,
            [
                "move-mount": "attaching a mount, by move_mount(2)",
                "fsconfig": "configuring a filesystem, by fsconfig(2)",
                "fsmount": "mounting it, by fsmount(2)",
            ])
        + refused(
            "A12", ["ENOSYS", "not in this kernel"],
            control: .bare(["succeeded", "EFAULT", "not in this kernel"]),
            [
                "open-tree-attr": "a copy of the root, by open_tree_attr(2)",
                "listmount": "a list of mounts, by listmount(2)", "statmount": "a mount, by statmount(2)",
            ])

    /// io_uring, its older kind, and access control of the plugin's own making.
    static let newerCalls: [Attack] =
        refused(
            "A07", "ENOSYS", control: .bare(["succeeded", "EPERM"]),
            ["io-uring-setup": "a ring of io_uring(7)"])
        + refused(
            "A07", "ENOSYS", control: .bare(["EBADF", "EINVAL", "EPERM"]),
            [
                "io-uring-enter": "work for a ring that came by other ways",
                "io-uring-register": "buffers for such a ring",
            ])
        + refused("A07", "ENOSYS", ["io-setup": "a context of io_submit(2)"])
        + refused(
            "A/26", "ENOSYS", control: .bare(["succeeded", "EBADF", "EOPNOTSUPP"]),
            [
                "landlock-create-ruleset": "landlock of one's own: asking for its version",
                "landlock-add-rule": "landlock of one's own: a rule",
                "landlock-restrict-self": "landlock of one's own: putting it on",
            ])
        + refused(
            "A/26", ["ENOSYS", "not in this kernel"],
            control: .bare(["succeeded", "EINVAL", "not in this kernel"]),
            [
                "lsm-list-modules": "the kernel's security modules",
                "lsm-get-self-attr": "one's attributes there",
                "lsm-set-self-attr": "changing them",
            ])
}
