import Denials
import Sandbox
import TestSupport
import Testing

@Suite struct NetworkTests {
    private func denial(_ profile: String, _ event: TCPEvent) throws -> Denial? {
        Evaluator.denial(of: .tcp(event), under: try Fixture(profile: profile).rules())
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private static let ports = "landlock:\n  tcp: {bind: [0, 80, 8080], connect: [443]}"

    @Test(arguments: [
        ("127.0.0.1", UInt16(443), nil as String?), ("::1", 443, nil), ("0.0.0.0", 443, nil),
        ("::ffff:127.9.9.9", 443, nil),
        ("127.0.0.1", 80, "EACCES profiles/upper.yaml:2"), ("10.0.0.1", 443, "ENETUNREACH built-in default"),
        ("10.0.0.1", 80, "EACCES profiles/upper.yaml:2"),
        ("2001:db8::1", 443, "ENETUNREACH built-in default"),
    ])
    func `connections stay on the loopback interface and its open ports`(
        host: String, port: UInt16, expected: String?
    ) throws {
        let denial = try denial(NetworkTests.ports, .connect(address(host), port: port))
        #expect(denial.map { "\($0.seen) \($0.rule.origin ?? "")" } == expected)
    }

    @Test(arguments: [
        ("127.0.0.1", UInt16(8080), nil as String?, nil as Denial.Source?), ("::", 0, nil, nil),
        ("127.0.0.1", 8081, "EACCES", .landlock), ("127.0.0.1", 80, "EACCES", .capabilities),
        ("10.0.0.1", 8080, "EADDRNOTAVAIL", .network), ("10.0.0.1", 80, "EADDRNOTAVAIL", .network),
    ])
    func `listening takes an open port, a loopback address and no privilege`(
        host: String, port: UInt16, errno: String?, source: Denial.Source?
    ) throws {
        let denial = try denial(NetworkTests.ports, .bind(address(host), port: port))
        #expect(denial?.seen == errno)
        #expect(denial?.source == source)
    }

    @Test func `names are those of the image's hosts file, or nobody knows them`() throws {
        let any = "landlock:\n  tcp: {connect: any}"
        #expect(try denial(any, .connectByName("localhost", port: 1)) == nil)
        #expect(try denial(any, .connectByName("BOX", port: 1)) == nil)
        #expect(try denial(any, .connectByName("far", port: 1))?.seen == "ENETUNREACH")
        #expect(try denial(any, .connectByName("near", port: 1))?.seen == "the look-up of the name fails")
        #expect(try denial("network:\n  mode: host\n\(any)", .connectByName("near", port: 1)) == nil)
        #expect(try denial("network:\n  mode: host", .connectByName("near", port: 1))?.source == .landlock)
    }

    @Test func `the host's network is open but for landlock`() throws {
        let host = "network:\n  mode: host\n\(NetworkTests.ports)"
        #expect(try denial(host, .connect(address("10.0.0.1"), port: 443)) == nil)
        #expect(try denial(host, .connect(address("10.0.0.1"), port: 444))?.source == .landlock)
        #expect(try denial(host, .bind(address("10.0.0.1"), port: 80)) == nil)
    }

    @Test func `without landlock for TCP the ports are not restricted`() throws {
        var fixture = Fixture()
        fixture.landlockABI = 3
        #expect(
            Evaluator.denial(
                of: .tcp(.connect(try address("127.0.0.1"), port: 9)), under: try fixture.rules()) == nil)
    }

    @Test(arguments: [
        ("example.org", UInt16(443), true), ("EXAMPLE.org.", 443, true), ("example.org", 80, false),
        ("www.example.org", 443, false), ("a.example.net", 80, true), ("a.b.example.net", 80, true),
        ("example.net", 80, false), ("badexample.net", 80, false), ("10.0.0.7", 8443, true),
        ("10.0.0.8", 8443, false),
        ("2001:DB8:0::1", 1, true), ("2001:db8::2", 1, false), ("whatever", 25, true), ("10.9.9.9", 25, true),
    ])
    func `the proxy lets through what the allowlist covers`(host: String, port: UInt16, isAllowed: Bool)
        throws
    {
        let profile = """
            network:
              mode: proxy
              allow: ["example.org:443", "*.example.net:80", "10.0.0.7:8443", "[2001:db8::1]:1", "*:25"]
            """
        let event =
            IPAddress(host).map { TCPEvent.connect($0, port: port) } ?? .connectByName(host, port: port)
        let denial = try denial(profile, event)
        #expect((denial == nil) == isAllowed)
        if let denial { #expect(denial.rule.origin == "profiles/upper.yaml:3") }
    }

    @Test func `a filter without sockets comes first`() throws {
        var fixture = Fixture(profile: NetworkTests.ports)
        fixture.policy = """
            {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO",
             "errnoRet": 97, "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 2}]}]}
            """
        let rules = try fixture.rules()
        let four = Evaluator.denial(of: .tcp(.connect(try address("127.0.0.1"), port: 443)), under: rules)
        #expect(four?.source == .seccomp && four?.seen == "EAFNOSUPPORT")
        #expect(Evaluator.denial(of: .tcp(.connect(try address("::1"), port: 443)), under: rules) == nil)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "localhost", "1.2.3.4\0"])
    func `what is no address is none`(text: String) { #expect(IPAddress(text) == nil) }
}
