import CLinux
import Glibc
import Launch
import Linux
import TestSupport
import Testing

@testable import Warden

/// Launches by who has many descriptors.
@Suite struct LowDescriptorTests {
    private func target(_ pid: String, _ number: String) -> String {
        File.target(ofLink: "/proc/\(pid)/fd/\(number)") ?? ""
    }

    @Test func `a launch leaves the launcher's descriptors as they are, and the init gets its own alone`()
        throws
    {
        let bench = try EngineBench()
        let held = try (0..<300).map { _ in
            Held(FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("held", 0) }))
        }
        let standard = (0..<3).map { target("self", "\($0)") }
        let ids = try [bench.sandbox(), bench.sandbox()]
        // The child has the table of the launcher for a moment, and puts things in its places.
        #expect((0..<3).map { target("self", "\($0)") } == standard)
        #expect(held.allSatisfy { target("self", "\($0.value.number)").hasPrefix("/memfd:held") })
        for id in ids {
            let pid = "\(try #require(bench.engine.sandboxes[id]?.sandbox?.pid))"
            let given = File.names(in: "/proc/\(pid)/fd").map { target(pid, $0) }
            #expect(!given.isEmpty && given.count < 16, "\(given)")
            #expect(!given.contains { $0.hasPrefix("/memfd:held") })
        }
    }

    @Test func `the reserved numbers are in a row, and hold nothing of a launch that is over`() throws {
        let low = try LowDescriptors()
        let first = low.first
        let numbers = (first..<first + CInt(CLINUX_LOW_FDS)).map { "\($0)" }
        #expect(first >= 3)
        #expect(numbers.allSatisfy { target("self", $0) == "/dev/null" })
        let null = FileDescriptor(
            owning: try call("open") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
        // A launch that fails: the init's file is none.
        var (pidfd, failure): (CInt, clinux_failure) = (-1, clinux_failure())
        let pid = unsafe withUnsafePointer(to: null.number) { given in
            var start = unsafe clinux_init(
                namespaces: 0, owner: UInt32.max, executable: null.number, fds: given, fd_count: 1,
                cgroup_v2: -1, cgroup_tasks: nil, cgroup_tasks_count: 0, capabilities: 0, network: -1,
                network_home: -1, low_fds: first)
            return unsafe clinux_start_init(&start, null.number, &pidfd, &failure)
        }
        #expect(pid == -1 && failure.step == Int32(CLINUX_STEP_EXEC.rawValue), "\(failure)")
        #expect(numbers.allSatisfy { target("self", $0) == "/dev/null" })
        withExtendedLifetime(low) {}
    }
}
