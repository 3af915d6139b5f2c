import CLinux

/// What a descriptor is ready for, or is watched for (epoll_ctl(2)).
package struct Events: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    // The values of <linux/eventpoll.h>, the same on every architecture.
    package static let readable = Events(rawValue: 0x001)
    package static let writable = Events(rawValue: 0x004)
    package static let failed = Events(rawValue: 0x008)
    /// Both directions are over.
    package static let hungUp = Events(rawValue: 0x010)
    /// The peer sends nothing more.
    package static let peerClosed = Events(rawValue: 0x2000)
    /// Told once each time it becomes ready, and not for as long as it is.
    package static let edgeTriggered = Events(rawValue: 1 << 31)

    // What OptionSet has for this goes, from another module, through generic code at run time that
    // allocates; these are called for every event.

    /// Whether one of `others` is among these.
    package func hasAny(of others: Events) -> Bool { rawValue & others.rawValue != 0 }
    /// These and `others`.
    package func with(_ others: Events) -> Events { Events(rawValue: rawValue | others.rawValue) }
}

/// What wants to know when a descriptor is ready.
package protocol EventHandler: AnyObject {
    /// Called on the loop's thread. It must not block, and do a bounded amount of work: the
    /// descriptors of others wait meanwhile.
    ///
    /// - Parameter events: empty when the handler asked for another turn (``EventLoop/again(_:)``).
    func ready(_ token: EventLoop.Token, _ events: Events)
}

/// Waits for many descriptors at once on one thread (epoll(7)).
///
/// The loop and its handlers belong to the thread that runs them; ``Mailbox`` is how others reach
/// them. Handlers are held by the loop and usually hold it: ``removeAll()`` cuts that circle.
package final class EventLoop {
    /// A registered descriptor: its slot, and how often that slot was used before, so that an
    /// event fetched for a handler removed meanwhile does not reach the slot's next user.
    package struct Token: Hashable, Sendable {
        fileprivate let rawValue: UInt64
        fileprivate var slot: Int { Int(rawValue & 0xFFFF_FFFF) }

        fileprivate init(slot: Int, generation: UInt32) {
            rawValue = UInt64(generation) << 32 | UInt64(UInt32(truncatingIfNeeded: slot))
        }
        fileprivate init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    private struct Slot {
        var handler: (any EventHandler)?
        var generation: UInt32
    }

    private let epoll: FileDescriptor
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var waiting: [Token] = []
    private var idle: [() -> Void] = []
    private var batch = [clinux_event](
        repeating: clinux_event(token: 0, events: 0), count: Int(CLINUX_EVENT_BATCH))
    package private(set) var isStopped = false

    package init() throws(SystemError) {
        epoll = FileDescriptor(owning: try call("epoll_create1") { clinux_epoll_create() })
    }

    /// Watches `descriptor`, which must stay open until ``remove(_:_:)``.
    package func add(
        _ descriptor: borrowing FileDescriptor, for events: Events, handler: any EventHandler
    ) throws(SystemError) -> Token {
        let slot = free.last ?? slots.count
        let generation = slot < slots.count ? slots[slot].generation : 0
        let token = Token(slot: slot, generation: generation)
        let (epoll, number) = (epoll.number, descriptor.number)
        _ = try call("epoll_ctl(ADD)") { clinux_epoll_add(epoll, number, events.rawValue, token.rawValue) }
        if slot < slots.count {
            free.removeLast()
            slots[slot].handler = handler
        } else {
            slots.append(Slot(handler: handler, generation: generation))
        }
        return token
    }

    /// Changes what is watched for. What is ready already is told again.
    package func change(
        _ descriptor: borrowing FileDescriptor, _ token: Token, to events: Events
    ) throws(SystemError) {
        let (epoll, number) = (epoll.number, descriptor.number)
        _ = try call("epoll_ctl(MOD)") { clinux_epoll_modify(epoll, number, events.rawValue, token.rawValue) }
    }

    /// Forgets the descriptor and lets go of its handler.
    package func remove(_ descriptor: borrowing FileDescriptor, _ token: Token) {
        guard handler(of: token) != nil else { return }
        // Fails only for a descriptor that is not watched, which leaves nothing to undo.
        _ = clinux_epoll_remove(epoll.number, descriptor.number)
        slots[token.slot].handler = nil
        slots[token.slot].generation &+= 1
        free.append(token.slot)
    }

    /// Calls the handler of `token` once more, after the descriptors that are ready now.
    package func again(_ token: Token) { waiting.append(token) }

    /// Calls `work` once, in a turn of its own in which no descriptor is ready: for what nobody waits for.
    /// What becomes ready meanwhile waits for it, so it should be short.
    package func whenIdle(_ work: @escaping () -> Void) { idle.append(work) }

    /// Runs handlers until ``stop()`` is called on this thread.
    package func run() throws(SystemError) {
        while !isStopped { _ = try turn(timeout: -1) }
    }

    package func stop() { isStopped = true }

    /// Waits once and calls the handlers of what is ready.
    ///
    /// - Parameter timeout: in milliseconds; -1 waits for ever.
    /// - Returns: how many handlers were called, and what was to be done when idle.
    package func turn(timeout: CInt) throws(SystemError) -> Int {
        let epoll = epoll.number
        let timeout = waiting.isEmpty && idle.isEmpty ? timeout : 0
        let count = try unsafe batch.withUnsafeMutableBufferPointer { (events) throws(SystemError) in
            try call("epoll_wait") { unsafe clinux_epoll_wait(epoll, events.baseAddress, timeout) }
        }
        var repeated: [Token] = []
        if !waiting.isEmpty { swap(&repeated, &waiting) }
        for index in 0..<Int(count) {
            let event = batch[index]
            let token = Token(rawValue: event.token)
            handler(of: token)?.ready(token, Events(rawValue: event.events))
        }
        for token in repeated { handler(of: token)?.ready(token, []) }
        guard count == 0, repeated.isEmpty, !idle.isEmpty else { return Int(count) + repeated.count }
        idle.removeFirst()()
        return 1
    }

    /// Lets go of every handler.
    package func removeAll() {
        let released = (slots, idle)
        slots = []
        idle = []
        free = []
        waiting = []
        // Freed only now: a handler's end may call the loop.
        withExtendedLifetime(released) {}
    }

    private func handler(of token: Token) -> (any EventHandler)? {
        guard token.slot < slots.count, slots[token.slot].generation == UInt32(token.rawValue >> 32) else {
            return nil
        }
        return slots[token.slot].handler
    }
}
