import API
import Glibc
import Linux
import Wire

/// Lines on standard error: one JSON object each, or text where a person reads them.
struct DaemonLog: Sendable {
    enum Level: String, CaseIterable, Sendable { case debug, info, warning, error }

    /// Less important lines are left out.
    var least = Level.info
    var isText: Bool
    /// Of the request that is being answered, or whose consequences are carried out.
    var trace: String?

    /// - Parameter format: `json`, `text`, or `auto` for what standard error is.
    init(format: String, least: String) {
        isText = format == "text" || (format == "auto" && isatty(2) == 1)
        self.least = Level(rawValue: least) ?? .info
    }

    /// - Parameter trace: where the line belongs to another request than the present one, or to one before.
    func line(
        _ level: Level, _ text: String, session: String? = nil, tenant: String? = nil, trace: String? = nil
    ) {
        let rank = Level.allCases.firstIndex(of: level) ?? 0
        guard rank >= Level.allCases.firstIndex(of: least) ?? 0 else { return }
        let line =
            isText ? plain(level, text, session) : json(level, text, session, tenant, trace ?? self.trace)
        let bytes = Array((line + "\n").utf8)
        // A reader that is gone must not stop the daemon: the line is lost.
        _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe write(2, $0.baseAddress, $0.count) }
    }

    private func plain(_ level: Level, _ text: String, _ session: String?) -> String {
        "corrald: \(level == .info ? "" : "\(level.rawValue): ")\(session.map { "session \($0): " } ?? "")\(text)"
    }

    private func json(
        _ level: Level, _ text: String, _ session: String?, _ tenant: String?, _ trace: String?
    ) -> String {
        JSONText.object { object in
            object.add("time", DaemonClock.moment.text)
            object.add("level", level.rawValue)
            object.add("program", "corrald")
            if let tenant { object.add("tenant", tenant) }
            if let session { object.add("session", session) }
            if let trace { object.add("trace", trace) }
            object.add("text", text)
        }.description
    }
}
