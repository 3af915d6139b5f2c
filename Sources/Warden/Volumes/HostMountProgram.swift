import CLinux
import FailPoints
import Glibc
import Linux
import Trees
import Volumes
import WardenProtocol

/// `corral-warden --host-mount`: mounts a volume where programs of the host see it. The warden is in a mount namespace
/// of its own, and nothing that is mounted there comes out; so a process of this program, which has one thread and
/// ends at once, enters the host's (setns(2)).
///
/// Descriptor 3 is that namespace, and 4 a mount that is in none. Nothing is done by the text of a path alone: what is
/// mounted on, and what is unmounted, is compared with the two numbers of the file that the warden has looked at.
enum HostMountProgram {
    static let word = "--host-mount"
    /// As long as a file system may take to write what it has, in milliseconds.
    private static let patience: Int32 = 120_000

    enum Verb: String {
        /// Mounts on the directory with the path, if that has the place.
        case attach
        /// Unmounts what is at the path, as often as it has the place.
        case detach
        /// Says whether what is at the path has the place.
        case look
    }

    /// What came of it; each is an exit code, 1 is for what the kernel refused.
    enum Outcome: Int32 {
        case done = 0
        /// What is at the path is another file.
        case other = 10
        /// There are files in the directory.
        case notEmpty = 11
        /// Somebody uses what is mounted.
        case busy = 12
        /// There is no such path, or a symbolic link is part of it.
        case absent = 13
    }

    /// Has it done by a process, and waits for that.
    /// - Parameters:
    ///   - namespace: the host's mount namespace.
    ///   - place: of the directory to mount on, or of what is mounted.
    ///   - mount: for ``Verb/attach``, the number of a mount's descriptor.
    static func run(
        _ verb: Verb, in namespace: borrowing FileDescriptor, _ path: String, _ place: FilePlace,
        mount: CInt? = nil
    ) throws(Refusal) -> Outcome {
        let program = HostProgram(
            path: "/proc/self/exe",
            words: [
                "corral-warden", word, "\(getpid())", verb.rawValue, "\(place.device)", "\(place.inode)",
                path,
            ], environment: VolumeWorkerProgram.environment)
        let number = namespace.number
        let outcome: HostProgram.Outcome
        do throws(SystemError) {
            outcome = try program.run(
                timeout: patience, descriptors: [number] + (mount.map { [$0] } ?? []))
        } catch {
            throw Refusal(.system, "no process could enter the host's mount namespace: \(error)")
        }
        if let known = Outcome(rawValue: outcome.status) { return known }
        let said = outcome.errors.split(separator: "\n").last.map(String.init) ?? "status \(outcome.status)"
        throw Refusal(.system, "the host's mount namespace: \(said)")
    }

    // MARK: In the process

    /// - Parameter words: those behind ``word``.
    /// - Returns: the exit code.
    static func run(_ words: [String]) -> Int32 {
        guard words.count == 5, let parent = pid_t(words[0]), let verb = Verb(rawValue: words[1]),
            let device = UInt64(words[2]), let inode = UInt64(words[3])
        else { return 64 }
        do throws(SystemError) {
            _ = try call("prctl") { clinux_end_with_parent(parent, SIGKILL) }
            _ = try call("setns") { clinux_enter_mounts(3) }
            let place = FilePlace(device: device, inode: inode)
            return try perform(verb, words[4], place).rawValue
        } catch {
            let line = Array("\(error)\n".utf8)
            _ = unsafe line.span.withUnsafeBufferPointer { unsafe write(2, $0.baseAddress, $0.count) }
            return 1
        }
    }

    private static func perform(
        _ verb: Verb, _ path: String, _ place: FilePlace
    ) throws(SystemError) -> Outcome {
        FailPoint.pass(.hostMountEntered)
        switch verb {
        case .attach: return try attach(path, place)
        case .detach: return try detach(path, place)
        case .look:
            do throws(SystemError) {
                return try FilePlace(of: open(path)) == place ? .done : .other
            } catch  where error.isOfNoPath {
                return .absent
            }
        }
    }

    /// Over no symbolic link, whoever renames meanwhile.
    private static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open("/", CLINUX_O_PATH | O_DIRECTORY).open(
            path, CLINUX_O_PATH | O_DIRECTORY, resolve: [.noSymlinks, .noMagicLinks])
    }

    /// What was opened is what is compared and what is mounted on, so that it does not matter who renames it.
    private static func attach(_ path: String, _ place: FilePlace) throws(SystemError) -> Outcome {
        let mount = FileDescriptor(owning: 4)
        let target: FileDescriptor
        do throws(SystemError) {
            target = try open(path)
        } catch  where error.isOfNoPath {
            return .absent
        }
        guard try FilePlace(of: target) == place else { return .other }
        guard try target.open(".", O_RDONLY | O_DIRECTORY).entries().isEmpty else { return .notEmpty }
        FailPoint.pass(.hostMountChecked)
        let numbers = (mount: mount.number, target: target.number)
        _ = try call("move_mount", on: path) { clinux_move_mount(numbers.mount, numbers.target) }
        // The directory may have got another name meanwhile: then it is not what is at the path now.
        let top = try FilePlace(of: mount)
        if let found = try? FilePlace(of: open(path)), found == top { return .done }
        _ = try call("fchdir") { fchdir(numbers.mount) }
        _ = try call("umount2") { unsafe umount2(".", detachNow) }
        return .other
    }

    /// MNT_DETACH and UMOUNT_NOFOLLOW (umount(2)).
    private static let detachNow: CInt = 2
    private static let noFollow: CInt = 8

    private static func detach(_ path: String, _ place: FilePlace) throws(SystemError) -> Outcome {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return .absent }
        let above = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        let name = String(decoding: bytes[(slash + 1)...], as: UTF8.self)
        let parent: FileDescriptor
        do throws(SystemError) {
            parent = try open(above)
        } catch  where error.isOfNoPath {
            return .absent
        }
        let number = parent.number
        _ = try call("fchdir", on: above) { fchdir(number) }
        // What is mounted on cannot be renamed in the namespace where it is (rename(2), EBUSY): the name stays what it
        // is between the two calls.
        while let found = try parent.status(of: name), found.device == place.device,
            found.inode == place.inode
        {
            do throws(SystemError) {
                _ = try call("umount2", on: path) { unsafe umount2(name, noFollow) }
            } catch  where error.errno == .busy {
                return .busy
            }
        }
        return .done
    }
}

extension SystemError {
    fileprivate var isOfNoPath: Bool {
        [.noSuchFileOrDirectory, .notDirectory, .tooManyLinks].contains(errno)
    }
}
