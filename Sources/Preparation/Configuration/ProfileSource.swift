import Glibc
import Linux
package import Sandbox

/// A file of a profile's chain, and how it was looked up: enough to see later whether the same words
/// would still lead to the same file.
package struct ProfileSource: Sendable, Hashable {
    /// A name, or a path with a slash in it, as seen from the working directory.
    package let reference: String
    /// A name was looked for behind this directory: that of a file of the same name that extends it.
    package let behind: ProfileDirectory.Owner?
    /// What errors call the file.
    package let called: String
    package let bytes: [UInt8]
    /// Where it was found; nil for a path.
    package let directory: ProfileDirectory.Owner?
}

extension Installation {
    /// The file of a profile.
    /// - Parameter reference: a name, or a path with a slash in it.
    package func profileSource(
        _ reference: String, behind: ProfileDirectory.Owner? = nil
    ) throws(PreparationError) -> ProfileSource {
        if reference.contains("/") {
            let called = ConfigFile.called(reference)
            do throws(ConfigFile.Problem) {
                let bytes = try ConfigFile.read(
                    reference, in: AT_FDCWD, owners: ConfigFile.owners(shipped: false), blocking: true)
                return ProfileSource(
                    reference: reference, behind: nil, called: called, bytes: bytes, directory: nil)
            } catch {
                switch error {
                case .system(let errno): throw PreparationError("profile \(shown(called)): \(errno)")
                case .refused(let why): throw PreparationError("profile \(shown(called)): \(why)")
                }
            }
        }
        guard let found = try directories.find(reference, .profile, behind: behind) else {
            throw try directories.unknown(reference, .profile)
        }
        return ProfileSource(
            reference: reference, behind: behind, called: found.file.called, bytes: found.file.bytes,
            directory: found.directory)
    }

    /// A profile's chain and the sources it was read from.
    package func chain(
        from first: ProfileSource
    ) throws(PreparationError) -> (chain: ProfileChain, sources: [ProfileSource]) {
        do throws(ConfigError) {
            return try chain(from: ProfileFile(first.bytes, file: first.called), first)
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// The same for a file that has been read.
    package func chain(
        from file: ProfileFile, _ first: ProfileSource
    ) throws(ConfigError) -> (chain: ProfileChain, sources: [ProfileSource]) {
        var sources = [first]
        let chain = try ProfileChain(from: file) { (last, reference) throws(ProfileChain.Missing) in
            let source: ProfileSource
            do throws(PreparationError) {
                source = try base(of: sources[sources.count - 1], last.name, reference)
            } catch {
                throw .absent("cannot be followed: \(error)")
            }
            sources.append(source)
            do throws(ConfigError) {
                return try ProfileFile(source.bytes, file: source.called)
            } catch {
                throw .wrong(error)
            }
        }
        return (chain, sources)
    }

    /// The file that another extends. A path is seen from that file's directory. A file that extends
    /// its own name means the one that it stands in front of.
    private func base(
        of source: ProfileSource, _ name: String, _ reference: ProfileFile.Reference
    ) throws(PreparationError) -> ProfileSource {
        guard reference.isPath else {
            let behind = reference.target == name ? source.directory : nil
            return try profileSource(reference.target, behind: behind)
        }
        if reference.target.hasPrefix("/") { return try profileSource(reference.target) }
        return try profileSource(joined(path(of: source), reference.target))
    }

    private func path(of source: ProfileSource) -> String {
        guard let owner = source.directory,
            let directory = directories.all.first(where: { $0.owner == owner })
        else { return source.reference }
        return "\(directory.path)/\(ProfileFileKind.profile.file(source.reference))"
    }

    /// `relative` seen from the directory of `file`, without any `.`.
    private func joined(_ file: String, _ relative: String) -> String {
        let directory = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let parts = directory + relative.split(separator: "/").filter { $0 != "." }
        let path = parts.joined(separator: "/")
        return path.contains("/") ? path : "./\(path)"
    }

    /// The profile of a name or a file, with all that it extends.
    package func profile(_ reference: String) throws(PreparationError) -> Profile {
        let chain = try chain(from: profileSource(reference)).chain
        do throws(ConfigError) {
            return try chain.profile()
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// A part of a seccomp policy.
    func part(_ name: String) throws(PreparationError) -> ConfigFile {
        guard let found = try directories.find(name, .part) else {
            throw try directories.unknown(name, .part)
        }
        return found.file
    }
}
