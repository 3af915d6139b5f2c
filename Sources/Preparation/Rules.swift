import Glibc
package import Linux
package import Sandbox
package import Seccomp

/// What the files of a profile amount to: the profile, its image and its filter.
package struct Rules: Hashable, Sendable {
    package var profile: Profile
    package var image: Image
    package var filter: CompiledFilter
    /// Where they came from. `compiled` stands for decoded files, whatever the filter's origin.
    package var origin: CompiledFilter.Origin
}

extension Installation {
    /// The rules of a profile: as `make install` prepared them, from the cache, or decoded now and put
    /// into the cache. Failing to store them is not an error.
    /// - Parameters:
    ///   - name: a name, or a path with a slash in it.
    ///   - cache: a directory that counts only where it is the caller's alone; nil for no cache.
    package func rules(
        _ name: String, _ variant: RulesVariant, cache: borrowing FileDescriptor?
    ) throws(PreparationError) -> Rules {
        try read(profileSource(name), variant, cache: cache).rules
    }

    /// Rules, and the files that they hold for.
    struct ReadRules {
        let rules: Rules
        let sources: [RulesSource]
    }

    /// - Parameter source: the profile's own file.
    func read(
        _ source: ProfileSource, _ variant: RulesVariant, cache: borrowing FileDescriptor?
    ) throws(PreparationError) -> ReadRules {
        let name = source.reference
        let key = RulesFile.key(profile: source.bytes, name: source.called, variant)
        let owner = geteuid()
        if source.directory == .shipped, variant.image == nil,
            let profiles = try? FileDescriptor.open("\(root)/profiles", O_RDONLY | O_DIRECTORY),
            let rules = stored(
                "\(name)\(variant.suffix).rules", of: source, in: profiles, key: key, owners: [0, owner],
                .installed)
        {
            return rules
        }
        // One file for each profile of each installation: what a change or another build makes is put in
        // its place.
        let words = "\(root)\0\(source.called)\0\(variant.suffix)"
        let stored = hexadecimal(Digest.of(Array(words.utf8))) + ".rules"
        switch cache {
        case .some(let cache):
            if let rules = self.stored(stored, of: source, in: cache, key: key, owners: [owner], .cache) {
                return rules
            }
            let (read, bytes) = try decode(source, variant, key: key, cache: try? cache.duplicate())
            if (try? OwnedFile.check(directory: cache, owners: [owner])) != nil {
                try? OwnedFile.write(bytes, as: stored, in: cache, mode: 0o600)
            }
            return read
        case .none: return try decode(source, variant, key: key, cache: nil).read
        }
    }

    /// This installation with nothing but what it brings: what it prepares must not come from elsewhere.
    package var withoutOthers: Installation {
        Installation(
            root: root,
            directories: ProfileDirectories([ProfileDirectory(owner: .shipped, path: "\(root)/profiles")]))
    }

    /// Stores the rules of the profile `name` beside it and the filter beside the policy's parts.
    package func precompile(_ name: String, _ variant: RulesVariant) throws(PreparationError) {
        let source = try profileSource(name)
        let key = RulesFile.key(profile: source.bytes, name: source.called, variant)
        let (read, bytes) = try decode(source, variant, key: key, cache: nil)
        do {
            let profiles = try FileDescriptor.open("\(root)/profiles", O_RDONLY | O_DIRECTORY)
            try FilterCache.precompile(parts: policyParts(of: read.rules.profile, variant), into: policies())
            try OwnedFile.write(bytes, as: "\(name)\(variant.suffix).rules", in: profiles, mode: 0o644)
        } catch {
            throw PreparationError("preparing \(root)/profiles/\(name)\(variant.suffix).rules: \(error)")
        }
    }

    /// Rules in a file that counts, and whose sources are still as they were for them.
    private func stored(
        _ name: String, of profile: ProfileSource, in directory: borrowing FileDescriptor, key: [UInt8],
        owners: [uid_t], _ origin: CompiledFilter.Origin
    ) -> ReadRules? {
        guard
            let bytes = try? OwnedFile.read(
                name, in: directory, owners: owners, limit: RulesFile.maximumSize),
            let file = try? RulesFile(bytes, key: key),
            let filter = file.filter(
                origin: origin,
                { (lookup) throws(PreparationError) in
                    // Read a moment ago, and part of the key.
                    lookup == profile.lookup ? profile.asSource : try source(lookup)
                })
        else { return nil }
        let rules = Rules(profile: file.profile, image: file.image, filter: filter, origin: origin)
        return ReadRules(rules: rules, sources: file.allSources)
    }

    func source(_ lookup: RulesSource.Lookup) throws(PreparationError) -> RulesSource {
        switch lookup {
        case .profile(let reference, let behind):
            return try profileSource(reference, behind: behind).asSource
        case .image(let name):
            let (path, bytes) = try imageSource(name)
            return RulesSource(lookup: lookup, called: path, bytes: bytes)
        case .part(let name):
            let part = try part(name)
            return RulesSource(lookup: lookup, called: part.called, bytes: part.bytes)
        }
    }

    /// The rules as the files say, and how to store them.
    private func decode(
        _ source: ProfileSource, _ variant: RulesVariant, key: [UInt8], cache: consuming FileDescriptor?
    ) throws(PreparationError) -> (read: ReadRules, bytes: [UInt8]) {
        let (chain, files) = try chain(from: source)
        let profile: Profile
        do {
            // Here and not with the other options, since the image is one of the files.
            profile = try chain.profile().overridden(by: variant.image.map { [.image($0)] } ?? [])
        } catch {
            throw PreparationError("\(error)")
        }
        var sources = files.map(\.asSource)
        // One reading of each file for both, or the stored rules could be those of another one.
        let imageFile = try self.source(.image(profile.image))
        sources.append(imageFile)
        let image: Image
        do throws(ConfigError) {
            image = try Image.decode(imageFile.bytes, file: imageFile.called)
        } catch {
            throw PreparationError(error.description)
        }
        var parts: [PolicyPart] = []
        for name in variant.parts(of: profile) {
            let part = try self.source(.part(name))
            sources.append(part)
            parts.append(PolicyPart(file: part.called, json: part.bytes))
        }
        do {
            let filter = try FilterCache(directory: cache, policies: try policies()).filter(parts: parts)
            let rules = Rules(profile: profile, image: image, filter: filter, origin: .compiled)
            let bytes = RulesFile.encode(rules, sources: sources, key: key)
            return (ReadRules(rules: rules, sources: sources), bytes)
        } catch {
            throw PreparationError("\(error)")
        }
    }

    /// The parts of the seccomp policy that a run with this profile gets.
    package func policyParts(of profile: Profile, _ variant: RulesVariant) throws(PreparationError)
        -> [PolicyPart]
    {
        var parts: [PolicyPart] = []
        for name in variant.parts(of: profile) {
            let part = try part(name)
            parts.append(PolicyPart(file: part.called, json: part.bytes))
        }
        return parts
    }

    func policies() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open("\(root)/profiles/seccomp", O_RDONLY | O_DIRECTORY)
    }
}
