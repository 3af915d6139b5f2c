// The process that holds the user namespace of an id-mapped mount for the time of a mount_setattr(2).

import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "only root can write the id maps")) struct SleeperTests {
    /// It has every signal blocked and copies of all descriptors, a slot's lock among them.
    @Test func `who dies while it has one leaves none behind`() async throws {
        for round in 0..<8 {
            let directory = try TemporaryDirectory()
            await #expect(processExitsWith: .signal(SIGALRM)) {
                [path = directory.path as String, round = round as Int] in
                #expect(setpgid(0, 0) == 0)
                try File.write(Array("\(getpid())".utf8), to: "\(path)/group")
                // One that stays would keep the pipe of this test's process open, and the test would hang.
                for name in File.names(in: "/proc/self/fd") {
                    guard let number = Int32(name), number > 2 else { continue }
                    if File.target(ofLink: "/proc/self/fd/\(name)")?.hasPrefix("pipe:") == true {
                        close(number)
                    }
                }
                // It dies between any two instructions, most likely while there is one.
                let due = timeval(tv_sec: 0, tv_usec: 20_000 + 1_777 * round)
                var timer = itimerval(it_interval: timeval(), it_value: due)
                #expect(unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil) == 0)
                while true {
                    let namespace = unsafe clinux_user_namespace("0 1000 1\n", "0 1000 1\n")
                    try #require(namespace >= 0)
                    close(namespace)
                }
            }
            let text = try #require(File.text("\(directory.path)/group"))
            let group = try #require(Int32(text))
            #expect(
                eventually { kill(-group, 0) < 0 && errno == ESRCH }, "one of process group \(group) lives")
            kill(-group, SIGKILL)
        }
    }
}
