import Client
import Figures
import Glibc
import Linux
import Wire

// What comes out of a workspace through the API: one large file, and the list of a large directory.

private let mebibyte = 1 << 20

/// How fast a file of 1 GiB is read through the API, beside `cat` of another such file through a pipe; both files
/// are in memory, and both readers drop what they get.
func measureReading(_ corrald: String, _ options: Options, _ results: Results) throws {
    let (size, rounds) = (1024, 5)
    let daemon = try MeasuredDaemon(corrald)
    let files = try workspace(of: 1536, daemon.client)
    let piece = [UInt8](repeating: 0x61, count: mebibyte)
    var left = size
    _ = try daemon.client.upload(HTTPRequest(.put, files + ["content"], query: [("path", "large")])) {
        left -= 1
        return left >= 0 ? piece : []
    }
    let directory = try makeScratchPath(in: "/var/tmp")
    defer { try? removeScratch(directory) }
    let plain = "\(directory)/large"
    do {
        let file = try FileDescriptor.open(plain, O_WRONLY | O_CREAT, mode: 0o600)
        for _ in 0..<size { try file.writeAll(piece) }
    }
    var (through, copied): ([UInt64], [UInt64]) = ([], [])
    for round in 0...rounds {
        let times = (
            try read(files, size * mebibyte, daemon.client), try readPlainly(plain, size * mebibyte)
        )
        // The first one is to warm up.
        guard round > 0 else { continue }
        through.append(times.0)
        copied.append(times.1)
    }
    let (own, other) = (through.sorted()[rounds / 2], copied.sorted()[rounds / 2])
    try add(
        "sessions/reading", "MB a second, a file of 1 GiB",
        [("p50", Double(size * mebibyte) * 1e3 / Double(own)), ("to cat", Double(other) / Double(own))],
        samples: rounds, results)
}

/// How long a list of 100,000 names takes in pages of 1,000, and how much more memory corrald has at the end of a
/// page than before the first.
func measureListing(_ corrald: String, _ options: Options, _ results: Results) throws {
    let (count, part) = (100_000, 20_000)
    let daemon = try MeasuredDaemon(corrald)
    let files = try workspace(of: 512, daemon.client)
    for first in stride(from: 0, to: count, by: part) {
        let archive = TarFile.of(first..<first + part, bytes: 0) { "many/file\($0)" }
        var place = 0
        _ = try daemon.client.upload(HTTPRequest(.put, files + ["archive"], query: [])) {
            let piece = Array(archive[place..<min(archive.count, place + (256 << 10))])
            place += piece.count
            return piece
        }
    }
    // A list of the same length before, so that what every request takes is not counted.
    _ = try list(files, atMost: 1, daemon)
    let before = try resident(daemon)
    let begin = monotonicTime()
    let (names, most) = try list(files, atMost: .max, daemon)
    let time = monotonicTime() - begin
    guard names == count else { throw Options.Problem("\(names) names were listed, not \(count)") }
    try add(
        "sessions/listing", "a list of 100,000 names: seconds, and KiB that corrald grew by",
        [("seconds", Double(time) / 1e9), ("grown", max(0, most - before))], samples: 1, results)
}

// MARK: Parts

/// A workspace of so many MiB.
/// - Returns: the path of its files.
private func workspace(of size: Int, _ client: DaemonClient) throws -> [String] {
    let request = HTTPRequest(.post, ["v1", "workspaces"])
        .with(
            json: .object { object in
                object.add("name", "bench")
                object.add("bytes", size * mebibyte)
            })
    _ = try client.ask(request)
    return ["v1", "workspaces", "bench", "files"]
}

private func read(_ files: [String], _ size: Int, _ client: DaemonClient) throws -> UInt64 {
    let begin = monotonicTime()
    var count = 0
    let request = HTTPRequest(.get, files + ["content"], query: [("path", "large")])
    _ = try client.follow(request) { bytes in
        count += bytes.count
        return true
    }
    let time = monotonicTime() - begin
    guard count == size else { throw Options.Problem("\(count) bytes were read, not \(size)") }
    return time
}

private func readPlainly(_ path: String, _ size: Int) throws -> UInt64 {
    let pipe = try Pipe.make()
    let reading = try pipe.reading.duplicate()
    let null = try openNull()
    let begin = monotonicTime()
    let cat = try Child(["/bin/cat", path], [null.number, pipe.writing.number, 2], pin: nil)
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var count = 0
    // Its size says when it is over: the other end is open here as well.
    while count < size {
        let got = unsafe Glibc.read(reading.number, &buffer, buffer.count)
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { break }
        count += got
    }
    let time = monotonicTime() - begin
    if let problem = try cat.end() { throw Options.Problem("cat: \(problem)") }
    withExtendedLifetime(pipe) {}
    return time
}

/// - Parameter pages: at most so many are asked for.
/// - Returns: how many names were listed, and the most KiB of corrald that were resident behind a page.
private func list(
    _ files: [String], atMost pages: Int, _ daemon: MeasuredDaemon
) throws -> (names: Int, most: Double) {
    var (names, most, page) = (0, 0.0, 0)
    var next: String?
    repeat {
        let query = [("path", "many"), ("limit", "1000")] + (next.map { [("after", $0)] } ?? [])
        let answer = try daemon.client.ask(HTTPRequest(.get, files, query: query)).json()
        if case .array(let found)? = answer["files"]?.value { names += found.count }
        most = max(most, try resident(daemon))
        next = answer["next"]?.text
        page += 1
    } while next != nil && page < pages
    return (names, most)
}

/// In KiB.
private func resident(_ daemon: MeasuredDaemon) throws -> Double {
    let path = "/proc/\(daemon.pid)/status"
    let text = try FileDescriptor.open(path, O_RDONLY).readAll(limit: 65536)
    guard let value = MemoryText.kibibytes("VmRSS", in: text) else {
        throw Options.Problem("\(path) does not tell VmRSS")
    }
    return Double(value)
}

private func removeScratch(_ path: String) throws {
    let null = try openNull()
    _ = try Child(["/bin/rm", "-r", path], [null.number, null.number, 2], pin: nil).end()
}
