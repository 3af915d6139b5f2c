import Glibc
import Linux
import Testing

@testable import Relay

@Suite struct UpstreamTests {
    /// What opening the path, and then connecting, says.
    private func message(_ path: String) -> String? {
        do throws(UpstreamError) {
            let upstream = try Upstream.open(path: path)
            _ = try upstream.connect()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `what is wrong with a path is said`() throws {
        let scratch = try Scratch()
        let (file, link, fifo, up) = (
            scratch.file("file"), scratch.file("link"), scratch.file("fifo"), scratch.file("up")
        )
        _ = unsafe Glibc.close(creat(file, 0o600))
        _ = unsafe symlink(up, link)
        _ = unsafe mkfifo(fifo, 0o600)
        do { _ = try listen(at: up) }
        #expect(message("") == ": the path of the host application's socket is empty")
        #expect(message("\(up)\0x")?.hasSuffix("a path cannot hold a zero byte") == true)
        #expect(
            message("\(scratch.path)/")
                == "\(scratch.path)/: names a directory; expected the path of a socket")
        #expect(message(scratch.path) == "\(scratch.path): not a socket (a directory)")
        #expect(message(file) == "\(file): not a socket (a regular file)")
        #expect(message(fifo) == "\(fifo): not a socket (a named pipe)")
        #expect(message("/dev/null") == "/dev/null: not a socket (a device)")
        #expect(message(link) == "\(link): a symbolic link; give the path of the socket itself")
        let missing = scratch.file("missing")
        #expect(message(missing) == "\(missing): no such file; start the host application first")
        #expect(message("\(missing)/x")?.contains("no such file") == true)
        #expect(
            message("\(file)/x")
                == "\(file)/x: a part of the path in front of the last one is not a directory")
        #expect(message(up) == "\(up): connection refused: nothing listens there")
        let long = "/" + String(repeating: "a", count: 300)
        #expect(message(long)?.contains("a name in the path is longer") == true)
    }

    @Test func `a path of 5,000 bytes is an error that says so and is not repeated in full`() {
        let message = message("/" + String(repeating: "a/", count: 2_500) + "b")
        #expect(message?.hasSuffix(": the path is 5002 bytes long; Linux takes at most 4095") == true)
        #expect((message?.utf8.count ?? 0) < 250)
    }

    @Test func `a socket of another kind is refused`() throws {
        let scratch = try Scratch()
        let number = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        let datagrams = FileDescriptor(owning: number)
        try datagrams.bind(to: scratch.file("up"))
        #expect(message(scratch.file("up")) == "\(scratch.file("up")): not a stream socket")
    }

    /// A socket's address holds 107 bytes; the path of its directory may be longer.
    @Test func `a path longer than a socket's address can be connected to`() throws {
        let scratch = try Scratch()
        let name = String(repeating: "d", count: 200)
        let directory = scratch.file(name)
        try #require(unsafe mkdir(directory, 0o700) == 0)
        let descriptor = FileDescriptor(owning: unsafe open(directory, O_RDONLY))
        defer {
            _ = unsafe unlink("\(directory)/up")
            _ = unsafe rmdir(directory)
        }
        let host = try listen(at: "/proc/self/fd/\(descriptor.number)/up")
        let upstream = try Upstream.open(path: "\(directory)/up")
        let connection = try upstream.connect()
        guard let accepted = try host.accept() else { throw Missing() }
        #expect(connection.send([1].span) == .bytes(1))
        #expect(accepted.send([2].span) == .bytes(1))
    }

    @Test func `a socket put in place of the first one is found, a link in its place is not followed`() throws
    {
        let scratch = try Scratch()
        let (up, link) = (scratch.file("up"), scratch.file("link"))
        do { _ = try listen(at: up) }
        let upstream = try Upstream.open(path: up)
        #expect(throws: UpstreamError.self) { _ = try upstream.connect() }
        _ = unsafe unlink(up)
        let host = try listen(at: up)
        _ = try upstream.connect()
        #expect(try host.accept() != nil)
        try #require(unsafe rename(up, link) == 0)
        try #require(unsafe symlink(link, up) == 0)
        do throws(UpstreamError) {
            _ = try upstream.connect()
            Issue.record("a symbolic link was followed")
        } catch {
            #expect(error.problem == .symbolicLink)
        }
    }

    @Test func `a host whose queue is full is waited for as long as asked`() throws {
        let scratch = try Scratch()
        let host = try listen(at: scratch.file("up"), queue: 0)
        let upstream = try Upstream.open(path: scratch.file("up"))
        let first = try upstream.connect()
        let start = ContinuousClock.now
        do throws(UpstreamError) {
            _ = try upstream.connect(patience: .milliseconds(60))
            Issue.record("the queue took a second connection")
        } catch {
            #expect(error.problem == .busy)
        }
        #expect(ContinuousClock.now - start >= .milliseconds(60))
        do { _ = try host.accept() }
        let second = try upstream.connect(patience: .seconds(20))
        #expect(second.send([1].span) == .bytes(1))
        #expect(first.send([1].span) == .failed(.brokenPipe))
    }
}
