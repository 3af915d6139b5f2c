import Glibc
import Testing

@testable import Linux

@Suite struct SlotLockTests {
    @Test func `the first free slot is taken, from where the search starts`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            let first = try slots.acquire(count: 3)
            let second = try slots.acquire(count: 3, startingAt: 2)
            let third = try slots.acquire(count: 3, startingAt: 2)
            let numbers = [first.number, second.number, third.number]
            #expect(numbers == [0, 2, 1])
            #expect(throws: SlotError.allTaken(3)) { _ = try slots.acquire(count: 3) }
        }
    }

    @Test func `a slot is free again when its holder is gone`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            for _ in 0..<3 {
                let slot = try slots.acquire(count: 1)
                #expect(slot.number == 0)
            }
        }
    }

    @Test func `a slot stays taken while a copy of its descriptor lives`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            let copy = try copyOfSlotZero(slots)
            #expect(throws: SlotError.allTaken(1)) { _ = try slots.acquire(count: 1) }
            close(copy)
            #expect(try slots.acquire(count: 1).number == 0)
        }
    }

    @Test func `a slot stays taken until the process that was given a copy is dead`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            let copy = try copyOfSlotZero(slots)
            let pid = try spawnSleeper(holding: copy)
            close(copy)
            #expect(throws: SlotError.allTaken(1)) { _ = try slots.acquire(count: 1) }
            kill(pid, SIGKILL)
            var status: CInt = 0
            _ = unsafe waitpid(pid, &status, 0)
            #expect(try slots.acquire(count: 1).number == 0)
        }
    }

    @Test func `a probe tells free slots from taken ones, and keeps none when it ends`() throws {
        try withTemporaryDirectory { _, directory in
            let slots = SlotFile(in: try directory.duplicate())
            let slot = try slots.acquire(count: 10, startingAt: 4)
            do {
                let probe = try slots.probe()
                #expect(try probe.tryLock(slot.number) == false)
                #expect(try probe.tryLock(5) == true)
                #expect(try slots.acquire(count: 10, startingAt: 4).number == 6)
            }
            #expect(try slots.acquire(count: 10, startingAt: 4).number == 5)
        }
    }

    @Test func `concurrent callers get distinct slots`() async throws {
        let path = try makeTemporaryDirectory()
        defer { removeTree(path) }
        let held = try await withThrowingTaskGroup(of: HeldSlot.self) { group in
            for _ in 0..<32 { group.addTask { try HeldSlot(in: path) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // All are still held here, so they are the first 32.
        #expect(held.map { $0.slot.number }.sorted() == Array(0..<32))
    }

    @Test func `a link in the place of the file is not followed`() throws {
        try withTemporaryDirectory { path, directory in
            _ = unsafe symlink("elsewhere", "\(path)/slots")
            let slots = SlotFile(in: try directory.duplicate())
            #expect(throws: SlotError.system(SystemError("openat", "slots", .tooManyLinks))) {
                _ = try slots.acquire()
            }
        }
    }
}

/// Takes slot 0, copies its descriptor and lets the slot itself go.
private func copyOfSlotZero(_ slots: borrowing SlotFile) throws -> CInt {
    let slot = try slots.acquire(count: 1)
    return try slot.lock.duplicate().release()
}

private final class HeldSlot: Sendable {
    let slot: Slot
    init(in path: String) throws {
        slot = try SlotFile(in: try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)).acquire(count: 32)
    }
}

private func spawnSleeper(holding descriptor: CInt) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // dup2 leaves the copy open over the exec.
    unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, 9)
    var pid: pid_t = 0
    var arguments = unsafe [strdup("sleep"), strdup("100"), nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    let code = unsafe posix_spawn(&pid, "/bin/sleep", &actions, nil, &arguments, nil)
    if code != 0 { throw SystemError("posix_spawn", "/bin/sleep", Errno(rawValue: code)) }
    return pid
}
