import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Preparation
import Sandbox

/// What this host is set up to give this user: cgroups, ids, descriptors, file systems.
struct HostFindings {
    private let host: HostAbilities

    init(_ host: HostAbilities) { self.host = host }

    var all: [DoctorFinding] { [cgroups, ids, openFiles, idmapped, kernelLog] }

    private var cgroups: DoctorFinding {
        do throws(CgroupError) {
            let layout = try CgroupLayout.detect()
            let what = Versions.text(layout)
            guard !layout.missing.isEmpty else { return .ok("cgroups", what) }
            let missing = Layer.allCases.filter { layout.missing[$0] != nil }.map { layer in
                "\(layer.rawValue) (\(layout.missing[layer] ?? ""))"
            }
            return .warning(
                "cgroups", "\(what); not for \(missing.joined(separator: ", "))",
                why: "these limits hold in part, for each process, or not at all", cure: layout.cure)
        } catch {
            return .failed("cgroups", "\(error)", why: "limits of a whole sandbox rest on them", cure: nil)
        }
    }

    private var ids: DoctorFinding {
        if host.privileged { return rangeOfIDs }
        guard case .single(let uid, _) = UserIdentity.choose(host) else {
            return .ok("ids", "a subordinate one for the init, the user's own for the program")
        }
        let why = "a program has the same uid as its init, and cannot give up the user's groups"
        if host.uid == 0 {
            return .warning(
                "ids", "root without the capabilities to map others; one uid for init and program", why: why,
                cure: "in a container: docker run --privileged")
        }
        let hasTools =
            unsafe access("/usr/bin/newuidmap", X_OK) == 0 && access("/usr/bin/newgidmap", X_OK) == 0
        return .warning(
            "ids", "uid \(uid) for both init and program", why: why,
            cure: hasTools
                ? "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER (subuid(5))"
                : "apt-get install uidmap (newuidmap(1)), and a range for the user in /etc/subuid and /etc/subgid"
        )
    }

    /// What root maps, tried out with the first pair.
    private var rangeOfIDs: DoctorFinding {
        let range = "\(Identity.rangeStart) to \(Identity.rangeStart + 2 * Identity.slots - 1)"
        let pair = Identity.slot(0)
        let namespace = unsafe clinux_user_namespace(pair.uidMap, pair.gidMap)
        guard namespace >= 0 else {
            return .failed(
                "ids", "\(range) cannot be mapped: \(Errno(rawValue: errno))",
                why: "each sandbox gets two of its own",
                cure: "give the user namespace that this is all ids, or run corral as an ordinary user")
        }
        _ = close(namespace)
        return .ok("ids", "two of each sandbox's own, of \(range)")
    }

    private var openFiles: DoctorFinding {
        let needed: UInt64
        do throws(PreparationError) {
            needed = UInt64(try Installation.find().profile("default").limits.openFiles)
        } catch {
            // The finding about profiles says it.
            return .ok("open files", "a hard limit of \(host.openFilesLimit)")
        }
        guard host.openFilesLimit < needed else {
            return .ok("open files", "a hard limit of \(host.openFilesLimit)")
        }
        return .failed(
            "open files", "a hard limit of \(host.openFilesLimit)",
            why: "the profile default asks for \(needed) for each process",
            cure: "raise nofile in /etc/security/limits.conf (LimitNOFILE= of a service), or run --nofile "
                + "\(host.openFilesLimit)")
    }

    /// Tried where workspaces are most likely to be.
    private var idmapped: DoctorFinding {
        guard host.privileged else {
            return .ok("workspaces", "any directory of the user's; ids are not mapped")
        }
        var refused: [String] = []
        for path in [StatePlace.existing("/var/lib/corral"), "."] {
            do throws(WorkspaceError) {
                _ = try WorkspaceDirectory.open(path).idmapped(to: .slot(0), readOnly: true)
            } catch {
                refused.append("\(path == "." ? "the working directory" : shown(path)): \(reason(error))")
            }
        }
        guard !refused.isEmpty else {
            return .ok("workspaces", "idmapped mounts work below /var/lib and in the working directory")
        }
        return .warning(
            "workspaces", refused.joined(separator: "; "),
            why: "a directory there cannot be given with --workspace",
            cure: "keep workspaces on ext4, xfs or btrfs (tmpfs from Linux 6.3 on)")
    }

    private func reason(_ error: WorkspaceError) -> String {
        if case .cannotMap(_, let errno) = error { return "no idmapped mounts (\(errno))" }
        if case .system(let error) = error { return "ids cannot be mapped (\(error.errno))" }
        return "\(error)"
    }

    private var kernelLog: DoctorFinding {
        do throws(SystemError) {
            _ = try FileDescriptor.open("/dev/kmsg", O_RDONLY | O_NONBLOCK)
            return .ok("kernel log", "can be read")
        } catch {
            return .warning(
                "kernel log", "/dev/kmsg: \(error.errno)",
                why: "what the kernel says of killed processes and refused calls is not seen",
                cure: host.uid == 0
                    ? "in a container: docker run --device /dev/kmsg" : "sysctl -w kernel.dmesg_restrict=0")
        }
    }
}

/// Where Corral keeps things.
enum StatePlace {
    /// The directory, or the nearest one above it that is there.
    static func existing(_ path: String) -> String {
        var path = path
        while unsafe access(path, F_OK) != 0, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            path = String(path[..<slash])
        }
        return unsafe access(path, F_OK) == 0 ? path : "/"
    }

    /// Whether the directory could be made or written to. Tried with a file that has no name, or where the
    /// file system has none such, with a directory that is removed again.
    static func isWritable(_ path: String) -> Bool {
        guard let directory = try? FileDescriptor.open(existing(path), O_RDONLY | O_DIRECTORY) else {
            return false
        }
        do throws(SystemError) {
            _ = try directory.open(".", CLINUX_O_TMPFILE | O_WRONLY, mode: 0o600)
            return true
        } catch {
            guard error.errno.rawValue == EOPNOTSUPP else { return false }
        }
        let name = ".corral-doctor.\(UInt64.random(in: 0...UInt64.max))"
        guard (try? directory.makeDirectory(name)) != nil else { return false }
        return (try? directory.removeDirectory(name)) != nil
    }
}
