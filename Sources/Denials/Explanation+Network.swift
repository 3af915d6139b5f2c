import Glibc
import Linux
import Sandbox

extension Explanation {
    /// What seccomp, landlock and the network say to a use of a TCP socket.
    mutating func decide(_ event: TCPEvent, _ rules: SandboxRules) {
        switch event {
        case .connect(let address, let port): connect(address, port, rules)
        case .bind(let address, let port): bind(address, port, rules)
        case .connectByName(let name, let port): connect(named: name, port, rules)
        }
    }

    private mutating func makesSocket(_ family: Int32, _ rules: SandboxRules) -> Bool {
        let type = UInt64(bitPattern: Int64(SOCK_STREAM.rawValue) | Int64(SOCK_CLOEXEC.rawValue))
        return decide(callNamed: "socket", [UInt64(family), type, 0], rules)
    }

    // MARK: connect

    private mutating func connect(named name: String, _ port: UInt16, _ rules: SandboxRules) {
        if let known = rules.hosts.first(where: { $0.names.contains(name.lowercased()) }) {
            note(.network, "\(name) is \(known.text) in /etc/hosts", known.origin)
            return connect(known.address, port, rules)
        }
        if rules.profile.network.mode == .proxy { return proxy(name, port, rules) }
        guard makesSocket(AF_INET, rules) else { return }
        let origin = rules.origin(.networkMode)
        guard rules.profile.network.mode == .host else {
            return deny(
                .network, "network.mode is none: there is nobody who knows the address of \(shown(name))",
                origin,
                .other("the look-up of the name fails"), cure: cure(shown(name), port))
        }
        note(
            .network, "network.mode is host: whoever the host asks knows the address of \(shown(name))",
            origin)
        landlock(.connect, port, rules)
    }

    private mutating func connect(_ address: IPAddress, _ port: UInt16, _ rules: SandboxRules) {
        if rules.profile.network.mode == .proxy, !address.isLoopback {
            return proxy(address.description, port, rules)
        }
        guard makesSocket(address.family, rules), decide(callNamed: "connect", [], rules) else { return }
        guard landlock(.connect, port, rules) else { return }
        let origin = rules.origin(.networkMode)
        if rules.profile.network.mode == .host {
            return allow(.network, "network.mode is host: the sandbox has the host's network", origin)
        }
        guard address.isLoopback else {
            return deny(
                .network,
                "network.mode is none: the sandbox's network has a loopback interface and no way out",
                origin, .errno(Errno(rawValue: ENETUNREACH)), cure: cure("\(address)", port))
        }
        allow(.network, "\(address) is the sandbox's own loopback interface", origin)
        note(
            .network,
            "somebody in the sandbox has to listen there, or the connection is refused (ECONNREFUSED)")
    }

    private func cure(_ host: String, _ port: UInt16) -> String {
        "Set network.mode: proxy and add \"\(host):\(port)\" to network.allow in the profile."
    }

    /// What the egress proxy would say.
    private mutating func proxy(_ host: String, _ port: UInt16, _ rules: SandboxRules) {
        note(
            .network,
            "network.mode is proxy: the way out is a proxy, which does not exist yet; until then no run "
                + "starts with this profile", rules.origin(.networkMode))
        let wanted = "\(shown(host)):\(port)"
        if let entry = rules.profile.network.allow.first(where: { $0.covers(host, port) }) {
            return allow(.network, "network.allow has \(entry)", rules.origin(.networkAllow))
        }
        deny(
            .network, "network.allow has nothing that covers \(wanted)", rules.origin(.networkAllow),
            .other("the proxy refuses the connection"),
            cure: "Add \"\(wanted)\" to network.allow in the profile.")
    }

    // MARK: bind

    private mutating func bind(_ address: IPAddress, _ port: UInt16, _ rules: SandboxRules) {
        guard makesSocket(address.family, rules), decide(callNamed: "bind", [], rules) else { return }
        guard landlock(.bind, port, rules) else { return }
        let origin = rules.origin(.networkMode)
        if rules.profile.network.mode == .host {
            allow(.network, "network.mode is host: addresses and ports of the host", origin)
            if port > 0, port < 1024 {
                note(
                    .capabilities, "the host's net.ipv4.ip_unprivileged_port_start has to be at most \(port)")
            }
            return
        }
        let isPrivileged = port > 0 && port < 1024
        // IPv6 looks at the port first (__inet6_bind), IPv4 at the address (__inet_bind).
        guard address.isLoopback || isPrivileged && address.family == AF_INET6 else {
            return deny(
                .network, "the sandbox's network has a loopback interface and no other address", origin,
                .errno(Errno(rawValue: EADDRNOTAVAIL)), cure: "Bind to 127.0.0.1, 0.0.0.0, ::1 or :: instead."
            )
        }
        guard !isPrivileged else {
            return deny(
                .capabilities, "ports below 1024 need CAP_NET_BIND_SERVICE, and processes have no capability",
                nil,
                .errno(.accessDenied),
                cure: "Listen on a port from 1024 on, and allow it in landlock.tcp.bind.")
        }
        allow(.network, "\(address) is the sandbox's own loopback interface", origin)
    }

    // MARK: landlock

    @discardableResult
    private mutating func landlock(
        _ right: LandlockRuleset.TCPRights, _ port: UInt16, _ rules: SandboxRules
    ) -> Bool {
        let key = right == .bind ? ProfileKey.bind : .connect
        let said = "\(key.rawValue) is \(rules.written(key))"
        guard rules.landlock.tcp.contains(right) else {
            let anyway = rules.landlock.abi < 4 ? "; this kernel has no landlock for TCP (Linux 6.7)" : ""
            note(.landlock, said + anyway, rules.origin(key))
            return true
        }
        if rules.landlock.allows(right, port: port) {
            allow(.landlock, said, rules.origin(key))
            return true
        }
        deny(
            .landlock, said, rules.origin(key), .errno(.accessDenied),
            cure: "Add \(port) to \(key.rawValue) in the profile.")
        return false
    }
}

extension SandboxRules {
    fileprivate struct KnownHost {
        let address: IPAddress
        let text: String
        let names: [String]
        let origin: String
    }

    /// The names that the image's own /etc/hosts has (hosts(5)).
    fileprivate var hosts: [KnownHost] {
        guard let index = image.files.firstIndex(where: { $0.path == "/etc/hosts" }) else { return [] }
        return image.files[index].content.split(separator: "\n").compactMap { line in
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.map(String.init)
            guard let first = words.first, let address = IPAddress(first) else { return nil }
            return KnownHost(
                address: address, text: first, names: words.dropFirst().map { $0.lowercased() },
                origin: origin(imageKey: "files[\(index)]"))
        }
    }
}
