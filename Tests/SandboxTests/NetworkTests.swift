// A network with a loopback interface and nothing else.

import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct NetworkTests {
    /// Prints what a socket call comes to.
    private func attempt(_ expression: String) throws -> String {
        let script = """
            import errno, socket
            try: print(\(expression))
            except socket.gaierror: print("no such name")
            except OSError as error: print(errno.errorcode[error.errno])
            """
        return try Corral().python(script).text
    }

    @Test func `lo is up and the only interface`() throws {
        let names = try attempt("[line.split(':')[0].strip() for line in open('/proc/net/dev')][2:]")
        #expect(names == "['lo']")
        let echo = """
            import socket
            a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            a.bind(("127.0.0.1", 0)); a.settimeout(5); b.sendto(b"x", a.getsockname()); print(a.recv(1))
            """
        #expect(try Corral().python(echo).text == "b'x'")
    }

    @Test(arguments: ["8.8.8.8", "169.254.169.254", "10.0.0.1", "172.17.0.1"])
    func `no address outside can be reached`(address: String) throws {
        let datagram = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('\(address)', 53))"
        #expect(try attempt(datagram) == "ENETUNREACH")
        // Landlock refuses before the network is asked.
        #expect(
            ["EACCES", "ENETUNREACH"].contains(try attempt("socket.create_connection(('\(address)', 80))")))
    }

    @Test func `names are refused at once, without waiting for a server`() throws {
        let ended = try Corral().python(
            """
            import socket, time
            began = time.monotonic()
            try: socket.getaddrinfo("example.com", 80); print("resolved")
            except socket.gaierror: print(time.monotonic() - began < 5)
            print(socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4])
            """)
        #expect(ended.lines == ["True", "('127.0.0.1', 80)"], "\(ended)")
    }
}
