// What a profile's section `relay` says, without the YAML; see the profile's.

extension RelayPolicy {
    func store(in writer: inout StoredWriter) {
        writer.word(frameBytes)
        writer.word(connections)
        writer.flag(messages != nil)
        messages?.store(in: &writer)
    }

    init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(frameBytes: try reader.word(), connections: try reader.word(), messages: nil)
        if try reader.flag() { messages = try MessagePolicy(from: &reader) }
    }
}

extension MessagePolicy {
    fileprivate func store(in writer: inout StoredWriter) {
        writer.textOrNone(name)
        writer.textOrNone(id)
        writer.flag(capabilities != nil)
        if let capabilities { writer.texts(capabilities) }
        for list in [methods, actions, schemes] { writer.texts(list) }
        writer.word(rate)
        writer.word(burst)
        writer.longOrNone(bytesPerHour)
        writer.word(inFlight)
        writer.long(deadline)
        writer.long(registration)
        writer.byte(Profile.index(violation))
    }

    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init()
        name = try reader.textOrNone()
        id = try reader.textOrNone()
        if try reader.flag() { capabilities = try reader.texts() }
        methods = try reader.texts()
        actions = try reader.texts()
        schemes = try reader.texts()
        rate = try reader.word()
        burst = try reader.word()
        bytesPerHour = try reader.longOrNone()
        inFlight = try reader.word()
        deadline = try reader.long()
        registration = try reader.long()
        violation = try Profile.value(from: &reader)
    }
}
