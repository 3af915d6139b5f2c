package import Sandbox
package import Seccomp

/// Everything that decides about events in one sandbox, as values.
package struct SandboxRules: Sendable {
    package let profile: Profile
    package let image: Image
    package let policy: Policy
    package let view: MountView
    package let landlock: LandlockRuleset
    private let layers: PartialProfile
    private let imagePlaces: KeyPlaces

    /// - Parameters:
    ///   - layers: what the profile was merged from, for the origins of its values.
    ///   - imagePlaces: of the image's file.
    ///   - policy: of the parts that the profile has for such a sandbox.
    ///   - hostPaths: what stands at the host's paths that the image binds or masks.
    ///   - sockets: paths inside of the relay's; none without a relay.
    ///   - landlockABI: of the kernel; 0 without landlock.
    ///   - sharesUID: whether the init has the processes' uid, as it has for an ordinary user.
    package init(
        profile: Profile, layers: PartialProfile, image: Image, imagePlaces: KeyPlaces, policy: Policy,
        hostPaths: HostPaths, hostDirectory: Bool, sockets: [String], landlockABI: Int,
        sharesUID: Bool = false
    ) {
        self.profile = profile
        self.layers = layers
        self.image = image
        self.imagePlaces = imagePlaces
        self.policy = policy
        view = MountView(
            image, hostPaths: hostPaths,
            workspace: WorkspaceKind(profile.filesystem.workspace, hostDirectory: hostDirectory),
            sockets: sockets, sharesUID: sharesUID)
        landlock = LandlockRuleset(
            abi: landlockABI, policy: profile.landlock, writable: image.writable(profile.filesystem))
    }

    /// Where a value of the profile comes from.
    package func origin(_ key: ProfileKey) -> String? { layers[key].map { "\($0.origin)" } }

    /// The value as a profile writes it.
    package func written(_ key: ProfileKey) -> String {
        layers[key].map { $0.value.written(as: key.kind) } ?? "none"
    }

    /// Where something of the image comes from; the workspace's mode is the profile's to say.
    package func origin(of entry: MountView.Entry) -> String? {
        guard let key = entry.key else { return nil }
        return imagePlaces[key]
    }

    package func origin(imageKey key: String) -> String { imagePlaces[key] }
}
