import Glibc
import Network
import Testing

/// Addresses as configuration and command line write them, and as the kernel has them.
@Suite struct TCPAddressTests {
    @Test(arguments: [
        "127.0.0.1:7070", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:7070", "[2001:db8::7]:1", "[::]:80",
    ])
    func `what is written in its shortest form is read and written again`(text: String) throws {
        let address = try #require(TCPAddress(text))
        #expect(address.description == text)
        #expect(address.bytes.count == (text.hasPrefix("[") ? 16 : 4))
    }

    @Test(arguments: [
        "", ":", ":7070", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:07070",
        "127.0.0.1: 7070", "127.0.0.1:7070 ", "127.1:7070", "127.0.0.01:7070", "0x7f.0.0.1:7070",
        "256.0.0.1:7070", "2130706433:7070", "localhost:7070", "::1:7070", "[::1]", "[::1:7070", "::1]:7070",
        "[127.0.0.1]:7070", "[fe80::1%lo]:7070", "[]:7070", "127.0.0.1:7070\0", "127.0.0.1..:1", "a:1",
        "127.0.0.1:七",
    ])
    func `what is no address and port, or a name, is none`(text: String) {
        #expect(TCPAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.255.254:1", true), ("[::1]:1", true), ("0.0.0.0:1", false),
        ("[::]:1", false), ("126.0.0.1:1", false), ("128.0.0.1:1", false), ("10.0.0.1:1", false),
        ("[::ffff:127.0.0.1]:1", false), ("[::2]:1", false), ("[1::1]:1", false),
    ])
    func `only what no other machine reaches is of the loopback`(text: String, expected: Bool) {
        #expect(TCPAddress(text)?.isLoopback == expected)
    }

    @Test func `the kernel is given and gives the same address`() throws {
        for text in ["127.0.0.1:0", "[::1]:0"] {
            let address = try #require(TCPAddress(text))
            let number = socket(address.family, CInt(SOCK_STREAM.rawValue), 0)
            guard number >= 0 else {
                print("skipped: this machine has no sockets of \(text)")
                continue
            }
            defer { close(number) }
            let result = unsafe address.withSocketAddress { unsafe bind(number, $0, $1) }
            if result != 0, errno == EADDRNOTAVAIL {
                print("skipped: this machine has no \(text)")
                continue
            }
            #expect(result == 0)
            let bound = try #require(TCPAddress(ofSocket: number))
            #expect(bound.bytes == address.bytes && bound.port != 0)
            #expect(TCPAddress(ofPeer: number) == nil)
        }
        var ends: [CInt] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
        #expect(TCPAddress(ofSocket: ends[0]) == nil)
        for end in ends { close(end) }
    }
}
