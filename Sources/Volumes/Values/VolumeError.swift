package import Linux
import Trees

/// Why a volume could not be made, changed or removed. Nothing was changed.
package enum VolumeError: Error, Hashable, Sendable {
    /// A name that no volume may have; it comes from outside and is escaped when shown.
    case badName(String, String)
    /// A limit that cannot be: which one and its value, and what it had to be.
    case badLimit(String, UInt64, expected: String)
    /// There is none of that name.
    case absent(VolumeName)
    /// There is one of that name.
    case exists(VolumeName)
    /// Something else lies where a directory or a volume should be.
    case notAVolume(String)
    /// A limit below what is used, of `bytes` or `inodes`.
    case belowUse(VolumeName, String, asked: UInt64, used: UInt64)
    /// The driver has no such operation.
    case unsupported(DriverKind, String)
    /// A limit of `bytes` or `inodes` that nothing would enforce, and why.
    case notEnforced(DriverKind, String, String)
    /// The tenant's volumes have all that they may have together.
    case tenantFull(String)
    /// The file system under the volumes has no room for this: what, and the room in bytes that it wants and has.
    case diskFull(String, wanted: UInt64, available: UInt64)
    /// The image has reached the size that it may have.
    case imageFull(bound: UInt64)
    /// No loop device could be had, and why.
    case noLoopDevice(String)
    /// The state directory can have no volumes, and why.
    case noDriver(String)
    /// A program did not do what it was run for: its name, its status (see `HostProgram.Outcome`), what it said.
    case program(String, Int32, String)
    /// A directory of a host's volume that cannot be handed out with a limit: its path, and why.
    case notToHandOut(String, String)
    /// A limit of a directory that somebody has under another one.
    case limitInUse(String, UInt64)
    /// A limit of a directory that is below what it holds.
    case limitBelowUse(String, asked: UInt64, used: UInt64)
    /// A call that failed, and for what it was made.
    case system(String, SystemError)
}

extension VolumeError {
    /// For programs: one word for each case, which stays.
    package var code: String {
        switch self {
        case .badName: "volume-name"
        case .badLimit: "volume-limit"
        case .absent: "volume-absent"
        case .exists: "volume-exists"
        case .notAVolume: "volume-not-a-volume"
        case .belowUse: "volume-below-use"
        case .unsupported: "volume-unsupported"
        case .notEnforced: "volume-not-enforced"
        case .tenantFull: "volume-tenant-full"
        case .diskFull: "volume-disk-full"
        case .imageFull: "volume-image-full"
        case .noLoopDevice: "volume-no-loop-device"
        case .noDriver: "volume-no-driver"
        case .program: "volume-program"
        case .notToHandOut: "volume-not-a-volume"
        case .limitInUse: "volume-in-use"
        case .limitBelowUse: "volume-below-use"
        case .system: "volume-system"
        }
    }
}

extension VolumeError: CustomStringConvertible {
    /// One sentence without a full stop.
    package var description: String {
        switch self {
        case .badName(let name, let why): "the name \"\(printable(name))\" \(why)"
        case .badLimit(let what, let value, let expected): "\(what) of \(value); expected \(expected)"
        case .absent(let name): "there is no volume \(name)"
        case .exists(let name): "there is a volume \(name)"
        case .notAVolume(let path): "\"\(printable(path))\" is there, and is no volume of Corral's"
        case .belowUse(let name, let what, let asked, let used):
            "\(name) cannot have \(asked) \(what): it uses \(used)"
        case .unsupported(let driver, let what): "the driver \(driver) has no \(what)"
        case .notEnforced(let driver, let what, let why):
            "a limit of \(what) would not be enforced by the driver \(driver): \(why)"
        case .tenantFull(let tenant):
            "the volumes of the tenant \(tenant) use all that they may have together"
        case .diskFull(let what, let wanted, let available):
            "no room for \(what): \(wanted) bytes wanted, \(available) available"
        case .imageFull(let bound): "the image has reached the \(bound) bytes that it may have"
        case .noLoopDevice(let why): "no loop device: \(why)"
        case .noDriver(let why): "no volumes here: \(why)"
        case .program(let name, let status, let text):
            "\(name) ended with status \(status): \(printable(text))"
        case .notToHandOut(let path, let why): "\(printable(path)) \(why)"
        case .limitBelowUse(let path, let asked, let used):
            "\(printable(path)) cannot have \(asked) bytes: it uses \(used)"
        case .limitInUse(let path, let bytes):
            "a session has \(printable(path)) with a limit of \(bytes) bytes, which another one cannot change"
        case .system(let what, let error): "\(what): \(error)"
        }
    }
}

/// Gives a failed call the purpose that it was made for.
func doing<Value: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(VolumeError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(what(), error)
    }
}
