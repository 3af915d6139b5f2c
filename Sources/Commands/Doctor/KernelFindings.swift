import Glibc
import Launch
import Linux

/// What the kernel lets this process do: namespaces, mounts, filters, landlock.
struct KernelFindings {
    private let host: HostAbilities

    init(_ host: HostAbilities) { self.host = host }

    var all: [DoctorFinding] {
        [
            .ok("kernel", "Linux \(host.kernel)"), tried("namespaces", .namespaces, namespaces),
            tried("mount API", .mountAPI, mountAPI), tried("/proc", .proc, proc),
            KernelFindings.seccomp(HostProbe.availableSeccompActions),
            KernelFindings.landlock(abi: host.landlockABI),
        ]
    }

    private func tried(
        _ name: String, _ probe: HostProbe, _ failed: (SystemError) -> DoctorFinding
    ) -> DoctorFinding {
        do throws(SystemError) {
            if let failure = try probe.failure() { return failed(failure) }
        } catch {
            return .failed(name, "cannot be tried: \(error)", why: "a sandbox is a process more", cure: nil)
        }
        switch probe {
        case .namespaces: return .ok(name, "user, mount, pid, net, ipc and uts namespaces can be made")
        case .mountAPI: return .ok(name, "open_tree, fsopen, mount_setattr and move_mount work")
        case .proc: return .ok(name, "a new one can be mounted")
        }
    }

    private func namespaces(_ error: SystemError) -> DoctorFinding {
        .failed(
            "namespaces", "\(error)", why: "every sandbox is made of them",
            cure: KernelFindings.namespaceCure(error, sysctl: Sysctl.read))
    }

    /// - Parameter sysctl: the value of a file below /proc/sys.
    static func namespaceCure(_ error: SystemError, sysctl: (String) -> String?) -> String? {
        // The limits count what the user's namespaces hold, at every level (user_namespaces(7)).
        if error.errno.rawValue == ENOSPC {
            let kinds = ["user", "mnt", "pid", "net", "ipc", "uts"]
            let empty = kinds.first { sysctl("user/max_\($0)_namespaces") == "0" } ?? "user"
            return "sysctl -w user.max_\(empty)_namespaces=15000"
        }
        if sysctl("kernel/unprivileged_userns_clone") == "0" {
            return "sysctl -w kernel.unprivileged_userns_clone=1"
        }
        if sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" {
            return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for "
                + "corral that has userns"
        }
        return filterCure
    }

    private static let filterCure =
        "in a container: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"

    private func mountAPI(_ error: SystemError) -> DoctorFinding {
        let isOld = error.errno.rawValue == ENOSYS
        return .failed(
            "mount API", "\(error)", why: "roots are built by descriptor, with these calls only",
            cure: isOld ? "boot Linux 6.1 or newer" : KernelFindings.namespaceCure(error, sysctl: Sysctl.read)
        )
    }

    private func proc(_ error: SystemError) -> DoctorFinding {
        .failed(
            "/proc", "\(error)",
            why:
                "a sandbox has its own; the kernel refuses it where parts of the one here are covered, as in "
                + "containers",
            cure: "docker run --security-opt systempaths=unconfined, or podman run --security-opt unmask=ALL")
    }

    /// - Parameter actions: those that there are.
    static func seccomp(_ actions: [String]) -> DoctorFinding {
        let needed = ["kill_process", "errno", "allow"].filter { !actions.contains($0) }
        guard needed.isEmpty else {
            return .failed(
                "seccomp", "without \(needed.joined(separator: ", "))", why: "filters consist of these",
                cure: "boot a kernel with CONFIG_SECCOMP_FILTER")
        }
        let missing = ["log", "user_notif"].filter { !actions.contains($0) }
        guard missing.isEmpty else {
            return .warning(
                "seccomp", "without \(missing.joined(separator: ", "))",
                why: "refused calls cannot be told by their names", cure: "boot Linux 6.1 or newer")
        }
        return .ok("seccomp", actions.joined(separator: " "))
    }

    static func landlock(abi: Int) -> DoctorFinding {
        let why = "it is a second wall behind those of mounts and namespaces"
        if abi == 0 {
            return .warning(
                "landlock", "not there", why: why,
                cure: "add landlock to the boot parameter lsm=, on a kernel with CONFIG_SECURITY_LANDLOCK")
        }
        // landlock(7), "Landlock ABI versions".
        var missing: [String] = []
        if abi < 2 { missing.append("moving files between directories") }
        if abi < 3 { missing.append("truncation") }
        if abi < 4 { missing.append("TCP ports") }
        if abi < 5 { missing.append("ioctl on devices") }
        if abi < 6 { missing.append("abstract sockets and signals") }
        guard !missing.isEmpty else { return .ok("landlock", "ABI \(abi)") }
        return .warning(
            "landlock", "ABI \(abi), which has no rules for \(missing.joined(separator: ", "))", why: why,
            cure: "boot Linux 6.12 or newer")
    }
}

/// Files below /proc/sys.
enum Sysctl {
    /// The value, without its end of line; nil where there is none.
    static func read(_ path: String) -> String? {
        guard let bytes = try? FileDescriptor.open("/proc/sys/\(path)", O_RDONLY).readAll(limit: 4096) else {
            return nil
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
