import CLinux
import Client
import Figures
import Glibc
import Linux

/// How many small files a second come into a session as one archive, beside what `tar x` makes of the same bytes on
/// a file system of the same kind, in memory.
func measureFiles(_ corrald: String, _ options: Options, _ results: Results) throws {
    let (count, rounds) = (10_000, 5)
    let archive = TarFile.of(0..<count, bytes: 1024) { "d\($0 / 100)/file\($0)" }
    let daemon = try MeasuredDaemon(corrald)
    let session = try daemon.client.id(of: SessionCall.create())
    var (through, plain): ([UInt64], [UInt64]) = ([], [])
    for round in 0...rounds {
        let times = (
            try send(archive, to: session, as: "round\(round)", daemon.client), try unpackPlainly(archive)
        )
        let place = [("path", "round\(round)"), ("recursive", "true")]
        _ = try daemon.client.ask(
            HTTPRequest(.delete, ["v1", "sessions", session, "files"], query: place))
        // The first one is to warm up.
        guard round > 0 else { continue }
        through.append(times.0)
        plain.append(times.1)
    }
    let (own, other) = (through.sorted()[rounds / 2], plain.sorted()[rounds / 2])
    let rate = Double(count) * 1e9 / Double(own)
    try add(
        "sessions/upload", "files a second, 10,000 of 1 KiB in one archive",
        [("p50", rate), ("to tar", Double(other) / Double(own))], samples: rounds, results)
}

private func send(
    _ archive: [UInt8], to session: String, as name: String, _ client: DaemonClient
) throws -> UInt64 {
    let begin = monotonicTime()
    var place = 0
    let request = HTTPRequest(
        .put, ["v1", "sessions", session, "files", "archive"], query: [("path", name)])
    _ = try client.upload(request) {
        let piece = Array(archive[place..<min(archive.count, place + (256 << 10))])
        place += piece.count
        return piece
    }
    return monotonicTime() - begin
}

private func unpackPlainly(_ archive: [UInt8]) throws -> UInt64 {
    let directory = try makeScratchPath(in: "/dev/shm")
    let file = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("archive", 0) })
    try file.writeAll(archive)
    let number = file.number
    _ = try call("lseek") { lseek(number, 0, SEEK_SET) }
    let null = try openNull()
    let begin = monotonicTime()
    let problem = try Child(
        ["/bin/tar", "-x", "-f", "-", "-C", directory], [number, null.number, 2], pin: nil
    ).end()
    let time = monotonicTime() - begin
    _ = try Child(["/bin/rm", "-r", directory], [null.number, null.number, 2], pin: nil).end()
    if let problem { throw Options.Problem("tar: \(problem)") }
    return time
}
