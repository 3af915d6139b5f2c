import Glibc
import Linux

/// Tells in which order files in some directories were written to (inotify(7)).
final class WriteRecorder {
    private let events: FileDescriptor
    private var directories: [Int32: String] = [:]

    /// - Parameter directories: paths, each with the name to report for it.
    init(_ directories: KeyValuePairs<String, String>) throws {
        events = FileDescriptor(
            owning: try call("inotify_init1") { inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC)) })
        let number = events.number
        for (path, name) in directories {
            let watch = try call("inotify_add_watch", on: path) {
                unsafe inotify_add_watch(number, path, UInt32(IN_CLOSE_WRITE))
            }
            self.directories[watch] = name
        }
    }

    /// What was written since the last call: `NAME/FILE`, in order.
    func writes() throws -> [String] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var room = buffer.mutableSpan
        guard let count = try? events.read(into: &room) else { return [] }
        var writes: [String] = []
        var rest = buffer[..<count]
        // struct inotify_event: watch, mask, cookie, length of the name, name with NULs behind it.
        while rest.count >= 16 {
            let fields = Array(rest.prefix(16))
            let length = Int(number(fields[12...]))
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            let directory = directories[Int32(number(fields[..<4]))] ?? "?"
            writes.append("\(directory)/\(String(decoding: name, as: UTF8.self))")
            rest = rest.dropFirst(16 + length)
        }
        return writes
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
