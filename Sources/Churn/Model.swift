/// A process as its client knows it: it was told that there is one.
struct ModelProcess {
    enum Kind {
        /// Runs to its end, writes this and exits so.
        case exec(exit: Int)
        /// Runs until somebody ends it.
        case sleeper
        /// Fails, and is started again so often.
        case failing(restarts: Int)
    }

    let id: String
    let kind: Kind
    /// All that it writes in a run.
    var output: String
    /// How it was ended, where that was asked for: the cause or the signal.
    var end: String?
    /// How many bytes of its output somebody was shown.
    var seen = 0
}

/// A session as its client knows it.
struct ModelSession {
    let name: String
    let id: String
    /// Deaths of wardens before it was asked for, and before it was there: a later one than the first may
    /// have ended it, and one later than the second has.
    let asked: Int
    let born: Int
    var processes: [ModelProcess] = []
    var isPaused = false
    /// Why it ended; nil for one that has to run.
    var cause: String?
}
