// Texts of the kernel with words of other people in them, and what image archives say of themselves.

import Cgroups
import Commands
import Images
import Linux
import Sandbox
import Trees
import Wire

/// Input: lines of /proc/self/mountinfo, of /proc/self/cgroup and of the kernel's log.
func checkKernelText(_ bytes: [UInt8]) throws(FuzzFailure) {
    // The reader of cgroups leaves it to the kernel that a line begins with a number.
    let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { !MountTable(Array($0)).entries.isEmpty }
    let mounts = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    let table = MountTable(mounts)
    let groups = CgroupMount.parse(mountinfo: mounts)
    try hold(table.entries.count == lines.count, "\(table.entries.count) mounts in \(lines.count) lines")
    for group in groups {
        // Both read the same lines, one of them every mount.
        let isThere = table.entries.contains {
            $0.point.utf8.elementsEqual(group.point.utf8) && $0.root.utf8.elementsEqual(group.root.utf8)
        }
        try hold(isThere, "the cgroup mount at \(shown(group.point)) is no mount")
    }
    if let path = CgroupMount.ownPath(procSelfCgroup: bytes) {
        for group in groups { _ = group.directory(of: path) }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let record = SeccompRecord(line: text) else { return }
    try hold(text.utf8.contains(UInt8(ascii: ";")), "a record without a head")
    try hold(text.contains("uid=") && text.contains("\(record.call)"), "a record that says something else")
}

/// Input: one of the JSON files of an image archive, or of the store.
func checkImageFormats(_ bytes: [UInt8]) throws(FuzzFailure) {
    if let config = try? ImageConfig(bytes, file: "config") {
        try hold(config.diffIDs.allSatisfy(isDigest), "a diff ID that is no digest")
        try checkLine(config.platform.description, "a platform")
    }
    if let tree = try? JSONTree(parsing: bytes), let descriptor = try? Descriptor(tree, file: "index.json") {
        try hold(isDigest(descriptor.digest), "a digest that is none")
        try hold(descriptor.path == "blobs/sha256/\(descriptor.digest)", "the path \(descriptor.path)")
    }
    if let report = try? LayerReport(bytes) {
        try hold(report.count.bytes < 1 << 56 && report.count.entries < 1 << 62, "numbers that cannot be")
    }
    do throws(ImageError) {
        _ = try ImageConfig(bytes, file: "config")
    } catch {
        try checkLine(error.description, "an error")
    }
    guard let record = try? TreeRecord(bytes, file: "tree.json") else { return }
    let again = try? TreeRecord(record.json.bytes, file: "tree.json")
    try hold(again?.json == record.json && again == record, "stored it is another record")
}

private func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { Array("0123456789abcdef".utf8).contains($0) }
}
