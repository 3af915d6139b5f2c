// What corrald and the warden say to each other. The warden has privileges and corrald reads what others
// send, so that its messages are those of an attacker.

import WardenProtocol

/// Input: a message without the length in its header, which is put right: else hardly anything behind it
/// would ever be reached. It is read as a request and as what the warden says.
func checkWarden(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard bytes.count >= WardenFormat.headerSize else {
        return try hold((try? ReceivedMessage(bytes)) == nil, "a message without a header is taken")
    }
    var whole = bytes
    let length = bytes.count - WardenFormat.headerSize
    for index in 0..<4 { whole[4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    guard let message = try? ReceivedMessage(whole) else { return }
    if let request = try? ToWarden(message) {
        try hold(request.encoded().bytes == whole, "written again it is another request")
        try checkOrder(request.request)
    }
    if let answer = try? FromWarden(message) {
        let encoded = answer.encoded()
        let again = (try? ReceivedMessage(encoded.bytes)).flatMap { try? FromWarden($0, file: encoded.file) }
        try hold(again == answer, "written again the warden says something else")
    }
}

/// What the engine relies on without looking again.
private func checkOrder(_ request: WardenRequest) throws(FuzzFailure) {
    switch request {
    case .create(let order):
        try hold(order.overrides.allSatisfy(SessionOrder.isCarried), "an override that is not carried")
        try hold(order.note.count <= WardenFormat.noteLimit, "a note that is too long")
        try hold(!order.profile.utf8.contains(0), "a name with a NUL byte")
        try hold(order.directory.map { $0.hasPrefix("/") && !$0.utf8.contains(0) } ?? true, "no path")
        try hold(order.directory == nil || order.workspace == nil, "two workspaces")
        try hold(order.directory != nil || order.directoryQuota == nil, "a limit of no directory")
        guard let volume = order.workspace else { return }
        try hold(volume.key.kind != .snapshot, "a snapshot to write to")
        try hold(
            volume.key.kind != .session || volume.key.name == order.id.description,
            "another session's volume")
        try hold(!volume.key.tenant.utf8.contains(0), "a tenant with a NUL byte")
    case .start(let order):
        var texts = order.environment
        switch order.command {
        case .arguments(let arguments):
            try hold(arguments.first?.isEmpty == false, "no command")
            texts += arguments
        case .shell(_, let arguments): texts += arguments
        }
        try hold(texts.allSatisfy { !$0.utf8.contains(0) }, "a text with a NUL byte")
        try hold(order.directory?.hasPrefix("/") ?? true, "a relative directory")
    case .signal(_, let number): try hold((1...64).contains(number), "no signal")
    case .hostVolumeCreate(let order): try hold(isPath(order.path), "no path of a volume")
    case .hostVolumeRemove(let path, _): try hold(isPath(path), "no path of a volume")
    default: return
    }
}

private func isPath(_ path: String) -> Bool { path.hasPrefix("/") && !path.utf8.contains(0) }
