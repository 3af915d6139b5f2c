import API
import Sandbox
import Service
import Sessions
import WardenProtocol

// The reasons of each part, in the one shape that clients get.

extension ServiceError {
    init(_ problem: FieldProblem) {
        self.init(
            .invalid, problem.field.isEmpty ? problem.message : "\(problem.field): \(problem.message)",
            field: problem.field.isEmpty ? nil : problem.field, hint: problem.hint)
    }

    init(_ error: TableError) {
        let sentence = error.description
        switch error {
        case .full, .tooManyProcesses: self.init(.limit, sentence, hint: "end some first")
        case .nameTaken, .processNameTaken: self.init(.conflict, sentence, field: "name")
        case .keyReused: self.init(.conflict, sentence, field: "idempotency_key")
        case .idTaken, .processIDTaken: self.init(.fault, sentence)
        case .unknown, .unknownProcess: self.init(.notFound, sentence)
        case .ambiguous, .ambiguousProcess: self.init(.conflict, sentence, hint: "write more of the id")
        case .notEnded: self.init(.conflict, sentence, hint: "kill it first, or use force")
        }
    }

    /// - Parameter refusal: what the warden said, where it did not take the session.
    init(_ session: String, _ why: SessionRefusal, _ refusal: Refusal? = nil) {
        let sentence = "session \(session) \(why)"
        switch why {
        case .notYetRunning, .paused, .notPaused, .stopping, .pauseFailed, .resumeFailed, .quarantined:
            self.init(.conflict, sentence)
        case .noTTL: self.init(.conflict, sentence, field: "ttl")
        case .ended: self.init(.gone, sentence)
        case .launchFailed:
            if let refusal { self.init(refusal) } else { self.init(.fault, sentence) }
        }
    }

    init(_ refusal: Refusal) {
        switch refusal.code {
        case .unknownSession, .unknownProcess: self.init(.notFound, refusal.sentence)
        case .exists, .state: self.init(.conflict, refusal.sentence)
        case .ceiling:
            self.init(
                .forbidden, refusal.sentence, field: refusal.limit.isEmpty ? nil : refusal.limit,
                hint: refusal.allowed.isEmpty ? nil : "at most \(refusal.allowed)")
        case .descriptors: self.init(.limit, refusal.sentence)
        case .order, .malformed:
            self.init(.invalid, refusal.sentence, field: refusal.limit.isEmpty ? nil : refusal.limit)
        case .unsupported: self.init(.conflict, refusal.sentence)
        case .ending, .version, .notServed: self.init(.unavailable, refusal.sentence)
        case .system: self.init(.fault, refusal.sentence)
        default: self.init(volume: refusal)
        }
    }

    /// What a client waits for that a warden took with it.
    static let wardenLost = ServiceError(
        .unavailable, "the warden was lost before it answered", hint: "see what became of the session")

    /// - Parameter refusal: what the warden said of a volume.
    private init(volume refusal: Refusal) {
        let code: Code =
            switch refusal.code {
            case .volumeName, .volumeLimit: .invalid
            case .volumeAbsent: .notFound
            case .volumeTenantFull, .volumeDiskFull, .volumeImageFull: .full
            case .volumeNoLoopDevice, .volumeProgram, .volumeSystem: .fault
            default: .conflict
            }
        self.init(
            code, refusal.sentence, field: refusal.limit.isEmpty ? nil : refusal.limit,
            hint: refusal.code.hint, reason: refusal.code.rawValue)
    }

    init(_ refusal: WorkspaceRefusal) {
        let (code, field, hint): (Code, String?, String?) =
            switch refusal {
            case .unknown, .unknownSnapshot: (.notFound, nil, nil)
            case .exists, .snapshotExists: (.conflict, "name", nil)
            case .existsUnrecorded: (.conflict, "name", "adopt it, or remove it")
            case .keyReused: (.conflict, "idempotency_key", nil)
            case .inUse: (.conflict, nil, "end that session first; sessions that all ask for it so share it")
            case .beingCopied: (.conflict, nil, "try again when the snapshot or the fork is made")
            case .beingWritten: (.conflict, nil, "try again when they are done")
            case .hasSnapshots: (.conflict, nil, "remove these first, or with it")
            case .notReady, .snapshotNotReady, .notUnrecorded: (.conflict, nil, nil)
            case .tooMany, .tooManySnapshots: (.limit, nil, "remove some first")
            }
        self.init(code, refusal.description, field: field, hint: hint, reason: refusal.code)
    }

    static func notRecorded(_ why: String) -> ServiceError {
        ServiceError(.full, "the request cannot be recorded, so it was not carried out: \(why)")
    }
}

extension Refusal.Code {
    /// What can be done about a volume that was refused.
    fileprivate var hint: String? {
        switch self {
        case .volumeNotEnforced: "say soft if a limit that nothing enforces will do"
        case .volumeNoDriver: "corral doctor says what is in the way"
        case .volumeInUse: "end that session or that program first"
        default: nil
        }
    }
}
