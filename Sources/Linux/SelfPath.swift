import Glibc

/// Where this program's file is.
package enum SelfPath {
    /// The directory of /proc/self/exe, with symbolic links resolved by the kernel.
    package static var directory: String? {
        guard let path = executable, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return nil
        }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static var executable: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
