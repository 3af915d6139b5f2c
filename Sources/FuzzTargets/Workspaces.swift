// Paths and cursors that clients send for the files of a workspace.

import Workspace

/// Input: one path, which is also read as a cursor of a listing.
func checkWorkspace(_ bytes: [UInt8]) throws(FuzzFailure) {
    if let text = String(validating: bytes, as: UTF8.self) {
        let cursor = try? ListCursor(text)
        let isSame = cursor?.description.utf8.elementsEqual(bytes) ?? true
        try hold(isSame, "the cursor is written otherwise")
    }
    let plain = plainWorkspacePath(bytes)
    let path: WorkspacePath
    do throws(WorkspaceError) {
        path = try WorkspacePath(bytes)
    } catch {
        try hold(plain == nil, "refused: \(error)")
        return try checkLine(error.description, "an error")
    }
    try hold(
        plain == path.names.map { Array($0.utf8) }, "other names than a plain reading finds: \(path.names)")
    let again = try? WorkspacePath(path.description)
    try hold(again?.names == path.names, "written it is another path")
    try hold(path.parent.names == path.names.dropLast(), "another directory above it")
}

/// The names of a path as the documentation says it; nil for none.
private func plainWorkspacePath(_ bytes: [UInt8]) -> [[UInt8]]? {
    guard (1...4095).contains(bytes.count), !bytes.contains(0), bytes.first != UInt8(ascii: "/") else {
        return nil
    }
    if String(validating: bytes, as: UTF8.self) == nil { return nil }
    var names: [[UInt8]] = [[]]
    for byte in bytes {
        if byte == UInt8(ascii: "/") { names.append([]) } else { names[names.count - 1].append(byte) }
    }
    names.removeAll { $0.isEmpty || $0 == [UInt8(ascii: ".")] }
    let isGood = names.allSatisfy { $0.count <= 255 && $0 != Array("..".utf8) }
    return isGood ? names : nil
}
