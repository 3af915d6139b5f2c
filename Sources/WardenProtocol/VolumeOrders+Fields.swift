// The values of volumes as fields, each written and read beside the other.

extension VolumeKey {
    func write(to fields: inout FieldWriter) {
        fields.choice(kind)
        fields.text(tenant)
        fields.text(name)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try fields.choice("kind"), tenant: try fields.text("tenant"), name: try fields.text("name"))
    }
}

extension VolumeAmounts {
    func write(to fields: inout FieldWriter) {
        fields.longOrNone(bytes)
        fields.longOrNone(inodes)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(bytes: try fields.longOrNone("bytes"), inodes: try fields.longOrNone("inodes"))
    }
}

extension VolumeOrder {
    func write(to fields: inout FieldWriter) {
        key.write(to: &fields)
        limits.write(to: &fields)
        fields.flag(allowSoft)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try VolumeKey(from: &fields), limits: try VolumeAmounts(from: &fields),
            allowSoft: try fields.flag("soft"))
    }

    /// Of a session's order: nil for none.
    /// - Throws: for a volume that is another session's, or a snapshot.
    static func ofSession(
        _ id: SandboxID, from fields: inout FieldReader
    ) throws(WireProblem) -> VolumeOrder? {
        guard try fields.flag("volume") else { return nil }
        let order = try VolumeOrder(from: &fields)
        switch order.key.kind {
        case .session where order.key.name == id.description, .workspace: return order
        case .session: throw .refused("volume", "called like the session that it goes with")
        case .snapshot: throw .refused("volume", "a session's or a workspace")
        }
    }
}

extension VolumeState {
    func write(to fields: inout FieldWriter) {
        key.write(to: &fields)
        limits.write(to: &fields)
        used.write(to: &fields)
        fields.choice(driver)
        fields.word(users)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try VolumeKey(from: &fields), limits: try VolumeAmounts(from: &fields),
            used: try VolumeAmounts(from: &fields), driver: try fields.choice("driver"),
            users: try fields.word("users"))
    }
}

extension VolumeDriverState.Enforcement {
    func write(to fields: inout FieldWriter) {
        switch self {
        case .enforced: fields.byte(0)
        case .countedAsBytes: fields.byte(1)
        case .notEnforced(let why):
            fields.byte(2)
            fields.sentence(why)
        }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        switch try fields.byte("enforcement") {
        case 0: self = .enforced
        case 1: self = .countedAsBytes
        case 2: self = .notEnforced(try fields.sentence("why"))
        case let other: throw .unknownValue("enforcement", UInt64(other))
        }
    }
}

extension VolumeDriverState {
    /// The most troubles in one answer.
    package static let mostTroubles = 8

    func write(to fields: inout FieldWriter) {
        fields.choice(kind)
        fields.sentence(place)
        fields.sentence(why)
        fields.flag(isOpen)
        for limit in [bytes, inodes, total] { limit.write(to: &fields) }
        fields.flag(hasSnapshots)
        fields.list(Array(troubles.prefix(Self.mostTroubles))) { $0.sentence($1) }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try fields.choice("kind"), place: try fields.sentence("place"), why: try fields.sentence("why"),
            isOpen: try fields.flag("open"), bytes: try Enforcement(from: &fields),
            inodes: try Enforcement(from: &fields), total: try Enforcement(from: &fields),
            hasSnapshots: try fields.flag("snapshots"),
            troubles: try fields.list("troubles", limit: Self.mostTroubles) {
                (fields) throws(WireProblem) in try fields.sentence("trouble")
            })
    }
}

extension VolumeTotal {
    func write(to fields: inout FieldWriter) {
        fields.longOrNone(limit)
        fields.longOrNone(used)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(limit: try fields.longOrNone("limit"), used: try fields.longOrNone("used"))
    }
}

extension VolumeTotalOrder {
    func write(to fields: inout FieldWriter) {
        switch self {
        case .read: fields.flag(false)
        case .limit(let bytes):
            fields.flag(true)
            fields.longOrNone(bytes)
        }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self = try fields.flag("change") ? .limit(try fields.longOrNone("total")) : .read
    }
}

extension FieldWriter {
    mutating func volumeOrNone(_ key: VolumeKey?) {
        flag(key != nil)
        key?.write(to: &self)
    }
}

extension FieldReader {
    mutating func volumeOrNone(_ field: String) throws(WireProblem) -> VolumeKey? {
        try flag(field) ? try VolumeKey(from: &self) : nil
    }
}
