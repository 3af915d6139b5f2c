import API
import Access
import Configuration
import Linux
import Sandbox
import Service
import Sessions
import Store
import Wire

// What is asked of tokens, and what is recorded of them: never their texts.

extension Daemon {
    /// Takes in every token of the store.
    func restoreTokens() throws(StoreError) {
        // 16 digits, of which tokens have the first half.
        let instance = try store.value(of: .instance) ?? ""
        guard instance.utf8.count == 16, let number = UInt32(instance.prefix(8), radix: 16) else {
            throw .damaged(path: place.state, problem: "its instance is \(quoted(instance))")
        }
        var found: [TokenRecord] = []
        for kept in try store.tokens() {
            do throws(ValueError) {
                found.append(try TokenRecord(kept))
            } catch {
                // Refused as unknown from now on.
                log.line(.error, "the record of token \(kept.name) is not understood: \(error)")
            }
        }
        tokens = TokenBook(instance: number, found)
    }

    func createToken(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.tokenRequest)
        let random = randomBytes(TokenText.randomBytes)
        let owner = try scope(request).tenant
        let now = DaemonClock.seconds
        var expires: UInt64? = now + Daemon.usualLifetime
        if reader.isNull("lifetime") { expires = nil }
        if let lifetime = reader.whole("lifetime") { expires = now + lifetime / 1000 }
        let role: Role
        let name: Name
        do throws(ValueError) {
            role = try Role(named: reader.text("role") ?? "")
            let number = TokenText.number(TokenText.id(of: random))
            name = try Name(reader.text("name") ?? "\(role.rawValue)-\(number)")
        } catch {
            throw ServiceError(.invalid, "name: \(error.problem)", field: "name")
        }
        let made: (record: TokenRecord, text: String)
        do throws(ValueError) {
            if let taken = tokens.find(name.description) {
                throw ValueError("there is a token \(taken.name) already; revoke it first")
            }
            made = try tokens.create(name, role, of: owner, expires: expires, random: random, at: now)
        } catch {
            throw ServiceError(.conflict, error.problem, field: "name")
        }
        auditObject = made.record.number
        let id = made.record.id
        return recordedToken(.token(KeptToken(made.record)), of: made.record, "created") { daemon in
            daemon.tokens.put(nil, at: id)
        } then: { _ in
            .json(
                .object { object in
                    made.record.write(to: &object)
                    object.add("token", made.text)
                }, status: 201)
        }
    }

    func listTokens(_ request: Request) throws(ServiceError) -> Reply {
        let scope = try scope(request)
        let seen = tokens.all.filter { $0.tenant == scope.tenant || !scope.isChosen }
        return recorded(
            .json(
                .object { object in
                    object.array("tokens") { list in
                        for record in seen { list.object { record.write(to: &$0) } }
                    }
                }))
    }

    func revokeToken(_ request: Request) throws(ServiceError) -> Reply {
        guard let before = tokens.find(request.parameter("token")),
            let revoked = tokens.revoke(before.name, at: DaemonClock.seconds)
        else {
            // Without what was asked for: it may be a token's text.
            throw ServiceError(.notFound, "there is no token of that name or id", hint: "corral token ls")
        }
        auditObject = revoked.number
        return recordedToken(.token(KeptToken(revoked)), of: revoked, "revoked") { daemon in
            daemon.tokens.put(before, at: before.id)
        } then: { daemon in
            // It may be the token that this is asked with.
            daemon.whenAnswered { [weak daemon] in daemon?.cut(badge: revoked.id) }
            return .nothing
        }
    }

    /// Thirty days, in seconds.
    private static let usualLifetime: UInt64 = 30 * 86_400

    /// Records a change of a token's and answers then; undoes it where that fails.
    private func recordedToken(
        _ change: Change, of token: TokenRecord, _ deed: String, undo: @escaping (Daemon) -> Void,
        then response: @escaping (Daemon) -> Response
    ) -> Reply {
        let pending = Pending()
        journal.add(change, then: ())
        let intent = Batch.Work.intent { [weak self] problem in
            guard let self else { return }
            if let problem {
                undo(self)
                return pending.fail(.notRecorded(problem))
            }
            events.publish("token.\(deed)", session: nil, tenant: token.tenant.description) { _ in }
            pending.complete(response(self))
        }
        batches.append(Batch(work: intent, trace: log.trace))
        return .later(pending)
    }

    // MARK: the end of tokens

    /// Ends what goes on for a token.
    func cut(badge: UInt32) {
        service?.cut(badge: badge)
        networkService?.cut(badge: badge)
    }

    /// Has the tokens of those who are here looked at when one expires.
    /// - Parameter expires: in seconds since 1970.
    func watchTokens(until expires: UInt64) {
        let (wall, now) = (UInt64(clamping: DaemonClock.wall), DaemonClock.now)
        // Again after a minute at most: the clock of the wall may be set meanwhile.
        let milliseconds = min(expires * 1000 - min(wall, expires * 1000), 60_000)
        let time = now + milliseconds * 1_000_000
        if let set = deadlines[.tokens], set <= time { return }
        deadlines.set(.tokens, at: time)
    }

    /// Ends what goes on for tokens that have expired.
    func lookAtTokens() {
        let badges = (service?.badges ?? []).union(networkService?.badges ?? [])
        var next: UInt64?
        for badge in badges {
            do throws(TokenRefusal) {
                let record = try tokens.check(id: badge, at: DaemonClock.seconds)
                if let expires = record.expires { next = min(next ?? expires, expires) }
            } catch {
                cut(badge: badge)
            }
        }
        if let next { watchTokens(until: next) }
    }

    /// Drops those that were over for as long as audit records are kept, in which they are named.
    func pruneTokens() {
        let age = settings.number(.auditRetention) / 1000
        let now = DaemonClock.seconds
        for record in tokens.forget(endedBefore: now - min(now, age)) {
            journal.add(.tokenGone(record.id), then: ())
        }
    }

    /// Those of a tenant that is removed; its record takes theirs with it.
    func forgetTokens(of tenant: Name) {
        let gone = tokens.forget(tenant)
        whenAnswered { [weak self] in for record in gone { self?.cut(badge: record.id) } }
    }
}

/// Bytes of getrandom(2), which is what Swift's generator asks on Linux; it ends the process where there are none.
private func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() as UInt64) }
}

extension DaemonClock {
    /// Since 1970.
    static var seconds: UInt64 { UInt64(clamping: wall / 1000) }
}

extension TokenRecord {
    fileprivate init(_ kept: KeptToken) throws(ValueError) {
        self.init(
            id: kept.id, name: try Name(kept.name), role: try Role(named: kept.role),
            tenant: try Name(kept.tenant), digest: kept.digest, created: kept.created, expires: kept.expires,
            revoked: kept.revoked)
    }

    fileprivate func write(to object: inout JSONObjectWriter) {
        func time(_ seconds: UInt64) -> String {
            APITime(milliseconds: Int64(clamping: seconds) &* 1000).description
        }
        object.add("id", number)
        object.add("name", name.description)
        object.add("role", role.rawValue)
        object.add("tenant", tenant.description)
        object.add("created", time(created))
        if let expires { object.add("expires", time(expires)) }
        if let revoked { object.add("revoked", time(revoked)) }
    }
}

extension KeptToken {
    fileprivate init(_ record: TokenRecord) {
        self.init(
            id: record.id, name: record.name.description, role: record.role.rawValue,
            tenant: record.tenant.description, digest: record.digest, created: record.created,
            expires: record.expires, revoked: record.revoked)
    }
}
