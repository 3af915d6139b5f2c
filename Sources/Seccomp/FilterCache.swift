import CLinux
import Glibc
package import Linux

/// Compiled filters, kept so that starting a sandbox does not compile: compiling takes milliseconds,
/// reading takes microseconds.
///
/// A stored file counts only where nobody but its owner could have written it, and the owner is the
/// caller (or root, for an installed file); otherwise it is as if it were not there.
package struct FilterCache: ~Copyable, Sendable {
    private let directory: FileDescriptor?
    private let policies: FileDescriptor?

    /// The longest file of a policy, in bytes.
    private static let maximumPolicySize: UInt64 = 1 << 18

    /// - Parameters:
    ///   - directory: owned by the caller and writable by nobody else; nil for no cache.
    ///   - policies: holds policies, `NAME.json`, and what ``precompile(parts:into:)`` made of
    ///     them, `NAME.bpf` or `NAME+NAME.bpf`; nil for nowhere.
    package init(directory: consuming FileDescriptor?, policies: consuming FileDescriptor?) {
        self.directory = directory
        self.policies = policies
    }

    /// The part `name` of a policy: `NAME.json` in `directory`.
    /// - Throws: ``SeccompError/noSuchPolicy(_:)``, and ``SeccompError/system(_:)`` for a file that
    ///   cannot be read or is too long.
    package static func part(
        named name: String, in directory: borrowing FileDescriptor
    ) throws(SeccompError) -> PolicyPart {
        // Names come from profiles; none may lead out of the directory.
        guard name.utf8.first ?? 0x2E != 0x2E, !name.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
            throw .noSuchPolicy(name)
        }
        let file = "\(name).json"
        let parent = directory.number
        do throws(SystemError) {
            let number = try call("openat", on: file) {
                unsafe openat(parent, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            }
            let policy = FileDescriptor(owning: number)
            var status = clinux_stat()
            _ = try call("fstat", on: file) { unsafe clinux_fstat(policy.number, &status) }
            guard status.size <= maximumPolicySize else { throw SystemError("read", file, .fileTooLarge) }
            return PolicyPart(file: file, json: try policy.readOnce(limit: Int(status.size)))
        } catch {
            throw error.errno == .noSuchFileOrDirectory ? .noSuchPolicy(name) : .system(error)
        }
    }

    /// The filter of a policy: as the installation brought it, from the cache, or compiled now and
    /// put into the cache. Failing to store a filter is not an error.
    /// - Parameter parts: parsed only when no stored filter fits; `base.json` and `network.json` have
    ///   their installed filter in `base+network.bpf`.
    package borrowing func filter(parts: [PolicyPart]) throws(SeccompError) -> CompiledFilter {
        let key = FilterFile.key(for: parts)
        let owner = geteuid()
        if let filter = Self.stored(
            Self.installedName(of: parts), in: policies, key: key, owners: [0, owner], .installed)
        {
            return filter
        }
        let name = hexadecimal(key) + ".bpf"
        if let filter = Self.stored(name, in: directory, key: key, owners: [owner], .cache) {
            return filter
        }
        let filter = try Compiler.compile(parts: parts)
        Self.store(filter, key: key, as: name, in: directory, owner: owner)
        return filter
    }

    /// Compiles a policy and stores the filter beside its parts, for `make install`.
    /// - Throws: what compiling throws, and ``SeccompError/system(_:)`` when the file cannot be written.
    @discardableResult
    package static func precompile(
        parts: [PolicyPart], into directory: borrowing FileDescriptor
    ) throws(SeccompError) -> CompiledFilter {
        let filter = try Compiler.compile(parts: parts)
        let bytes = FilterFile.encode(filter, key: FilterFile.key(for: parts))
        let name = installedName(of: parts)
        do {
            try OwnedFile.write(bytes, as: name, in: directory, mode: 0o644)
        } catch {
            throw .system(error)
        }
        return filter
    }

    private static func stored(
        _ name: String, in directory: borrowing FileDescriptor?, key: [UInt8], owners: [uid_t],
        _ origin: CompiledFilter.Origin
    ) -> CompiledFilter? {
        switch directory {
        case .some(let directory): try? read(name, in: directory, key: key, owners: owners, origin: origin)
        case .none: nil
        }
    }

    private static func store(
        _ filter: CompiledFilter, key: [UInt8], as name: String, in directory: borrowing FileDescriptor?,
        owner: uid_t
    ) {
        switch directory {
        case .some(let directory):
            guard (try? OwnedFile.check(directory: directory, owners: [owner])) != nil else { return }
            try? OwnedFile.write(FilterFile.encode(filter, key: key), as: name, in: directory, mode: 0o600)
        case .none: return
        }
    }

    package static func installedName(of parts: [PolicyPart]) -> String { parts.policyName + ".bpf" }

    static func read(
        _ name: String, in directory: borrowing FileDescriptor, key: [UInt8], owners: [uid_t],
        origin: CompiledFilter.Origin
    ) throws(FilterFileProblem) -> CompiledFilter {
        let bytes: [UInt8]
        do throws(OwnedFile.Problem) {
            bytes = try OwnedFile.read(name, in: directory, owners: owners, limit: FilterFile.maximumSize)
        } catch {
            throw FilterFileProblem(error)
        }
        return try FilterFile.decode(bytes, key: key, origin: origin)
    }
}
