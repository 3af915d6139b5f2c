// Datagrams and descriptors as the kernel has them, in processes of their own.

import Glibc
import Linux
import ServiceManager
import TestSupport
import Testing

@Suite struct ServiceManagerTests {
    @Test(arguments: [true, false])
    func `what is told arrives, and the variables are gone`(isAbstract: Bool) async throws {
        await #expect(processExitsWith: .success) { [isAbstract] in
            let directory = try TemporaryDirectory()
            let name = isAbstract ? "@corral-test-\(getpid())" : directory("notify")
            let manager = try NotifySocket(name)
            unsafe setenv("NOTIFY_SOCKET", name, 1)
            unsafe setenv("WATCHDOG_USEC", "1000000", 1)
            let service = try ServiceManager.take()
            service.complain = { Issue.record("\($0)") }
            #expect(unsafe getenv("NOTIFY_SOCKET") == nil && getenv("WATCHDOG_USEC") == nil)
            #expect(service.patience == 1_000_000_000)
            service.tell(.status("here"))
            #expect(manager.next() == "STATUS=here")
        }
    }

    @Test func `a manager that is gone is told of once, and is no error`() async throws {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            unsafe setenv("NOTIFY_SOCKET", directory("nobody"), 1)
            let service = try ServiceManager.take()
            var told: [String] = []
            service.complain = { told.append($0) }
            for _ in 0..<3 { service.tell(.status("here")) }
            #expect(
                told == [
                    "the service manager cannot be told: "
                        + "sendto(NOTIFY_SOCKET): ENOENT (No such file or directory)"
                ])
        }
    }

    @Test func `signs of life come while the loop goes round, and none while it does not`() async throws {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let manager = try NotifySocket(directory("notify"))
            unsafe setenv("NOTIFY_SOCKET", directory("notify"), 1)
            unsafe setenv("WATCHDOG_USEC", "100000", 1)
            let service = try ServiceManager.take()
            let loop = try EventLoop()
            try service.keepWatch(on: loop) { "on" }
            #expect(manager.next() == "WATCHDOG=1\nSTATUS=on")
            // Nobody turns the loop.
            #expect(manager.next(within: 0.5) == nil)
            let end = Timer.now + 60_000_000_000
            var seen = 0
            while seen < 3, Timer.now < end {
                _ = try loop.turn(timeout: 1000)
                while manager.next(within: 0) != nil { seen += 1 }
            }
            #expect(seen >= 3)
            loop.removeAll()
        }
    }

    @Test func `without a manager nothing is sent and nothing watched`() async {
        await #expect(processExitsWith: .success) {
            let service = try ServiceManager.take()
            service.complain = { Issue.record("\($0)") }
            let loop = try EventLoop()
            try service.keepWatch(on: loop) { "on" }
            service.tell(.status("here"))
            #expect(service.patience == nil && service.sockets.isEmpty)
        }
    }
}

@Suite struct PassedSocketTests {
    private func refusal(_ number: CInt, path: String = "/x") -> String {
        do throws(ManagerProblem) {
            _ = try PassedSocket(number: number, name: "api").adopt(listeningAt: path, queue: 1)
            return "taken"
        } catch {
            return error.description
        }
    }

    private let told = "the socket api that the service manager passed (descriptor "

    @Test func `one that listens at the path is taken, as this process's`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("api.sock")
        let number = try listener(path)
        let client = try FileDescriptor.unixSocket(nonBlocking: false)
        try client.connect(to: path)
        let socket = try PassedSocket(number: number, name: "api").adopt(listeningAt: path, queue: 5)
        // The connection that waited is still there, and the socket does not block.
        #expect(try socket.accept() != nil)
        #expect(try socket.accept() == nil)
        let other = try FileDescriptor.unixSocket(nonBlocking: false)
        try other.connect(to: path)
        #expect(try other.peerCredentials().pid == getpid())
    }

    private func listener(_ path: String, listens: Bool = true) throws -> CInt {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.bind(to: path)
        if listens { try socket.listen(queue: 5) }
        return socket.release()
    }

    @Test func `what is no socket, of another kind or does not listen is refused, and left open`() throws {
        let directory = try TemporaryDirectory()
        let file = try FileDescriptor.open("/dev/null", O_RDONLY)
        #expect(refusal(file.number).hasSuffix("is no socket; expected a unix stream socket that listens"))
        let (tcp, packet) = (
            socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0), try FileDescriptor.packetSocket()
        )
        #expect(refusal(tcp).contains("is of another family; expected"))
        #expect(refusal(packet.number).contains("is of another type; expected"))
        let idle = try listener(directory("idle"), listens: false)
        #expect(refusal(idle).contains("does not listen; expected"))
        for number in [tcp, idle] { #expect(close(number) == 0) }
    }

    @Test func `one that listens elsewhere is refused with both places`() throws {
        let directory = try TemporaryDirectory()
        let number = try listener(directory("elsewhere"))
        let text = refusal(number, path: "/run/corral/corral.sock")
        #expect(text.hasPrefix(told))
        #expect(
            text.contains("listens at \(directory("elsewhere")), and clients look at /run/corral/corral.sock")
        )
        #expect(close(number) == 0)
    }
}
