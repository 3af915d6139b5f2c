/// How long to wait before the next try: doubled each time, up to a limit. Without chance, because the
/// same failure in many sessions is retried by one thread, one after the other.
package struct BackOff: Hashable, Sendable {
    package var first: BootTime
    package var most: BootTime

    package init(first: BootTime, most: BootTime) {
        self.first = first
        self.most = most
    }

    /// The wait after so many failures in a row, from 1.
    package func wait(afterFailures count: Int) -> BootTime {
        // Shifted further than this, bits would be lost.
        let shift = Swift.max(0, count - 1)
        guard shift <= first.leadingZeroBitCount else { return most }
        return Swift.min(first << BootTime(shift), most)
    }
}
