import CLinux
import Glibc

/// CLOCK_BOOTTIME in nanoseconds: it counts suspend and never jumps.
package typealias BootTime = UInt64

/// Calls a function on a loop's thread when a time has come (timerfd_create(2)).
///
/// It may call too early, never too late: whoever is called looks at the clock and says when next.
/// That way most changes of mind cost no system call.
package final class Timer: EventHandler {
    private let loop: EventLoop
    private let descriptor: FileDescriptor
    private var token: EventLoop.Token?
    private let action: () -> Void
    /// When the kernel's timer fires; nil when it does not.
    private var armed: BootTime?

    package static var now: BootTime { clinux_boottime() }

    /// A timer that is not set.
    package static func make(
        on loop: EventLoop, _ action: @escaping () -> Void
    ) throws(SystemError) -> Timer {
        let timer = Timer(
            loop, FileDescriptor(owning: try call("timerfd_create") { clinux_timerfd(0) }), action)
        timer.token = try loop.add(timer.descriptor, for: .readable, handler: timer)
        return timer
    }

    private init(_ loop: EventLoop, _ descriptor: consuming FileDescriptor, _ action: @escaping () -> Void) {
        self.loop = loop
        self.descriptor = descriptor
        self.action = action
    }

    /// Has the function called at `time`, or earlier.
    package func fire(atLatest time: BootTime) {
        if let armed, armed <= time { return }
        armed = time
        // Fails only for a descriptor that is no timer; 0 would disarm it.
        _ = clinux_timerfd_at(descriptor.number, max(1, time))
    }

    /// Takes it off the loop, for ever. The function is let go of with the timer.
    package func cancel() {
        guard let token else { return }
        loop.remove(descriptor, token)
        self.token = nil
    }

    package func ready(_ token: EventLoop.Token, _ events: Events) {
        var count: UInt64 = 0
        let number = descriptor.number
        _ = unsafe Glibc.read(number, &count, 8)
        armed = nil
        action()
    }
}
