// What sessions live by, as the cache keeps it. The order of the values is the form of stored files.

extension Lifetime {
    init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            timeout: try reader.longOrNone(), maxTimeout: try reader.longOrNone(),
            maxTimeoutOrigin: try reader.text())
        session.ttl = try Span(from: &reader)
        session.idle = try Span(from: &reader)
        session.max = try Span(from: &reader)
        session.lease = try reader.flag() ? try Profile.value(from: &reader) : nil
    }
}

extension Lifetime.Session {
    func store(in writer: inout StoredWriter) {
        for span in [ttl, idle, max] { span.store(in: &writer) }
        writer.flag(lease != nil)
        if let lease { writer.byte(Profile.index(lease)) }
    }
}

extension Lifetime.Span {
    fileprivate func store(in writer: inout StoredWriter) {
        switch self {
        case .unsaid: writer.byte(0)
        case .never: writer.byte(1)
        case .after(let time):
            writer.byte(2)
            writer.long(time)
        }
    }

    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        switch try reader.byte() {
        case 0: self = .unsaid
        case 1: self = .never
        case 2: self = .after(try reader.long())
        default: throw StoredProblem()
        }
    }
}
