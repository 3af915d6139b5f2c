import CLinux
import Glibc
import Synchronization

/// A POSIX thread that runs one function.
package struct Thread: ~Copyable, Sendable {
    private let handle: pthread_t

    /// Starts a thread with every signal blocked, so that those sent to the process reach the
    /// thread that expects them.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(SystemError) -> Thread {
        let start = unsafe Unmanaged.passRetained(ThreadStart(body))
        var all = sigset_t()
        var old = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &old)
        var handle = pthread_t()
        let result = unsafe pthread_create(&handle, nil, runThread, start.toOpaque())
        unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
        guard result == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", nil, Errno(rawValue: result))
        }
        return Thread(handle: handle)
    }

    private init(handle: pthread_t) { self.handle = handle }

    /// Waits for the thread's end.
    package consuming func join() { _ = pthread_join(handle, nil) }
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

// A free function, because a closure made on the main actor would trap on another thread.
private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}

/// One value on its way from one thread to another. It may be of a type that is not Sendable: the
/// compiler checks that the sender keeps nothing of it.
package final class Parcel<Value: ~Copyable>: Sendable {
    private let content: Mutex<Value?>

    package init(_ value: consuming sending Value) { content = Mutex(value) }

    /// The value, the first time.
    package func take() -> sending Value? {
        content.withLock { content in
            let value = content.take()
            return value
        }
    }
}

/// Work for the thread that runs an ``EventLoop``, from any thread.
///
/// `Owner` is what lives on that thread; it need not be Sendable.
package final class Mailbox<Owner: AnyObject>: Sendable {
    private struct State {
        var work: [@Sendable (Owner) -> Void] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Counts up when the first piece of work arrives (eventfd(2)).
    private let bell: FileDescriptor

    package init() throws(SystemError) {
        bell = FileDescriptor(owning: try call("eventfd") { clinux_eventfd() })
    }

    /// Has `work` done on the loop's thread, in the order of the calls.
    ///
    /// - Returns: false when the mailbox is closed; `work` is not done then.
    @discardableResult
    package func post(_ work: @escaping @Sendable (Owner) -> Void) -> Bool {
        let wasEmpty = state.withLock { state -> Bool? in
            if state.isClosed { return nil }
            state.work.append(work)
            return state.work.count == 1
        }
        guard let wasEmpty else { return false }
        if wasEmpty { ring() }
        return true
    }

    private func ring() {
        var one: UInt64 = 1
        // Fails only when the count is full, and then the bell has rung.
        _ = unsafe Glibc.write(bell.number, &one, 8)
    }

    /// Delivers to `owner` whenever `loop` runs, on its thread.
    package func attach(to loop: EventLoop, owner: Owner) throws(SystemError) {
        _ = try loop.add(bell, for: .readable, handler: Delivery(self, owner))
    }

    /// Refuses work from now on; what was posted before is dropped.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            state.work = []
        }
    }

    fileprivate func deliver(to owner: Owner) {
        var count: UInt64 = 0
        let number = bell.number
        _ = unsafe Glibc.read(number, &count, 8)
        let work = state.withLock { state in
            let work = state.work
            state.work = []
            return work
        }
        for piece in work { piece(owner) }
    }
}

private final class Delivery<Owner: AnyObject>: EventHandler {
    private let mailbox: Mailbox<Owner>
    private let owner: Owner

    init(_ mailbox: Mailbox<Owner>, _ owner: Owner) {
        self.mailbox = mailbox
        self.owner = owner
    }

    func ready(_ token: EventLoop.Token, _ events: Events) { mailbox.deliver(to: owner) }
}
