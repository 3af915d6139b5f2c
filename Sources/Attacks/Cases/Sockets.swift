// Area A: sockets of families, types and protocols that no profile needs.

import Sandbox

/// What the kernel itself answers where no filter does: never EAFNOSUPPORT, which the attempts look into.
private let reachedTheKernel: Attack.Control = .bare([
    "succeeded", "only the kernel has none", "EINVAL", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "ENOPROTOOPT",
    "EACCES", "EPERM",
])

private let unix = " 1:1/0 1:1/1 1:2/0 1:2/1 1:5/0 1:5/1"
private let ipv4 = " 2:1/0 2:1/6 2:2/0 2:2/17"
private let ipv6 = " 10:1/0 10:1/6 10:2/0 10:2/17"
private let route = " 16:2/0 16:3/0"

extension Attack {
    static let sockets: [Attack] =
        refused(
            "A08", "EAFNOSUPPORT", control: reachedTheKernel,
            [
                "socket-vsock": "AF_VSOCK, which leads to the machine below this one",
                "socket-alg": "AF_ALG, the kernel's cryptography (CVE-2026-31431)",
                "socket-packet": "AF_PACKET", "socket-xdp": "AF_XDP", "socket-key": "AF_KEY",
                "socket-bluetooth": "AF_BLUETOOTH", "socket-can": "AF_CAN",
                "socket-netfilter": "AF_NETLINK to netfilter (CVE-2024-1086)",
                "socket-audit": "AF_NETLINK to audit", "socket-uevents": "AF_NETLINK to device events",
                "socket-raw": "a raw socket", "socket-raw-ipv6": "a raw socket of IPv6",
                "socket-ping": "a socket for ping", "socket-sctp": "SCTP", "socket-mptcp": "MPTCP",
            ])
        + refused(
            "A08", ("EAFNOSUPPORT" as Expectation).but(in: "network_extended", "succeeded"),
            control: .bare(), ["socket-route": "AF_NETLINK to the routes of one's own network"])
        + refused(
            "A08", "none", control: .bare("reached the kernel:*"),
            [
                "families-past-the-filter":
                    "each family with a type that is none: those that the kernel refused"
            ])
        + refused(
            "A08", "none", control: .bare("found:*"),
            ["sockets-other": "families 0 to 50, all types, seven protocols: those beside the next line's"])
        + [plainSockets]
        + refused(
            "A08", "EAFNOSUPPORT", control: .bare("EOPNOTSUPP"),
            ["pair-of-netlink": "a pair of sockets of AF_NETLINK"])
        + refused(
            "A08", ("succeeded" as Expectation).but(in: "strict", "EAFNOSUPPORT"),
            ["pair-of-datagrams": "a pair of datagram sockets, which can be connected elsewhere later"])
        + [
            Attack(
                "A08", "replace-ip-tables", "the tables of iptables, by a socket option (CVE-2021-22555)",
                expected: (["EPERM", "not in this kernel"] as Expectation)
                    .but(in: "strict", "EAFNOSUPPORT").but(in: "offline_readonly", "EAFNOSUPPORT"),
                control: .bare(["EINVAL", "EFAULT", "ENOENT", "not in this kernel"]),
                stoppedBy: [.capabilities, .netNamespace])
        ]

    /// Only what a profile's policy names. A kernel may have no IPv6.
    private static let plainSockets = Attack(
        "A08", "sockets-plain",
        "AF_UNIX, TCP, UDP, routes: those that can be opened, as family:type/protocol",
        expected: (["found:\(unix)\(ipv4)\(ipv6)", "found:\(unix)\(ipv4)"] as Expectation)
            .but(in: "strict", "none").but(in: "offline_readonly", "found:\(unix)")
            .but(
                in: "network_extended", "found:\(unix)\(ipv4)\(ipv6)\(route)",
                "found:\(unix)\(ipv4)\(route)"),
        control: .bare(["found:\(unix)\(ipv4)\(ipv6)\(route)", "found:\(unix)\(ipv4)\(route)"]),
        stoppedBy: [.seccomp])
}
