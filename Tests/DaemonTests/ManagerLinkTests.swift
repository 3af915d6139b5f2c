// Datagrams to a service manager as the kernel has them, in processes of their own.

import Glibc
import Linux
import ServiceManager
import TestSupport
import Testing

@Suite struct ManagerLinkTests {
    @Test(arguments: [true, false])
    func `what is told arrives, and the variables are gone`(isAbstract: Bool) async throws {
        await #expect(processExitsWith: .success) { [isAbstract = isAbstract as Bool] in
            let directory = try TemporaryDirectory()
            let name = isAbstract ? "@corral-test-\(getpid())" : directory("notify")
            let manager = try NotifySocket(name)
            unsafe setenv("NOTIFY_SOCKET", name, 1)
            unsafe setenv("WATCHDOG_USEC", "1000000", 1)
            let service = try ManagerLink.take()
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
            let service = try ManagerLink.take()
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
            let service = try ManagerLink.take()
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
            let service = try ManagerLink.take()
            service.complain = { Issue.record("\($0)") }
            let loop = try EventLoop()
            try service.keepWatch(on: loop) { "on" }
            service.tell(.status("here"))
            #expect(service.patience == nil && service.sockets.isEmpty)
        }
    }
}
