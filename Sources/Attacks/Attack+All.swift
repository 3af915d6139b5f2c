extension Attack {
    /// Every attack, by area: system calls, namespaces and identity, resources, lifetime, environment.
    package static let all: [Attack] = systemCalls + namespaces + resources + lifetime + environment
}
