// Servers for the client to talk to, as programs of their own.

import TestSupport
import Testing

/// A server at a unix socket, written in Python; ends with the value.
final class Server {
    let path: String
    private let directory: TemporaryDirectory
    private let program: RunningProgram

    /// - Parameters:
    ///   - script: takes the socket's path as its first argument and prints `ready`.
    ///   - name: of the socket.
    init(_ script: String, _ arguments: [String] = [], name: String = "s", below: String = "") throws {
        directory = try TemporaryDirectory()
        let place = directory(below)
        if !below.isEmpty { try File.makeDirectories(place) }
        path = below.isEmpty ? directory(name) : "\(place)/\(name)"
        // Bound from within its directory, since bind(2) takes no long paths either.
        program = try Program(
            ["/usr/bin/python3", "-uc", script, name] + arguments,
            directory: below.isEmpty ? directory.path : place
        ).start()
        try #require(try program.waitForText("ready", within: 60), "\(program.errorsSoFar)")
    }

    /// What it has printed, once that holds `text`.
    func prints(_ text: String) throws -> Bool { try program.waitForText(text, within: 20) }

    /// How often it has printed `text`, as far as that was read.
    func count(_ text: String) -> Int { program.outputSoFar.split(separator: "\n").count { $0 == text } }

    /// Answers each request with the given bytes, a part at a time, and then closes (`close`), waits for the
    /// next request (`keep`), says nothing more (`hold`) or sends back what comes (`echo`).
    static func parts(_ parts: [[UInt8]], then mode: String = "close") throws -> Server {
        let hex = Array("0123456789abcdef".utf8)
        let words = parts.map { part in
            String(decoding: part.flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] }, as: UTF8.self)
        }
        return try Server(byParts, [mode] + words)
    }

    private static let byParts = """
        import socket, sys, time, threading
        path, mode = sys.argv[1:3]
        parts = [bytes.fromhex(part) for part in sys.argv[3:]]
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)
        print('ready')
        held = []
        def serve(connection):
            data = b''
            while True:
                while b'\\r\\n\\r\\n' not in data:
                    more = connection.recv(65536)
                    if not more: return
                    data += more
                head, _, data = data.partition(b'\\r\\n\\r\\n')
                length = 0
                for line in head.split(b'\\r\\n'):
                    if line.lower().startswith(b'content-length:'): length = int(line[15:])
                while len(data) < length: data += connection.recv(65536)
                print('request', head.split(b' ')[1].decode())
                data = data[length:]
                for part in parts:
                    connection.sendall(part)
                    time.sleep(0.001)
                if mode == 'close': connection.close(); return
                if mode == 'hold': held.append(connection); return
                if mode == 'echo':
                    while True:
                        if data: connection.sendall(data)
                        data = connection.recv(65536)
                        if not data: connection.close(); return
        while True:
            connection, _ = listener.accept()
            print('accepted')
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
        """

    /// Python's own HTTP server: `/echo` gives back the body, `/big` so many bytes, everything else a 404.
    static let python = """
        import http.server, socketserver, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def address_string(self): return 'unix'
            def log_message(self, *args): pass
            def answer(self, body, status=200):
                self.send_response(status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def do_GET(self):
                name, _, query = self.path.partition('?')
                if name == '/big': self.answer(b'x' * int(query.rstrip('=')))
                elif name == '/path': self.answer(self.path.encode())
                else: self.send_error(404)
            def do_POST(self):
                print('connection', id(self.connection))
                self.answer(self.rfile.read(int(self.headers['Content-Length'])))
        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 64
        server = Server(sys.argv[1], Handler)
        print('ready')
        server.serve_forever()
        """
}
