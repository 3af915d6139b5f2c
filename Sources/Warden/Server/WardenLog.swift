import Glibc
import Linux
import Wire

/// Lines for the operator on standard error: one JSON object each, or text where a person reads them.
package struct WardenLog {
    package enum Level: String { case debug, info, warning, error }

    private let write: (String) -> Void
    private let isText: Bool

    /// - Parameter write: takes each line, without its end.
    package init(_ write: @escaping (String) -> Void = WardenLog.toStandardError) {
        self.write = write
        isText = false
    }

    /// - Parameter format: `json`, `text`, or `auto` for what standard error is.
    init(format: String) {
        write = WardenLog.toStandardError
        isText = format == "text" || (format == "auto" && isatty(2) == 1)
    }

    /// The most bytes of a text: a line is less than PIPE_BUF (pipe(7)), so that it goes as a whole.
    private static let longest = 2000

    /// - Parameter session: the id, where it is about one.
    func line(_ level: Level, _ text: String, session: String? = nil) {
        let text = String(decoding: Array(text.utf8.prefix(WardenLog.longest)), as: UTF8.self)
        if isText {
            let head = level == .info ? "" : "\(level.rawValue): "
            return write("corral-warden: \(head)\(session.map { "session \($0): " } ?? "")\(text)")
        }
        let line = JSONText.object { object in
            object.add("time", WardenLog.now)
            object.add("level", level.rawValue)
            object.add("program", "corral-warden")
            if let session { object.add("session", session) }
            object.add("text", text)
        }
        write(line.description)
    }

    /// RFC 3339, in UTC.
    private static var now: String {
        var time = timespec()
        var parts = unsafe tm()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        unsafe gmtime_r(&time.tv_sec, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let seconds = String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let milliseconds = String(1000 + time.tv_nsec / 1_000_000).dropFirst()
        return "\(seconds).\(milliseconds)Z"
    }

    /// One write for each line. A reader that does not read must not stop the warden: the line is lost then.
    package static func toStandardError(_ line: String) {
        var request = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&request, 1, 0) == 1, request.revents & Int16(POLLOUT) != 0 else { return }
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
