extension ProfileKey {
    /// How long sessions live. A session that is run and gone (`corral run`) has a `timeout` instead.
    var life: Row {
        switch self {
        case .ttl:
            Row(
                .quantity(Lifetime.Rule.session),
                "life of a session from its creation or last renewal; without it `defaults.ttl` of corral.yaml"
            )
        case .idle:
            Row(
                .quantity(Lifetime.Rule.session),
                "until a session that nobody uses is ended; without it `defaults.idle`")
        case .most:
            Row(
                .quantity(Lifetime.Rule.session),
                "life of a session from its creation, renewals or not, and the most that a request may ask "
                    + "for; without it `defaults.max`")
        default:
            Row(
                .word(Lifetime.Lease.allCases.map(\.rawValue)),
                "running processes that count as use of their session: `all`, those of an `exec`, `managed` "
                    + "ones, `none`; without it `all`")
        }
    }
}
