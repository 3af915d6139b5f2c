import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

@Suite(.timeLimit(.minutes(20))) struct RelayConnectionTests {
    /// Fills a direction until it takes no more for a while; returns how many bytes it took.
    private func fill(_ end: borrowing End, with stream: [UInt8]) -> Int {
        var sent = 0
        var idle = 0
        while idle < 50 && sent < stream.count {
            let rest = stream[sent...]
            if case .bytes(let count) = end.socket.send(rest.span) {
                sent += count
                idle = 0
            } else {
                idle += 1
                usleep(2_000)
            }
        }
        return sent
    }

    @Test func `a side that does not read stops the other, and memory stays bounded`() throws {
        let limit = 1 << 20
        let rig = try Rig(policy: RelayPolicy(frameBytes: UInt32(limit), connections: 8, messages: nil))
        let ends = try rig.joined()
        let stream = (0..<200).flatMap { frame($0, size: 60_000) }
        let upwards = fill(ends.plugin, with: stream)
        let downwards = fill(ends.host, with: stream)
        // Two sockets' buffers of 208 KiB, each overshot by one message, and the relay's own share.
        let bound = 2 * (212_992 + 110_000) + limit
        #expect(upwards > 0 && upwards < bound)
        #expect(downwards > 0 && downwards < bound)
        // Nothing is lost: what was taken comes out, and then the rest.
        #expect(try ends.host.receive(upwards / 2) == Array(stream[..<(upwards / 2)]))
        #expect(try ends.plugin.receive(downwards / 2) == Array(stream[..<(downwards / 2)]))
    }

    @Test func `a blocked connection goes on when its reader does`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        let stream = (0..<40).flatMap { frame($0, size: 60_000) }
        var sent = fill(ends.plugin, with: stream)
        try #require(sent < stream.count)
        var received: [UInt8] = []
        while received.count < stream.count {
            received += try ends.host.receiveOnce(100_000)
            let rest = stream[sent...]
            if !rest.isEmpty, case .bytes(let count) = ends.plugin.socket.send(rest.span) { sent += count }
        }
        #expect(received == stream)
    }

    @Test func `one connection that floods does not keep another waiting`() throws {
        let rig = try Rig()
        let flood = try rig.joined()
        let other = try rig.joined()
        let noise = (0..<20).flatMap { frame($0, size: 60_000) }
        let thread = try Thread.start { [number = flood.plugin.socket.number] in
            var left = 30
            while left > 0 {
                let count = unsafe send(number, noise, noise.count, CInt(MSG_NOSIGNAL))
                if count != noise.count { return }
                left -= 1
            }
        }
        let drain = try Thread.start { [number = flood.host.socket.number] in
            var memory = [UInt8](repeating: 0, count: 1 << 20)
            var left = 30 * noise.count
            while left > 0 {
                let count = unsafe recv(number, &memory, memory.count, 0)
                if count <= 0 { return }
                left -= count
            }
        }
        for number in 0..<50 {
            let frame = frame(number)
            try other.plugin.send(frame)
            #expect(try other.host.receive(frame.count) == frame)
        }
        thread.join()
        drain.join()
    }

    @Test
    func `the end of one side's stream is passed on behind its frames, and the other side still speaks`()
        throws
    {
        for fromPlugin in [true, false] {
            let rig = try Rig()
            let ends = try rig.joined()
            let stream = frame(1, size: 300_000)
            if fromPlugin {
                try ends.plugin.send(stream)
                ends.plugin.socket.shutdown(.sending)
                #expect(try ends.host.receiveToEnd() == stream)
                try ends.host.send(frame(2))
                ends.host.socket.shutdown(.sending)
                #expect(try ends.plugin.receiveToEnd() == frame(2))
            } else {
                try ends.host.send(stream)
                ends.host.socket.shutdown(.sending)
                #expect(try ends.plugin.receiveToEnd() == stream)
                try ends.plugin.send(frame(2))
                ends.plugin.socket.shutdown(.sending)
                #expect(try ends.host.receiveToEnd() == frame(2))
            }
            #expect(rig.relay.stop().refusals.list.isEmpty)
        }
    }

    @Test func `a host that closes is the end of file for the plugin, behind what it sent`() throws {
        let rig = try Rig()
        let plugin = try rig.connectPlugin()
        do {
            let host = try rig.acceptHost()
            try host.send(frame(1))
        }
        #expect(try plugin.receiveToEnd() == frame(1))
        // Writes fail as they would without a relay between.
        var failed = false
        for _ in 0..<200 where !failed {
            if case .failed(.brokenPipe) = plugin.socket.send(frame(2).span) { failed = true }
            usleep(1_000)
        }
        #expect(failed)
    }

    @Test func `a plugin that closes is the end of file for the host, behind what it sent`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        let host = try closePlugin(ends, after: frame(1))
        #expect(try host.receiveToEnd() == frame(1))
    }

    private func closePlugin(_ ends: consuming Joined, after bytes: [UInt8]) throws -> End {
        try ends.plugin.send(bytes)
        return ends.host
    }

    @Test func `the first connection is the one made before, later ones are made when they come`() throws {
        let rig = try Rig()
        // Already there, although no plugin has connected.
        let first = try rig.acceptHost()
        let another = rig.connectionComes(within: 20)
        #expect(!another)
        let one = try rig.connectPlugin()
        try one.send(frame(1))
        #expect(try first.receive(frame(1).count) == frame(1))
        let two = try rig.joined()
        try two.plugin.send(frame(2))
        #expect(try two.host.receive(frame(2).count) == frame(2))
        #expect(rig.relay.stop().connections == 2)
    }

    @Test func `a process of another user is refused and takes no connection`() throws {
        let rig = try Rig(peer: getuid() + 1)
        let plugin = try rig.connectPlugin()
        #expect(try plugin.receiveToEnd() == [])
        let totals = rig.relay.stop()
        #expect(totals.refusals.count(.peer) == 1)
        #expect(
            totals.refusals.list.first?.first
                == "uid \(getuid()) connected where uid \(getuid() + 1) is expected")
        #expect(totals.connections == 0)
    }

    @Test func `any user may connect where none is named`() throws {
        let rig = try Rig(peer: nil)
        let ends = try rig.joined()
        try ends.plugin.send(frame(1))
        #expect(try ends.host.receive(frame(1).count) == frame(1))
    }

    @Test func `a connection over the limit is closed at once, until another has ended`() throws {
        let rig = try Rig(policy: RelayPolicy(frameBytes: 1 << 20, connections: 2, messages: nil))
        let one = try rig.joined()
        do {
            let two = try rig.joined()
            let three = try rig.connectPlugin()
            #expect(try three.receiveToEnd() == [])
            try two.plugin.send(frame(1))
            #expect(try two.host.receive(frame(1).count) == frame(1))
        }
        try one.plugin.send(frame(1))
        #expect(try one.host.receive(frame(1).count) == frame(1))
        // The end of the second reaches the relay in its own time.
        var works = false
        for _ in 0..<200 where !works {
            let again = try rig.connectPlugin()
            try? again.send(frame(2))
            guard rig.connectionComes(within: 20) else { continue }
            let host = try rig.acceptHost()
            works = try host.receive(frame(2).count) == frame(2)
        }
        #expect(works)
        #expect(rig.relay.stop().refusals.count(.connections) >= 1)
    }

    @Test func `a plugin whose host is gone is closed and counted, and served when the host is back`() throws
    {
        let scratch = try Scratch()
        let relay: RelayThread
        do {
            _ = try listen(at: scratch.file("up"))
            relay = try RelayThread.start(
                listener: try listen(at: scratch.file("plugin")),
                upstream: try Upstream.open(path: scratch.file("up")), first: nil, policy: Rig.policy,
                peer: nil)
        }
        func connect() throws -> End {
            let socket = try FileDescriptor.unixSocket(nonBlocking: false)
            try socket.connect(to: scratch.file("plugin"))
            return End(socket)
        }
        #expect(try connect().receiveToEnd() == [])
        _ = unsafe unlink(scratch.file("up"))
        #expect(try connect().receiveToEnd() == [])
        let host = try listen(at: scratch.file("up"))
        let plugin = try connect()
        try plugin.send(frame(1))
        let accepted = try acceptBlocking(host)
        #expect(try accepted.receive(frame(1).count) == frame(1))
        let totals = relay.stop()
        #expect(totals.refusals.count(.upstream) == 2)
        #expect(
            totals.refusals.list.first?.first.hasSuffix("connection refused: nothing listens there") == true)
    }

    @Test func `what a plugin sent before it ended is delivered even when the relay stops at once`() throws {
        for _ in 0..<50 {
            let rig = try Rig()
            do {
                let plugin = try rig.connectPlugin()
                try plugin.send(frame(1) + frame(2))
            }
            let totals = rig.relay.stop()
            let host = try rig.acceptHost()
            #expect(try host.receiveToEnd() == frame(1) + frame(2))
            #expect(totals.fromPlugin.frames == 2)
        }
    }

    @Test func `stopping waits no longer than asked for a side that does not read`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        _ = fill(ends.plugin, with: (0..<40).flatMap { frame($0, size: 60_000) })
        let start = ContinuousClock.now
        rig.relay.stop(drain: .milliseconds(100))
        let taken = ContinuousClock.now - start
        #expect(taken >= .milliseconds(90) && taken < .seconds(60))
        #expect(try ends.plugin.receiveToEnd() == [])
    }

    /// An exit test, because others open descriptors meanwhile; the test runner's own thread opens
    /// a few even there.
    @Test func `a relay that ends leaves no descriptor, stopped or only released`() async {
        await #expect(processExitsWith: .success) {
            func use(stopping: Bool) throws {
                let rig = try Rig()
                let ends = try rig.joined()
                try ends.plugin.send(frame(1))
                #expect(try ends.host.receive(frame(1).count) == frame(1))
                if stopping { rig.relay.stop() }
            }
            let before = openDescriptors()
            for round in 0..<20 { try use(stopping: round % 2 == 0) }
            #expect(openDescriptors() < before + 10)
        }
    }

    @Test func `a connection that finds no descriptor left is closed, and the next one is served`() async {
        await #expect(processExitsWith: .success) {
            let rig = try Rig()
            let hungry = try rig.connectPlugin()
            let host = try rig.acceptHost()
            try hungry.send(frame(1))
            #expect(try host.receive(frame(1).count) == frame(1))
            let socket = try FileDescriptor.unixSocket(nonBlocking: false)
            // The lowest free number becomes the limit: nothing more can be opened.
            let free = dup(0)
            close(free)
            var limit = rlimit()
            unsafe getrlimit(CInt(RLIMIT_NOFILE.rawValue), &limit)
            var tight = rlimit(rlim_cur: rlim_t(free), rlim_max: limit.rlim_max)
            unsafe setrlimit(CInt(RLIMIT_NOFILE.rawValue), &tight)
            try socket.connect(to: rig.scratch.file("plugin"))
            let refused = End(socket)
            #expect(try refused.receiveToEnd() == [])
            unsafe setrlimit(CInt(RLIMIT_NOFILE.rawValue), &limit)
            let next = try rig.joined()
            try next.plugin.send(frame(2))
            #expect(try next.host.receive(frame(2).count) == frame(2))
            #expect(rig.relay.stop().refusals.count(.openFiles) >= 1)
        }
    }
}
