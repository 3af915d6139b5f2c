import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import WardenProtocol

/// Two connected ends.
private struct Ends {
    let ours: MessageChannel
    let theirs: MessageChannel

    init() throws {
        var numbers: [CInt] = [-1, -1]
        _ = try call("socketpair") { unsafe clinux_seqpacket_pair(&numbers) }
        let one = FileDescriptor(owning: numbers[0])
        let other = FileDescriptor(owning: numbers[1])
        try one.setNonBlocking()
        try other.setNonBlocking()
        ours = MessageChannel(one)
        theirs = MessageChannel(other)
    }
}

@Suite struct ChannelTests {
    @Test func `a message that is too long for the socket arrives by file`() throws {
        let ends = try Ends()
        let script = String(repeating: "x", count: 1 << 20)
        let order = WardenRequest.start(ProcessOrder(Samples.key, .shell(script, [])))
        try ends.ours.send(ToWarden(1, order).encoded())
        guard case .message(let message, let file, _) = ends.theirs.receive() else {
            Issue.record("no message")
            return
        }
        #expect(try ToWarden(message, file: file).request == order)
    }

    @Test func `messages wait where the socket is full and keep their order and descriptors`() throws {
        let ends = try Ends()
        let pipe = try Pipe.make()
        let note = [UInt8](repeating: 7, count: 4000)
        for number in 1...300 {
            try ends.ours.send(
                ToWarden(UInt64(number), .note(Samples.id, note)).encoded(),
                descriptors: [pipe.writing.number])
        }
        #expect(ends.ours.waitingMessages > 0)
        #expect(ends.ours.waitingBytes > ends.ours.waitingMessages * 4000)
        var numbers: [UInt64] = []
        while numbers.count < 300 {
            try ends.ours.flush()
            while case .message(let message, _, let packet) = ends.theirs.receive() {
                numbers.append(message.request)
                #expect(packet.descriptorCount == 1)
            }
        }
        #expect(numbers == Array(1...300))
        #expect(ends.ours.waitingMessages == 0 && ends.ours.waitingBytes == 0)
    }

    /// What a reading of could wait for ever, or change while it is read.
    @Test(arguments: ["pipe", "memory", "file", "nothing"])
    func `fields in anything but a sealed memory file are refused`(kind: String) throws {
        let ends = try Ends()
        let directory = try TemporaryDirectory()
        let content = [UInt8](repeating: 1, count: 70_000)
        // A request with its fields in a file: kind 12 is a note.
        let header: [UInt8] = [12, 0, 1, 0, 0x70, 0x11, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]
        let descriptor: FileDescriptor
        switch kind {
        case "pipe": descriptor = try Pipe.make().reading.duplicate()
        case "memory":
            descriptor = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd("x", 0) })
            try descriptor.writeAll(content)
        default:
            try File.write(content, to: directory("file"))
            descriptor = try FileDescriptor.open(directory("file"), O_RDONLY)
        }
        _ = ends.ours.socket.sendPacket(header, kind == "nothing" ? [] : [descriptor.number])
        guard case .malformed(let request, let why) = ends.theirs.receive() else {
            Issue.record("it was taken")
            return
        }
        #expect(request == 9)
        #expect(why == "fields that are not in the message must be in a sealed memory file of their length")
    }

    @Test func `a sealed memory file of another length is refused`() throws {
        let file = try FileDescriptor.sealedMemory("x", [1, 2, 3])
        #expect(file.sealedContent(of: 3) == [1, 2, 3])
        #expect(file.sealedContent(of: 2) == nil)
        #expect(file.sealedContent(of: 4) == nil)
    }

    @Test func `too many descriptors and too many bytes are refused and leave nothing open`() async {
        await #expect(processExitsWith: .success) {
            let ends = try Ends()
            let null = try FileDescriptor.open("/dev/null", O_RDONLY)
            let before = openDescriptors()
            let status = ToWarden(1, .status).encoded().bytes
            for count in [9, 32] {
                _ = ends.ours.socket.sendPacket(status, Array(repeating: null.number, count: count))
                guard case .malformed = ends.theirs.receive() else { fatalError("\(count) were taken") }
            }
            _ = ends.ours.socket.sendPacket([UInt8](repeating: 0, count: WardenFormat.messageLimit + 1))
            guard case .malformed = ends.theirs.receive() else { fatalError("too many bytes were taken") }
            // The test's own runtime may open one or two meanwhile.
            precondition(openDescriptors() < before + 9, "descriptors are left open")
        }
    }

    @Test func `a peer that is gone is the end`() throws {
        let ends = try Ends()
        _ = Glibc.shutdown(ends.ours.socket.number, CInt(SHUT_RDWR))
        guard case .end = ends.theirs.receive() else {
            Issue.record("it is not the end")
            return
        }
        #expect(throws: SystemError.self) { try ends.theirs.send(ToWarden(1, .status).encoded()) }
    }
}

private func openDescriptors() -> Int { (0..<CInt(256)).count { fcntl($0, F_GETFD) >= 0 } }
