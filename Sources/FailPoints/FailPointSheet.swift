import Glibc

/// The file in which a test says at which passing of which point a daemon dies, and the daemon how often
/// it has passed each: two numbers of 32 bits for each point.
///
/// Open from the first passing on, before privileges and mounts are given up.
package struct FailPointSheet: Sendable {
    #if DEBUG
        /// The one that CORRAL_TEST_FAIL_POINTS names.
        static let ofThisProcess: FailPointSheet? = {
            guard let path = unsafe getenv("CORRAL_TEST_FAIL_POINTS") else { return nil }
            return unsafe FailPointSheet(path: String(cString: path))
        }()
    #endif

    private static let entry = 8
    private static let hold: UInt32 = 1 << 31
    private let number: CInt

    /// - Returns: nil where the file cannot be opened.
    package init?(path: String, creating: Bool = false) {
        let flags = O_RDWR | O_CLOEXEC | (creating ? O_CREAT | O_TRUNC : 0)
        number = unsafe open(path, flags, 0o600)
        if number < 0 { return nil }
    }

    /// Has the process die that passes the point for the `count`th time from now on; 0 for never.
    /// - Parameter holding: it does not die, but stands still (SIGSTOP) until the test lets it go on.
    package func arm(_ point: FailPoint, _ count: UInt32, holding: Bool = false) {
        put(count | (holding ? FailPointSheet.hold : 0), at: place(point) + 4)
    }

    /// Passings that are left until somebody dies; 0 when somebody has, or nobody will.
    package func armed(_ point: FailPoint) -> UInt32 { get(place(point) + 4) & ~FailPointSheet.hold }

    package func passed(_ point: FailPoint) -> UInt32 { get(place(point)) }

    func pass(_ point: FailPoint) {
        let place = place(point)
        put(get(place) &+ 1, at: place)
        let armed = get(place + 4)
        let (left, holds) = (armed & ~FailPointSheet.hold, armed & FailPointSheet.hold)
        if left == 0 { return }
        // First, so that the process that follows lives.
        put(left == 1 ? 0 : armed - 1, at: place + 4)
        if left == 1 { kill(getpid(), holds == 0 ? SIGKILL : SIGSTOP) }
    }

    private func place(_ point: FailPoint) -> off_t { off_t(point.rawValue * FailPointSheet.entry) }

    /// What was never written reads as 0.
    private func get(_ place: off_t) -> UInt32 {
        var value: UInt32 = 0
        _ = unsafe pread(number, &value, 4, place)
        return value
    }

    private func put(_ value: UInt32, at place: off_t) {
        var value = value
        _ = unsafe pwrite(number, &value, 4, place)
    }
}
