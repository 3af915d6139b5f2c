import CLinux
import Glibc
import Linux
import Preparation
import Service

/// One `corral-unpack workspace`, which reads an archive from a pipe and makes a tree below one directory. It
/// confines itself before it reads: docs/workspace-files.md.
///
/// All of it is on the loop's thread: a pipe is written to and never waited for.
final class UnpackerProcess: EventHandler {
    /// How long one archive may take, in nanoseconds; the client's time counts as well.
    private static let patience: BootTime = 30 * 60 * 1_000_000_000
    /// Bytes that are kept of what it says.
    private static let mostSaid = 16 << 10

    struct Words {
        var entries: UInt64
        var bytes: UInt64
        var isCaseSensitive: Bool

        var list: [String] {
            ["corral-unpack", "workspace"] + (isCaseSensitive ? ["--case-sensitive"] : [])
                + [
                    "--entries", "\(entries)", "--bytes", "\(bytes)", "--file-bytes", "\(bytes)", "--depth",
                    "100",
                ]
        }
    }

    /// What became of it.
    enum End: Hashable {
        /// With an exit code, and what it wrote to standard output and to standard error.
        case exited(Int32, report: [UInt8], complaint: [UInt8])
        case signalled(Int32)
        case timeout
    }

    private let loop: EventLoop
    private let process: FileDescriptor
    private var input: Held<FileDescriptor>?
    private let output: Held<FileDescriptor>
    private let errors: Held<FileDescriptor>
    private var processToken: EventLoop.Token?
    private var inputToken: EventLoop.Token?
    private var timer: Timer?
    private let began = Timer.now
    private var isLate = false
    private var roomAgain: () -> Void = {}
    private var ended: ((End) -> Void)?

    private init(
        _ loop: EventLoop, _ process: consuming FileDescriptor, input: Held<FileDescriptor>,
        output: Held<FileDescriptor>, errors: Held<FileDescriptor>
    ) {
        self.loop = loop
        self.process = process
        self.input = input
        self.output = output
        self.errors = errors
    }

    /// Starts one.
    /// - Parameters:
    ///   - directory: where the tree is made; stays the caller's.
    ///   - roomAgain: called when it takes more, after ``write(_:)`` took less than all.
    ///   - ended: called once, when nothing of it is left.
    static func start(
        _ words: Words, in directory: borrowing FileDescriptor, on loop: EventLoop,
        roomAgain: @escaping () -> Void, ended: @escaping (End) -> Void
    ) throws(ServiceError) -> UnpackerProcess {
        let program = try program()
        do throws(SystemError) {
            let unpacker = try start(program, words, directory, loop)
            do throws(SystemError) {
                try unpacker.watch()
            } catch {
                unpacker.kill()
                var exit = clinux_exit()
                _ = unsafe clinux_wait_pidfd(unpacker.process.number, 1, &exit)
                unpacker.close()
                throw error
            }
            unpacker.roomAgain = roomAgain
            unpacker.ended = ended
            return unpacker
        } catch {
            throw ServiceError(.limit, "the unpacker cannot be started: \(error)", hint: "try again later")
        }
    }

    private static func start(
        _ program: String, _ words: Words, _ directory: borrowing FileDescriptor, _ loop: EventLoop
    ) throws(SystemError) -> UnpackerProcess {
        let input = try Pipe.make()
        let output = try Pipe.make()
        let errors = try Pipe.make()
        // As much at once as a pipe may hold; where this user may not have that, it is slower.
        _ = clinux_pipe_resize(input.writing.number, 1 << 20)
        for number in [input.writing.number, output.reading.number, errors.reading.number] {
            _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, O_NONBLOCK) }
        }
        // Nothing of the daemon's environment.
        let process = try HostProgram(path: program, words: words.list, environment: []).startHeld(
            [input.reading.number, output.writing.number, errors.writing.number, directory.number])
        return UnpackerProcess(
            loop, process.pidfd, input: Held(input.writing), output: Held(output.reading),
            errors: Held(errors.reading))
    }

    private func watch() throws(SystemError) {
        timer = try Timer.make(on: loop) { [weak self] in
            guard let self, Timer.now >= began + UnpackerProcess.patience else { return }
            isLate = true
            kill()
        }
        timer?.fire(atLatest: began + UnpackerProcess.patience)
        processToken = try loop.add(process, for: .readable, handler: self)
    }

    /// `CORRAL_UNPACK`, else beside this program, else where `make install` puts it.
    private static func program() throws(ServiceError) -> String {
        var candidates: [String] = []
        if let named = unsafe getenv("CORRAL_UNPACK") {
            candidates = [unsafe String(cString: named)]
        } else if let directory = SelfPath.directory {
            candidates = ["\(directory)/corral-unpack", "\(directory)/../libexec/corral/corral-unpack"]
        }
        for candidate in candidates where unsafe access(candidate, X_OK) == 0 { return candidate }
        throw ServiceError(
            .unavailable, "corral-unpack is not there, or corrald may not run it",
            hint: "install it beside corrald, or name it in CORRAL_UNPACK")
    }

    // MARK: Archive

    /// Gives it the next bytes, or some of their front: then `roomAgain` tells when there is room. What an
    /// unpacker that has ended is given is dropped.
    func write(_ bytes: Span<UInt8>) -> Int {
        guard let input else { return bytes.count }
        var count = 0
        do throws(SystemError) {
            count = try input.value.write(bytes)
        } catch {
            guard error.errno == .wouldBlock else {
                // It reads no more: why, it says when it ends.
                finishInput()
                return bytes.count
            }
        }
        if count < bytes.count, inputToken == nil {
            inputToken = try? loop.add(input.value, for: .writable, handler: self)
            // Else nobody would tell when it goes on.
            if inputToken == nil { kill() }
        }
        return count
    }

    /// The archive is over.
    func finishInput() {
        unwatchInput()
        input = nil
    }

    private func unwatchInput() {
        if let inputToken, let input { loop.remove(input.value, inputToken) }
        inputToken = nil
    }

    // MARK: End

    /// Ends it; `ended` is called all the same.
    func kill() { _ = clinux_pidfd_signal(process.number, SIGKILL) }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if token == processToken { return exited() }
        unwatchInput()
        roomAgain()
    }

    private func exited() {
        var exit = clinux_exit()
        let result = unsafe clinux_wait_pidfd(process.number, 0, &exit)
        if result == 0, exit.pid == 0 { return }
        let end: End
        if isLate {
            end = .timeout
        } else if result < 0 || exit.code != CLD_EXITED {
            end = .signalled(result < 0 ? 0 : exit.status)
        } else {
            end = .exited(exit.status, report: said(output.value), complaint: said(errors.value))
        }
        close()
        let told = ended
        ended = nil
        told?(end)
    }

    private func said(_ pipe: borrowing FileDescriptor) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: UnpackerProcess.mostSaid)
        var room = buffer.mutableSpan
        guard let count = try? pipe.read(into: &room) else { return [] }
        return Array(buffer[..<count])
    }

    private func close() {
        finishInput()
        if let processToken { loop.remove(process, processToken) }
        processToken = nil
        timer?.cancel()
        timer = nil
    }
}
