import Service
import Sessions

// What is at work on files for longer than an operation learns when they go: with their session, or when their
// workspace is removed or put back.

/// A sink whose refusals are recorded.
protocol RefusingSink: AnyObject {
    /// Called at most once.
    var whenRefused: (ServiceError) -> Void { get set }
}

/// Who wants to know when somebody's files go.
struct FileEnds {
    private var waiting: [FileOwner: [ObjectIdentifier: () -> Void]] = [:]

    mutating func add(_ owner: FileOwner, _ who: AnyObject, _ body: @escaping () -> Void) {
        waiting[owner, default: [:]][ObjectIdentifier(who)] = body
    }

    mutating func remove(_ owner: FileOwner, _ who: ObjectIdentifier) {
        waiting[owner]?[who] = nil
        if waiting[owner]?.isEmpty ?? false { waiting[owner] = nil }
    }

    /// How many wait, in all or for one of them.
    func count(_ owner: FileOwner? = nil) -> Int {
        if let owner { return waiting[owner]?.count ?? 0 }
        return waiting.values.reduce(0) { $0 + $1.count }
    }

    mutating func take(_ owner: FileOwner) -> [() -> Void] {
        waiting.removeValue(forKey: owner).map { Array($0.values) } ?? []
    }
}

extension Daemon {
    /// Has `body` called when the files are about to go, unless ``forgetEnd(of:_:)`` comes before.
    /// - Parameter who: has at most one such body.
    func whenEnded(_ owner: FileOwner, _ who: AnyObject, _ body: @escaping () -> Void) {
        ends.add(owner, who, body)
    }

    func forgetEnd(of owner: FileOwner, _ who: AnyObject) {
        ends.remove(owner, ObjectIdentifier(who))
    }

    /// The files go: whoever is at work on them stops.
    func filesEnd(_ owner: FileOwner) {
        for body in ends.take(owner) { body() }
    }
}
