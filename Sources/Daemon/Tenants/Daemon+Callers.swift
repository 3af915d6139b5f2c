import Access
import Configuration
import Glibc
import Linux
import Service
import Sessions

// Who asks, and whose things they may ask about. Whatever belongs to another tenant is, to whoever has no right to
// it, as if it were not there: it is looked for among what the caller may see, and not found.

/// Whose things a request is about.
struct Scope {
    let caller: Caller
    /// Where new things belong, and names are looked for first.
    let tenant: Name
    /// Whether the request names it.
    let isChosen: Bool
    /// How far the right goes that the operation asks for.
    let reach: Role.Reach

    /// Whether ids of every tenant's things are found.
    var isEverybodys: Bool { reach == .all && !isChosen }
}

extension Daemon {
    /// Whose token came with the request, as it is now; else whom the operating system says is at the other end.
    /// Root, and whoever runs a daemon of their own, is its administrator; everybody else does what they like with
    /// their tenant's things.
    func caller(_ request: Request) throws(ServiceError) -> Caller {
        if let badge = request.head.badge {
            do throws(TokenRefusal) {
                return try tokens.check(id: badge, at: DaemonClock.seconds).caller
            } catch {
                throw ServiceError(error)
            }
        }
        guard let uid = request.peer.user?.uid else { throw .unauthenticated("a token is needed here") }
        let name = "uid \(uid)"
        if uid == 0 || (!settings.place.isSystem && uid == geteuid()) {
            return Caller(name: name, role: .admin, tenant: .defaultTenant)
        }
        let text = tenantName(ofUID: uid)
        guard let tenant = (try? tenants.find(text))?.name else {
            throw ServiceError(
                .forbidden, "uid \(uid) is of the tenant \(text), which there is not",
                hint: "an administrator makes it with corral tenant create \(text)")
        }
        return Caller(name: name, role: .client, tenant: tenant)
    }

    /// By the configuration, whether there is such a tenant or not.
    func tenantName(ofUID uid: UInt32) -> String {
        tenantUIDs.tenant(of: uid) ?? Name.defaultTenant.description
    }

    /// Refuses a caller whose role never has the right that an operation asks for.
    func authorise(_ operation: String, _ request: Request) throws(ServiceError) {
        guard let right = Right(operation: operation) else {
            throw ServiceError(.forbidden, "nobody may call \(operation)")
        }
        if right == .open { return }
        let caller = try caller(request)
        if caller.may(right, about: .node) == .forbidden {
            throw ServiceError(
                .forbidden, "\(caller.name) may not: \(operation) takes the right to \(right.rawValue)")
        }
    }

    /// - Throws: for a tenant that is not the caller's to name in the words for one that is not there.
    func scope(_ request: Request) throws(ServiceError) -> Scope {
        let caller = try caller(request)
        let reach = Right(operation: request.endpoint.name).map { caller.role.reach($0) } ?? .none
        guard let text = request.query["tenant"] else {
            return Scope(caller: caller, tenant: caller.tenant, isChosen: false, reach: reach)
        }
        let tenant = try tenant(text, caller, reach)
        return Scope(caller: caller, tenant: tenant, isChosen: true, reach: reach)
    }

    private func tenant(_ text: String, _ caller: Caller, _ reach: Role.Reach) throws(ServiceError) -> Name {
        guard let found = try? tenants.find(text), reach == .all || found.name == caller.tenant else {
            throw ServiceError(TenantRefusal.unknown(text), field: "tenant")
        }
        return found.name
    }

    /// Whose a thing is to be that a request makes.
    /// - Parameter text: what its body says of that.
    func owner(_ text: String?, _ request: Request) throws(ServiceError) -> Name {
        let scope = try scope(request)
        guard let text else { return scope.tenant }
        let owner = try tenant(text, scope.caller, scope.reach)
        guard owner == scope.tenant || !scope.isChosen else {
            throw ServiceError(
                .invalid, "tenant: the body says \(owner), and the query says \(scope.tenant)",
                field: "tenant",
                hint: "say it once")
        }
        return owner
    }

    /// Whose things are listed; nil for everybody's.
    func listed(_ request: Request) throws(ServiceError) -> Name? {
        let scope = try scope(request)
        let isAll = request.query["all_tenants"].map { $0 != "false" && $0 != "0" } ?? false
        guard isAll else { return scope.tenant }
        guard scope.reach == .all else {
            throw ServiceError(
                .forbidden, "\(scope.caller.name) may see the tenant \(scope.caller.tenant) only",
                field: "all_tenants")
        }
        guard !scope.isChosen else {
            throw ServiceError(
                .invalid, "tenant and all_tenants exclude each other", field: "all_tenants",
                hint: "say one of them")
        }
        return nil
    }

    /// A session that the caller may know of, in the tenant of the request; an operator's id, or name that is not in
    /// there, may be anybody's.
    func find(_ text: String, _ request: Request) throws(ServiceError) -> SessionID {
        let scope = try scope(request)
        do throws(TableError) {
            return try table.find(text, tenant: scope.tenant)
        } catch {
            guard case .unknown = error, scope.isEverybodys else { throw ServiceError(error) }
        }
        do throws(TableError) {
            return try table.find(text)
        } catch {
            throw ServiceError(error)
        }
    }
}

extension ServiceError {
    init(_ refusal: TenantRefusal, field: String? = nil) {
        let (code, hint): (Code, String?) =
            switch refusal {
            case .unknown: (.notFound, nil)
            case .exists, .builtIn: (.conflict, nil)
            case .changed: (.conflict, "look at it again, and decide again")
            case .inUse: (.conflict, "end its sessions and remove its workspaces first")
            case .tooMany: (.limit, "remove some first")
            }
        self.init(code, refusal.description, field: field, hint: hint, reason: refusal.code)
    }
}

extension TenantRefusal {
    /// For programs.
    fileprivate var code: String {
        switch self {
        case .exists: "tenant-exists"
        case .unknown: "tenant-unknown"
        case .builtIn: "tenant-built-in"
        case .changed: "tenant-changed"
        case .inUse: "tenant-in-use"
        case .tooMany: "tenant-limit"
        }
    }
}
