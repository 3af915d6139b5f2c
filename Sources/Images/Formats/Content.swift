import Glibc
import Linux
import Sandbox
import Trees

/// The files of an OCI layout or of an unpacked docker-archive.
struct Content {
    /// JSON files may have this many bytes.
    static let jsonLimit = 4 << 20

    let directory: Held<FileDescriptor>

    func has(_ name: String) throws(ImageError) -> Bool {
        try doing(name) { () throws(SystemError) in try directory.value.status(of: name) != nil }
    }

    /// Opens a regular file below the directory.
    /// - Parameter followingLinks: whether links that stay below the directory are followed.
    func open(
        _ path: String, as what: String, followingLinks: Bool = false
    ) throws(ImageError) -> Held<FileDescriptor> {
        let resolve: Resolve =
            followingLinks ? [.beneath, .noMagicLinks] : [.beneath, .noMagicLinks, .noSymlinks]
        let file: Held<FileDescriptor>
        do throws(SystemError) {
            // O_NONBLOCK: a FIFO must not hold us up.
            file = Held(
                try directory.value.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolve: resolve))
            guard try file.value.status().kind == .file else {
                throw SystemError("open", path, .invalidArgument)
            }
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory:
                throw ImageError("\(what) is missing: there is no \(printable(path))")
            case .invalidArgument: throw ImageError("\(what): \(printable(path)) is no regular file")
            case .tooManyLinks: throw ImageError("\(what): \(printable(path)) is a symbolic link")
            default: throw ImageError("\(what): \(printable(path)): \(error.errno)")
            }
        }
        return file
    }

    func json(_ path: String, as what: String) throws(ImageError) -> [UInt8] {
        let file = try open(path, as: what)
        return try json(file, path: path)
    }

    func json(_ file: Held<FileDescriptor>, path: String) throws(ImageError) -> [UInt8] {
        do throws(SystemError) {
            return try file.value.readAll(limit: Content.jsonLimit)
        } catch {
            guard error.errno == .fileTooLarge else { throw ImageError(printable(path), error) }
            throw ImageError("\(printable(path)) has more than the \(Content.jsonLimit) bytes allowed")
        }
    }

    /// A blob, whole and checked, for JSON.
    func json(_ descriptor: Descriptor, as what: String) throws(ImageError) -> [UInt8] {
        let file = try open(descriptor.path, as: what)
        let bytes = try json(file, path: descriptor.path)
        guard UInt64(bytes.count) == descriptor.size else {
            throw descriptor.wrongSize(what, UInt64(bytes.count))
        }
        let digest = SHA256.of(bytes)
        guard digest == descriptor.digest else { throw descriptor.wrongDigest(what, digest) }
        return bytes
    }

    /// A blob, checked and at its beginning again.
    func layer(_ descriptor: Descriptor, as what: String) throws(ImageError) -> Held<FileDescriptor> {
        let file = try open(descriptor.path, as: what)
        let size = try doing(what) { () throws(SystemError) in try file.value.status().size }
        guard size == descriptor.size else { throw descriptor.wrongSize(what, size) }
        let digest = try Content.digest(of: file.value, what)
        guard digest == descriptor.digest else { throw descriptor.wrongDigest(what, digest) }
        return file
    }

    /// The SHA-256 of a whole file, which is at its beginning afterwards.
    static func digest(of file: borrowing FileDescriptor, _ what: String) throws(ImageError) -> String {
        let number = file.number
        do throws(SystemError) {
            var sum = SHA256()
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
            while true {
                var room = buffer.mutableSpan
                let count = try file.read(into: &room)
                if count == 0 { break }
                sum.update(buffer.span.extracting(0..<count))
            }
            _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
            return sum.finish()
        } catch {
            throw ImageError(what, error)
        }
    }
}

extension FileDescriptor {
    /// The first bytes of a file, wherever the descriptor stands; fewer where it has fewer.
    borrowing func readStart(_ count: Int) throws(SystemError) -> [UInt8] {
        let number = number
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try call("pread") { unsafe pread(number, &bytes, count, 0) }
        return Array(bytes.prefix(got))
    }
}
