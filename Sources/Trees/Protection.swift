import CLinux
import Glibc
package import Linux

// What has to stay (chattr(1): `+i` and `+a`): only the root of the host, with CAP_LINUX_IMMUTABLE, can have said so,
// and can take it back.

/// A file or directory that had to stay, and has not to any more.
package struct LiftedProtection {
    private let file: Held<FileDescriptor>
    private let kind: EntryStatus.Kind
    private let flags: UInt32

    fileprivate init(_ file: Held<FileDescriptor>, _ kind: EntryStatus.Kind, _ flags: UInt32) {
        self.file = file
        self.kind = kind
        self.flags = flags
    }

    /// Protects a file again that is still there, under a name of its own.
    func giveBack() {
        guard kind == .file, let status = try? file.value.status(), status.links > 0 else { return }
        // Who could take it can give it.
        _ = clinux_protect(file.value.number, flags)
    }
}

extension FileDescriptor {
    /// Takes from this file or directory that it has to stay.
    /// - Returns: whether it had to, and has not to any more.
    @discardableResult
    package borrowing func liftProtection() -> Bool { lifted() != 0 }

    /// The same of a name in this directory, where it is a file's or a directory's.
    /// - Returns: nil where there was nothing to take, or it cannot be taken.
    package borrowing func liftProtection(of name: String) -> LiftedProtection? {
        // Looked at before it is opened: others, such as devices, do something when they are.
        guard let reference = try? open(name, CLINUX_O_PATH | O_NOFOLLOW),
            let kind = try? reference.status().kind, kind == .file || kind == .directory,
            let file = try? FileDescriptor.open(
                "/proc/self/fd/\(reference.number)", O_RDONLY | O_NONBLOCK | O_NOCTTY)
        else { return nil }
        let flags = file.lifted()
        return flags == 0 ? nil : LiftedProtection(Held(file), kind, flags)
    }

    /// - Returns: what was taken; 0 for nothing.
    private borrowing func lifted() -> UInt32 {
        var taken: UInt32 = 0
        return unsafe clinux_lift_protection(number, &taken) == 0 ? taken : 0
    }
}
