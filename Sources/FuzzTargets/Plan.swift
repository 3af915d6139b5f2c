// What the launcher and the init send each other: plans and requests of any length, messages and records of
// one size.

import InitPlan

/// Input: a plan, and as well the fields of a request, which have no header.
func checkPlan(_ bytes: [UInt8]) throws(FuzzFailure) {
    let steps: [(PlanOperation, [PlanField])]?
    // In memory of just this size, where the sanitizer sees a read behind it.
    steps = unsafe bytes.withUnsafeBytes { buffer in unsafe try? readPlan(buffer) }
    try checkFields(bytes)
    guard let steps else { return }
    var writer = PlanWriter.plan()
    for (operation, fields) in steps { writer.step(operation) { write(fields, to: &$0) } }
    let written = writer.finished()
    let again = unsafe written.withUnsafeBytes { buffer in unsafe try? readPlan(buffer) }
    let isSame = again.map { again in
        again.count == steps.count && zip(again, steps).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
    }
    try hold(isSame ?? false, "written it is another plan")
}

private enum PlanField: Hashable {
    case integer(UInt64)
    case blob([UInt8])
}

/// Which fields each step has, `i` for an integer and `t` for a text, as far as targets read them.
private func shape(of operation: PlanOperation) -> String {
    switch operation {
    case .directory, .listen, .mask, .bindDescriptor, .keepCopy: "ti"
    case .symlink: "tt"
    case .file: "tit"
    case .bindPath, .device: "ttii"
    case .tmpfs: "titttt"
    case .attributes: "tii"
    case .bindTree: "ttiitii"
    case .bindSource: "ttiiii"
    case .terminal: "tit"
    case .landlock: "iiii"
    case .landlockPath, .proc, .bindWorkingDirectory: "ti"
    case .rlimit: "iii"
    case .filter, .makeRoot, .hostname: "t"
    case .identity: "iiiii"
    case .adoptRoot, .landlockPort, .without, .capabilities: "ii"
    case .pivot, .loopback, .cgroupNamespace, .endWithLauncher: ""
    }
}

private func readPlan(
    _ buffer: UnsafeRawBufferPointer
) throws(PlanError) -> [(PlanOperation, [PlanField])] {
    var reader = unsafe try PlanReader(buffer)
    let count = try reader.header()
    var steps: [(PlanOperation, [PlanField])] = []
    for _ in 0..<count {
        var (operation, fields) = try reader.step()
        steps.append((operation, read(shape(of: operation), &fields)))
    }
    return steps
}

/// The fields up to the first that is not there.
private func read(_ shape: String, _ reader: inout PlanReader) -> [PlanField] {
    var fields: [PlanField] = []
    for kind in shape {
        if kind == "i" {
            guard let value = try? reader.integer() else { return fields }
            fields.append(.integer(value))
        } else {
            guard let text = unsafe try? reader.blob() else { return fields }
            // With the NUL that ends it, which C reads up to.
            guard let start = text.baseAddress else { return fields }
            let end = unsafe start.load(fromByteOffset: text.count, as: UInt8.self)
            guard end == 0 else { return [] }
            fields.append(.blob(unsafe Array(text)))
        }
    }
    return fields
}

private func write(_ fields: [PlanField], to writer: inout PlanWriter) {
    for field in fields {
        switch field {
        case .integer(let value): writer.integer(value)
        case .blob(let bytes): writer.blob(bytes)
        }
    }
}

/// The same bytes as fields, whose kinds their own first bytes choose.
private func checkFields(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard let kinds = bytes.first else { return }
    let shape = String((0..<8).map { kinds >> UInt8($0) & 1 == 0 ? "i" : "t" })
    let fields: [PlanField] = unsafe bytes.withUnsafeBytes { buffer in
        guard var reader = unsafe try? PlanReader(UnsafeRawBufferPointer(rebasing: buffer[1...])) else {
            return []
        }
        return read(shape, &reader)
    }
    var writer = PlanWriter.fields()
    write(fields, to: &writer)
    let again: [PlanField] = unsafe writer.bytes.withUnsafeBytes { buffer in
        guard var reader = unsafe try? PlanReader(buffer) else { return [] }
        return read(shape, &reader)
    }
    try hold(again.starts(with: fields), "written these are other fields")
}

/// Input: messages of the control socket, then what is left as records of the status pipe.
func checkControl(_ bytes: [UInt8]) throws(FuzzFailure) {
    var rest = bytes[...]
    while rest.count >= ControlMessage.size {
        var words: [8 of UInt64] = [0, 0, 0, 0, 0, 0, 0, 0]
        for index in 0..<8 { words[index] = word(rest.dropFirst(8 * index)) }
        if let message = ControlMessage(words) {
            for index in 0..<7 { try hold(message.words[index] == words[index], "word \(index) is another") }
        } else {
            try hold(ControlMessage.Kind(rawValue: words[0]) == nil, "a message of a known kind is refused")
        }
        rest = rest.dropFirst(ControlMessage.size)
    }
    while rest.count >= StatusRecord.size {
        let words: [2 of UInt64] = [word(rest), word(rest.dropFirst(8))]
        if let record = StatusRecord(words) {
            try hold(record.words[0] == words[0], "a record has another kind, step or place")
            try hold(record.words[1] == words[1] & 0xFFFF_FFFF, "a record has another error")
            try hold(StatusRecord(record.words) == record, "a record does not survive its words")
        }
        rest = rest.dropFirst(StatusRecord.size)
    }
}

private func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
