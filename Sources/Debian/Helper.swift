import CLinux
import Glibc
package import Linux

/// A program of the host that works for this one.
final class Helper {
    let path: String
    let pidfd: FileDescriptor
    private let pid: pid_t

    /// - Parameters:
    ///   - variables: beside this program's own, before which they come.
    ///   - descriptors: become its descriptors 0, 1 and so on.
    init(
        _ path: String, _ arguments: [String], _ variables: [String], _ descriptors: [CInt]
    ) throws(SystemError) {
        self.path = path
        let names = variables.map { $0.prefix { $0 != "=" } + "=" }
        let own = HostProgram.ownEnvironment.filter { entry in !names.contains { entry.hasPrefix($0) } }
        let program = HostProgram(path: path, words: [path] + arguments, environment: variables + own)
        let started = try program.startHeld(descriptors)
        pid = started.pid
        pidfd = started.pidfd
    }

    /// Asks it to end; it has things of its own to remove.
    func end() { _ = clinux_pidfd_signal(pidfd.number, SIGTERM) }

    /// Ends what it has started and left behind. After it has ended itself and before its status is
    /// asked for: until then the number of its process group is nobody else's.
    func endGroup() { _ = kill(-pid, SIGKILL) }

    /// Waits until it has ended: its exit status, or 128 + N for signal N.
    func status() throws(SystemError) -> Int32 {
        var result = clinux_exit()
        let number = pidfd.number
        _ = try call("waitid", on: path) { unsafe clinux_wait_pidfd(number, 1, &result) }
        return result.code == Int32(CLD_EXITED) ? result.status : 128 + result.status
    }
}

/// While this value lives, the signals that ask this program to end are events: the helpers are ended
/// first. They are in process groups of their own, so Ctrl-C reaches this program alone.
package struct HelperSignals: ~Copyable {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    private let descriptor: FileDescriptor

    package init() throws(SystemError) {
        let numbers = HelperSignals.numbers
        descriptor = FileDescriptor(
            owning: try call("signalfd") { unsafe clinux_signalfd(numbers, numbers.count) })
    }

    deinit {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in HelperSignals.numbers { unsafe sigaddset(&set, number) }
        unsafe sigprocmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits until every helper has ended.
    /// - Returns: how; nil when a signal came, after which all have been ended.
    func wait(for helpers: [Helper]) throws(SystemError) -> [(path: String, status: Int32)]? {
        var interrupted = false
        for helper in helpers {
            while true {
                var ready = [
                    pollfd(fd: helper.pidfd.number, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
                ]
                _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
                if ready[1].revents != 0 {
                    _ = clinux_signalfd_read(descriptor.number)
                    interrupted = true
                    for helper in helpers { helper.end() }
                }
                if ready[0].revents != 0 { break }
            }
        }
        if interrupted { for helper in helpers { helper.endGroup() } }
        var ends: [(path: String, status: Int32)] = []
        for helper in helpers { ends.append((helper.path, try helper.status())) }
        return interrupted ? nil : ends
    }
}
