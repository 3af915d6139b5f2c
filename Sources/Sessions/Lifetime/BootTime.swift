/// A moment, or a length of time, in nanoseconds of CLOCK_BOOTTIME: it counts suspend and does not follow
/// the wall clock. Whoever calls passes the time in; nothing here reads a clock.
package typealias BootTime = UInt64

extension BootTime {
    /// This moment moved by a length of time. Where the clock ends, so does the sum.
    package func later(by length: BootTime) -> BootTime {
        let (sum, overflow) = addingReportingOverflow(length)
        return overflow ? .max : sum
    }

    /// A length of time, from what profiles and specs count in.
    package static func milliseconds(_ count: UInt64) -> BootTime {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product
    }

    package static func seconds(_ count: UInt64) -> BootTime {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product
    }
}
