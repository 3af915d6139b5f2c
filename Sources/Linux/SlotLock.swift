import CLinux
import Glibc

/// A number that no other live holder has, kept by a lock on one byte of a ``SlotFile``.
///
/// The lock belongs to the open file description (fcntl(2), "Open file description locks"): it
/// lasts as long as any copy of `lock`, in whatever process. A sandbox's init holds such a copy,
/// so its slot stays taken until the init is dead, however the launcher died.
package struct Slot: ~Copyable, Sendable {
    package let number: Int
    /// Whether an earlier holder noted that it leaves something, and nobody has removed it yet.
    package let isNoted: Bool
    /// Closing the last copy frees the slot.
    package let lock: FileDescriptor

    fileprivate init(number: Int, isNoted: Bool, lock: consuming FileDescriptor) {
        self.number = number
        self.isNoted = isNoted
        self.lock = lock
    }

    /// Notes whether something stands under this slot's number that outlives its holder.
    package borrowing func note(_ leaves: Bool) throws(SystemError) {
        try SlotNotes.write(leaves, of: number, to: lock)
    }
}

/// Why there was no slot.
package enum SlotError: Error, Hashable, Sendable {
    /// Each of this many slots is taken.
    case allTaken(Int)
    case system(SystemError)
}

extension SlotError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .allTaken(let count): "All \(count) slots for sandboxes are taken; end some sandboxes first."
        case .system(let error): "The slot file could not be used: \(error)."
        }
    }
}

/// The file `slots` of a state directory: its byte N, locked, is slot N, taken. What the byte says is
/// the holder's note, see ``SlotNotes``.
///
/// All who share a number range (of uids, of group names) must use the same file.
package struct SlotFile: ~Copyable, Sendable {
    private let directory: FileDescriptor

    /// - Parameter directory: the state directory, where the file is made when it is missing.
    package init(in directory: consuming FileDescriptor) { self.directory = directory }

    /// Takes the first free slot from `start` on, going round at `count`.
    ///
    /// Slots `first` ..< `first` + `count` may be taken. With a `start`, counted from the first, that
    /// differs between callers the first try usually succeeds.
    package borrowing func acquire(
        count: Int = 32768, from first: Int = 0, startingAt start: Int = 0
    ) throws(SlotError) -> Slot {
        precondition(count > 0 && first >= 0 && start >= 0, "slots are counted from 0")
        do {
            // Of its own: a lock on a shared description would be shared too.
            let probe = try self.probe()
            for offset in 0..<count {
                let number = first + (start % count + offset) % count
                guard try probe.tryLock(number) else { continue }
                let isNoted = try SlotNotes.read(number, of: probe.file)
                return Slot(number: number, isNoted: isNoted, lock: probe.file)
            }
        } catch {
            throw .system(error)
        }
        throw .allTaken(count)
    }

    /// A view that can find out which slots are free. Opens the file anew.
    package borrowing func probe() throws(SystemError) -> SlotProbe {
        SlotProbe(file: try directory.open("slots", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600))
    }
}

/// Asks whether slots are free, by taking them until it ends.
@frozen
package struct SlotProbe: ~Copyable, Sendable {
    let file: FileDescriptor

    /// Takes slot `number` if it is free.
    /// - Returns: false when somebody else holds it.
    package borrowing func tryLock(_ number: Int) throws(SystemError) -> Bool {
        let file = file.number
        do {
            _ = try call("fcntl(F_OFD_SETLK)", on: "slots") { clinux_lock_byte(file, Int64(number)) }
            return true
        } catch {
            if error.errno == .wouldBlock || error.errno == .accessDenied { return false }
            throw error
        }
    }
}
