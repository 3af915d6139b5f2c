/// A mount that a caller adds to those of the image: checked words, nothing opened yet.
package struct AddedMount: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A directory or a regular file of the host, as the caller wrote its path.
        case host(String)
        case memory(Memory)
    }

    /// A memory file system of the sandbox's own, gone with it.
    package struct Memory: Hashable, Sendable {
        /// In bytes.
        package var size: UInt64
        /// The most files and directories.
        package var files: UInt32
        package var mode: UInt32
        /// False mounts it noexec.
        package var executable: Bool

        package init(size: UInt64, files: UInt32, mode: UInt32, executable: Bool) {
            self.size = size
            self.files = files
            self.mode = mode
            self.executable = executable
        }
    }

    package var source: Source
    /// Where it is inside: as ``checkPath(_:)`` wants it.
    package var target: String
    package var readOnly: Bool

    package init(_ source: Source, at target: String, readOnly: Bool = false) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }

    /// Whether files of the host are in it.
    package var isOfHost: Bool {
        if case .host = source { true } else { false }
    }

    /// The most that one sandbox takes: descriptors of all go to its init in one message.
    package static let limit = 24
}
