// What a plugin under test says, judged from its host's side, and the manifest that says how to start it.

import Dialects
import Plugins
import Sandbox
import Wire

/// Input: lines, each a message of the plugin's.
func checkPluginHost(_ bytes: [UInt8]) throws(FuzzFailure) {
    var host = HostConversation()
    var wasOver = false
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let sent = host.receive(Array(line))
        try hold(!wasOver || sent.isEmpty, "something is said after the end")
        for message in sent {
            var scanner = JSONScanner()
            let found = try? TGOMessage(message.span, by: &scanner)
            let isFit = found.map { $0.kind == .request || $0.kind == .response } ?? false
            try hold(isFit, "the host says \(String(decoding: message, as: UTF8.self))")
        }
        try hold(!host.awaited.isEmpty, "nothing is awaited")
        wasOver = host.isOver
    }
    host.ended()
    host.timeUp("1s")
    try hold(host.isOver, "not over after its end")
    let findings = host.findings
    try hold(findings.list.count <= 100 && findings.warnings.count <= 100, "too much is kept")
    try hold(host.isComplete || !findings.list.isEmpty, "incomplete without a finding")
}

/// Input: one byte that chooses the form, then the manifest.
func checkManifest(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard let first = bytes.first else { return }
    let text = Array(bytes.dropFirst())
    let file = first & 1 == 0 ? "plugin.json" : "plugin.yml"
    let manifest: PluginManifest
    do throws(ConfigError) {
        manifest = try PluginManifest.decode(text, file: file) { _ in first & 2 == 0 }
    } catch {
        return try checkError(error, in: text)
    }
    try hold(manifest.command.first?.isEmpty == false, "a command of nothing")
    try hold(!manifest.command.contains { $0.utf8.contains(0) }, "a NUL byte in the command")
    let parts = manifest.directory.split(separator: "/", omittingEmptySubsequences: false)
    let isBelow = manifest.directory.isEmpty || !parts.contains { ["", ".", ".."].contains($0) }
    try hold(isBelow, "the directory \(manifest.directory) is not below the package")
    for variable in manifest.environment { try checkVariable(variable) }
    for warning in manifest.warnings { try checkLine(warning, "a warning") }
}
