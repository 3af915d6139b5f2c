import Sandbox

// Custody's values as fields, each written and read beside the other.

extension SandboxStatistics {
    func write(to fields: inout FieldWriter) {
        for value in [memory, peakMemory, cpuTime, pids, outOfMemoryKills, pidsLimitHits] {
            fields.longOrNone(value)
        }
        workspace.write(to: &fields)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            memory: try fields.longOrNone("memory"), peakMemory: try fields.longOrNone("peak memory"),
            cpuTime: try fields.longOrNone("cpu time"), pids: try fields.longOrNone("pids"),
            outOfMemoryKills: try fields.longOrNone("out-of-memory kills"),
            pidsLimitHits: try fields.longOrNone("pids hits"), workspace: try VolumeAmounts(from: &fields))
    }
}

extension SandboxLimits {
    func write(to fields: inout FieldWriter) {
        for value in [memory, swap, pids, cpus, cpuTime] { fields.longOrNone(value) }
        workspace.write(to: &fields)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            memory: try fields.longOrNone("memory"), swap: try fields.longOrNone("swap"),
            pids: try fields.longOrNone("pids"), cpus: try fields.longOrNone("cpus"),
            cpuTime: try fields.longOrNone("cpu time"), workspace: try VolumeAmounts(from: &fields))
    }
}

extension SandboxEnd {
    func write(to fields: inout FieldWriter) {
        fields.choice(cause)
        fields.sentence(detail)
        statistics.write(to: &fields)
        fields.long(at)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            cause: try fields.choice("cause"), detail: try fields.sentence("detail"),
            statistics: try SandboxStatistics(from: &fields), at: try fields.long("end"))
    }
}

extension ExitRecord {
    func write(to fields: inout FieldWriter) {
        switch status {
        case .exited(let code):
            fields.byte(0)
            fields.word(UInt32(bitPattern: code))
        case .signalled(let number):
            fields.byte(1)
            fields.word(UInt32(bitPattern: number))
        case .unknown: fields.byte(2)
        }
        for value in [userTime, systemTime, peakMemory] { fields.long(UInt64(bitPattern: value)) }
        fields.long(at)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        let status: Status
        switch try fields.byte("status") {
        case 0: status = .exited(Int32(bitPattern: try fields.word("status")))
        case 1: status = .signalled(Int32(bitPattern: try fields.word("signal")))
        case 2: status = .unknown
        case let other: throw .unknownValue("status", UInt64(other))
        }
        self.init(
            status, userTime: Int64(bitPattern: try fields.long("user time")),
            systemTime: Int64(bitPattern: try fields.long("system time")),
            peakMemory: Int64(bitPattern: try fields.long("peak memory")), at: try fields.long("exit"))
    }
}

extension StartProblem {
    func write(to fields: inout FieldWriter) {
        fields.choice(reason)
        fields.word(UInt32(bitPattern: errno))
        fields.sentence(sentence)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try fields.choice("reason"), errno: Int32(bitPattern: try fields.word("errno")),
            sentence: try fields.sentence("sentence"))
    }
}

extension ProcessEntry {
    func write(to fields: inout FieldWriter) {
        fields.key(key)
        switch stage {
        case .starting: fields.byte(0)
        case .running(let pid):
            fields.byte(1)
            fields.word(UInt32(bitPattern: pid))
        case .failed(let problem):
            fields.byte(2)
            problem.write(to: &fields)
        case .exited(let record):
            fields.byte(3)
            record.write(to: &fields)
        }
        fields.long(began)
        fields.roles(roles)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        let key = try fields.key()
        let stage: Stage
        switch try fields.byte("stage") {
        case 0: stage = .starting
        case 1: stage = .running(pid: Int32(bitPattern: try fields.word("pid")))
        case 2: stage = .failed(try StartProblem(from: &fields))
        case 3: stage = .exited(try ExitRecord(from: &fields))
        case let other: throw .unknownValue("stage", UInt64(other))
        }
        let began = try fields.long("began")
        self.init(key, stage, began: began, roles: try fields.roles())
    }
}

extension SessionEntry {
    func write(to fields: inout FieldWriter) {
        fields.id(id)
        fields.choice(stage)
        fields.text(profile)
        fields.text(image)
        fields.long(began)
        fields.layers(layers)
        limits.write(to: &fields)
        fields.blob(note)
        fields.flag(end != nil)
        end?.write(to: &fields)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            try fields.id(), try fields.choice("stage"), profile: try fields.text("profile"),
            image: try fields.text("image"), began: try fields.long("began"), layers: try fields.layers(),
            limits: try SandboxLimits(from: &fields),
            note: try fields.blob("note", limit: WardenFormat.noteLimit),
            end: try fields.flag("end") ? try SandboxEnd(from: &fields) : nil)
    }
}

extension NetworkPoolState {
    func write(to fields: inout FieldWriter) {
        for value in [ready, most] { fields.word(value) }
        for value in [taken, missed] { fields.long(value) }
        fields.sentence(problem)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            ready: try fields.word("ready"), most: try fields.word("most"), taken: try fields.long("taken"),
            missed: try fields.long("missed"), problem: try fields.sentence("problem"))
    }
}

extension WardenStatus {
    func write(to fields: inout FieldWriter) {
        fields.text(build)
        fields.word(UInt32(bitPattern: pid))
        for value in [sessions, processes, descriptors, descriptorLimit] { fields.word(value) }
        networks.write(to: &fields)
        fields.list(remarks) { $0.sentence($1) }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(
            build: try fields.text("build"), pid: Int32(bitPattern: try fields.word("pid")),
            sessions: try fields.word("sessions"), processes: try fields.word("processes"),
            descriptors: try fields.word("descriptors"), descriptorLimit: try fields.word("limit"),
            networks: try NetworkPoolState(from: &fields),
            remarks: try fields.list("remarks", limit: 8) { (fields) throws(WireProblem) in
                try fields.sentence("remark")
            })
    }
}

extension FieldWriter {
    /// A text of ours for people: cut where it is longer than a message should carry.
    mutating func sentence(_ text: String) {
        let limit = WardenFormat.sentenceLimit
        if text.utf8.count <= limit { return self.text(text) }
        // A character that is cut becomes U+FFFD, of three bytes.
        self.text(String(decoding: Array(text.utf8.prefix(limit - 3)), as: UTF8.self))
    }

    mutating func roles(_ roles: [StreamRole]) { list(roles) { $0.choice($1) } }

    /// In the order of the layers, so that the same layers are always the same bytes.
    mutating func layers(_ layers: [Layer: LayerState]) {
        let known = Layer.allCases.filter { layers[$0] != nil }
        list(known) { fields, layer in
            fields.choice(layer)
            switch layers[layer] {
            case .partial(let why):
                fields.byte(1)
                fields.sentence(why)
            case .off(let why):
                fields.byte(2)
                fields.sentence(why)
            case .inForce, nil: fields.byte(0)
            }
        }
    }
}

extension FieldReader {
    mutating func sentence(_ field: String) throws(WireProblem) -> String {
        try text(field, limit: WardenFormat.sentenceLimit)
    }

    mutating func roles() throws(WireProblem) -> [StreamRole] {
        try list("roles", limit: StreamRole.allCases.count) {
            (fields) throws(WireProblem) -> StreamRole in try fields.choice("role")
        }
    }

    mutating func layers() throws(WireProblem) -> [Layer: LayerState] {
        var layers: [Layer: LayerState] = [:]
        let pairs = try list("layers", limit: Layer.allCases.count) {
            (fields) throws(WireProblem) -> (Layer, LayerState) in
            let layer: Layer = try fields.choice("layer")
            switch try fields.byte("state") {
            case 0: return (layer, .inForce)
            case 1: return (layer, .partial(try fields.sentence("why")))
            case 2: return (layer, .off(try fields.sentence("why")))
            case let other: throw .unknownValue("state", UInt64(other))
            }
        }
        for (layer, state) in pairs { layers[layer] = state }
        return layers
    }
}
