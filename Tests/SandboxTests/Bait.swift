import Linux
import TestSupport

/// Things on the host that no sandbox may reach: a file, a process, a UDP socket of the loopback
/// interface, an abstract unix socket and a System V segment. Gone with the value.
final class Bait {
    let directory: TemporaryDirectory
    /// Readable by every user of the host.
    let secret: String
    private let holder: RunningProgram
    private let values: [String]

    init() throws {
        directory = try TemporaryDirectory()
        secret = try directory.write("secret", "corral-bait\n")
        holder = try Program([Corral.python, "-ISc", Bait.script]).start()
        _ = try holder.waitForText("\n")
        values = holder.outputSoFar.split(separator: " ").map(String.init)
        if values.count < 4 { throw BaitError(description: "the bait was not laid: \(holder.errorsSoFar)") }
    }

    /// What a probe in the sandbox is told.
    var options: [String] {
        let port = values[0]
        let socket = values[1]
        let segment = values[2]
        let variables = [
            "BAIT_PID=\(holder.pid)", "BAIT_FILE=\(secret)", "BAIT_PORT=\(port)", "BAIT_SOCKET=\(socket)",
            "BAIT_SEGMENT=\(segment)",
        ]
        return variables.flatMap { ["--env", $0] }
    }

    private struct BaitError: Error, CustomStringConvertible {
        let description: String
    }

    // The segment is marked for removal at once and goes with its last user, as the sockets do.
    private static let script = """
        import ctypes, os, signal, socket
        signal.alarm(120)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        name = "corral-bait-%d" % os.getpid()
        stream = socket.socket(socket.AF_UNIX)
        stream.bind("\\0" + name)
        stream.listen()
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        segment = libc.shmget(0, 4096, 0o1666)
        libc.shmat(segment, None, 0)
        libc.shmctl(segment, 0, None)
        print(udp.getsockname()[1], name, segment, "laid", flush=True)
        while True:
            data, peer = udp.recvfrom(16)
            udp.sendto(data, peer)
        """
}
