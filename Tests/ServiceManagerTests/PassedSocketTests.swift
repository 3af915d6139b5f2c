// Descriptors that a service manager passes, as the kernel has them.

import Glibc
import Linux
import ServiceManager
import TestSupport
import Testing

@Suite struct PassedSocketTests {
    private func refusal(_ number: CInt, path: String = "/x") -> String {
        do throws(ManagerProblem) {
            _ = try PassedSocket(number: number, name: "api").adopt(listeningAt: path, queue: 1)
            return "taken"
        } catch {
            return error.description
        }
    }

    private let told = "the socket api that the service manager passed (descriptor "

    @Test func `one that listens at the path is taken, as this process's`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("api.sock")
        let number = try listener(path)
        let client = try FileDescriptor.unixSocket(nonBlocking: false)
        try client.connect(to: path)
        let socket = try PassedSocket(number: number, name: "api").adopt(listeningAt: path, queue: 5)
        // The connection that waited is still there, and the socket does not block.
        #expect(try socket.accept() != nil)
        #expect(try socket.accept() == nil)
        let other = try FileDescriptor.unixSocket(nonBlocking: false)
        try other.connect(to: path)
        #expect(try other.peerCredentials().pid == getpid())
    }

    private func listener(_ path: String, listens: Bool = true) throws -> CInt {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.bind(to: path)
        if listens { try socket.listen(queue: 5) }
        return socket.release()
    }

    @Test func `what is no socket, of another kind or does not listen is refused, and left open`() throws {
        let directory = try TemporaryDirectory()
        let file = try FileDescriptor.open("/dev/null", O_RDONLY)
        #expect(refusal(file.number).hasSuffix("is no socket; expected a unix stream socket that listens"))
        let tcp = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let packet = try FileDescriptor.packetSocket()
        #expect(refusal(tcp).contains("is of another family; expected"))
        #expect(refusal(packet.number).contains("is of another type; expected"))
        let idle = try listener(directory("idle"), listens: false)
        #expect(refusal(idle).contains("does not listen; expected"))
        for number in [tcp, idle] { #expect(close(number) == 0) }
    }

    @Test func `one that listens elsewhere is refused with both places`() throws {
        let directory = try TemporaryDirectory()
        let number = try listener(directory("elsewhere"))
        let text = refusal(number, path: "/run/corral/corral.sock")
        #expect(text.hasPrefix(told))
        #expect(
            text.contains("listens at \(directory("elsewhere")), and clients look at /run/corral/corral.sock")
        )
        #expect(close(number) == 0)
    }
}
