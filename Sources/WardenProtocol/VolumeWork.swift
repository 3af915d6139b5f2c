// What the warden has done by its volume workers, processes of its own program that may wait for a disk, and what
// they say to it: one packet each, of two bytes for the kind and then fields. Both ends are the same file.

/// One piece of work. Volumes are named as corrald names them.
package enum VolumeWork: Hashable, Sendable {
    /// Grows the image as far as its policy says.
    case makeRoom
    case snapshot(VolumeKey, as: VolumeKey)
    case restore(VolumeKey, from: VolumeKey)
    /// With the limits that it is to have.
    case fork(VolumeKey, as: VolumeOrder)
    case resize(VolumeKey, VolumeAmounts)
    /// Gives back what removed volumes held; the numbers of those that the warden has noted nowhere but in memory.
    case settle([UInt64])
    /// Looks at all volumes.
    case tend
    /// What is no driver's work.
    case image(ImageWork)

    /// The most numbers that one ``settle(_:)`` has.
    package static let mostNumbers = 4096

    private enum Kind: UInt16 { case makeRoom = 1, snapshot, restore, fork, resize, settle, tend, image }

    package func encoded() -> [UInt8] {
        var fields = FieldWriter()
        switch self {
        case .makeRoom: fields.half(Kind.makeRoom.rawValue)
        case .snapshot(let key, let copy):
            fields.half(Kind.snapshot.rawValue)
            key.write(to: &fields)
            copy.write(to: &fields)
        case .restore(let key, let snapshot):
            fields.half(Kind.restore.rawValue)
            key.write(to: &fields)
            snapshot.write(to: &fields)
        case .fork(let key, let order):
            fields.half(Kind.fork.rawValue)
            key.write(to: &fields)
            order.write(to: &fields)
        case .resize(let key, let limits):
            fields.half(Kind.resize.rawValue)
            key.write(to: &fields)
            limits.write(to: &fields)
        case .settle(let numbers):
            fields.half(Kind.settle.rawValue)
            fields.list(Array(numbers.prefix(Self.mostNumbers))) { $0.long($1) }
        case .tend: fields.half(Kind.tend.rawValue)
        case .image(let work):
            fields.half(Kind.image.rawValue)
            work.write(to: &fields)
        }
        return fields.bytes
    }

    package init(_ bytes: [UInt8]) throws(WireProblem) {
        var fields = FieldReader(bytes)
        let number = try fields.half("kind")
        guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
        switch kind {
        case .makeRoom: self = .makeRoom
        case .snapshot: self = .snapshot(try VolumeKey(from: &fields), as: try VolumeKey(from: &fields))
        case .restore: self = .restore(try VolumeKey(from: &fields), from: try VolumeKey(from: &fields))
        case .fork: self = .fork(try VolumeKey(from: &fields), as: try VolumeOrder(from: &fields))
        case .resize: self = .resize(try VolumeKey(from: &fields), try VolumeAmounts(from: &fields))
        case .settle:
            self = .settle(
                try fields.list("numbers", limit: Self.mostNumbers) {
                    (fields) throws(WireProblem) in try fields.long("number")
                })
        case .tend: self = .tend
        case .image: self = .image(try ImageWork(from: &fields))
        }
        try fields.finish()
    }
}

/// How far a copy of a volume is.
package struct VolumeProgress: Hashable, Sendable {
    /// Files, directories and links that are there.
    package var entries: UInt64
    /// Bytes that are there, those shared with the original among them.
    package var done: UInt64
    /// Bytes that there are to copy; nil where nothing has counted them.
    package var total: UInt64?

    package init(entries: UInt64 = 0, done: UInt64 = 0, total: UInt64? = nil) {
        self.entries = entries
        self.done = done
        self.total = total
    }

    func write(to fields: inout FieldWriter) {
        fields.long(entries)
        fields.long(done)
        fields.longOrNone(total)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            entries: try fields.long("entries"), done: try fields.long("done"),
            total: try fields.longOrNone("total"))
    }
}

/// What a worker says of the piece of work that it has; all but ``progress(_:)`` end it.
package enum VolumeReport: Hashable, Sendable {
    case progress(VolumeProgress)
    case done
    case refused(Refusal)
    /// How many removed volumes have not given everything back, and the numbers that have to be asked for again.
    case settled(left: UInt32, numbers: [UInt64])
    /// What ``VolumeWork/tend`` found, a sentence each.
    case troubles([String])

    package static let mostTroubles = 12

    private enum Kind: UInt16 { case progress = 1, done, refused, settled, troubles }

    package func encoded() -> [UInt8] {
        var fields = FieldWriter()
        switch self {
        case .progress(let progress):
            fields.half(Kind.progress.rawValue)
            progress.write(to: &fields)
        case .done: fields.half(Kind.done.rawValue)
        case .refused(let refusal):
            fields.half(Kind.refused.rawValue)
            refusal.write(to: &fields)
        case .settled(let left, let numbers):
            fields.half(Kind.settled.rawValue)
            fields.word(left)
            fields.list(Array(numbers.prefix(VolumeWork.mostNumbers))) { $0.long($1) }
        case .troubles(let sentences):
            fields.half(Kind.troubles.rawValue)
            fields.list(Array(sentences.prefix(Self.mostTroubles))) { $0.sentence($1) }
        }
        return fields.bytes
    }

    package init(_ bytes: [UInt8]) throws(WireProblem) {
        var fields = FieldReader(bytes)
        let number = try fields.half("kind")
        guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
        switch kind {
        case .progress: self = .progress(try VolumeProgress(from: &fields))
        case .done: self = .done
        case .refused: self = .refused(try Refusal(from: &fields))
        case .settled:
            self = .settled(
                left: try fields.word("left"),
                numbers: try fields.list("numbers", limit: VolumeWork.mostNumbers) {
                    (fields) throws(WireProblem) in try fields.long("number")
                })
        case .troubles:
            self = .troubles(
                try fields.list("troubles", limit: Self.mostTroubles) {
                    (fields) throws(WireProblem) in try fields.sentence("trouble")
                })
        }
        try fields.finish()
    }
}
