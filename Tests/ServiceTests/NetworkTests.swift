import Linux
import Network
import TestSupport
import Testing

@testable import Service

/// A service at a TCP socket, and whom it ends answers for.
@Suite(.serialized) struct NetworkServiceTests {
    private func rig() throws -> (Rig, String) {
        let rig = try Rig(tcp: TCPAddress("127.0.0.1:0"))
        let address = try #require(rig.address)
        #expect(address.port != 0)
        return (rig, "http://\(address)")
    }

    private func curl(_ words: [String]) throws -> Program.Outcome {
        try Program.run(["curl", "-sS", "--max-time", "60"] + words, timeout: 120)
    }

    @Test func `a client at a TCP socket is served, and no user of this machine`() throws {
        let (rig, address) = try rig()
        #expect(try curl(["\(address)/v1/ping"]).output == #"{"pong":true}"#)
        #expect(try curl(["\(address)/v1/who"]).output == #"{"uid":4294967295,"pid":-1}"#)
        // Not even what is about no endpoint.
        let options = try curl(["-X", "OPTIONS", "--request-target", "*", "-w", "%{http_code}", address])
        #expect(options.output.hasSuffix("400"), "\(options.output)")
        withExtendedLifetime(rig) {}
    }

    @Test func `an address is taken once, and the refusal names it`() throws {
        let (rig, _) = try rig()
        let address = try #require(rig.address)
        let error = #expect(throws: SystemError.self) {
            _ = try FileDescriptor.tcpListener(at: address, queue: 1)
        }
        #expect(error?.subject == "\(address)" && error?.errno == Errno(rawValue: 98))
    }

    @Test func `those with a badge are cut off, and others are not`() throws {
        let (rig, address) = try rig()
        func waiting(_ badge: String) throws -> RunningProgram {
            try Program(["curl", "-sS", "-N", "-H", "X-Badge: \(badge)", "\(address)/v1/events"]).start()
        }
        let (first, second) = (try waiting("7"), try waiting("8"))
        #expect(eventually { rig.ask { $0.service?.badges ?? [] } == [7, 8] })
        _ = rig.ask { $0.service?.cut(badge: 7) ?? () }
        _ = try first.wait(timeout: 60)
        #expect(eventually { rig.ask { $0.service?.badges ?? [] } == [8] })
        _ = rig.ask { $0.service?.cut(badge: 8) ?? () }
        _ = try second.wait(timeout: 60)
    }
}
