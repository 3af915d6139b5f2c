import Glibc
import Linux

/// A directory for directories, which end with the value and with the files in them.
struct ScratchDirectory: ~Copyable {
    let path: String
    private var entries: [String] = []

    init() throws(SystemError) {
        path = try makeScratchPath(in: "/tmp")
    }

    /// Makes a directory; returns its path.
    mutating func makeDirectory(_ name: String) throws(SystemError) -> String {
        let place = "\(path)/\(name)"
        _ = try call("mkdir", on: place) { unsafe mkdir(place, 0o700) }
        entries.append(name)
        return place
    }

    deinit {
        for entry in entries {
            if let names = try? FileDescriptor.open("\(path)/\(entry)", O_RDONLY | O_DIRECTORY).entries() {
                for name in names { unsafe unlink("\(path)/\(entry)/\(name.name)") }
            }
            unsafe rmdir("\(path)/\(entry)")
        }
        unsafe rmdir(path)
    }
}

/// Makes a directory that nothing else has, for whoever calls to remove.
func makeScratchPath(in place: String) throws(SystemError) -> String {
    var template = Array("\(place)/corral-bench.XXXXXX".utf8CString)
    var span = template.mutableSpan
    let made = unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
    }
    guard let made else { throw SystemError("mkdtemp", place, Errno(rawValue: errno)) }
    return made
}
