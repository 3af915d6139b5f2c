// Other sizes of volumes of the host, and what is told of volumes and of directories in them.

import API
import Glibc
import TestSupport
import Testing
import Wire

extension HostVolumeTests {
    private func events(_ daemon: TestDaemon, _ more: String) throws -> [JSONTree] {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        let until = APITime(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
        let answer = try daemon.call("GET", "/v1/events?since=2000-01-01T00:00:00Z&until=\(until)\(more)")
        return try String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("data: ") }
            .map { try JSONTree(parsing: Array($0.dropFirst(6).utf8)) }
    }

    @Test func `a session that fills its directory is told of at 80 and at 95 percent, once each`() throws {
        let (daemon, census) = try start()
        try make(daemon)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        let other = try session(daemon, "bob", bytes: 16 << 20)
        func quota(_ id: String) throws -> [String] {
            try events(daemon, "").filter { $0["type"]?.text == "session.quota" && $0["session"]?.text == id }
                .map { $0["message"]?.text ?? "" }
        }
        // The control: with 10 of 16 MiB nobody is told.
        try daemon.exec(id, "dd if=/dev/zero of=a bs=1M count=10 conv=fsync")
        try daemon.exec(id, "dd if=/dev/zero of=b bs=1M count=4 conv=fsync; sync -f b")
        #expect(try eventually { try quota(id).count == 1 })
        #expect(try quota(id).first?.hasPrefix("80 percent of its workspace are used: ") == true)
        try daemon.exec(id, "dd if=/dev/zero of=c bs=1M count=4 conv=fsync; sync -f c")
        #expect(try eventually { try quota(id).count == 2 })
        let last = try #require(try quota(id).last)
        #expect(last.hasPrefix("95 percent") && last.hasSuffix(" of \(16 << 20) bytes"), "\(last)")
        #expect(try quota(other).isEmpty)
        for session in [id, other] { try daemon.end(session) }
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean })
    }

    @Test
    func
        `it is made bigger and smaller while it is used, and events tell of it and of directories that fill`()
        throws
    {
        let (daemon, census) = try start()
        try make(daemon)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        let grown = try corral(daemon, "resize", "--size", "512MiB", box)
        #expect(grown.status == 0 && grown.output == "\(box)\n", "\(grown.errors)")
        #expect(
            try daemon.call("GET", "/v1/volumes")["volumes"]?.list.first?["bytes"]?.text == "\(512 << 20)")
        let cases: [(body: String, status: Int)] = [
            (#"{"path":"\#(box)","bytes":0}"#, 400), (#"{"path":"\#(box)","bytes":1048576}"#, 400),
            (#"{"path":"\#(box)"}"#, 400), (#"{"path":"\#(box)","bytes":\#(1 << 50)}"#, 403),
            (#"{"path":"\#(shared)","bytes":\#(Self.size)}"#, 404), (#"{"path":"x","bytes":1}"#, 400),
        ]
        for (body, status) in cases {
            let refused = try daemon.call("POST", "/v1/volumes/resize", body)
            #expect(refused.status == status, "\(body): \(refused.status) \(refused.message)")
        }
        try daemon.exec(id, "dd if=/dev/zero of=a bs=1M count=14 conv=fsync; sync -f a")
        func told(_ type: String, _ more: String = "&all_tenants=true") throws -> [String] {
            try events(daemon, more).filter { $0["type"]?.text == type }.map { $0["message"]?.text ?? "" }
        }
        #expect(try eventually { try told("session.quota").count == 1 })
        #expect(try told("session.quota").first?.hasPrefix("80 percent") == true)
        let body = #"{"path":"\#(box)","bytes":\#(Self.size)}"#
        #expect(try daemon.call("POST", "/v1/volumes/resize", body).status == 200)
        try daemon.end(id)
        #expect(try remove(daemon).status == 204)
        #expect(try told("volume.created") == ["\(box), \(Self.size) bytes"])
        #expect(
            try told("volume.resized") == ["\(box), \(512 << 20) bytes", "\(box), \(Self.size) bytes"])
        #expect(try told("volume.removed") == [box])
        // They are the operator's, and of no tenant.
        for type in ["volume.created", "volume.resized", "volume.removed"] {
            #expect(try told(type, "").isEmpty, "\(type)")
        }
        #expect(eventually { census.isClean })
    }
}
