import Service
import Sessions

// What is at work on a session's files for longer than an operation learns when the session ends.

/// A sink whose refusals are recorded.
protocol RefusingSink: AnyObject {
    /// Called at most once.
    var whenRefused: (ServiceError) -> Void { get set }
}

/// Who wants to know of a session's end.
struct SessionEnds {
    private var waiting: [SessionID: [ObjectIdentifier: () -> Void]] = [:]

    mutating func add(_ id: SessionID, _ who: AnyObject, _ body: @escaping () -> Void) {
        waiting[id, default: [:]][ObjectIdentifier(who)] = body
    }

    mutating func remove(_ id: SessionID, _ who: AnyObject) {
        waiting[id]?[ObjectIdentifier(who)] = nil
        if waiting[id]?.isEmpty ?? false { waiting[id] = nil }
    }

    /// How many wait, in all or for one session.
    func count(_ id: SessionID? = nil) -> Int {
        if let id { return waiting[id]?.count ?? 0 }
        return waiting.values.reduce(0) { $0 + $1.count }
    }

    mutating func take(_ id: SessionID) -> [() -> Void] {
        waiting.removeValue(forKey: id).map { Array($0.values) } ?? []
    }
}

extension Daemon {
    /// Has `body` called when the session's files are about to go, unless ``forgetEnd(of:_:)`` comes before.
    /// - Parameter who: has at most one such body.
    func whenEnded(_ id: SessionID, _ who: AnyObject, _ body: @escaping () -> Void) {
        ends.add(id, who, body)
    }

    func forgetEnd(of id: SessionID, _ who: AnyObject) { ends.remove(id, who) }

    /// The session ends: whoever is at work on its files stops.
    func filesEnd(_ id: SessionID) {
        for body in ends.take(id) { body() }
    }
}
