// Area A: setuid and setgid bits. In a directory of the host's, such a file would be one for every user.

import Sandbox

extension Attack {
    static let fileModes: [Attack] =
        refused(
            "A/23", "EPERM",
            [
                "setuid-by-fchmod": "the setuid bit, by fchmod(2)",
                "setgid-by-fchmod": "the setgid bit, by fchmod(2)",
                "setuid-by-fchmod-high-bits": "the setuid bit, by fchmod(2) with garbage in the upper half",
                "setuid-by-fchmodat": "the setuid bit, by fchmodat(2)",
                "setuid-by-openat": "a new file with it, by openat(2)",
                "setuid-by-tmpfile": "a file without a name that has it, given one",
                "setuid-by-mknodat": "a new file with it, by mknodat(2)",
            ])
        // The kernel leaves the bit out by itself.
        + refused(
            "A/23", "EPERM", control: .bare("without the bit"),
            ["setgid-by-mkdirat": "a directory with the setgid bit, by mkdirat(2)"])
        + refused(
            "A/23", "EPERM", control: .bare(["succeeded", "not in this kernel"]),
            ["setuid-by-fchmodat2": "the setuid bit, by fchmodat2(2)"])
        // The attacker program is mounted from the host, so no policy has openat2.
        + refused("A/23", "ENOSYS", ["setuid-by-openat2": "a new file with it, by openat2(2)"])
        + refused(
            "A/23",
            ("EPERM" as Expectation).but(in: "strict", "ENOSYS").but(in: "offline_readonly", "ENOSYS")
                .but(in: "network_basic", "ENOSYS"),
            ["setuid-by-mq-open": "a message queue with it"]) + oldCalls

    private static var oldCalls: [Attack] {
        #if arch(x86_64)
            refused(
                "A/23", "EPERM",
                [
                    "setuid-by-chmod": "the setuid bit, by chmod(2)",
                    "setuid-by-chmod-high-bits": "the setuid bit, by chmod(2) with garbage in the upper half",
                    "setuid-by-open": "a new file with it, by open(2)",
                    "setuid-by-creat": "a new file with it, by creat(2)",
                    "setuid-by-mknod": "a new file with it, by mknod(2)",
                ])
                + refused(
                    "A/23", "EPERM", control: .bare("without the bit"),
                    ["setgid-by-mkdir": "a directory with the setgid bit, by mkdir(2)"])
        #else
            []
        #endif
    }
}
