// Another size of an image that is used meanwhile.

import Glibc
import Linux
import Trees

extension BtrfsImage {
    /// Another size, bigger or smaller than it has.
    /// - Throws: ``VolumeError/limitBelowUse(_:asked:used:)`` where what is in it does not fit,
    ///   ``VolumeError/diskFull(_:wanted:available:)``. The size is what it was then.
    func resize(to bytes: UInt64, called name: String) throws(VolumeError) {
        var now = try room()
        if bytes > now.size {
            let before = try doing("to look at \(path)") { () throws(SystemError) in try file.status().size }
            try Self.lengthen(file, path, from: now.size, to: bytes, policy)
            do throws(SystemError) {
                try loop.lookAgain()
                return try fillDevice()
            } catch {
                // The file system has not taken it, as one that can only be read: the disk gets it back.
                if let left = try? room(), left.size == now.size {
                    let number = file.number
                    _ = try? call("ftruncate", on: path) { ftruncate(number, off_t(before)) }
                    try? loop.lookAgain()
                }
                throw .system("to grow \(path)", error)
            }
        }
        // Its count has what was removed since the last commit.
        try doing("to make \(path) smaller") { () throws(SystemError) in try root.syncBtrfs() }
        now = try room()
        let used = now.dataUsed + now.metadataUsed
        if bytes < used { throw .limitBelowUse(name, asked: bytes, used: used) }
        do throws(SystemError) {
            try shrink(to: bytes)
            let number = file.number
            _ = try call("ftruncate", on: path) { ftruncate(number, off_t(bytes)) }
            try loop.lookAgain()
        } catch {
            guard error.errno == .noSpace else { throw .system("to make \(path) smaller", error) }
            throw .limitBelowUse(name, asked: bytes, used: used)
        }
    }

    /// What was freed since the last commit is in the way until the next one.
    private func shrink(to bytes: UInt64) throws(SystemError) {
        for _ in 0..<4 {
            try root.syncBtrfs()
            do throws(SystemError) {
                return try root.resizeBtrfs(to: bytes)
            } catch {
                guard error.errno == .noSpace else { throw error }
            }
        }
        try root.resizeBtrfs(to: bytes)
    }
}
