// Archives: whatever one holds, the unpacker changes nothing but the tree, within its limits, and what it has
// made is what the tree's reader takes.

import Glibc
import Linux
import TestSupport
import Trees
import Unpack

/// Input: an archive, plain or compressed.
func checkLayer(_ bytes: [UInt8]) throws(FuzzFailure) {
    let place: LayerPlace
    do throws(SystemError) {
        place = try LayerPlace(bytes)
    } catch {
        throw FuzzFailure("no place for a tree: \(error)")
    }
    let limits = TreeLimits(entries: 40, bytes: 1 << 20, fileBytes: 1 << 19, depth: 8)
    do {
        let result = try place.unpack(limits)
        try place.check(result, limits)
        try place.remove()
    } catch let failure as FuzzFailure {
        throw failure
    } catch {
        throw FuzzFailure("\(error)")
    }
}

/// A directory with a tree in it and something beside the tree.
private struct LayerPlace {
    let directory: TemporaryDirectory
    private static let secret = Array("nobody's".utf8)

    init(_ archive: [UInt8]) throws(SystemError) {
        directory = try TemporaryDirectory()
        try File.makeDirectories(directory("tree"))
        try File.write(LayerPlace.secret, to: directory("beside"), mode: 0o600)
        try File.write(archive, to: directory("archive"))
    }

    /// - Returns: nil for an archive that was refused.
    func unpack(_ limits: TreeLimits) throws(SystemError) -> UnpackReport? {
        let archive = try FileDescriptor.open(directory("archive"), O_RDONLY)
        let tree = try FileDescriptor.open(directory("tree"), O_RDONLY | O_DIRECTORY)
        return try? Unpacker.unpack(archive, into: tree, limits: limits)
    }

    func check(_ report: UnpackReport?, _ limits: TreeLimits) throws {
        try hold(File.names(in: directory.path) == ["archive", "beside", "tree"], "names beside the tree")
        try hold(
            try File.read(directory("beside")) == LayerPlace.secret, "the file beside is another")
        let beside = try FileDescriptor.open(directory("beside"), O_RDONLY)
        var status = stat()
        _ = unsafe fstat(beside.number, &status)
        let isAsBefore = status.st_nlink == 1 && status.st_mode & 0o7777 == 0o600
        try hold(isAsBefore, "the file beside the tree has \(status.st_nlink) links")
        guard let report else { return }
        // The names of a whiteout are gone, so there may be fewer than were counted.
        let listing = try TreeListing(
            of: FileDescriptor.open(directory("tree"), O_RDONLY | O_DIRECTORY), limits: TreeLimits())
        let count = listing.count
        try hold(count.skipped.isEmpty, "devices, pipes or sockets in the tree: \(count.skipped)")
        try hold(report.count.entries <= limits.entries, "\(report.count.entries) entries")
        try hold(count.bytes <= limits.bytes && report.count.bytes <= limits.bytes, "\(count.bytes) bytes")
    }

    /// By its bytes: the tree may have names that are no text.
    func remove() throws(SystemError) {
        try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY).removeTree("tree")
    }
}
