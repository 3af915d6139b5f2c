import CLinux
import Glibc
import Linux
import Wire

/// `corral-unpack confinement`: gives up what an unpacker gives up, tries what a bad archive could have it do, and
/// says what became of each. With `--open` it gives up nothing first, and shows what the attempts come to then.
enum ConfinementCheck {
    /// - Returns: one line of JSON: for each attempt `done`, or the error that it got.
    static func run(open: Bool) throws(UnpackError) -> JSONText {
        let directory = FileDescriptor(owning: 3)
        let number = directory.number
        if open {
            _ = try systemic { () throws(SystemError) in try call("fchdir") { fchdir(number) } }
        } else {
            try Confinement.enter(directory, fileBytes: 1 << 20)
        }
        return JSONText.object { report in
            for (name, attempt) in attempts { report.add(name, outcome(attempt)) }
        }
    }

    private static let attempts: [(String, @Sendable () -> CInt)] = [
        ("write", { number(unsafe openat(3, "kept", O_WRONLY | O_CREAT, 0o600)) }),
        ("writeAbove", { number(unsafe openat(3, "../made", O_WRONLY | O_CREAT, 0o600)) }),
        ("readHost", { number(unsafe openat(AT_FDCWD, "/etc/passwd", O_RDONLY)) }),
        ("writeHost", { number(unsafe openat(AT_FDCWD, "/tmp", O_RDWR | CInt(CLINUX_O_TMPFILE), 0o600)) }),
        ("socket", { number(socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)) }),
        ("process", { process() }),
        ("signal", { kill(getppid(), 0) }),
        ("device", { unsafe mknodat(3, "pipe", S_IFIFO | 0o600, 0) }),
        ("memory", { memory() }),
    ]

    private static func outcome(_ attempt: () -> CInt) -> String {
        errno = 0
        return attempt() < 0 ? "\(Errno(rawValue: errno))" : "done"
    }

    /// Closes what was opened.
    private static func number(_ descriptor: CInt) -> CInt {
        if descriptor >= 0 { close(descriptor) }
        return descriptor
    }

    private static func process() -> CInt {
        do throws(SystemError) {
            let pid = try HostProgram(path: "/bin/true", words: ["true"], environment: []).start([])
            var status: CInt = 0
            unsafe waitpid(pid, &status, 0)
            return pid
        } catch {
            errno = error.errno.rawValue
            return -1
        }
    }

    /// Twice what it may have, which is not touched.
    private static func memory() -> CInt {
        let size = 2 << 30
        guard let place = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe place != MAP_FAILED
        else { return -1 }
        unsafe munmap(place, size)
        return 0
    }
}
