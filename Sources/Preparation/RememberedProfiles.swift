package import Linux
package import Sandbox

/// Profiles as they were read last, for who asks for the same ones again and again. One holds as long as the
/// same words lead to the same bytes, so that a change counts from the next question on.
package struct RememberedProfiles {
    fileprivate struct Entry {
        let sources: [ProfileSource]
        let profile: Profile
    }

    /// Names come from those who ask: when there are more than this, all are forgotten.
    private static let most = 64
    private var entries: [String: Entry] = [:]

    package init() {}

    /// The profile of a name or a file, with all that it extends.
    package mutating func profile(
        _ reference: String, of installation: Installation
    ) throws(PreparationError) -> Profile {
        let source = try installation.profileSource(reference)
        if let entry = entries[reference], entry.holds(source, in: installation) { return entry.profile }
        let (chain, sources) = try installation.chain(from: source)
        let profile: Profile
        do throws(ConfigError) {
            profile = try chain.profile()
        } catch {
            throw PreparationError(error.description)
        }
        if entries.count >= RememberedProfiles.most { entries = [:] }
        entries[reference] = Entry(sources: sources, profile: profile)
        return profile
    }
}

extension RememberedProfiles.Entry {
    /// - Parameter first: the profile's own file, as it is now.
    fileprivate func holds(_ first: ProfileSource, in installation: Installation) -> Bool {
        guard sources.first == first else { return false }
        return sources.dropFirst().allSatisfy { source in
            (try? installation.profileSource(source.reference, behind: source.behind)) == source
        }
    }
}

/// The same for everything that a launch reads (``Rules``): what has not changed is neither decoded nor checked
/// by its digest again.
package struct RememberedRules {
    fileprivate struct Entry {
        let sources: [RulesSource]
        let rules: Rules
    }

    /// They have a filter each, of some KiB.
    private static let most = 64
    private var entries: [String: Entry] = [:]

    package init() {}

    /// As ``Installation/rules(_:_:cache:)``.
    package mutating func rules(
        _ name: String, _ variant: RulesVariant, of installation: Installation,
        cache: borrowing FileDescriptor?
    ) throws(PreparationError) -> Rules {
        let source = try installation.profileSource(name)
        let key = name + variant.suffix
        if let entry = entries[key], entry.holds(source, in: installation) { return entry.rules }
        let read = try installation.read(source, variant, cache: cache)
        if entries.count >= RememberedRules.most { entries = [:] }
        entries[key] = Entry(sources: read.sources, rules: read.rules)
        return read.rules
    }
}

extension RememberedRules.Entry {
    fileprivate func holds(_ profile: ProfileSource, in installation: Installation) -> Bool {
        sources.allSatisfy { source in
            // Read a moment ago.
            if source.lookup == profile.lookup { return source == profile.asSource }
            return (try? installation.source(source.lookup)) == source
        }
    }
}
