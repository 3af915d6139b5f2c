import Glibc
package import Linux

/// Whole small files and directories, by path: what a test reads, plants and lists.
package enum File {
    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    package static func read(_ path: String) throws(SystemError) -> [UInt8] {
        let file = FileDescriptor(
            owning: try call("open", on: path) { unsafe open(path, O_RDONLY | O_CLOEXEC) })
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            var span = chunk.mutableSpan
            let count = try file.read(into: &span)
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }

    /// The content as text; nil when the file cannot be read, as happens with files of processes
    /// that have just ended.
    package static func text(_ path: String) -> String? {
        guard let bytes = try? read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Creates or replaces a file; its mode is exactly `mode`, whatever the umask.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let file = FileDescriptor(owning: try call("open", on: path) { unsafe open(path, flags, 0o600) })
        try file.writeAll(bytes)
        let number = file.number
        _ = try call("fchmod", on: path) { fchmod(number, mode) }
    }

    /// Makes a directory and those above it, readable by all; one that exists is left as it is.
    package static func makeDirectories(_ path: String) throws(SystemError) {
        if exists(path) { return }
        try makeDirectories(Repository.directory(of: path))
        do throws(SystemError) {
            _ = try call("mkdir", on: path) { unsafe mkdir(path, 0o755) }
        } catch  where error.errno == .fileExists {
            return  // Made by somebody else in between.
        }
        _ = try call("chmod", on: path) { unsafe chmod(path, 0o755) }
    }

    /// The names in a directory, sorted, without `.` and `..`; none when it cannot be read.
    package static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Where a symbolic link points; nil when there is none.
    package static func target(ofLink path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        var span = buffer.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return -1 }
                return unsafe readlink(path, start, text.count)
            }
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// True for a directory itself, false for a symbolic link to one.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes a file, or a directory with all that is in it, without following links.
    package static func remove(_ path: String) throws(SystemError) {
        guard isDirectory(path) else {
            _ = try call("unlink", on: path) { unsafe unlink(path) }
            return
        }
        for name in names(in: path) { try remove("\(path)/\(name)") }
        _ = try call("rmdir", on: path) { unsafe rmdir(path) }
    }
}
