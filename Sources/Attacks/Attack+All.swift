extension Attack {
    /// Every attack, by area: system calls, namespaces and identity, resources, lifetime, environment;
    /// and those that show what single mechanisms do.
    package static let all: [Attack] =
        systemCalls + namespaces + resources + lifetime + environment
        + mechanisms
}
