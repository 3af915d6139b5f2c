package import Linux
package import Trees
import Wire

/// Who applies archives to trees: a confined process, since what it reads comes from strangers.
package protocol LayerUnpacker {
    /// - Parameters:
    ///   - archive: read from where it stands to its end.
    ///   - tree: the directory of the tree.
    func unpack(
        _ archive: borrowing FileDescriptor, into tree: borrowing FileDescriptor, limits: TreeLimits
    ) throws(ImageError) -> LayerReport
}

/// What the unpacker says of an archive. It is believed no further than the tree that it made: that is
/// read again, and refused if it is not what a tree may be.
package struct LayerReport: Hashable, Sendable {
    package var count = TreeCount()
    /// The SHA-256 of the archive without compression, as 64 hexadecimal digits.
    package var plainDigest: String

    /// Reads the line of JSON that `corral-unpack` prints.
    package init(_ line: [UInt8]) throws(ImageError) {
        let fields = try JSONFields(parsing: line, file: "the unpacker's report")
        count.files = try fields.number("files")
        count.directories = try fields.number("directories")
        count.symlinks = try fields.number("symlinks")
        count.hardlinks = try fields.number("hardlinks")
        count.whiteouts = try fields.number("whiteouts")
        count.bytes = try fields.number("bytes")
        count.skipped = try fields.counts("skipped")
        plainDigest = try fields.text("plainDigest")
        let numbers = [
            count.files, count.directories, count.symlinks, count.hardlinks, count.whiteouts, count.bytes,
        ]
        // Far above every limit, and far from where sums overflow.
        guard (numbers + count.skipped.values).allSatisfy({ $0 < 1 << 56 }), count.skipped.count < 16 else {
            throw ImageError("the unpacker's report has numbers that cannot be")
        }
    }
}
