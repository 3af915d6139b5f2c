import Configuration
import Sandbox
import Service
import Sessions

// What sessions live by: what the request says, else its profile, else the operator's configuration.

extension Daemon {
    /// - Parameter profile: nil for one that cannot be read.
    /// - Throws: for what the profile locks, and for a longer life than its `max`.
    func lifetimes(of spec: SessionSpec, _ profile: Profile?) throws(ServiceError) -> Lifetimes {
        guard let profile else { return spec.lifetimes(over: usualLifetimes(.init())) }
        let times = profile.lifetime.session
        let rows: [(Lifespan.Limit, ProfileKey, Lifetime.Span, UInt64?)] = [
            (.ttl, .ttl, times.ttl, spec.ttl), (.idle, .idle, times.idle, spec.idle),
            (.max, .most, times.max, spec.max),
        ]
        for (limit, key, held, asked) in rows {
            let span: Lifetime.Span =
                spec.without.contains(limit) ? .never : asked.map { .after($0) } ?? .unsaid
            guard span != .unsaid, span != held else { continue }
            if held != .unsaid, let origin = profile.lockOrigin(of: ProfileField(key)) {
                throw refusal(
                    limit, "\(key.rawValue) is locked by \(origin) and stays \(text(held))",
                    hint: "leave it out")
            }
            if limit == .max, case .after(let most) = held, asked ?? .max > most {
                throw refusal(
                    limit,
                    "\(text(span)) is more than \(key.rawValue) of the profile \(profile.name), "
                        + text(held), hint: "at most \(text(held))")
            }
        }
        return spec.lifetimes(over: usualLifetimes(times))
    }

    /// Of a session whose request says nothing.
    func usualLifetimes(_ profile: Lifetime.Session) -> Lifetimes {
        Lifetimes(
            ttl: profile.ttl.over(settings.numberOrNone(.defaultTTL)),
            idle: profile.idle.over(settings.numberOrNone(.defaultIdle)),
            max: profile.max.over(settings.numberOrNone(.defaultMax)),
            leases: profile.lease.flatMap { LeasePolicy(rawValue: $0.rawValue) } ?? .all)
    }

    private func refusal(_ limit: Lifespan.Limit, _ problem: String, hint: String) -> ServiceError {
        let field = limit.cause.rawValue
        return ServiceError(.forbidden, "\(field): \(problem)", field: field, hint: hint)
    }

    private func text(_ span: Lifetime.Span) -> String {
        switch span {
        case .unsaid: "unset"
        case .never: "none"
        case .after(let time): Lifetime.Rule.session.write(time)
        }
    }
}
