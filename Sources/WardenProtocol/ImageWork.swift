// What the warden has done to images of file systems by processes of its own program (``VolumeWork/image(_:)``): where
// there is no driver yet, or none to be. The directory that they work in is given to them.

/// A volume of the host's that is to be made.
package struct HostImageOrder: Hashable, Sendable {
    /// Its directory's.
    package var name: String
    /// The text that says that it is being made.
    package var record: String
    /// What errors call it.
    package var path: String
    /// Its size.
    package var bytes: UInt64
    /// Whose its top directory becomes, and the permissions of that.
    package var user: UInt32
    package var group: UInt32
    package var mode: UInt32
    /// Where mkfs.btrfs is.
    package var maker: String

    package init(
        name: String, record: String, path: String, bytes: UInt64, user: UInt32, group: UInt32, mode: UInt32,
        maker: String
    ) {
        self.name = name
        self.record = record
        self.path = path
        self.bytes = bytes
        self.user = user
        self.group = group
        self.mode = mode
        self.maker = maker
    }
}

/// A volume of the host's that is to have another size. Its top, its file and its loop device are given as well.
package struct HostImageSize: Hashable, Sendable {
    package var name: String
    /// The text with the new size.
    package var record: String
    package var path: String
    package var bytes: UInt64
    /// The path of the loop device.
    package var device: String

    package init(name: String, record: String, path: String, bytes: UInt64, device: String) {
        self.name = name
        self.record = record
        self.path = path
        self.bytes = bytes
        self.device = device
    }
}

/// One piece of work on an image.
package enum ImageWork: Hashable, Sendable {
    /// Makes the image of the volumes, which may come to so many bytes.
    case volumes(bound: UInt64)
    /// Makes the directory of a volume of the host's, with its record and its image.
    case host(HostImageOrder)
    /// Writes the record of one anew.
    case record(name: String, text: String)
    /// Writes its record, closes what was given of it, and deletes it where that is wanted.
    case release(name: String, text: String, deleting: Bool)
    case resize(HostImageSize)

    /// A path and some lines.
    package static let mostText = 8192

    private enum Kind: UInt16 { case volumes = 1, host, record, release, resize }

    func write(to fields: inout FieldWriter) {
        switch self {
        case .volumes(let bound):
            fields.half(Kind.volumes.rawValue)
            fields.long(bound)
        case .host(let order):
            fields.half(Kind.host.rawValue)
            for text in [order.name, order.record, order.path, order.maker] { fields.text(text) }
            fields.long(order.bytes)
            for number in [order.user, order.group, order.mode] { fields.word(number) }
        case .record(let name, let text):
            fields.half(Kind.record.rawValue)
            fields.text(name)
            fields.text(text)
        case .release(let name, let text, let deleting):
            fields.half(Kind.release.rawValue)
            fields.text(name)
            fields.text(text)
            fields.flag(deleting)
        case .resize(let size):
            fields.half(Kind.resize.rawValue)
            for text in [size.name, size.record, size.path, size.device] { fields.text(text) }
            fields.long(size.bytes)
        }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        let number = try fields.half("image work")
        guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
        switch kind {
        case .volumes: self = .volumes(bound: try fields.long("bound"))
        case .host:
            let name = try fields.text("name")
            let record = try fields.text("record", limit: Self.mostText)
            let (path, maker) = (try fields.text("path"), try fields.text("maker"))
            self = .host(
                HostImageOrder(
                    name: name, record: record, path: path, bytes: try fields.long("bytes"),
                    user: try fields.word("user"), group: try fields.word("group"),
                    mode: try fields.word("mode"), maker: maker))
        case .record:
            self = .record(
                name: try fields.text("name"), text: try fields.text("record", limit: Self.mostText))
        case .release:
            self = .release(
                name: try fields.text("name"), text: try fields.text("record", limit: Self.mostText),
                deleting: try fields.flag("deleting"))
        case .resize:
            let name = try fields.text("name")
            let record = try fields.text("record", limit: Self.mostText)
            let (path, device) = (try fields.text("path"), try fields.text("device"))
            self = .resize(
                HostImageSize(
                    name: name, record: record, path: path, bytes: try fields.long("bytes"), device: device))
        }
    }
}
