import CYAML

/// One event of libyaml's parser, with everything that Swift needs copied out of it.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentEnd
        case documentStart(hasDirectives: Bool)
        case alias
        case scalar(String, plain: Bool)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }

    let kind: Kind
    let hasAnchor: Bool
    let hasTag: Bool
    let mark: YAMLMark
}

/// libyaml's event parser over bytes in memory: the only code that touches libyaml. It owns its two
/// allocations and hands no pointer out.
@safe struct YAMLEvents: ~Copyable {
    private let file: String
    private let text: [UInt8]
    // The parser keeps pointers to itself and to the text, so neither may move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ text: [UInt8], file: String) throws(ConfigError) {
        self.file = file
        self.text = text
        unsafe input = .allocate(capacity: max(text.count, 1))
        _ = unsafe input.initialize(from: text)
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            // A failed parser has freed what it held; deleting it again in deinit is harmless, for
            // its fields are zero then.
            throw ConfigError(file: file, line: 1, column: 1, key: "", problem: "is too much for the memory")
        }
        // Not left to detection: a byte-order mark would make the file UTF-16.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, text.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event.
    /// - Throws: libyaml's problem, at its place in the file.
    mutating func next() throws(ConfigError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw unsafe problem(parser.pointee) }
        defer { unsafe yaml_event_delete(&event) }
        return try unsafe translate(event)
    }

    private func translate(_ event: yaml_event_t) throws(ConfigError) -> YAMLEvent {
        let mark = unsafe YAMLMark(event.start_mark)
        func make(_ kind: YAMLEvent.Kind, anchor: Bool = false, tag: Bool = false) -> YAMLEvent {
            YAMLEvent(kind: kind, hasAnchor: anchor, hasTag: tag, mark: mark)
        }
        // Safety: which member of the union is valid is what `type` says (yaml.h, yaml_event_s).
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return make(.streamStart)
        case YAML_STREAM_END_EVENT: return make(.streamEnd)
        case YAML_DOCUMENT_START_EVENT:
            let start = unsafe event.data.document_start
            let tags = unsafe start.tag_directives.start != start.tag_directives.end
            return unsafe make(.documentStart(hasDirectives: tags || start.version_directive != nil))
        case YAML_DOCUMENT_END_EVENT: return make(.documentEnd)
        case YAML_ALIAS_EVENT: return make(.alias)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let plain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            let kind = unsafe YAMLEvent.Kind.scalar(String(decoding: bytes, as: UTF8.self), plain: plain)
            return unsafe make(kind, anchor: scalar.anchor != nil, tag: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe make(.sequenceStart, anchor: start.anchor != nil, tag: start.tag != nil)
        case YAML_SEQUENCE_END_EVENT: return make(.sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe make(.mappingStart, anchor: start.anchor != nil, tag: start.tag != nil)
        case YAML_MAPPING_END_EVENT: return make(.mappingEnd)
        default:
            // YAML_NO_EVENT comes after the end only, which the caller does not read past.
            throw ConfigError(
                file: file, line: mark.line, column: mark.column, key: "", problem: "goes on after its end")
        }
    }

    // MARK: libyaml's problems

    private func problem(_ parser: yaml_parser_t) -> ConfigError {
        guard unsafe parser.error != YAML_MEMORY_ERROR, let message = unsafe parser.problem else {
            return ConfigError(file: file, line: 1, column: 1, key: "", problem: "is too much for the memory")
        }
        var problem = unsafe String(cString: message)
        var mark = unsafe YAMLMark(parser.problem_mark)
        if unsafe parser.error == YAML_READER_ERROR {
            // The reader is ahead of the scanner and gives a byte's offset instead of a mark.
            mark = unsafe place(ofByte: parser.problem_offset)
            let value = unsafe parser.problem_value
            if value >= 0 { problem += " (0x\(String(value, radix: 16)))" }
        } else if let context = unsafe parser.context {
            problem += unsafe " \(String(cString: context))"
            let start = unsafe YAMLMark(parser.context_mark)
            if start != mark { problem += " that starts at \(start.line):\(start.column)" }
        }
        if unsafe isTab(parser.problem_mark.index) { problem += "; tabs do not indent, spaces do" }
        return ConfigError(file: file, line: mark.line, column: mark.column, key: "", problem: problem)
    }

    private func place(ofByte offset: Int) -> YAMLMark {
        var mark = YAMLMark(line: 1, column: 1)
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                mark = YAMLMark(line: mark.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                mark.column += 1
            }
        }
        return mark
    }

    /// Whether the character at `index`, counted in characters, is a tab.
    private func isTab(_ index: Int) -> Bool {
        var left = index
        for byte in text where byte & 0xC0 != 0x80 {
            if left == 0 { return byte == UInt8(ascii: "\t") }
            left -= 1
        }
        return false
    }
}

extension YAMLMark {
    fileprivate init(_ mark: yaml_mark_t) { self.init(line: mark.line + 1, column: mark.column + 1) }
}
