import Configuration
import Testing

@Suite struct DaemonSocketTests {
    private func user(_ assignments: String...) throws -> Settings {
        let place = try #require(
            Place(ofUserWith: { ["HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/7"][$0] }))
        var layer = SettingsLayer()
        for text in assignments { try SettingsVariables.assignment(text, into: &layer) }
        return Settings(place: place, layers: [layer])
    }

    private func candidates(_ settings: Settings) -> [String] {
        DaemonSocket.candidates(settings) { Settings(place: .system) }
    }

    @Test func `an ordinary user means the own daemon, and else the system's`() throws {
        let both = candidates(try user())
        #expect(both == ["/run/user/7/corral/corral.sock", "/run/corral/corral.sock"])
        #expect(DaemonSocket.choose(both) { _ in true } == both[0])
        #expect(DaemonSocket.choose(both) { $0 == both[1] } == both[1])
        #expect(DaemonSocket.choose(both) { _ in false } == both[0])
    }

    @Test(arguments: ["state=/srv/two", "runtime=/run/two", "socket.path=/run/two/s"])
    func `whoever names a place means that one`(assignment: String) throws {
        let named = candidates(try user(assignment))
        #expect(named.count == 1 && named[0].contains("/two/"))
    }

    @Test func `root means the system's`() {
        #expect(candidates(Settings(place: .system)) == ["/run/corral/corral.sock"])
    }
}
