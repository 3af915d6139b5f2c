import Glibc
import Linux
import Sandbox
import Seccomp

/// What the files of a profile amount to: the profile, its image and its filter.
struct Rules: Hashable, Sendable {
    var profile: Profile
    var image: Image
    var filter: CompiledFilter
    /// Where they came from. `compiled` stands for decoded files, whatever the filter's origin.
    var origin: CompiledFilter.Origin
}

extension Installation {
    /// The rules of a profile: as `make install` prepared them, from the cache, or decoded now and put
    /// into the cache. Failing to store them is not an error.
    /// - Parameters:
    ///   - name: a name, or a path with a slash in it.
    ///   - cache: a directory that counts only where it is the caller's alone; nil for no cache.
    func rules(_ name: String, cache: borrowing FileDescriptor?) throws(CommandError) -> Rules {
        let (file, source) = try read(name, kind: "profile", directory: "profiles", suffix: ".yaml")
        let key = RulesFile.key(profile: source, name: file)
        let owner = geteuid()
        if !name.contains("/"),
            let profiles = try? FileDescriptor.open("\(root)/profiles", O_RDONLY | O_DIRECTORY),
            let rules = stored(name + ".rules", in: profiles, key: key, owners: [0, owner], .installed)
        {
            return rules
        }
        // One file for each profile of each installation: what a change or another build makes is put in
        // its place.
        let stored = hexadecimal(Digest.of(Array("\(root)\0\(file)".utf8))) + ".rules"
        switch cache {
        case .some(let cache):
            if let rules = self.stored(stored, in: cache, key: key, owners: [owner], .cache) { return rules }
            let (rules, bytes) = try decode(source, file: file, key: key, cache: try? cache.duplicate())
            if (try? OwnedFile.check(directory: cache, owners: [owner])) != nil {
                try? OwnedFile.write(bytes, as: stored, in: cache, mode: 0o600)
            }
            return rules
        case .none: return try decode(source, file: file, key: key, cache: nil).rules
        }
    }

    /// Stores the rules of the profile `name` beside it, `NAME.rules`.
    func precompile(_ name: String) throws(CommandError) {
        let (file, source) = try read(name, kind: "profile", directory: "profiles", suffix: ".yaml")
        let (_, bytes) = try decode(
            source, file: file, key: RulesFile.key(profile: source, name: file), cache: nil)
        do throws(SystemError) {
            let profiles = try FileDescriptor.open("\(root)/profiles", O_RDONLY | O_DIRECTORY)
            try OwnedFile.write(bytes, as: name + ".rules", in: profiles, mode: 0o644)
        } catch {
            throw CommandError("writing \(root)/profiles/\(name).rules: \(error)")
        }
    }

    /// Rules in a file that counts, and that the image and the policy are still as they were for.
    private func stored(
        _ name: String, in directory: borrowing FileDescriptor, key: [UInt8], owners: [uid_t],
        _ origin: CompiledFilter.Origin
    ) -> Rules? {
        guard
            let bytes = try? OwnedFile.read(
                name, in: directory, owners: owners, limit: RulesFile.maximumSize),
            let file = try? RulesFile(bytes, key: key),
            let image = try? read(file.profile.image, kind: "image", directory: "images", suffix: ".yaml"),
            let part = try? policyPart(file.profile.seccomp),
            let filter = file.filter(image: image.bytes, policy: part.json, origin: origin)
        else { return nil }
        return Rules(profile: file.profile, image: file.image, filter: filter, origin: origin)
    }

    /// The rules as the files say, and how to store them.
    private func decode(
        _ source: [UInt8], file: String, key: [UInt8], cache: consuming FileDescriptor?
    ) throws(CommandError) -> (rules: Rules, bytes: [UInt8]) {
        let profile: Profile
        do throws(ConfigError) {
            profile = try Profile.decode(source, file: file)
        } catch {
            throw CommandError(error.description)
        }
        let (image, imageSource) = try imageAndSource(profile.image)
        do {
            // One reading of the policy for both, or the stored rules could be those of another one.
            let part = try policyPart(profile.seccomp)
            let filters = FilterCache(directory: cache, policies: try policies())
            let filter = try filters.filter(parts: [part])
            let rules = Rules(profile: profile, image: image, filter: filter, origin: .compiled)
            return (rules, RulesFile.encode(rules, image: imageSource, policy: part.json, key: key))
        } catch {
            throw CommandError("\(error)")
        }
    }

    private func policyPart(_ name: String) throws -> PolicyPart {
        try FilterCache.part(named: name, in: policies())
    }

    func policies() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open("\(root)/profiles/seccomp", O_RDONLY | O_DIRECTORY)
    }
}
