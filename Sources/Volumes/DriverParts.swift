// What a process that works for another one's driver is given, and the driver that it makes of it.

import Linux

/// What another process of this program needs to do a driver's work. The descriptors are the driver's, and are
/// duplicated when the other process is started.
package struct DriverParts: Hashable, Sendable {
    package var kind: DriverKind
    /// What errors call the directory or the image.
    package var path: String
    /// The top directory of the volumes; of an image also its file and its loop device.
    package var descriptors: [CInt]
    /// The path of the loop device; empty for none.
    package var device: String
    /// The most bytes of the image; 0 for none.
    package var bound: UInt64

    package init(
        kind: DriverKind, path: String, descriptors: [CInt], device: String = "", bound: UInt64 = 0
    ) {
        self.kind = kind
        self.path = path
        self.descriptors = descriptors
        self.device = device
        self.bound = bound
    }

    /// The driver in the other process. It takes up nothing of what another one left.
    /// - Precondition: the descriptors are this process's to close, and are given away.
    package func driver() throws(VolumeError) -> any VolumeDriver {
        guard let first = descriptors.first, bound == 0 || descriptors.count == 3 else {
            throw .noDriver("descriptors are missing for \(path)")
        }
        let root = FileDescriptor(owning: first)
        switch kind {
        case .project: return try ProjectDriver(sharing: root, path: path)
        case .directory: return try DirectoryDriver(sharing: root, path: path)
        case .tmpfs: throw .unsupported(.tmpfs, "other process's work")
        case .btrfs:
            if bound == 0 { return try BtrfsDriver(sharing: root, path: path, image: nil) }
            let image = try BtrfsImage(
                sharing: root, file: FileDescriptor(owning: descriptors[1]),
                loop: FileDescriptor(owning: descriptors[2]), device: device, path: path,
                policy: ImagePolicy(upTo: bound))
            return try BtrfsDriver(sharing: try image.top(), path: path, image: image)
        }
    }
}
