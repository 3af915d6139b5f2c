package import Sandbox
package import Seccomp

/// What the files say about a launch, with what its caller wants changed: rules, root and filter, read
/// and checked.
package struct LaunchRules: Sendable {
    package let profile: Profile
    package let image: Image
    package let filter: CompiledFilter
    package let hostPaths: HostPaths

    package init(profile: Profile, image: Image, filter: CompiledFilter, hostPaths: HostPaths) {
        self.profile = profile
        self.image = image
        self.filter = filter
        self.hostPaths = hostPaths
    }

    /// - Parameter overrides: the uppermost layer of the profile.
    package init(_ rules: Rules, overrides: [ProfileOverride]) throws(PreparationError) {
        self.init(
            profile: try LaunchRules.overridden(rules.profile, by: overrides), image: rules.image,
            filter: rules.filter, hostPaths: try HostPaths.probe(rules.image))
    }

    package static func overridden(
        _ profile: Profile, by overrides: [ProfileOverride]
    ) throws(PreparationError) -> Profile {
        do throws(ProfileOverride.Refusal) {
            return try profile.overridden(by: overrides)
        } catch {
            throw PreparationError(error.description)
        }
    }

    package var limits: Limits { profile.limits }

    /// The environment of a program.
    package var environment: [String] { profile.environment.map { "\($0.name)=\($0.value)" } }

    /// The namespaces and other layers that the init is started without.
    package func without(_ host: HostSetup) -> Set<Layer> {
        let left = host.without.layers
        return profile.network.mode == .host ? left.union([.netNamespace]) : left
    }
}
