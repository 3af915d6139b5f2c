import Glibc
import Linux
import Synchronization

/// Writes bytes to standard output or standard error as fast as they are read there, and never waits.
struct StreamWriter: ~Copyable {
    enum Written { case all, full, closed }

    private let number: CInt
    /// Our own way to a pipe or a terminal: one that need not block is nothing for those who share the other.
    private let own: FileDescriptor?
    private let isSocket: Bool
    /// Files take everything; what could not be opened anew takes what poll(2) promises.
    private let most: Int
    private let sharesErrors: Bool
    private var bytes: [UInt8] = []
    private var start = 0

    /// - Parameter number: 1 or 2; not closed.
    init(to number: CInt) {
        self.number = number
        sharesErrors = number == 2 || isatty(number) == 1
        var status = stat()
        let kind = unsafe fstat(number, &status) == 0 ? status.st_mode & S_IFMT : 0
        isSocket = kind == S_IFSOCK
        let isWaitedFor = kind == S_IFIFO || isatty(number) == 1
        own =
            isWaitedFor
            ? try? FileDescriptor.open("/proc/self/fd/\(number)", O_WRONLY | O_NONBLOCK | O_NOCTTY) : nil
        most = isWaitedFor && own.numberOrNone < 0 ? 4096 : 1 << 20
    }

    var isEmpty: Bool { start == bytes.count }

    /// To be called when ``isEmpty``.
    mutating func take(_ bytes: [UInt8]) { (self.bytes, start) = (bytes, 0) }

    var interest: pollfd {
        pollfd(fd: isEmpty ? -1 : target, events: Int16(POLLOUT), revents: 0)
    }

    private var target: CInt { own.numberOrNone >= 0 ? own.numberOrNone : number }

    mutating func write() -> Written {
        while start < bytes.count {
            if own.numberOrNone < 0, !isSocket, !isReady() { return .full }
            let count = min(bytes.count - start, most)
            let (target, isSocket, from) = (target, isSocket, start)
            let done = unsafe bytes.withUnsafeBytes { memory in
                let place = unsafe memory.baseAddress.map { unsafe $0 + from }
                return isSocket
                    ? unsafe send(target, place, count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
                    : unsafe Glibc.write(target, place, count)
            }
            if done < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .full : .closed
            }
            start += done
        }
        if sharesErrors, let last = bytes.last {
            Terminal.hasOpenLine.store(last != 0x0A, ordering: .relaxed)
        }
        return .all
    }

    private func isReady() -> Bool {
        var ready = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&ready, 1, 0) > 0
    }
}
