// Exported audit records, as somebody may have changed them.

import API
import Trees
import Wire

/// Input: a file of lines.
func checkAuditLines(_ bytes: [UInt8]) throws(FuzzFailure) {
    var check = AuditLineCheck(hash: SHA256.of)
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
    let rest = lines.removeLast()
    for line in lines {
        try checkAuditRecord(line)
        let before = check.reached
        if check.take(line) != nil {
            try hold(check.reached == before, "a line that is refused counts")
            return
        }
        try hold(check.reached != nil, "a line that is taken leads nowhere")
    }
    // Without the line that says how far it got no file is whole.
    if lines.isEmpty { try hold(check.end(rest) != nil, "nothing is taken for a whole file") }
}

private func checkAuditRecord(_ line: [UInt8]) throws(FuzzFailure) {
    guard let json = try? JSONTree(parsing: line), let record = AuditRecord(json) else { return }
    let written = record.json.bytes
    try hold(written.allSatisfy { (0x20..<0x7F).contains($0) }, "a record is not one line of ASCII")
    guard let again = try? JSONTree(parsing: written) else { throw FuzzFailure("a record is no JSON") }
    try hold(AuditRecord(again) == record, "a record is another when it is written and read again")
}
