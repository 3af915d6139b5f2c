// A program inside a sandbox that tries events and reports what became of each.

import Denials
import Glibc
import Linux
import Sandbox
import TestSupport

/// Reads one event a line and writes one errno a line, 0 for what was allowed.
enum EventProbe {
    /// The line of an event that the probe can try.
    static func line(_ event: Event) -> String? {
        switch event {
        case .path(let event): "\(event.access.rawValue)\t\(event.path)"
        case .tcp(.connect(let address, let port)): "connect\t\(text(address))\t\(port)"
        case .tcp(.bind(let address, let port)): "bind\t\(text(address))\t\(port)"
        default: nil
        }
    }

    private static func text(_ address: IPAddress) -> String {
        let text = "\(address)"
        return text.hasPrefix("[") ? String(text.dropFirst().dropLast()) : text
    }

    /// Files that the probe keeps in every place where it can write, so that there is something there to
    /// read, to execute and to remove: empty, and everybody may do everything with it.
    static let made = "made"

    /// execve(2) of an empty file fails with ENOEXEC once every rule has agreed, and returns.
    static let script = #"""
        import ctypes, errno, os, socket, sys
        libc = ctypes.CDLL(None, use_errno=True)
        os.umask(0)
        lines = sys.stdin.buffer.read().split(b"\n")
        writable = [p for p in lines[0].split(b"\t") if p]

        def restore():
            for place in writable:
                path = place + b"/made"
                if not os.path.lexists(path):
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o777))

        def attempt(what, path):
            if what == b"read":
                os.close(os.open(path, os.O_RDONLY))
            elif what == b"write":
                os.close(os.open(path, os.O_WRONLY))
            elif what == b"create":
                was = os.path.lexists(path)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
                real = os.path.realpath(path)
                if real.endswith(b"/new"):
                    os.unlink(real)
            elif what == b"truncate":
                os.truncate(path, 0)
            elif what == b"exec":
                argv = (ctypes.c_char_p * 2)(path, None)
                libc.execve(path, argv, argv)
                code = ctypes.get_errno()
                if code != errno.ENOEXEC:
                    raise OSError(code, "execve")
            else:
                at = os.open("/", os.O_PATH)
                try:
                    os.unlink(path, dir_fd=at)
                except IsADirectoryError:
                    os.rmdir(path, dir_fd=at)
                finally:
                    os.close(at)

        def network(what, host, port):
            family = socket.AF_INET6 if b":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as s:
                try:
                    getattr(s, what.decode())((host.decode(), int(port)))
                except ConnectionRefusedError:
                    pass

        restore()
        for line in lines[1:]:
            words = line.split(b"\t")
            if not line:
                continue
            try:
                attempt(*words) if len(words) == 2 else network(*words)
                code = 0
            except OSError as error:
                code = error.errno
            restore()
            print(code)
        print("end")
        """#

    /// What became of each event.
    static func ask(_ corral: Corral, writable: [String], _ events: [Event]) throws -> [CInt] {
        let lines = [writable.joined(separator: "\t")] + events.compactMap(line)
        let input = Array(lines.joined(separator: "\n").utf8)
        let ended = try corral.run([Corral.python, "-ISc", script], input: input, timeout: 120)
        guard ended.lines.last == "end", ended.lines.count == events.count + 1 else {
            throw Broken(description: "\(ended)")
        }
        return ended.lines.dropLast().map { CInt($0) ?? -1 }
    }

    struct Broken: Error { let description: String }
}
