import Glibc

/// A system call that failed: which one, on what, and the error number it left.
package struct SystemError: Error, Hashable, Sendable {
    /// The manual-page name of the call, such as `"openat2"`.
    package let call: String
    /// What it was applied to, where that helps the reader: a path, a cgroup file.
    package let subject: String?
    /// The error number.
    package let errno: Errno

    package init(_ call: String, _ subject: String? = nil, _ errno: Errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }
}

extension SystemError: CustomStringConvertible {
    /// For example `mkdirat(/sys/fs/cgroup/x): EACCES (Permission denied)`.
    package var description: String { "\(call)(\(subject ?? "")): \(errno)" }
}

/// Makes a system call, again for as long as a signal interrupts it.
///
/// `body` must do nothing but the call: anything that could release an object between the call
/// and the read of `errno` could change `errno`.
@inline(__always)
package func call<Value: FixedWidthInteger>(
    _ name: StaticString, on subject: @autoclosure () -> String? = nil, _ body: () -> Value
) throws(SystemError) -> Value {
    while true {
        let value = body()
        if value != -1 { return value }
        let code = Errno(rawValue: Glibc.errno)
        if code != .interrupted { throw SystemError(name.description, subject(), code) }
    }
}
