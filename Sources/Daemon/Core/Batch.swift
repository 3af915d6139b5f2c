import Sessions

/// What one event of a machine asks for, behind its record. It waits until that is in the store's log.
struct Batch {
    enum Work {
        /// - Parameter before: the machine as it was, for when the record cannot be made.
        case session(SessionID, [SessionAction], before: SessionMachine?, isNew: Bool)
        case process(ProcessRun, [ProcessAction])
        /// Something else that must not happen before what was recorded in this turn.
        case other(() -> Void)
        /// What follows from an intent that was recorded in this turn; takes why that could not be recorded.
        case intent((String?) -> Void)
    }

    let work: Work
    /// Who asked, and is told when it cannot be recorded.
    var ticket: Ticket?
    /// Of the request that it follows from.
    var trace: String?
}

/// What somebody who waits is told.
enum TicketAnswer {
    case session(SessionAnswer)
    case process(ProcessResult)
    /// The store cannot record what was asked for, so nothing of it was done.
    case notRecorded(String)
}

/// What a moment of the heap belongs to.
enum DeadlineKey: Hashable, Sendable {
    case session(SessionID)
    case process(ProcessID)
    /// Old records are dropped.
    case pruning
    /// Steps that waited for others are recorded.
    case journal
    /// Refusals that were counted get their record.
    case refusals
    /// A warden that was lost is looked for again.
    case warden
    /// A token expires of somebody who is here.
    case tokens
}
