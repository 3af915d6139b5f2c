import CLinux
import Glibc
import Linux
import WardenProtocol

/// The warden's descriptors of one process: its ends of the streams, and the memory that corrald splices
/// them into. They are open as long as this object is, whoever else has copies.
final class Streams {
    private(set) var roles: [StreamRole] = []
    private var held: [Held<FileDescriptor>] = []

    /// What is open now, for a message that may have to wait: a descriptor that is closed meanwhile stays
    /// open until it is sent, or its number would be another one's.
    var outgoing: Outgoing { Outgoing(held) }

    final class Outgoing {
        private let held: [Held<FileDescriptor>]
        /// In the order of the roles.
        var numbers: [CInt] { held.map { $0.value.number } }

        init(_ held: [Held<FileDescriptor>]) { self.held = held }
    }

    fileprivate func add(_ role: StreamRole, _ descriptor: consuming FileDescriptor) {
        roles.append(role)
        held.append(Held(descriptor))
    }

    /// - Returns: -1 where there is none of this role.
    func number(_ role: StreamRole) -> CInt {
        roles.firstIndex(of: role).map { held[$0].value.number } ?? -1
    }

    /// - Returns: whether there was one.
    func close(_ role: StreamRole) -> Bool {
        guard let index = roles.firstIndex(of: role) else { return false }
        roles.remove(at: index)
        held.remove(at: index)
        return true
    }

    /// Takes the terminal that was made for the process.
    func take(terminal: Held<FileDescriptor>) {
        roles.append(.terminal)
        held.append(terminal)
    }

    /// How many there will be.
    static func count(for streams: ProcessOrder.Streams) -> Int {
        switch streams {
        case .pipes(.pipe): 5
        case .pipes(.none), .pipes(.given): 4
        case .terminal: 3
        }
    }
}

/// The sandbox's ends of the streams, until the process has them.
struct SandboxEnds: ~Copyable {
    /// Nil for the sandbox's /dev/null, or where it was given.
    let input: FileDescriptor?
    let output: FileDescriptor
    let errors: FileDescriptor
}

extension Streams {
    /// Pipes for a process without a terminal.
    func makePipes(withInput: Bool) throws(SystemError) -> SandboxEnds {
        let output = try Streams.pipe()
        let errors = try Streams.pipe()
        add(.output, output.reading)
        add(.errors, errors.reading)
        add(.outputRing, try Streams.ring("corral-output"))
        add(.errorsRing, try Streams.ring("corral-errors"))
        guard withInput else {
            return SandboxEnds(input: nil, output: output.writing, errors: errors.writing)
        }
        let input = try Streams.pipe()
        add(.input, input.writing)
        return SandboxEnds(input: input.reading, output: output.writing, errors: errors.writing)
    }

    /// What goes with a terminal.
    func makeTerminalRing() throws(SystemError) {
        add(.outputRing, try Streams.ring("corral-terminal"))
        let pipe = try Pipe.make()
        // Both ends of it in one descriptor.
        add(.elbow, try FileDescriptor.open("/proc/self/fd/\(pipe.reading.number)", O_RDWR))
    }

    /// A pipe that the program may open again, as scripts do by /dev/stderr: it belongs to us, who are
    /// another user than the program. Nobody else can reach it (proc_pid_fd(5)).
    private static func pipe() throws(SystemError) -> Pipe {
        let pipe = try Pipe.make()
        // Both ends are of the same inode.
        let number = pipe.reading.number
        _ = try call("fchmod", on: "pipe") { fchmod(number, 0o666) }
        return pipe
    }

    private static func ring(_ name: String) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try call("memfd_create", on: name) { unsafe clinux_memfd(name, 0) })
    }
}
